//! A disk in memory that can be copied at any moment, and says when it is about to change.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use landing_engine::Files;
use landing_engine::files::{Look, OpenFile, Sort};

/// Every file with its bytes.
pub(crate) type Content = BTreeMap<PathBuf, Vec<u8>>;

/// Called before each change.
type Hook = Arc<dyn Fn(&Content) + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Memory {
    content: Arc<Mutex<Content>>,
    hook: Option<Hook>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    pub(crate) fn of(content: Content) -> Self {
        Self { content: Arc::new(Mutex::new(content)), hook: None }
    }

    /// The same disk, of which `hook` sees every change before it is made.
    pub(crate) fn watched(&self, hook: Hook) -> Self {
        Self { hook: Some(hook), ..self.clone() }
    }

    pub(crate) fn content(&self) -> Content {
        self.locked().clone()
    }

    fn locked(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Content) -> io::Result<T>) -> io::Result<T> {
        if let Some(hook) = &self.hook {
            hook(&self.content());
        }
        change(&mut self.locked())
    }
}

fn absent() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Files for Memory {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        let length = self.locked().get(path).map(Vec::len);
        Ok(length.map(|length| Look { sort: Sort::File, length: length as u64, mode: 0o600, ours: true }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.locked().get(path).cloned().ok_or_else(absent)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let there = self.locked().contains_key(path);
        if !there {
            self.change(|content| Ok(content.insert(path.to_owned(), Vec::new())))?;
        }
        Ok(Box::new(Opened { disk: self.clone(), path: path.to_owned() }))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        if self.locked().contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(|content| {
            let bytes = content.remove(from).ok_or_else(absent)?;
            content.insert(to.to_owned(), bytes);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(|content| content.remove(path).map(drop).ok_or_else(absent))
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Debug)]
struct Opened {
    disk: Memory,
    path: PathBuf,
}

impl OpenFile for Opened {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(|content| {
            content.get_mut(&self.path).ok_or_else(absent)?.extend(bytes);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        self.disk.read(&self.path)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.disk.change(|content| {
            content.insert(self.path.clone(), Vec::new());
            Ok(())
        })
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}
