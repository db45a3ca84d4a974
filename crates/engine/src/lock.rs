//! The local lock: one run at a time on one state file.
//!
//! The operating system holds it for the process, so a dead owner's lock is free by itself; the file says who the owner is or was.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub pid: u32,
    pub host: String,
    pub user: String,
    pub command: String,
    pub since: String,
}

impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pid, host, user, command, since } = self;
        write!(f, "`{command}` of {user} on {host}, process {pid}, since {since}")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another run holds the lock: {}", owner.as_ref().map_or("its owner is not known".to_owned(), ToString::to_string))]
    Held { owner: Option<Owner> },
    #[error("cannot lock {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// Whoever held it and died without letting go.
    pub taken_over: Option<Owner>,
}

impl Lock {
    /// # Errors
    /// `Held` while another process has it.
    pub fn take(state: &Path, owner: &Owner) -> Result<Self, LockError> {
        let mut name = state.file_name().map_or_else(|| OsString::from("state"), OsString::from);
        name.push(".lock");
        let path = state.with_file_name(name);
        let failed = |source| LockError::Io { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut file = OpenOptions::new().create(true).read(true).write(true).truncate(false).open(&path).map_err(failed)?;
        let held = match file.try_lock() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock) => true,
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        };
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let before: Option<Owner> = serde_json::from_str(&text).ok();
        if held {
            return Err(LockError::Held { owner: before });
        }
        let mut lock = Self { file, taken_over: before };
        lock.write(&serde_json::to_string(owner).map_err(io::Error::other).map_err(failed)?).map_err(failed)?;
        Ok(lock)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        self.file.sync_all()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file says that the owner let go by itself.
        let _ = self.write("");
    }
}
