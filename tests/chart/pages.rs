//! The commands of the pages, typed as they stand there, in the order of an installation's life: first number,
//! failures, upgrade, restore, end. `tests/pages.rs` sees to it that none is left out.

use std::path::Path;

use control_plane::{Component, Options};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;
use vobiz_sim::{Account, Config, Fault, FaultRule, InventoryNumber, OwnedNumber, Sim, State, Target};

use crate::{
    claims::API,
    harness::{Cluster, PROGRAM, eventually, root, run},
    helm::program,
    operator::{Operator, Setup},
    table::condition,
};

const ACCOUNT: &str = "MA_READER";
/// What a reader puts for the words in capitals. No kubelet runs here, so what helm waits for would not come.
const WORDS: [(&str, &str); 4] = [
    (" --wait", ""),
    ("REGISTRY", "registry.example.com"),
    ("FILE-WITH-THE-TOKEN", "token"),
    ("FILE-WITH-THE-NEW-TOKEN", "token"),
];

/// A cluster, an account, and a folder in which the pages' commands are typed.
struct Reader {
    cluster: Cluster,
    sim: Sim,
    folder: TempDir,
}

/// The block with that mark, without the indentation of both.
fn block(page: &str, mark: &str) -> String {
    let text = std::fs::read_to_string(root().join(page)).unwrap();
    let (before, rest) = text.split_once(&format!("<!-- run: {mark} -->\n")).expect(mark);
    let indentation = before.rsplit('\n').next().unwrap();
    let (_, rest) = rest.split_once("```sh\n").expect(mark);
    rest.split_once("```").expect(mark).0.replace(&format!("\n{indentation}"), "\n").trim().to_owned()
}

impl Reader {
    async fn new() -> Self {
        let cluster = Cluster::start(Options { controller_manager: false }).await;
        let account = Account::new(ACCOUNT, "hush").with_balance("INR", 10_000);
        let state = State { accounts: vec![account], ..State::default() };
        let sim = Sim::start(Config { state, ..Config::default() }).await.unwrap();
        let folder = TempDir::new().unwrap();
        for name in ["charts", "examples"] {
            std::os::unix::fs::symlink(root().join(name), folder.path().join(name)).unwrap();
        }
        std::fs::write(folder.path().join("token"), "hush\n").unwrap();
        Self { cluster, sim, folder }
    }

    /// No kubelet runs here: this process stands for the pod.
    fn operator(&self) -> Operator {
        let plane = &self.cluster.plane;
        let setup = Setup::new(PROGRAM, plane.group(), self.folder.path().join("operator.log"))
            .env("KUBECONFIG", plane.kubeconfig().display().to_string())
            .env("VOBIZ_API_URL", self.sim.url())
            .env("VOBIZ_AUTH_ID", ACCOUNT)
            .env("VOBIZ_AUTH_TOKEN", "hush");
        setup.env("VOBIZ_PURCHASE_TIMEOUT", "1s").env("VOBIZ_SETTLE_TIME", "1s").start()
    }

    /// Types a block, with these words for its own.
    async fn types(&self, page: &str, mark: &str, words: &[(&str, &str)]) -> String {
        let mut line = block(page, mark);
        for (word, meant) in words.iter().chain(&WORDS) {
            line = line.replace(word, meant);
        }
        self.shell(&line).await
    }

