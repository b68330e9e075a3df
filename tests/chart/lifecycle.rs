//! Installed, upgraded from a chart whose definitions lack fields, rolled back, uninstalled and installed again, with
//! real helm and the operator at work: claims, records and numbers stay as they are.

use std::path::Path;

use control_plane::Options;
use http::Method;
use serde_json::{Value, json};
use tokio::{process::Command, sync::OnceCell};

use testbed::objects::claimed;

use crate::{
    claims::API,
    harness::{Cluster, eventually, run},
    helm::{chart, helm},
    operator::Operator,
    release::{Mode, Release},
    table::{NEWER_VERSION, NUMBER_NOT_FOUND, PURCHASED},
    versions::{self, DEFAULTED, NEW_FIELD, NEW_FIELDS},
};

/// A cluster of its own: the definitions belong to the release here.
static EMPTY: OnceCell<Cluster> = OnceCell::const_new();

/// A release, and what has been bought with it.
struct Story {
    release: Release,
    /// A number that is not in stock.
    missing: String,
    numbers: Vec<String>,
}

impl Story {
    async fn helm(&self, arguments: &[&str], values: Option<&Value>) -> String {
        let namespace = ["--namespace", &self.release.namespace];
        let arguments = [arguments, &namespace].concat();
        helm(Some(self.release.cluster.plane.kubeconfig()), &arguments, values).await.unwrap()
    }

    async fn install(&self, verb: &str, chart: &Path, values: &Value) -> String {
        self.helm(&[verb, "vobiz", &chart.display().to_string()], Some(values)).await
    }

    /// Types what the notes say about a first claim, and waits as they say.
    async fn follow(&mut self, notes: &str) {
        let start = notes.find("kubectl apply -f -").expect("the notes tell no next command");
        let number = notes.split_once("e164: \"").unwrap().1.split_once('"').unwrap().0.to_owned();
        self.release.stock(&number, "INR");
        let plane = &self.release.cluster.plane;
        let kubectl = plane.binaries().folder().display().to_string();
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", &notes[start..]]).env("KUBECONFIG", plane.kubeconfig());
        shell.env("PATH", format!("{kubectl}:{}", std::env::var("PATH").unwrap_or_default()));
        let output = shell.output().await.unwrap();
        assert!(output.status.success(), "{notes}: {}", String::from_utf8_lossy(&output.stderr));
        self.numbers.push(number);
    }

