//! Files that are made from others, or must agree with them.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    harness::{root, run},
    helm::{chart, documents, render},
    values::tables,
    variations::documented,
};

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_definitions_of_the_chart_are_those_of_the_operator() {
    run(async {
        let repository = text(&root().join("crds/telephony.vobiz.ai.yaml"));
        let copy = text(&chart().join("files/crds/telephony.vobiz.ai.yaml"));
        assert!(copy == repository, "the chart's definitions are out of date: make crds");
        // What the templates make of them is the same, but for labels and annotations.
        let mut rendered = render("telephony", &json!({})).await.unwrap().objects;
        rendered.retain(|object| object["kind"] == "CustomResourceDefinition");
        for definition in &mut rendered {
            let metadata = definition["metadata"].as_object_mut().unwrap();
            metadata.retain(|name, _| name == "name");
        }
        assert_eq!(rendered, documents(&repository));
    });
}

#[test]
fn the_chart_has_the_version_of_the_operator() {
    let chart: Value = serde_yaml::from_str(&text(&chart().join("Chart.yaml"))).unwrap();
    for field in ["version", "appVersion"] {
        assert_eq!(chart[field], env!("CARGO_PKG_VERSION"), "{field}");
    }
}

/// With UPDATE=1 it writes the tables anew, which is what `make chart-docs` does.
#[test]
fn the_readme_has_the_tables_of_the_values() {
    const MARKS: [&str; 2] = ["<!-- values: written by `make chart-docs` -->\n", "<!-- end of values -->\n"];
    let path = chart().join("README.md");
    let readme = text(&path);
    let (before, rest) = readme.split_once(MARKS[0]).expect("the first mark");
    let (_, after) = rest.split_once(MARKS[1]).expect("the second mark");
    let wanted = [before, MARKS[0], &tables(&documented()), "\n", MARKS[1], after].concat();
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(path, wanted).unwrap();
    } else {
        assert!(readme == wanted, "the chart's README.md is out of date: make chart-docs");
    }
}

#[test]
fn the_files_that_the_templates_read_are_there_and_whole() {
    let rules: Value = serde_yaml::from_str(&text(&chart().join("files/alerts.yaml"))).unwrap();
    assert!(rules["groups"].as_array().is_some_and(|groups| !groups.is_empty()));
    let dashboard: Value = serde_json::from_str(&text(&chart().join("files/dashboard.json"))).unwrap();
    assert!(dashboard["title"].is_string());
}

/// The documentation's rows are held against what is served by a test of the library.
#[test]
fn every_metric_that_a_rule_or_a_panel_names_is_documented() {
    const PREFIX: &str = "vobiz_operator_";
    let documented = text(&root().join("docs/metrics.md"));
    let mut named = 0;
    for file in ["alerts.yaml", "dashboard.json"] {
        let text = text(&chart().join("files").join(file));
        for (at, _) in text.match_indices(PREFIX) {
            let is_name = |character: char| character.is_ascii_lowercase() || character == '_';
            let name = text[at..].split(|character| !is_name(character)).next().unwrap();
            let name = name.strip_suffix("_bucket").unwrap_or(name);
            assert!(documented.contains(&format!("| `{name}` |")), "{file}: {name}");
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}
