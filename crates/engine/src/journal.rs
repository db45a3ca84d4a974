//! The journal of one run: every call before and after it is sent, one line each, beside the state file.
//!
//! A line is a checksum and JSON. A torn last line is normal after a crash: a line that does not fit its checksum is dropped. The run folds the journal
//! into the state at its end.

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
    Begin { lineage: String, serial: u64 },
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

#[derive(Debug)]
pub struct Journal {
    file: Option<Mutex<Box<dyn OpenFile>>>,
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
        let journal = Self { file: Some(Mutex::new(file)) };
        journal.write(&Entry::Begin { lineage: state.lineage.clone(), serial: state.serial })?;
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
    /// When the disk refuses.
    pub fn write(&self, entry: &Entry) -> io::Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        let json = serde_json::to_string(entry).map_err(io::Error::other)?;
        let line = format!("{} {json}\n", checksum(&json));
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write(line.as_bytes())?;
        file.sync()
    }
}

/// Every whole line of a journal; none when there is no file.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read(files: &dyn Files, path: &Path) -> io::Result<Vec<Entry>> {
    let bytes = match files.read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter_map(entry).collect())
}

fn entry(line: &str) -> Option<Entry> {
    let (sum, json) = line.split_once(' ')?;
    (sum == checksum(json)).then(|| serde_json::from_str(json).ok())?
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes())[..4])
}
