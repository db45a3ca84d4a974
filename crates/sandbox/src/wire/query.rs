//! Query parameters as a tree.

use serde_json::{Map, Value};

/// `A.1.B=x&A.2.B=y` → `{"A": [{"B": "x"}, {"B": "y"}]}`; `member` and `entry` segments are dropped.
pub(super) fn tree(pairs: &[(String, String)]) -> Value {
    let mut root = Value::Object(Map::new());
    for (key, value) in pairs {
        let segments: Vec<&str> = key.split('.').filter(|s| !matches!(*s, "member" | "entry")).collect();
        insert(&mut root, &segments, value);
    }
    lists(root)
}

fn insert(at: &mut Value, segments: &[&str], value: &str) {
    let Some((first, rest)) = segments.split_first() else {
        return;
    };
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    let Some(map) = at.as_object_mut() else {
        return;
    };
    if rest.is_empty() {
        map.insert((*first).to_owned(), Value::String(value.to_owned()));
    } else {
        insert(map.entry((*first).to_owned()).or_insert(Value::Null), rest, value);
    }
}

/// Objects whose keys are all numbers become arrays in numeric order; RDS writes `SubnetIds.SubnetIdentifier.1`, whose middle name is dropped by the service module.
fn lists(value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    if !map.is_empty() && map.keys().all(|key| key.parse::<u32>().is_ok()) {
        let mut items: Vec<(u32, Value)> =
            map.into_iter().filter_map(|(key, value)| Some((key.parse().ok()?, lists(value)))).collect();
        items.sort_by_key(|(index, _)| *index);
        return Value::Array(items.into_iter().map(|(_, value)| value).collect());
    }
    Value::Object(map.into_iter().map(|(key, value)| (key, lists(value))).collect())
}
