//! What ECS asks of other services, one small function each.

use std::collections::BTreeSet;

use super::invalid;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::world::World;

/// An image of the account's own registry that is not there: tasks cannot pull it (catalogue, section 18.3). Foreign registries are trusted.
pub(super) fn image_missing(world: &World, image: &str) -> bool {
    let registry = format!("{}.dkr.ecr.{}.amazonaws.com/", world.account, world.region);
    let Some(path) = image.strip_prefix(&registry) else { return false };
    let (name, digest) = path.split_once('@').map_or((path, None), |(name, digest)| (name, Some(digest)));
    let (name, tag) = name.split_once(':').unwrap_or((name, "latest"));
    let Some(repository) = world.ecr.repositories.get(name) else { return true };
    match digest {
        Some(digest) => !repository.images.contains_key(digest),
        None => !repository.images.values().any(|image| image.tags.iter().any(|other| other == tag)),
    }
}

/// A target group that no listener or rule uses refuses `CreateService` (section 9.3).
pub(super) fn target_group_usable(_world: &World, arn: &str) -> Result<(), Fault> {
    if arn.contains(":targetgroup/") { Ok(()) } else { Err(invalid("The target group ARN is invalid.")) }
}

/// How long the load balancer keeps draining connections of a target that left.
pub(super) fn deregistration_delay(_world: &World, _target_group: &str) -> Millis {
    0
}

/// Subnets and groups must exist, all in one VPC.
pub(super) fn network_exists(world: &World, subnets: &[String], groups: &[String]) -> Result<(), Fault> {
    let mut vpcs = BTreeSet::new();
    for id in subnets {
        let subnet = world.ec2.subnets.get(id);
        vpcs.insert(
            &subnet
                .ok_or_else(|| {
                    invalid(format!("Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist"))
                })?
                .vpc,
        );
    }
    for id in groups {
        let group = world.ec2.groups.get(id);
        vpcs.insert(
            &group
                .ok_or_else(|| {
                    invalid(format!(
                        "Error retrieving security group information for [{id}]: The security group '{id}' does not exist"
                    ))
                })?
                .vpc,
        );
    }
    if vpcs.len() > 1 { Err(invalid("subnets and security groups must belong to the same VPC.")) } else { Ok(()) }
}

/// The groups of a task's interface: those asked for, else the VPC's default one.
pub(super) fn groups_or_default(world: &World, subnet: &str, groups: Vec<String>) -> Vec<String> {
    if !groups.is_empty() {
        return groups;
    }
    let vpc = world.ec2.subnets.get(subnet).map(|subnet| &subnet.vpc);
    let default = world.ec2.groups.values().find(|group| Some(&group.vpc) == vpc && group.name == "default");
    default.map(|group| group.id.clone()).into_iter().collect()
}
