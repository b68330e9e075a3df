//! The pinned Go modules that the programs are built from, one folder below `modules/` each.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Programs that are built from the same versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Module {
    Kubernetes,
    Containerd,
    Helm,
    Flux,
    Lua,
    Envtest,
}

impl Module {
    const fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Containerd => "containerd",
            Self::Helm => "helm",
            Self::Flux => "flux",
            Self::Lua => "lua",
            Self::Envtest => "envtest",
        }
    }

    pub(crate) const fn go_mod(self) -> &'static str {
        match self {
            Self::Kubernetes => include_str!("../modules/kubernetes/go.mod"),
            Self::Containerd => include_str!("../modules/containerd/go.mod"),
            Self::Helm => include_str!("../modules/helm/go.mod"),
            Self::Flux => include_str!("../modules/flux/go.mod"),
            Self::Lua => include_str!("../modules/lua/go.mod"),
            Self::Envtest => include_str!("../modules/envtest/go.mod"),
        }
    }

    pub(crate) const fn go_sum(self) -> &'static str {
        match self {
            Self::Kubernetes => include_str!("../modules/kubernetes/go.sum"),
            Self::Containerd => include_str!("../modules/containerd/go.sum"),
            Self::Helm => include_str!("../modules/helm/go.sum"),
            Self::Flux => include_str!("../modules/flux/go.sum"),
            Self::Lua => include_str!("../modules/lua/go.sum"),
            Self::Envtest => include_str!("../modules/envtest/go.sum"),
        }
    }

    /// A program of our own, where what the module offers is a library: its file, and what is in it.
    pub(crate) const fn source(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Flux => Some(("cmd/kstatus/main.go", include_str!("../modules/flux/cmd/kstatus/main.go"))),
            Self::Kubernetes | Self::Containerd | Self::Helm | Self::Lua | Self::Envtest => None,
        }
    }

    /// Where its programs are kept: named by what they are built from, so that another version is not taken for them.
    pub(crate) fn folder(self, cache: &Path) -> PathBuf {
        let mut digest = Sha256::new();
        digest.update(self.go_mod());
        digest.update(self.go_sum());
        digest.update(self.source().unwrap_or_default().1);
        let name = digest.finalize().iter().take(6).fold(String::new(), |mut name, byte| {
            let _ = write!(name, "{byte:02x}"); // a String takes everything
            name
        });
        cache.join(self.name()).join(name)
    }

    /// What `go build` is told beside the package.
    pub(crate) fn flags(self) -> Vec<String> {
        let mut flags = vec!["-trimpath".to_owned(), "-ldflags".to_owned(), self.link_flags()];
        if self == Self::Containerd {
            // File systems that need C libraries, and that no test uses.
            flags.extend(["-tags".to_owned(), "no_btrfs no_devmapper no_zfs".to_owned()]);
        }
        flags
    }

    /// Whether its programs do without C. containerd's are started where the C library may be another one.
    pub(crate) fn is_pure_go(self) -> bool {
        self == Self::Containerd
    }

    /// Without the version the programs of Kubernetes call themselves v0.0.0, and clients that look are confused.
    fn link_flags(self) -> String {
        if self != Self::Kubernetes {
            return "-s -w".to_owned();
        }
        let version = self.pinned("k8s.io/kubernetes ");
        let mut numbers = version.trim_start_matches('v').split('.');
        let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let package = "k8s.io/component-base/version";
        format!(
            "-s -w -X {package}.gitVersion={version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor}"
        )
    }

    /// The oldest Go that will do.
    pub(crate) fn go_version(self) -> &'static str {
        self.pinned("go ")
    }

    /// The word after `prefix` on its line of go.mod.
    pub(crate) fn pinned(self, prefix: &str) -> &'static str {
        let rest = self.go_mod().lines().find_map(|line| line.trim_start().strip_prefix(prefix));
        rest.and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;
    use crate::Component;

    #[test]
    fn the_versions_are_read_from_the_pinned_modules() {
        let version = Module::Kubernetes.pinned("k8s.io/kubernetes ");
        assert!(version.starts_with("v1."), "{version}");
        let minor = version.split('.').nth(1).unwrap();
        let flags = Module::Kubernetes.link_flags();
        assert!(flags.ends_with(&format!("gitMinor={minor}")), "{flags}");
        assert!(!version.contains(char::is_whitespace));
        for &component in Component::VARIANTS {
            let version = component.module().go_version();
            assert!(version.starts_with("1."), "{}: {version}", component.name());
        }
    }

    #[test]
    fn every_program_is_a_tool_of_its_module() {
        for &component in Component::VARIANTS {
            let module = component.module();
            if module.source().is_some_and(|(file, _)| {
                component.package().trim_start_matches("./") == file.trim_end_matches("/main.go")
            }) {
                continue;
            }
            let is_tool = module
                .go_mod()
                .lines()
                .any(|line| line.trim().trim_start_matches("tool ").trim_start() == component.package());
            assert!(is_tool, "{} is not pinned in {}", component.name(), module.name());
        }
    }
}
