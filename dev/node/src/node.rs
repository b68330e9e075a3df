//! The node as a whole.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use control_plane::{Component, ControlPlane, Reach};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

use crate::network::{NODE, SERVICE};
use crate::programs::Programs;
use crate::settings::{HEALTH, SOCKET};
use crate::{Error, cgroups, command, sandbox, settings};

const NAME: &str = "node-1";
const BOX: &str = include_str!("../box.sh");
/// Where the kubelet looks for images and containers.
const NAMESPACE: &str = "k8s.io";
/// Ample: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(200);
const LOG_LINES: usize = 20;

/// A running node with its control plane. Dropping it ends and removes everything, and so does the end of this
/// process, of whatever kind.
pub struct Node {
    // Dropped in this order: the box's end takes every container along.
    orders: Mutex<ChildStdin>,
    container_box: Child,
    _scheduler: Child,
    kubelet_user: PathBuf,
    programs: Programs,
    plane: ControlPlane,
}

impl Node {
    /// Starts a node in this network namespace, which [`crate::set_up_network`] has set up, and waits until it takes
    /// Pods. `pause` is a static program that does nothing.
    ///
    /// # Errors
    ///
    /// If something of it does not come up; then with the end of the log.
    pub async fn start(programs: Programs, pause: &Path) -> Result<Self, Error> {
        let reach = Reach { node: NODE, service: SERVICE };
        let plane = ControlPlane::start_for_pods(programs.control_plane.clone(), reach).await?;
        let state = plane.folder().to_owned();
        let cgroup = format!("node-{}", std::process::id());
        cgroups::make(&cgroup, &plane)?;
        settings::write(&state, &programs.plugins, &plane.certificate_authority(), &cgroup)?;
        let kubelet_user = plane.kubeconfig_for(&format!("system:node:{NAME}"), Some("system:nodes"))?;
        let scheduler = scheduler(&programs, &plane)?;
        let mut container_box = start_box(&programs, &plane)?;
        let orders = container_box.stdin.take().ok_or_else(|| Error::Ended(String::new()))?;
        let orders = Mutex::new(orders);
        let node = Self { orders, container_box, _scheduler: scheduler, kubelet_user, programs, plane };
        node.until("containerd answers", "containerd", async || node.run_ctr(["version"]).await.is_ok())
            .await?;
        let archive = state.join("pause.tar");
        sandbox::pack(pause, &archive)?;
        node.import(&archive).await?;
        node.start_kubelet().await?;
        Ok(node)
    }

