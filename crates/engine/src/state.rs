//! The state: our notebook of what the stack owns. AWS and its tags are the truth; without this file nothing is lost.
//!
//! Written as temp file, fsync, rename, fsync of the folder; mode 0600; no secret value is ever in it. The file ends in a checksum over its content, so that a
//! damaged one is refused and never half believed. A journal is bound to the state that its run began with, so that one that belongs elsewhere is not folded in.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::clock::Moment;
use crate::files::{Files, LONGEST, Sort, folder_of};
use crate::journal::{self, Entry};
use crate::node::NodeName;
use crate::registry::LiveNode;
use crate::stack::{Stack, hex};
use crate::strict;

/// Version of the file's format that this program writes; it reads no newer one.
pub const FORMAT: u64 = 2;
/// The last format without a checksum.
const UNSEALED: u64 = 1;
const CHECKSUM: &str = "checksum";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    pub format: u64,
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
    /// Set while a run is under way that began with this serial: its journal says more than this file does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub midway: Option<u64>,
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
    /// Lives of nodes that have none now: the next one must not meet an idempotency token of the last.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ended: BTreeMap<NodeName, u64>,
    /// What is odd about the files that it was read from, for a person to know.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// When a run that was cut off sent its last call, as far as its journal was written.
    #[serde(skip)]
    pub cut_off: Option<Moment>,
}

/// A call whose answer is not known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[serde(deny_unknown_fields)]
pub struct Lately {
    pub node: NodeName,
    pub id: String,
    pub at: Moment,
}

