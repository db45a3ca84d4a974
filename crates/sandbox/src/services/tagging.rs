//! The Tagging API: what `tagged` of the other modules lists.

use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

pub(crate) fn handle(_world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Err(Fault::unknown_operation(call.service, &call.operation))
}
