//! The plan: a pure function of desired, live and state. Every choice is made here; the walk decides nothing but when.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use crate::graph::{Graph, GraphError};
use crate::kind::{Changed, Ready};
use crate::node::NodeName;
use crate::reference::{self, Pointer};
use crate::registry::{LiveNode, Registry};
use crate::scan::LiveSet;
use crate::stack::Stack;
use crate::state::State;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create,
    Update,
    Replace,
    Delete,
    /// It is there and carries the stack's tags, but the state did not know it.
    Adopt,
    Unchanged,
}

/// One field, before and after; values that only AWS will know are `null` in `new` and named in `from`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    pub field: String,
    pub old: Value,
    pub new: Value,
    /// The node whose output the new value will be, when it is not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeName>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub node: NodeName,
    pub kind: String,
    pub action: Action,
    pub changes: Vec<Change>,
    /// Why it must be replaced, or is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Deleting or replacing it loses data for good.
    pub loses_data: bool,
    /// AWS's id of what is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// A replacement whose old object stays until nothing names it any more.
    #[serde(skip)]
    pub create_first: bool,
}

impl Step {
    /// Whether the walk sends anything for it.
    pub fn changes_aws(&self) -> bool {
        !matches!(self.action, Action::Adopt | Action::Unchanged)
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub create: usize,
    pub update: usize,
    pub replace: usize,
    pub delete: usize,
    pub adopt: usize,
    pub unchanged: usize,
}

impl Summary {
    fn of(steps: &[Step]) -> Self {
        let mut summary = Self::default();
        for step in steps {
            *match step.action {
                Action::Create => &mut summary.create,
                Action::Update => &mut summary.update,
                Action::Replace => &mut summary.replace,
                Action::Delete => &mut summary.delete,
                Action::Adopt => &mut summary.adopt,
                Action::Unchanged => &mut summary.unchanged,
            } += 1;
        }
        summary
    }
}

/// Bound to the state it was made from by `serial`.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    pub stack: Stack,
    pub serial: u64,
    pub summary: Summary,
    /// What is made or kept in the order of the graph, then what is deleted.
    pub steps: Vec<Step>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        !self.steps.iter().any(Step::changes_aws)
    }

    /// The plan of these steps alone. What they wait for and is left out is taken as it is.
    #[must_use]
    pub fn of_only(mut self, keep: impl Fn(&Step) -> bool) -> Self {
        self.steps.retain(keep);
        self.summary = Summary::of(&self.steps);
        self
    }

    pub fn losing_data(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.loses_data)
    }

    pub fn step(&self, node: &NodeName) -> Option<&Step> {
        self.steps.iter().find(|step| step.node == *node)
    }

    /// Time that the longest chain of steps takes by the kinds' typical durations.
    pub fn typical_duration(&self, graph: &Graph, registry: &Registry) -> Duration {
        let mut ends: BTreeMap<&NodeName, Duration> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.changes_aws()) {
            let traits = registry.of(&step.node).traits();
            let own = match step.action {
                Action::Delete => traits.typical_gone,
                Action::Replace => traits.typical_gone + traits.typical_ready,
                _ => traits.typical_ready,
            };
            let waits = graph.waits_for(&step.node, registry);
            // What is only waited for to be known costs its call, about a second.
            let start = waits.iter().filter_map(|(other, at)| Some((*ends.get(other)?, at, other))).map(|(end, at, other)| {
                let ready = registry.of(other).traits().typical_ready;
                if *at == crate::node::Readiness::Usable { end } else { end.saturating_sub(ready) + Duration::from_secs(1) }
            });
            let start = start.max().unwrap_or_default();
            ends.insert(&step.node, start + own);
        }
        ends.into_values().max().unwrap_or_default()
    }
}

/// What stands between live and desired. `desired` is empty for `down`.
///
/// # Errors
/// When the desired graph refers to nowhere or waits for itself.
pub fn plan(registry: &Registry, stack: &Stack, desired: &Graph, live: &LiveSet, state: &State) -> Result<Plan, GraphError> {
    let mut steps: BTreeMap<NodeName, Step> = BTreeMap::new();
    let order = desired.order(registry)?;
    for node in &order {
        let step = step(registry, stack, desired, live, state, &steps, node);
        steps.insert(node.clone(), step);
    }
    let mut ordered: Vec<Step> = order.iter().filter_map(|node| steps.remove(node)).collect();
    ordered.extend(
        live.nodes
            .values()
            .filter(|node| node.owned && desired.get(&node.node).is_none())
            .map(|node| removal(registry, node, NOT_ASKED_FOR)),
    );
    ordered.extend(live.leftovers.iter().map(|node| removal(registry, node, why_left(state, node))));
    Ok(Plan { stack: stack.clone(), serial: state.serial, summary: Summary::of(&ordered), steps: ordered })
}

/// Why most objects are deleted.
pub const NOT_ASKED_FOR: &str = "it is not asked for any more";

fn why_left(state: &State, live: &LiveNode) -> &'static str {
    let replaced = state.nodes.get(&live.node).is_some_and(|record| record.leaving.contains(&live.id));
    if replaced { "an interrupted replacement left it" } else { "it was made twice, by a call whose answer was lost" }
}

fn removal(registry: &Registry, live: &LiveNode, reason: &str) -> Step {
    Step {
        node: live.node.clone(),
        kind: live.node.kind().to_owned(),
        action: Action::Delete,
        changes: Vec::new(),
        reason: Some(reason.to_owned()),
        loses_data: registry.of(&live.node).traits().holds_data,
        id: Some(live.id.clone()),
        service: None,
        create_first: false,
    }
}

