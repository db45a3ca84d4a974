//! Fills variables into a whole service, and says which are not set.

use std::collections::BTreeSet;

use super::{
    interpolate::{Trouble, Variables, interpolate},
    values::pairs,
    yaml::{Entry, Node, Value},
};
use crate::{place::Place, problem::Problem};

/// A service's node with every variable filled in.
///
/// Environment variables that landing.toml gives are left out first: what compose would have put there does not
/// matter, and its variables need not be set.
pub(crate) fn fill_service(
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
        if entry.key == "environment"
            && let Ok(pairs) = pairs(&entry.value, '=')
        {
            let kept = pairs.into_iter().filter(|pair| !given.contains(&pair.key)).collect();
            entry.value = Node { value: Value::Map(kept), place: entry.value.place };
        }
        if !entry.key.starts_with("x-") {
            entry.value = fill(&entry.value, variables, problems);
        }
        entry
    });
    Node { value: Value::Map(entries.collect()), place: node.place.clone() }
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
        Trouble::Malformed { at: text } => Problem::at(&place.narrowed_to(text), "bad-interpolation", "this is not a variable")
            .label("`$NAME`, `${NAME}` or `${NAME:-default}`")
            .help("write `$$` for a plain dollar sign"),
    }
}