    async fn shell(&self, line: &str) -> String {
        let plane = &self.cluster.plane;
        let kubectl = plane.binaries().path(Component::Kubectl);
        let folder = |program: &Path| program.parent().unwrap().display().to_string();
        let path = [folder(&kubectl), folder(program().await), std::env::var("PATH").unwrap_or_default()];
        let mut shell = Command::new("sh");
        shell.args(["-e", "-c", line]).current_dir(self.folder.path()).env("PATH", path.join(":"));
        shell.env("KUBECONFIG", plane.kubeconfig()).env("HOME", self.folder.path()).kill_on_drop(true);
        let output = shell.output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (said, complaint) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}\n{said}{complaint}");
        said
    }

    /// Waits until a claim has that reason.
    async fn until(&self, namespace: &str, claim: &str, reason: &str) {
        let path = format!("{API}/namespaces/{namespace}/phonenumberclaims/{claim}");
        eventually(&format!("{claim} is {reason}"), async || {
            let claim = self.cluster.get(&path).await.ok_or("there is no such claim")?;
            let is_so = condition(&claim, "Ready").is_some_and(|ready| ready["reason"] == reason);
            if is_so { Ok(()) } else { Err(claim["status"].to_string()) }
        })
        .await;
    }

    /// The first claims: owned already, bought, not in stock, and paid for in vain.
    async fn claims(&self) {
        let vobiz = self.sim.admin();
        vobiz.put_owned(OwnedNumber::new("+911234500004", ACCOUNT)).unwrap();
        let said = self.types("docs/install.md", "first claim", &[]).await;
        assert!(said.contains("Adopted"), "{said}");
        assert_eq!(vobiz.purchase_calls("+911234500004"), 0);
        for number in ["+911234500001", "+911234500003"] {
            vobiz.put_number(InventoryNumber::new(number, "INR", 50, 2)).unwrap();
        }
        vobiz.arm(FaultRule::new(Target::Purchase, Fault::DebitWithoutAssignment).e164("+911234500003"));
        for claim in ["buy-inr", "not-in-inventory", "short-balance"] {
            self.shell(&format!("kubectl apply -f examples/{claim}.yaml")).await;
        }
        let said = self.types("docs/claims.md", "claims", &[("NAME", "not-in-inventory")]).await;
        assert!(said.contains("NumberNotFound"), "{said}");
    }

    /// What is asked of people after a failure.
    async fn failures(&self) {
        let vobiz = self.sim.admin();
        vobiz.put_number(InventoryNumber::new("+911234500002", "INR", 50, 2)).unwrap();
        self.types("docs/conditions.md", "retry", &[("NAME", "not-in-inventory")]).await;
        self.until("default", "not-in-inventory", "Purchased").await;

        self.until("default", "short-balance", "NeedsDecision").await;
        let record = self.cluster.get(&format!("{API}/phonenumbers/911234500003")).await.unwrap();
        let id = record["spec"]["attempt"]["id"].as_str().unwrap();
        self.types("docs/conditions.md", "decide", &[("NAME", "short-balance"), ("ATTEMPT-ID", id)]).await;
        self.until("default", "short-balance", "Purchased").await;
        let again = [("NAMESPACE", "default"), ("NAME", "short-balance")];
        self.types("docs/operations.md", "retry", &again).await;
        self.types("docs/claims.md", "pause", &[("NAME", "short-balance")]).await;
        self.types("docs/claims.md", "look now", &[("NAME", "short-balance")]).await;
        assert_eq!(vobiz.purchase_calls("+911234500003"), 2);
    }

    /// What administrators do with records.
    async fn records(&self) {
        self.shell("kubectl delete pnc/first").await;
        self.types("docs/conditions.md", "forget", &[("DIGITS", "911234500004")]).await;
        assert_eq!(self.cluster.get(&format!("{API}/phonenumbers/911234500004")).await, None);

        self.shell(
            "kubectl delete pnc/buy-inr && kubectl create namespace shop && kubectl create namespace office",
        )
        .await;
        self.shell("kubectl -n shop apply -f examples/buy-inr.yaml").await;
        self.until("shop", "buy-inr", "Conflict").await;
        let uid = self.shell("kubectl -n shop get pnc/buy-inr -o 'jsonpath={.metadata.uid}'").await;
        let claim = [("DIGITS", "911234500001"), ("NAMESPACE", "shop"), ("NAME", "buy-inr"), ("UID", &uid)];
        self.types("docs/conditions.md", "hand over", &claim).await;
        self.until("shop", "buy-inr", "Purchased").await;
        assert_eq!(self.sim.admin().purchase_calls("+911234500001"), 1);
    }

    /// The accounts of two tenants, what becomes of one account, and that of the flags as an object.
    async fn accounts(&self) {
        let vobiz = self.sim.admin();
        for (account, token) in [("MA_RED", "REPLACE-ME"), ("MA_BLUE", "REPLACE-ME"), ("MA_YYYYYYYY", "hush")]
        {
            vobiz.put_account(Account::new(account, token).with_balance("INR", 10_000));
        }
        for number in ["+911234500011", "+911234500012"] {
            vobiz.put_number(InventoryNumber::new(number, "INR", 50, 2)).unwrap();
        }
        let said = self.types("docs/accounts.md", "examples", &[]).await;
        assert_eq!(said.matches("Accepted").count(), 2, "{said}");
        for (team, number, account) in
            [("team-red", "+911234500011", "MA_RED"), ("team-blue", "+911234500012", "MA_BLUE")]
        {
            self.until(team, "office", "Purchased").await;
            assert_eq!((vobiz.purchase_calls(number), vobiz.owner(number)), (1, Some(account.to_owned())));
        }
        for (page, mark) in [
            ("docs/operations.md", "add account"),
            ("docs/operations.md", "rotate account"),
            ("docs/operations.md", "suspend account"),
            ("docs/operations.md", "remove account"),
        ] {
            self.types(page, mark, &[]).await;
        }
        assert!(!self.shell("kubectl get va -o name").await.contains("acme"));
        let before = self.statuses().await;
        self.types("docs/operations.md", "move", &[("MA_XXXXXXXX", ACCOUNT)]).await;
        assert_eq!(self.statuses().await, before);
        let calls = ["+911234500001", "+911234500003"].map(|number| vobiz.purchase_calls(number));
        assert_eq!(calls, [1, 2]);
    }

    /// What all claims say.
    async fn statuses(&self) -> Vec<Value> {
        let claims = self.cluster.get(&format!("{API}/phonenumberclaims")).await.unwrap();
        claims["items"].as_array().unwrap().iter().map(|claim| claim["status"].clone()).collect()
    }

    /// What keeps an installation going, and its end.
    async fn operations(&self, operator: Operator) {
        for (page, mark) in [
            ("docs/operations.md", "rights"),
            ("docs/operations.md", "webhooks"),
            ("docs/operations.md", "policy"),
            ("docs/operations.md", "rotate"),
            ("docs/operations.md", "metrics"),
            ("docs/operations.md", "upgrade"),
            ("charts/vobiz-operator/README.md", "upgrade"),
            ("docs/operations.md", "stop"),
            ("docs/operations.md", "hold"),
            ("charts/vobiz-operator/README.md", "uninstall"),
            ("charts/vobiz-operator/README.md", "namespaces"),
            ("docs/operations.md", "list"),
            ("docs/operations.md", "uninstall"),
        ] {
            self.types(page, mark, &[("NAMESPACE", "monitoring")]).await;
        }
        let list = std::fs::read_to_string(self.folder.path().join("phonenumbers.yaml")).unwrap();
        assert_eq!(list.matches("kind: PhoneNumber\n").count(), 5, "{list}");
        operator.kill9().await;
        self.types("docs/operations.md", "forget all", &[]).await;
        assert_eq!(self.shell("kubectl get crd -o name").await, "");
    }
}

#[test]
fn every_command_of_the_pages_does_what_the_page_says() {
    run(async {
        let reader = Reader::new().await;
        for (page, mark) in [("README.md", "install"), ("charts/vobiz-operator/README.md", "install")] {
            assert_eq!(block(page, mark), block("docs/install.md", mark), "{page}");
        }
        reader.types("docs/install.md", "install", &[]).await;
        let operator = reader.operator();
        reader.claims().await;
        reader.failures().await;
        reader.records().await;
        reader.accounts().await;
        reader.operations(operator).await;
    });
}
