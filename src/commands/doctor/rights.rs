//! The rights that the operator needs, and the questions whether it has them.

use std::fmt;

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};

use crate::{
    api::{AllowedFrom, GROUP, Seen, VobizAccount},
    cli::PlaceArgs,
};

/// Verbs on a resource, as the chart's roles have them.
#[derive(Debug)]
pub struct Rule {
    pub group: &'static str,
    pub resource: &'static str,
    pub verbs: &'static [&'static str],
}

pub const RECORDS: Rule = Rule {
    group: GROUP,
    resource: "phonenumbers",
    verbs: &["get", "list", "watch", "create", "update", "delete"],
};

/// Secrets of accounts are read only as accounts name them: those rights are asked for in the chart's values.
pub const ACCOUNTS: [Rule; 2] = [
    Rule { group: GROUP, resource: "vobizaccounts", verbs: &["get", "list", "watch", "patch"] },
    Rule { group: GROUP, resource: "vobizaccounts/status", verbs: &["patch"] },
];

/// Where an account chooses namespaces by their labels.
pub const NAMESPACES: Rule = Rule { group: "", resource: "namespaces", verbs: &["get", "list", "watch"] };

/// In each namespace whose claims are served.
pub const CLAIMS: [Rule; 3] = [
    Rule { group: GROUP, resource: "phonenumberclaims", verbs: &["get", "list", "watch"] },
    Rule { group: GROUP, resource: "phonenumberclaims/status", verbs: &["patch"] },
    Rule { group: "events.k8s.io", resource: "events", verbs: &["create"] },
];

/// Where leaders are elected. A create cannot be limited to a name.
pub const LEASE: [Rule; 2] = [
    Rule { group: "coordination.k8s.io", resource: "leases", verbs: &["create"] },
    Rule { group: "coordination.k8s.io", resource: "leases", verbs: &["get", "update"] },
];

/// One right, in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Right {
    pub group: &'static str,
    pub resource: &'static str,
    pub verb: &'static str,
    /// None: in all of them, or of a kind that has none.
    pub namespace: Option<String>,
    pub name: Option<String>,
}

/// Whether who asks has a right, or why that is not known.
#[derive(Debug)]
pub struct Review {
    pub right: Right,
    pub allowed: Result<bool, String>,
}

/// All that an operator needs in this place, and for these accounts.
pub fn needed(place: &PlaceArgs, lease_namespace: &str, accounts: &[Seen<VobizAccount>]) -> Vec<Right> {
    let mut namespaces: Vec<_> = place.watch.namespaces().into_iter().map(Some).collect();
    if namespaces.is_empty() {
        namespaces.push(None);
    }
    let mut rights: Vec<_> =
        std::iter::once(&RECORDS).chain(&ACCOUNTS).flat_map(|rule| of(rule, None, None)).collect();
    for namespace in &namespaces {
        rights.extend(CLAIMS.iter().flat_map(|rule| of(rule, namespace.as_deref(), None)));
    }
    let by_labels = |account: &Seen<VobizAccount>| {
        account.read().is_some_and(|one| one.spec.allowed_namespaces.from == AllowedFrom::Selector)
    };
    if accounts.iter().any(by_labels) {
        rights.extend(of(&NAMESPACES, None, None));
    }
    if place.leader_elect {
        let [create, others] = &LEASE;
        rights.extend(of(create, Some(lease_namespace), None));
        rights.extend(of(others, Some(lease_namespace), Some(&place.leader_election_name)));
    }
    rights
}

fn of(rule: &Rule, namespace: Option<&str>, name: Option<&str>) -> Vec<Right> {
    let &Rule { group, resource, verbs } = rule;
    let right = |verb: &&'static str| Right {
        group,
        resource,
        verb,
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
    };
    verbs.iter().map(right).collect()
}

