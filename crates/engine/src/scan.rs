//! The scan: one pass over AWS for everything that the stack owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::JoinSet;

use crate::error::CallError;
use crate::graph::Graph;
use crate::kind::Scan;
use crate::node::NodeName;
use crate::registry::{LiveNode, Registry};
use crate::stack::Stack;
use crate::state::State;

/// What AWS reports now.
#[derive(Clone, Debug, Default)]
pub struct LiveSet {
    pub nodes: BTreeMap<NodeName, LiveNode>,
    /// Older objects of a node that has a newer one, left by an interrupted replacement; the state proves that they are ours to delete.
    pub leftovers: Vec<LiveNode>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("{} could not be read", kinds(.0))]
    Calls(Vec<(String, CallError)>),
    #[error("two objects in AWS say that they are {node}: {first} and {second}")]
    Twice { node: NodeName, first: String, second: String },
}

fn kinds(errors: &[(String, CallError)]) -> String {
    errors.iter().map(|(kind, _)| kind.as_str()).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

static ROUND: AtomicU64 = AtomicU64::new(1);

/// Lists every kind at once. `wanted` tells the kinds that are found by name what to look for; nodes that the state knows and the lists do not show are
/// read one by one, so that an object which lost its tags is not taken for gone.
///
/// # Errors
/// `Calls` with every reading that failed (a failed reading is never absence); `Twice` when two objects claim one node.
pub async fn scan(registry: &Registry, stack: &Stack, wanted: &Graph, state: &State) -> Result<LiveSet, ScanError> {
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let mut tasks = JoinSet::new();
    for kind in registry.iter() {
        let name = kind.name();
        let scan = Scan {
            stack: stack.clone(),
            known: state.of_kind(name),
            wanted: wanted.iter().filter(|(n, _)| n.kind() == name).map(|(n, d)| (n.clone(), d.shape.clone())).collect(),
            round,
        };
        let kind = kind.clone();
        let stack = stack.clone();
        tasks.spawn(async move {
            let known = scan.known.clone();
            let mut found = kind.scan(scan).await.map_err(|e| (name.to_owned(), e))?;
            let nodes: BTreeSet<NodeName> = found.iter().map(|live| live.node.clone()).collect();
            let ids: BTreeSet<String> = found.iter().map(|live| live.id.clone()).collect();
            for (node, id) in known.into_iter().filter(|(node, id)| !nodes.contains(node) && !ids.contains(id)) {
                found.extend(kind.read(&stack, &node, &id).await.map_err(|e| (name.to_owned(), e))?);
            }
            Ok::<_, (String, CallError)>(found)
        });
    }
    let mut live = LiveSet::default();
    let mut errors = Vec::new();
    let mut doubles = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        match joined.expect("a scan neither panics nor is cancelled") {
            Ok(found) => {
                for node in found {
                    if let Some(other) = live.nodes.insert(node.node.clone(), node) {
                        doubles.push(other);
                    }
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        errors.sort_by(|a, b| a.0.cmp(&b.0));
        return Err(ScanError::Calls(errors));
    }
    for double in doubles {
        settle(&mut live, double, state)?;
    }
    Ok(live)
}

/// Two objects for one node: the state may know that one of them is being replaced.
fn settle(live: &mut LiveSet, double: LiveNode, state: &State) -> Result<(), ScanError> {
    let kept = live.nodes.get(&double.node).expect("a double has a first");
    let leaving = |id: &str| state.nodes.get(&double.node).is_some_and(|record| record.leaving.iter().any(|old| old == id));
    if leaving(&double.id) {
        live.leftovers.push(double);
    } else if leaving(&kept.id) {
        let node = double.node.clone();
        live.leftovers.extend(live.nodes.insert(node, double));
    } else {
        let (mut first, mut second) = (kept.id.clone(), double.id.clone());
        if first > second {
            std::mem::swap(&mut first, &mut second);
        }
        return Err(ScanError::Twice { node: double.node, first, second });
    }
    Ok(())
}
