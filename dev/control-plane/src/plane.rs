//! The control plane as a whole.

mod prepare;
mod readiness;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tokio::process::Command;

use crate::binaries::Binaries;
use crate::certificates::{Authority, Pair};
use crate::error::Error;
use crate::port::Port;
use crate::process::Service;
use crate::progress::in_lines;
use crate::reach::Reach;
use crate::watchdog::Watchdog;
use crate::{apiserver, audit, crds, kubeconfig, kubectl};

/// What the control plane should have.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Run kube-controller-manager too. Without it a deleted namespace stays `Terminating`,
    /// nothing is garbage collected, and Deployments stay without Pods.
    pub controller_manager: bool,
}

/// A running control plane. Dropping it stops everything and removes its folder; the death of
/// this process, of whatever kind, does so too.
pub struct ControlPlane {
    // Fields are dropped in this order: first the clients, and the watchdog after all of them.
    controller_manager: Option<Service>,
    apiserver: Service,
    etcd: Service,
    watchdog: Watchdog,
    port: Port,
    group: i32,
    binaries: Binaries,
    authority: Authority,
    admin: PathBuf,
    users: AtomicU32,
}

impl ControlPlane {
    /// Starts a control plane and waits until it serves, building its programs first if need be
    /// (see [`Binaries::locate_or_build`]; the progress goes to standard error).
    ///
    /// # Errors
    ///
    /// If there are no programs, or one of them does not come up; then with the end of its log.
    pub async fn start(options: Options) -> Result<Self, Error> {
        let binaries =
            Binaries::locate_or_build(options, in_lines(|line| eprintln!("control-plane: {line}"))).await?;
        Self::start_with(binaries, options).await
    }

    /// Like [`ControlPlane::start`], with programs that are there already.
    ///
    /// # Errors
    ///
    /// If a program is missing or does not come up; then with the end of its log.
    pub async fn start_with(binaries: Binaries, options: Options) -> Result<Self, Error> {
        binaries.require(options)?;
        Self::prepare(binaries, options, None)?.run().await
    }

    /// A control plane for a node that runs Pods: with kube-controller-manager, and reachable for them. It takes the
    /// port 443 of every address, so it belongs in a network namespace of its own.
    ///
    /// # Errors
    ///
    /// If a program is missing or does not come up; then with the end of its log.
    pub async fn start_for_pods(binaries: Binaries, reach: Reach) -> Result<Self, Error> {
        let options = Options { controller_manager: true };
        binaries.require(options)?;
        Self::prepare(binaries, options, Some(reach))?.run().await
    }

    async fn run(self) -> Result<Self, Error> {
        let mut plane = self;
        // The apiserver waits for etcd by itself, but the controller manager, if it is first,
        // looks for the apiserver only now and then.
        plane.etcd.start()?;
        plane.apiserver.start()?;
        plane.until_ready().await?;
        if let Some(controller_manager) = &mut plane.controller_manager {
            controller_manager.start()?;
        }
        plane.until_settled().await?;
        Ok(plane)
    }

