//! Whether this process can do its part, and which condition of that does not hold.

use std::fmt;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// Why the kinds cannot be listed, if they cannot.
    pub kinds: Option<String>,
    /// Why the accounts cannot be listed, if they cannot.
    pub accounts: Option<String>,
    /// What is wrong with the definitions of the kinds, if anything.
    pub definitions: Option<String>,
    /// The records, and the claims of a namespace, are known as they stand.
    pub filled: bool,
    pub leading: bool,
    pub stopping: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub stage: Stage,
    /// The namespaces whose claims are not known, or no longer followed, and why. `None` stands for all.
    pub missing: Vec<(Option<String>, String)>,
    /// Each account: whether Vobiz has accepted it since this process began, and if not, why.
    pub accounts: Vec<(String, Option<String>)>,
    /// How the clocks stand, if they do not agree.
    pub clocks: Option<String>,
}

/// One condition of readiness, and why it does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name: &'static str,
    pub missing: Option<String>,
    /// What is not as it should be, although the condition holds.
    pub but: Option<String>,
}

/// Whether this process can do its part: work if it leads, take over if it waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    checks: Vec<Check>,
    /// Worth a look, and no reason to replace the process: the next one would have the same clock.
    clocks: Option<String>,
}

impl Readiness {
    /// Which replica leads does not matter: otherwise no rolling update could end, because the new replica leads only
    /// after the old one is gone. An account that is refused or out of reach *after* it was accepted is a matter for
    /// alerts: a restart or a roll-back would not mend it. So is a namespace whose claims cannot be listed, as long as
    /// there is another one: a tenant who goes must not keep a rolling update from ending. Nor must an account that is
    /// refused, as long as another one is accepted.
    pub fn of(facts: &Facts) -> Self {
        let Stage { kinds, accounts, definitions, filled, stopping, .. } = facts.stage.clone();
        let stopping = stopping.then(|| "the process stops".to_owned());
        let unfilled = (!filled).then(|| "claims, records or accounts are not known yet".to_owned());
        let check = |name, missing| Check { name, missing, but: None };
        // The next process could not work without them; this one goes on with what was sent.
        let but: Vec<_> = accounts.clone().into_iter().chain(definitions).collect();
        let but = (!but.is_empty()).then(|| but.join("; "));
        let checks = vec![
            check("running", stopping),
            Check { but, ..check("kinds", kinds.or(accounts).filter(|_| !filled)) },
            Check { but: unserved(&facts.missing), ..check("caches", unfilled) },
            credentials(&facts.accounts),
        ];
        Self { checks, clocks: facts.clocks.clone() }
    }

    pub fn is_ready(&self) -> bool {
        self.checks.iter().all(|check| check.missing.is_none())
    }
}

/// The accounts that were not accepted. Where there is none yet, there is nothing to be accepted.
fn credentials(accounts: &[(String, Option<String>)]) -> Check {
    let refused: Vec<_> = accounts.iter().filter_map(|(name, why)| Some((name, why.as_ref()?))).collect();
    let one = |(name, why): &(&String, &String)| format!("{name}: {why}");
    let mut shown: Vec<_> = refused.iter().take(SHOWN).map(one).collect();
    if refused.len() > SHOWN {
        shown.push(format!("and {} more accounts", refused.len() - SHOWN));
    }
    let told = (!shown.is_empty()).then(|| shown.join("; "));
    let (missing, but) = if refused.len() == accounts.len() { (told, None) } else { (None, told) };
    Check { name: "credentials", missing, but }
}

const SHOWN: usize = 10;

