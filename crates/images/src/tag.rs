//! The content tag: one name for everything that an image is made from.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::context::{ContextError, Entry, EntryKind, entries, entry};
use crate::ignore::Ignore;
use crate::recipe::{BakedSource, Base, Build, Recipe, SecretSource, is_folder};

/// What every content tag begins with, so that it can be told from tags that people give.
pub const TAG_PREFIX: &str = "content-";

/// Changes when the same sources are to have another tag.
const SCHEME: &str = "landing image 1";

/// Makes tags. Services that share a folder share its reading: each file is read once.
pub struct Tagger<'a> {
    dir: &'a Path,
    files: BTreeMap<PathBuf, [u8; 32]>,
}

impl<'a> Tagger<'a> {
    /// `dir` is the project's folder.
    pub fn new(dir: &'a Path) -> Self {
        Self { dir, files: BTreeMap::new() }
    }

    /// `content-` and 32 hex digits. Times, owners and where the project lies are no part of it, nor is the value of a build secret; of a file's mode only whether it
    /// can be executed is.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn tag(&mut self, recipe: &Recipe) -> Result<String, ContextError> {
        let Recipe { base, platform, baked, hidden } = recipe;
        let mut fold = Fold::default();
        fold.text(SCHEME);
        fold.text(platform);
        match base {
            Base::Image(reference) => {
                fold.text("image");
                fold.text(reference);
            }
            Base::Build(build) => self.build(build, hidden, &mut fold)?,
        }
        fold.count(baked.len());
        for file in baked {
            fold.text(&file.target);
            match &file.source {
                BakedSource::File(path) => self.tree(&self.dir.join(path), &Ignore::default(), &mut fold)?,
                BakedSource::Text(text) => {
                    fold.text("text");
                    fold.text(text);
                }
            }
        }
        Ok(format!("{TAG_PREFIX}{}", fold.hex()))
    }

    fn build(&mut self, build: &Build, hidden: &[String], fold: &mut Fold) -> Result<(), ContextError> {
        let Build { context, dockerfile, dockerfile_inline, args, target, contexts, labels, secrets } = build;
        fold.text("build");
        let dockerfile = dockerfile_inline.is_none().then(|| self.dir.join(dockerfile));
        match (dockerfile_inline, &dockerfile) {
            (None, Some(path)) => fold.bytes(&self.file(path)?),
            (inline, _) => fold.text(inline.as_deref().unwrap_or_default()),
        }
        fold.count(args.len());
        args.iter().for_each(|(name, value)| fold.pair(name, value));
        fold.text(target.as_deref().unwrap_or_default());
        fold.count(contexts.len());
        for (name, place) in contexts {
            fold.text(name);
            if is_folder(place) {
                self.tree(&self.dir.join(place), &Ignore::default().hiding(place.as_ref(), hidden), fold)?;
            } else {
                fold.text(place);
            }
        }
        fold.count(secrets.len());
        for (id, source) in secrets {
            match source {
                SecretSource::Environment(name) => fold.pair(id, name),
                SecretSource::File(path) => fold.pair(id, &path.to_string_lossy()),
            }
        }
        // Came later than the rest: images without labels keep their tags.
        if !labels.is_empty() {
            fold.text("labels");
            fold.count(labels.len());
            labels.iter().for_each(|(name, value)| fold.pair(name, value));
        }
        let folder = self.dir.join(context);
        let ignore = Ignore::of(&folder, dockerfile.as_deref())?.hiding(context, hidden);
        self.tree(&folder, &ignore, fold)
    }

    /// A folder and what is seen of it, or a single file.
    fn tree(&mut self, root: &Path, ignore: &Ignore, fold: &mut Fold) -> Result<(), ContextError> {
        let found = seen(root, ignore)?;
        fold.count(found.len());
        for Entry { path, kind, from } in found {
            fold.text(&path);
            match kind {
                EntryKind::File { executable } => {
                    fold.text(if executable { "program" } else { "file" });
                    fold.bytes(&self.file(&from)?);
                }
                EntryKind::Link(to) => fold.pair("link", &to.to_string_lossy()),
                EntryKind::Empty => fold.text("folder"),
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path) -> Result<[u8; 32], ContextError> {
        if let Some(known) = self.files.get(path) {
            return Ok(*known);
        }
        let mut digest = Digesting(Sha256::new());
        File::open(path)
            .and_then(|mut file| std::io::copy(&mut file, &mut digest))
            .map_err(|error| ContextError::read(path, error))?;
        let hash: [u8; 32] = digest.0.finalize().into();
        self.files.insert(path.to_owned(), hash);
        Ok(hash)
    }
}

/// What of a folder, or that a path is a file; a link is followed here, because somebody named it.
pub(crate) fn seen(root: &Path, ignore: &Ignore) -> Result<Vec<Entry>, ContextError> {
    let real = root.canonicalize().map_err(|error| ContextError::read(root, error))?;
    if real.is_dir() {
        return entries(&real, ignore);
    }
    Ok(entry(String::new(), real)?.into_iter().collect())
}

/// A hash of fields, each with its length, so that none can pass for a part of another.
#[derive(Default)]
struct Fold(Sha256);

impl Fold {
    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn pair(&mut self, name: &str, value: &str) {
        self.text(name);
        self.text(value);
    }

    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_le_bytes());
    }

    fn hex(self) -> String {
        self.0.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Digesting(Sha256);

impl std::io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