    /// The folder of this control plane's data and logs, removed at its end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.watchdog.folder()
    }

    /// The programs that it runs.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// The address of the apiserver.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.port)
    }

    /// The kubeconfig of the administrator, who may do everything.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.admin
    }

    /// Makes a kubeconfig for another user, who is a member of `group` if one is given, and may
    /// do what roles allow: at first next to nothing.
    ///
    /// # Errors
    ///
    /// If the files cannot be written.
    pub fn kubeconfig_for(&self, user: &str, group: Option<&str>) -> Result<PathBuf, Error> {
        let file = format!("user-{}", self.users.fetch_add(1, Ordering::Relaxed));
        let pair: Pair = self.authority.user(&file, user, group)?;
        let path = self.folder().join(format!("{file}.kubeconfig"));
        kubeconfig::write(&path, &self.url(), &self.authority.certificate(), &pair)?;
        Ok(path)
    }

    /// kubectl as the administrator. Set `KUBECONFIG` on it to be somebody else. It is killed
    /// when it is dropped, or with the control plane.
    #[must_use]
    pub fn kubectl(&self) -> Command {
        kubectl::command(&self.binaries, &self.admin, &self.folder().join("kubectl-cache"), self.group)
    }

    /// Runs kubectl as the administrator and returns what it prints.
    ///
    /// # Errors
    ///
    /// If it fails; then with what it complains about.
    pub async fn run_kubectl<I>(&self, arguments: I) -> Result<String, Error>
    where
        I: IntoIterator<Item: AsRef<OsStr>>,
    {
        kubectl::run(self.kubectl().args(arguments)).await
    }

    /// Makes a process that `command` will start end with this control plane, even if we are
    /// killed: for an operator under test, or whatever else belongs to it. It is killed without
    /// warning, so whoever wants it to end well stops it before the control plane.
    pub fn adopt(&self, command: &mut Command) {
        self.group().adopt(command);
    }

    /// The same, for whoever starts processes without having the control plane at hand.
    #[must_use]
    pub fn group(&self) -> Group {
        Group(self.group)
    }

    /// Has a tree of control groups removed at the end, when the processes in them are gone.
    ///
    /// # Errors
    ///
    /// If what removes them is gone.
    pub fn guard_cgroups(&self, tree: &Path) -> Result<(), Error> {
        self.watchdog.guard_cgroups(tree)
    }

    /// The certificate of the authority by which servers and users are known.
    #[must_use]
    pub fn certificate_authority(&self) -> PathBuf {
        self.authority.certificate()
    }

    /// Applies the definitions in `folder` (or of one file) and waits until their lists answer.
    ///
    /// # Errors
    ///
    /// If the apiserver refuses one, or does not serve it in time.
    pub async fn apply_crds(&self, folder: &Path) -> Result<(), Error> {
        crds::apply(self, folder).await
    }

    /// The file to which the apiserver writes its audit events, level `Metadata`.
    #[must_use]
    pub fn audit_log(&self) -> PathBuf {
        apiserver::audit_log(self.folder())
    }

    /// All audit events so far: one for each request when it is answered, and for a watch one
    /// when it begins and one when it ends. An event may appear a moment after the answer.
    ///
    /// # Errors
    ///
    /// If the log cannot be read.
    pub fn audit_events(&self) -> Result<Vec<Value>, Error> {
        audit::read(&self.audit_log())
    }

    /// Kills etcd. Its data stay.
    pub fn stop_etcd(&mut self) {
        self.etcd.stop();
    }

    /// Starts etcd again with the same data, and waits until it (and the apiserver, if that
    /// runs) is ready.
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub async fn start_etcd(&mut self) -> Result<(), Error> {
        self.etcd.start()?;
        self.until_ready().await
    }

    /// Kills the apiserver. Connections to its port are refused from then on.
    pub fn stop_apiserver(&mut self) {
        self.apiserver.stop();
    }

    /// Starts the apiserver again on the same port, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub async fn start_apiserver(&mut self) -> Result<(), Error> {
        self.apiserver.start()?;
        self.until_ready().await
    }

    /// Kills the apiserver, which breaks every watch, and starts it again.
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub async fn restart_apiserver(&mut self) -> Result<(), Error> {
        self.stop_apiserver();
        self.start_apiserver().await
    }

    /// Stops everything and removes the folder, as dropping does, and tells whether it worked.
    ///
    /// # Errors
    ///
    /// If the folder is still there.
    pub fn stop(self) -> Result<(), Error> {
        let folder = self.folder().to_owned();
        drop(self);
        if folder.exists() { Err(Error::NotRemoved(folder)) } else { Ok(()) }
    }
}

/// The processes that end with one control plane.
#[derive(Clone, Copy, Debug)]
pub struct Group(i32);

impl Group {
    /// As [`ControlPlane::adopt`].
    pub fn adopt(self, command: &mut Command) {
        command.process_group(self.0);
    }
}

fn url(port: &Port) -> String {
    format!("https://127.0.0.1:{}", port.number())
}
