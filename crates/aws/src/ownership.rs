//! Whose an object is: by its tags; without them only by its id in the state. A name alone proves nothing, because anybody could have taken it.
//!
//! Also what the answers of AWS say about being there: absence is an answer, a create that finds its name taken is decided by whose object holds it.

use std::future::Future;

use landing_engine::stack::{TAG_ENV, TAG_NODE, TAG_PROJECT};
use landing_engine::{CallError, Class, Door, Gone, Kind, Live, NodeName, Scan, Stack, Tags};

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
    let tagged = scan.stack.node_of(tags).filter(|node| node.kind() == K::NAME);
    tagged.or_else(|| if is_foreign(&scan.stack, tags) { None } else { known(scan, id) })
}

/// The same for what cannot have tags and stands beside an object of kind `P` that has: its node bears the name of that one's node.
pub(crate) fn node_beside<K: Kind, P: Kind>(scan: &Scan, id: &str, tags: &Tags) -> Option<NodeName> {
    let beside = scan.stack.node_of(tags).filter(|node| node.kind() == P::NAME);
    let named = beside.map(|node| NodeName::new(K::NAME, node.name()));
    named.or_else(|| if is_foreign(&scan.stack, tags) { None } else { known(scan, id) })
}

/// The node that the state knows by this id.
pub(crate) fn known(scan: &Scan, id: &str) -> Option<NodeName> {
    scan.known.iter().find(|(_, known)| *known == id).map(|(node, _)| node.clone())
}

/// Texts of one field of the wanted nodes, such as their names; fields that still wait for another node are left out.
pub(crate) fn wanted<'a>(scan: &'a Scan, field: &'a str) -> impl Iterator<Item = &'a str> {
    scan.wanted.iter().filter_map(move |(_, shape)| shape[field].as_str())
}

/// Whether an object may be ours by its name or by the state; only such objects are worth a call for their tags. Names are compared as the least
/// strict services do, without case.
pub(crate) fn may_be_ours(scan: &Scan, id: &str, name: &str) -> bool {
    name.to_ascii_lowercase().contains(&scan.stack.prefix().to_ascii_lowercase())
        || known(scan, id).is_some()
        || wanted(scan, "name").any(|wanted| wanted.eq_ignore_ascii_case(name))
}

/// The object that was read again for `node`, unless another stack has taken it over.
pub(crate) fn still_ours<K>(stack: &Stack, node: &NodeName, found: Option<Live<K>>) -> Option<Live<K>> {
    found.filter(|live| !is_foreign(stack, &live.tags)).map(|live| Live { node: node.clone(), ..live })
}

/// Sends one create through the door. When AWS says that the name is taken, `find` looks who holds it: see [`adopt`].
///
/// # Errors
/// What AWS refuses, and what [`adopt`] refuses.
pub(crate) async fn create<K, S, F, Sent, Found>(
    door: &Door<'_>,
    operation: &str,
    what: &str,
    send: S,
    find: F,
) -> Result<Live<K>, CallError>
where
    S: Fn() -> Sent,
    F: Fn() -> Found,
    Sent: Future<Output = Result<Live<K>, CallError>>,
    Found: Future<Output = Result<Option<Live<K>>, CallError>>,
{
    let attempt = || async {
        match send().await {
            Err(refusal) if refusal.class == Class::AlreadyExists => adopt(door, refusal, what, find().await?),
            other => other.map(|live| Live { node: door.node().clone(), ..live }),
        }
    };
    door.call(operation, attempt).await
}

/// The object that stands where a new one was to be made: this node's own, from a call whose answer was lost. `what` names it in the message.
///
/// # Errors
/// Those of [`claim`]; `InUse` when it cannot be seen: it went a moment ago and AWS does not know that everywhere, so the door tries again.
pub(crate) fn adopt<K>(door: &Door<'_>, refusal: CallError, what: &str, found: Option<Live<K>>) -> Result<Live<K>, CallError> {
    let Some(live) = found else { return Err(CallError { class: Class::InUse, ..refusal }) };
    claim(door, &refusal, what, &live.tags)?;
    Ok(Live { node: door.node().clone(), ..live })
}

/// Whether an object with these tags is this node's.
///
/// # Errors
/// `InUse` when another node of the stack holds it: that one is about to go, or the plan would not have asked for this one, so the door tries again.
/// `Invalid` when it is another stack's, or nobody's: nothing is taken that was not handed over.
pub(crate) fn claim(door: &Door<'_>, refusal: &CallError, what: &str, tags: &Tags) -> Result<(), CallError> {
    let error = |class, holder: String| {
        let message = format!("{what} exists already and {holder}");
        CallError { class, message, ..refusal.clone() }
    };
    let Stack { project, env } = door.stack();
    let holder = match door.stack().node_of(tags) {
        Some(node) if node == *door.node() => return Ok(()),
        Some(node) => return Err(error(Class::InUse, format!("belongs to {node}"))),
        None if is_nobodys(tags) => "carries no landing tags".to_owned(),
        None => {
            let mark = |key: &str| tags.get(key).map(|value| format!("{key}={value}"));
            let marks: Vec<String> = [TAG_PROJECT, TAG_ENV, TAG_NODE].into_iter().filter_map(mark).collect();
            format!("is tagged {}", marks.join(" "))
        }
    };
    Err(error(Class::Invalid, holder).help(format!(
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

/// What a synchronous delete means: done, or there was nothing to do.
pub(crate) fn gone<T>(result: Result<T, CallError>) -> Result<Gone, CallError> {
    Ok(found(result)?.map_or(Gone::Absent, |_| Gone::Yes))
}

/// What a delete means that takes its time: `state` until it is done, unless there was nothing to do.
pub(crate) fn going<T>(result: Result<T, CallError>, state: &str) -> Result<Gone, CallError> {
    Ok(found(result)?.map_or(Gone::Absent, |_| Gone::NotYet(state.to_owned())))
}

/// A refusal with one of the codes `already` means that the call had its effect before: the answer was lost, or somebody else was faster. Said inside the
/// door's call, because while something is made the door takes "not found" for "not visible yet".
///
/// Codes and not a class: that one of AWS's copies does not know the group yet says nothing of its rule, and what the group is born with would stay.
pub(crate) fn done_before<T>(result: Result<T, CallError>, already: &[&str]) -> Result<(), CallError> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if error.has_code(already) => Ok(()),
        Err(error) => Err(error),
    }
}
