//! Whose an object is: by its tags; without them by its id in the state, or by a name that only one node can have.

use landing_engine::stack::{TAG_ENV, TAG_PROJECT};
use landing_engine::{Kind, NodeName, Scan, Stack, Tags};

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

/// Who holds an object, for a message: its landing tags, or that it has none.
pub(crate) fn owner(tags: &Tags) -> String {
    let tag = |key| tags.get(key).map_or("?", String::as_str);
    match tags.contains_key(TAG_PROJECT) || tags.contains_key(TAG_ENV) {
        true => format!("project {}, environment {}", tag(TAG_PROJECT), tag(TAG_ENV)),
        false => "nobody: it has no landing tags".to_owned(),
    }
}
