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
mod http;
mod latency;
mod server;
mod services;
mod tags;
mod wire;
mod world;

use std::sync::{Arc, Mutex, PoisonError};

pub use call::Call;
pub use clock::Millis;
pub use server::serve;
pub use world::{Record, World};

use crate::clock::WorldClock;

/// One AWS: an account and everything in it. Clones are the same AWS.
#[derive(Clone, Debug)]
pub struct Sandbox {
    world: Arc<Mutex<World>>,
    clock: Arc<WorldClock>,
}

impl Sandbox {
    /// `scale` AWS seconds pass in one second of tokio's clock.
    pub fn new(world: World, scale: f64) -> Self {
        let clock = Arc::new(WorldClock::new(world.now, scale));
        Self { world: Arc::new(Mutex::new(world)), clock }
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
    pub(crate) async fn answer(&self, request: wire::Request) -> wire::Response {
        self.clock.sleep(latency::API_CALL).await;
        self.with_world(|world| services::dispatch(world, &request))
    }
}
