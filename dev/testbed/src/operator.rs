//! The operator as a process.

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use control_plane::Group;
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time::timeout,
};

use crate::{PATIENCE, terminal::say};

/// So much of a log is shown.
const LOG_LINES: usize = 30;

/// How to start an operator: its whole environment.
#[derive(Clone)]
pub struct Setup {
    program: PathBuf,
    group: Option<Group>,
    environment: BTreeMap<String, String>,
    pub log: PathBuf,
}

impl Setup {
    /// The program, the control plane with which it ends at the latest, and where its log goes.
    pub fn new(program: impl Into<PathBuf>, group: Group, log: PathBuf) -> Self {
        Self { group: Some(group), ..Self::alone(program, log) }
    }

    /// The program, without a control plane that it would end with.
    pub fn alone(program: impl Into<PathBuf>, log: PathBuf) -> Self {
        Self { program: program.into(), group: None, environment: BTreeMap::new(), log }
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().envs(&self.environment).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts the controller. Its log is appended to the world's, and it ends with the control plane at the latest.
    ///
    /// # Errors
    /// If the log cannot be written, or the program not be started.
    pub fn spawn(&self) -> io::Result<Operator> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = self.command(&["run"]);
        command.stdout(log.try_clone()?).stderr(log);
        if let Some(group) = &self.group {
            group.adopt(&mut command);
        }
        Ok(Operator { child: command.spawn()?, setup: self.clone() })
    }

    /// The same, which must succeed.
    pub fn start(&self) -> Operator {
        self.spawn().unwrap()
    }

    /// Runs the program, which must end by itself, and returns whether it succeeded, its output and its complaint.
    pub async fn run_to_end(&self, arguments: &[&str]) -> (bool, String, String) {
        let (code, output, complaint) = self.end_of(arguments).await;
        (code == Some(0), output, complaint)
    }

    /// The same, with what it ends with.
    pub async fn end_of(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = timeout(PATIENCE, self.command(arguments).output());
        let output = output.await.expect("the program does not end").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Runs the program with that on its standard input, and returns what it ends with, its output and its complaint.
    pub async fn run_with(&self, input: &str, arguments: &[&str]) -> (i32, String, String) {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end before it has read all of it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        let output =
            timeout(PATIENCE, child.wait_with_output()).await.expect("the program does not end").unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

/// A running operator, killed when it is dropped.
pub struct Operator {
    child: Child,
    setup: Setup,
}

impl Operator {
    /// `kill -9`, and the process is gone afterwards.
    pub async fn kill9(mut self) -> Setup {
        self.child.kill().await.unwrap();
        self.setup
    }

    /// Its process id, as long as it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until it ends by itself, however long that takes.
    ///
    /// # Errors
    /// If it cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Kills it, if it has not ended already: all that it could still store is about to be removed.
    pub async fn discard(mut self) {
        let _ = self.child.kill().await;
    }

    /// Prints the end of its log.
    pub fn show_log(&self) {
        let text = std::fs::read_to_string(&self.setup.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        if lines.is_empty() {
            return;
        }
        say("\nThe end of the operator's log:");
        lines.iter().skip(lines.len().saturating_sub(LOG_LINES)).for_each(say);
    }

    /// Where it writes its log.
    pub fn log(&self) -> &Path {
        &self.setup.log
    }

    /// SIGTERM.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// SIGSTOP: the process stands still, and knows nothing of it.
    pub async fn pause(&self) {
        self.signal("STOP").await;
    }

    /// SIGCONT.
    pub async fn resume(&self) {
        self.signal("CONT").await;
    }

    async fn signal(&self, name: &str) {
        let id = self.child.id().expect("it has ended already").to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status().await.unwrap();
        assert!(status.success());
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub async fn ended(&mut self) -> ExitStatus {
        timeout(PATIENCE, self.child.wait()).await.expect("the operator does not stop").unwrap()
    }

    /// Stops it as Kubernetes does; it must end well.
    pub async fn stop(mut self) -> Setup {
        self.terminate().await;
        let status = self.ended().await;
        assert!(status.success(), "{status}");
        self.setup
    }

    pub async fn restart(self) -> Self {
        self.stop().await.start()
    }
}
