//! Finding the programs: where the user has them, or built once and kept.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::component::Component;
use crate::module::Module;
use crate::plane::Options;
use crate::progress::Progress;
use crate::{envtest, go_build, kubectl};

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
    #[error("neither XDG_CACHE_HOME nor HOME is set: nowhere to keep what is built")]
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
    /// Go could not bring a module.
    #[error("{module} cannot be had: {output}")]
    Module {
        /// Which, with its version.
        module: String,
        /// What go said.
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

/// The programs of a control plane, in the folders where they were found.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// In the order in which a program is looked for.
    folders: Vec<PathBuf>,
}

impl Binaries {
    /// The programs that a control plane with these options runs. Taken is, in this order: the folder that
    /// `KUBEBUILDER_ASSETS` names; what `setup-envtest` keeps; what was built here before; what `setup-envtest` can fetch
    /// within a minute, unless `OFFLINE=1`; and what is built from source, which takes minutes. `progress` tells line by
    /// line.
    ///
    /// # Errors
    ///
    /// If the named folder is incomplete, or Go is missing or fails.
    pub async fn locate_or_build(
        options: Options,
        progress: impl Fn(Progress<'_>) + Send + Sync,
    ) -> Result<Self, BinariesError> {
        let found = if let Some(assets) = variable("KUBEBUILDER_ASSETS") {
            progress(Progress::Said("the programs are those of KUBEBUILDER_ASSETS"));
            return Self::in_assets(Path::new(&assets), options);
        } else {
            Self::without_assets(&cache()?, &progress).await?
        };
        if options.controller_manager && !found.missing(&[Component::KubeControllerManager]).is_empty() {
            let folder = Module::Kubernetes.folder(&cache()?);
            go_build::build_missing(&folder, &[Component::KubeControllerManager], &progress).await?;
        }
        Ok(found)
    }

    async fn without_assets(
        cache: &Path,
        progress: &(impl Fn(Progress<'_>) + Send + Sync),
    ) -> Result<Self, BinariesError> {
        let built = Module::Kubernetes.folder(cache);
        // What is built from source beside those that were downloaded, kube-controller-manager for one, is of their minor version.
        let with = |folder: PathBuf| Self { folders: vec![folder, built.clone()] };
        if let Some(kept) = envtest::kept() {
            let line = format!("the programs are those of setup-envtest, in {}", kept.display());
            progress(Progress::Said(&line));
            return Ok(with(kept));
        }
        let on_path = kubectl::on_path().await;
        let wanted: Vec<_> = Component::CONTROL_PLANE
            .into_iter()
            .filter(|component| *component != Component::Kubectl || on_path.is_none())
            .collect();
        if !missing(&built, &wanted).is_empty() {
            match envtest::fetch(cache, progress).await {
                Ok(fetched) => return Ok(with(fetched)),
                Err(why) => progress(Progress::Said(&format!("{why}; the programs are built from source"))),
            }
            go_build::build_missing(&built, &wanted, progress).await?;
        }
        Ok(Self { folders: [Some(built), on_path].into_iter().flatten().collect() })
    }

    /// The programs in a folder that was made elsewhere.
    ///
    /// # Errors
    ///
    /// If one is missing that a control plane with these options runs.
    pub fn in_assets(folder: &Path, options: Options) -> Result<Self, BinariesError> {
        let found = Self { folders: vec![folder.to_owned()] };
        found.require(options)?;
        // Children run in other folders, so a relative name would not be found.
        let folder = folder.canonicalize().map_err(BinariesError::file(folder))?;
        Ok(Self { folders: vec![folder] })
    }

    /// The file of one program.
    #[must_use]
    pub fn path(&self, component: Component) -> PathBuf {
        let paths = || self.folders.iter().map(|folder| folder.join(component.name()));
        paths().find(|path| path.is_file()).or_else(|| paths().next()).unwrap_or_default()
    }

    /// The folder of kubectl.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path(Component::Kubectl).parent().map(Path::to_owned).unwrap_or_default()
    }

    /// An error that names those that are not there of what a control plane with these options runs.
    pub(crate) fn require(&self, options: Options) -> Result<(), BinariesError> {
        let more = options.controller_manager.then_some(Component::KubeControllerManager);
        let wanted: Vec<_> = Component::CONTROL_PLANE.into_iter().chain(more).collect();
        let missing = self.missing(&wanted);
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = missing.into_iter().map(Component::name).collect();
        let folder = self.folders.first().cloned().unwrap_or_default();
        Err(BinariesError::Assets { folder, missing: names.join(", no ") })
    }

    fn missing(&self, components: &[Component]) -> Vec<Component> {
        components.iter().copied().filter(|component| !self.path(*component).is_file()).collect()
    }

    /// A `PATH` on which these programs come before all others.
    pub(crate) fn first_on_path(&self) -> OsString {
        let rest = variable("PATH").into_iter().flat_map(|path| env::split_paths(&path).collect::<Vec<_>>());
        env::join_paths(self.folders.iter().cloned().chain(rest)).unwrap_or_default()
    }
}

/// A program that is no part of every control plane, built first if it is not in the cache.
///
/// # Errors
///
/// If Go is missing or fails.
pub async fn program(
    component: Component,
    progress: impl Fn(Progress<'_>) + Send + Sync,
) -> Result<PathBuf, BinariesError> {
    let folder = component.module().folder(&cache()?);
    go_build::build_missing(&folder, &[component], &progress).await?;
    Ok(folder.join(component.name()))
}

/// The folder of the version of a module that these programs are built from, for what it carries beside its code. Of
/// `source-controller`, whose version is that of its API, for one.
///
/// # Errors
///
/// If Go cannot bring it.
pub async fn flux_module(name: &str) -> Result<PathBuf, BinariesError> {
    let path = format!("github.com/fluxcd/{name}");
    let version = [format!("{path} "), format!("{path}/api ")]
        .iter()
        .map(|line| Module::Flux.pinned(line))
        .find(|version| !version.is_empty());
    go_build::download(&format!("{path}@{}", version.unwrap_or("latest"))).await
}

/// Those of `components` that are not in that folder.
pub(crate) fn missing(folder: &Path, components: &[Component]) -> Vec<Component> {
    components.iter().copied().filter(|component| !folder.join(component.name()).is_file()).collect()
}

/// An empty variable is as good as none.
pub(crate) fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// Outside the clone, so that a fresh clone finds the programs.
fn cache() -> Result<PathBuf, BinariesError> {
    cache_folder(variable("XDG_CACHE_HOME"), variable("HOME"))
}

fn cache_folder(xdg: Option<OsString>, home: Option<OsString>) -> Result<PathBuf, BinariesError> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let cache = xdg
        .and_then(absolute)
        .or_else(|| home.map(|home| Path::new(&home).join(OsStr::new(".cache"))))
        .ok_or(BinariesError::NoCache)?;
    Ok(cache.join("vobiz-operator"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_missing_in_the_assets_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubectl"), "").unwrap();
        let error = Binaries::in_assets(folder.path(), Options::default()).unwrap_err().to_string();
        assert!(error.contains("which has no kube-apiserver, no etcd;"), "{error}");
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
    }

    #[test]
    fn the_assets_need_no_controller_manager_until_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["etcd", "kube-apiserver", "kubectl"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert!(Binaries::in_assets(folder.path(), Options::default()).is_ok());
        let error = Binaries::in_assets(folder.path(), Options { controller_manager: true }).unwrap_err();
        assert!(error.to_string().contains("no kube-controller-manager"), "{error}");
    }

    #[test]
    fn the_cache_is_in_the_xdg_folder_else_in_the_home_folder() {
        let xdg = cache_folder(Some("/x".into()), Some("/h".into())).unwrap();
        let home = cache_folder(None, Some("/h".into())).unwrap();
        let relative = cache_folder(Some("x".into()), Some("/h".into())).unwrap();
        assert_eq!(xdg, Path::new("/x/vobiz-operator"));
        assert_eq!(home, Path::new("/h/.cache/vobiz-operator"));
        assert_eq!(relative, home);
        assert!(matches!(cache_folder(None, None), Err(BinariesError::NoCache)));
    }
}
