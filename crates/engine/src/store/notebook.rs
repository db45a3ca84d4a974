//! A run's hold on the state: what was read last, so that the next writing replaces exactly that.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Store, StoreError, Version};
use crate::files::Files;
use crate::lock::Lease;
use crate::stack::Stack;
use crate::state::{self, State, StateError};

#[derive(Debug, thiserror::Error)]
pub enum NotebookError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

pub struct Notebook {
    store: Arc<dyn Store>,
    files: Arc<dyn Files>,
    /// The journal lies beside this path, wherever the state is.
    beside: PathBuf,
    version: Option<Version>,
    serial: u64,
    /// The serial that a run on it begins with, which is what its journal is bound to.
    began: u64,
    /// As it lies in the store.
    saved: Option<State>,
}

/// A hold on a state that may be past reading.
pub struct Salvage {
    pub notebook: Notebook,
    /// As they lie there.
    pub bytes: Option<Vec<u8>>,
    pub unreadable: Option<StateError>,
}

impl Notebook {
    /// Reads the store.
    ///
    /// # Errors
    /// When it cannot be reached, or what lies there is no state that this program can read.
    pub async fn open(store: Arc<dyn Store>, files: Arc<dyn Files>, beside: &Path) -> Result<Self, NotebookError> {
        let (mut version, mut saved) = (None, None);
        if !store.is_remote() {
            state::guard(files.as_ref(), beside)?;
        }
        if let Some(found) = store.load().await? {
            if !found.bytes.is_empty() {
                saved = Some(State::parse(&found.bytes, Path::new(&store.place()))?);
            }
            version = Some(found.version);
        }
        let serial = saved.as_ref().map_or(0, |state| state.serial);
        Ok(Self { store, files, beside: beside.to_owned(), version, serial, began: serial, saved })
    }

    /// The same when what lies there may be past reading: it counts as nothing then, and is told with the reason.
    ///
    /// # Errors
    /// When the store cannot be reached, or what lies there is no file that landing may write.
    pub async fn salvage(store: Arc<dyn Store>, files: Arc<dyn Files>, beside: &Path) -> Result<Salvage, NotebookError> {
        if !store.is_remote() {
            state::guard(files.as_ref(), beside)?;
        }
        let found = store.load().await?;
        let read = match &found {
            Some(found) if !found.bytes.is_empty() => State::parse(&found.bytes, Path::new(&store.place())).map(Some),
            _ => Ok(None),
        };
        let (saved, unreadable) = match read {
            Ok(saved) => (saved, None),
            Err(error) => (None, Some(error)),
        };
        let serial = saved.as_ref().map_or(0, |state| state.serial);
        let (bytes, version) = found.map(|found| (found.bytes, found.version)).unzip();
        let notebook = Self { store, files, beside: beside.to_owned(), version, serial, began: serial, saved };
        Ok(Salvage { notebook, bytes: bytes.filter(|bytes| !bytes.is_empty()), unreadable })
    }

    /// What lies in the store, without the journal.
    pub fn saved(&self) -> Option<&State> {
        self.saved.as_ref()
    }

    /// What lies in the store with what a killed run left in its journal, or a new state.
    ///
    /// # Errors
    /// When it belongs to another stack, account or region.
    pub fn state(&self, stack: &Stack, account: &str, region: &str) -> Result<State, NotebookError> {
        Ok(State::go_on(self.files.as_ref(), self.saved.clone(), &self.beside, stack, account, region)?)
    }

    /// Whether there is anything to write: a run that changed nothing writes nothing.
    pub fn differs(&self, state: &State) -> bool {
        let journal = self.files.look(&crate::journal::beside(&self.beside));
        journal.is_ok_and(|look| look.is_some()) || self.saved.as_ref().is_none_or(|saved| saved.nodes != state.nodes)
    }

    /// Replaces what was read, or written last, by `state`. The journal stays.
    ///
    /// # Errors
    /// `Changed` when something else lies there, `Lost` when the lock is not ours any more; nothing was written then.
    pub async fn save(&mut self, state: &mut State, lease: &Lease) -> Result<(), NotebookError> {
        self.write(state, Some(self.began), lease).await
    }

    async fn write(&mut self, state: &mut State, midway: Option<u64>, lease: &Lease) -> Result<(), NotebookError> {
        // Whoever lost the lock must not write, even where nobody has written since.
        lease.permit().granted().await?;
        let before = state.serial.max(self.serial);
        state.serial = before;
        state.midway = midway;
        let bytes = state.next_bytes();
        let saved = self.store.save(bytes, self.version.as_ref(), &lease.grant()).await;
        if let Err(error) = &saved {
            // A write without an answer may have got through: its serial is not given to another content.
            if matches!(error, StoreError::Call(_)) {
                self.serial = state.serial;
            }
            state.serial = before;
        }
        self.version = Some(saved?);
        self.serial = state.serial;
        self.saved = Some(state.clone());
        Ok(())
    }

    /// The same when all that the journal says is in `state`, and no call is on its way any more: the journal goes.
    ///
    /// # Errors
    /// As [`Notebook::save`]; the journal is then still there.
    pub async fn fold(&mut self, state: &mut State, lease: &Lease) -> Result<(), NotebookError> {
        self.write(state, None, lease).await?;
        self.began = self.serial;
        Ok(State::folded(self.files.as_ref(), &self.beside)?)
    }
}

/// What a walk knows so far, for whoever saves it meanwhile.
pub type Snapshots = watch::Sender<Option<State>>;

/// Saves what a walk knows while it runs, so that a machine that goes for good (a CI runner) takes little with it.
pub struct Keeper {
    task: JoinHandle<Notebook>,
    refused: watch::Receiver<Option<StoreError>>,
}

impl Keeper {
    /// Saves every snapshot that it is sent, until the sender is dropped.
    pub fn start(mut notebook: Notebook, lease: Arc<Lease>) -> (Snapshots, Self) {
        let (snapshots, mut latest) = watch::channel(None::<State>);
        let (refuse, refused) = watch::channel(None);
        let task = tokio::spawn(async move {
            while latest.changed().await.is_ok() {
                let Some(mut state) = latest.borrow_and_update().clone() else { continue };
                if refuse.borrow().is_some() {
                    continue;
                }
                // After any other error the next snapshot, or the last, may get through; until then the journal has it.
                if let Err(NotebookError::Store(error @ (StoreError::Lost { .. } | StoreError::Changed { .. }))) =
                    notebook.save(&mut state, &lease).await
                {
                    refuse.send_replace(Some(error));
                }
            }
            notebook
        });
        (snapshots, Self { task, refused })
    }

    /// Ends when the store refused a snapshot for good, with the reason; never otherwise.
    pub fn refused(&self) -> impl Future<Output = StoreError> + Send + 'static {
        let mut refused = self.refused.clone();
        async move {
            match refused.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
                Some(error) => error,
                None => std::future::pending().await,
            }
        }
    }

    /// The notebook, when everything that was sent is saved; `None` if the saving broke off.
    pub async fn end(self) -> Option<Notebook> {
        self.task.await.ok()
    }
}
