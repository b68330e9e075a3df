//! A release of the chart, and the operator as a process with the settings, the files and the rights that it renders.
//! No kubelet runs here; the process stands for the pod.

use std::{
    cell::Cell,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use k8s_openapi::ByteString;
use serde_json::{Value, json};
use tempfile::TempDir;
use vobiz_sim::{Account, Config, JournalFilter, Sim, SimAdmin, State};

use crate::{
    audit::Audit,
    harness::{Cluster, PROGRAM, cluster, eventually},
    helm::{Rendered, render},
    operator::{Operator, Setup},
    right::Right,
};

/// Where the chart mounts files; here, it is a folder of the test's.
const MOUNTS: &str = "/etc/vobiz-operator";

static RELEASES: AtomicU32 = AtomicU32::new(1);

/// Which claims the operator serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Those of all namespaces, by a cluster role.
    Cluster,
    /// Those of named namespaces, by a Role in each.
    Namespaced,
}

pub struct Release {
    pub cluster: &'static Cluster,
    pub vobiz: SimAdmin,
    /// Where the operator is installed.
    pub namespace: String,
    /// Where its claims are.
    pub tenant: String,
    /// That of the flags.
    pub account: String,
    pub values: Value,
    pub rendered: Rendered,
    folder: TempDir,
    // It serves for as long as it lives.
    _sim: Sim,
    pub id: u32,
    pub numbers: Cell<u32>,
}

impl Release {
    /// Two namespaces, an account, and the chart rendered for them. Nothing is applied.
    pub async fn prepare(cluster: &'static Cluster, mode: Mode) -> Self {
        let id = RELEASES.fetch_add(1, Ordering::Relaxed);
        let (namespace, tenant, account) =
            (format!("release-{id}"), format!("tenant-{id}"), format!("MA_C{id}"));
        let rich = |account: &str| {
            Account::new(account, token(account)).with_balance("INR", 10_000).with_balance("USD", 1)
        };
        let accounts = vec![rich(&account), rich(&declared(&account))];
        let state = State { accounts, ..State::default() };
        let sim = Sim::start(Config { state, ..Config::default() }).await.unwrap();
        for name in [&namespace, &tenant] {
            cluster.create_namespace(name, &json!({})).await;
        }
        let mut values = json!({
            "vobiz": {
                "authId": account, "authToken": token(&account), "apiUrl": sim.url(),
                "purchaseTimeout": "5s", "settleTime": "5s",
            },
        });
        match mode {
            Mode::Namespaced => values["watchNamespaces"] = json!([tenant, namespace]),
            // Every operator in a cluster sees all accounts in it: they are for the one that has it for itself.
            Mode::Cluster => {
                let secrets = json!([{ "namespace": namespace, "name": DECLARED }]);
                values["accounts"] = json!({ "secrets": secrets, "watchNamespaces": true });
            }
        }
        let rendered = render(&namespace, &values).await.unwrap();
        let (vobiz, folder) = (sim.admin(), TempDir::new().unwrap());
        let numbers = Cell::new(0);
        let release = Self {
            cluster,
            vobiz,
            namespace,
            tenant,
            account,
            values,
            rendered,
            folder,
            _sim: sim,
            id,
            numbers,
        };
        release.mount_credentials();
        release
    }

    /// A release whose operator has the rights that the chart renders, or all of them but one.
    pub async fn install(mode: Mode, without: Option<&Right>) -> Self {
        let release = Self::prepare(cluster().await, mode).await;
        let mut objects = release.operators_objects();
        if let Some(right) = without {
            right.remove_from(&mut objects);
        }
        let rights = Right::granted(&objects);
        let file = release.folder.path().join("objects.yaml");
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        std::fs::write(&file, list.to_string()).unwrap();
        release.cluster.plane.run_kubectl(["apply", "-f", &file.display().to_string()]).await.unwrap();
        for right in &rights {
            release.until_granted(right).await;
        }
        release
    }

