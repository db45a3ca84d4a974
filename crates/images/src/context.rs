//! The files of a folder that a build sees.

use std::path::{Path, PathBuf};

use crate::ignore::Ignore;

/// Why the files of an image cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{} has the pattern `{pattern}`, which means nothing", path.display())]
    Pattern { path: PathBuf, pattern: String },
}

impl ContextError {
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Self::Read { path: path.to_owned(), source }
    }

    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Read { path, source } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                format!("make {} readable, or name it in .dockerignore if no build needs it", path.display())
            }
            Self::Read { .. } => "the image is made from it, so it must be there and readable".to_owned(),
            Self::Pattern { .. } => "correct the pattern, or remove it".to_owned(),
        }
    }
}

/// One thing in a folder, with its path below the folder, in slashes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) path: String,
    pub(crate) kind: EntryKind,
    /// Where it is.
    pub(crate) from: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum EntryKind {
    File {
        executable: bool,
    },
    /// A symbolic link and where it points; it is not followed.
    Link(PathBuf),
    /// A folder with nothing in it that a build sees.
    Empty,
}

/// What is below `root` and not hidden, sorted by path. Sockets, pipes and devices are left out, as every builder leaves them out.
///
/// # Errors
/// When something that is to be seen cannot be read.
pub(crate) fn entries(root: &Path, ignore: &Ignore) -> Result<Vec<Entry>, ContextError> {
    let mut found = Vec::new();
    below(root, "", ignore, &mut found)?;
    found.sort();
    Ok(found)
}

/// Whether anything was found.
fn below(folder: &Path, prefix: &str, ignore: &Ignore, found: &mut Vec<Entry>) -> Result<bool, ContextError> {
    let read = |error| ContextError::read(folder, error);
    let before = found.len();
    for item in std::fs::read_dir(folder).map_err(read)? {
        let item = item.map_err(read)?;
        let from = item.path();
        let name = item.file_name();
        let path =
            if prefix.is_empty() { name.to_string_lossy().into_owned() } else { format!("{prefix}/{}", name.to_string_lossy()) };
        let hidden = ignore.hides(&path);
        let kind = item.file_type().map_err(|error| ContextError::read(&from, error))?;
        if kind.is_dir() {
            let has_any = if hidden && !ignore.has_exceptions() { false } else { below(&from, &path, ignore, found)? };
            if !hidden && !has_any && !ignore.holds_hidden(&path) {
                found.push(Entry { path, kind: EntryKind::Empty, from });
            }
        } else if !hidden {
            found.extend(entry(path, from)?);
        }
    }
    Ok(found.len() > before)
}

/// A file or a link; nothing for what is neither.
pub(crate) fn entry(path: String, from: PathBuf) -> Result<Option<Entry>, ContextError> {
    let read = |error| ContextError::read(&from, error);
    let about = from.symlink_metadata().map_err(read)?;
    let kind = if about.is_symlink() {
        EntryKind::Link(from.read_link().map_err(read)?)
    } else if about.is_file() {
        EntryKind::File { executable: is_executable(&about) }
    } else {
        return Ok(None);
    };
    Ok(Some(Entry { path, kind, from }))
}

/// The one bit of the mode that matters to an image, and the one that git keeps.
#[cfg(unix)]
fn is_executable(about: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}
