//! Claims that Flux's real controller applies from a repository.

use std::{collections::BTreeMap, process::Stdio};

use control_plane::Component;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    process::{Child, Command},
    sync::OnceCell,
};
use vobiz_sim::{Fault, FaultRule, HoldAt, Target};

use crate::{
    harness::{eventually, run},
    table::{INSUFFICIENT_BALANCE, NUMBER_NOT_FOUND, PURCHASED, condition, message},
    world::{World, claimed},
};

const KUSTOMIZATIONS: &str = "/apis/kustomize.toolkit.fluxcd.io/v1";
const SOURCES: &str = "/apis/source.toolkit.fluxcd.io/v1";

/// Flux, following one repository and one namespace.
struct Flux<'a> {
    world: &'a World,
    revisions: u32,
    /// Killed when it is dropped.
    _controller: Child,
}

/// The definitions of Flux, as its own modules carry them.
async fn define(world: &World) {
    static DEFINED: OnceCell<()> = OnceCell::const_new();
    DEFINED
        .get_or_init(|| async {
            for (module, file) in [
                ("kustomize-controller", "kustomize.toolkit.fluxcd.io_kustomizations.yaml"),
                ("source-controller", "source.toolkit.fluxcd.io_gitrepositories.yaml"),
                ("source-controller", "source.toolkit.fluxcd.io_ocirepositories.yaml"),
                ("source-controller", "source.toolkit.fluxcd.io_buckets.yaml"),
                ("source-controller", "source.toolkit.fluxcd.io_externalartifacts.yaml"),
            ] {
                let folder = control_plane::flux_module(module).await.unwrap();
                let file = folder.join("config/crd/bases").join(file);
                world.cluster.plane.apply_crds(&file).await.unwrap();
            }
        })
        .await;
}

impl<'a> Flux<'a> {
    async fn start(world: &'a World) -> Self {
        define(world).await;
        let program = control_plane::program(Component::KustomizeController, |line| println!("{line}"));
        let log = std::fs::File::create(world.folder.path().join("flux.log")).unwrap();
        let mut command = Command::new(program.await.unwrap());
        command
            .args(["--watch-all-namespaces=false", "--enable-leader-election=false"])
            .args(["--metrics-addr=127.0.0.1:0", "--health-addr=127.0.0.1:0", "--min-retry-delay=1s"])
            .env("KUBECONFIG", world.cluster.plane.kubeconfig())
            .env("RUNTIME_NAMESPACE", &world.namespace)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        world.cluster.plane.adopt(&mut command);
        let controller = command.spawn().unwrap();
        let repository = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": { "name": "platform" },
            "spec": { "url": "https://git.example.com/platform", "interval": "1h" },
        });
        world
            .cluster
            .create(&format!("{SOURCES}/namespaces/{}/gitrepositories", world.namespace), &repository)
            .await;
        Self { world, revisions: 0, _controller: controller }
    }

    /// What source-controller would do once somebody has pushed these files.
    async fn push(&mut self, files: &BTreeMap<String, Value>) {
        self.revisions += 1;
        let archive = packed(files);
        let digest = format!("{:x}", Sha256::digest(&archive));
        let size = archive.len();
        let url = serve(archive).await;
        let revision = format!("main@sha1:{:040x}", self.revisions);
        let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let status = json!({ "status": {
            "observedGeneration": 1,
            "artifact": { "url": url, "path": "platform.tar.gz", "digest": format!("sha256:{digest}"),
                "revision": revision, "lastUpdateTime": now, "size": size },
            "conditions": [{ "type": "Ready", "status": "True", "reason": "Succeeded", "message": "stored",
                "lastTransitionTime": now, "observedGeneration": 1 }],
        }});
        let path = format!("{SOURCES}/namespaces/{}/gitrepositories/platform/status", self.world.namespace);
        self.world.cluster.merge(&path, &status).await;
    }

    fn path(&self) -> String {
        format!("{KUSTOMIZATIONS}/namespaces/{}/kustomizations", self.world.namespace)
    }

    /// Has the files applied, and waited for.
    async fn follow(&self) {
        let mut kustomization = example("kustomization");
        kustomization["metadata"]["namespace"] = json!(self.world.namespace);
        // What the test waits for, it causes; nothing is to come by itself.
        for (field, span) in [("interval", "1h"), ("retryInterval", "1h"), ("timeout", "2m")] {
            kustomization["spec"][field] = json!(span);
        }
        self.world.cluster.create(&self.path(), &kustomization).await;
    }

    async fn kustomization(&self) -> Value {
        self.world.cluster.get(&format!("{}/telephony", self.path())).await.unwrap_or_default()
    }

    /// Waits until the Kustomization has come to an end with the newest revision: well, or not.
    async fn ends(&self, ready: &str) -> Value {
        let revision = format!("main@sha1:{:040x}", self.revisions);
        eventually(&format!("the Kustomization is ready: {ready}"), async || {
            let found = self.kustomization().await;
            let attempted = found["status"]["lastAttemptedRevision"] == revision;
            let is = condition(&found, "Ready").is_some_and(|condition| condition["status"] == ready);
            if attempted && is { Ok(found) } else { Err(found["status"].to_string()) }
        })
        .await
    }
}

