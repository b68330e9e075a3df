//! The cluster that the user's own kubectl speaks to, lent to the demo: it gets the definitions and a namespace, and both
//! are removed at the end, however the demo ends.

use std::{
    ffi::OsStr,
    io::{BufRead, IsTerminal},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;
use testbed::{Error, terminal::say};

use crate::stage::CRDS;

/// The demo's own.
pub const NAMESPACE: &str = "vobiz-demo";

/// Of the kinds.
const DEFINITIONS: [&str; 3] = [
    "phonenumberclaims.telephony.vobiz.ai",
    "phonenumbers.telephony.vobiz.ai",
    "vobizaccounts.telephony.vobiz.ai",
];

/// The cluster, by a kubeconfig of its current context alone, in which the demo's namespace is the default.
pub struct Borrowed {
    folder: TempDir,
    /// The demo has put something into it.
    is_used: bool,
}

impl Borrowed {
    /// The cluster of the current context, if its user agrees and nothing in it is another installation's.
    ///
    /// # Errors
    /// If there is none, its user does not agree, or it is used already.
    pub fn ask(agreed: bool) -> Result<Self, Error> {
        let context = run(["config", "current-context"])?;
        let context = context.trim();
        say(format!(
            "The cluster of the context {context}: {}",
            run(["cluster-info"])?.lines().next().unwrap_or_default()
        ));
        say(format!(
            "The demo adds the definitions in {CRDS} and the namespace {NAMESPACE}, and removes both at its end."
        ));
        if !agreed {
            agree(context)?;
        }
        let folder = tempfile::tempdir()?;
        let borrowed = Self { folder, is_used: false };
        let view = run(["config", "view", "--minify", "--flatten", "--raw"])?;
        std::fs::write(borrowed.kubeconfig(), view)?;
        borrowed.kubectl(["config", "set-context", "--current", "--namespace", NAMESPACE])?;
        borrowed.refuse_what_is_used()?;
        Ok(borrowed)
    }

    /// An operator that is there already would buy what the demo claims.
    fn refuse_what_is_used(&self) -> Result<(), Error> {
        let of = |kind: &str, names: &[&str]| {
            let arguments = [&["get", kind, "--ignore-not-found", "-o", "name"], names].concat();
            self.kubectl(arguments)
        };
        let found = of("customresourcedefinitions", &DEFINITIONS)? + &of("namespaces", &[NAMESPACE])?;
        let found: Vec<_> = found.lines().collect();
        if found.is_empty() { Ok(()) } else { Err(Error::ClusterInUse(found.join(", "))) }
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds the definitions and the namespace.
    ///
    /// # Errors
    /// If kubectl refuses.
    pub fn set_up(&mut self) -> Result<(), Error> {
        self.is_used = true;
        self.kubectl(["create", "namespace", NAMESPACE])?;
        self.kubectl(["apply", "--server-side", "-f", CRDS])?;
        let wait = ["wait", "--for=condition=Established", "--timeout=60s", "customresourcedefinitions"];
        self.kubectl(wait.into_iter().chain(DEFINITIONS))?;
        Ok(())
    }

    /// kubectl for it.
    pub fn command<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(&self, arguments: I) -> Command {
        let mut command = Command::new("kubectl");
        command.args(arguments).env("KUBECONFIG", self.kubeconfig());
        command
    }

    /// Runs it, while nothing else of the demo has to go on.
    fn kubectl<I: IntoIterator<Item = A>, A: AsRef<OsStr>>(&self, arguments: I) -> Result<String, Error> {
        said(&self.command(arguments).output().map_err(Error::Kubectl)?)
    }

    /// Removes all that the demo has added. The operator has ended before: what it would still do for a record is let go.
    fn tidy_up(&self) -> Result<(), Error> {
        for record in self.kubectl(["get", "phonenumbers", "-o", "name"])?.lines() {
            let patch = r#"{"metadata":{"finalizers":null}}"#;
            self.kubectl(["patch", record, "--type=merge", "-p", patch])?;
        }
        self.kubectl(["delete", "namespace", NAMESPACE, "--timeout=60s"])?;
        let delete = ["delete", "customresourcedefinitions", "--timeout=60s"];
        self.kubectl(delete.into_iter().chain(DEFINITIONS))?;
        Ok(())
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if !self.is_used {
            return;
        }
        match self.tidy_up() {
            Ok(()) => say("The definitions and the namespace are removed; the cluster is as it was."),
            Err(error) => say(format!(
                "Not all of the demo could be removed ({error}). What is left: kubectl delete namespace {NAMESPACE}; \
                 kubectl delete customresourcedefinitions {}",
                DEFINITIONS.join(" ")
            )),
        }
    }
}

/// Has the user type the name of the context.
fn agree(context: &str) -> Result<(), Error> {
    if !std::io::stdin().is_terminal() {
        return Err(Error::NotAgreed);
    }
    say("Type the context's name to go on:");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() == context { Ok(()) } else { Err(Error::NotAgreed) }
}

fn run<const N: usize>(arguments: [&str; N]) -> Result<String, Error> {
    said(&Command::new("kubectl").args(arguments).output().map_err(Error::Kubectl)?)
}

/// What kubectl has printed.
///
/// # Errors
/// What it complained of, if it failed.
pub fn said(output: &Output) -> Result<String, Error> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(Error::KubectlRefused(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
}
