//! `healthcheck`, within the limits of ECS.

use super::{
    values::{is_true, number, seconds, texts, wrong},
    yaml::{Node, Value},
};
use crate::{problem::Problem, service::HealthCheck};

const KNOWN: [&str; 7] = ["disable", "interval", "retries", "test", "timeout", "start_period", "start_interval"];

/// The check, and how values were moved into ECS's ranges.
pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> (Option<HealthCheck>, Vec<String>) {
    let mut notes = Vec::new();
    let Some(map) = node.map() else {
        if !node.is_null() {
            problems.push(wrong(node, "a map with `test`"));
        }
        return (None, notes);
    };
    for entry in map.iter().filter(|entry| !KNOWN.contains(&entry.key.as_str()) && !entry.key.starts_with("x-")) {
        problems.push(super::unknown_key(&entry.place, &entry.key, "healthcheck", KNOWN));
    }
    if node.get("disable").is_some_and(is_true) {
        notes.push("disabled".to_owned());
        return (None, notes);
    }
    let command = match node.get("test").map(test) {
        Some(Ok(Some(command))) => command,
        Some(Err(problem)) => {
            problems.push(problem);
            return (None, notes);
        }
        Some(Ok(None)) => {
            notes.push("disabled".to_owned());
            return (None, notes);
        }
        None => {
            notes.push("without `test` it is the image's own check, which ECS does not run".to_owned());
            return (None, notes);
        }
    };
    let mut time = |key: &str, default: u32, low: u32, high: u32| {
        let Some(value) = node.get(key).filter(|value| !value.is_null()) else {
            return default;
        };
        let given = if key == "retries" { number(value, "a number") } else { seconds(value) };
        let given = given.unwrap_or_else(|problem| {
            problems.push(problem);
            default
        });
        let taken = given.clamp(low, high);
        if taken != given {
            notes.push(format!("{key} {given} → {taken}, ECS takes {low} to {high}"));
        }
        taken
    };
    let check = HealthCheck {
        command,
        interval: time("interval", 30, 5, 300),
        // Compose's default of 30 seconds.
        timeout: time("timeout", 30, 2, 60),
        retries: time("retries", 3, 1, 10),
        start_period: time("start_period", 0, 0, 300),
    };
    if node.get("start_interval").is_some() {
        notes.push("start_interval has no counterpart".to_owned());
    }
    (Some(check), notes)
}

/// `None` for `NONE`.
fn test(node: &Node) -> Result<Option<Vec<String>>, Problem> {
    if let Value::Text(text) = &node.value {
        return Ok(Some(vec!["CMD-SHELL".to_owned(), text.clone()]));
    }
    let words: Vec<String> = texts(node)?.into_iter().filter_map(Node::text).map(str::to_owned).collect();
    match words.first().map(String::as_str) {
        Some("NONE") => Ok(None),
        Some("CMD" | "CMD-SHELL") if words.len() > 1 => Ok(Some(words)),
        _ => Err(wrong(node, "a command, or a list that starts with CMD, CMD-SHELL or NONE")),
    }
}
