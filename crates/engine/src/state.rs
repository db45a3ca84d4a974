//! The state: our notebook of what the stack owns. AWS and its tags are the truth; without this file nothing is lost.
//!
//! Written as temp file, fsync, rename, fsync of the folder; mode 0600; no secret value is ever in it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::files::{Files, folder_of};
use crate::journal::{self, Entry};
use crate::node::NodeName;
use crate::registry::LiveNode;
use crate::stack::Stack;

/// Version of the file's format that this program writes; it reads no newer one.
pub const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub format: u32,
    /// Version of the program that wrote it.
    pub version: String,
    /// Set when the file is first made and never changed: tells two histories apart.
    pub lineage: String,
    /// Counts writes.
    pub serial: u64,
    pub project: String,
    pub env: String,
    pub account: String,
    pub region: String,
    pub nodes: BTreeMap<NodeName, Record>,
    /// Calls whose answer is not known: what they made may show late, and of those that make another object each time it is proof that a second object
    /// of the node is our own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unanswered: Vec<Unanswered>,
    /// What was made a short while ago, so that AWS may not show it yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub born: Vec<Lately>,
    /// What was removed a short while ago, so that AWS may still list it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departed: Vec<Lately>,
}

/// A call whose answer is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    pub node: NodeName,
    pub operation: String,
    pub at: Moment,
    /// It makes another object each time it is sent.
    #[serde(default)]
    pub doubles: bool,
    /// Number of the call in the run that is being folded.
    #[serde(skip)]
    call: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lately {
    pub node: NodeName,
    pub id: String,
    pub at: Moment,
}

/// How long calls without an answer, new and removed objects are remembered, in seconds: AWS shows within minutes what it made, and lists what is gone for about an
/// hour. Source: `aws-behaviours` 1.5.
const REMEMBERED: Moment = 3600;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub id: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Counts the lives of the node: a replacement is a new life, with new idempotency tokens.
    #[serde(default)]
    pub generation: u64,
    /// Ids of older lives that are being replaced and may still exist.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaving: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("cannot {what} {}", path.display())]
    Io { what: &'static str, path: PathBuf, source: io::Error },
    #[error("{} is not a state file", path.display())]
    Unreadable { path: PathBuf, source: serde_json::Error },
    #[error("{} was written by a newer landing (format {found}, this one reads up to {FORMAT})", path.display())]
    Newer { path: PathBuf, found: u32 },
    #[error("{} belongs to {found}, not to {wanted}", path.display())]
    Foreign { path: PathBuf, found: String, wanted: String },
}

