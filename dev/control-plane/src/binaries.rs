//! Finding the programs: where the user has them, or built once and kept.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::go_build;

/// The programs that are built, in the order in which they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Component {
    /// The apiserver.
    KubeApiserver,
    /// The controllers of Kubernetes itself.
    KubeControllerManager,
    /// The command line client.
    Kubectl,
    /// The store behind the apiserver.
    Etcd,
}

impl Component {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::KubeApiserver, Self::KubeControllerManager, Self::Kubectl, Self::Etcd];

    /// The name of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KubeApiserver => "kube-apiserver",
            Self::KubeControllerManager => "kube-controller-manager",
            Self::Kubectl => "kubectl",
            Self::Etcd => "etcd",
        }
    }
}

/// Why there are no programs to run.
#[derive(Debug, thiserror::Error)]
pub enum BinariesError {
    /// `KUBEBUILDER_ASSETS` names a folder that lacks something.
    #[error(
        "KUBEBUILDER_ASSETS is {}, which has no {missing}; add it, or unset KUBEBUILDER_ASSETS \
         to have the control plane built with Go",
        folder.display()
    )]
    Assets {
        /// The folder.
        folder: PathBuf,
        /// What it lacks.
        missing: String,
    },
    /// There is no place to keep what is built.
    #[error("neither XDG_CACHE_HOME nor HOME is set: nowhere to keep the control plane's programs")]
    NoCache,
    /// Go is not installed.
    #[error(
        "go was not found; the control plane is built with Go {version} or newer: \
         get it from https://go.dev/dl/ (or name a folder with etcd, kube-apiserver and \
         kubectl in KUBEBUILDER_ASSETS)"
    )]
    NoGo {
        /// The oldest version that will do.
        version: &'static str,
    },
    /// Go could not build a program.
    #[error("{name} could not be built; the last that go said:\n{output}")]
    Build {
        /// Which program.
        name: &'static str,
        /// The end of go's output.
        output: String,
    },
    /// A file or folder of the build could not be used.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl BinariesError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::File { path: path.to_owned(), source }
    }
}

/// A folder with the programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// The programs in the folder that `KUBEBUILDER_ASSETS` names, if it is set; else those in
    /// the cache, where the missing ones are built first. A first build takes minutes, which
    /// `progress` tells line by line.
    ///
    /// # Errors
    ///
    /// If the named folder is incomplete, or Go is missing or fails.
    pub async fn locate_or_build(progress: impl Fn(&str) + Send + Sync) -> Result<Self, BinariesError> {
        if let Some(assets) = variable("KUBEBUILDER_ASSETS") {
            return Self::in_assets(Path::new(&assets));
        }
        let folder = cache_folder(variable("XDG_CACHE_HOME"), variable("HOME"))?;
        let found = Self { folder };
        if !found.missing(&Component::ALL).is_empty() {
            go_build::build_missing(&found, &progress).await?;
        }
        Ok(found)
    }

    /// The programs in a folder that was made by somebody else. kube-controller-manager may be
    /// missing there: it is looked for when it is wanted.
    ///
    /// # Errors
    ///
    /// If etcd, kube-apiserver or kubectl is missing.
    pub fn in_assets(folder: &Path) -> Result<Self, BinariesError> {
        let found = Self { folder: folder.to_owned() };
        found.require(&[Component::Etcd, Component::KubeApiserver, Component::Kubectl])?;
        // Children run in other folders, so a relative name would not be found.
        let folder = folder.canonicalize().map_err(BinariesError::file(folder))?;
        Ok(Self { folder })
    }

    /// The folder that they are all in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file of one program.
    #[must_use]
    pub fn path(&self, component: Component) -> PathBuf {
        self.folder.join(component.name())
    }

    /// An error that names those of `components` that are not there.
    pub(crate) fn require(&self, components: &[Component]) -> Result<(), BinariesError> {
        let missing = self.missing(components);
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = missing.into_iter().map(Component::name).collect();
        Err(BinariesError::Assets { folder: self.folder.clone(), missing: names.join(", no ") })
    }

    pub(crate) fn missing(&self, components: &[Component]) -> Vec<Component> {
        components.iter().copied().filter(|component| !self.path(*component).is_file()).collect()
    }

    /// A `PATH` on which these programs come before all others.
    pub(crate) fn first_on_path(&self) -> OsString {
        let mut path = self.folder.clone().into_os_string();
        if let Some(rest) = variable("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }
}

/// An empty variable is as good as none.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Outside the clone, so that a fresh clone finds the programs, and named by what they are
/// built from, so that another version does not.
fn cache_folder(xdg: Option<OsString>, home: Option<OsString>) -> Result<PathBuf, BinariesError> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let cache = xdg
        .and_then(absolute)
        .or_else(|| home.map(|home| Path::new(&home).join(OsStr::new(".cache"))))
        .ok_or(BinariesError::NoCache)?;
    let mut digest = Sha256::new();
    digest.update(go_build::GO_MOD);
    digest.update(go_build::GO_SUM);
    let name = digest.finalize().iter().take(6).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}"); // a String takes everything
        name
    });
    Ok(cache.join("vobiz-operator").join("control-plane").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_in_the_assets_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubectl"), "").unwrap();
        let error = Binaries::in_assets(folder.path()).unwrap_err().to_string();
        assert!(error.contains("which has no etcd, no kube-apiserver;"), "{error}");
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }

    #[test]
    fn the_assets_need_no_controller_manager_until_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let binaries = Binaries::in_assets(folder.path()).unwrap();
        let error = binaries.require(&[Component::KubeControllerManager]).unwrap_err();
        assert!(error.to_string().contains("no kube-controller-manager"), "{error}");
    }

    #[test]
    fn the_cache_is_in_the_xdg_folder_else_in_the_home_folder() {
        let xdg = cache_folder(Some("/x".into()), Some("/h".into())).unwrap();
        let home = cache_folder(None, Some("/h".into())).unwrap();
        let relative = cache_folder(Some("x".into()), Some("/h".into())).unwrap();
        assert!(xdg.starts_with("/x/vobiz-operator/control-plane"));
        assert!(home.starts_with("/h/.cache/vobiz-operator/control-plane"));
        assert_eq!(relative, home);
        assert_eq!(home.file_name().unwrap().len(), 12);
        assert!(matches!(cache_folder(None, None), Err(BinariesError::NoCache)));
    }
}
