//! The journal of one run: every call before and after it is sent, one line each, beside the state file.
//!
//! A line is a checksum and JSON. A torn last line is normal after a crash: a line that does not fit its checksum is dropped, and counted when it is not the
//! last of its run. The run folds the journal into the state at its end.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Moment;
use crate::files::{Files, OpenFile, folder_of};
use crate::node::NodeName;
use crate::stack::hex;
use crate::state::State;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// A run starts on the state of this serial.
    Begin {
        lineage: String,
        serial: u64,
        /// Project, environment, account and region; not in journals of the first format.
        #[serde(default)]
        place: Option<String>,
    },
    /// About to be sent.
    Intent {
        call: u64,
        node: NodeName,
        operation: String,
        /// Each such call makes another object, so that one without an answer must be looked for before the next is sent.
        #[serde(default)]
        doubles: bool,
        #[serde(default)]
        at: Moment,
    },
    /// It is over; `refused` is AWS's code, or the class of an error without a code.
    Outcome {
        call: u64,
        node: NodeName,
        operation: String,
        refused: Option<String>,
        /// There was no answer, or one that says nothing: the call may have taken effect.
        #[serde(default)]
        unknown: bool,
    },
    Known {
        node: NodeName,
        id: String,
        outputs: BTreeMap<String, String>,
        generation: u64,
        #[serde(default)]
        at: Moment,
    },
    Gone {
        node: NodeName,
        id: String,
        #[serde(default)]
        at: Moment,
    },
}

/// Where the journal of a state file lies.
pub fn beside(state: &Path) -> PathBuf {
    crate::state::beside(state, ".journal")
}

/// What a journal's file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// Lines that no crash explains: they do not fit their checksum, and their run went on after them.
    pub damaged: usize,
}

#[derive(Debug)]
struct Pen {
    file: Box<dyn OpenFile>,
    /// Why a line could not be written. What the disk holds from then on is not known: half a line that the next would be glued to, or one that a failed sync has lost
    /// although the next sync says all is well. So nothing more is written, and nothing more is sent.
    broken: Option<(io::ErrorKind, String)>,
}

#[derive(Debug)]
pub struct Journal {
    file: Option<Mutex<Pen>>,
}

impl Journal {
    /// Goes on in the journal beside `path`, for a run on `state`; the folder is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or written.
    pub fn open(files: &dyn Files, path: &Path, state: &State) -> io::Result<Self> {
        let folder = folder_of(path);
        files.create_folder(folder)?;
        let mut file = files.open(&beside(path))?;
        // A crash may have torn the last line; the next one must not be glued to it.
        file.write(b"\n")?;
        let journal = Self { file: Some(Mutex::new(Pen { file, broken: None })) };
        journal.write(&Entry::begin(state))?;
        // A new file whose name is forgotten is no journal.
        files.sync_folder(folder)?;
        Ok(journal)
    }

    /// Writes nothing: for benches and rehearsals.
    pub fn none() -> Self {
        Self { file: None }
    }

    /// Durable when it returns.
    ///
    /// # Errors
    /// When the disk refuses, and from then on.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        let Some(pen) = &self.file else { return Ok(()) };
        let line = line(entry).map_err(io::Error::other)?;
        let mut pen = pen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kind, why)) = &pen.broken {
            return Err(io::Error::new(*kind, why.clone()));
        }
        let written = pen.file.write(line.as_bytes()).and_then(|()| pen.file.sync());
        if let Err(error) = &written {
            pen.broken = Some((error.kind(), error.to_string()));
        }
        written
    }

    /// Whether a line could not be written, so that none will be.
    pub fn is_broken(&self) -> bool {
        self.file.as_ref().is_some_and(|pen| pen.lock().unwrap_or_else(PoisonError::into_inner).broken.is_some())
    }
}

impl Entry {
    /// The first line of a run on `state`.
    pub fn begin(state: &State) -> Self {
        Self::Begin { lineage: state.lineage.clone(), serial: state.serial, place: Some(state.place()) }
    }
}

/// An entry as the file has it.
///
/// # Errors
/// None in practice: entries are plain data.
pub fn line(entry: &Entry) -> serde_json::Result<String> {
    let json = serde_json::to_string(entry)?;
    Ok(format!("{} {json}\n", checksum(&json)))
}

/// Every whole line of a journal; none when there is no file.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read(files: &dyn Files, path: &Path) -> io::Result<Found> {
    match files.read(path) {
        Ok(bytes) => Ok(parse(&bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::default()),
        Err(error) => Err(error),
    }
}

/// The journal in these bytes.
pub fn parse(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let mut bad = 0;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match str::from_utf8(line).ok().and_then(entry) {
            None => bad += 1,
            Some(entry) => {
                // A run begins after whatever became of the last line of the one before.
                let torn = usize::from(matches!(entry, Entry::Begin { .. })).min(bad);
                found.damaged += bad - torn;
                bad = 0;
                found.entries.push(entry);
            }
        }
    }
    // The last line may be torn, and no more than that.
    found.damaged += bad.saturating_sub(1);
    found
}

fn entry(line: &str) -> Option<Entry> {
    let (sum, json) = line.split_once(' ')?;
    (sum == checksum(json)).then(|| serde_json::from_str(json).ok())?
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..4])
}
