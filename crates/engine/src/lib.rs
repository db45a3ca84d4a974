//! The engine: desired graph, plan, walk, door, journal, state, lock and events.
//!
//! It is generic over kinds and does not know AWS: nothing here names a service, and it builds in seconds.
//! A kind (see [`kind::Kind`]) says what one sort of object looks like and how to list, make, change and remove it; everything
//! about order, waiting, retrying and remembering is decided here, once.

pub mod clock;
pub mod door;
pub mod error;
pub mod event;
pub mod files;
pub mod graph;
pub mod journal;
pub mod kind;
pub mod lock;
pub mod node;
pub mod owner;
pub mod plan;
pub mod rebuild;
pub mod reference;
pub mod registry;
pub mod scan;
pub mod stack;
pub mod state;
pub mod store;
mod strict;
pub mod walk;

pub use clock::{Clock, Moment};
pub use door::{Door, Past, Phase};
pub use error::{CallError, Cause, Class};
pub use event::Event;
pub use files::{Disk, Files};
pub use graph::Graph;
pub use kind::{Changed, Copies, Gone, Kind, Live, Ready, Scan, Targets, Traits, Trouble};
pub use node::{NodeName, Readiness};
pub use plan::{Action, Plan, plan};
pub use reference::{Output, Ref};
pub use registry::{LiveNode, Registry, Untold};
pub use scan::{LiveSet, scan, unsettled};
pub use stack::{Stack, Tags};
pub use state::State;
pub use walk::{Stop, walk};
