//! Every file-system operation of state, journal and lock, behind one thin trait, so that tests can let each of them fail, tear or be forgotten.
//!
//! What is durable after which call is part of the contract, because the order of these calls is what keeps a state whole:
//! bytes are durable after [`OpenFile::sync`], names (new, moved, removed) after [`Files::sync_folder`].

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

/// No state is nearly as long: 10,000 nodes make about 5 MB. A longer file is not ours and is not read into memory.
pub const LONGEST: u64 = 64 << 20;

/// What a name stands for, without following a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    pub sort: Sort,
    pub length: u64,
    /// Unix permission bits; 0o600 where there are none.
    pub mode: u32,
    /// Whether it belongs to whoever runs this process; true where that cannot be told.
    pub ours: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    File,
    Link,
    /// A folder, a pipe, a device.
    Other,
}

/// Names that are links are never followed: whoever can plant one beside a state must not choose which file is overwritten.
pub trait Files: fmt::Debug + Send + Sync {
    /// With its parents, where they are missing; durable when it returns.
    ///
    /// # Errors
    /// What the operating system says; so for all of these.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// `None` when nothing has the name.
    ///
    /// # Errors
    fn look(&self, path: &Path) -> io::Result<Option<Look>>;

    /// All of it, up to [`LONGEST`].
    ///
    /// # Errors
    /// `NotFound` when nothing has the name.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// For reading and for writing at the end; made, for its owner alone, when it is not there.
    ///
    /// # Errors
    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// A new file for its owner alone.
    ///
    /// # Errors
    /// `AlreadyExists` when something has the name.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>>;

    /// Whoever reads `to` finds the old or the new file whole.
    ///
    /// # Errors
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// # Errors
    /// `NotFound` when nothing has the name.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Makes every name in the folder durable.
    ///
    /// # Errors
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
}

pub trait OpenFile: fmt::Debug + Send {
    /// All of `bytes` at the end. After an error any part of them may be there.
    ///
    /// # Errors
    /// What the operating system says; so for all of these.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// # Errors
    /// After one, what was written since the last sync may be lost even when a later sync succeeds.
    fn sync(&mut self) -> io::Result<()>;

    /// All of it, from the beginning.
    ///
    /// # Errors
    fn read(&mut self) -> io::Result<Vec<u8>>;

    /// Empties it.
    ///
    /// # Errors
    fn clear(&mut self) -> io::Result<()>;

    /// False while another process holds it; held until this value is dropped or the process ends, however it ends.
    ///
    /// # Errors
    fn try_lock(&mut self) -> io::Result<bool>;
}

/// The folder of a file, for [`Files::sync_folder`].
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The operating system's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

#[derive(Debug)]
struct DiskFile(File);

impl Files for Disk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = folder_of(path);
        if parent != path {
            self.create_folder(parent)?;
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => self.sync_folder(parent),
        }
    }

    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        let facts = match fs::symlink_metadata(path) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let sort = match () {
            () if facts.is_symlink() => Sort::Link,
            () if facts.is_file() => Sort::File,
            () => Sort::Other,
        };
        #[cfg(unix)]
        let (mode, ours) = {
            use std::os::unix::fs::MetadataExt as _;
            // The owner of our entry in /proc is who we are; elsewhere that cannot be asked without unsafe code.
            let me = fs::metadata("/proc/self").ok().map(|me| me.uid());
            (facts.mode() & 0o7777, me.is_none_or(|me| me == facts.uid()))
        };
        #[cfg(not(unix))]
        let (mode, ours) = (0o600, true);
        Ok(Some(Look { sort, length: facts.len(), mode, ours }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut options = OpenOptions::new();
        options.read(true);
        whole(&mut no_follow(&mut options).open(path)?)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        Ok(Box::new(DiskFile(no_follow(&mut options).open(path)?)))
    }

    fn create_new(&self, path: &Path) -> io::Result<Box<dyn OpenFile>> {
        let mut options = OpenOptions::new();
        options.create_new(true).read(true).append(true);
        Ok(Box::new(DiskFile(no_follow(&mut options).open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Windows has no such thing and opens no folders.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }
}

impl OpenFile for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        // The length is synced with the data; the times of the file are not, and are worth no second write.
        self.0.sync_data()
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        self.0.rewind()?;
        whole(&mut self.0)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.set_len(0)
    }

    fn try_lock(&mut self) -> io::Result<bool> {
        match self.0.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn no_follow(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Without waiting: a pipe in the file's place would never answer.
        options.mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options
}

fn whole(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {} MB", LONGEST >> 20)));
    }
    Ok(bytes)
}
