//! Who waits for whom: the plan's steps as tasks with edges.
//!
//! Making follows the desired graph. Removing follows what is live: an object goes only after everything that names it in AWS has gone or has been changed
//! to name something else. So the order of `down` is the same with a state file, without one, and for what is no longer in the project.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::Value;

use crate::graph::Graph;
use crate::kind::Ready;
use crate::node::{NodeName, Readiness};
use crate::plan::{Action, Plan, Step};
use crate::registry::{LiveNode, Registry};
use crate::scan::LiveSet;

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// It has its id.
    Known,
    /// Every field is set.
    Set,
    /// It is ready for use, or gone; the task is over.
    Usable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Create,
    Update,
    /// Nothing to change; others may wait until it is ready.
    Keep,
    Remove,
}

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) node: NodeName,
    pub(crate) what: What,
    pub(crate) live: Option<LiveNode>,
    /// Tasks that this one waits for, and how far they must be.
    pub(crate) waits: BTreeMap<usize, Stage>,
    pub(crate) wakes: Vec<(usize, Stage)>,
    /// Somebody waits until it is usable.
    pub(crate) awaited: bool,
    /// Shown to people and counted.
    pub(crate) visible: bool,
    /// Time from its start to the end of the longest chain behind it, by typical durations.
    pub(crate) remaining: Duration,
}

/// The task that removes an object, by node and AWS's id.
type Removals<'a> = BTreeMap<(&'a NodeName, &'a str), usize>;

pub(crate) struct Order {
    pub(crate) tasks: Vec<Task>,
}

/// Fields that hold a name or text of the object's own and never name another object, however equal the words may be.
const OWN_WORDS: &[&str] = &["name", "family", "description", "comment", "container", "database", "user", "cidr", "environment"];

impl Order {
    pub(crate) fn of(registry: &Registry, plan: &Plan, desired: &Graph, live: &LiveSet) -> Self {
        let mut tasks = Vec::new();
        let mut make: BTreeMap<&NodeName, usize> = BTreeMap::new();
        let mut remove: Removals<'_> = BTreeMap::new();
        for step in &plan.steps {
            let there = there(live, step);
            if step.action != Action::Delete {
                make.insert(&step.node, tasks.len());
                let what = match step.action {
                    Action::Create | Action::Replace => What::Create,
                    Action::Update => What::Update,
                    _ => What::Keep,
                };
                let busy = there.is_some_and(|live| !matches!(live.ready, Ready::Yes));
                let visible = what != What::Keep || busy && step.action != Action::Adopt;
                tasks.push(task(&step.node, what, there.cloned(), visible));
            }
            if let (Action::Delete | Action::Replace, Some(there)) = (step.action, there) {
                remove.insert((&step.node, there.id.as_str()), tasks.len());
                let visible = step.action == Action::Delete;
                tasks.push(task(&step.node, What::Remove, Some(there.clone()), visible));
            }
        }
        for step in &plan.steps {
            if step.action == Action::Delete {
                continue;
            }
            let me = make[&step.node];
            for (other, at) in desired.waits_for(&step.node, registry) {
                if let Some(other) = make.get(&other) {
                    wait(&mut tasks, me, *other, if at == Readiness::Usable { Stage::Usable } else { Stage::Known });
                }
            }
            if let (Action::Replace, Some(there)) = (step.action, there(live, step)) {
                let old = remove[&(&step.node, there.id.as_str())];
                if step.create_first {
                    wait(&mut tasks, old, me, Stage::Set);
                } else {
                    wait(&mut tasks, me, old, Stage::Usable);
                }
            }
        }
        removals(registry, live, &make, &remove, &mut tasks);
        break_cycles(&mut tasks);
        let mut order = Self { tasks };
        order.finish(registry);
        order
    }

    fn finish(&mut self, registry: &Registry) {
        for index in 0..self.tasks.len() {
            for (other, at) in self.tasks[index].waits.clone() {
                self.tasks[other].wakes.push((index, at));
                self.tasks[other].awaited |= at == Stage::Usable;
            }
        }
        for index in reversed(&self.tasks) {
            let task = &self.tasks[index];
            let traits = registry.of(&task.node).traits();
            let own = match task.what {
                What::Keep => Duration::ZERO,
                What::Remove => traits.typical_gone,
                What::Create | What::Update => traits.typical_ready,
            };
            let behind = task.wakes.iter().map(|(other, _)| self.tasks[*other].remaining).max().unwrap_or_default();
            self.tasks[index].remaining = own + behind;
        }
    }
}

fn task(node: &NodeName, what: What, live: Option<LiveNode>, visible: bool) -> Task {
    Task {
        node: node.clone(),
        what,
        live,
        waits: BTreeMap::new(),
        wakes: Vec::new(),
        awaited: false,
        visible,
        remaining: Duration::ZERO,
    }
}

