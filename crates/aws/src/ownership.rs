//! Whose an object is: by its tags; without them by its id in the state, or by a name that only one node can have.

use landing_engine::stack::{TAG_ENV, TAG_PROJECT};
use landing_engine::{CallError, Class, Door, Kind, NodeName, Scan, Stack, Tags};

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

/// What to make of an object that stands where a new one was to be made: `Ok` when it is this node's, from a call whose answer was lost, or carries no
/// landing tags. `what` names it in the message.
///
/// # Errors
/// `InUse` when another node of the stack holds it: that one is about to go, or the plan would not have asked for this one, so the door tries again.
/// `Invalid` when another stack holds it.
pub(crate) fn claim(door: &Door<'_>, refusal: &CallError, what: &str, tags: &Tags) -> Result<(), CallError> {
    let error = |class, holder: String| {
        let message = format!("{what} is there already and belongs to {holder}");
        CallError { class, message, ..refusal.clone() }
    };
    match door.stack().node_of(tags) {
        Some(node) if node == *door.node() => Ok(()),
        Some(node) => Err(error(Class::InUse, node.to_string())),
        None if is_foreign(door.stack(), tags) => {
            let tag = |key| tags.get(key).map_or("?", String::as_str);
            let holder = format!("project {}, environment {}", tag(TAG_PROJECT), tag(TAG_ENV));
            Err(error(Class::Invalid, holder).help(format!("rename or delete {what}, or choose another project name")))
        }
        None => Ok(()),
    }
}