/// A file of `examples/gitops/flux`.
fn example(name: &str) -> Value {
    let file = format!("{}/examples/gitops/flux/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    serde_yaml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The claim of the examples, which Flux must not prune, for a number of this test.
fn protected(world: &World, number: &str) -> (String, Value) {
    let mut claim = example("claim");
    claim["metadata"]["namespace"] = json!(world.namespace);
    claim["spec"]["e164"] = json!(number);
    (claim["metadata"]["name"].as_str().unwrap().to_owned(), claim)
}

fn packed(files: &BTreeMap<String, Value>) -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for (name, object) in files {
        let content = object.to_string();
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("claims/{name}.yaml"), content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Serves one file to whoever asks, for as long as the test runs.
async fn serve(content: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", content.len());
            let _ = connection.write_all(head.as_bytes()).await;
            let _ = connection.write_all(&content).await;
        }
    });
    format!("http://{address}/platform.tar.gz")
}

fn file(world: &World, name: &str, number: &str) -> (String, Value) {
    let claim = json!({
        "apiVersion": "telephony.vobiz.ai/v1alpha1",
        "kind": "PhoneNumberClaim",
        "metadata": { "name": name, "namespace": world.namespace },
        "spec": { "e164": number },
    });
    (name.to_owned(), claim)
}

#[test]
#[ignore = "builds Flux's kustomize-controller: make e2e"]
fn flux_is_ready_when_the_claims_are_bought_and_not_before() {
    run(async |world| {
        let number = world.stocked();
        world.arm(FaultRule::new(Target::Purchase, Fault::Hold { at: HoldAt::Before }));
        let mut flux = Flux::start(&world).await;
        flux.push(&[file(&world, "office", &number)].into()).await;
        flux.follow().await;
        eventually("Flux waits for the claim that nobody has looked at", async || {
            let found = flux.kustomization().await;
            let waits = condition(&found, "Healthy").is_some_and(|healthy| healthy["status"] == "Unknown");
            let unseen =
                world.get("office").await.is_some_and(|claim| claim["status"]["observedGeneration"] == -1);
            if waits && unseen { Ok(()) } else { Err(found["status"].to_string()) }
        })
        .await;
        let _operator = world.patient().start();
        world.held(&number).await;
        let ready = |found: &Value| condition(found, "Ready").is_some_and(|ready| ready["status"] == "True");
        assert!(!ready(&flux.kustomization().await), "Flux did not wait");
        world.release();
        let bought = world.until("office", PURCHASED).await;
        let passed = flux.ends("True").await;
        let since = |object: &Value| condition(object, "Ready").unwrap()["lastTransitionTime"].to_string();
        assert!(since(&passed) >= since(&bought), "{passed:#}");
        assert_eq!(world.spent(&number), (1, 1));
    });
}

#[test]
#[ignore = "builds Flux's kustomize-controller: make e2e"]
fn flux_fails_and_names_the_claim_when_a_number_cannot_be_bought() {
    for short in [false, true] {
        run(async |world| {
            let number = world.number();
            if short {
                let dear = vobiz_sim::InventoryNumber::new(&number, "INR", 50_000, 2).in_region("IN", "Goa");
                world.vobiz.put_number(dear).unwrap();
            }
            let _operator = world.operator();
            let mut flux = Flux::start(&world).await;
            flux.push(&[file(&world, "office", &number)].into()).await;
            flux.follow().await;
            let row = if short { INSUFFICIENT_BALANCE } else { NUMBER_NOT_FOUND };
            let claim = world.until("office", row.settled()).await;
            let failed = flux.ends("False").await;
            let said = message(&failed);
            assert!(said.contains("PhoneNumberClaim") && said.contains("Failed"), "{said}");
            // Flux names the object and no more; the sentence stands in the object's condition.
            assert!(said.contains("office"), "{said}");
            assert!(message(&claim).contains("Vobiz"), "{claim:#}");
            assert_eq!(world.spent(&number), (1, 0));
        });
    }
}

#[test]
#[ignore = "builds Flux's kustomize-controller: make e2e"]
fn a_resync_a_prune_and_a_kustomization_made_anew_cost_no_call() {
    run(async |world| {
        let (number, other, third) = (world.stocked(), world.stocked(), world.stocked());
        let (hotline, kept) = protected(&world, &third);
        let _operator = world.operator();
        let mut flux = Flux::start(&world).await;
        let files: BTreeMap<_, _> = [file(&world, "office", &number), (hotline.clone(), kept)].into();
        flux.push(&files).await;
        flux.follow().await;
        flux.ends("True").await;
        // The same files under a new revision.
        flux.push(&files).await;
        flux.ends("True").await;
        assert_eq!(world.spent(&number), (1, 1));
        // The claim vanishes from the repository: the number stays.
        flux.push(&[file(&world, "shop", &other)].into()).await;
        flux.ends("True").await;
        eventually("the claim is pruned", async || match world.get("office").await {
            None => Ok(()),
            Some(claim) => Err(claim.to_string()),
        })
        .await;
        assert!(world.get(&hotline).await.is_some(), "pruned in spite of its annotation");
        world.until_record(&number, |record| claimed(record) == Some("False")).await;
        assert_eq!(world.vobiz.owner(&number).as_deref(), Some(world.account.as_str()));
        // It comes back, and then the Kustomization itself goes and comes back.
        let both: BTreeMap<_, _> = [file(&world, "office", &number), file(&world, "shop", &other)].into();
        flux.push(&both).await;
        flux.ends("True").await;
        let path = format!("{}/telephony", flux.path());
        world.cluster.request(http::Method::DELETE, &path, "application/json", &Value::Null).await;
        eventually("all of it is gone", async || {
            let left = (flux.kustomization().await, world.get("office").await);
            if left == (Value::Null, None) { Ok(()) } else { Err(left.0.to_string()) }
        })
        .await;
        flux.follow().await;
        flux.ends("True").await;
        world.until("office", PURCHASED).await;
        assert_eq!((world.spent(&number), world.spent(&other)), ((1, 1), (1, 1)));
    });
}
