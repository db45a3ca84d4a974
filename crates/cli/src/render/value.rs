//! Field values of a plan, short enough to read.

use landing_engine::plan::Change;
use serde_json::Value;

const WIDEST: usize = 60;
/// Lines of one field. A site may have changed in a thousand files; `--json` has them all.
const MOST: usize = 20;

/// Lines of one change: `cpu: 256 → 512`, or one line for each member that differs when the field is a structure.
pub(crate) fn lines(change: &Change) -> Vec<String> {
    if let Some(from) = &change.from {
        return vec![format!("{}: {} → (of {from}, known after it is there)", change.field, short(&change.old))];
    }
    let mut lines = Vec::new();
    differences(&change.field, &change.old, &change.new, &mut lines);
    let more = lines.len().saturating_sub(MOST);
    if more > 0 {
        lines.truncate(MOST);
        lines.push(format!("{}: … and {more} more", change.field));
    }
    lines
}

fn differences(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let (old, new) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
                if old != new {
                    differences(&format!("{path}.{key}"), old, new, lines);
                }
            }
        }
        // IAM writes a list of one as the one.
        (Value::String(_), Value::Array(after)) if after.len() == 1 => {
            if *old != after[0] {
                lines.push(format!("{path}: {} → {}", short(old), short(&after[0])));
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() && after.iter().any(Value::is_object) => {
            for (index, (old, new)) in before.iter().zip(after).enumerate() {
                if old != new {
                    differences(&format!("{path}[{index}]"), old, new, lines);
                }
            }
        }
        (Value::Array(before), Value::Array(after)) if !before.is_empty() && !after.is_empty() => {
            let only = |these: &[Value], those: &[Value]| -> Vec<Value> {
                these.iter().filter(|item| !those.contains(item)).cloned().collect()
            };
            let (gone, come) = (only(before, after), only(after, before));
            if gone.is_empty() && come.is_empty() {
                lines.push(format!("{path}: {} → {}", short(old), short(new)));
            }
            lines.extend(gone.iter().map(|item| format!("{path}: - {}", short(item))));
            lines.extend(come.iter().map(|item| format!("{path}: + {}", short(item))));
        }
        _ => lines.push(format!("{path}: {} → {}", short(old), short(new))),
    }
}

fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => return "(none)".into(),
        Value::String(text) if text.is_empty() => return "\"\"".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= WIDEST {
        return text;
    }
    format!("{}…", text.chars().take(WIDEST - 1).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_shown() {
        let change = |old, new| Change { field: "policies".into(), old, new, from: None };
        let old = json!({ "Statement": [{ "Action": "s3:GetObject", "Resource": ["a", "b"] }] });
        let new = json!({ "Statement": [{ "Action": ["s3:GetObject"], "Resource": ["a", "c"] }] });
        let shown = lines(&change(old, new));
        assert_eq!(shown, ["policies.Statement[0].Resource: - b", "policies.Statement[0].Resource: + c"]);
        assert_eq!(lines(&change(json!(256), json!(512))), ["policies: 256 → 512"]);
        let files = |md5: &str| (0..22).map(|n| (format!("{n}.js"), json!(md5))).collect::<serde_json::Map<_, _>>().into();
        let many = lines(&change(files("a"), files("b")));
        assert_eq!((many.len(), many[20].as_str()), (21, "policies: … and 2 more"));
        assert_eq!(lines(&change(json!(["a", "b"]), json!(["b", "a"]))), ["policies: [\"a\",\"b\"] → [\"b\",\"a\"]"]);
    }
}
