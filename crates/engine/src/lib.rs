//! The engine: desired graph, plan, walk, door, journal, state, lock and events.
//!
//! It is generic over kinds and does not know AWS: nothing here names a service, and it builds in seconds.
//! A kind (see [`kind::Kind`]) says what one sort of object looks like and how to list, make, change and remove it; everything
//! about order, waiting, retrying and remembering is decided here, once.

pub mod clock;
pub mod door;
pub mod error;
pub mod event;
pub mod kind;
pub mod node;
pub mod reference;
pub mod stack;

pub use clock::Clock;
pub use door::{Door, Phase};
pub use error::{CallError, Class};
pub use kind::{Changed, Gone, Kind, Live, Ready, Scan, Traits};
pub use node::{NodeName, Readiness};
pub use reference::{Output, Ref};
pub use stack::{Stack, Tags};
