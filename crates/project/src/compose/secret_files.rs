//! `secrets`: files in /run/secrets, which Fargate has not. Programs that are told of such a file by `NAME_FILE`, as official images are, take the value
//! itself in `NAME`, which landing.toml can give.

use std::collections::BTreeSet;

use super::{
    values::pairs,
    yaml::{Node, Value},
};
use crate::project::Outcome;

const FOLDER: &str = "/run/secrets/";
const SUFFIX: &str = "_FILE";

/// For the rule: whether each file has a variable that names it.
pub(super) fn outcome(value: &Node, service: &Node) -> Outcome {
    if variables(value, service).is_some() {
        return Outcome::Mapped { to: "variables without `_FILE`, as landing.toml gives them".to_owned() };
    }
    let fix = "files in /run/secrets do not exist on Fargate; let the program read a variable, give it by `secrets = { NAME = \"…\" }` in landing.toml, \
               and remove this";
    Outcome::Refused { fix: fix.to_owned() }
}

/// The variables that take the place of all files: of `POSTGRES_PASSWORD_FILE: /run/secrets/x` it is `POSTGRES_PASSWORD`.
pub(super) fn variables(value: &Node, service: &Node) -> Option<BTreeSet<String>> {
    let Value::List(items) = &value.value else { return None };
    let reads = |key: &str| service.get(key).is_some_and(names_the_folder);
    if ["command", "entrypoint", "healthcheck"].into_iter().any(reads) {
        return None;
    }
    let environment = pairs(service.get("environment")?, '=').ok()?;
    let mut found = BTreeSet::new();
    for item in items {
        let name = item.get("target").or_else(|| item.get("source")).unwrap_or(item).text()?;
        let path = if name.starts_with('/') { name.to_owned() } else { format!("{FOLDER}{name}") };
        let of_it = environment.iter().filter(|entry| entry.value.text() == Some(&path));
        let before = found.len();
        found.extend(of_it.filter_map(|entry| entry.key.strip_suffix(SUFFIX)).map(str::to_owned));
        if found.len() == before {
            return None;
        }
    }
    Some(found)
}

/// Anywhere in the value, as `cat /run/secrets/x` in a health check.
fn names_the_folder(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Text(text) => text.contains(FOLDER),
        Value::List(items) => items.iter().any(names_the_folder),
        Value::Map(map) => map.iter().any(|entry| names_the_folder(&entry.value)),
    }
}

/// Of `NAME` and `NAME_FILE` only one may be set: the names of the files' variables that landing.toml has something in place of.
pub(super) fn replaced(service: &Node, given: &BTreeSet<String>) -> BTreeSet<String> {
    let variables = service.get("secrets").and_then(|files| variables(files, service)).unwrap_or_default();
    variables.intersection(given).map(|name| format!("{name}{SUFFIX}")).collect()
}
