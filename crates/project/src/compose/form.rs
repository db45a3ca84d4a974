//! The form of a compose file by the specification's own JSON schema: what it refuses, Compose refuses, and so do we.
//!
//! The readers of single keys say what is wrong in better words; what is said here is the rest, so that nothing passes
//! unseen in a key that we ignore. Only the keywords that the schema uses are known, and a test looks that there are no others.

use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

use super::{
    values::seems,
    yaml::{Node, Tag, Value},
};
use crate::{place::Place, problem::Problem, suggest::did_you_mean};

static SCHEMA: LazyLock<Json> = LazyLock::new(|| {
    serde_json::from_str(include_str!("specification/compose-spec.json")).expect("it is JSON, and part of this program")
});

/// What the schema refuses in a file before variables are filled in; a value with a variable may become anything.
pub(super) fn problems(top: &Node) -> Vec<Problem> {
    if top.is_null() {
        return Vec::new();
    }
    let mut check = Check { path: Vec::new(), found: Vec::new(), failed: false, quiet: false };
    check.node(&SCHEMA, top);
    check.found
}

struct Check<'a> {
    path: Vec<&'a str>,
    found: Vec<Problem>,
    failed: bool,
    /// Whether only the answer matters, as for one of several alternatives.
    quiet: bool,
}

impl<'a> Check<'a> {
    fn node(&mut self, schema: &'static Json, node: &'a Node) {
        let Some(schema) = schema.as_object() else { return };
        if let Some(target) = schema.get("$ref") {
            self.node(referred(target), node);
        }
        for part in list(schema, "allOf") {
            self.node(part, node);
        }
        for (keyword, only_one) in [("anyOf", false), ("oneOf", true)] {
            self.one_of(list(schema, keyword), node, only_one);
        }
        if !types(schema).is_empty() && !types(schema).iter().any(|kind| seems(node, kind)) {
            let mut kinds = Vec::new();
            kinds_of(schema, &mut kinds);
            return self.wrong(node, &kinds);
        }
        self.scalar(schema, node);
        match &node.value {
            Value::List(items) => self.items(schema, items),
            Value::Map(_) => self.entries(schema, node),
            Value::Null | Value::Text(_) => {}
        }
    }

    /// The alternative that the value was meant for tells what is wrong with it.
    fn one_of(&mut self, alternatives: &'static [Json], node: &'a Node, only_one: bool) {
        if alternatives.is_empty() {
            return;
        }
        let fits = alternatives.iter().filter(|schema| self.fits(schema, node)).count();
        if fits == 1 || (fits > 1 && !(only_one && is_settled(node))) {
            return;
        }
        let meant: Vec<&Json> = alternatives.iter().filter(|schema| is_of_its_kind(schema, node)).collect();
        match meant[..] {
            [schema] if fits == 0 => self.node(schema, node),
            _ => {
                let mut kinds = Vec::new();
                alternatives.iter().filter_map(Json::as_object).for_each(|schema| kinds_of(schema, &mut kinds));
                self.wrong(node, &kinds);
            }
        }
    }

    fn fits(&self, schema: &'static Json, node: &'a Node) -> bool {
        let mut check = Check { path: Vec::new(), found: Vec::new(), failed: false, quiet: true };
        check.node(schema, node);
        !check.failed
    }

    fn scalar(&mut self, schema: &'static Map<String, Json>, node: &Node) {
        let Some(text) = node.text().filter(|text| !text.contains('$')) else { return };
        let words = list(schema, "enum");
        if !words.is_empty() && !words.iter().any(|word| word == text) {
            let known: Vec<&str> = words.iter().filter_map(Json::as_str).collect();
            self.say(
                &node.place,
                "bad-value",
                format!("`{}` cannot be `{text}`", self.name()),
                "",
                did_you_mean(text, known.iter().copied()),
            );
        }
        if let Some(pattern) = schema.get("pattern").and_then(Json::as_str)
            && !matches(pattern, text)
        {
            let title = format!("`{}` cannot be `{text}`", self.name());
            self.say(&node.place, "bad-value", title, "", "see the Compose Specification for the words that it takes".to_owned());
        }
        let number: Option<f64> = text.parse().ok().filter(|_| seems(node, "number"));
        let limit = |key: &str| schema.get(key).and_then(Json::as_f64);
        let (low, high) = (limit("minimum"), limit("maximum"));
        if number.is_some_and(|number| low.is_some_and(|low| number < low) || high.is_some_and(|high| number > high)) {
            let range = match (low, high) {
                (Some(low), Some(high)) => format!("write a number from {low} to {high}"),
                (Some(low), None) => format!("write a number from {low} on"),
                (_, high) => format!("write a number up to {}", high.unwrap_or_default()),
            };
            self.say(&node.place, "bad-value", format!("`{}` cannot be {text}", self.name()), "", range);
        }
    }

