//! What the kinds themselves still list.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use landing_engine::registry::AnyKind;
use landing_engine::{CallError, Kind, LiveNode, NodeName, Ready, Scan};

use super::{Finds, Leftover, Reason, Sought, steps, time};
use crate::{ecs, s3};

/// All kinds at once. Nothing is wanted any more: what is on its way out is there until it is gone.
pub(super) async fn look(sought: &Sought<'_>, round: u64, finds: &mut Finds) {
    let scans = sought.registry.iter().map(|kind| async move { (kind.name(), scan(sought, round, kind.as_ref()).await) });
    for (name, found) in join_all(scans).await {
        for live in finds.answer(name, found) {
            // What the account shares is not ours to delete. A rollout is another view of its service, a job a mark on its task definition and a site
            // what its bucket holds; those are listed themselves.
            let views = [<ecs::Rollout as Kind>::NAME, <ecs::Job as Kind>::NAME, <s3::Site as Kind>::NAME];
            if live.owned && !views.contains(&live.node.kind()) {
                finds.add(leftover(sought, live));
            }
        }
    }
}

async fn scan(sought: &Sought<'_>, round: u64, kind: &dyn AnyKind) -> Result<Vec<LiveNode>, CallError> {
    let known = known(sought, kind);
    let scan = Scan { stack: sought.stack.clone(), known: known.clone(), wanted: Vec::new(), round };
    let mut found = kind.scan(scan).await?;
    for (node, id) in known {
        if !found.iter().any(|live| live.id == id) {
            found.extend(kind.read(sought.stack, &node, &id).await?);
        }
    }
    Ok(found)
}

/// Ids that no scan would find: what the walk could not remove, and what had lost its tags when the run began.
fn known(sought: &Sought<'_>, kind: &dyn AnyKind) -> BTreeMap<NodeName, String> {
    let mut known = sought.state.of_kind(kind.name());
    let before = sought.before.nodes.values().chain(&sought.before.leftovers);
    let untagged = |live: &&LiveNode| {
        kind.traits().tagged && live.owned && live.node.kind() == kind.name() && sought.stack.node_of(&live.tags).is_none()
    };
    known.extend(before.filter(untagged).map(|live| (live.node.clone(), live.id.clone())));
    known
}

fn leftover(sought: &Sought<'_>, live: LiveNode) -> Leftover {
    let failed = sought.outcome.failed.iter().find(|(node, _)| *node == live.node).map(|(_, error)| error);
    let skipped = sought.outcome.skipped.iter().find(|(node, _)| *node == live.node).map(|(_, because)| because);
    let again = || "run `landing down` again".to_owned();
    let mut until = None;
    let (reason, remove) = match (failed, skipped, &live.ready) {
        (Some(error), _, _) => {
            let remove = error.help.as_ref().map_or_else(again, |help| format!("{help}; then run `landing down` again"));
            (Reason::Refused { why: error.to_string(), class: error.class }, remove)
        }
        (_, Some(because), _) => (Reason::Stands { why: format!("its turn did not come: {because}") }, again()),
        (_, _, state @ (Ready::NotYet(_) | Ready::Rolling(_))) => {
            let patience = sought.registry.get(live.node.kind()).map_or(0, |kind| kind.traits().patience.as_secs());
            until = Some(sought.began + patience);
            let why = format!("AWS has not finished: {state}");
            (Reason::Unfinished { why, since: time(sought.began) }, "wait, then run `landing down` again".to_owned())
        }
        _ => {
            until = sought.listed_until(live.node.kind(), &live.id);
            let departed = sought.departed(live.node.kind(), &live.id).next().is_some();
            let why = if departed { "AWS said that it was deleted, and still shows it" } else { "it showed only after the run" };
            (Reason::Stands { why: why.to_owned() }, again())
        }
    };
    let kind = live.node.kind().to_owned();
    // Past its time AWS will not finish by itself; then only the owning service's own command helps.
    let remove = if matches!(reason, Reason::Stands { .. }) && until.is_none() && skipped.is_none() {
        format!("{remove}, or: {}", steps::command(sought.aws, &kind, &live.id))
    } else {
        remove
    };
    Leftover { node: Some(live.node), until, ..Leftover::new(kind, live.id, reason, remove) }
}
