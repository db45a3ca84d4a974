//! A disk in memory: it keeps apart what is written and what is durable, fails on demand, and loses power.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use landing_engine::Files;
use landing_engine::files::{Look, OpenFile, Sort};
use landing_engine::journal::{self, Entry};

/// What goes wrong, and when.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// Number of the operation, from 0.
    pub at: usize,
    /// As the operating system counts errors.
    pub error: i32,
    /// It works again afterwards.
    pub once: bool,
    /// So much of a failing write is written all the same, in quarters.
    pub torn: usize,
}

/// What a loss of power leaves of bytes that were written and not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    All,
    /// As many of the new ones.
    Bytes(usize),
    /// The file has its length, and the disk never got the content.
    Zeros,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    written: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Clone, Debug, Default)]
pub struct Content {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable: BTreeMap<PathBuf, usize>,
    /// What became of names since the folder was synced.
    moves: Vec<(PathBuf, Option<usize>)>,
    fault: Option<Fault>,
    /// Counts operations.
    pub operations: usize,
    /// How often an intent was made durable, by node.
    pub intents: BTreeMap<String, usize>,
}

impl Content {
    /// The same disk with this fault ahead, counting from here.
    pub fn with(self, fault: Option<Fault>) -> Self {
        Self { fault, operations: 0, intents: BTreeMap::new(), ..self }
    }

    fn turn(&mut self) -> Option<Fault> {
        let now = self.operations;
        self.operations += 1;
        self.fault.filter(|fault| if fault.once { now == fault.at } else { now >= fault.at })
    }

    fn check(&mut self) -> io::Result<()> {
        self.turn().map_or(Ok(()), |fault| Err(io::Error::from_raw_os_error(fault.error)))
    }

    fn name(&mut self, path: &Path, inode: Option<usize>) {
        match inode {
            Some(inode) => self.names.insert(path.to_owned(), inode),
            None => self.names.remove(path),
        };
        self.moves.push((path.to_owned(), inode));
    }

    fn make(&mut self, path: &Path) -> usize {
        self.inodes.push(Inode::default());
        let inode = self.inodes.len() - 1;
        self.name(path, Some(inode));
        inode
    }

    /// Changes of names that a loss of power may undo, from the last one on.
    pub fn moves(&self) -> usize {
        self.moves.len()
    }

    /// The most bytes of one file that a loss of power may take.
    pub fn unsynced(&self) -> usize {
        self.inodes.iter().map(|inode| inode.written.len() - shared(inode)).max().unwrap_or(0)
    }

    /// What is there when power is back: so many of the open changes of names were made, and this is left of bytes that were not synced.
    pub fn after_power_loss(&self, moves: usize, left: Left) -> Self {
        let mut names = self.durable.clone();
        for (path, inode) in &self.moves[..moves] {
            match inode {
                Some(inode) => names.insert(path.clone(), *inode),
                None => names.remove(path),
            };
        }
        let inodes = self.inodes.iter().map(|inode| {
            let common = shared(inode);
            let mut bytes = inode.durable.clone();
            if inode.written != inode.durable {
                bytes = inode.written[..common].to_vec();
                match left {
                    Left::All => bytes.extend(&inode.written[common..]),
                    Left::Bytes(count) => bytes.extend(inode.written[common..].iter().take(count)),
                    Left::Zeros => bytes.resize(inode.written.len(), 0),
                }
            }
            Inode { written: bytes.clone(), durable: bytes }
        });
        Self { inodes: inodes.collect(), names: names.clone(), durable: names, ..Self::default() }
    }
}

/// How many bytes are durable of what is written; files here only grow.
fn shared(inode: &Inode) -> usize {
    inode.durable.len().min(inode.written.len())
}

#[derive(Clone, Debug, Default)]
pub struct Ram(pub Arc<Mutex<Content>>);

impl Ram {
    pub fn of(content: Content) -> Self {
        Self(Arc::new(Mutex::new(content)))
    }

    pub fn content(&self) -> Content {
        self.0.lock().unwrap().clone()
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        self.0.lock().unwrap().names.get(path).copied().ok_or(io::ErrorKind::NotFound.into())
    }
}

impl Files for Ram {
    fn create_folder(&self, _: &Path) -> io::Result<()> {
        self.0.lock().unwrap().check()
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        let mut content = self.0.lock().unwrap();
        content.check()?;
        let inode = content.names.get(path).map(|inode| &content.inodes[*inode]);
        Ok(inode.map(|inode| Look { sort: Sort::File, length: inode.written.len() as u64, mode: 0o600, ours: true }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.lock().unwrap().check()?;
        let inode = self.find(path)?;
        Ok(self.0.lock().unwrap().inodes[inode].written.clone())
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut content = self.0.lock().unwrap();
        content.check()?;
        let inode = content.names.get(path).copied();
        let inode = inode.unwrap_or_else(|| content.make(path));
        Ok(Box::new(RamFile { disk: self.clone(), inode }))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut content = self.0.lock().unwrap();
        content.check()?;
        if content.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = content.make(path);
        Ok(Box::new(RamFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.lock().unwrap().check()?;
        let inode = self.find(from)?;
        let mut content = self.0.lock().unwrap();
        // One change: a file system never shows it half made.
        content.names.remove(from);
        content.name(to, Some(inode));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.lock().unwrap().check()?;
        self.find(path)?;
        self.0.lock().unwrap().name(path, None);
        Ok(())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        let mut content = self.0.lock().unwrap();
        content.check()?;
        content.durable = content.names.clone();
        content.moves.clear();
        Ok(())
    }
}

#[derive(Debug)]
struct RamFile {
    disk: Ram,
    inode: usize,
}

impl OpenFile for RamFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.disk.0.lock().unwrap();
        let fault = content.turn();
        let length = fault.map_or(bytes.len(), |fault| bytes.len() * fault.torn / 4);
        content.inodes[self.inode].written.extend(&bytes[..length]);
        fault.map_or(Ok(()), |fault| Err(io::Error::from_raw_os_error(fault.error)))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut content = self.disk.0.lock().unwrap();
        content.check()?;
        let inode = &mut content.inodes[self.inode];
        let new = inode.written[shared(inode)..].to_vec();
        inode.durable = inode.written.clone();
        for entry in journal::parse(&new).entries {
            if let Entry::Intent { node, .. } = entry {
                *content.intents.entry(node.name().to_owned()).or_default() += 1;
            }
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut content = self.disk.0.lock().unwrap();
        content.check()?;
        Ok(content.inodes[self.inode].written.clone())
    }

    fn clear(&mut self) -> io::Result<()> {
        let mut content = self.disk.0.lock().unwrap();
        content.check()?;
        content.inodes[self.inode] = Inode::default();
        Ok(())
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        self.disk.0.lock().unwrap().check().map(|()| true)
    }
}
