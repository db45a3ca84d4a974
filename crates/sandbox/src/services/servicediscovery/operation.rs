//! The operations that Cloud Map's slow calls return.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::call::Call;
use crate::clock::{Millis, epoch};
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    /// `CREATE_NAMESPACE`, `UPDATE_NAMESPACE`, `DELETE_NAMESPACE`.
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) started: Millis,
    pub(crate) done_at: Millis,
}

pub(super) fn start(world: &mut World, kind: &str, namespace: &str, takes: Millis) -> String {
    let id = format!("{}-{}", &world.hex()[..32], &world.hex()[..8]);
    let operation = Operation { kind: kind.into(), namespace: namespace.into(), started: world.now, done_at: world.now + takes };
    world.servicediscovery.operations.insert(id.clone(), operation);
    id
}

/// The operation that made a namespace.
pub(super) fn that_made<'w>(world: &'w World, namespace: &str) -> Option<&'w String> {
    let mut operations = world.servicediscovery.operations.iter();
    operations.find(|(_, it)| it.namespace == namespace && it.kind == "CREATE_NAMESPACE").map(|(id, _)| id)
}

pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("OperationId", "InvalidInput")?;
    let operation = world.servicediscovery.operations.get(&id);
    let operation = operation.ok_or_else(|| Fault::new("OperationNotFound", format!("Operation not found: {id}")))?;
    let status = match world.now {
        now if now >= operation.done_at => "SUCCESS",
        now if now < operation.started + 1000 => "SUBMITTED",
        _ => "PENDING",
    };
    Ok(json!({ "Operation": {
        "Id": id,
        "Type": operation.kind,
        "Status": status,
        "CreateDate": epoch(operation.started),
        "UpdateDate": epoch(operation.done_at.min(world.now)),
        "Targets": { "NAMESPACE": operation.namespace },
    }})
    .into())
}