    /// Whether the API server knows the new field.
    async fn until_field_is_served(&self, wanted: bool) {
        let path = format!("{API}/namespaces/{}/phonenumberclaims", self.release.tenant);
        let path = format!("{path}?dryRun=All&fieldValidation=Strict");
        let mut claim = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "name": "probe" }, "spec": { "e164": "+911234500009" },
        });
        claim["spec"][NEW_FIELD] = json!("Retain");
        eventually(&format!("the field is served: {wanted}"), async || {
            let answer =
                self.release.cluster.try_request(Method::POST, &path, "application/json", &claim).await;
            match answer {
                Ok(Some(_)) if wanted => Ok(()),
                Err(error) if !wanted && error.to_string().contains("unknown field") => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }

    /// Everything that must survive: what users wished and were told, and what was written down.
    async fn kept(&self) -> Vec<Value> {
        let mut kept = Vec::new();
        for list in [
            format!("{API}/namespaces/{}/phonenumberclaims", self.release.tenant),
            format!("{API}/phonenumbers"),
        ] {
            let found = self.release.cluster.get(&list).await.unwrap();
            for object in found["items"].as_array().unwrap() {
                let mut spec = object["spec"].clone();
                // They come and go with the definitions, as the default of a field does.
                spec.as_object_mut().unwrap().retain(|field, _| !DEFAULTED.contains(&field.as_str()));
                kept.push(json!({
                    "uid": object["metadata"]["uid"], "spec": spec, "status": object["status"],
                }));
            }
        }
        kept
    }

    /// Proves that an operator is at work, and that it has looked at everything, by one more purchase.
    async fn buy(&mut self) {
        let number = self.release.stocked("INR");
        let name = format!("number-{}", self.numbers.len());
        self.release.claim(&name, &number).await;
        self.release.until(&name, PURCHASED).await;
        self.numbers.push(number);
    }

    /// Does something to the release: what there was before is there afterwards, and nothing was sent for it.
    async fn survives(&mut self, what: &str, change: impl AsyncFnOnce(&Self)) {
        let before = self.kept().await;
        change(self).await;
        self.buy().await;
        let after = self.kept().await;
        for object in &before {
            assert!(after.contains(object), "{what}: {object:#} is not in {after:#?}");
        }
        self.check_money(what);
    }

    fn check_money(&self, what: &str) {
        for number in &self.numbers {
            assert_eq!(self.release.spent(number), (1, 1), "{what}: {number}");
            assert_eq!(self.release.vobiz.owner(number).as_ref(), Some(&self.release.account), "{what}");
        }
        assert!(!self.release.released(), "{what}: a release was asked for");
    }
}

impl Story {
    /// One claim that the notes tell, one that was refused, and one more.
    async fn begin(&mut self, older: &Path, values: &Value) -> Operator {
        let notes = self.install("install", older, values).await;
        self.until_field_is_served(false).await;
        let operator = self.release.operator().await;
        self.follow(&notes).await;
        self.release.claim("missing", &self.missing).await;
        self.buy().await;
        self.release.until("missing", NUMBER_NOT_FOUND.settled()).await;
        let fields = NEW_FIELDS.map(|(part, field)| format!("PhoneNumberClaim.{part}.{field}"));
        // The sixth, and the kind of accounts, are counted only.
        let words = format!("do not know {}, and 2 more. Install this version's", fields[..5].join(", "));
        assert!(self.release.log().contains(&words), "{}", self.release.log());
        operator
    }

    /// What a later version writes into a record stays when it is rolled back, and whatever this version writes then.
    async fn roll_back_from(&mut self, later: &Path, values: &Value) {
        self.install("upgrade", later, values).await;
        let path = Release::record_path(&self.numbers[1]);
        let field = json!({ "x": "y" });
        let fields = json!({
            "spec": { "later": field, "claimRef": { "later": field },
                      "attempt": { "later": field, "answer": { "later": field } } },
            "status": { "later": field },
        });
        self.release.cluster.merge(&path, &fields).await;
        let (sleeping, number) = ("sleeping", self.release.stocked("INR"));
        let path = self.release.claim_path(sleeping);
        let claim = json!({
            "apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
            "metadata": { "name": sleeping }, "spec": { "e164": number, "deletionPolicy": "Hibernate" },
        });
        self.release.cluster.create(path.rsplit_once('/').unwrap().0, &claim).await;
        self.release.until(sleeping, NEWER_VERSION).await;
        self.survives("rollback from a later version", async |story| {
            story.helm(&["rollback", "vobiz"], None).await;
            let definition =
                "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/phonenumbers.telephony.vobiz.ai";
            let definition = story.release.cluster.get(definition).await.unwrap();
            assert!(!definition.to_string().contains("\"later\""), "{definition:#}");
        })
        .await;
        // It is told so by definitions that do not know its word, too.
        let untold = json!({ "status": { "conditions": [] } });
        self.release.cluster.merge(&format!("{path}/status"), &untold).await;
        self.release.until(sleeping, NEWER_VERSION).await;
        assert_eq!(self.release.spent(&number), (0, 0));
        self.release.cluster.delete(&path).await;
        // The first of the numbers that were bought by name: what it is claimed by goes, and comes again.
        let name = "number-1";
        self.release.cluster.delete(&self.release.claim_path(name)).await;
        self.release.until_record(&self.numbers[1], |record| record.and_then(claimed) == Some("False")).await;
        let record = self.release.record(&self.numbers[1]).await.unwrap();
        for place in ["/spec", "/spec/attempt", "/spec/attempt/answer", "/spec/claimRef", "/status"] {
            assert_eq!(record.pointer(place).unwrap()["later"], field, "{place}: {record:#}");
        }
        self.release.claim(name, &self.numbers[1]).await;
        self.release.until(name, PURCHASED).await;
        self.check_money("rollback from a later version");
    }

    /// The pod ends with its release, and so does its account; what the release kept is taken over by the next.
    async fn end_and_begin_again(&mut self, operator: Operator, chart: &Path, values: &Value) {
        let before = self.kept().await;
        operator.stop().await;
        let said = self.helm(&["uninstall", "vobiz"], None).await;
        assert!(said.contains("kept due to the resource policy"), "{said}");
        let path = format!("/apis/apps/v1/namespaces/{}/deployments", self.release.namespace);
        assert_eq!(self.release.cluster.get(&path).await.unwrap()["items"], json!([]));
        assert_eq!(self.kept().await, before, "uninstall");
        self.check_money("uninstall");

        self.install("install", chart, values).await;
        let operator = self.release.operator().await;
        self.survives("a new installation", async |_| {}).await;
        operator.stop().await;

        let before = self.kept().await;
        self.helm(&["uninstall", "vobiz"], None).await;
        let other = ["install", "other", &chart.display().to_string(), "--take-ownership"];
        self.helm(&other, Some(values)).await;
        assert_eq!(self.kept().await, before, "another name");
    }
}

#[test]
fn claims_records_and_numbers_survive_upgrade_rollback_and_uninstall() {
    run(async {
        let cluster = EMPTY.get_or_init(|| Cluster::start(Options { controller_manager: true })).await;
        let release = Release::prepare(cluster, Mode::Cluster).await;
        let (older, current) = (versions::older(release.folder()).await, chart());
        let missing = release.number();
        let mut story = Story { release, missing, numbers: Vec::new() };
        let values = story.release.values.clone();
        let mut without = values.clone();
        without["crds"] = json!({ "install": false });

        let operator = story.begin(&older, &values).await;
        story
            .survives("upgrade", async |story| {
                story.install("upgrade", &current, &values).await;
                story.until_field_is_served(true).await;
            })
            .await;
        story
            .survives("rollback", async |story| {
                story.helm(&["rollback", "vobiz", "1"], None).await;
                story.until_field_is_served(false).await;
            })
            .await;
        story
            .survives("upgrade that leaves the definitions to others", async |story| {
                story.install("upgrade", &current, &without).await;
            })
            .await;
        story
            .survives("upgrade that takes them back", async |story| {
                story.install("upgrade", &current, &values).await;
                story.until_field_is_served(true).await;
            })
            .await;
        let later = versions::later(story.release.folder()).await;
        story.roll_back_from(&later, &values).await;
        story.end_and_begin_again(operator, &current, &values).await;
        assert_eq!(story.release.spent(&story.missing), (1, 0), "a settled failure was tried again");
    });
}
