//! The claims in manifests. What is not read as the API server would read it is an error that names file, line and mend.

use kube::{Resource, ResourceExt};
use serde_json::Value;

use super::{
    files::File,
    node::{Content, Node},
    rules::{Broken, Rules},
};
use crate::{
    api::{GROUP, PhoneNumber, PhoneNumberClaim},
    commands::error::CommandError,
};

/// The namespaces of manifests that name none, or must have.
pub struct Namespaces<'a> {
    pub default: &'a str,
    /// Whether a manifest may name no other.
    pub only: bool,
}

/// A claim as it would be applied, and where it stands.
#[derive(Debug)]
pub struct Manifest {
    pub claim: PhoneNumberClaim,
    raw: Value,
    file: String,
    node: Node,
}

/// Reads the claims of a file; other kinds are passed over.
pub fn claims(
    file: &File,
    namespaces: &Namespaces<'_>,
    rules: &Rules,
) -> Result<Vec<Manifest>, CommandError> {
    let mut found = Vec::new();
    for document in documents(file)? {
        collect(file, &document, namespaces, rules, &mut found)?;
    }
    Ok(found)
}

fn documents(file: &File) -> Result<Vec<Node>, CommandError> {
    // As many as a cluster's manifests may be; the limits against what grows by aliases stay.
    let options = serde_yaml::options! {
        budget: serde_yaml::budget! { max_documents: 1 << 20, max_nodes: 1 << 24, max_events: 1 << 25 },
        non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::PassThrough,
    };
    serde_yaml::from_multiple_with_options(&file.text, options).map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        let why = error.without_snippet().to_string();
        let why = why.lines().next().unwrap_or_default().trim_end_matches('.');
        refused(file, line, &format!("this is no YAML or JSON: {why}; put it right, or leave the file out"))
    })
}

fn collect(
    file: &File,
    node: &Node,
    namespaces: &Namespaces<'_>,
    rules: &Rules,
    found: &mut Vec<Manifest>,
) -> Result<(), CommandError> {
    let word = |name| node.field(name).and_then(Node::text);
    let (kind, version) = (word("kind").unwrap_or_default(), word("apiVersion").unwrap_or_default());
    let (claim, record) = (PhoneNumberClaim::kind(&()), PhoneNumber::kind(&()));
    if kind.ends_with("List")
        && let Some(items) = node.field("items").and_then(Node::items)
    {
        return items.iter().try_for_each(|item| collect(file, item, namespaces, rules, found));
    }
    let known = PhoneNumberClaim::api_version(&());
    let ours = version.split('/').next() == Some(GROUP);
    if kind == claim && (version == known || version.is_empty() || ours) {
        if version != known {
            let place = ["apiVersion".to_owned()];
            return Err(refused(
                file,
                node.line_of(&place),
                &format!("apiVersion must be {known} for a {claim}"),
            ));
        }
        found.push(Manifest::of(file, node, namespaces, rules)?);
    } else if ours && kind != record {
        let place = ["kind".to_owned()];
        return Err(refused(
            file,
            node.line_of(&place),
            &format!("kind must be {claim} for an apiVersion of {GROUP}"),
        ));
    }
    Ok(())
}

impl Manifest {
    fn of(
        file: &File,
        node: &Node,
        namespaces: &Namespaces<'_>,
        rules: &Rules,
    ) -> Result<Self, CommandError> {
        let mut raw = node.json();
        // The API server takes no status from a manifest.
        if let Some(fields) = raw.as_object_mut() {
            fields.remove("status");
        }
        let mut claim = parsed(file, node, &raw, rules)?;
        let metadata = &mut claim.metadata;
        let place = |field: &str| node.line_of(&["metadata".to_owned(), field.to_owned()]);
        if metadata.name.as_deref().unwrap_or_default().is_empty() {
            return Err(refused(file, place("name"), "metadata.name is missing: give the claim a name"));
        }
        let namespace = metadata.namespace.get_or_insert_with(|| namespaces.default.to_owned());
        if namespaces.only && namespace != namespaces.default {
            return Err(refused(
                file,
                place("namespace"),
                &format!("metadata.namespace is {namespace}, and not {}: leave out -n", namespaces.default),
            ));
        }
        let manifest = Self { claim, raw, file: file.name.clone(), node: node.clone() };
        manifest.check(rules, None)?;
        Ok(manifest)
    }

