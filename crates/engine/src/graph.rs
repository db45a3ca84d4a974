//! The desired graph: what the stack asks for, node by node.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{kosaraju_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::Value;

use crate::kind::Kind;
use crate::node::{NodeName, Readiness};
use crate::reference::{self, Pointer};
use crate::registry::Registry;

/// One desired node.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The kind's struct as JSON, references included.
    pub shape: Value,
    pub references: Vec<Pointer>,
    /// Order without data: these must be this far before the node is made.
    pub after: Vec<(NodeName, Readiness)>,
    /// The compose service it was made for, if one.
    pub service: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: BTreeMap<NodeName, Desired>,
}

#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    #[error("{from} refers to {to}, which is not in the graph")]
    Dangling { from: NodeName, to: NodeName },
    #[error("nothing here knows the kind of {0}")]
    UnknownKind(NodeName),
    #[error("nodes wait for each other: {}", names(.0))]
    Cycle(Vec<NodeName>),
}

fn names(nodes: &[NodeName]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
}

impl Graph {
    /// Adds a node and gives its name back, for references to it.
    pub fn add<K: Kind>(&mut self, name: &str, shape: &K) -> NodeName {
        let node = NodeName::new(K::NAME, name);
        let shape = serde_json::to_value(shape).expect("shapes are plain data with string keys");
        let references = reference::pointers(&shape);
        let desired = Desired { shape, references, after: Vec::new(), service: None };
        let before = self.nodes.insert(node.clone(), desired);
        debug_assert!(before.is_none(), "{node} was added twice");
        node
    }

    /// `node` is made only when `other` is `at` least this far.
    pub fn after(&mut self, node: &NodeName, other: &NodeName, at: Readiness) {
        if let Some(desired) = self.nodes.get_mut(node) {
            desired.after.push((other.clone(), at));
        }
    }

    pub fn set_service(&mut self, node: &NodeName, service: &str) {
        if let Some(desired) = self.nodes.get_mut(node) {
            desired.service = Some(service.to_owned());
        }
    }

    pub fn get(&self, node: &NodeName) -> Option<&Desired> {
        self.nodes.get(node)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&NodeName, &Desired)> {
        self.nodes.iter()
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Everything that `node` waits for, once each with the furthest readiness: references, explicit order, needs of its kind.
    pub fn waits_for(&self, node: &NodeName, registry: &Registry) -> BTreeMap<NodeName, Readiness> {
        let mut waits = BTreeMap::new();
        let Some(desired) = self.nodes.get(node) else { return waits };
        let mut wait = |other: &NodeName, at: Readiness| {
            let entry = waits.entry(other.clone()).or_insert(at);
            *entry = (*entry).max(at);
        };
        desired.references.iter().for_each(|pointer| wait(&pointer.node, pointer.at));
        desired.after.iter().for_each(|(other, at)| wait(other, *at));
        for kind in registry.of(node).traits().needs {
            self.of_kind(kind).for_each(|other| wait(other, Readiness::Usable));
        }
        waits
    }

    fn of_kind<'a>(&'a self, kind: &str) -> impl Iterator<Item = &'a NodeName> {
        // Names sort by kind first, so a kind's nodes stand together; a kind with a longer name may stand among them.
        let first = NodeName::new(kind, "");
        let kind = kind.to_owned();
        let prefix = format!("{kind}.");
        self.nodes
            .range(first..)
            .map(|(name, _)| name)
            .take_while(move |name| name.as_str().starts_with(&prefix))
            .filter(move |name| name.kind() == kind)
    }

    /// Nodes in an order in which each stands after all that it waits for; ties by name.
    ///
    /// # Errors
    /// A reference to nowhere, a kind that the registry lacks, or a cycle.
    pub fn order(&self, registry: &Registry) -> Result<Vec<NodeName>, GraphError> {
        let mut graph = DiGraph::<&NodeName, ()>::with_capacity(self.nodes.len(), self.nodes.len() * 3);
        // petgraph's sort keeps what was added last in front of equals; adding in reverse makes ties go by name.
        let index: BTreeMap<&NodeName, NodeIndex> = self.nodes.keys().rev().map(|name| (name, graph.add_node(name))).collect();
        for name in self.nodes.keys() {
            if registry.get(name.kind()).is_none() {
                return Err(GraphError::UnknownKind(name.clone()));
            }
            for other in self.waits_for(name, registry).keys() {
                let to = index.get(other).ok_or_else(|| GraphError::Dangling { from: name.clone(), to: other.clone() })?;
                graph.add_edge(*to, index[name], ());
            }
        }
        match toposort(&graph, None) {
            Ok(order) => Ok(order.into_iter().map(|i| graph[i].clone()).collect()),
            Err(_) => {
                let cycle = kosaraju_scc(&graph).into_iter().find(|component| component.len() > 1).unwrap_or_default();
                let mut nodes: BTreeSet<NodeName> = cycle.into_iter().map(|i| graph[i].clone()).collect();
                if nodes.is_empty() {
                    nodes.extend(self.nodes.keys().find(|n| self.waits_for(n, registry).contains_key(n)).cloned());
                }
                Err(GraphError::Cycle(nodes.into_iter().collect()))
            }
        }
    }
}
