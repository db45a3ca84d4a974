//! STS: who am I.

use serde_json::json;

use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "GetCallerIdentity" => Ok(json!({
            "Arn": format!("arn:aws:iam::{}:user/sandbox", world.account),
            "UserId": "AIDASANDBOXUSER00000",
            "Account": world.account,
        })
        .into()),
        other => Err(Fault::unknown_operation("sts", other)),
    }
}
