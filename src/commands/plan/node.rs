//! A manifest as it stands in its file: each value, and in which line it is.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_yaml::Spanned;

/// A value of a YAML document.
#[derive(Debug, Clone)]
pub struct Node {
    pub line: u64,
    pub content: Content,
}

#[derive(Debug, Clone)]
pub enum Content {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// With the line of each name.
    Fields(Vec<(u64, String, Node)>),
}

impl Node {
    pub fn field(&self, name: &str) -> Option<&Self> {
        self.fields().iter().find(|(_, known, _)| known == name).map(|(.., value)| value)
    }

    pub fn text(&self) -> Option<&str> {
        if let Content::Text(text) = &self.content { Some(text) } else { None }
    }

    pub fn items(&self) -> Option<&[Self]> {
        if let Content::List(items) = &self.content { Some(items) } else { None }
    }

    fn fields(&self) -> &[(u64, String, Self)] {
        if let Content::Fields(fields) = &self.content { fields } else { &[] }
    }

    /// The line in which a path leads furthest.
    pub fn line_of(&self, path: &[String]) -> u64 {
        let (mut line, mut node) = (self.line, self);
        for step in path {
            let Some((at, _, value)) = node.fields().iter().find(|(_, name, _)| name == step) else { break };
            (line, node) = (*at, value);
        }
        line
    }

    /// The value at a path, if that leads to one.
    pub fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| node.field(step))
    }

    /// As the API server would get it. A field without a value is one that is left out.
    pub fn json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::json).collect()),
            Content::Fields(fields) => {
                let named = fields.iter().filter(|(.., value)| !matches!(value.content, Content::Null));
                Value::Object(named.map(|(_, name, value)| (name.clone(), value.json())).collect())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self { line: read.referenced.line(), content: read.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyContent)
    }
}

struct AnyContent;

impl<'de> Visitor<'de> for AnyContent {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Content, E> {
        Ok(Number::from_f64(value).map_or(Content::Null, Content::Number))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = entries.next_entry::<Spanned<String>, Node>()? {
            fields.push((name.referenced.line(), name.value, value));
        }
        Ok(Content::Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Vec<Node> {
        serde_yaml::from_multiple(text).unwrap()
    }

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn every_value_is_known_with_its_line_in_yaml_and_in_json() {
        let yaml = "# first\nkind: A\nspec:\n  list:\n  - x: 1\n    y: \"2\"\n  none:\n---\n\nkind: B\n";
        let [first, second] = read(yaml).try_into().unwrap();
        assert_eq!(first.json(), json!({ "kind": "A", "spec": { "list": [{ "x": 1, "y": "2" }] } }));
        for (at, line) in [("kind", 2), ("spec", 3), ("spec.list", 4), ("spec.none", 7), ("spec.nothing", 3)]
        {
            assert_eq!(first.line_of(&path(at)), line, "{at}");
        }
        assert_eq!(second.line_of(&path("kind")), 10);
        let [json] =
            read("{\n \"kind\": \"A\",\n \"spec\": {\n  \"e164\": \"+1\"\n }\n}").try_into().unwrap();
        assert_eq!((json.line_of(&path("spec.e164")), json.field("kind").unwrap().text()), (4, Some("A")));
    }

    #[test]
    fn what_other_kinds_may_hold_is_read_too() {
        let yaml = "a: +911234500000\nb: 0x1F\nc: 1.5\nd: .nan\ne: 2026-01-02\nf: &x [true]\ng: *x\n1: one\nh: |\n  text\n";
        let options =
            serde_yaml::options! { non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::PassThrough };
        let [node]: [Node; 1] =
            serde_yaml::from_multiple_with_options(yaml, options).unwrap().try_into().unwrap();
        let expected = json!({
            "a": 911_234_500_000_u64, "b": 31, "c": 1.5, "e": "2026-01-02", "f": [true], "g": [true], "1": "one", "h": "text\n",
        });
        assert_eq!(node.json(), expected);
    }
}
