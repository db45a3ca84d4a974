//! Policy documents and sets, compared by what they mean: AWS re-serialises the ones and returns the others in an order of its own.

use std::collections::BTreeSet;

use landing_engine::{CallError, Class, Kind};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// Parses a document as IAM returns it (URL-encoded) or as others do (plain).
///
/// # Errors
/// `Invalid` when it is not JSON.
pub(crate) fn parse(operation: &str, text: &str) -> Result<Value, CallError> {
    let plain = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&plain)
        .or_else(|_| serde_json::from_str(text))
        .map_err(|e| CallError::new(Class::Invalid, operation, format!("AWS returned a document that is not JSON: {e}")))
}

/// Whether two documents mean the same: one-element arrays equal their element, lists of actions, resources and principals are sets.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    normal(left) == normal(right)
}

fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(normal).collect();
            if items.len() == 1 {
                return items.remove(0);
            }
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Object(map) => {
            let mut entries: Vec<(String, Value)> = map.iter().map(|(k, v)| (k.clone(), normal(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect())
        }
        other => other.clone(),
    }
}

/// Whether two JSON arrays hold the same elements, in any order and however often.
pub(crate) fn same_set(left: &Value, right: &Value) -> bool {
    let set = |value: &Value| value.as_array().map(|items| items.iter().map(Value::to_string).collect::<BTreeSet<_>>());
    left == right || (left.is_array() && set(left) == set(right))
}

/// Whether every field of a live shape means what the desired one says.
pub(crate) fn says<K: Kind>(desired: &K, live: &K) -> bool {
    let json = |shape: &K| serde_json::to_value(shape).unwrap_or_default();
    let (desired, live) = (json(desired), json(live));
    let fields = desired.as_object().into_iter().flatten();
    fields.into_iter().all(|(field, wanted)| K::same(field, wanted, &live[field]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::same_set;

    #[test]
    fn in_a_set_order_does_not_matter_and_elements_do() {
        assert!(same_set(&json!(["a", { "x": 1 }]), &json!([{ "x": 1 }, "a"])));
        assert!(!same_set(&json!(["a"]), &json!(["a", "b"])));
        assert!(!same_set(&json!([]), &json!(null)), "an absent list is not an empty one");
    }
}
