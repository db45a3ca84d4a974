//! Fills variables into a whole service, and says which are not set.

use std::collections::BTreeSet;

use super::{
    interpolate::{Trouble, Variables, interpolate},
    yaml::{Entry, Node, Value},
};
use crate::{
    mask::{holds_a_url_password, is_credential, names_a_credential},
    place::Place,
    problem::Problem,
    proposal::Line,
};

/// A service's node with every variable filled in.
///
/// Environment variables that landing.toml gives are left out first: what compose would have put there does not
/// matter, and its variables need not be set.
pub(crate) fn fill_service(
    service: &str,
    node: &Node,
    variables: &Variables<'_>,
    given: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Node {
    let Some(map) = node.map() else {
        return node.clone();
    };
    let entries = map.iter().map(|entry| {
        let mut entry = entry.clone();
        if entry.key == "environment" {
            entry.value = fill_environment(service, &without(entry.value, given), variables, problems);
        } else if !entry.key.starts_with("x-") {
            entry.value = fill(&entry.value, variables, problems);
        }
        entry
    });
    Node { value: Value::Map(entries.collect()), place: node.place.clone() }
}

/// `environment` in either form without the given names. A list stays one: in its items the names are filled in too.
fn without(mut environment: Node, given: &BTreeSet<String>) -> Node {
    match &mut environment.value {
        Value::Map(map) => map.retain(|entry| !given.contains(&entry.key)),
        Value::List(list) => list.retain(|item| {
            let text = item.text().unwrap_or_default();
            !given.contains(text.split_once('=').map_or(text, |(name, _)| name).trim())
        }),
        Value::Null | Value::Text(_) => {}
    }
    environment
}

fn fill_environment(service: &str, node: &Node, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Node {
    let value = match &node.value {
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    place: entry.place.clone(),
                    value: fill_variable(service, &entry.key, &entry.value, variables, problems),
                })
                .collect(),
        ),
        Value::List(list) => Value::List(
            list.iter()
                .map(|item| {
                    let name = item.text().and_then(|text| text.split_once('=')).map_or("", |(name, _)| name);
                    fill_variable(service, name, item, variables, problems)
                })
                .collect(),
        ),
        Value::Null | Value::Text(_) => return fill(node, variables, problems),
    };
    Node { value, place: node.place.clone() }
}

/// A `$` in a password makes what follows look like a variable, so that naming it would show a part of the password.
fn fill_variable(service: &str, name: &str, node: &Node, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Node {
    let mut found = Vec::new();
    let filled = fill(node, variables, &mut found);
    let value_of = |node: &Node| {
        let text = node.text().unwrap_or_default();
        text.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).unwrap_or(text).to_owned()
    };
    let written = value_of(node);
    let may_be_secret =
        names_a_credential(name) || (written.starts_with('$') && names_a_database_url(name)) || holds_a_url_password(&written);
    let has_bare = written.replace("$$", "").replace("${", "").contains('$');
    if !may_be_secret {
        problems.extend(found);
    } else if !has_bare && !is_credential(name, &value_of(&filled)) {
        // Setting the variable would only lead to the next problem: a credential in plain text.
        let help = format!("give `{name}` as a secret: `secrets = {{ {name} = \"…\" }}` of the service in landing.toml");
        problems.extend(found.into_iter().map(|problem| problem.help(help.clone()).lines([Line::secret(service, name)])));
    } else if !found.is_empty() && !is_credential(name, &value_of(&filled)) {
        problems.push(
            Problem::at(&node.place, "unset-variable", format!("a variable in the value of `{name}` is not set"))
                .label("compose would use a blank here")
                .help("set it in the environment or in .env, or give the whole value as a secret in landing.toml"),
        );
    }
    // Else it is reported as a credential in plain text, which needs another fix.
    filled
}

/// `DATABASE_URL` and its kin, of which a variable alone does not show that a password is in it.
fn names_a_database_url(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_address = ["_URL", "_URI", "_DSN"].iter().any(|end| name.ends_with(end));
    is_address && ["DATABASE", "DB_", "POSTGRES", "PG_", "MYSQL", "MONGO"].iter().any(|word| name.contains(word))
}

/// The node with every variable filled in.
pub(crate) fn fill(node: &Node, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Node {
    let value = match &node.value {
        Value::Null => Value::Null,
        Value::Text(text) => {
            let (filled, troubles) = interpolate(text, &|name| variables.find(name).map(str::to_owned));
            let shown = troubles.iter().map(|trouble| problem(&node.place, trouble));
            // A line within a text of several lines does not say what it belongs to: it may be a credential.
            let is_long = node.place.text().contains('\n') || text.contains('\n');
            problems.extend(shown.map(|problem| if is_long { problem.without_excerpt() } else { problem }));
            Value::Text(filled)
        }
        Value::List(list) => Value::List(list.iter().map(|item| fill(item, variables, problems)).collect()),
        Value::Map(map) => Value::Map(
            map.iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    place: entry.place.clone(),
                    value: fill(&entry.value, variables, problems),
                })
                .collect(),
        ),
    };
    Node { value, place: node.place.clone() }
}

fn problem(place: &Place, trouble: &Trouble) -> Problem {
    let at = |variable: &str| {
        let braced = place.narrowed_to(&format!("${{{variable}"));
        if braced == *place { place.narrowed_to(&format!("${variable}")) } else { braced }
    };
    match trouble {
        Trouble::Unset { variable } => {
            Problem::at(&at(variable), "unset-variable", format!("the variable `{variable}` is not set"))
                .label("compose would use a blank here")
                .help(format!("set it in the environment or in .env, or give it a default: `${{{variable}:-…}}`"))
        }
        Trouble::Required { variable, message } => {
            let label = if message.is_empty() { "the compose file requires it".to_owned() } else { message.clone() };
            Problem::at(&at(variable), "unset-variable", format!("the variable `{variable}` is not set"))
                .label(label)
                .help("set it in the environment or in .env")
        }
        Trouble::Endless { at: text } => {
            Problem::at(&place.narrowed_to(text), "bad-interpolation", "the variables in this text never come to an end")
                .label("defaults in defaults in defaults, or a megabyte of text")
                .help("write a shorter value, or give it in a file")
        }
        Trouble::Malformed { at: text } => Problem::at(&place.narrowed_to(text), "bad-interpolation", "this is not a variable")
            .label("`$NAME`, `${NAME}` or `${NAME:-default}`")
            .help("write `$$` for a plain dollar sign"),
    }
}
