//! Faults on demand: an AWS that is late, forgetful, busy or unreachable, as far as it was asked to be.
//!
//! [`Faults`] says what goes wrong; every choice that it leaves open is drawn from its seed and the number of the call, so that the same calls in the same
//! order meet the same faults. With nothing asked for, nothing here costs anything.

mod actions;
mod dice;
mod front;
mod past;
mod pattern;
mod refusal;
mod settings;
#[cfg(test)]
mod stories;
mod throttle;
mod watcher;

pub(crate) use front::{Fate, Front, Seen};
pub(crate) use past::Past;
pub use pattern::{BadPattern, Pattern};
pub use settings::{
    Answer, CallFault, Consistency, Credentials, Durations, Failure, FailureKind, Faults, Refusal, Throttle, What, Workload,
};
pub use watcher::{Moment, Sight, Then, Watcher};