    fn items(&mut self, schema: &'static Map<String, Json>, items: &'a [Node]) {
        if let Some(of) = schema.get("items") {
            items.iter().for_each(|item| self.node(of, item));
        }
        if schema.get("uniqueItems").is_some_and(|unique| unique == true) {
            for (index, item) in items.iter().enumerate() {
                if is_settled(item) && items[..index].iter().any(|other| same(item, other)) {
                    let title = format!("the same twice in `{}`", self.name());
                    self.say(&item.place, "bad-value", title, "", "keep one of them".to_owned());
                }
            }
        }
    }

    fn entries(&mut self, schema: &'static Map<String, Json>, node: &'a Node) {
        for key in list(schema, "required").iter().filter_map(Json::as_str) {
            if node.get(key).is_none() {
                let title = format!("`{}` needs `{key}`", self.name());
                self.say(&node.place, "bad-value", title, "", format!("add `{key}: …`"));
            }
        }
        for entry in node.map().into_iter().flatten().filter(|entry| entry.tag() != Some(Tag::Reset)) {
            self.path.push(&entry.key);
            let known = declared(schema, &entry.key);
            for of in &known {
                self.node(of, &entry.value);
            }
            match schema.get("additionalProperties") {
                Some(Json::Bool(false)) if known.is_empty() => self.unknown(schema, &entry.place, &entry.key),
                Some(of @ Json::Object(_)) if known.is_empty() => self.node(of, &entry.value),
                _ => {}
            }
            let unevaluated = schema.get("unevaluatedProperties").is_some_and(|allowed| allowed == false);
            if unevaluated && !knows(schema, &entry.key) {
                self.unknown(schema, &entry.place, &entry.key);
            }
            self.path.pop();
        }
    }

    fn unknown(&mut self, schema: &'static Map<String, Json>, place: &Place, key: &str) {
        let mut names = Vec::new();
        property_names(schema, &mut names);
        let parent = self.path[..self.path.len().saturating_sub(1)].join(".");
        let parent = if parent.is_empty() { "the compose file".to_owned() } else { format!("`{parent}`") };
        let help = if names.is_empty() {
            "names are made of letters, digits, `.`, `_` and `-`".to_owned()
        } else {
            did_you_mean(key, names)
        };
        let title = format!("unknown key `{key}` in {parent}");
        self.say(place, "unknown-key", title, "not in the Compose Specification", help);
    }

    fn wrong(&mut self, node: &Node, kinds: &[&str]) {
        let kinds = kinds.join(" or ");
        let found = match node.text() {
            Some(_) if seems(node, "boolean") => "found true or false",
            Some(_) if seems(node, "number") => "found a number",
            Some(_) => "found a text",
            None => match node.value {
                Value::Null => "found nothing",
                Value::List(_) => "found a list",
                _ => "found a map",
            },
        };
        let help = match (kinds.as_str(), node.text()) {
            ("a text", Some(text)) => format!("put it in quotes: \"{text}\""),
            ("", _) => "see the Compose Specification for the forms that it takes".to_owned(),
            (kinds, _) => format!("write {kinds}"),
        };
        let title = match self.path.is_empty() {
            true => "a compose file is a map with `services`".to_owned(),
            false => format!("`{}` does not have a form that Compose knows", self.name()),
        };
        self.say(&node.place, "bad-value", title, found, help);
    }

    fn name(&self) -> String {
        self.path.join(".")
    }

    fn say(&mut self, place: &Place, code: &'static str, title: String, label: &str, help: String) {
        self.failed = true;
        if self.quiet {
            return;
        }
        self.found.push(Problem::at(place, code, title).label(label).help(help));
    }
}

/// Without a variable anywhere in it, so that what it is is known.
fn is_settled(node: &Node) -> bool {
    match &node.value {
        Value::Null => true,
        Value::Text(text) => !text.contains('$'),
        Value::List(list) => list.iter().all(is_settled),
        Value::Map(map) => map.iter().all(|entry| is_settled(&entry.value)),
    }
}

/// Equal as JSON is: `80` is not `"80"`.
fn same(one: &Node, other: &Node) -> bool {
    let kind = |node: &Node| ["boolean", "integer", "number", "string"].into_iter().find(|kind| seems(node, kind));
    match (&one.value, &other.value) {
        (Value::Null, Value::Null) => true,
        (Value::Text(a), Value::Text(b)) => a == b && kind(one) == kind(other),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().all(|entry| other.get(&entry.key).is_some_and(|value| same(&entry.value, value)))
        }
        _ => false,
    }
}

/// Whether an alternative is for a value of this kind, whatever is in it.
fn is_of_its_kind(schema: &'static Json, node: &Node) -> bool {
    let Some(object) = schema.as_object() else { return true };
    if let Some(target) = object.get("$ref") {
        return is_of_its_kind(referred(target), node);
    }
    let alternatives = list(object, "oneOf");
    if !alternatives.is_empty() {
        return alternatives.iter().any(|schema| is_of_its_kind(schema, node));
    }
    types(object).is_empty() || types(object).iter().any(|kind| seems(node, kind))
}

