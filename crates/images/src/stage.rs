//! The copy that a builder is given: exactly the files that the tag covers, in a folder of our own.
//!
//! So every builder sees the same files whatever it makes of `.dockerignore`, what changes while it works does not matter, and modes are the same on every
//! machine: 755 for programs and folders, 644 for the rest. Times are kept, because servers make ETags of them.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::context::{ContextError, EntryKind};
use crate::ignore::Ignore;
use crate::login::private_folder;
use crate::recipe::{BakedSource, Base, Build, Recipe, is_folder};
use crate::tag::seen;

/// Name of the context with the baked files, for a Dockerfile of the project.
const BAKED: &str = "landing-baked-files";
/// Name of the stage that adds them when the project asks for a stage of its own.
const LAST: &str = "landing-last";

/// All that a build needs, until it is dropped.
#[derive(Debug)]
pub(crate) struct Staged {
    folder: TempDir,
    pub(crate) target: Option<String>,
    /// Named contexts as the builder is given them.
    pub(crate) contexts: Vec<(String, String)>,
}

impl Staged {
    pub(crate) fn context(&self) -> PathBuf {
        self.folder.path().join("context")
    }

    pub(crate) fn dockerfile(&self) -> PathBuf {
        self.folder.path().join("Dockerfile")
    }

    /// For files that only this build needs, such as secrets: the folder is its owner's alone.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// # Errors
/// When a file cannot be read, or there is no room for the copy.
pub(crate) fn stage(dir: &Path, recipe: &Recipe) -> Result<Staged, ContextError> {
    let folder = private_folder("landing-build-").map_err(|error| ContextError::read(&std::env::temp_dir(), error))?;
    let root = folder.path().to_owned();
    let mut staged = Staged { folder, target: None, contexts: Vec::new() };
    let text = match &recipe.base {
        Base::Image(reference) => {
            bake(dir, recipe, &staged.context())?;
            format!("FROM {reference}\n{}", copies(recipe, ""))
        }
        Base::Build(build) => {
            let text = project_dockerfile(dir, build)?;
            let ignore = Ignore::of(
                &dir.join(&build.context),
                build.dockerfile_inline.is_none().then(|| dir.join(&build.dockerfile)).as_deref(),
            )?;
            copy(&dir.join(&build.context), &ignore.hiding(&build.context, &recipe.hidden), &staged.context())?;
            for (index, (name, place)) in build.contexts.iter().enumerate() {
                let place = if is_folder(place) {
                    let to = root.join(format!("context-{index}"));
                    copy(&dir.join(place), &Ignore::default().hiding(place.as_ref(), &recipe.hidden), &to)?;
                    to.display().to_string()
                } else {
                    place.clone()
                };
                staged.contexts.push((name.clone(), place));
            }
            staged.target = build.target.clone();
            if recipe.baked.is_empty() {
                text
            } else {
                let baked = root.join("baked");
                bake(dir, recipe, &baked)?;
                staged.contexts.push((BAKED.to_owned(), baked.display().to_string()));
                let from = build.target.as_ref().map(|stage| format!("FROM {stage} AS {LAST}\n")).unwrap_or_default();
                staged.target = build.target.as_ref().map(|_| LAST.to_owned());
                format!("{text}\n{from}{}", copies(recipe, &format!("--from={BAKED} ")))
            }
        }
    };
    let path = staged.dockerfile();
    fs::write(&path, text).map_err(|error| ContextError::read(&path, error))?;
    Ok(staged)
}

fn project_dockerfile(dir: &Path, build: &Build) -> Result<String, ContextError> {
    let path = dir.join(&build.dockerfile);
    build
        .dockerfile_inline
        .clone()
        .map_or_else(|| fs::read_to_string(&path).map_err(|error| ContextError::read(&path, error)), Ok)
}

/// Puts the baked files into `to`, under their numbers.
fn bake(dir: &Path, recipe: &Recipe, to: &Path) -> Result<(), ContextError> {
    make_folder(to)?;
    recipe.baked.iter().enumerate().try_for_each(|(index, file)| {
        let to = to.join(index.to_string());
        match &file.source {
            BakedSource::File(path) => copy(&dir.join(path), &Ignore::default(), &to),
            BakedSource::Text(text) => {
                fs::write(&to, text).and_then(|()| set_mode(&to, 0o644)).map_err(|error| ContextError::read(&to, error))
            }
        }
    })
}

/// The lines that put them where they belong.
fn copies(recipe: &Recipe, options: &str) -> String {
    let line = |(index, target): (usize, &str)| format!("COPY {options}{}\n", serde_json::json!([index.to_string(), target]));
    recipe.baked.iter().map(|file| file.target.as_str()).enumerate().map(line).collect()
}

/// What is seen of `from`, a folder or a file, at `to`.
fn copy(from: &Path, ignore: &Ignore, to: &Path) -> Result<(), ContextError> {
    if from.is_dir() {
        make_folder(to)?;
    }
    for entry in seen(from, ignore)? {
        let to = if entry.path.is_empty() { to.to_owned() } else { to.join(&entry.path) };
        let failed = |error| ContextError::read(&entry.from, error);
        if let Some(parent) = to.parent() {
            make_folder(parent)?;
        }
        match &entry.kind {
            EntryKind::Empty => make_folder(&to)?,
            EntryKind::Link(target) => link(target, &to).map_err(failed)?,
            EntryKind::File { executable } => copy_file(&entry.from, *executable, &to).map_err(failed)?,
        }
    }
    Ok(())
}

fn copy_file(from: &Path, executable: bool, to: &Path) -> std::io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    fs::copy(from, to)?;
    set_mode(to, 0o600)?;
    fs::File::options().write(true).open(to)?.set_modified(modified)?;
    set_mode(to, if executable { 0o755 } else { 0o644 })
}

fn make_folder(path: &Path) -> Result<(), ContextError> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    // The folder of all is its owner's alone; these are copied into images.
    fs::create_dir(path).and_then(|()| set_mode(path, 0o755)).map_err(|error| ContextError::read(path, error))
}

#[cfg(unix)]
fn link(target: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(target, at)
}

#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::other("symbolic links cannot be copied on this system"))
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