/// The first few namespaces that are not served: there may be a thousand.
fn unserved(missing: &[(Option<String>, String)]) -> Option<String> {
    let one = |(namespace, why): &(Option<String>, String)| match namespace {
        Some(name) => format!("claims in namespace {name} cannot be listed: {why}"),
        None => format!("claims cannot be listed: {why}"),
    };
    let mut shown: Vec<_> = missing.iter().take(SHOWN).map(one).collect();
    if missing.len() > SHOWN {
        shown.push(format!("and so in {} more", missing.len() - SHOWN));
    }
    (!shown.is_empty()).then(|| shown.join("; "))
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, missing, but } in &self.checks {
            match (missing, but) {
                (None, None) => writeln!(f, "[+] {name}: ok")?,
                (None, Some(but)) => writeln!(f, "[+] {name}: ok, but {but}")?,
                (Some(why), _) => writeln!(f, "[-] {name}: {why}")?,
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

    fn stage() -> Stage {
        Stage { filled: true, ..Stage::default() }
    }

    fn facts() -> Facts {
        Facts { stage: stage(), ..Facts::default() }
    }

    #[test]
    fn each_thing_that_is_missing_is_named() {
        let at = |stage| Facts { stage, ..facts() };
        let refused = vec![("MA_1".to_owned(), Some("Vobiz refuses the credentials (401)".to_owned()))];
        for (facts, words) in [
            (at(Stage { stopping: true, ..stage() }), "[-] running: the process stops"),
            (at(Stage { kinds: Some("no kinds".into()), ..Stage::default() }), "[-] kinds: no kinds"),
            (at(Stage { accounts: Some("no right".into()), ..Stage::default() }), "[-] kinds: no right"),
            (at(Stage::default()), "[-] caches: "),
            (Facts { accounts: refused, ..facts() }, "[-] credentials: MA_1: Vobiz refuses the cred"),
        ] {
            let readiness = Readiness::of(&facts);
            assert!(!readiness.is_ready(), "{facts:?}");
            assert!(readiness.to_string().contains(words), "{readiness}");
            assert!(readiness.to_string().ends_with("not ready\n"), "{readiness}");
        }
    }

    #[test]
    fn a_namespace_that_cannot_be_listed_is_named_and_holds_nobody_up() {
        let missing: Vec<_> =
            (0..12).map(|id| (Some(format!("team-{id}")), "forbidden".to_owned())).collect();
        let readiness = Readiness::of(&Facts { missing, ..facts() });
        let words = "[+] caches: ok, but claims in namespace team-0 cannot be listed: forbidden; ";
        let text = readiness.to_string();
        assert!(
            readiness.is_ready() && text.contains(words) && text.contains("; and so in 2 more\n"),
            "{text}"
        );
    }

    #[test]
    fn one_accepted_account_is_enough_and_the_others_are_named() {
        let accepted = || ("MA_1".to_owned(), None);
        let refused = |id: usize| (format!("MA_{id}"), Some("401".to_owned()));
        for (accounts, ready, words) in [
            (vec![], true, "[+] credentials: ok\n"),
            (vec![accepted()], true, "[+] credentials: ok\n"),
            (vec![refused(2), accepted()], true, "[+] credentials: ok, but MA_2: 401\n"),
            (vec![refused(2), refused(3)], false, "[-] credentials: MA_2: 401; MA_3: 401\n"),
            ((0..12).map(refused).collect(), false, "; and 2 more accounts\n"),
        ] {
            let readiness = Readiness::of(&Facts { accounts, ..facts() });
            assert!(readiness.is_ready() == ready && readiness.to_string().contains(words), "{readiness}");
        }
    }

    #[test]
    fn kinds_that_are_too_old_or_lost_are_told_and_leave_it_ready() {
        let (old, lost) = (Some("they are old".to_owned()), Some("no right".to_owned()));
        for (definitions, accounts, words) in [
            (old.clone(), None, "they are old"),
            (None, lost.clone(), "no right"),
            (old, lost, "no right; they are old"),
        ] {
            let stage = Stage { accounts, definitions, ..stage() };
            let readiness = Readiness::of(&Facts { stage, ..facts() });
            let told = format!("[+] kinds: ok, but {words}\n");
            assert!(readiness.is_ready() && readiness.to_string().contains(&told), "{readiness}");
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
