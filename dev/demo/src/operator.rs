//! The operator, as a process of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use control_plane::ControlPlane;
use tokio::process::{Child, Command};
use vobiz_sim::Sim;

use crate::{error::DemoError, terminal::say};

/// Short, for the demo: see [`explain_times`].
const TIMES: [(&str, &str); 2] = [("VOBIZ_PURCHASE_TIMEOUT", "2s"), ("VOBIZ_SETTLE_TIME", "2s")];

const LOG_LINES: usize = 30;

/// A running operator. It is killed when it is dropped.
pub struct Operator {
    child: Child,
    log: PathBuf,
}

/// The absolute path of the binary.
pub fn find(program: &Path) -> Result<PathBuf, DemoError> {
    program.canonicalize().map_err(|_| DemoError::NoOperator(program.to_owned()))
}

/// Why failures are final sooner here than elsewhere.
pub fn explain_times() {
    say("Its times are short, for this demo only:");
    say("    VOBIZ_PURCHASE_TIMEOUT=2s   (default 30s)  how long one purchase call may take");
    say("    VOBIZ_SETTLE_TIME=2s        (default 2m)   how long a purchase may take to show at Vobiz");
    say(
        "A refusal is final only when a purchase that happened all the same would have shown: here 14 s after",
    );
    say(
        "the attempt was opened (a send window of 10 s, and these two), by default 2 min 40 s. This simulated",
    );
    say("Vobiz shows a purchase at once; the real one promises nothing, so keep the defaults there.");
}

impl Operator {
    /// Starts it, for one control plane and one Vobiz, and untouched by the environment of whoever runs the demo.
    pub fn start(program: &Path, plane: &ControlPlane, sim: &Sim) -> Result<Self, DemoError> {
        let log = plane.folder().join("operator.log");
        let output = File::create(&log).map_err(DemoError::Start)?;
        let mut command = Command::new(program);
        command
            .arg("run")
            .env_clear()
            .envs(std::env::var_os("RUST_LOG").map(|filter| ("RUST_LOG", filter)))
            .env("KUBECONFIG", plane.kubeconfig())
            .env("VOBIZ_API_URL", sim.url())
            .env("VOBIZ_AUTH_ID", "MA_DEMO")
            .env("VOBIZ_AUTH_TOKEN", "demo-token")
            .envs(TIMES)
            .current_dir(plane.folder())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .kill_on_drop(true);
        // It ends with the control plane, even if this process is killed.
        plane.adopt(&mut command);
        let child = command.spawn().map_err(DemoError::Start)?;
        Ok(Self { child, log })
    }

    /// Where it writes its log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Waits until it ends by itself, which it should not.
    pub async fn ended(&mut self) -> Result<ExitStatus, DemoError> {
        self.child.wait().await.map_err(DemoError::Start)
    }

    /// Stops it. All that it could still store is about to be removed.
    pub async fn stop(mut self) {
        // It may have ended already.
        let _ = self.child.kill().await;
    }

    /// Prints the end of its log.
    pub fn show_log(&self) {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        say("\nThe end of the operator's log:");
        lines.iter().skip(lines.len().saturating_sub(LOG_LINES)).for_each(say);
    }
}