/// How long calls without an answer, new and removed objects are remembered, in seconds: AWS shows within minutes what it made, and lists what is gone for about an
/// hour. Source: `aws-behaviours` 1.5.
const REMEMBERED: Moment = 3600;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    #[error("{} is damaged: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    #[error("{} was written by a newer landing (format {found}, this one reads up to {FORMAT})", path.display())]
    Newer { path: PathBuf, found: u64 },
    #[error("{} belongs to {found}, not to {wanted}", path.display())]
    Foreign { path: PathBuf, found: String, wanted: String },
    #[error("the journal {} was written for another state than the one beside it", path.display())]
    Mixed { path: PathBuf },
    #[error("{} is {what}, and landing writes only into a file of its own", path.display())]
    NoFile { path: PathBuf, what: &'static str },
    #[error("everybody on this machine may write {}", path.display())]
    Exposed { path: PathBuf },
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
            midway: None,
            nodes: BTreeMap::new(),
            unanswered: Vec::new(),
            born: Vec::new(),
            departed: Vec::new(),
            ended: BTreeMap::new(),
            notes: Vec::new(),
            cut_off: None,
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
        let there = guard(files, path)?;
        let none = found.is_none();
        let mut state = found.unwrap_or_else(|| Self::new(stack, account, region));
        let wanted = place(stack, account, region);
        let found = state.place();
        if found != wanted {
            return Err(StateError::Foreign { path: path.to_owned(), found, wanted });
        }
        state.notes = there.notes;
        if none && there.empty {
            state.notes.push(format!("{} is empty and counts as none", path.display()));
        }
        let beside = journal::beside(path);
        state.notes.extend(guard(files, &beside)?.notes);
        let found = journal::read(files, &beside).map_err(|source| io_error("read the journal of", path, source))?;
        state.fold(found, &beside, none)?;
        Ok(state)
    }

    /// Takes in what a journal says, as far as it belongs to this state; `fresh` when there was no state, so that any journal of the stack does.
    fn fold(&mut self, found: journal::Found, path: &Path, fresh: bool) -> Result<(), StateError> {
        let mut how = Fold::Calls;
        let (mut resumed, mut older) = (false, None);
        for entry in found.entries {
            if let Entry::Begin { lineage, serial, place } = &entry {
                if place.as_ref().is_some_and(|place| *place != self.place()) {
                    let (found, wanted) = (place.clone().unwrap_or_default(), self.place());
                    return Err(StateError::Foreign { path: path.to_owned(), found, wanted });
                }
                if fresh && !resumed {
                    // Whatever became of the file: this is the history that it belonged to.
                    self.lineage.clone_from(lineage);
                    resumed = true;
                }
                if *lineage != self.lineage {
                    return Err(StateError::Mixed { path: path.to_owned() });
                }
                let known = self.serial;
                self.serial = known.max(*serial);
                if !fresh && *serial > known {
                    older.get_or_insert(known);
                }
                let open = fresh || *serial >= known || self.midway == Some(*serial);
                how = if open { Fold::All } else { Fold::Calls };
            }
            if let Entry::Intent { at, .. } = &entry {
                self.cut_off = self.cut_off.max(Some(*at));
            }
            let of_a_call = matches!(entry, Entry::Begin { .. } | Entry::Intent { .. } | Entry::Outcome { .. });
            if how == Fold::All || of_a_call {
                self.apply(&entry);
            }
        }
        if resumed {
            self.notes.push("there is no state file, but the journal of a run that was killed: going on from that".to_owned());
        }
        if let Some(known) = older {
            let what = format!("the state is of serial {known}, older than its journal of serial {}", self.serial);
            self.notes.push(format!("{what}: somebody put an old file back. AWS is followed, not the file"));
        }
        if found.damaged > 0 {
            let what = format!("{} lines of the journal are damaged and were left out", found.damaged);
            self.notes.push(format!("{what}; what they told of is found by its tags"));
        }
        Ok(())
    }

    /// The file alone, without a journal; `None` when there is none.
    ///
    /// # Errors
    /// As [`State::open`], except that any stack will do.
    pub fn read(files: &dyn Files, path: &Path) -> Result<Option<Self>, StateError> {
        guard(files, path)?;
        match files.read(path) {
            // Nothing in it, nothing to lose: as good as none.
            Ok(bytes) if bytes.is_empty() => Ok(None),
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
        let damaged = |why: String| StateError::Damaged { path: path.to_owned(), why };
        if bytes.len() as u64 > LONGEST {
            return Err(damaged(format!("it is longer than {} MB", LONGEST >> 20)));
        }
        let mut value = strict::parse(bytes).map_err(|error| {
            damaged(if error.is_eof() {
                "it is cut off".to_owned()
            } else {
                format!("it is no JSON that landing wrote ({error})")
            })
        })?;
        let Some(fields) = value.as_object_mut() else { return Err(damaged("it is no state".to_owned())) };
        let sum = fields.shift_remove(CHECKSUM);
        let Some(format) = fields.get("format").and_then(Value::as_u64) else {
            return Err(damaged("it does not say its format".to_owned()));
        };
        match sum {
            None if format == UNSEALED => {}
            Some(sum) if format > UNSEALED && sum.as_str() == Some(&checksum(&value)) => {}
            _ => return Err(damaged("its checksum does not fit its content".to_owned())),
        }
        if format > FORMAT {
            return Err(StateError::Newer { path: path.to_owned(), found: format });
        }
        serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
    }

    /// Writes the file whole and durable, and drops the journal that is folded into it.
    ///
    /// # Errors
    /// When the folder cannot be written; the old file is then still there.
    pub fn save(&mut self, files: &dyn Files, path: &Path) -> Result<(), StateError> {
        let before = self.serial;
        let written = write_whole(files, path, &self.next_bytes());
        if written.is_err() {
            self.serial = before;
        }
        written.map_err(|source| io_error("write", path, source))?;
        Self::folded(files, path)
    }

    /// What is to be written next, one serial later.
    pub fn next_bytes(&mut self) -> Vec<u8> {
        self.serial = self.serial.saturating_add(1);
        self.version = env!("CARGO_PKG_VERSION").to_owned();
        self.format = FORMAT;
        self.bytes()
    }

    /// As it lies in the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut value = serde_json::to_value(self).expect("the state is plain data with string keys");
        let sum = checksum(&value);
        if let Some(fields) = value.as_object_mut() {
            fields.insert(CHECKSUM.to_owned(), sum.into());
        }
        format!("{value:#}\n").into_bytes()
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

    /// The life that begins when the node is made anew: not the first one when there was one before, however it ended. AWS answers a token that it has
    /// seen with the object of then, although that is gone.
    pub fn next_life(&self, node: &NodeName) -> u64 {
        let last = self.nodes.get(node).map(|record| record.generation).or(self.ended.get(node).copied());
        last.map_or(0, |last| last.saturating_add(1))
    }

    /// Where its objects stand, as messages and journals write it.
    pub(crate) fn place(&self) -> String {
        place(&Stack::new(&self.project, &self.env), &self.account, &self.region)
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
                self.ended.remove(node);
                self.nodes.insert(node.clone(), record);
            }
            Entry::Gone { node, id, at } => {
                match self.nodes.get_mut(node) {
                    Some(record) if record.id == *id => {
                        self.ended.insert(node.clone(), record.generation);
                        self.nodes.remove(node);
                    }
                    Some(record) => record.leaving.retain(|old| old != id),
                    // One that no file knew had a life all the same.
                    None => {
                        self.ended.entry(node.clone()).or_insert(0);
                    }
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
        self.unanswered.retain(|open| open.at.saturating_add(REMEMBERED) > now);
        self.born.retain(|made| made.at.saturating_add(REMEMBERED) > now);
        self.departed.retain(|gone| gone.at.saturating_add(REMEMBERED) > now);
    }

    /// Notes what a scan found, as a journal's line would; what was not known before may have been made a moment ago.
    pub fn know(&mut self, live: &LiveNode, now: Moment) {
        let generation = self.generation(&live.node);
        let (node, id, outputs) = (live.node.clone(), live.id.clone(), live.outputs.clone());
        self.apply(&Entry::Known { node, id, outputs, generation, at: now });
    }
}

/// How much of a run's journal is news to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    All,
    /// It was folded in before, or others have gone on since. Which calls were left without an answer stays true however old it is.
    Calls,
}

