//! The one module that knows the YAML library: text to a tree of nodes with their places.
//!
//! Scalars stay text as written (`0755`, `3.10`, `yes`), since what they mean depends on the key that they belong to. Anchors,
//! aliases and merge keys are resolved; each node keeps the place where its text stands.

use std::sync::Arc;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::{Location, Spanned};

use crate::{
    place::{Place, Source},
    problem::Problem,
};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// Of the key.
    pub(crate) place: Place,
    pub(crate) value: Node,
}

/// What a file that is laid over another does with a value, other than merging it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Tag {
    Reset,
    Override,
}

impl Entry {
    /// `!reset` or `!override` between the key and its value; the library hands out values without their tags.
    pub(crate) fn tag(&self) -> Option<Tag> {
        let (key, value) = (&self.place, &self.value.place);
        if !Arc::ptr_eq(&key.source, &value.source) {
            return None;
        }
        let between = key.source.text.get(key.span.end..value.span.start)?;
        match between.trim_start().strip_prefix(':')?.split_whitespace().next() {
            Some("!reset") => Some(Tag::Reset),
            Some("!override") => Some(Tag::Override),
            _ => None,
        }
    }
}

impl Node {
    /// Equal in what it says, wherever it stands.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Null, Value::Null) => true,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.says_the_same(b)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|entry| other.get(&entry.key).is_some_and(|value| entry.value.says_the_same(value)))
            }
            _ => false,
        }
    }

    /// Without what `!reset` takes away.
    pub(crate) fn without_resets(self) -> Self {
        let value = match self.value {
            Value::Map(map) => Value::Map(
                map.into_iter()
                    .filter(|entry| entry.tag() != Some(Tag::Reset))
                    .map(|entry| Entry { value: entry.value.without_resets(), ..entry })
                    .collect(),
            ),
            Value::List(list) => Value::List(list.into_iter().map(Self::without_resets).collect()),
            other => other,
        };
        Self { value, place: self.place }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        if let Value::List(list) = &self.value { Some(list) } else { None }
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        if let Value::Map(map) = &self.value { Some(map) } else { None }
    }

    pub(crate) fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.map()?.iter().find(|entry| entry.key == key)
    }

    /// What it is, for "expected a list, found …".
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Text(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}

/// # Errors
/// One problem: not YAML, more than one document, a duplicate key, or more aliases and nodes than any real file has.
pub(crate) fn parse(source: &Arc<Source>) -> Result<Node, Problem> {
    if source.text.trim().is_empty() {
        return Ok(Node { value: Value::Null, place: Place::top(source) });
    }
    match serde_saphyr::from_str_with_options::<Raw>(&source.text, options()) {
        Ok(raw) => Ok(raw.resolve(source)),
        Err(error) => Err(problem(source, &error)),
    }
}

/// Limits far above the largest compose file seen (tens of services), far below what hurts.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_documents: 1,
            max_depth: 32,
            max_nodes: 200_000,
            max_events: 500_000,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 200_000,
            max_replay_stack_depth: 16,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

fn problem(source: &Arc<Source>, error: &serde_saphyr::Error) -> Problem {
    let place = error.location().map_or_else(|| Place::top(source), |location| place(source, location));
    let text = error.without_snippet().to_string();
    if text.contains("limit exceeded") || text.contains("budget breached") && !text.contains("Documents") {
        return Problem::at(&place, "yaml-too-large", "the compose file is larger than landing reads")
            .label("more aliases, nesting or values than any real file has")
            .help("look for anchors that contain each other's aliases many times");
    }
    if text.contains("Documents") {
        return Problem::at(&place, "bad-yaml", "the compose file has more than one document")
            .help("keep one of them: compose reads a single document, without `---` in between");
    }
    // The library ends its one-line messages with the position, which the problem has already, or with advice to programs.
    let text = text.lines().next().unwrap_or_default();
    let text = text.split(" at line ").next().unwrap_or(text);
    let text = text.split(", set DuplicateKeyPolicy").next().unwrap_or(text).to_owned();
    let help = if text.starts_with("duplicate") {
        "keep one of the two"
    } else {
        "look at the indentation, the brackets and the quotes here and just above"
    };
    Problem::at(&place, "bad-yaml", "the compose file is not valid YAML").label(text).help(help)
}

