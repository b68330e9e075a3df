//! Each right is needed: without it, the operator is refused something, and what it was for does not happen.

use std::collections::BTreeSet;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use vobiz_sim::OwnedNumber;

use crate::{
    harness::{eventually, run},
    job::{NAMESPACES, expected, is_answered, meddle_with_a_purchase},
    operator::Operator,
    release::{Mode, Release},
    right::Right,
    table::{PURCHASED, condition},
};

/// An operator that lacks a right, and the number that a test wishes for.
struct Lacking {
    release: Release,
    audit: crate::audit::Audit,
    right: Right,
    operator: Operator,
    number: String,
}

impl Lacking {
    async fn start(mode: Mode, right: Right) -> Self {
        let release = Release::install(mode, Some(&right)).await;
        let (audit, operator) = (release.audit(), release.operator().await);
        let number = release.stocked("INR");
        Self { release, audit, right, operator, number }
    }

    /// Waits until it was refused what it lacks, so often more.
    async fn refused(&self, times: usize) {
        self.until_refusals(self.audit.refusals(&self.right) + times).await;
    }

    async fn until_refusals(&self, wanted: usize) {
        eventually(&format!("{} is refused", self.right), async || {
            let refusals = self.audit.refusals(&self.right);
            if refusals >= wanted { Ok(()) } else { Err(format!("{:?}", self.audit.refused())) }
        })
        .await;
    }

    async fn claim(&self) -> Value {
        self.release.claim("office", &self.number).await
    }

    /// Claims another number that the account owns, after its record was created as from a backup.
    async fn restore(&self) {
        let (release, number) = (&self.release, self.release.number());
        release.vobiz.put_owned(OwnedNumber::new(&number, &release.account)).unwrap();
        let mut record = release.record(&self.number).await.unwrap();
        record["metadata"] =
            json!({ "name": number[1..], "finalizers": record["metadata"]["finalizers"].clone() });
        record["spec"]["e164"] = number.clone().into();
        record["spec"].as_object_mut().unwrap().remove("claimRef");
        let path = Release::record_path(&number);
        release.cluster.create(path.rsplit_once('/').unwrap().0, &record).await;
        release.claim("restored", &number).await;
    }

    async fn is_ready(&self, claim: &str) -> bool {
        let claim = self.release.get(claim).await.unwrap();
        condition(&claim, "Ready").is_some_and(|ready| ready["status"] == "True")
    }

    async fn is_answered(&self) -> bool {
        is_answered(self.release.record(&self.number).await.as_ref())
    }

    fn is_bought(&self) -> bool {
        self.release.spent(&self.number) != (0, 0)
    }

    /// Whether what the right is for has happened, although it was refused.
    async fn happens_all_the_same(&self) -> bool {
        match self.right.resource.as_str() {
            "phonenumbers" => self.without_right_to_records().await,
            "leases" => self.without_right_to_the_lease().await,
            "vobizaccounts" | "vobizaccounts/status" | "secrets" | "namespaces" => {
                self.without_right_of_accounts().await
            }
            _ => self.without_right_to_claims().await,
        }
    }

    /// One that sees no claims (or records, or cannot write down what it is about to do) buys nothing.
    async fn buys(&self) -> bool {
        self.claim().await;
        self.refused(2).await;
        self.is_bought()
    }

    /// What comes after the first list is not seen: no claim.
    async fn sees_what_is_new(&self) -> bool {
        self.refused(1).await;
        self.claim().await;
        self.refused(2).await;
        self.is_ready("office").await
    }

    async fn without_right_to_claims(&self) -> bool {
        match (self.right.verb.as_str(), self.right.resource.as_str()) {
            // Got: at the last moment before it is bought for.
            ("list" | "get", _) => self.buys().await,
            ("watch", _) => self.sees_what_is_new().await,
            ("patch", "phonenumberclaims/status") => {
                self.claim().await;
                self.refused(2).await;
                self.is_ready("office").await
            }
            ("create", "events") => {
                let claim = self.claim().await;
                self.refused(1).await;
                self.release.has_event(&claim).await
            }
            _ => panic!("nobody has said what {} is for", self.right),
        }
    }

    async fn without_right_to_records(&self) -> bool {
        match self.right.verb.as_str() {
            "list" | "create" => self.buys().await,
            // What its own writes came to, it knows from their answers; of a record that was restored, nothing.
            "watch" => {
                self.claim().await;
                self.release.until("office", PURCHASED).await;
                self.restore().await;
                self.refused(2).await;
                self.is_ready("restored").await
            }
            // The outcome of a purchase is not stored.
            "update" => {
                self.claim().await;
                self.refused(2).await;
                self.is_answered().await
            }
            // Nor is it where somebody else has written in between.
            "get" => {
                meddle_with_a_purchase(&self.release, "office", &self.number).await;
                self.refused(2).await;
                self.is_answered().await
            }
            // A failure is not cleared away.
            "delete" => {
                let missing = self.release.number();
                self.release.claim("missing", &missing).await;
                self.release.until_record(&missing, is_answered).await;
                self.release.cluster.delete(&self.release.claim_path("missing")).await;
                self.refused(1).await;
                self.release.record(&missing).await.is_none()
            }
            _ => panic!("nobody has said what {} is for", self.right),
        }
    }

