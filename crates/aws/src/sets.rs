//! Lists that AWS treats as sets: it returns them in an order of its own.

use std::collections::BTreeSet;

use serde_json::Value;

/// Whether two JSON arrays hold the same elements, in any order and however often.
pub(crate) fn same(left: &Value, right: &Value) -> bool {
    let set = |value: &Value| value.as_array().map(|items| items.iter().map(Value::to_string).collect::<BTreeSet<_>>());
    left == right || (left.is_array() && set(left) == set(right))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::same;

    #[test]
    fn order_does_not_matter_and_elements_do() {
        assert!(same(&json!(["a", { "x": 1 }]), &json!([{ "x": 1 }, "a"])));
        assert!(!same(&json!(["a"]), &json!(["a", "b"])));
        assert!(!same(&json!([]), &json!(null)), "an absent list is not an empty one");
    }
}
