//! The journal: cut off, glued, garbled, in any order, it never tells of a call that was not written down, and the state that folds it in can be saved.

use std::io;
use std::path::{Path, PathBuf};

use landing_engine::files::{Look, OpenFile, Sort};
use landing_engine::journal::{self, Entry};
use landing_engine::{Files, State};
use landing_fuzz::{Choices, Dictionary, Harness, mutated};

use crate::written;

#[derive(Debug)]
pub(crate) struct Written {
    state: Option<State>,
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

const WORDS: &[&str] =
    &["\n", "\n\n", "\r\n", " ", "00000000 {}", "{\"entry\":\"intent\"", "\0", "0", "f", "\"", "}", "begin", "serial"];

pub(crate) const JOURNAL: Harness<Written> = Harness {
    name: "journal",
    executions: 5_000,
    make: |choices| {
        let state = written::state(choices);
        let mut entries = written::entries(choices, &state);
        if choices.one_in(2) {
            entries.insert(0, Entry::begin(&state));
        }
        let bytes = text(choices, &entries);
        Written { state: (!choices.one_in(3)).then_some(state), entries, bytes }
    },
    check: |written| {
        let found = journal::parse(&written.bytes);
        for entry in &found.entries {
            assert!(written.entries.contains(entry), "nobody wrote {entry:?}");
        }
        let before = written.state.as_ref().map_or_else(Vec::new, |state| state.unanswered.clone());
        let disk = OneFile { path: journal::beside(Path::new("s.json")), bytes: written.bytes.clone() };
        match State::go_on(&disk, written.state.clone(), Path::new("s.json"), &written::stack(), "1", "here") {
            Err(refused) => assert!(!refused.to_string().is_empty()),
            Ok(mut state) => {
                for open in &state.unanswered {
                    let told = written.entries.iter().any(|entry| {
                        matches!(entry, Entry::Intent { node, operation, at, .. } if *node == open.node && *operation == open.operation && *at == open.at)
                    });
                    let known =
                        before.iter().any(|old| (&old.node, &old.operation, old.at) == (&open.node, &open.operation, open.at));
                    assert!(told || known, "nobody sent {open:?}");
                }
                let bytes = state.next_bytes();
                assert_eq!(State::parse(&bytes, Path::new("s.json")).expect("what was folded can be read").bytes(), bytes);
            }
        }
    },
};

/// As they were written, or with something broken.
fn text(choices: &mut Choices<'_>, entries: &[Entry]) -> Vec<u8> {
    let whole: String = entries.iter().map(|entry| journal::line(entry).expect("entries are plain data")).collect();
    if choices.one_in(4) {
        whole.into_bytes()
    } else {
        mutated(choices, &Dictionary { files: &[whole.as_bytes()], words: WORDS })
    }
}

/// A disk with nothing on it but a journal.
#[derive(Debug)]
struct OneFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Files for OneFile {
    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        let there = path == self.path;
        Ok(there.then_some(Look { sort: Sort::File, length: self.bytes.len() as u64, mode: 0o600, ours: true }))
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if path == self.path { Ok(self.bytes.clone()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn create_folder(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn open(&self, _: &Path) -> io::Result<Box<dyn OpenFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn create_new(&self, _: &Path) -> io::Result<Box<dyn OpenFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
}
