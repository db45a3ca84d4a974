//! What ECS asks of other services, one small function each.

use std::collections::BTreeSet;

use super::task::Task;
use super::{definition, invalid};
use crate::call::{number, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::services::{elbv2, quotas};
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

/// A target group that no listener or rule uses refuses `CreateService`, and Fargate needs targets of type `ip` (section 9.3).
pub(super) fn target_group_usable(world: &World, arn: &str) -> Result<(), Fault> {
    let group = world.elbv2.target_groups.get(arn);
    let group = group.ok_or_else(|| invalid(format!("The target group with targetGroupArn {arn} does not exist.")))?;
    if group.target_type != "ip" {
        let message =
            "has target type instance, which is incompatible with the awsvpc network mode specified in the task definition.";
        return Err(invalid(format!("The provided target group {arn} {message}")));
    }
    if !elbv2::target_group_has_listener(world, arn) {
        return Err(invalid(format!("The target group with targetGroupArn {arn} does not have an associated load balancer.")));
    }
    Ok(())
}

/// # Errors
/// When one more task of this definition would run more vCPUs than the account may have at a time.
pub(super) fn vcpus_left(world: &World, reference: &str) -> Result<(), Fault> {
    let units = |reference: &str| {
        let cpu = definition::find(world, reference).and_then(|definition| text(&definition.body["cpu"]));
        cpu.and_then(|cpu| cpu.parse::<u64>().ok()).unwrap_or_default()
    };
    let there = world.ecs.tasks.values().filter(|task| task.stopped_at.is_none_or(|at| at > world.now));
    let taken: u64 = there.map(|task| units(&task.definition)).sum();
    quotas::FARGATE_VCPUS.at_most(world, (taken + units(reference)).div_ceil(1024))
}

/// The group that a task's service puts it into.
pub(super) fn first_target_group(world: &World, task: &Task) -> Option<String> {
    let service = world.ecs.services.get(task.service.as_ref()?)?;
    text(&service.settings["loadBalancers"][0]["targetGroupArn"])
}

/// The load balancer's checks of a task fail.
pub(super) fn fail_targets(world: &mut World, arn: &str) {
    let Some(task) = world.ecs.tasks.get(arn) else { return };
    for (group, ip, port) in task.targets.clone() {
        let target = world.elbv2.target_groups.get_mut(&group).and_then(|group| group.targets.get_mut(&format!("{ip}:{port}")));
        if let Some(target) = target {
            target.failing = Some("Target.FailedHealthChecks".into());
        }
    }
}

/// How long the load balancer keeps draining connections of a target that left.
pub(super) fn deregistration_delay(world: &World, target_group: &str) -> Millis {
    let group = world.elbv2.target_groups.get(target_group);
    let set = group.and_then(|group| group.attributes.get("deregistration_delay.timeout_seconds"));
    set.and_then(|text| text.parse::<Millis>().ok()).unwrap_or(300) * latency::SECOND
}

/// A task that came up is a target of its service's groups; a group that is gone meanwhile is ECS's problem, not the task's.
pub(super) fn join_targets(world: &mut World, arn: &str) {
    let Some(task) = world.ecs.tasks.get(arn) else { return };
    let Some(service) = task.service.as_ref().and_then(|service| world.ecs.services.get(service)) else { return };
    let Some(interface) = world.ec2.interfaces.values().find(|interface| interface.owner == arn) else { return };
    let zone = world.ec2.subnets.get(&interface.subnet).map(|subnet| subnet.zone.clone());
    let ip = interface.private_ip.clone();
    let balancers = service.settings["loadBalancers"].as_array().into_iter().flatten();
    let groups: Vec<(String, i64)> =
        balancers.filter_map(|lb| Some((text(&lb["targetGroupArn"])?, number(&lb["containerPort"])?))).collect();
    for (group, port) in groups {
        if elbv2::register(&mut world.elbv2, world.now, &group, &ip, Some(port), zone.clone()).is_ok()
            && let Some(task) = world.ecs.tasks.get_mut(arn)
        {
            task.targets.push((group, ip.clone(), port));
        }
    }
}

/// Tasks on the way out leave their target groups first.
pub(super) fn part_targets(world: &mut World) {
    let leaving = world.ecs.tasks.values_mut().filter(|task| task.stopping_at.is_some());
    let targets: Vec<(String, String, i64)> = leaving.flat_map(|task| std::mem::take(&mut task.targets)).collect();
    for (group, ip, port) in targets {
        // The group may be gone already, and its targets with it.
        let _ = elbv2::deregister(&mut world.elbv2, world.now, &group, &ip, Some(port));
    }
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
