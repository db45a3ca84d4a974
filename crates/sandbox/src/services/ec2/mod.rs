//! EC2 networking.

mod interfaces;

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

pub(crate) use interfaces::{Interface, attach, release};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ec2 {
    pub(crate) interfaces: std::collections::BTreeMap<String, Interface>,
}

/// What a fresh account has: a default VPC is left out on purpose until somebody needs it.
pub(crate) fn furnish(_world: &mut World) {}

pub(crate) fn handle(_world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Err(Fault::unknown_operation(call.service, &call.operation))
}

pub(crate) fn advance(world: &mut World) {
    interfaces::advance(world);
}

pub(crate) fn objects(_world: &World) -> Vec<String> {
    Vec::new()
}

pub(crate) fn tagged(_world: &World) -> Vec<(String, Tags)> {
    Vec::new()
}