fn step(
    registry: &Registry,
    stack: &Stack,
    desired: &Graph,
    live: &LiveSet,
    state: &State,
    before: &BTreeMap<NodeName, Step>,
    node: &NodeName,
) -> Step {
    let wanted = desired.get(node).expect("the order holds only nodes of the graph");
    let traits = registry.of(node).traits();
    let mut step = Step {
        node: node.clone(),
        kind: node.kind().to_owned(),
        action: Action::Create,
        changes: Vec::new(),
        reason: None,
        loses_data: false,
        id: None,
        service: wanted.service.clone(),
        create_first: false,
    };
    let Some(there) = live.nodes.get(node) else { return step };
    step.id = Some(there.id.clone());
    let lookup = |pointer: &Pointer| known(registry, live, before, pointer);
    let resolved = reference::resolve(&wanted.shape, &lookup);
    step.changes = differences(registry, stack, there, &resolved);
    let fixed: Vec<&str> = step.changes.iter().map(|c| c.field.as_str()).filter(|field| traits.fixed.contains(field)).collect();
    let replaced = |pointer: &Pointer| {
        let holder_goes = before.get(&pointer.node).is_some_and(|s| s.action == Action::Replace && !s.create_first);
        (pointer.held && holder_goes).then(|| pointer.node.clone())
    };
    let gone_below: Option<NodeName> = wanted.references.iter().find_map(replaced);
    if !there.owned {
        step.action = Action::Unchanged;
        step.changes.clear();
        step.reason = Some("another owner's; used as it is".to_owned());
    } else if let Some(other) = gone_below {
        step.action = Action::Replace;
        step.reason = Some(format!("it lives in {other}, which is replaced"));
    } else if !fixed.is_empty() {
        step.action = Action::Replace;
        step.reason = Some(format!("AWS cannot change {} of an existing object", fixed.join(", ")));
        step.create_first = traits.create_first;
    } else if matches!(there.ready, Ready::Failed(_)) && !traits.holds_data && !traits.tries_again {
        step.action = Action::Replace;
        step.reason = Some(format!("AWS reports it {}", there.ready));
    } else if !step.changes.is_empty() {
        step.action = Action::Update;
    } else if state.nodes.get(node).is_none_or(|record| record.id != there.id) {
        step.action = Action::Adopt;
    } else {
        step.action = Action::Unchanged;
    }
    step.loses_data = traits.holds_data && step.action == Action::Replace;
    step
}

/// The output that a reference names, when it is known now and will still be the same after the steps before.
fn known(registry: &Registry, live: &LiveSet, before: &BTreeMap<NodeName, Step>, pointer: &Pointer) -> Option<String> {
    let output = live.nodes.get(&pointer.node)?.outputs.get(&pointer.output)?;
    let stays = before.get(&pointer.node).is_none_or(|step| match step.action {
        Action::Create | Action::Replace => false,
        Action::Update => !registry.of(&pointer.node).traits().renews.contains(&pointer.output.as_str()),
        Action::Adopt | Action::Unchanged | Action::Delete => true,
    });
    stays.then(|| output.clone())
}

/// Every field of `desired` (a shape, as far as it can be resolved) that live is told not to have, and our tags.
fn differences(registry: &Registry, stack: &Stack, live: &LiveNode, desired: &Value) -> Vec<Change> {
    let kind = registry.of(&live.node);
    let nothing = serde_json::Map::new();
    let mut changes = Vec::new();
    for (field, new) in desired.as_object().unwrap_or(&nothing) {
        let old = live.shape.get(field).unwrap_or(&Value::Null);
        if registry.is_untold(live, field) || kind.same(field, new, old) {
            continue;
        }
        let from = reference::pointers(new).first().map(|pointer| pointer.node.clone());
        let new = if from.is_some() { Value::Null } else { new.clone() };
        changes.push(Change { field: field.clone(), old: old.clone(), new, from });
    }
    if kind.traits().tagged && live.owned {
        let wanted = stack.tags(&live.node);
        let lost: BTreeMap<_, _> = wanted.iter().filter(|(key, value)| live.tags.get(*key) != Some(value)).collect();
        if !lost.is_empty() {
            let old: BTreeMap<_, _> = lost.keys().map(|key| (*key, live.tags.get(*key))).collect();
            changes.push(Change { field: "tags".to_owned(), old: json!(old), new: json!(lost), from: None });
        }
    }
    changes
}

/// The fields that must be updated on `live` to make it what `shape` (resolved) says.
pub(crate) fn changed(registry: &Registry, stack: &Stack, live: &LiveNode, shape: &Value) -> Changed {
    Changed(differences(registry, stack, live, shape).into_iter().map(|change| change.field).collect())
}

/// What must be at hand before the plan may be carried out, for every step that makes or changes something; empty when all is well.
pub fn preflight(registry: &Registry, plan: &Plan, desired: &Graph) -> Vec<(NodeName, String)> {
    let makes = |step: &&Step| matches!(step.action, Action::Create | Action::Replace | Action::Update);
    let missing = plan.steps.iter().filter(makes).filter_map(|step| {
        let shape = &desired.get(&step.node)?.shape;
        let changed = match step.action {
            Action::Update => step.changes.iter().map(|change| change.field.clone()).collect(),
            _ => shape.as_object()?.keys().cloned().collect(),
        };
        registry.of(&step.node).preflight(shape, &Changed(changed)).err().map(|what| (step.node.clone(), what))
    });
    missing.collect()
}
