//! A store in a folder: the state is a file, the lock another one beside it.
//!
//! The operating system holds the lock for the process, so a dead owner's lock is free at once, whatever killed it and whoever has its number now; the
//! file says who the owner is or was. That holds for all processes on one running system, in containers too. A folder that several machines share is
//! another matter, because not every network file system carries such locks from one machine to the other. There the file's holder counts as alive until
//! it has given no sign of life for the time of a lease, by the file server's own clock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::record::{Record, new_run};
use super::{Grant, Held, LEASE, Later, Locked, Saved, Store, StoreError, Version, io_error};
use crate::files::{Files, folder_of};
use crate::owner::Owner;
use crate::stack::hex;
use crate::state::{beside, write_whole};

#[derive(Debug)]
pub struct LocalStore {
    files: Arc<dyn Files>,
    path: PathBuf,
    lock: PathBuf,
    run: String,
    /// Open, and locked by the system, as long as the lock is ours.
    file: Mutex<Option<File>>,
}

impl LocalStore {
    pub fn new(files: Arc<dyn Files>, state: &Path) -> Self {
        Self { files, path: state.to_owned(), lock: beside(state, ".lock"), run: new_run(), file: Mutex::default() }
    }

    fn failed(&self, source: io::Error) -> StoreError {
        io_error("lock", &self.lock, source)
    }

