//! Keys that `landing.toml` does not have, all of them at once, against the schema.

use std::{ops::Range, sync::Arc};

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::{
    place::{Place, Source},
    problem::Problem,
    suggest::did_you_mean,
};

/// Takes unknown keys out of the table, so that what is left can be read, and reports each.
pub(super) fn remove_unknown(source: &Arc<Source>, table: &mut DeTable<'_>, schema: &Value) -> Vec<Problem> {
    let mut unknown = Vec::new();
    walk(table, schema, schema, "landing.toml", &mut unknown);
    unknown.into_iter().map(|found| found.problem(source)).collect()
}

struct Unknown {
    key: String,
    span: Range<usize>,
    /// The table that has it.
    table: String,
    known: Vec<String>,
}

impl Unknown {
    fn problem(self, source: &Arc<Source>) -> Problem {
        let help = did_you_mean(&self.key, self.known.iter().map(String::as_str));
        Problem::at(&Place::new(source, self.span), "unknown-key", format!("unknown key `{}` in {}", self.key, self.table))
            .label("not a key of `landing.toml`")
            .help(help)
    }
}

fn walk(table: &mut DeTable<'_>, schema: &Value, root: &Value, name: &str, unknown: &mut Vec<Unknown>) {
    let schema = object_schema(schema, root);
    let properties = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties").filter(|others| others.is_object());
    let mut drop = Vec::new();
    for (key, value) in table.iter_mut() {
        let child = properties.and_then(|properties| properties.get(key.get_ref().as_ref())).or(others);
        let Some(child) = child else {
            if properties.is_some() {
                unknown.push(Unknown {
                    key: key.get_ref().to_string(),
                    span: key.span(),
                    table: name.to_owned(),
                    known: properties.into_iter().flatten().map(|(known, _)| known.clone()).collect(),
                });
                drop.push(key.get_ref().to_string());
            }
            continue;
        };
        let path = if name == "landing.toml" {
            format!("[{}]", key.get_ref())
        } else {
            format!("{}.{}]", name.trim_end_matches(']'), key.get_ref())
        };
        if let DeValue::Table(inner) = value.get_mut() {
            walk(inner, child, root, &path, unknown);
        }
    }
    for key in drop {
        table.remove(key.as_str());
    }
}

/// What the schema says of the key at a path.
pub(super) fn described(root: &Value, path: &[&str]) -> Option<String> {
    let mut schema = root;
    for step in path {
        let table = object_schema(schema, root);
        let named = table.get("properties").and_then(|properties| properties.get(*step));
        schema = named.or_else(|| table.get("additionalProperties"))?;
    }
    Some(schema.get("description")?.as_str()?.to_owned())
}

/// Follows references and picks the alternative that is an object.
fn object_schema<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return root.pointer(target.trim_start_matches('#')).map_or(schema, |found| object_schema(found, root));
    }
    let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array);
    alternatives
        .into_iter()
        .flatten()
        .map(|alternative| object_schema(alternative, root))
        .find(|alternative| alternative.get("properties").is_some() || alternative.get("additionalProperties").is_some())
        .unwrap_or(schema)
}