impl Right {
    /// The question. It is created as objects are, and stored nowhere.
    pub fn review(&self) -> SelfSubjectAccessReview {
        let (resource, subresource) = match self.resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (self.resource, None),
        };
        let attributes = ResourceAttributes {
            group: Some(self.group.into()),
            resource: Some(resource.into()),
            subresource,
            verb: Some(self.verb.into()),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            ..ResourceAttributes::default()
        };
        let spec = SelfSubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            ..SelfSubjectAccessReviewSpec::default()
        };
        SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        self.namespace.as_ref().map_or(Ok(()), |namespace| write!(f, " in {namespace}"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cli;

    /// What only accounts that name it need.
    const AS_NAMED: &str = "secrets";

    fn by_labels() -> Seen<VobizAccount> {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "VobizAccount",
            "metadata": { "name": "a" },
            "spec": {
                "authId": "MA_1", "tokenSecretRef": { "namespace": "n", "name": "s" },
                "allowedNamespaces": { "from": "Selector" },
            },
        }))
        .unwrap()
    }

    const CHART: &str = include_str!("../../../charts/vobiz-operator/templates/rbac.yaml");

    fn place(line: &str) -> PlaceArgs {
        match cli::parse(line.split(' ').map(Into::into)).unwrap().command {
            cli::Command::Tool(cli::Tool::Doctor(args)) => args.place,
            other => panic!("{other:?}"),
        }
    }

    /// The words of a list in brackets, where the line has it.
    fn listed(line: &str, key: &str) -> Option<Vec<String>> {
        let (_, list) = line.split_once(&format!("{key}: ["))?;
        Some(list.split(']').next()?.split(", ").map(|word| word.trim_matches('"').to_owned()).collect())
    }

    /// What the roles of the chart give: each rule says its groups, resources and verbs in this order.
    fn given() -> BTreeSet<(String, String, String)> {
        let (mut given, mut group, mut resource) = (BTreeSet::new(), Vec::new(), Vec::new());
        for line in CHART.lines() {
            group = listed(line, "apiGroups").unwrap_or(group);
            resource = listed(line, "resources").unwrap_or(resource);
            for verb in listed(line, "verbs").into_iter().flatten() {
                assert!(given.insert((group.concat(), resource.concat(), verb)), "{line}");
            }
        }
        given
    }

    #[test]
    fn exactly_the_rights_that_the_chart_gives_are_asked_for() {
        let place = place("vobiz-operator doctor --watch-namespaces a --leader-elect");
        let asked = needed(&place, "telephony", &[by_labels()]).into_iter();
        let asked: Vec<_> = asked
            .map(|right| (right.group.to_owned(), right.resource.to_owned(), right.verb.to_owned()))
            .collect();
        let always = given().into_iter().filter(|(_, resource, _)| resource != AS_NAMED);
        assert_eq!(asked.iter().cloned().collect::<BTreeSet<_>>(), always.collect());
        assert_eq!((asked.len(), CHART.matches("verbs: [").count()), (22, 10), "each once");
    }

    #[test]
    fn rights_are_asked_for_where_they_are_needed() {
        let told = |line: &str| {
            let rights = needed(&place(line), "telephony", &[]);
            rights.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let all = told("vobiz-operator doctor");
        assert_eq!((all.len(), all.iter().any(|right| right.contains(" in "))), (16, false), "{all:?}");
        let named = told("vobiz-operator doctor --watch-namespaces a,b --leader-elect");
        for right in
            ["list phonenumberclaims in a", "patch phonenumberclaims/status in b", "delete phonenumbers"]
        {
            assert!(named.iter().any(|told| told == right), "{right}: {named:?}");
        }
        assert_eq!(named.len(), 6 + 5 + 2 * 5 + 3);
        let lease = needed(&place("vobiz-operator doctor --leader-elect"), "telephony", &[]).pop().unwrap();
        let asked = lease.review().spec.resource_attributes.unwrap();
        assert_eq!((asked.name.as_deref(), asked.verb.as_deref()), (Some("vobiz-operator"), Some("update")));
    }
}