    fn read(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match self.files.read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error("read", &self.path, error)),
        }
    }

    fn replace(&self, bytes: &[u8], on: Option<&Version>, grant: &Grant) -> Result<Version, StoreError> {
        // A state that somebody restored or edited by hand meanwhile is not written over.
        if self.read()?.map(|bytes| version(&bytes)).as_ref() != on {
            return Err(StoreError::Changed { place: self.place() });
        }
        self.still_ours(grant)?;
        write_whole(self.files.as_ref(), &self.path, bytes).map_err(|error| io_error("write", &self.path, error))?;
        Ok(version(bytes))
    }

    /// Opens the lock's file and has the system lock it; `None` while another process has it.
    fn open(&self) -> io::Result<Option<File>> {
        self.files.create_folder(folder_of(&self.lock))?;
        loop {
            let file = writable().create(true).open(&self.lock)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Somebody may have deleted the file between the two calls; then the next one would lock another file.
            if is_at(&file, &self.lock) {
                return Ok(Some(file));
            }
        }
    }

    fn try_lock(&self, owner: &Owner) -> Result<Locked, StoreError> {
        let Some(mut file) = self.open().map_err(|error| self.failed(error))? else {
            let bytes = std::fs::read(&self.lock).unwrap_or_default();
            let record = Record::read(&bytes);
            let fence = record.as_ref().map_or(0, |record| record.fence);
            return Ok(Locked::Theirs(Box::new(Held {
                owner: record.and_then(|r| r.holder),
                fence,
                mark: mark(&bytes),
                lapsed: false,
            })));
        };
        let bytes = contents(&mut file).map_err(|error| self.failed(error))?;
        let record = Record::read(&bytes);
        let fence = record.as_ref().map_or(0, |record| record.fence);
        let before = record.and_then(|record| record.holder);
        match before {
            // Of this system: the lock would not be free if it lived.
            Some(near) if near.is_near(owner) => {
                self.claim(file, owner, fence, Some(near)).map(|grant| Locked::Ours(Box::new(grant)))
            }
            Some(far) => {
                let silent = self.silence(&file).map_err(|error| self.failed(error))?;
                Ok(Locked::Theirs(Box::new(Held { owner: Some(far), fence, mark: mark(&bytes), lapsed: silent > LEASE })))
            }
            None => self.claim(file, owner, fence, None).map(|grant| Locked::Ours(Box::new(grant))),
        }
    }

    fn try_take_over(&self, owner: &Owner, held: &Held) -> Result<Option<Grant>, StoreError> {
        let Some(mut file) = self.open().map_err(|error| self.failed(error))? else { return Ok(None) };
        let bytes = contents(&mut file).map_err(|error| self.failed(error))?;
        if mark(&bytes) != held.mark {
            return Ok(None);
        }
        self.claim(file, owner, held.fence, held.owner.clone()).map(Some)
    }

    fn claim(&self, mut file: File, owner: &Owner, before: u64, after: Option<Owner>) -> Result<Grant, StoreError> {
        let asked = Instant::now();
        let bytes = Record::held(before + 1, 1, &self.run, owner).bytes();
        put(&mut file, &bytes).map_err(|error| self.failed(error))?;
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file);
        Ok(Grant { fence: before + 1, mark: mark(&bytes), beat: 1, owner: owner.clone(), asked, wall: None, after })
    }

    /// How long ago the lock's file was written, by the clock of the file system that keeps it: that of a file which is written now.
    fn silence(&self, file: &File) -> io::Result<Duration> {
        let mut probe = tempfile::Builder::new().prefix(".clock-").tempfile_in(folder_of(&self.lock))?;
        probe.write_all(b"?")?;
        probe.as_file().sync_all()?;
        let (now, then) = (probe.as_file().metadata()?.modified()?, file.metadata()?.modified()?);
        Ok(now.duration_since(then).unwrap_or_default())
    }

    fn beat(&self, grant: &Grant) -> Result<Grant, StoreError> {
        let asked = Instant::now();
        let beat = grant.beat + 1;
        let bytes = Record::held(grant.fence, beat, &self.run, &grant.owner).bytes();
        let mut held = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = held.as_mut() else { return Err(self.lost(None)) };
        if !is_at(file, &self.lock) {
            *file = self.make_again()?;
        }
        let present = contents(file).map_err(|error| self.failed(error))?;
        // An empty file is one that we just made again, or one whose last writing was torn.
        if let Some(other) = Record::read(&present).filter(|record| !record.is_of(&self.run, grant.fence)) {
            return Err(self.lost(other.holder));
        }
        put(file, &bytes).map_err(|error| self.failed(error))?;
        Ok(Grant { mark: mark(&bytes), beat, asked, ..grant.clone() })
    }

    /// Somebody deleted our lock's file. As long as nobody else has made one, it is still our lock.
    fn make_again(&self) -> Result<File, StoreError> {
        let made = writable().create_new(true).open(&self.lock);
        let file = match made {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(self.lost(self.holder())),
            Err(error) => return Err(self.failed(error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(self.lost(self.holder())),
            Err(TryLockError::Error(error)) => Err(self.failed(error)),
        }
    }

    fn holder(&self) -> Option<Owner> {
        Record::read(&std::fs::read(&self.lock).ok()?)?.holder
    }

    /// Whether nobody has written the lock's file but we.
    fn still_ours(&self, grant: &Grant) -> Result<(), StoreError> {
        let bytes = std::fs::read(&self.lock).unwrap_or_default();
        match Record::read(&bytes) {
            Some(record) if !record.is_of(&self.run, grant.fence) => Err(self.lost(record.holder)),
            _ => Ok(()),
        }
    }

    fn let_go(&self, grant: &Grant) -> Result<(), StoreError> {
        let Some(mut file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
        if is_at(&file, &self.lock) && self.still_ours(grant).is_ok() {
            put(&mut file, &Record::free(grant.fence, &self.run).bytes()).map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    fn lost(&self, by: Option<Owner>) -> StoreError {
        StoreError::Lost { place: self.place(), by: by.map(Box::new) }
    }
}

/// Files are small and near: nothing here is worth a thread of its own.
impl Store for LocalStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn load(&self) -> Later<'_, Option<Saved>> {
        Box::pin(async { Ok(self.read()?.map(|bytes| Saved { version: version(&bytes), bytes, fence: 0 })) })
    }

    fn save<'a>(&'a self, bytes: Vec<u8>, on: Option<&'a Version>, grant: &'a Grant) -> Later<'a, Version> {
        Box::pin(async move { self.replace(&bytes, on, grant) })
    }

    fn prepare(&self) -> Later<'_, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    fn lock<'a>(&'a self, owner: &'a Owner) -> Later<'a, Locked> {
        Box::pin(async { self.try_lock(owner) })
    }

    fn take_over<'a>(&'a self, owner: &'a Owner, held: &'a Held) -> Later<'a, Option<Grant>> {
        Box::pin(async { self.try_take_over(owner, held) })
    }

    fn renew<'a>(&'a self, grant: &'a Grant) -> Later<'a, Grant> {
        Box::pin(async { self.beat(grant) })
    }

    fn release<'a>(&'a self, grant: &'a Grant) -> Later<'a, ()> {
        Box::pin(async { self.let_go(grant) })
    }
}

/// A lock's file, for its owner alone; a link in its place is not followed, and a pipe not waited for.
fn writable() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options
}

fn version(bytes: &[u8]) -> Version {
    Version(hex(&Sha256::digest(bytes)))
}

fn mark(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn contents(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Written over in place, since the system's lock is on this file and not on its name.
fn put(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    file.rewind()?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)?;
    file.sync_data()
}

/// Whether the open file is still the one that the path names.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(open), Ok(named)) = (file.metadata(), std::fs::metadata(path)) else { return false };
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

/// An open file cannot be deleted there.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
