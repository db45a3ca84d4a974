//! A strict AWS in the process.
//!
//! It speaks the wire protocols of the real services to any client: the Rust SDK through the SDK's own HTTP hook ([`Sandbox::http_client`]), every other
//! client over TCP ([`serve`]). Objects take time to become ready and to vanish, refuse to be deleted while something uses them, keep unique names,
//! honour idempotency tokens and ETags, and answer with AWS's exact error codes. Behaviour comes from the catalogue of AWS's behaviours, section by
//! section; what is not modelled is answered with `UnknownOperationException`, never with a made-up success.

mod answer;
mod call;
mod clock;
mod fault;
mod faults;
mod http;
mod latency;
mod registry;
mod server;
mod services;
mod tags;
mod visit;
mod wire;
mod world;

use std::sync::{Arc, Mutex, PoisonError};

pub use call::Call;
pub use clock::Millis;
pub use faults::{
    Answer, BadPattern, CallFault, Consistency, Credentials, Durations, Failure, FailureKind, Faults, Moment, Pattern, Refusal,
    Sight, Then, Throttle, Watcher, What, Workload,
};
pub use registry::serve_registry;
pub use server::serve;
pub use world::{Record, World};

use crate::clock::WorldClock;
use crate::faults::{Fate, Front, Past, Seen};

/// One AWS: an account and everything in it. Clones are the same AWS.
#[derive(Clone, Debug)]
pub struct Sandbox {
    world: Arc<Mutex<World>>,
    clock: Arc<WorldClock>,
    front: Arc<Front>,
}

impl Sandbox {
    /// `scale` AWS seconds pass in one second of tokio's clock.
    pub fn new(world: World, scale: f64) -> Self {
        Self::with_faults(world, scale, Faults::default())
    }

    /// The same on a bad day. A world that was forked from another one keeps what that one's readers have not seen yet.
    pub fn with_faults(mut world: World, scale: f64, faults: Faults) -> Self {
        let clock = Arc::new(WorldClock::new(world.now, scale));
        let faults = Arc::new(faults);
        world.faults = Arc::clone(&faults);
        if faults.consistency.is_none() {
            world.past = Past::default();
        }
        Self { world: Arc::new(Mutex::new(world)), clock, front: Arc::new(Front::new(faults)) }
    }

    /// From now on `watcher` sees every call, in place of the one before.
    pub fn watch(&self, watcher: Arc<dyn Watcher>) {
        self.front.watch(watcher);
    }

    /// Looks at the world, or changes it behind everybody's back, at the present time.
    pub fn with_world<T>(&self, f: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.now = self.clock.now();
        services::advance(&mut world);
        f(&mut world)
    }

    /// The world as JSON, to be loaded again by [`World::load`].
    pub fn save(&self) -> String {
        self.with_world(|world| world.save())
    }

    /// Answers one request: takes the time that AWS takes, then acts.
    ///
    /// # Errors
    /// When the connection is to be closed without an answer.
    pub(crate) async fn answer(&self, request: wire::Request) -> Result<wire::Response, Closed> {
        if let Some(answer) = self.visited(&request).await {
            return answer;
        }
        let Some((service, call)) = wire::call_of(&request) else {
            return Ok(wire::render_unknown());
        };
        let fate = self.front.receive(service, &call);
        if let Some(What::Late(seconds)) = fate.what {
            // Of its own task, so that it happens whether or not somebody still waits for it.
            let sandbox = self.clone();
            let late = tokio::spawn(async move {
                sandbox.clock.sleep((seconds * 1000.0) as Millis).await;
                sandbox.acted(service, &call, &fate).await
            });
            return late.await.unwrap_or(Err(Closed));
        }
        self.acted(service, &call, &fate).await
    }

    async fn acted(&self, service: &wire::Service, call: &Call, fate: &Fate) -> Result<wire::Response, Closed> {
        let takes = {
            let world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            latency::API_CALL.of(&world, &world.calls.len().to_string())
        };
        self.clock.sleep(takes).await;
        let seen = self.with_world(|world| self.front.pass(world, service, call, fate));
        if let Some(What::Slow(seconds)) = fate.what {
            self.clock.sleep((seconds * 1000.0) as Millis).await;
        }
        match seen {
            Seen::Answer(response) => Ok(response),
            Seen::Closed => Err(Closed),
            Seen::Silence => std::future::pending().await,
        }
    }
}

/// The server closed the connection and said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

impl std::error::Error for Closed {}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("connection closed before message completed")
    }
}
