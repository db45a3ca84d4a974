//! Field values of a plan, short enough to read.

use landing_engine::plan::Change;
use serde_json::Value;

const WIDEST: usize = 60;

/// Lines of one change: `cpu: 256 → 512`, or one line for each member that differs when the field is a structure.
pub(crate) fn lines(change: &Change) -> Vec<String> {
    if let Some(from) = &change.from {
        return vec![format!("{}: {} → (of {from}, known after it is there)", change.field, short(&change.old))];
    }
    let mut lines = Vec::new();
    differences(&change.field, &change.old, &change.new, &mut lines);
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
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() && after.iter().any(Value::is_object) => {
            for (index, (old, new)) in before.iter().zip(after).enumerate() {
                if old != new {
                    differences(&format!("{path}[{index}]"), old, new, lines);
                }
            }
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