    /// Whether the API server would take it, in place of what there is.
    pub fn check(&self, rules: &Rules, old: Option<&PhoneNumberClaim>) -> Result<(), CommandError> {
        let old = old.map(serde_json::to_value).transpose().map_err(CommandError::text)?;
        match rules.broken(&self.raw, old.as_ref()) {
            None => Ok(()),
            Some(Broken { path, message }) => {
                Err(CommandError::Refused(format!("{}:{}: {message}", self.file, self.node.line_of(&path))))
            }
        }
    }

    /// Says that another manifest is about the same claim.
    pub fn twice(&self, other: &Self) -> CommandError {
        let (namespace, name) = (self.claim.namespace().unwrap_or_default(), self.claim.name_any());
        CommandError::Refused(format!(
            "{}:{}: the claim {namespace}/{name} stands in {}:{} already: leave one of them out",
            self.file, self.node.line, other.file, other.node.line
        ))
    }
}

/// Reads a claim as the API server does that is asked to be strict: no field may be unknown.
fn parsed(file: &File, node: &Node, raw: &Value, rules: &Rules) -> Result<PhoneNumberClaim, CommandError> {
    let (mut unknown, mut track) = (Vec::new(), serde_path_to_error::Track::new());
    let deserializer = serde_path_to_error::Deserializer::new(raw, &mut track);
    let mut ignore = |path: serde_ignored::Path<'_>| unknown.push(steps(&path));
    let claim = serde::Deserialize::deserialize(serde_ignored::Deserializer::new(deserializer, &mut ignore));
    let claim = claim.map_err(|error: serde_json::Error| {
        let path: Vec<_> = track.path().iter().map(ToString::to_string).collect();
        let mend = mend(node, &path);
        refused(file, node.line_of(&path), &format!("{}: {error}; {mend}", path.join(".")))
    })?;
    unknown.retain(|path| !matches!(path.as_slice(), [one] if one == "apiVersion" || one == "kind"));
    let Some(path) = unknown.first() else { return Ok(claim) };
    let known = rules.fields(&path[..path.len() - 1]);
    let mend = if known.is_empty() {
        "see kubectl explain pnc".into()
    } else {
        format!("there are {}", known.join(", "))
    };
    Err(refused(file, node.line_of(path), &format!("{}: there is no such field; {mend}", path.join("."))))
}

fn steps(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => [steps(parent), vec![index.to_string()]].concat(),
        Path::Map { parent, key } => [steps(parent), vec![key.clone()]].concat(),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            steps(parent)
        }
    }
}

/// What to do about a value that cannot be read.
fn mend(node: &Node, path: &[String]) -> String {
    let name = path.last().map(String::as_str).unwrap_or_default();
    match node.at(path).map(|node| &node.content) {
        Some(Content::Number(number)) => {
            let plus = if name == "e164" { "+" } else { "" };
            format!("put it in quotes: {name}: \"{plus}{number}\"")
        }
        Some(Content::Bool(value)) => format!("put it in quotes: {name}: \"{value}\""),
        _ => format!(
            "see kubectl explain pnc{}",
            [&[""], &path.iter().map(String::as_str).collect::<Vec<_>>()[..]].concat().join(".")
        ),
    }
}

