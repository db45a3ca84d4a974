//! Objects that are found by their name: whose they are, and what to say when the name is somebody else's.

use landing_engine::stack::{TAG_ENV, TAG_PROJECT};
use landing_engine::{CallError, Class, Door, Kind, Live, NodeName, Scan, Tags};

/// The node that an object belongs to: by its tags or, when it lost them, because the state knows its id or a wanted node bears its name.
/// `field` is the one of the wanted shapes that holds the name.
pub(crate) fn owner<K: Kind>(scan: &Scan, id: &str, field: &str, name: &str, tags: &Tags) -> Option<NodeName> {
    let stack = &scan.stack;
    if let Some(node) = stack.node_of(tags) {
        return Some(node).filter(|node| node.kind() == K::NAME);
    }
    let foreign = |key: &str, ours: &str| tags.get(key).is_some_and(|value| value != ours);
    if foreign(TAG_PROJECT, &stack.project) || foreign(TAG_ENV, &stack.env) {
        return None;
    }
    let known = scan.known.iter().find(|(_, known)| *known == id).map(|(node, _)| node.clone());
    known.or_else(|| wanted(scan, field).find(|(_, wanted)| *wanted == name).map(|(node, _)| node.clone()))
}

/// Wanted nodes with the text of one of their fields; fields that still wait for another node are left out.
pub(crate) fn wanted<'a>(scan: &'a Scan, field: &'a str) -> impl Iterator<Item = (&'a NodeName, &'a str)> {
    scan.wanted.iter().filter_map(move |(node, shape)| shape[field].as_str().map(|text| (node, text)))
}

/// The object that was in the way of a create: taken over when it carries the stack's tags, else refused by name.
pub(crate) fn adopt<K: Kind>(door: &Door<'_>, operation: &str, found: Live<K>) -> Result<Live<K>, CallError> {
    if door.stack().node_of(&found.tags).is_some() {
        return Ok(found);
    }
    let stack = door.stack();
    let owner = match (found.tags.get(TAG_PROJECT), found.tags.get(TAG_ENV)) {
        (Some(project), Some(env)) => format!("belongs to the stack {project}-{env}"),
        _ => format!("does not carry the tags of the stack {}", stack.prefix()),
    };
    let text = format!("{} is already there and {owner}", found.id);
    Err(CallError::new(Class::Invalid, operation, text).help(format!(
        "remove it, choose another name or environment, or hand it over by tagging it {TAG_PROJECT}={}, {TAG_ENV}={}, landing:node={}",
        stack.project,
        stack.env,
        door.node()
    )))
}
