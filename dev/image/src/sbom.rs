//! The bill of materials: every crate that is linked into the binary.

use std::collections::{BTreeSet, HashMap, VecDeque};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package, PackageId};
use serde_json::{Value, json};

use crate::error::Error;

const OPERATOR: &str = "vobiz-operator";

/// What the operator's binary is made of, in `CycloneDX` 1.6: every crate that is linked into it, and the roots beside it.
pub fn of_the_operator(target: &str) -> Result<String, Error> {
    let metadata = MetadataCommand::new()
        .features(CargoOpt::SomeFeatures(Vec::new()))
        .other_options(["--locked", "--filter-platform", target].map(String::from))
        .exec()?;
    let operator = metadata.packages.iter().find(|package| *package.name == OPERATOR);
    let operator = operator.ok_or(Error::NoOperator)?;
    let linked = linked_into(&metadata, &operator.id)?;
    // Not linked, but carried: the image's roots come from it.
    let roots = metadata.packages.iter().filter(|package| *package.name == "webpki-root-certs");
    let mut components: Vec<_> = linked.into_iter().chain(roots).map(component).collect();
    components.sort_by_key(|component| component["purl"].to_string());
    let document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": { "type": "application", "bom-ref": OPERATOR, "name": OPERATOR,
            "version": operator.version.to_string(), "purl": purl(operator) } },
        "components": components,
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

fn linked_into<'a>(metadata: &'a Metadata, operator: &PackageId) -> Result<Vec<&'a Package>, Error> {
    let resolve = metadata.resolve.as_ref().ok_or(Error::NoOperator)?;
    let nodes: HashMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let (mut seen, mut queue) = (BTreeSet::new(), VecDeque::from([operator]));
    while let Some(node) = queue.pop_front().and_then(|id| nodes.get(id)) {
        for dependency in &node.deps {
            let linked = dependency.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal);
            if linked && seen.insert(&dependency.pkg) {
                queue.push_back(&dependency.pkg);
            }
        }
    }
    Ok(metadata.packages.iter().filter(|package| seen.contains(&package.id)).collect())
}

fn purl(package: &Package) -> String {
    format!("pkg:cargo/{}@{}", package.name, package.version)
}

fn component(package: &Package) -> Value {
    let licenses: Vec<_> = package.license.iter().map(|license| json!({ "expression": license })).collect();
    json!({ "type": "library", "bom-ref": purl(package), "name": package.name, "version": package.version,
        "purl": purl(package), "licenses": licenses })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lists_what_is_linked_and_nothing_that_only_tests_or_builds_use() {
        let document: Value =
            serde_json::from_str(&of_the_operator("x86_64-unknown-linux-gnu").unwrap()).unwrap();
        let components = document["components"].as_array().unwrap();
        let has = |name: &str| components.iter().any(|component| component["name"] == name);
        for linked in ["kube", "reqwest", "rustls", "ring", "webpki-root-certs"] {
            assert!(has(linked), "{linked}");
        }
        for unlinked in ["vobiz-sim", "rcgen", "tempfile", "vobiz-operator"] {
            assert!(!has(unlinked), "{unlinked}");
        }
        for component in components {
            assert!(component["purl"].as_str().unwrap().contains('@'), "{component}");
        }
    }
}
