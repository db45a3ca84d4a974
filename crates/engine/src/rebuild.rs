//! A state made anew from what AWS shows, for when the file is lost, damaged or too old to be trusted.
//!
//! What only a file can know is lost with it: how often a node was replaced, which calls were left without an answer. The rest stands in AWS, as tags and names.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::clock::Moment;
use crate::files::Files;
use crate::journal::Entry;
use crate::node::NodeName;
use crate::scan::LiveSet;
use crate::state::{State, beside, write_whole};

/// What a rebuilt state says otherwise than the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub added: Vec<NodeName>,
    pub removed: Vec<NodeName>,
    /// Another id, or other outputs.
    pub changed: Vec<NodeName>,
    pub same: usize,
}

/// Makes `state`, which may be a new one, say what is live and nothing else.
pub fn rebuild(state: &mut State, live: &LiveSet, now: Moment) -> Difference {
    let before = std::mem::take(&mut state.nodes);
    state.nodes.clone_from(&before);
    let mut difference = Difference::default();
    for (node, record) in &before {
        if !live.nodes.contains_key(node) {
            state.apply(&Entry::Gone { node: node.clone(), id: record.id.clone(), at: now });
            difference.removed.push(node.clone());
        }
    }
    for node in live.nodes.values() {
        state.know(node, now);
        match before.get(&node.node) {
            None => difference.added.push(node.node.clone()),
            Some(record) if record.id == node.id && record.outputs == node.outputs => difference.same += 1,
            Some(_) => difference.changed.push(node.node.clone()),
        }
    }
    // Older lives that AWS does not show any more are not waited for.
    for (node, record) in &mut state.nodes {
        record.leaving.retain(|id| live.leftovers.iter().any(|left| left.node == *node && left.id == *id));
    }
    difference
}

/// Keeps `bytes` beside `path` under a name that nothing has yet, so that no copy is ever written over by a later one.
///
/// # Errors
/// When the folder cannot be written.
pub fn put_aside(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let mut number = 1_u64;
    loop {
        let name = beside(path, &format!(".backup-{number}"));
        if files.look(&name)?.is_none() {
            write_whole(files, &name, bytes)?;
            return Ok(name);
        }
        number += 1;
    }
}
