//! Settings of a file system that have calls of their own: its policy, its backups.

use serde_json::{Value, json};

use super::{bad, file_system, in_path};
use crate::call::Call;
use crate::fault::Fault;
use crate::services::iam;
use crate::wire::Reply;
use crate::world::World;

fn policy_of(call: &Call) -> Result<Value, Fault> {
    let invalid = |message: &str| Fault::new("InvalidPolicyException", message);
    let text = call.need("Policy", "BadRequest")?;
    let policy: Value = serde_json::from_str(&text).map_err(|_| invalid("the policy is not JSON"))?;
    let statements = iam::statements(&policy);
    let whole = |statement: &&Value| !statement["Principal"].is_null() && !statement["Action"].is_null();
    if statements.is_empty() || !statements.iter().all(whole) {
        return Err(invalid("a statement needs a principal and an action"));
    }
    Ok(policy)
}

pub(super) fn put_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = file_system::available(world, in_path(call))?.id.clone();
    let policy = policy_of(call)?;
    let reply = json!({ "FileSystemId": id, "Policy": policy.to_string() });
    file_system::find_mut(world, &id)?.policy = Some(policy);
    Ok(reply.into())
}

pub(super) fn policy(world: &World, call: &Call) -> Result<Reply, Fault> {
    let found = file_system::find(world, in_path(call))?;
    match &found.policy {
        Some(policy) => Ok(json!({ "FileSystemId": found.id, "Policy": policy.to_string() }).into()),
        None => Err(Fault::new("PolicyNotFound", format!("File system '{}' has no policy.", found.id)).status(404)),
    }
}

pub(super) fn delete_policy(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = file_system::available(world, in_path(call))?.id.clone();
    file_system::find_mut(world, &id)?.policy = None;
    Ok(Reply::empty(200))
}

/// What comes between (`ENABLING`, `DISABLING`) passes at once.
fn status(backup: bool) -> Reply {
    json!({ "BackupPolicy": { "Status": if backup { "ENABLED" } else { "DISABLED" } } }).into()
}

pub(super) fn put_backup(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = file_system::available(world, in_path(call))?.id.clone();
    let backup = match call.input["BackupPolicy"]["Status"].as_str() {
        Some("ENABLED") => true,
        Some("DISABLED") => false,
        _ => return Err(bad("BackupPolicy.Status is ENABLED or DISABLED")),
    };
    file_system::find_mut(world, &id)?.backup = backup;
    Ok(status(backup))
}

pub(super) fn backup(world: &World, call: &Call) -> Result<Reply, Fault> {
    Ok(status(file_system::find(world, in_path(call))?.backup))
}
