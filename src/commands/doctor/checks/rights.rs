//! Whether who asks has the rights that the operator needs.

use super::super::{
    facts::Facts,
    finding::{Verdict, some},
    rights::NAMESPACES,
};

pub fn rights(facts: &Facts) -> Verdict {
    let refused = facts.reviews.iter().filter(|review| matches!(review.allowed, Ok(false)));
    let labels = refused.clone().any(|review| review.right.resource == NAMESPACES.resource);
    let labels = if labels {
        "; the rights to namespaces by accounts.watchNamespaces=true, because a VobizAccount chooses namespaces by their labels"
    } else {
        ""
    };
    if let Some(lacking) = some(refused.map(|review| review.right.to_string())) {
        return Verdict::error(
            format!("These credentials of the cluster lack what the operator needs: {lacking}."),
            format!(
                "If they are the operator's, give it the chart's roles (rbac.create{labels}); if they are yours, ask where it \
                 runs: kubectl exec -n NAMESPACE deploy/vobiz-operator -- /usr/local/bin/vobiz-operator doctor"
            ),
        );
    }
    let unknown = facts.reviews.iter().find_map(|review| review.allowed.as_ref().err());
    match unknown {
        Some(why) => Verdict::warning(
            format!("Whether these credentials of the cluster suffice cannot be found out: {why}."),
            "kubectl auth can-i --list",
        ),
        None => Verdict::ok(format!(
            "These credentials of the cluster have the {} rights that the operator needs.",
            facts.reviews.len()
        )),
    }
}
