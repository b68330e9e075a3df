//! Which accounts there are: those that are declared, and that of the flags. Pure.

use std::{collections::BTreeMap, sync::Arc};

use kube::ResourceExt;

use super::origin::Origin;
use crate::{
    api::{ACCOUNT_FINALIZER, PhoneNumberClaim, Reason, Seen, VobizAccount},
    commands::{error::CommandError, gather::few},
    domain::AccountId,
    plan::{Declared, Directory, Labels, Token},
    vobiz::Credentials,
};

#[derive(Default)]
pub struct Known {
    /// By name.
    objects: BTreeMap<String, Arc<VobizAccount>>,
    /// Those that this version cannot read: by name, why.
    unreadable: BTreeMap<String, String>,
    flags: Option<Credentials>,
    /// Which of them serves a claim.
    pub directory: Directory,
}

impl Known {
    pub fn of(declared: Vec<Seen<VobizAccount>>, flags: Option<Credentials>) -> Self {
        let mut known = Self { flags, ..Self::default() };
        for seen in declared {
            let name = seen.name_any();
            match seen {
                Seen::Read(object) => drop(known.objects.insert(name, object)),
                Seen::Newer(newer) => drop(known.unreadable.insert(name, newer.why.clone())),
            }
        }
        known.label(Labels::Unread);
        known
    }

    /// Says which namespaces have which labels.
    pub fn label(&mut self, labels: Labels) {
        let declared = |(name, object): (&String, &Arc<VobizAccount>)| {
            // The operator sets it before it buys: an account that it has not seen yet is no other for that.
            let mut object = VobizAccount::clone(object);
            object.finalizers_mut().push(ACCOUNT_FINALIZER.into());
            (name.clone(), Declared::of(&object, Token::Known))
        };
        let flags = self.flags.as_ref().map(|flags| flags.account.clone());
        let declared = self.objects.iter().map(declared).collect();
        self.directory = Directory::new(declared, self.unreadable.clone(), flags, labels);
    }

    /// The namespace of a claim whose labels say whether an account serves it. Nothing else makes a claim without an account
    /// wait for what passes by itself.
    pub fn lacks_labels(&self, claim: &PhoneNumberClaim) -> Option<String> {
        let namespace = claim.namespace()?;
        let served = self.directory.resolve(claim.account_name(), &namespace);
        let lacks = served.account.is_none() && served.held?.reason == Reason::Purchasing;
        lacks.then_some(namespace)
    }

    /// Whether the claim may be served by an account of which nothing is known here.
    pub fn lacks_flags(&self, claim: &PhoneNumberClaim) -> bool {
        claim.account_name().is_none() && self.flags.is_none() && self.defaults().next().is_none()
    }

