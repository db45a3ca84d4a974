//! Deleting, at once or after a window, and taking it back.

use serde_json::json;

use super::{find, named, not_found};
use crate::answer::epoch;
use crate::call::Call;
use crate::fault::Fault;
use crate::latency::{SECOND, SECRET_NAME_FREE};
use crate::wire::Reply;
use crate::world::World;

const DAY: u64 = 86_400 * SECOND;

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("SecretId", "InvalidParameterException")?;
    let force = call.flag("ForceDeleteWithoutRecovery").unwrap_or(false);
    let window = call.number("RecoveryWindowInDays");
    let invalid = |message: &str| Err(Fault::new("InvalidParameterException", message));
    if force && window.is_some() {
        return invalid("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.");
    }
    let days = window.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return invalid("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).");
    }
    let now = world.now;
    let Some(secret) = find(world, &id) else {
        // Documented: with force a missing secret is not an error.
        return if force { Ok(json!({ "Name": id, "DeletionDate": epoch(now) }).into()) } else { Err(not_found()) };
    };
    let (name, arn) = (secret.name.clone(), secret.arn.clone());
    if secret.owner.is_some() {
        return Err(Fault::new("InvalidRequestException", "You can't delete a secret that is managed by another service."));
    }
    if force {
        world.secrets.secrets.remove(&name);
        let free_at = now + SECRET_NAME_FREE.of(world, &arn);
        world.secrets.blocked.insert(name.clone(), free_at);
        return Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": epoch(now) }).into());
    }
    if secret.deleted.is_some() {
        return Err(Fault::new(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was already scheduled for deletion.",
        ));
    }
    let gone_at = now + days.unsigned_abs() * DAY;
    if let Some(secret) = world.secrets.secrets.get_mut(&name) {
        (secret.deleted, secret.gone_at) = (Some(now), Some(gone_at));
    }
    Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": epoch(gone_at) }).into())
}

/// Restoring a secret that is not scheduled is not an error.
pub(super) fn restore(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = named(world, call)?;
    let secret = world.secrets.secrets.get_mut(&name).ok_or_else(not_found)?;
    (secret.deleted, secret.gone_at) = (None, None);
    Ok(json!({ "ARN": secret.arn, "Name": secret.name }).into())
}