fn place(source: &Arc<Source>, location: Location) -> Place {
    let span = location.span();
    match (span.byte_offset(), span.byte_len()) {
        (Some(offset), Some(length)) => {
            let start = usize::try_from(offset).unwrap_or(usize::MAX);
            let length = usize::try_from(length).unwrap_or(0);
            Place::new(source, start..start.saturating_add(length))
        }
        _ => {
            let start = source.start_of(usize::try_from(location.line()).unwrap_or(1));
            Place::new(source, start..start)
        }
    }
}

/// As the library hands it out; typed scalars are still to be turned back into their text.
struct Raw(Spanned<RawValue>);

enum RawValue {
    Null,
    Text(String),
    /// A number or a boolean, as the library prints it.
    Typed(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl Raw {
    fn resolve(self, source: &Arc<Source>) -> Node {
        let place = place(source, self.0.defined);
        let value = match self.0.value {
            RawValue::Null => Value::Null,
            RawValue::Text(text) => Value::Text(text),
            RawValue::Typed(printed) => Value::Text(as_written(&place, printed)),
            RawValue::List(list) => Value::List(list.into_iter().map(|raw| raw.resolve(source)).collect()),
            RawValue::Map(map) => Value::Map(
                map.into_iter()
                    .map(|(key, raw)| Entry {
                        key: key.value,
                        place: self::place(source, key.defined),
                        value: raw.resolve(source),
                    })
                    .collect(),
            ),
        };
        Node { value, place }
    }
}

/// The source text of a plain number or boolean, which alone keeps `0755` and `3.10` as they are.
fn as_written(place: &Place, printed: String) -> String {
    let text = place.text().trim();
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte));
    if is_plain { text.to_owned() } else { printed }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Spanned::<RawValue>::deserialize(deserializer).map(Raw)
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E: Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_none<E: Error>(self) -> Result<RawValue, E> {
        Ok(RawValue::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<RawValue, E> {
        Ok(RawValue::Typed(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<RawValue, E> {
        Ok(RawValue::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element()? {
            list.push(item);
        }
        Ok(RawValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<RawValue, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = access.next_entry()? {
            map.push(entry);
        }
        Ok(RawValue::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Arc<Source> {
        Arc::new(Source::new("compose.yml", text.to_owned()))
    }

    fn show(node: &Node) -> String {
        match &node.value {
            Value::Null => "~".to_owned(),
            Value::Text(text) => format!("{text:?}@{}:{}", node.place.line(), node.place.column()),
            Value::List(list) => {
                format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(", "))
            }
            Value::Map(map) => {
                let entries: Vec<_> = map.iter().map(|e| format!("{}@{}: {}", e.key, e.place.line(), show(&e.value))).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }

    #[test]
    fn scalars_stay_as_written() {
        let yaml = "a: 0755\nb: 3.10\nc: yes\nd: 'x'\ne: ~\nf: \"1\"\ng: true\nh: 60:60\ni: 1_000\nj:\nk: 0x1F\n8080: v";
        insta::assert_snapshot!(show(&parse(&source(yaml)).unwrap()));
    }

    #[test]
    fn merge_keys_keep_the_place_of_the_text() {
        let yaml = "x-a: &a\n  k: 1\n  l: 2\nx-b: &b {m: 3, k: 9}\ns:\n  <<: [*a, *b]\n  l: 4\nt: *a\n";
        insta::assert_snapshot!(show(&parse(&source(yaml)).unwrap()));
    }

    #[test]
    fn what_is_not_yaml_is_one_problem_each() {
        let bomb = {
            let mut text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
            for (name, of) in ["b", "c", "d", "e", "f", "g", "h"].iter().zip(["a", "b", "c", "d", "e", "f", "g"]) {
                text.push_str(&format!("{name}: &{name} [{}]\n", vec![format!("*{of}"); 10].join(",")));
            }
            text
        };
        let deep = "[".repeat(500);
        let mut shown = String::new();
        for text in ["a: [1, 2", "a: 1\na: 2", "a: *nobody", "a: 1\n---\nb: 2", "a:\n\t- b", &bomb, &deep] {
            let problem = parse(&source(text)).unwrap_err();
            shown.push_str(&format!("{}:{} {}: {}\n", problem.line, problem.column, problem.title, problem.label));
        }
        insta::assert_snapshot!(shown);
    }
}
