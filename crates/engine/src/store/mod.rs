//! Where the state lies, and who may write it: a file beside the project, or objects that a team shares.
//!
//! A store keeps two things: the state's bytes, replaced only by who has read the present ones (compare-and-swap), and a lock. The lock is a lease: it
//! names its holder, counts its holders (the *fence*, so that a write of an earlier holder can be told from one of the present), and lasts for a short
//! time unless it is renewed. How patient one is with another's lock is decided in [`crate::lock`], the same for every store.

mod local;
mod notebook;
mod objects;
mod record;

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

pub use local::LocalStore;
pub use notebook::{Keeper, Notebook, NotebookError, Salvage, Snapshots};
pub use objects::{Object, ObjectStore, Objects, Put, Seen, When};

use crate::error::CallError;
use crate::owner::Owner;

/// How long a lock outlives the last sign of life of its holder, by the clock of whatever keeps it.
pub const LEASE: Duration = Duration::from_secs(60);
/// How often a holder gives a sign of life.
pub const HEARTBEAT: Duration = Duration::from_secs(15);

/// What an answer of a store is, some time later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Tells one content of the state from every other: a digest, or an ETag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub bytes: Vec<u8>,
    pub version: Version,
    /// Of the holder that wrote it; 0 when that is not known.
    pub fence: u64,
}

/// A lock that is ours.
#[derive(Clone, Debug)]
pub struct Grant {
    /// Greater with every holder.
    pub fence: u64,
    /// What the next renewal replaces.
    pub mark: String,
    pub beat: u64,
    pub owner: Owner,
    /// When the call that got or renewed it was sent: the lease cannot have begun before.
    pub asked: Instant,
    /// What the wall's clock showed before the lock was taken, where somebody looked.
    pub wall: Option<u64>,
    /// Who held it before and did not let go.
    pub after: Option<Owner>,
}

/// A lock that is another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Not known when it was taken this very moment.
    pub owner: Option<Owner>,
    pub fence: u64,
    /// Changes with every sign of life.
    pub mark: String,
    /// Whether its lease has run out, by the clock of whatever keeps the lock.
    pub lapsed: bool,
}

#[derive(Clone, Debug)]
pub enum Locked {
    Ours(Box<Grant>),
    Theirs(Box<Held>),
}

#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {what} {}: {source}", path.display())]
    Io { what: &'static str, path: PathBuf, source: std::sync::Arc<io::Error> },
    #[error(transparent)]
    Call(#[from] CallError),
    /// Somebody wrote the state since it was read.
    #[error("the state in {place} was changed by somebody else since it was read")]
    Changed { place: String },
    /// The lock is not ours any more.
    #[error("the lock of {place} was taken over{}", by.as_ref().map(|owner| format!(" by {owner}")).unwrap_or_default())]
    Lost { place: String, by: Option<Box<Owner>> },
    /// What lies there is no lock of ours.
    #[error("{place} is not a lock that this version of landing can read")]
    Unreadable { place: String },
    /// The place itself is not one for a state.
    #[error("{message}")]
    Refused { message: String, help: String },
}

/// Object-safe, so that a command does not care where its state lies.
pub trait Store: Send + Sync {
    /// As people write it: a path, or `s3://bucket/key`.
    fn place(&self) -> String;

    /// Whether it lies elsewhere than the journal, so that the state must be saved while a run goes on.
    fn is_remote(&self) -> bool;

    /// The state, or `None` when there is none.
    fn load(&self) -> Later<'_, Option<Saved>>;

    /// Replaces what was read as `on`, or makes the first one; durable when it returns.
    ///
    /// Fails with `Changed` when something else lies there, with `Lost` when a later holder of the lock is known to have written.
    fn save<'a>(&'a self, bytes: Vec<u8>, on: Option<&'a Version>, grant: &'a Grant) -> Later<'a, Version>;

    /// Makes the place ready for a first lock and a first state; says what it changed for that, if anything.
    fn prepare(&self) -> Later<'_, Option<String>>;

    /// Takes the lock when it is free, or says who holds it. A holder that is proven to be dead, by the system itself, counts as none.
    fn lock<'a>(&'a self, owner: &'a Owner) -> Later<'a, Locked>;

    /// Takes the lock from `held`, unless that one has given a sign of life, or somebody else was faster.
    fn take_over<'a>(&'a self, owner: &'a Owner, held: &'a Held) -> Later<'a, Option<Grant>>;

    /// A sign of life. Fails with `Lost` when the lock is another's; after any other error it may still be ours.
    fn renew<'a>(&'a self, grant: &'a Grant) -> Later<'a, Grant>;

    /// Lets go; nothing happens when it was lost.
    fn release<'a>(&'a self, grant: &'a Grant) -> Later<'a, ()>;
}

fn io_error(what: &'static str, path: &std::path::Path, source: io::Error) -> StoreError {
    StoreError::Io { what, path: path.to_owned(), source: std::sync::Arc::new(source) }
}