/// In words, what the schema takes.
fn kinds_of(object: &'static Map<String, Json>, into: &mut Vec<&'static str>) {
    parts(object).for_each(|part| kinds_of(part, into));
    for alternative in ["oneOf", "anyOf"].iter().flat_map(|key| list(object, key)).filter_map(Json::as_object) {
        kinds_of(alternative, into);
    }
    for kind in types(object) {
        let words = match kind {
            "string" => "a text",
            "integer" | "number" => "a number",
            "boolean" => "true or false",
            "array" => "a list",
            "object" => "a map",
            _ => continue,
        };
        if !into.contains(&words) {
            into.push(words);
        }
    }
}

fn types(schema: &Map<String, Json>) -> Vec<&str> {
    match schema.get("type") {
        Some(Json::String(kind)) => vec![kind],
        Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

fn list<'s>(schema: &'s Map<String, Json>, key: &str) -> &'s [Json] {
    schema.get(key).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}

fn referred(target: &Json) -> &'static Json {
    let pointer = target.as_str().and_then(|target| target.strip_prefix('#')).unwrap_or_default();
    SCHEMA.pointer(pointer).unwrap_or(&Json::Null)
}

/// What the schema itself says of a key.
fn declared<'s>(schema: &'s Map<String, Json>, key: &str) -> Vec<&'s Json> {
    let named = schema.get("properties").and_then(|properties| properties.get(key));
    let patterns = schema.get("patternProperties").and_then(Json::as_object).into_iter().flatten();
    named.into_iter().chain(patterns.filter(|(pattern, _)| matches(pattern, key)).map(|(_, of)| of)).collect()
}

/// Whether the schema or a part of it says something of a key.
fn knows(schema: &'static Map<String, Json>, key: &str) -> bool {
    !declared(schema, key).is_empty() || parts(schema).any(|part| knows(part, key))
}

fn property_names(schema: &'static Map<String, Json>, into: &mut Vec<&'static str>) {
    let own = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    into.extend(own.map(|(name, _)| name.as_str()));
    parts(schema).for_each(|part| property_names(part, into));
}

fn parts(schema: &'static Map<String, Json>) -> impl Iterator<Item = &'static Map<String, Json>> {
    let referred = schema.get("$ref").map(referred);
    list(schema, "allOf").iter().chain(referred).filter_map(Json::as_object)
}

/// The patterns that the schema has.
fn matches(pattern: &str, text: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match pattern {
        "^x-" => text.starts_with("x-"),
        "^.+$" | ".+" => !text.is_empty(),
        "^[a-zA-Z0-9._-]+$" => !text.is_empty() && text.bytes().all(is_name),
        "^[a-z]+$" => !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase()),
        "[a-zA-Z0-9][a-zA-Z0-9_.-]+" => {
            text.as_bytes().windows(2).any(|pair| pair[0].is_ascii_alphanumeric() && is_name(pair[1]))
        }
        PULL_POLICY => {
            ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"].contains(&text)
                || text.strip_prefix("every_").is_some_and(is_times)
        }
        _ => true,
    }
}

const PULL_POLICY: &str = "^(always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+)$";

/// `1d12h`.
fn is_times(text: &str) -> bool {
    let mut parts = text.split_inclusive(|character: char| !character.is_ascii_digit());
    !text.is_empty() && parts.all(|part| part.len() > 1 && part.ends_with(['w', 'd', 'h', 'm', 's']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYWORDS: [&str; 19] = [
        "$ref",
        "allOf",
        "anyOf",
        "oneOf",
        "type",
        "enum",
        "pattern",
        "minimum",
        "maximum",
        "items",
        "uniqueItems",
        "required",
        "properties",
        "patternProperties",
        "additionalProperties",
        "unevaluatedProperties",
        "description",
        "deprecated",
        "default",
    ];

    fn look(schema: &Json, patterns: &mut Vec<String>) {
        for (key, value) in schema.as_object().into_iter().flatten() {
            assert!(KEYWORDS.contains(&key.as_str()) || ["$schema", "$id", "title", "$defs"].contains(&key.as_str()), "{key}");
            match key.as_str() {
                "pattern" => patterns.push(value.as_str().unwrap().to_owned()),
                "properties" | "$defs" => value.as_object().unwrap().values().for_each(|inner| look(inner, patterns)),
                "patternProperties" => value.as_object().unwrap().iter().for_each(|(pattern, inner)| {
                    patterns.push(pattern.clone());
                    look(inner, patterns);
                }),
                _ => match value {
                    Json::Array(list) => list.iter().for_each(|inner| look(inner, patterns)),
                    inner => look(inner, patterns),
                },
            }
        }
    }

    #[test]
    fn every_keyword_and_pattern_of_the_schema_is_known() {
        let mut patterns = Vec::new();
        look(&SCHEMA, &mut patterns);
        // None of them takes this text.
        for pattern in patterns {
            assert!(!matches(&pattern, ""), "{pattern}");
        }
    }
}
