//! What stands in a lock, in a file or in an object: who holds it, and the number of holders so far.

use serde::{Deserialize, Serialize};

use crate::owner::Owner;

const FORMAT: u32 = 1;

/// A lock that was let go keeps its number, so that no number is given twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    format: u32,
    pub(super) fence: u64,
    /// Counts the holder's signs of life; with it no two contents are alike.
    pub(super) beat: u64,
    /// Which run wrote it: a call whose answer was lost is known by it.
    pub(super) run: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) holder: Option<Owner>,
}

impl Record {
    pub(super) fn held(fence: u64, beat: u64, run: &str, owner: &Owner) -> Self {
        Self { format: FORMAT, fence, beat, run: run.to_owned(), holder: Some(owner.clone()) }
    }

    pub(super) fn free(fence: u64, run: &str) -> Self {
        Self { format: FORMAT, fence, beat: 0, run: run.to_owned(), holder: None }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record is plain data with string keys")
    }

    /// `None` for what this version does not understand.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(bytes).ok().filter(|record| record.format <= FORMAT)
    }

    /// Whether it is this run's holding of the lock, whatever sign of life it was.
    pub(super) fn is_of(&self, run: &str, fence: u64) -> bool {
        self.holder.is_some() && self.run == run && self.fence == fence
    }
}

/// A name for one run that no other has.
pub(super) fn new_run() -> String {
    format!("{:016x}", rand::random::<u64>())
}