    /// The account that is called like that: by the name of its object, or by its auth id.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(&self, name: &str) -> Result<AccountId, CommandError> {
        if let Some(object) = self.objects.get(name) {
            return Ok(object.spec.auth_id.clone());
        }
        if let Some(why) = self.unreadable.get(name) {
            return Err(CommandError::Refused(format!(
                "VobizAccount {name} was written by a newer version ({why}): use the program of that version"
            )));
        }
        let origin = name.parse().ok().and_then(|id| self.origin(&id));
        origin.map(|origin| origin.account().clone()).ok_or_else(|| {
            let there = self.told();
            CommandError::Refused(format!(
                "there is no VobizAccount {name}, and none with that auth id, nor have the flags: there is {there}"
            ))
        })
    }

    /// The account that is meant where none is named: that of the flags, or else the only one, or else the default.
    ///
    /// # Errors
    /// If none of several is.
    pub fn usual(&self) -> Result<AccountId, CommandError> {
        if let Some(flags) = &self.flags {
            return Ok(flags.account.clone());
        }
        let (defaults, all): (Vec<_>, Vec<_>) = (self.defaults().collect(), self.serving().collect());
        match (defaults.as_slice(), all.as_slice()) {
            ([object], _) | (_, [object]) => Ok(object.spec.auth_id.clone()),
            _ => Err(CommandError::Refused(format!(
                "there is more than one account, and not one of them is the default: choose with --account NAME. There is {}",
                self.told()
            ))),
        }
    }

    /// Where the credentials of an account come from. Those of the flags are at hand, whatever is declared.
    pub fn origin(&self, account: &AccountId) -> Option<Origin> {
        let flags = self.flags.as_ref().filter(|flags| flags.account == *account);
        let declared = || self.objects.get(self.directory.first(account)?);
        flags.cloned().map(Origin::Flags).or_else(|| declared().cloned().map(Origin::Declared))
    }

    /// All of them. An account that the flags have as well as an object is two: each has a token of its own.
    pub fn all(&self) -> impl Iterator<Item = Origin> {
        let flags = self.flags.iter().cloned().map(Origin::Flags);
        flags.chain(self.serving().cloned().map(Origin::Declared))
    }

    /// Those of them with that account; all, where none is named.
    pub fn meant(&self, only: Option<&AccountId>) -> impl Iterator<Item = Origin> {
        self.all().filter(move |origin| only.is_none_or(|only| origin.account() == only))
    }

    /// The object that claims have to name so that the account serves them; none, if it serves those that name none, or has no
    /// object.
    pub fn reference(&self, account: &AccountId) -> Option<&str> {
        let name = self.directory.first(account)?;
        let is_default = self.defaults().map(|object| object.name_any()).eq([name]);
        (!is_default).then_some(name)
    }

    /// The object whose account serves claims that name none, if it is another account than that.
    pub fn default_beside(&self, account: &AccountId) -> Option<String> {
        let other = |object: &&Arc<VobizAccount>| object.spec.auth_id != *account;
        self.defaults().find(other).map(|object| object.name_any())
    }

    fn defaults(&self) -> impl Iterator<Item = &Arc<VobizAccount>> {
        self.objects.values().filter(|object| object.spec.default)
    }

    /// The objects that serve: of two of one account, one.
    fn serving(&self) -> impl Iterator<Item = &Arc<VobizAccount>> {
        let serves = |(name, object): &(&String, &Arc<VobizAccount>)| {
            self.directory.first(&object.spec.auth_id) == Some(name.as_str())
        };
        self.objects.iter().filter(serves).map(|(_, object)| object)
    }

    /// In words.
    fn told(&self) -> String {
        let told = |origin: Origin| match &origin {
            Origin::Flags(credentials) => format!("that of the flags ({})", credentials.account),
            Origin::Declared(object) => format!("{} ({})", origin.name(), object.spec.auth_id),
        };
        let told = few(self.all().map(told));
        if told.is_empty() { "none that this version can read".into() } else { told }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Accounts of these names, the auth id of each in capitals, with these fields of the spec.
    fn known(objects: &[(&str, Value)], flags: Option<&str>) -> Known {
        let object = |(name, spec): &(&str, Value)| {
            let mut object = json!({
                "metadata": { "name": name, "creationTimestamp": "2026-01-02T03:04:05Z" },
                "spec": {
                    "authId": format!("MA_{}", name.to_uppercase()),
                    "tokenSecretRef": { "namespace": "n", "name": "s" },
                },
            });
            object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
            serde_json::from_value(object).unwrap()
        };
        let flags = flags.map(|id| Credentials::new(id.parse().unwrap(), "t").unwrap());
        Known::of(objects.iter().map(object).collect(), flags)
    }

    fn plain(name: &str) -> (&str, Value) {
        (name, json!({}))
    }

    fn default(name: &str) -> (&str, Value) {
        (name, json!({ "default": true }))
    }

    fn told(found: Result<AccountId, CommandError>) -> String {
        found.map_or_else(|why| why.to_string(), |id| id.to_string())
    }

    #[test]
    fn an_account_is_named_by_its_object_or_its_auth_id() {
        let two = || [plain("red"), plain("blue")];
        for (objects, flags, name, found) in [
            (&two()[..], None, "red", "MA_RED"),
            (&two(), None, "MA_BLUE", "MA_BLUE"),
            (&two(), None, "ma_blue", "MA_BLUE"),
            (&two(), Some("MA_1"), "MA_1", "MA_1"),
            (&[], Some("MA_1"), "ma_1", "MA_1"),
            (
                &two(),
                None,
                "MA_1",
                "no VobizAccount MA_1, and none with that auth id, nor have the flags: there is blue",
            ),
            (&two(), Some("MA_1"), "grey", "that of the flags (MA_1), blue (MA_BLUE), red (MA_RED)"),
            (&two(), None, "a b", "no VobizAccount a b"),
            (&[("odd", json!({ "authId": 7 }))], None, "odd", "written by a newer version"),
            (&[("odd", json!({ "authId": 7 }))], None, "red", "there is none that this version can read"),
            // Of two objects of one account, one serves, whichever is named.
            (&[plain("red"), ("zed", json!({ "authId": "MA_RED" }))], None, "zed", "MA_RED"),
        ] {
            let told = told(known(objects, flags).named(name));
            assert!(told.contains(found), "{name}: {told}");
        }
    }

    #[test]
    fn where_none_is_named_the_flags_the_only_or_the_default_one_is_meant() {
        let again = || ("zed", json!({ "authId": "MA_RED" }));
        for (objects, flags, found) in [
            (&[plain("red"), default("blue")][..], Some("MA_1"), "MA_1"),
            (&[plain("red")], None, "MA_RED"),
            (&[plain("red"), again()], None, "MA_RED"),
            (&[plain("red"), default("blue")], None, "MA_BLUE"),
            (&[plain("red"), plain("blue")], None, "--account NAME. There is blue (MA_BLUE), red (MA_RED)"),
            (&[default("red"), default("blue")], None, "not one of them is the default"),
        ] {
            let told = told(known(objects, flags).usual());
            assert!(told.contains(found), "{told}");
        }
    }

    #[test]
    fn claims_name_an_account_that_would_not_serve_them_otherwise() {
        for (objects, flags, account, reference, beside) in [
            (&[plain("red"), default("blue")][..], None, "MA_RED", Some("red"), Some("blue")),
            (&[plain("red"), default("blue")], None, "MA_BLUE", None, None),
            (&[default("red"), default("blue")], None, "MA_BLUE", Some("blue"), Some("red")),
            (&[plain("red")], Some("ma_red"), "MA_RED", Some("red"), None),
            (&[default("blue")], Some("MA_1"), "MA_1", None, Some("blue")),
            (&[], Some("MA_1"), "MA_1", None, None),
        ] {
            let (known, account) = (known(objects, flags), account.parse().unwrap());
            assert_eq!(known.reference(&account), reference, "{account}");
            assert_eq!(known.default_beside(&account).as_deref(), beside, "{account}");
        }
    }

    #[test]
    fn labels_are_read_only_of_namespaces_that_are_chosen_by_them() {
        let chosen = json!({ "allowedNamespaces": { "from": "Selector", "selector": {} } });
        let known = known(&[("red", chosen), plain("blue")], Some("MA_1"));
        for (named, lacks) in
            [(Some("red"), true), (Some("blue"), false), (Some("grey"), false), (None, false)]
        {
            let named = named.map(|name| json!({ "name": name }));
            let spec = json!({ "e164": "+911234500000", "accountRef": named });
            let claim = json!({ "metadata": { "namespace": "team", "name": "office" }, "spec": spec });
            let claim = serde_json::from_value(claim).unwrap();
            assert_eq!(known.lacks_labels(&claim).as_deref(), lacks.then_some("team"), "{spec}");
        }
    }

    #[test]
    fn the_token_of_the_flags_is_taken_where_they_have_the_account() {
        let known = known(&[plain("red"), plain("blue")], Some("ma_red"));
        let secret = |id: &str| known.origin(&id.parse().unwrap()).map(|origin| origin.secret());
        assert_eq!(secret("MA_RED"), Some(None));
        assert_eq!(secret("MA_BLUE"), Some(Some("n/s".into())));
        assert_eq!(secret("MA_2"), None);
    }

    #[test]
    fn an_account_of_flags_and_object_is_asked_with_the_token_of_each() {
        let known = known(&[plain("red"), plain("blue")], Some("ma_red"));
        for (only, names) in [
            (None, &["ma_red", "blue", "red"][..]),
            (Some("MA_RED"), &["ma_red", "red"]),
            (Some("MA_BLUE"), &["blue"]),
        ] {
            let only = only.map(|id| id.parse().unwrap());
            let found: Vec<_> = known.meant(only.as_ref()).map(|origin| origin.name()).collect();
            assert_eq!(found, names);
        }
    }
}
