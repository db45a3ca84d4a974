//! What this run removes. An object on its way out is still there for whoever waits until it is gone, and no longer for whoever wants it to be there: that
//! one makes a new one as soon as its name is free.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Kind and id of what was asked to go since the last scan of the kind.
#[derive(Debug, Default)]
pub(crate) struct Removals(Mutex<BTreeSet<(&'static str, String)>>);

impl Removals {
    /// A scan begins: what an earlier run removed is its past.
    pub(crate) fn forget(&self, kind: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(of, _)| *of != kind);
    }

    pub(crate) fn note(&self, kind: &'static str, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, id.to_owned()));
    }

    pub(crate) fn has(&self, kind: &'static str, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&(kind, id.to_owned()))
    }
}