impl State {
    pub fn new(stack: &Stack, account: &str, region: &str) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            lineage: format!("{:032x}", rand::random::<u128>()),
            serial: 0,
            project: stack.project.clone(),
            env: stack.env.clone(),
            account: account.to_owned(),
            region: region.to_owned(),
            nodes: BTreeMap::new(),
            unanswered: Vec::new(),
            born: Vec::new(),
            departed: Vec::new(),
        }
    }

    /// The state at `path` with what a killed run left in its journal, or a new one.
    ///
    /// # Errors
    /// When the file cannot be read, is damaged, is newer than this program, or belongs to another stack, account or region.
    pub fn open(files: &dyn Files, path: &Path, stack: &Stack, account: &str, region: &str) -> Result<Self, StateError> {
        Self::go_on(files, Self::read(files, path)?, path, stack, account, region)
    }

    /// The same from what was found, wherever it lay; the journal lies beside `path`.
    ///
    /// # Errors
    /// As [`State::open`].
    pub fn go_on(
        files: &dyn Files,
        found: Option<Self>,
        path: &Path,
        stack: &Stack,
        account: &str,
        region: &str,
    ) -> Result<Self, StateError> {
        let mut state = match found {
            Some(state) => state,
            None => Self::new(stack, account, region),
        };
        let found = [&state.project, &state.env, &state.account, &state.region].map(String::as_str);
        let wanted = [&stack.project, &stack.env, account, region];
        if found != wanted {
            let (found, wanted) = (found.join("/"), wanted.join("/"));
            return Err(StateError::Foreign { path: path.to_owned(), found, wanted });
        }
        for entry in
            journal::read(files, &journal::beside(path)).map_err(|source| io_error("read the journal of", path, source))?
        {
            state.apply(&entry);
        }
        Ok(state)
    }

    /// The file alone, without a journal; `None` when there is none.
    ///
    /// # Errors
    /// As [`State::open`], except that any stack will do.
    pub fn read(files: &dyn Files, path: &Path) -> Result<Option<Self>, StateError> {
        match files.read(path) {
            Ok(bytes) => Self::parse(&bytes, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(io_error("read", path, source)),
        }
    }

    /// The state in these bytes; `path` is for messages.
    ///
    /// # Errors
    /// When they are damaged or newer than this program.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, StateError> {
        let unreadable = |source| StateError::Unreadable { path: path.to_owned(), source };
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(unreadable)?;
        let found = value["format"].as_u64().unwrap_or(0) as u32;
        if found > FORMAT {
            return Err(StateError::Newer { path: path.to_owned(), found });
        }
        serde_json::from_value(value).map_err(unreadable)
    }

    /// Writes the file whole and durable, and drops the journal that is folded into it.
    ///
    /// # Errors
    /// When the folder cannot be written; the old file is then still there.
    pub fn save(&mut self, files: &dyn Files, path: &Path) -> Result<(), StateError> {
        write_whole(files, path, &self.next_bytes()).map_err(|source| io_error("write", path, source))?;
        Self::folded(files, path)
    }

    /// What is to be written next, one serial later.
    pub fn next_bytes(&mut self) -> Vec<u8> {
        self.serial += 1;
        self.version = env!("CARGO_PKG_VERSION").to_owned();
        let mut text = serde_json::to_string_pretty(self).expect("the state is plain data with string keys");
        text.push('\n');
        text.into_bytes()
    }

    /// Drops the journal of the state at `path`, which was written with all that the journal says.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn folded(files: &dyn Files, path: &Path) -> Result<(), StateError> {
        match files.remove(&journal::beside(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove the journal of", path, error)),
            _ => Ok(()),
        }
    }

    /// Node → id of everything of one kind.
    pub fn of_kind(&self, kind: &str) -> BTreeMap<NodeName, String> {
        self.nodes
            .iter()
            .filter(|(name, _)| name.kind() == kind)
            .map(|(name, record)| (name.clone(), record.id.clone()))
            .collect()
    }

    /// Whether anything was ever written about the stack here. Without it nobody knows how young its objects are.
    pub fn has_history(&self) -> bool {
        self.serial > 0 || !self.nodes.is_empty() || !self.unanswered.is_empty()
    }

    pub fn generation(&self, node: &NodeName) -> u64 {
        self.nodes.get(node).map_or(0, |record| record.generation)
    }

    /// What a journal's line says.
    pub fn apply(&mut self, entry: &Entry) {
        match entry {
            Entry::Known { node, id, outputs, generation, at } => {
                let leaving = match self.nodes.get(node) {
                    Some(old) if old.id != *id && old.generation < *generation => {
                        old.leaving.iter().cloned().chain([old.id.clone()]).collect()
                    }
                    Some(old) => old.leaving.clone(),
                    None => Vec::new(),
                };
                // Later lines of the same life only renew its outputs.
                if self.nodes.get(node).is_none_or(|old| old.id != *id) && *at > 0 {
                    self.departed.retain(|gone| gone.id != *id);
                    self.born.push(Lately { node: node.clone(), id: id.clone(), at: *at });
                }
                let record = Record { id: id.clone(), outputs: outputs.clone(), generation: *generation, leaving };
                self.nodes.insert(node.clone(), record);
            }
            Entry::Gone { node, id, at } => {
                match self.nodes.get_mut(node) {
                    Some(record) if record.id == *id => {
                        self.nodes.remove(node);
                    }
                    Some(record) => record.leaving.retain(|old| old != id),
                    None => {}
                }
                self.born.retain(|made| made.id != *id);
                self.departed.push(Lately { node: node.clone(), id: id.clone(), at: *at });
            }
            Entry::Intent { call, node, operation, doubles, at } => {
                // A state that was saved while the run was under way knows it already, without its number.
                let same = |open: &&mut Unanswered| {
                    open.call.is_none() && open.node == *node && open.operation == *operation && open.at == *at
                };
                if let Some(open) = self.unanswered.iter_mut().find(same) {
                    open.call = Some(*call);
                } else {
                    let (node, operation) = (node.clone(), operation.clone());
                    self.unanswered.push(Unanswered { node, operation, at: *at, doubles: *doubles, call: Some(*call) });
                }
            }
            // What has no second effect when it is repeated is answered for all its attempts at once.
            Entry::Outcome { call, node, operation, unknown: false, .. } => self.unanswered.retain(|open| {
                let repeated = !open.doubles && open.node == *node && open.operation == *operation;
                open.call != Some(*call) && !repeated
            }),
            // Calls are counted from the beginning of a run.
            Entry::Begin { .. } => self.unanswered.iter_mut().for_each(|open| open.call = None),
            Entry::Outcome { .. } => {}
        }
    }

    /// Forgets what no longer explains anything at the time `now`.
    pub fn forget_before(&mut self, now: Moment) {
        self.unanswered.retain(|open| open.at + REMEMBERED > now);
        self.born.retain(|made| made.at + REMEMBERED > now);
        self.departed.retain(|gone| gone.at + REMEMBERED > now);
    }

    /// Notes what a scan found, as a journal's line would; what was not known before may have been made a moment ago.
    pub fn know(&mut self, live: &LiveNode, now: Moment) {
        let generation = self.generation(&live.node);
        let (node, id, outputs) = (live.node.clone(), live.id.clone(), live.outputs.clone());
        self.apply(&Entry::Known { node, id, outputs, generation, at: now });
    }
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> StateError {
    StateError::Io { what, path: path.to_owned(), source }
}

/// Written beside its place first. The name is always the same, so that what a killed run left is overwritten by the next and never piles up.
pub(crate) fn write_whole(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    files.create_folder(folder)?;
    let new = beside(path, ".new");
    match files.remove(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = files.create_new(&new)?;
    file.write(bytes)?;
    file.sync()?;
    files.rename(&new, path)?;
    files.sync_folder(folder)
}

/// The name of a file that lies beside a state.
pub fn beside(state: &Path, ending: &str) -> PathBuf {
    let mut name = state.file_name().map_or_else(|| OsString::from("state"), OsString::from);
    name.push(ending);
    state.with_file_name(name)
}
