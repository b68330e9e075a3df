//! What to do with a demo that is left running.

use std::path::Path;

use testbed::{operator::Operator, terminal::say};

use crate::stage::Demo;

/// Says how to reach it, and what to try.
pub fn explain(demo: &Demo) {
    let vobiz = demo.sim.url();
    say("\n==> Left running. In another terminal, in this folder:\n");
    say(format!("export KUBECONFIG={}", quoted(&demo.place.kubeconfig())));
    if let Some(folder) = demo.place.kubectl_folder() {
        say(format!("export PATH={}:\"$PATH\"   # if you have no kubectl", quoted(&folder)));
    }
    say("\nThings to try:\n");
    for line in suggestions(&vobiz, demo.operator.as_ref().map(Operator::log)) {
        say(line);
    }
}

fn suggestions(vobiz: &str, log: Option<&Path>) -> Vec<String> {
    let mut lines = vec![
        "# Everything that is recorded, and what each field means".to_owned(),
        "kubectl get pnc,pn -o wide".to_owned(),
        "kubectl describe pnc short-balance".to_owned(),
        "kubectl explain pnc.spec".to_owned(),
        "\n# Top up the account, ask for another attempt".to_owned(),
        format!(
            r#"curl -X PUT {vobiz}/_sim/accounts -d '{{"auth_id":"MA_DEMO","balances":{{"INR":"9000"}}}}'; echo"#
        ),
        r#"kubectl annotate --overwrite pnc/short-balance telephony.vobiz.ai/retry="$(date +%s)""#.to_owned(),
        "kubectl wait --for=condition=Ready --timeout=30s pnc/short-balance".to_owned(),
        "\n# Delete a claim and create it again: the number stays, and is not bought twice".to_owned(),
        "kubectl delete -f examples/buy-inr.yaml && kubectl get pn".to_owned(),
        "kubectl apply -f examples/buy-inr.yaml && kubectl get pnc,pn".to_owned(),
        "\n# A mistake is refused, with words that help".to_owned(),
        r#"kubectl patch pnc buy-inr --type=merge -p '{"spec":{"e164":"+15550100"}}'"#.to_owned(),
        "\n# What Vobiz was asked and charged, by number".to_owned(),
        format!("curl {vobiz}/_sim/counts; echo"),
    ];
    if let Some(log) = log {
        lines.extend(["\n# The operator's log".to_owned(), format!("tail -f {}", quoted(log))]);
    }
    lines
}

/// The path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.chars().all(|it| it.is_ascii_alphanumeric() || "/._-+".contains(it)) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}