fn there<'a>(live: &'a LiveSet, step: &Step) -> Option<&'a LiveNode> {
    let id = step.id.as_deref()?;
    live.nodes.get(&step.node).filter(|node| node.id == id).or_else(|| live.leftovers.iter().find(|node| node.id == id))
}

fn wait(tasks: &mut [Task], who: usize, for_whom: usize, at: Stage) {
    if who != for_whom {
        let stage = tasks[who].waits.entry(for_whom).or_insert(at);
        *stage = (*stage).max(at);
    }
}

/// An object is removed after whoever names it.
fn removals(registry: &Registry, live: &LiveSet, make: &BTreeMap<&NodeName, usize>, remove: &Removals<'_>, tasks: &mut [Task]) {
    if remove.is_empty() {
        return;
    }
    // Different objects may have the same name (a cluster and its namespace): whoever says it may mean either, and is waited for by both.
    let mut owners_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut mentioned: BTreeSet<&str> = BTreeSet::new();
    for node in live.nodes.values().chain(&live.leftovers) {
        let Some(removal) = remove.get(&(&node.node, node.id.as_str())) else { continue };
        let loose = registry.of(&node.node).traits().mentioned;
        let names: BTreeSet<&str> = node.outputs.values().map(String::as_str).chain([node.id.as_str()]).collect();
        names.into_iter().for_each(|name| owners_of.entry(name).or_default().push(*removal));
        mentioned.extend(node.outputs.iter().filter(|(name, _)| loose.contains(&name.as_str())).map(|(_, value)| value.as_str()));
    }
    for node in live.nodes.values().chain(&live.leftovers) {
        let mine = remove.get(&(&node.node, node.id.as_str())).copied();
        let mut named = Vec::new();
        names_in(&node.shape, &owners_of, &mut named);
        for (name, target) in named {
            match (mine, make.get(&node.node)) {
                // Both go: only what really holds the object decides who goes first.
                (Some(_), _) if mentioned.contains(name) => {}
                (Some(mine), _) => wait(tasks, target, mine, Stage::Usable),
                // The other one stays: it must first be made to name something else.
                (None, Some(make)) => wait(tasks, target, *make, Stage::Set),
                (None, None) => {}
            }
        }
        // A gateway outlives what could not work without it.
        let Some(mine) = mine else { continue };
        for kind in registry.of(&node.node).traits().needs {
            let needed = live.nodes.values().filter(|other| other.node.kind() == *kind);
            for target in needed.filter_map(|other| remove.get(&(&other.node, other.id.as_str()))) {
                wait(tasks, *target, mine, Stage::Usable);
            }
        }
    }
}

/// Every name in a shape that somebody who goes answers to, with the task of that removal.
fn names_in<'a>(shape: &'a Value, owners_of: &BTreeMap<&str, Vec<usize>>, found: &mut Vec<(&'a str, usize)>) {
    match shape {
        Value::String(text) => {
            found.extend(owners_of.get(text.as_str()).into_iter().flatten().map(|owner| (text.as_str(), *owner)));
        }
        Value::Array(items) => items.iter().for_each(|item| names_in(item, owners_of, found)),
        Value::Object(map) => map
            .iter()
            .filter(|(field, _)| !OWN_WORDS.contains(&field.as_str()))
            .for_each(|(_, value)| names_in(value, owners_of, found)),
        _ => {}
    }
}

fn edges(tasks: &[Task]) -> DiGraph<usize, ()> {
    let mut graph = DiGraph::with_capacity(tasks.len(), tasks.len() * 3);
    for index in 0..tasks.len() {
        graph.add_node(index);
    }
    for (index, task) in tasks.iter().enumerate() {
        for other in task.waits.keys() {
            graph.add_edge(NodeIndex::new(*other), NodeIndex::new(index), ());
        }
    }
    graph
}

/// The order of removals is read off AWS and could, in a world that somebody else changed, go round in a circle. AWS itself then says what is still in use
/// and the door waits; the circle must only not stop the run.
fn break_cycles(tasks: &mut [Task]) {
    for component in kosaraju_scc(&edges(tasks)) {
        if component.len() < 2 {
            continue;
        }
        let members: Vec<usize> = component.iter().map(|i| i.index()).collect();
        for member in &members {
            if tasks[*member].what == What::Remove {
                tasks[*member].waits.retain(|other, _| !members.contains(other));
            }
        }
    }
}

/// Every task after all that wait for it.
fn reversed(tasks: &[Task]) -> Vec<usize> {
    match petgraph::algo::toposort(&edges(tasks), None) {
        Ok(order) => order.into_iter().rev().map(|i| i.index()).collect(),
        // Only an estimate hangs on it.
        Err(_) => (0..tasks.len()).rev().collect(),
    }
}