fn refused(file: &File, line: u64, what: &str) -> CommandError {
    CommandError::Refused(format!("{}:{line}: {what}", file.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "apiVersion: telephony.vobiz.ai/v1alpha1\nkind: PhoneNumberClaim\n";

    fn read(text: &str) -> Result<Vec<Manifest>, CommandError> {
        let file = File { name: "a.yaml".into(), text: text.into() };
        claims(&file, &Namespaces { default: "here", only: false }, &Rules::new()?)
    }

    fn names(text: &str) -> Vec<String> {
        let name = |one: &Manifest| {
            format!("{}/{} {}", one.claim.namespace().unwrap(), one.claim.name_any(), one.claim.spec.e164)
        };
        read(text).unwrap().iter().map(name).collect()
    }

    #[test]
    fn claims_are_found_among_documents_lists_and_other_kinds() {
        let claim =
            |name: &str| format!("{HEAD}metadata: {{name: {name}}}\nspec: {{e164: \"+911234500000\"}}\n");
        let item = |name: &str| {
            format!(
                r#"{{"apiVersion": "telephony.vobiz.ai/v1alpha1", "kind": "PhoneNumberClaim",
                "metadata": {{"name": "{name}", "namespace": "there"}}, "spec": {{"e164": "+911234500001"}}, "status": {{"x": 1}}}}"#
            )
        };
        let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {e164: !!binary aGk=}\n";
        let record = "apiVersion: telephony.vobiz.ai/v1alpha1\nkind: PhoneNumber\nspec: {}\n";
        let foreign = "apiVersion: example.com/v1\nkind: PhoneNumberClaim\n";
        let list =
            format!(r#"{{"apiVersion": "v1", "kind": "List", "items": [{}, {}]}}"#, item("b"), item("c"));
        let stream =
            [claim("a").as_str(), "", other, "# nothing", record, foreign, "resources: [x]\n", &list]
                .join("\n---\n");
        assert_eq!(
            names(&stream),
            ["here/a +911234500000", "there/b +911234500001", "there/c +911234500001"]
        );
        assert_eq!(names(&list), ["there/b +911234500001", "there/c +911234500001"]);
        assert_eq!(names(""), [""; 0]);
    }

    #[test]
    fn what_cannot_be_applied_is_named_with_its_place_and_its_mend() {
        let claim = |spec: &str| format!("---\n{HEAD}metadata:\n  name: a\nspec:\n{spec}");
        for (text, complaint) in [
            (claim("  e164: +911234500000\n"), "a.yaml:7: spec.e164: invalid type: integer"),
            (claim("  e164: +911234500000\n"), "put it in quotes: e164: \"+911234500000\""),
            (claim("  e164: \"12\"\n"), "a.yaml:7: spec.e164: not an E.164 number"),
            (claim("  e164: \"+12\"\n"), "a.yaml:7: spec.e164 must be an E.164 number"),
            (
                claim("  curency: INR\n  e164: \"+911234500000\"\n"),
                "a.yaml:7: spec.curency: there is no such field; there are",
            ),
            (claim("  currency: INR\n"), "missing field `e164`"),
            (
                claim("  e164: \"+911234500000\"\n  deletionPolicy: Release\n"),
                "a.yaml:8: spec.deletionPolicy: Release is not",
            ),
            (claim("  e164: \"+911234500000\"\n  deletionPolicy: Drop\n"), "expected `Retain` or `Release`"),
            (
                format!("{HEAD}metadata: {{}}\nspec: {{e164: \"+911234500000\"}}\n"),
                "a.yaml:3: metadata.name is missing",
            ),
            (
                format!(
                    "{HEAD}metadata:\n  name: a\n  annotations:\n    telephony.vobiz.ai/paused: true\nspec: {{e164: \"+911234500000\"}}\n"
                ),
                "a.yaml:6: metadata.annotations.telephony.vobiz.ai/paused: invalid type: boolean",
            ),
            (
                format!("{HEAD}metadata:\n  naem: a\nspec: {{e164: \"+911234500000\"}}\n"),
                "a.yaml:4: metadata.naem: there is no such field",
            ),
            (format!("{HEAD}sepc: {{}}\nmetadata: {{name: a}}\n"), "missing field `spec`"),
            ("kind: PhoneNumberClaim\n".into(), "apiVersion must be telephony.vobiz.ai/v1alpha1"),
            (
                "apiVersion: telephony.vobiz.ai/v2\nkind: PhoneNumberClaim\n".into(),
                "a.yaml:1: apiVersion must be",
            ),
            (
                "apiVersion: telephony.vobiz.ai/v1alpha1\nkind: PhoneNumberClam\n".into(),
                "a.yaml:2: kind must be PhoneNumberClaim",
            ),
            ("a: {{ .Values.x }}\nb: 1\n".into(), "a.yaml:1: this is no YAML or JSON"),
            ("a: 1\na: 2\n".into(), "a.yaml:2: this is no YAML or JSON"),
        ] {
            let told = read(&text).map(|found| found.len()).unwrap_err().to_string();
            assert!(told.contains(complaint) && !told.contains('\n'), "{text}\n{told}");
        }
    }

    #[test]
    fn a_namespace_that_was_named_is_the_only_one() {
        let file = File {
            name: "a.yaml".into(),
            text: format!(
                "{HEAD}metadata: {{name: a, namespace: there}}\nspec: {{e164: \"+911234500000\"}}\n"
            ),
        };
        let named = claims(&file, &Namespaces { default: "here", only: true }, &Rules::new().unwrap());
        assert!(named.unwrap_err().to_string().contains("metadata.namespace is there, and not here"));
    }

    #[test]
    fn a_claim_that_stands_twice_is_named_with_both_places() {
        let claim = format!("{HEAD}metadata: {{name: a}}\nspec: {{e164: \"+911234500000\"}}\n");
        let found = read(&format!("{claim}---\n{claim}")).unwrap();
        let told = found[1].twice(&found[0]).to_string();
        assert!(told.contains("a.yaml:6: the claim here/a stands in a.yaml:1 already"), "{told}");
    }
}