fn place(stack: &Stack, account: &str, region: &str) -> String {
    [&stack.project, &stack.env, account, region].join("/")
}

/// What may be said of a file before it is read.
pub(crate) struct There {
    notes: Vec<String>,
    empty: bool,
}

/// Refuses what is not a plain file, and what anybody could have written.
pub(crate) fn guard(files: &dyn Files, path: &Path) -> Result<There, StateError> {
    let mut there = There { notes: Vec::new(), empty: false };
    let Some(look) = files.look(path).map_err(|source| io_error("look at", path, source))? else { return Ok(there) };
    let path = path.to_owned();
    match look.sort {
        Sort::Link => return Err(StateError::NoFile { path, what: "a link" }),
        Sort::Other => return Err(StateError::NoFile { path, what: "no file" }),
        Sort::File if look.mode & 0o002 != 0 => return Err(StateError::Exposed { path }),
        Sort::File => {}
    }
    there.empty = look.length == 0;
    if !look.ours {
        there.notes.push(format!("{} belongs to another user of this machine", path.display()));
    } else if look.mode & 0o020 != 0 {
        there.notes.push(format!("other users of this machine may write {}; the next writing ends that", path.display()));
    }
    Ok(there)
}

/// Over the content in the order of the file, whatever the spaces between. Later formats must keep to it, so that a damaged file is never taken for a newer one.
fn checksum(content: &Value) -> String {
    hex(&Sha256::digest(content.to_string().as_bytes()))[..32].to_owned()
}

fn io_error(what: &'static str, path: &Path, source: io::Error) -> StateError {
    StateError::Io { what, path: path.to_owned(), source }
}

/// Written beside its place first, for its owner alone. The name is always the same, so that what a killed run left is overwritten by the next and never
/// piles up.
///
/// # Errors
/// What the operating system says; the old file is then still there.
pub fn write_whole(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
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
