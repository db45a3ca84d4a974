//! The front of the sandbox: what every call passes before and after a service acts on it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::watcher::{Moment, Sight, Then, Watcher};
use crate::call::Call;
use crate::services;
use crate::wire::{Response, Service};
use crate::world::World;

/// What a client sees of a call.
#[derive(Debug)]
pub(crate) enum Seen {
    Answer(Response),
    /// The connection is closed in its face.
    Closed,
    /// Nothing, ever.
    Silence,
}

/// Shared by all clones of one sandbox.
#[derive(Default)]
pub(crate) struct Front {
    watcher: Mutex<Option<Arc<dyn Watcher>>>,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").finish_non_exhaustive()
    }
}

impl Front {
    pub(crate) fn watch(&self, watcher: Arc<dyn Watcher>) {
        *self.watcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(watcher);
    }

    /// One call at the world's present time.
    pub(crate) fn pass(&self, world: &mut World, service: &Service, call: &Call) -> Seen {
        match self.look(Moment::Received, world, service, call) {
            Then::Go => {}
            Then::Hold => return Seen::Silence,
            Then::Cut => return Seen::Closed,
        }
        let response = services::dispatch(world, service, call);
        match self.look(Moment::Acted, world, service, call) {
            Then::Go => Seen::Answer(response),
            Then::Hold => Seen::Silence,
            Then::Cut => Seen::Closed,
        }
    }

    fn look(&self, moment: Moment, world: &World, service: &Service, call: &Call) -> Then {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let read = services::is_read(&call.operation);
        let sight = Sight { service: service.signed_as[0], operation: &call.operation, read };
        watcher.map_or(Then::Go, |watcher| watcher.see(moment, sight, world))
    }
}