    /// The folder of everything that the node writes, removed at its end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.plane.folder()
    }

    /// The control plane.
    #[must_use]
    pub fn plane(&self) -> &ControlPlane {
        &self.plane
    }

    /// The process that keeps the box, for `nsenter`.
    #[must_use]
    pub fn container_box(&self) -> Option<u32> {
        self.container_box.id()
    }

    /// The folders of kubectl, helm and ctr.
    #[must_use]
    pub fn tools(&self) -> [PathBuf; 3] {
        let folder = |program: &Path| program.parent().map(Path::to_owned).unwrap_or_default();
        [self.programs.control_plane.folder(), folder(&self.programs.helm), folder(&self.programs.ctr)]
    }

    /// Runs kubectl as the administrator.
    ///
    /// # Errors
    ///
    /// If it fails; then with what it complains about.
    pub async fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> Result<String, Error> {
        command::run(self.plane.kubectl().args(arguments), "").await
    }

    /// Runs kubectl with something to read.
    ///
    /// # Errors
    ///
    /// If it fails; then with what it complains about.
    pub async fn kubectl_with(&self, input: &str, arguments: &[&str]) -> Result<String, Error> {
        command::run(self.plane.kubectl().args(arguments), input).await
    }

    /// Runs helm as the administrator, with nothing of the user's own.
    ///
    /// # Errors
    ///
    /// If it fails; then with what it complains about.
    pub async fn helm(&self, arguments: &[&str]) -> Result<String, Error> {
        let home = self.folder().join("helm");
        let mut helm = Command::new(&self.programs.helm);
        helm.args(arguments)
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("HELM_CACHE_HOME", &home)
            .env("HELM_CONFIG_HOME", &home)
            .env("HELM_DATA_HOME", &home);
        self.plane.adopt(&mut helm);
        command::run(&mut helm, "").await
    }

    /// Loads the images of an archive.
    ///
    /// # Errors
    ///
    /// If containerd refuses it.
    pub async fn import(&self, archive: &Path) -> Result<String, Error> {
        let archive = archive.to_string_lossy();
        self.run_ctr(["images", "import", archive.as_ref()]).await
    }

    /// Runs containerd's own client.
    ///
    /// # Errors
    ///
    /// If it fails; then with what it complains about.
    pub async fn run_ctr<const N: usize>(&self, arguments: [&str; N]) -> Result<String, Error> {
        let mut ctr = Command::new(&self.programs.ctr);
        ctr.arg("--address").arg(self.folder().join(SOCKET)).args(["--namespace", NAMESPACE]).args(arguments);
        self.plane.adopt(&mut ctr);
        command::run(&mut ctr, "").await
    }

    /// Kills the kubelet, and waits until it is gone. Its containers go on.
    ///
    /// # Errors
    ///
    /// If it does not end.
    pub async fn kill_kubelet(&self) -> Result<(), Error> {
        self.order("kill-kubelet").await?;
        self.until("the kubelet is gone", "kubelet", async || !healthy().await).await
    }

    /// Starts the kubelet, and waits until the node takes Pods.
    ///
    /// # Errors
    ///
    /// If it does not come up.
    pub async fn start_kubelet(&self) -> Result<(), Error> {
        self.order(&format!("start-kubelet {}", self.kubelet_user.display())).await?;
        self.until("the kubelet is well", "kubelet", async || healthy().await).await?;
        let name = format!("node/{NAME}");
        self.until("the node is ready", "kubelet", async || {
            let ready = ["wait", "--for=condition=Ready", "--timeout=10s", &name];
            self.kubectl(ready).await.is_ok()
        })
        .await
    }

    /// Kills the first process of a container, as the kernel does when memory runs out.
    ///
    /// # Errors
    ///
    /// If there is no such container.
    pub async fn kill_container(&self, id: &str) -> Result<(), Error> {
        let Some(process) = self.process(id).await? else {
            return Err(Error::Failed { command: format!("kill {id}"), output: "it does not run".into() });
        };
        self.order(&format!("kill {process}")).await?;
        self.until("the container is gone", "containerd", async || {
            self.process(id).await.is_ok_and(|now| now != Some(process))
        })
        .await
    }

    /// The process of a container while it runs, by its number in the box.
    ///
    /// # Errors
    ///
    /// If containerd does not say.
    pub async fn process(&self, id: &str) -> Result<Option<u32>, Error> {
        let tasks = self.run_ctr(["tasks", "ls"]).await?;
        let running = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            (words.first() == Some(&id) && words.get(2) == Some(&"RUNNING")).then(|| words[1].parse().ok())?
        };
        Ok(tasks.lines().find_map(running))
    }

    /// The last lines of one of the logs: `kubelet`, `containerd`, `box`.
    #[must_use]
    pub fn log_tail(&self, name: &str) -> String {
        let path = self.folder().join(format!("{name}.log"));
        let text = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    /// Ends and removes everything.
    ///
    /// # Errors
    ///
    /// If something is left.
    pub fn stop(self) -> Result<(), Error> {
        let Self { orders, plane, .. } = self;
        drop(orders);
        Ok(plane.stop()?)
    }

    async fn order(&self, order: &str) -> Result<(), Error> {
        let sent = self.orders.lock().await.write_all(format!("{order}\n").as_bytes()).await;
        sent.map_err(|_| Error::Ended(self.log_tail("box")))
    }

    /// Waits until something is so.
    async fn until(&self, what: &str, log: &str, is_so: impl AsyncFn() -> bool) -> Result<(), Error> {
        let begun = Instant::now();
        while !is_so().await {
            if begun.elapsed() > PATIENCE {
                let log = format!("{}\n{}", self.log_tail("box"), self.log_tail(log));
                return Err(Error::NotReady { what: what.to_owned(), waited: PATIENCE, log });
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(())
    }
}

/// Whether the kubelet listens, which it does while it lives.
async fn healthy() -> bool {
    tokio::net::TcpStream::connect(HEALTH).await.is_ok()
}

fn log(plane: &ControlPlane, name: &str) -> Result<std::fs::File, Error> {
    let path = plane.folder().join(format!("{name}.log"));
    std::fs::File::create(&path).map_err(Error::file(&path))
}

fn spawn(command: &mut Command, plane: &ControlPlane, name: &str) -> Result<Child, Error> {
    let output = log(plane, name)?;
    let errors = output.try_clone().map_err(Error::file(plane.folder()))?;
    plane.adopt(command);
    command
        .stdout(output)
        .stderr(errors)
        .kill_on_drop(true)
        .spawn()
        .map_err(|source| Error::Spawn { program: name.to_owned(), source })
}

fn scheduler(programs: &Programs, plane: &ControlPlane) -> Result<Child, Error> {
    let user = plane.kubeconfig_for("system:kube-scheduler", None)?;
    let mut scheduler = Command::new(&programs.scheduler);
    for flag in ["--kubeconfig", "--authentication-kubeconfig", "--authorization-kubeconfig"] {
        scheduler.arg(flag).arg(&user);
    }
    scheduler.args(["--leader-elect=false", "--secure-port=0"]).stdin(Stdio::null());
    spawn(&mut scheduler, plane, Component::KubeScheduler.name())
}

/// A box has mounts and processes of its own, and shares the network namespace. `--kill-child`: whoever kills
/// `unshare` kills the first process of the box, and the kernel then all others.
fn start_box(programs: &Programs, plane: &ControlPlane) -> Result<Child, Error> {
    let mut unshare = Command::new("unshare");
    unshare
        .args(["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"])
        .args(["--propagation", "private", "sh", "-c", BOX, "box.sh"])
        .arg(plane.folder())
        .arg(&programs.containerd)
        .arg(&programs.kubelet)
        .args([NAME, &NODE.to_string()])
        .current_dir(plane.folder())
        .stdin(Stdio::piped());
    spawn(&mut unshare, plane, "box")
}
