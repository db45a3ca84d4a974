//! The scan: one pass over AWS for everything that the stack owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::clock::{Clock, SHOWN_WITHIN};
use crate::error::CallError;
use crate::graph::Graph;
use crate::kind::Scan;
use crate::node::NodeName;
use crate::registry::{AnyKind, LiveNode, Registry};
use crate::stack::Stack;
use crate::state::{Lately, State, Unanswered};

/// What AWS reports now.
#[derive(Clone, Debug, Default)]
pub struct LiveSet {
    pub nodes: BTreeMap<NodeName, LiveNode>,
    /// Second objects of a node, left by an interrupted replacement or made by a call whose answer was lost; the state proves that they are ours to delete.
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

/// The number of a new scan: see [`Scan::round`].
pub fn next_round() -> u64 {
    ROUND.fetch_add(1, Ordering::Relaxed)
}

/// Time until AWS shows all that a run which was cut off has done: it may have made an object and set half of its fields, and an old value in a reading
/// would be taken for one that is right. Whoever is to change anything waits for it before the scan.
pub fn unsettled(state: &State, clock: &Clock) -> Duration {
    let shown = state.cut_off.map_or(0, |at| at.saturating_add(SHOWN_WITHIN));
    // Should the clock have been set back meanwhile, it is not waited for.
    Duration::from_secs(shown.saturating_sub(clock.now()).min(SHOWN_WITHIN))
}

/// Lists every kind at once. `wanted` tells the kinds that are found by name what to look for; nodes that the state knows and the lists do not show are
/// read one by one, so that an object which lost its tags is not taken for gone.
///
/// AWS shows late what was made a moment ago, and for a while what is gone. So what the state knows to be young is read until it shows with its tags, or would
/// have to; so is what a call may have made whose answer nobody heard; and what the state knows to be gone is not live, whatever a list says.
///
/// # Errors
/// `Calls` with every reading that failed (a failed reading is never absence); `Twice` when two objects claim one node.
pub async fn scan(
    registry: &Registry,
    stack: &Stack,
    wanted: &Graph,
    state: &State,
    clock: &Clock,
) -> Result<LiveSet, ScanError> {
    let mut tasks = JoinSet::new();
    let round = next_round();
    for kind in registry.iter() {
        let name = kind.name();
        let look = Look {
            kind: kind.clone(),
            clock: *clock,
            scan: Scan {
                stack: stack.clone(),
                known: state.of_kind(name),
                wanted: wanted.iter().filter(|(n, _)| n.kind() == name).map(|(n, d)| (n.clone(), d.shape.clone())).collect(),
                round,
            },
            born: state.born.iter().filter(|made| made.node.kind() == name).cloned().collect(),
            departed: state.departed.iter().filter(|gone| gone.node.kind() == name).cloned().collect(),
            unanswered: state.unanswered.iter().filter(|open| open.node.kind() == name).cloned().collect(),
        };
        tasks.spawn(async move { look.all().await.map_err(|error| (name.to_owned(), error)) });
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
    // Kinds answer in any order, doubles must not.
    doubles.sort_by(|a, b| (&a.node, &a.id).cmp(&(&b.node, &b.id)));
    for double in doubles {
        settle(&mut live, double, state)?;
    }
    Ok(live)
}

/// Time between two readings of what does not show yet.
const AGAIN: Duration = Duration::from_secs(5);

/// The scan of one kind, and what the state knows that its readings may not show.
struct Look {
    kind: Arc<dyn AnyKind>,
    clock: Clock,
    scan: Scan,
    born: Vec<Lately>,
    departed: Vec<Lately>,
    unanswered: Vec<Unanswered>,
}

impl Look {
    async fn all(mut self) -> Result<Vec<LiveNode>, CallError> {
        loop {
            let found = self.once().await?;
            let now = self.clock.now();
            let open =
                self.unanswered.iter().filter(|open| open.at.saturating_add(SHOWN_WITHIN) > now && self.made_something(open));
            let found_all = open.clone().all(|open| found.iter().any(|live| live.node == open.node));
            if found_all {
                return Ok(found);
            }
            self.clock.sleep(AGAIN).await;
            // What kinds share within a scan is read anew, too.
            self.scan.round = next_round();
        }
    }

    /// Calls about what the state knows have changed or removed it; any other one may have made it.
    fn made_something(&self, open: &Unanswered) -> bool {
        !self.scan.known.contains_key(&open.node)
    }

    async fn once(&self) -> Result<Vec<LiveNode>, CallError> {
        let mut found = self.kind.scan(self.scan.clone()).await?;
        let nodes: BTreeSet<NodeName> = found.iter().map(|live| live.node.clone()).collect();
        let ids: BTreeSet<String> = found.iter().map(|live| live.id.clone()).collect();
        let missing = |(node, id): &(&NodeName, &String)| !nodes.contains(*node) && !ids.contains(*id);
        for (node, id) in self.scan.known.iter().filter(missing) {
            found.extend(self.shown(node, id).await?);
        }
        for live in &mut found {
            if !self.is_complete(live)
                && self.waited_for(&live.id)
                && let Some(later) = self.shown(&live.node, &live.id).await?
            {
                *live = later;
            }
        }
        found.retain(|live| !self.has_departed(&live.id));
        Ok(found)
    }

    /// One object by its id. A young one that is not there, or has not all of its tags, is read again until it is old enough to be judged by what is read.
    async fn shown(&self, node: &NodeName, id: &str) -> Result<Option<LiveNode>, CallError> {
        loop {
            let read = self.kind.read(&self.scan.stack, node, id).await?;
            if read.as_ref().is_some_and(|live| self.is_complete(live)) || !self.waited_for(id) {
                return Ok(read);
            }
            self.clock.sleep(AGAIN).await;
        }
    }

    fn is_complete(&self, live: &LiveNode) -> bool {
        let born_with = self.scan.stack.tags(&live.node);
        !self.kind.traits().tagged || !live.owned || born_with.iter().all(|(key, value)| live.tags.get(key) == Some(value))
    }

    fn waited_for(&self, id: &str) -> bool {
        let now = self.clock.now();
        self.born.iter().any(|made| made.id == id && made.at.saturating_add(SHOWN_WITHIN) > now)
    }

    fn has_departed(&self, id: &str) -> bool {
        let now = self.clock.now();
        self.departed.iter().any(|gone| gone.id == id && gone.at.saturating_add(SHOWN_WITHIN) > now)
    }
}

/// Two objects for one node: the state may know that one of them is being replaced, or that a call may have made one without our hearing of it. Then the
/// one that nothing refers to is a leftover.
fn settle(live: &mut LiveSet, double: LiveNode, state: &State) -> Result<(), ScanError> {
    let kept = live.nodes.get(&double.node).expect("a double has a first");
    let record = state.nodes.get(&double.node);
    let leaving = |id: &str| record.is_some_and(|record| record.leaving.iter().any(|old| old == id));
    let twice = state.unanswered.iter().any(|open| open.doubles && open.node == double.node);
    let keep_first = if leaving(&double.id) {
        true
    } else if leaving(&kept.id) {
        false
    } else {
        let (mut first, mut second) = (kept.id.clone(), double.id.clone());
        let node = double.node.clone();
        let in_use = [is_named(live, &first), is_named(live, &second)];
        match (twice, in_use) {
            (true, [true, false]) => true,
            (true, [false, true]) => false,
            // Nothing has been built on either: the known one is kept, or always the same one.
            (true, [false, false]) => record.map_or(first < second, |record| record.id != second),
            _ => {
                if first > second {
                    std::mem::swap(&mut first, &mut second);
                }
                return Err(ScanError::Twice { node, first, second });
            }
        }
    };
    if keep_first {
        live.leftovers.push(double);
    } else {
        let node = double.node.clone();
        live.leftovers.extend(live.nodes.insert(node, double));
    }
    Ok(())
}

/// Whether the shape of any other object names this id.
fn is_named(live: &LiveSet, id: &str) -> bool {
    live.nodes.values().any(|other| other.id != id && names(&other.shape, id))
}

fn names(shape: &Value, id: &str) -> bool {
    match shape {
        Value::String(text) => text == id,
        Value::Array(items) => items.iter().any(|item| names(item, id)),
        Value::Object(map) => map.values().any(|value| names(value, id)),
        _ => false,
    }
}
