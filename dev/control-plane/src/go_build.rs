//! Building the programs with Go, from module versions that are pinned here.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::binaries::{BinariesError, missing};
use crate::component::Component;
use crate::module::Module;
use crate::process::tail;
use crate::progress::{Building, Progress};

/// Where a build is under way, in the cache folder.
const STAGING: &str = ".building-";
/// How often it is told how far a build is.
const TICK: Duration = Duration::from_secs(1);
/// How often it is told that another process is waited for.
const WAITING: Duration = Duration::from_secs(10);

/// Builds those of `components`, all of one module, that are missing in `folder`; once: of several processes that want
/// them, the others wait for the first.
pub(crate) async fn build_missing(
    folder: &Path,
    components: &[Component],
    progress: &impl Fn(Progress<'_>),
) -> Result<(), BinariesError> {
    if missing(folder, components).is_empty() {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(BinariesError::file(folder))?;
    let _lock = lock(folder, progress).await?;
    let missing = missing(folder, components);
    let Some(module) = missing.first().map(|component| component.module()) else {
        return Ok(()); // another process has built it meanwhile
    };
    check_go(module).await?;
    remove_leftovers(folder)?;
    let staging = stage(folder, module)?;
    let count = components.len();
    for (index, component) in components.iter().copied().enumerate() {
        let title = format!("{} ({} of {count})", component.name(), index + 1);
        if missing.contains(&component) {
            build(component, &title, staging.path(), folder, progress).await?;
        } else {
            progress(Progress::Said(&format!("{title}: already there")));
        }
    }
    Ok(())
}

/// The lock is the operating system's, so it ends with its holder, however that ends.
async fn lock(folder: &Path, progress: &impl Fn(Progress<'_>)) -> Result<File, BinariesError> {
    let path = folder.join(".lock");
    let file = File::create(&path).map_err(BinariesError::file(&path))?;
    let start = Instant::now();
    let mut said: Option<Instant> = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                if said.is_none_or(|said| said.elapsed() >= WAITING) {
                    let seconds = start.elapsed().as_secs();
                    let line = format!("another process is building these programs; waiting ({seconds} s)");
                    progress(Progress::Said(&line));
                    said = Some(Instant::now());
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
            Err(TryLockError::Error(source)) => return Err(BinariesError::File { path, source }),
        }
    }
}

async fn check_go(module: Module) -> Result<(), BinariesError> {
    match Command::new("go").arg("version").stdout(Stdio::null()).status().await {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(BinariesError::NoGo { version: module.go_version() })
        }
        Err(source) => Err(BinariesError::File { path: "go".into(), source }),
        Ok(_) => Ok(()),
    }
}

/// Whoever was killed here could not clean up. Only the holder of the lock builds, so nothing
/// of this kind can be in use.
fn remove_leftovers(folder: &Path) -> Result<(), BinariesError> {
    for entry in fs::read_dir(folder).map_err(BinariesError::file(folder))? {
        let entry = entry.map_err(BinariesError::file(folder))?;
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            let path = entry.path();
            fs::remove_dir_all(&path).map_err(BinariesError::file(&path))?;
        }
    }
    Ok(())
}

/// A folder with the pinned modules, on the file system where the programs will be, so that a
/// finished one can be renamed into its place.
fn stage(folder: &Path, module: Module) -> Result<TempDir, BinariesError> {
    let staging =
        tempfile::Builder::new().prefix(STAGING).tempdir_in(folder).map_err(BinariesError::file(folder))?;
    let own = module.source();
    let pinned = [("go.mod", module.go_mod()), ("go.sum", module.go_sum())];
    for (name, content) in pinned.into_iter().chain(own) {
        let path = staging.path().join(name);
        let parent = path.parent().unwrap_or(staging.path());
        fs::create_dir_all(parent).map_err(BinariesError::file(parent))?;
        fs::write(&path, content).map_err(BinariesError::file(&path))?;
    }
    Ok(staging)
}

async fn build(
    component: Component,
    title: &str,
    staging: &Path,
    folder: &Path,
    progress: &impl Fn(Progress<'_>),
) -> Result<(), BinariesError> {
    let name = component.name();
    let (built, log) = (staging.join(name), staging.join("go.log"));
    let output = File::create(&log).map_err(BinariesError::file(&log))?;
    progress(Progress::Said(&format!("{title}: building")));
    let start = Instant::now();
    let mut command = Command::new("go");
    if component.module().is_pure_go() {
        command.env("CGO_ENABLED", "0");
    }
    let mut go = command
        .args(["build", "-v"])
        .args(component.module().flags())
        .arg("-o")
        .arg(&built)
        .arg(component.package())
        .current_dir(staging)
        // A go.work in a folder above must not take over.
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .kill_on_drop(true)
        .spawn()
        .map_err(BinariesError::file(Path::new("go")))?;
    let building = Building { title, done: 0, total: None, so_far: Duration::ZERO };
    let success = finish(&mut go, building, packages(component, staging), &log, progress).await?;
    if !success {
        return Err(BinariesError::Build { name, output: tail(&log) });
    }
    let place = folder.join(name);
    fs::rename(&built, &place).map_err(BinariesError::file(&place))?;
    progress(Progress::Said(&format!("{title}: built in {} s", start.elapsed().as_secs())));
    Ok(())
}

/// The folder of a published module, `PATH@VERSION`: for what it carries beside its code.
pub(crate) async fn download(module: &str) -> Result<PathBuf, BinariesError> {
    let output = Command::new("go")
        .args(["mod", "download", "-json", module])
        .env("GOWORK", "off")
        .current_dir(std::env::temp_dir())
        .output()
        .await
        .map_err(BinariesError::file(Path::new("go")))?;
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    answer["Dir"].as_str().map(PathBuf::from).ok_or_else(|| BinariesError::Module {
        module: module.to_owned(),
        output: answer["Error"]
            .as_str()
            .map_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned(), str::to_owned),
    })
}

/// How many packages a program is made of.
async fn packages(component: Component, staging: &Path) -> Option<usize> {
    let listed = Command::new("go")
        .args(["list", "-deps", component.package()])
        .current_dir(staging)
        .env("GOWORK", "off")
        .kill_on_drop(true)
        .output();
    Some(listed.await.ok()?.stdout.split(|byte| *byte == b'\n').count()).filter(|count| *count > 1)
}

/// Waits for go, which writes down each package that it compiles, and tells how far it is.
async fn finish(
    go: &mut Child,
    mut building: Building<'_>,
    packages: impl Future<Output = Option<usize>>,
    log: &Path,
    progress: &impl Fn(Progress<'_>),
) -> Result<bool, BinariesError> {
    let start = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let (mut packages, mut listed) = (pin!(packages), false);
    loop {
        tokio::select! {
            status = go.wait() => return Ok(status.map_err(BinariesError::file(Path::new("go")))?.success()),
            total = &mut packages, if !listed => (building.total, listed) = (total, true),
            _ = ticks.tick() => {
                let said = fs::read_to_string(log).unwrap_or_default();
                building.done = said.lines().filter(|line| !line.starts_with("go: ")).count();
                building.so_far = start.elapsed();
                progress(Progress::Building(building));
            }
        }
    }
}
