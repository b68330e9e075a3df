//! What to do with a node that is left running.

use std::path::Path;

use crate::install::NAMESPACE;
use crate::stage::Stage;
use testbed::terminal::say;

/// Says how to reach it, and what to try.
pub fn explain(stage: &Stage) {
    let node = &stage.node;
    let tools: Vec<_> = node.tools().iter().map(|folder| folder.display().to_string()).collect();
    let kubeconfig = node.plane().kubeconfig().display();
    say(
        "\n==> Left running. A shell in its network namespace, with kubectl, helm and ctr (as root, in this folder):\n",
    );
    say(format!(
        "nsenter -t {} -n env KUBECONFIG={kubeconfig} CONTAINERD_ADDRESS={} PATH={}:\"$PATH\" bash",
        std::process::id(),
        node.folder().join("containerd.sock").display(),
        tools.join(":"),
    ));
    say("\nThings to try there:\n");
    for line in suggestions(stage, node.folder()) {
        say(line);
    }
}

fn suggestions(stage: &Stage, folder: &Path) -> Vec<String> {
    vec![
        format!("kubectl -n {NAMESPACE} get all"),
        format!("kubectl -n {NAMESPACE} logs -f deployment/vobiz-operator"),
        "kubectl get pnc,pn -A".to_owned(),
        format!("helm -n {NAMESPACE} list"),
        format!("curl -k {}/_sim/counts; echo   # what Vobiz was asked and charged", stage.sim.url()),
        format!("ls {}/*.log   # kubelet, containerd, apiserver, …", folder.display()),
    ]
}
