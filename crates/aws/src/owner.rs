//! Whose object is it: its tags first, then the state's id or a name that the stack asks for, never against another stack's marks.

use landing_engine::stack::{TAG_ENV, TAG_NODE, TAG_PROJECT};
use landing_engine::{CallError, Class, Door, Gone, Kind, Live, NodeName, Scan, Stack, Tags};

/// The node of `K` that an object belongs to; `None` when it is not the stack's.
pub(crate) fn node_in<K: Kind>(scan: &Scan, id: &str, name: &str, tags: &Tags) -> Option<NodeName> {
    if let Some(node) = scan.stack.node_of(tags) {
        return (node.kind() == K::NAME).then_some(node);
    }
    if is_foreign(&scan.stack, tags) {
        return None;
    }
    let known = scan.known.iter().find(|(_, known)| *known == id).map(|(node, _)| node);
    known.or_else(|| wanted_as(scan, name).map(|(node, _)| node)).cloned()
}

/// The desired node of that name, and its shape. Names are compared as the least strict services do, without case.
pub(crate) fn wanted_as<'a>(scan: &'a Scan, name: &str) -> Option<(&'a NodeName, &'a serde_json::Value)> {
    let asked = scan.wanted.iter().find(|(_, shape)| shape["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name)));
    asked.map(|(node, shape)| (node, shape))
}

/// Whether an object may be ours by its name or by the state; only such objects are worth a call for their tags.
pub(crate) fn may_be_ours(scan: &Scan, id: &str, name: &str) -> bool {
    name.to_ascii_lowercase().contains(&scan.stack.prefix().to_ascii_lowercase())
        || scan.known.values().any(|known| known == id)
        || wanted_as(scan, name).is_some()
}

fn is_foreign(stack: &Stack, tags: &Tags) -> bool {
    let other = |key: &str, ours: &str| tags.get(key).is_some_and(|value| value != ours);
    other(TAG_PROJECT, &stack.project) || other(TAG_ENV, &stack.env)
}

/// What "already exists" means for a deterministic name: a crash of ours before the reply, or somebody else's object.
///
/// # Errors
/// `Invalid` with the owner's marks when it is not this node's; `refused` when it cannot be seen (deleted a moment ago).
pub(crate) fn claim<K>(door: &Door<'_>, refused: CallError, name: &str, found: Option<Live<K>>) -> Result<Live<K>, CallError> {
    let Some(live) = found else { return Err(refused) };
    if door.stack().node_of(&live.tags).as_ref() == Some(door.node()) {
        return Ok(live);
    }
    let mark = |key: &str| live.tags.get(key).map(|value| format!("{key}={value}"));
    let marks: Vec<String> = [TAG_PROJECT, TAG_ENV, TAG_NODE].into_iter().filter_map(mark).collect();
    let owner = if marks.is_empty() { "carries no landing tags".to_owned() } else { format!("is tagged {}", marks.join(" ")) };
    let message = format!("`{name}` exists already and {owner}");
    let Stack { project, env } = door.stack();
    Err(CallError { class: Class::Invalid, message, ..refused }.help(format!(
        "delete or rename it, choose another project name or environment, or, if it is yours, tag it \
         {TAG_PROJECT}={project} {TAG_ENV}={env} {TAG_NODE}={} and run again",
        door.node()
    )))
}

/// Absence is an answer.
pub(crate) fn found<T>(result: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.class == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a synchronous delete means: done, or it was done before.
pub(crate) fn gone<T>(result: Result<T, CallError>) -> Result<Gone, CallError> {
    found(result).map(|_| Gone::Yes)
}

/// For serialised lists whose order AWS does not keep.
pub(crate) fn same_set(left: &serde_json::Value, right: &serde_json::Value) -> bool {
    let sorted = |value: &serde_json::Value| {
        let mut items: Vec<String> = value.as_array().into_iter().flatten().map(ToString::to_string).collect();
        items.sort();
        items.dedup();
        items
    };
    sorted(left) == sorted(right)
}
