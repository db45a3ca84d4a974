//! Reading files of the project's folder, and never any other.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::{
    place::{Place, Source},
    problem::Problem,
};

/// No text file that we read is near this size; a larger one is a mistake (or a device).
const MAX_BYTES: u64 = 4 * 1024 * 1024;

pub(crate) struct Files<'a> {
    dir: &'a Path,
    /// Without symbolic links. `None` when the folder does not exist.
    real: Option<PathBuf>,
    /// All that was read, relative to `dir`.
    pub(crate) read: BTreeSet<PathBuf>,
}

/// Why a file could not be read; each reader words it for what it wanted the file for.
#[derive(Debug, PartialEq)]
pub(crate) enum ReadError {
    Missing,
    NotText,
    TooLarge,
    Other(String),
}

impl std::fmt::Display for ReadError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing => f.write_str("there is no such file"),
            Self::NotText => f.write_str("it is not UTF-8 text"),
            Self::TooLarge => f.write_str("it is larger than 4 MiB"),
            Self::Other(why) => f.write_str(why),
        }
    }
}

impl<'a> Files<'a> {
    pub(crate) fn new(dir: &'a Path) -> Self {
        Self { dir, real: dir.canonicalize().ok(), read: BTreeSet::new() }
    }

    pub(crate) fn exists(&self, relative: &Path) -> bool {
        self.dir.join(relative).exists()
    }

    pub(crate) fn is_dir(&self, relative: &Path) -> bool {
        self.dir.join(relative).is_dir()
    }

    pub(crate) fn read(&mut self, relative: &Path) -> Result<Arc<Source>, ReadError> {
        self.text(relative).map(|text| Arc::new(Source::new(relative, text)))
    }

    /// A file whose paths begin in another folder than its own.
    pub(crate) fn read_from(&mut self, relative: &Path, folder: &Path) -> Result<Arc<Source>, ReadError> {
        self.text(relative).map(|text| Arc::new(Source::new(relative, text).in_folder(folder)))
    }

    fn text(&mut self, relative: &Path) -> Result<String, ReadError> {
        let path = self.dir.join(relative);
        let about = std::fs::metadata(&path).map_err(|error| read_error(&error))?;
        if !about.is_file() {
            return Err(ReadError::Other("it is not a file".to_owned()));
        }
        if about.len() > MAX_BYTES {
            return Err(ReadError::TooLarge);
        }
        let bytes = std::fs::read(&path).map_err(|error| read_error(&error))?;
        let text = String::from_utf8(bytes).map_err(|_| ReadError::NotText)?;
        self.read.insert(relative.to_owned());
        Ok(text)
    }

    /// `text` as written in a file of folder `base`, relative to the project's folder; it need not exist.
    ///
    /// # Errors
    /// It leads outside of the project's folder, by `..`, as an absolute path, or through a symbolic link.
    pub(crate) fn inside(&self, base: &Path, text: &str, place: &Place) -> Result<PathBuf, Problem> {
        let outside = |how: &str| {
            Problem::at(place, "path-traversal", format!("`{text}` leads out of the project's folder"))
                .label(how)
                .help("keep every file that the project uses in the folder of landing.toml, or move landing.toml up")
        };
        if text.starts_with('~') {
            return Err(outside("a path in your home folder"));
        }
        let given = Path::new(text);
        let relative = if given.is_absolute() {
            let real = self.real.as_deref().unwrap_or(self.dir);
            let under = given.strip_prefix(self.dir).or_else(|_| given.strip_prefix(real));
            under.map_err(|_| outside("an absolute path"))?.to_owned()
        } else {
            base.join(given)
        };
        let mut clean = PathBuf::new();
        for component in relative.components() {
            match component {
                Component::Normal(name) => clean.push(name),
                Component::ParentDir if !clean.pop() => {
                    return Err(outside("more `..` than folders"));
                }
                _ => {}
            }
        }
        if self.leaves_by_link(&clean) {
            return Err(outside("a symbolic link on the way leads outside"));
        }
        Ok(clean)
    }

    /// Looks at the deepest part of the path that exists.
    fn leaves_by_link(&self, relative: &Path) -> bool {
        let Some(real) = &self.real else { return false };
        let mut probe = relative;
        loop {
            let full = self.dir.join(probe);
            if let Ok(resolved) = full.canonicalize() {
                return !resolved.starts_with(real);
            }
            // A dangling link cannot be resolved, yet would be followed once its target exists.
            if full.is_symlink() {
                return true;
            }
            match probe.parent() {
                Some(parent) => probe = parent,
                None => return false,
            }
        }
    }
}

fn read_error(error: &std::io::Error) -> ReadError {
    match error.kind() {
        std::io::ErrorKind::NotFound => ReadError::Missing,
        std::io::ErrorKind::IsADirectory => ReadError::Other("it is a folder".to_owned()),
        std::io::ErrorKind::PermissionDenied => ReadError::Other("permission denied".to_owned()),
        _ => ReadError::Other(error.kind().to_string()),
    }
}
