//! Not modelled yet.

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Elbv2 {}

pub(crate) fn handle(_world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Err(Fault::unknown_operation(call.service, &call.operation))
}

pub(crate) fn advance(_world: &mut World) {}

pub(crate) fn objects(_world: &World) -> Vec<String> {
    Vec::new()
}

pub(crate) fn tagged(_world: &World) -> Vec<(String, Tags)> {
    Vec::new()
}
