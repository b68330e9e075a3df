use std::fmt;

/// What readiness depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    pub stopping: bool,
    /// Why the kinds cannot be listed, if they cannot.
    pub kinds: Option<String>,
    /// Claims and records are known as they stand.
    pub filled: bool,
    pub vobiz: Vobiz,
    /// How the clocks stand, if they do not agree.
    pub clocks: Option<String>,
}

/// How this process stands with Vobiz.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vobiz {
    /// The credentials were accepted, since this process began.
    Accepted,
    /// Not yet, and why, as far as that is known.
    NotYet(Option<String>),
}

/// One condition of readiness, and why it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub missing: Option<String>,
}

/// Whether this process can do its part: work if it leads, take over if it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    checks: Vec<Check>,
    /// Worth a look, and no reason to replace the process: the next one would have the same clock.
    clocks: Option<String>,
}

impl Readiness {
    /// Who leads does not matter: otherwise no rolling update could end, because the new replica leads only after the
    /// old one is gone. An account that is refused or out of reach *after* it was accepted is a matter for alerts: a
    /// restart or a roll-back would not mend it.
    pub fn of(facts: &Facts) -> Self {
        let stopping = facts.stopping.then(|| "the process stops".to_owned());
        let unfilled = (!facts.filled).then(|| "claims and records are not known yet".to_owned());
        let unasked = || "Vobiz has not been asked yet".to_owned();
        let refused = match &facts.vobiz {
            Vobiz::Accepted => None,
            Vobiz::NotYet(why) => Some(why.clone().unwrap_or_else(unasked)),
        };
        let checks = vec![
            Check { name: "running", missing: stopping },
            Check { name: "kinds", missing: facts.kinds.clone().filter(|_| !facts.filled) },
            Check { name: "caches", missing: unfilled },
            Check { name: "credentials", missing: refused },
        ];
        Self { checks, clocks: facts.clocks.clone() }
    }

    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.missing.is_none())
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, missing } in &self.checks {
            match missing {
                None => writeln!(f, "[+] {name}: ok")?,
                Some(why) => writeln!(f, "[-] {name}: {why}")?,
            }
        }
        match &self.clocks {
            None => writeln!(f, "[+] clocks: ok")?,
            Some(why) => writeln!(f, "[!] clocks: {why}")?,
        }
        writeln!(f, "{}", if self.is_ready() { "ready" } else { "not ready" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts { stopping: false, kinds: None, filled: true, vobiz: Vobiz::Accepted, clocks: None }
    }

    #[test]
    fn each_thing_that_is_missing_is_named() {
        let held = Some("Vobiz refuses the credentials (401)".to_owned());
        for (facts, words) in [
            (Facts { stopping: true, ..facts() }, "[-] running: the process stops"),
            (Facts { kinds: Some("no kinds".into()), filled: false, ..facts() }, "[-] kinds: no kinds"),
            (Facts { filled: false, ..facts() }, "[-] caches: "),
            (
                Facts { vobiz: Vobiz::NotYet(None), ..facts() },
                "[-] credentials: Vobiz has not been asked yet",
            ),
            (Facts { vobiz: Vobiz::NotYet(held), ..facts() }, "[-] credentials: Vobiz refuses the cred"),
        ] {
            let readiness = Readiness::of(&facts);
            assert!(!readiness.is_ready(), "{facts:?}");
            assert!(readiness.to_string().contains(words), "{readiness}");
            assert!(readiness.to_string().ends_with("not ready\n"), "{readiness}");
        }
    }

    #[test]
    fn with_nothing_missing_it_is_ready() {
        let readiness = Readiness::of(&facts());
        assert!(readiness.is_ready() && readiness.to_string().ends_with("\nready\n"), "{readiness}");
    }

    #[test]
    fn a_clock_that_is_wrong_is_shown_and_replaces_no_process() {
        let readiness = Readiness::of(&Facts { clocks: Some("15 min".into()), ..facts() });
        assert!(
            readiness.is_ready() && readiness.to_string().contains("[!] clocks: 15 min\n"),
            "{readiness}"
        );
    }
}
