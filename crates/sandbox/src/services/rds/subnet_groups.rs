//! DB subnet groups (catalogue, section 7.1).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{arn, invalid, item_strings, need, paged, read_tags};
use crate::call::Call;
use crate::fault::Fault;
use crate::services::{network, quotas};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SubnetGroup {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) vpc: String,
    /// Ids and zones.
    pub(crate) subnets: Vec<(String, String)>,
    pub(crate) tags: Tags,
}

pub(super) fn not_found(name: &str) -> Fault {
    Fault::new("DBSubnetGroupNotFoundFault", format!("DB subnet group '{name}' does not exist.")).status(404)
}

/// The VPC and the subnets with their zones, when they are fit for a group.
fn subnets(world: &World, call: &Call) -> Result<(String, Vec<(String, String)>), Fault> {
    let ids = item_strings(call, "SubnetIds", "SubnetIdentifier");
    if ids.is_empty() {
        return Err(Fault::new("MissingParameter", "The request must contain the parameter SubnetIds"));
    }
    let mut found = Vec::new();
    let mut vpcs = BTreeSet::new();
    for id in ids {
        let place = network::subnet(world, &id)
            .ok_or_else(|| Fault::new("InvalidSubnet", format!("Subnet IDs are required: the subnet {id} does not exist.")))?;
        vpcs.insert(place.vpc);
        found.push((id, place.zone));
    }
    let zones: BTreeSet<&String> = found.iter().map(|(_, zone)| zone).collect();
    let vpc = match (vpcs.pop_first(), vpcs.is_empty()) {
        (Some(vpc), true) => vpc,
        _ => {
            return Err(Fault::new("InvalidSubnet", "Subnets are not in the same VPC."));
        }
    };
    if zones.len() < 2 {
        let message = format!(
            "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: {}. Add subnets to cover at least 2 AZs.",
            zones.into_iter().cloned().collect::<Vec<_>>().join(", ")
        );
        return Err(Fault::new("DBSubnetGroupDoesNotCoverEnoughAZs", message));
    }
    Ok((vpc, found))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = need(call, "DBSubnetGroupName")?;
    let description = need(call, "DBSubnetGroupDescription")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "._ -".contains(c);
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !letter || name.len() > 255 || !name.chars().all(legal) || name.eq_ignore_ascii_case("default") {
        return Err(invalid(format!("The parameter DBSubnetGroupName is not a valid name: {name}")));
    }
    let tags = read_tags(call)?;
    let name = name.to_ascii_lowercase();
    if world.rds.subnet_groups.contains_key(&name) {
        return Err(Fault::new("DBSubnetGroupAlreadyExists", format!("The DB subnet group '{name}' already exists.")));
    }
    let (vpc, subnets) = subnets(world, call)?;
    quotas::DATABASE_SUBNET_GROUPS.one_more(world, world.rds.subnet_groups.len())?;
    let group = SubnetGroup { name: name.clone(), description, vpc, subnets, tags };
    let body = json!({ "DBSubnetGroup": shape(world, &group) });
    world.rds.subnet_groups.insert(name, group);
    Ok(body.into())
}

pub(super) fn shape(world: &World, group: &SubnetGroup) -> Value {
    let subnets: Vec<Value> = group
        .subnets
        .iter()
        .map(|(id, zone)| {
            json!({ "SubnetIdentifier": id, "SubnetAvailabilityZone": { "Name": zone }, "SubnetOutpost": {}, "SubnetStatus": "Active" })
        })
        .collect();
    json!({
        "DBSubnetGroupName": group.name,
        "DBSubnetGroupDescription": group.description,
        "VpcId": group.vpc,
        "SubnetGroupStatus": "Complete",
        "Subnets": { "Subnet[]": subnets },
        "DBSubnetGroupArn": arn(world, "subgrp", &group.name),
        "SupportedNetworkTypes": ["IPV4"],
    })
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let found = match call.opt("DBSubnetGroupName").map(|name| name.to_ascii_lowercase()) {
        Some(name) => vec![world.rds.subnet_groups.get(&name).ok_or_else(|| not_found(&name))?],
        None => world.rds.subnet_groups.values().collect(),
    };
    let found = found.into_iter().map(|group| shape(world, group)).collect();
    paged(call, "DBSubnetGroups", "DBSubnetGroup", found)
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = need(call, "DBSubnetGroupName")?.to_ascii_lowercase();
    let old = world.rds.subnet_groups.get(&name).ok_or_else(|| not_found(&name))?.clone();
    let (vpc, subnets) = subnets(world, call)?;
    if vpc != old.vpc {
        return Err(Fault::new("InvalidSubnet", "The specified subnets are not in the VPC of the DB subnet group."));
    }
    let stays = |id: &str| subnets.iter().any(|(kept, _)| kept == id);
    if let Some(used) = world.rds.instances.values().find(|i| i.subnet_group == name && !stays(&i.subnet)) {
        let message = format!("The subnet {} is in use by the DB instance {}.", used.subnet, used.id);
        return Err(Fault::new("SubnetAlreadyInUse", message));
    }
    let description = call.opt("DBSubnetGroupDescription").unwrap_or(old.description);
    let group = SubnetGroup { subnets, description, ..old };
    let body = json!({ "DBSubnetGroup": shape(world, &group) });
    world.rds.subnet_groups.insert(name, group);
    Ok(body.into())
}

/// An instance holds it until it is gone, `deleting` included.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = need(call, "DBSubnetGroupName")?.to_ascii_lowercase();
    if !world.rds.subnet_groups.contains_key(&name) {
        return Err(not_found(&name));
    }
    if let Some(user) = world.rds.instances.values().find(|i| i.subnet_group == name) {
        let message = format!(
            "Cannot delete the subnet group '{name}' because at least one database instance: {} is still using it.",
            user.id
        );
        return Err(Fault::new("InvalidDBSubnetGroupStateFault", message));
    }
    world.rds.subnet_groups.remove(&name);
    Ok(json!({}).into())
}
