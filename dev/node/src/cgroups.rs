//! The control groups of the node's Pods.

use std::path::{Path, PathBuf};

use control_plane::ControlPlane;

use crate::Error;

const ROOT: &str = "/sys/fs/cgroup";
/// There on a machine that has control groups of version 2 only.
const CONTROLLERS: &str = "cgroup.controllers";
const ENABLED: &str = "cgroup.subtree_control";
/// What the kubelet limits Pods with.
const NEEDED: [&str; 4] = ["cpu", "cpuset", "memory", "pids"];
/// A new group has none of these in version 1, and nothing can run in it.
const CPUSET: [&str; 2] = ["cpuset.cpus", "cpuset.mems"];

/// Makes a group of that name in every hierarchy, all of which end with the control plane.
pub(crate) fn make(name: &str, plane: &ControlPlane) -> Result<(), Error> {
    let root = Path::new(ROOT);
    if root.join(CONTROLLERS).exists() {
        enable_controllers(root)?;
        return make_in(root, name, plane).map(drop);
    }
    for hierarchy in hierarchies(root)? {
        let group = make_in(&hierarchy, name, plane)?;
        for file in CPUSET.into_iter().filter(|file| hierarchy.join(file).exists()) {
            copy(&hierarchy.join(file), &group.join(file))?;
        }
    }
    Ok(())
}

fn make_in(hierarchy: &Path, name: &str, plane: &ControlPlane) -> Result<PathBuf, Error> {
    let group = hierarchy.join(name);
    plane.guard_cgroups(&group)?;
    std::fs::create_dir(&group).map_err(Error::file(&group))?;
    Ok(group)
}

/// Version 2 gives a group only the controllers that its parent hands down. Where an init system has handed them down
/// already, nothing is changed.
fn enable_controllers(root: &Path) -> Result<(), Error> {
    let file = root.join(ENABLED);
    let enabled = std::fs::read_to_string(&file).map_err(Error::file(&file))?;
    let missing = NEEDED.iter().filter(|controller| !enabled.split_whitespace().any(|it| it == **controller));
    missing.into_iter().try_for_each(|controller| {
        std::fs::write(&file, format!("+{controller}")).map_err(Error::file(&file))
    })
}

/// The folders of version 1, one for each controller. Some are links to others.
fn hierarchies(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(Error::file(root))? {
        let entry = entry.map_err(Error::file(root))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let text = std::fs::read_to_string(from).map_err(Error::file(from))?;
    std::fs::write(to, text).map_err(Error::file(to))
}
