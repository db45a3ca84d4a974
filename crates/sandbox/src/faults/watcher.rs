//! Somebody who looks over AWS's shoulder: tests that stop the world at every call.

use crate::World;

/// Where a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// It has come in and has had no effect.
    Received,
    /// It has had its effect, or was refused; the answer has not left.
    Acted,
}

/// The call that is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Sight<'a> {
    /// IAM's name, as in [`crate::Record`].
    pub service: &'a str,
    pub operation: &'a str,
    /// It changes nothing.
    pub read: bool,
}

/// What becomes of the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    #[default]
    Go,
    /// It is never answered, and never acted on if it had not been.
    Hold,
    /// The connection is closed, without acting on it if that had not happened.
    Cut,
}

/// Called twice for each call that the sandbox dispatches, reads too.
///
/// The world is locked meanwhile: clone it ([`World::fork`]), but do not ask the sandbox anything.
pub trait Watcher: Send + Sync {
    fn see(&self, moment: Moment, call: Sight<'_>, world: &World) -> Then;
}
