//! Whose an object is: by its tags; without them by its id in the state, or by a name that only one node can have.

use landing_engine::stack::{TAG_ENV, TAG_NODE, TAG_PROJECT};
use landing_engine::{CallError, Class, Door, Kind, NodeName, Scan, Stack, Tags};

/// Whether the tags say nothing about any stack.
pub(crate) fn is_nobodys(tags: &Tags) -> bool {
    [TAG_PROJECT, TAG_ENV, TAG_NODE].iter().all(|key| !tags.contains_key(*key))
}

/// Whether the tags name another stack. An object that merely lost its tags is not foreign.
pub(crate) fn is_foreign(stack: &Stack, tags: &Tags) -> bool {
    let other = |key: &str, own: &str| tags.get(key).is_some_and(|value| value != own);
    other(TAG_PROJECT, &stack.project) || other(TAG_ENV, &stack.env)
}

/// The node of kind `K` that the object belongs to. `id` is what the state would know it by.
///
/// A tag of ours that names a node of another kind was copied there by somebody and proves nothing.
pub(crate) fn node_of<K: Kind>(scan: &Scan, id: &str, tags: &Tags) -> Option<NodeName> {
    if is_foreign(&scan.stack, tags) {
        return None;
    }
    let tagged = scan.stack.node_of(tags).filter(|node| node.kind() == K::NAME);
    tagged.or_else(|| scan.known.iter().find(|(_, known)| *known == id).map(|(node, _)| node.clone()))
}

/// The same for objects whose AWS name is deterministic: the wanted node of that name owns it, unless its tags say otherwise.
pub(crate) fn node_of_named<K: Kind>(scan: &Scan, id: &str, name: &str, tags: &Tags) -> Option<NodeName> {
    let wanted = || scan.wanted.iter().find(|(_, shape)| shape["name"] == name).map(|(node, _)| node.clone());
    node_of::<K>(scan, id, tags).or_else(|| if is_foreign(&scan.stack, tags) { None } else { wanted() })
}

/// Whether an object that stands where a new one was to be made is this node's, from a call whose answer was lost. `what` names it in the message.
///
/// # Errors
/// `InUse` when another node of the stack holds it: that one is about to go, or the plan would not have asked for this one, so the door tries again.
/// `Invalid` when it is another stack's, or nobody's.
pub(crate) fn claim(door: &Door<'_>, refusal: &CallError, what: &str, tags: &Tags) -> Result<(), CallError> {
    let error = |class, holder: String| {
        let message = format!("{what} is there already and {holder}");
        CallError { class, message, ..refusal.clone() }
    };
    let stack = door.stack();
    let holder = match stack.node_of(tags) {
        Some(node) if node == *door.node() => return Ok(()),
        Some(node) => return Err(error(Class::InUse, format!("belongs to {node}"))),
        None if is_foreign(stack, tags) => {
            let tag = |key| tags.get(key).map_or("?", String::as_str);
            format!("belongs to project {}, environment {}", tag(TAG_PROJECT), tag(TAG_ENV))
        }
        None => "carries no landing tags".to_owned(),
    };
    Err(error(Class::Invalid, holder).help(format!(
        "delete or rename it, choose another project name or environment, or, if it is yours, tag it \
         {TAG_PROJECT}={} {TAG_ENV}={} {TAG_NODE}={} and run again",
        stack.project,
        stack.env,
        door.node()
    )))
}