    async fn without_right_to_the_lease(&self) -> bool {
        match self.right.verb.as_str() {
            // Nobody leads, so nobody buys.
            "get" | "create" => self.buys().await,
            // The leader does not stay one.
            "update" => {
                self.refused(1).await;
                let (namespace, name) = (&self.release.namespace, self.release.lease());
                let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}");
                let lease = self.release.cluster.get(&path).await.expect("there is no Lease");
                lease["spec"]["renewTime"] != lease["spec"]["acquireTime"]
            }
            _ => panic!("nobody has said what {} is for", self.right),
        }
    }

    /// Whether a claim is bought for in a declared account, or, where that needs no right that is lacking, told of.
    async fn without_right_of_accounts(&self) -> bool {
        let right = (self.right.verb.as_str(), self.right.resource.as_str());
        // Any of those that cannot be seen might serve, or be closed to, a claim that names none.
        if let ("list" | "watch", "vobizaccounts") = right {
            return self.buys().await;
        }
        // What is labelled after the first list is not seen.
        if right == ("watch", "namespaces") {
            self.release.declare().await;
            self.refused(1).await;
        }
        let is_bought = self.buys_as_declared().await;
        match right {
            // Not known: that the account is there, what its token is, whom it serves. Not held back: that it goes.
            ("list" | "watch" | "get" | "patch", "vobizaccounts" | "secrets" | "namespaces") => is_bought,
            ("patch", "vobizaccounts/status") => {
                let account = self.release.declared().await.unwrap();
                account["status"]["conditions"][0]["reason"] == "Accepted"
            }
            _ => panic!("nobody has said what {} is for", self.right),
        }
    }

    /// Whether a claim is bought for in an account that is open to it, once the operator has done as much for another
    /// claim, and has been refused what it lacks.
    async fn buys_as_declared(&self) -> bool {
        if self.release.declared().await.is_none() {
            self.release.declare().await;
        }
        self.release.open_to_tenant().await;
        self.release.claim_with_declared("office", &self.number).await;
        self.release.claim("other", &self.release.stocked("INR")).await;
        self.release.until("other", PURCHASED).await;
        self.until_refusals(1).await;
        self.is_bought()
    }

    async fn check(self) {
        assert!(!self.happens_all_the_same().await, "{} is not needed", self.right);
        if self.right.verb == "list" && self.right.resource.starts_with("phonenumber") {
            eventually("it says what it lacks", async || {
                let log = self.release.log();
                if log.contains("Check the operator's roles and bindings") { Ok(()) } else { Err(log) }
            })
            .await;
        }
        let refused: Vec<_> = self.audit.refused().into_iter().collect();
        assert_eq!(refused, std::slice::from_ref(&self.right), "other rights are missing");
        self.release.retire(self.operator).await;
    }
}

async fn granted(mode: Mode) -> Vec<Right> {
    let release = Release::prepare(crate::harness::cluster().await, mode).await;
    expected(&release).await
}

#[test]
fn without_any_one_of_its_rights_to_named_namespaces_the_operator_fails() {
    run(async {
        let _beside_others = NAMESPACES.read().await;
        // Accounts are for an operator that has the cluster for itself.
        let rights = granted(Mode::Namespaced).await.into_iter();
        let rights = stream::iter(rights.filter(|right| !right.resource.starts_with("vobizaccounts")));
        let tests = rights.map(async |right| Lacking::start(Mode::Namespaced, right).await.check().await);
        // More at the same time would only make each other wait.
        tests.buffer_unordered(6).collect::<Vec<()>>().await;
    });
}

#[test]
fn without_any_one_of_its_rights_to_all_namespaces_the_operator_fails() {
    run(async {
        let _alone = NAMESPACES.write().await;
        // The rights to these come from the same rules in both modes, which the next test holds.
        let elsewhere = |right: &Right| ["phonenumbers", "leases"].contains(&right.resource.as_str());
        for right in granted(Mode::Cluster).await.into_iter().filter(|right| !elsewhere(right)) {
            Lacking::start(Mode::Cluster, right).await.check().await;
        }
    });
}

#[test]
fn both_modes_have_the_same_nineteen_verbs_and_one_role_for_records() {
    run(async {
        let cluster = crate::harness::cluster().await;
        let [all, named] = [
            Release::prepare(cluster, Mode::Cluster).await,
            Release::prepare(cluster, Mode::Namespaced).await,
        ];
        let is_asked_for = |right: &Right| ["secrets", "namespaces"].contains(&right.resource.as_str());
        let (asked_for, always): (BTreeSet<_>, BTreeSet<_>) =
            all.rights().into_iter().partition(is_asked_for);
        assert_eq!((always.len(), asked_for.len()), (19, 4));
        assert_eq!(always, named.rights());
        let role = |release: &Release, kind: &str, name: &str| {
            let objects = release.rendered.all(kind).into_iter();
            let mut objects =
                objects.filter(|object| object["metadata"]["name"].as_str().unwrap().ends_with(name));
            objects.next().map(|role| role["rules"].clone())
        };
        for (kind, name) in [("ClusterRole", ":records"), ("Role", ":leader-election")] {
            assert!(role(&all, kind, name).is_some());
            assert_eq!(role(&all, kind, name), role(&named, kind, name));
        }
        assert_eq!(role(&named, "ClusterRole", ":claims"), None);
        assert_eq!(role(&all, "ClusterRole", ":claims"), role(&named, "Role", ":claims"));
    });
}
