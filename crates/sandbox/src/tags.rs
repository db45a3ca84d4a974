//! Tags in their spellings: EC2 and most others write `Key`/`Value`, ECS and Cloud Map differ.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::text;

pub(crate) type Tags = BTreeMap<String, String>;

/// Reads `[{Key, Value}]` or `[{key, value}]`.
pub(crate) fn read(list: &Value) -> Tags {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|tag| {
            let key = text(&tag["Key"]).or_else(|| text(&tag["key"]))?;
            let value = text(&tag["Value"]).or_else(|| text(&tag["value"])).unwrap_or_default();
            Some((key, value))
        })
        .collect()
}

/// `[{"Key": …, "Value": …}]`.
pub(crate) fn upper(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

/// `[{"key": …, "value": …}]`, as EC2's XML and ECS's JSON want it.
pub(crate) fn lower(tags: &Tags) -> Value {
    tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}
