//! The programs of a node.

use std::path::{Path, PathBuf};

use control_plane::{Binaries, Component, Options, Progress, program};

use crate::Error;

/// Where Linux distributions put the plugins that give a Pod its network.
const PLUGINS: [&str; 4] = ["/usr/lib/cni", "/usr/libexec/cni", "/opt/cni/bin", "/usr/local/lib/cni"];
/// What a node covers with folders of its own.
const COVERED: [&str; 3] = ["/run", "/var/lib", "/var/log"];

/// Files, all of which are there.
#[derive(Clone, Debug)]
pub struct Programs {
    pub(crate) control_plane: Binaries,
    pub(crate) scheduler: PathBuf,
    pub(crate) kubelet: PathBuf,
    /// The shim lies beside it.
    pub(crate) containerd: PathBuf,
    pub(crate) ctr: PathBuf,
    pub(crate) helm: PathBuf,
    pub(crate) plugins: PathBuf,
}

impl Programs {
    /// Finds them, and builds those first that are not there yet.
    ///
    /// # Errors
    ///
    /// If one cannot be built, or the node would not see it.
    pub async fn locate_or_build(progress: &(impl Fn(Progress<'_>) + Send + Sync)) -> Result<Self, Error> {
        let found = Self {
            control_plane: Binaries::locate_or_build(Options { controller_manager: true }, progress).await?,
            scheduler: program(Component::KubeScheduler, progress).await?,
            kubelet: program(Component::Kubelet, progress).await?,
            containerd: program(Component::Containerd, progress).await?,
            ctr: program(Component::Ctr, progress).await?,
            helm: program(Component::Helm, progress).await?,
            plugins: plugins()?,
        };
        program(Component::ContainerdShim, progress).await?;
        for path in [&found.kubelet, &found.containerd, &std::env::temp_dir()] {
            visible(path)?;
        }
        Ok(found)
    }
}

fn plugins() -> Result<PathBuf, Error> {
    let folders = PLUGINS.iter().map(Path::new);
    folders.into_iter().find(|folder| folder.join("bridge").exists()).map(Path::to_owned).ok_or_else(|| {
        Error::File {
            path: PLUGINS.join(", ").into(),
            source: std::io::Error::other("no CNI plugins (containernetworking-plugins)"),
        }
    })
}

fn visible(path: &Path) -> Result<(), Error> {
    let Some(cover) = COVERED.into_iter().find(|cover| path.starts_with(cover)) else { return Ok(()) };
    let why = format!("the node has a {cover} of its own; set TMPDIR and XDG_CACHE_HOME to other places");
    Err(Error::File { path: path.to_owned(), source: std::io::Error::other(why) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_node_could_not_see_is_refused_before_it_is_started() {
        assert!(visible(Path::new("/tmp/x")).is_ok());
        assert!(visible(Path::new("/var/library/x")).is_ok());
        assert!(visible(Path::new("/var/lib/ci/x")).unwrap_err().to_string().contains("XDG_CACHE_HOME"));
    }
}
