//! Objects that fail for good because the world's faults say so: which one, and how.

use crate::faults::{Failure, FailureKind};
use crate::tags::Tags;
use crate::world::World;

/// What a NAT gateway can fail with (catalogue, section 3.5); the first one when nothing is said.
pub(crate) const NAT_CODES: &[&str] = &[
    "InternalError",
    "InsufficientFreeAddressesInSubnet",
    "Gateway.NotAttached",
    "InvalidAllocationID.NotFound",
    "Resource.AlreadyAssociated",
    "InvalidSubnetID.NotFound",
];

/// States of a DB instance that need a person (catalogue, section 7.3).
pub(crate) const DB_STATES: &[&str] = &[
    "failed",
    "incompatible-parameters",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-restore",
    "insufficient-capacity",
    "inaccessible-encryption-credentials",
    "storage-full",
    "restore-error",
];

/// How tasks end, of their own or in every attempt of a deployment (catalogue, sections 9.3 and 9.4).
pub(crate) const TASK_ENDS: &[&str] = &[
    "exited",
    "out-of-memory",
    "health-checks",
    "elb-health-checks",
    "image",
    "secret",
    "secret-key",
    "log-group",
    "role",
    "capacity",
    "platform",
    "no-route",
    "secret-denied",
    "command",
    "port",
    "health-404",
    "slow-start",
    "mount",
    "mount-name",
    "mount-denied",
];

/// One object of those that may be meant.
pub(crate) struct Made<'a> {
    pub(crate) kind: FailureKind,
    /// The name that AWS knows it by; of what has none, the value of its tag `Name`.
    pub(crate) name: &'a str,
    pub(crate) tags: &'a Tags,
    /// How many of its kind were made so far, this one included; of deployments and tasks, those of the same service or family.
    pub(crate) nth: u64,
}

/// The reason that this object fails for, when it is one that has to.
pub(crate) fn asked(world: &World, made: &Made<'_>) -> Option<String> {
    let failure = world.faults.failures.iter().find(|failure| meant(failure, made))?;
    let default = reasons(made.kind).first().copied().unwrap_or("An internal error occurred.");
    Some(failure.reason.clone().unwrap_or_else(|| default.to_owned()))
}

fn meant(failure: &Failure, made: &Made<'_>) -> bool {
    failure.kind == made.kind
        && failure.name.as_ref().is_none_or(|name| name == made.name)
        && failure.node.as_ref().is_none_or(|node| made.tags.get("landing:node") == Some(node))
        && failure.nth.is_none_or(|nth| nth == made.nth)
}

/// What may be asked for; nothing for a load balancer, whose reason is any text.
fn reasons(kind: FailureKind) -> &'static [&'static str] {
    match kind {
        FailureKind::NatGateway => NAT_CODES,
        FailureKind::LoadBalancer => &[],
        FailureKind::DbInstance => DB_STATES,
        FailureKind::Deployment | FailureKind::Task => TASK_ENDS,
    }
}

/// # Errors
/// When objects of that kind cannot fail like that.
pub(crate) fn check(failure: &Failure) -> Result<(), String> {
    let known = reasons(failure.kind);
    match &failure.reason {
        Some(reason) if !known.is_empty() && !known.contains(&reason.as_str()) => {
            Err(format!("`{reason}` is no way for it to fail; there are {}", known.join(", ")))
        }
        _ => Ok(()),
    }
}

/// # Errors
/// When a container cannot end like that.
pub(crate) fn check_end(end: &str) -> Result<(), String> {
    if TASK_ENDS.contains(&end) {
        Ok(())
    } else {
        Err(format!("`{end}` is no way for a task to end; there are {}", TASK_ENDS.join(", ")))
    }
}
