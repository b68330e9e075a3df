//! Clusters that are broken.

use serde_json::json;

use super::{
    super::{
        facts::Listed,
        finding::{Id, Level},
    },
    world::{Broken, accounts, deleted, in_state, lease, records, review},
};
use crate::{
    cluster::definitions::Served,
    commands::standing::for_tests::{claim, record},
};

pub const CLUSTER: [Broken; 24] = [
    (
        |facts| (facts.records, facts.claims) = (Listed::NotServed, Listed::NotServed),
        Id::DefinitionsServed,
        Level::Error,
        "does not know claims or records",
        "vobiz-operator crd",
    ),
    (
        |facts| facts.served = Served::Older("PhoneNumber.spec.x".into()),
        Id::DefinitionsVersion,
        Level::Error,
        "do not know PhoneNumber.spec.x",
        "vobiz-operator crd",
    ),
    (
        |facts| facts.served = Served::Newer("PhoneNumber.spec.y".into()),
        Id::DefinitionsVersion,
        Level::Warning,
        "PhoneNumber.spec.y",
        "--version",
    ),
    (
        |facts| facts.served = Served::Unknown("no answer".into()),
        Id::DefinitionsVersion,
        Level::Warning,
        "no answer",
        "get --raw /openapi",
    ),
    (
        |facts| facts.reviews.extend([review("list", Ok(false)), review("watch", Err("late".into()))]),
        Id::Rights,
        Level::Error,
        "lack what the operator needs: list phonenumbers in team-a.",
        "kubectl exec",
    ),
    (
        |facts| {
            let mut refused = review("watch", Ok(false));
            refused.right.resource = "namespaces";
            facts.reviews.push(refused);
        },
        Id::Rights,
        Level::Error,
        "watch namespaces",
        "accounts.watchNamespaces=true",
    ),
    (
        |facts| facts.reviews.push(review("watch", Err("late".into()))),
        Id::Rights,
        Level::Warning,
        "late",
        "can-i",
    ),
    (
        |facts| facts.lease.found = Ok(None),
        Id::Lease,
        Level::Error,
        "telephony/vobiz-operator",
        "kubectl get pods",
    ),
    (
        |facts| (facts.lease.found, facts.lease.expected) = (Ok(None), false),
        Id::Lease,
        Level::Warning,
        "not seen from here",
        "--leader-election-namespace",
    ),
    (
        |facts| facts.lease.found = Err("forbidden".into()),
        Id::Lease,
        Level::Warning,
        "forbidden",
        "can-i get leases",
    ),
    (
        |facts| facts.lease.found = Ok(Some(lease("pod-1", "2026-01-02T11:57:44Z"))),
        Id::Lease,
        Level::Error,
        "2026-01-02T11:57:44Z. No operator works",
        "kubectl get pods",
    ),
    (
        |facts| {
            facts.lease.found = Ok(Some(lease("pod-1", "2026-01-02T10:00:00Z")));
            facts.lease.expected = false;
        },
        Id::Lease,
        Level::Warning,
        "2026-01-02T10:00:00Z. If leaders are elected, no operator works. If they are not any more, it is left over",
        "kubectl delete lease vobiz-operator -n telephony",
    ),
    (
        |facts| {
            facts.lease.found = Ok(Some(lease("", "2026-01-02T10:00:00Z")));
            facts.lease.expected = false;
        },
        Id::Lease,
        Level::Warning,
        "Nothing holds the Lease telephony/vobiz-operator. If leaders",
        "kubectl delete lease",
    ),
    (
        |facts| facts.lease.found = Ok(Some(lease("", "2026-01-02T11:59:58Z"))),
        Id::Lease,
        Level::Error,
        "No operator works",
        "kubectl get pods",
    ),
    (
        |facts| facts.claims = Listed::Failed("you may not".into()),
        Id::Objects,
        Level::Error,
        "you may not",
        "can-i list",
    ),
    (
        |facts| facts.declared = Listed::Failed("you may not".into()),
        Id::Accounts,
        Level::Error,
        "at most the account of the flags is asked: you may not",
        "can-i list vobizaccounts",
    ),
    (
        |facts| facts.declared = accounts([json!({ "authId": 7 })]),
        Id::Accounts,
        Level::Error,
        "nothing is bought with them: acme-0",
        "version",
    ),
    (
        |facts| facts.declared = accounts([json!({ "default": true }), json!({ "default": true })]),
        Id::Accounts,
        Level::Error,
        "Two VobizAccounts, acme-0 and acme-1, say that they are the default",
        "patch vobizaccount acme-1",
    ),
    (
        |facts| facts.declared = accounts([json!({}), json!({ "authId": "ma_0" }), json!({})]),
        Id::Accounts,
        Level::Warning,
        "the oldest serves alone: acme-0, acme-1.",
        "DuplicateAuthId",
    ),
    (
        |facts| facts.records = records([in_state("Releasing")]),
        Id::Objects,
        Level::Warning,
        "phonenumbers/911",
        "Upgrade",
    ),
    (
        |facts| facts.records = records([in_state("Open")]),
        Id::OpenAttempts,
        Level::Error,
        "+911 for team-a/office (since 2026-01-02T10:00:00Z)",
        "kubectl vobiz why",
    ),
    (
        |facts| facts.records = records([in_state("NeedsDecision")]),
        Id::Decisions,
        Level::Error,
        "+911 for team-a/office",
        "kubectl vobiz retry",
    ),
    (
        |facts| facts.records = records([deleted(record("911", "office"), "2026-01-02T11:49:59Z")]),
        Id::Finalizers,
        Level::Warning,
        "phonenumbers/911",
        "forget=true",
    ),
    (
        |facts| {
            let claim = serde_json::to_value(claim("office")).unwrap();
            let claim = deleted(claim, "2026-01-02T11:00:00Z");
            facts.claims = Listed::Read(vec![serde_json::from_value(claim).unwrap()]);
        },
        Id::Finalizers,
        Level::Warning,
        "phonenumberclaims/office in team-a",
        "-o yaml",
    ),
];
