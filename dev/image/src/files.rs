//! The files of the image.

/// Where the operator looks for the roots that it trusts, as on any Linux.
pub const ROOTS: &str = "etc/ssl/certs/ca-certificates.crt";

/// The operator's place, on the path of whoever executes something in the container.
pub const BINARY: &str = "usr/local/bin/vobiz-operator";

/// What the image is made of.
pub const SBOM: &str = "usr/share/sbom/vobiz-operator.cdx.json";

/// The user, without rights: by number, because Kubernetes can check nothing else before it starts a container.
pub const USER: &str = "65532:65532";

const PASSWD: &str = "root:x:0:0:root:/:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/:/sbin/nologin\n";
const GROUP: &str = "root:x:0:\nnonroot:x:65532:\n";
/// Without it the resolver asks DNS before /etc/hosts, and `hostAliases` would come second.
const NSSWITCH: &str = "hosts: files dns\n";

/// A file of the image.
pub struct File {
    pub path: &'static str,
    pub mode: u32,
    pub content: Vec<u8>,
}

/// The image's file system: folders before what is in them, all of it owned by root.
pub struct FileTree {
    pub folders: Vec<&'static str>,
    pub files: Vec<File>,
}

impl FileTree {
    pub fn new(binary: Vec<u8>, roots: &str, sbom: &str) -> Self {
        let readable = |path, content: &str| File { path, mode: 0o644, content: content.into() };
        Self {
            folders: vec![
                "etc/",
                "etc/ssl/",
                "etc/ssl/certs/",
                "usr/",
                "usr/local/",
                "usr/local/bin/",
                "usr/share/",
                "usr/share/sbom/",
            ],
            files: vec![
                readable("etc/group", GROUP),
                readable("etc/nsswitch.conf", NSSWITCH),
                readable("etc/passwd", PASSWD),
                readable(ROOTS, roots),
                File { path: BINARY, mode: 0o755, content: binary },
                readable(SBOM, sbom),
            ],
        }
    }
}