    /// The service account, its roles and their bindings; not those roles that are for people.
    fn operators_objects(&self) -> Vec<Value> {
        let for_people = |object: &Value| {
            let labels = object["metadata"]["labels"].as_object().unwrap();
            labels.keys().any(|label| label.starts_with("rbac.authorization.k8s.io/aggregate-to"))
        };
        let kinds = ["ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
        let objects = self.rendered.objects.iter();
        let objects = objects.filter(|object| kinds.contains(&object["kind"].as_str().unwrap()));
        objects.filter(|object| !for_people(object)).cloned().collect()
    }

    /// The rights that the chart gives the operator.
    pub fn rights(&self) -> std::collections::BTreeSet<Right> {
        Right::granted(&self.operators_objects())
    }

    /// A binding takes effect a moment after it was written.
    async fn until_granted(&self, right: &Right) {
        let (resource, subresource) = right.resource.split_once('/').unwrap_or((&right.resource, ""));
        let (namespace, name) = match resource {
            "phonenumbers" | "vobizaccounts" | "namespaces" => ("", ""),
            "secrets" => (self.namespace.as_str(), DECLARED),
            "leases" => (self.namespace.as_str(), self.lease()),
            _ => (self.tenant.as_str(), ""),
        };
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": { "user": self.user(), "resourceAttributes": {
                "group": right.group, "resource": resource, "subresource": subresource, "verb": right.verb,
                "namespace": namespace, "name": name,
            } },
        });
        eventually(&format!("{right} is granted"), async || {
            let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
            let answer = self.cluster.create(path, &review).await;
            if answer["status"]["allowed"] == true { Ok(()) } else { Err(answer["status"].to_string()) }
        })
        .await;
    }

    fn service_account(&self) -> &str {
        self.rendered.pod()["spec"]["serviceAccountName"].as_str().unwrap()
    }

    /// The name of the Lease that its pods share.
    pub fn lease(&self) -> &str {
        self.rendered.env("LEADER_ELECTION_NAME").unwrap()
    }

    /// The operator's name for the API server.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.service_account())
    }

    pub fn audit(&self) -> Audit {
        Audit::of(&self.cluster.plane, &self.user())
    }

    fn mount_credentials(&self) {
        let secret = self.rendered.only("Secret");
        let volume = &self.rendered.pod()["spec"]["volumes"][0]["secret"];
        assert_eq!(volume["secretName"], secret["metadata"]["name"]);
        for item in volume["items"].as_array().unwrap() {
            let content = secret["data"][item["key"].as_str().unwrap()].clone();
            let ByteString(content) = serde_json::from_value(content).unwrap();
            self.mount(item["path"].as_str().unwrap(), &content);
        }
    }

    /// Writes a file of the credentials' mount, as the kubelet does when the Secret changes.
    pub fn mount(&self, name: &str, content: &[u8]) {
        let folder = self.folder.path().join("credentials");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), content).unwrap();
    }

    /// A kubeconfig with a token of the service account, as the pod gets one.
    async fn kubeconfig(&self) -> String {
        let arguments = ["create", "token", self.service_account(), "-n", &self.namespace];
        let token = self.cluster.plane.run_kubectl(arguments).await.unwrap();
        let admin = std::fs::read_to_string(self.cluster.plane.kubeconfig()).unwrap();
        let mut config: Value = serde_json::from_str(&admin).unwrap();
        config["users"][0]["user"] = json!({ "token": token.trim() });
        let file = self.folder.path().join("kubeconfig");
        std::fs::write(&file, config.to_string()).unwrap();
        file.display().to_string()
    }

    /// The operator, with what the Deployment tells it.
    pub async fn operator(&self) -> Operator {
        let mut setup = Setup::new(PROGRAM, self.cluster.plane.group(), self.log_file())
            .env("KUBECONFIG", self.kubeconfig().await);
        for variable in self.rendered.container()["env"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                None => variable["value"].as_str().unwrap(),
                Some("metadata.namespace") => &self.namespace,
                Some("metadata.name") => "vobiz-operator-0",
                Some(other) => panic!("{other}"),
            };
            setup = setup.env(name, value.replace(MOUNTS, &self.folder.path().display().to_string()));
        }
        // Every process here has the same addresses, unlike pods.
        setup.without("HTTP_ADDR").start()
    }

    fn log_file(&self) -> std::path::PathBuf {
        self.folder.path().join("operator.log")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// The name of the VobizAccount of a release, and of the Secret with its token.
pub const DECLARED: &str = "declared";

/// The auth id of that account.
pub fn declared(account: &str) -> String {
    format!("{account}D")
}

/// The token of an account: a word that nothing else contains.
pub fn token(account: &str) -> String {
    format!("hush-{account}-hush")
}

impl Drop for Release {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- the operator's log\n{}", self.log());
            println!("{:#?}", self.vobiz.journal(&JournalFilter::default()));
        }
    }
}
