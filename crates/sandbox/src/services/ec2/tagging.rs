//! Tags: at creation (`TagSpecifications`), later (`CreateTags`), and over everything (`DescribeTags`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::call::{Call, text};
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

use super::Ec2;
use super::listing::Listing;
use super::lookup::{self, invalid};

/// The tags of a create call for the one kind of resource it makes.
///
/// # Errors
/// `InvalidParameterValue` for another kind, or for bad tags.
pub(super) fn given(call: &Call, kind: &str) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for (index, specification) in call.list("TagSpecification").iter().enumerate() {
        let named = text(&specification["ResourceType"]).unwrap_or_default();
        if named != kind {
            return Err(invalid(format!("'{named}' is not a valid taggable resource type for this operation.")));
        }
        if index > 0 {
            return Err(invalid(format!(
                "The same resource type may not be specified more than once in tag specifications: '{kind}'"
            )));
        }
        tags = read(&specification["Tag"])?;
    }
    limit(tags)
}

fn read(list: &Value) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in list.as_array().into_iter().flatten() {
        let key =
            text(&tag["Key"]).ok_or_else(|| Fault::new("MissingParameter", "The request must contain the parameter Tag.Key"))?;
        let value = text(&tag["Value"]).unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 {
            return Err(invalid(format!("Tag key '{key}' must be between 1 and 128 characters long")));
        }
        if value.chars().count() > 256 {
            return Err(invalid(format!("Tag value exceeds the maximum length of 256 characters: '{key}'")));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(invalid("Tag keys starting with 'aws:' are reserved for internal use"));
        }
        if tags.insert(key.clone(), value).is_some() {
            return Err(invalid(format!("Duplicate tag key '{key}' specified.")));
        }
    }
    Ok(tags)
}

fn limit(tags: Tags) -> Result<Tags, Fault> {
    if tags.len() > 50 {
        return Err(Fault::new("TagLimitExceeded", "The maximum number of tags for a resource has been reached."));
    }
    Ok(tags)
}

/// Kind, id and tags of everything that can have tags.
pub(super) fn all(ec2: &Ec2) -> Vec<(&'static str, &str, &Tags)> {
    let mut all: Vec<(&'static str, &str, &Tags)> = Vec::new();
    all.extend(ec2.vpcs.values().map(|it| ("vpc", it.id.as_str(), &it.tags)));
    all.extend(ec2.gateways.values().map(|it| ("internet-gateway", it.id.as_str(), &it.tags)));
    all.extend(ec2.subnets.values().map(|it| ("subnet", it.id.as_str(), &it.tags)));
    all.extend(ec2.addresses.values().map(|it| ("elastic-ip", it.id.as_str(), &it.tags)));
    all.extend(ec2.nats.values().map(|it| ("natgateway", it.id.as_str(), &it.tags)));
    all.extend(ec2.route_tables.values().map(|it| ("route-table", it.id.as_str(), &it.tags)));
    all.extend(ec2.groups.values().map(|it| ("security-group", it.id.as_str(), &it.tags)));
    all.extend(ec2.rules.values().map(|it| ("security-group-rule", it.id.as_str(), &it.tags)));
    all.extend(ec2.endpoints.values().map(|it| ("vpc-endpoint", it.id.as_str(), &it.tags)));
    all
}

fn tags_mut<'a>(ec2: &'a mut Ec2, id: &str) -> Result<&'a mut Tags, Fault> {
    let tags = match id.split_once('-').map_or("", |(prefix, _)| prefix) {
        "vpc" => &mut ec2.vpc_mut(id)?.tags,
        "igw" => &mut ec2.gateway_mut(id)?.tags,
        "subnet" => &mut ec2.subnet_mut(id)?.tags,
        "eipalloc" => &mut ec2.address_mut(id)?.tags,
        "nat" => &mut ec2.nat_mut(id)?.tags,
        "rtb" => &mut ec2.route_table_mut(id)?.tags,
        "sg" => &mut ec2.group_mut(id)?.tags,
        "sgr" => &mut ec2.rules.get_mut(id).ok_or_else(|| lookup::no_rule(id))?.tags,
        "vpce" => &mut ec2.endpoint_mut(id)?.tags,
        _ => {
            return Err(Fault::new("InvalidID", format!("The ID '{id}' is not valid")));
        }
    };
    Ok(tags)
}

fn resources(call: &Call) -> Result<Vec<String>, Fault> {
    let ids = call.strings("ResourceId");
    if ids.is_empty() {
        return Err(Fault::new("MissingParameter", "The request must contain the parameter resourceIdSet"));
    }
    Ok(ids)
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let added = read(&call.input["Tag"])?;
    if added.is_empty() {
        return Err(Fault::new("MissingParameter", "The request must contain the parameter tagSet"));
    }
    let mut changed: BTreeMap<String, Tags> = BTreeMap::new();
    for id in resources(call)? {
        let mut tags = tags_mut(&mut world.ec2, &id)?.clone();
        tags.extend(added.clone());
        changed.insert(id, limit(tags)?);
    }
    // Nothing is tagged unless everything can be.
    for (id, tags) in changed {
        *tags_mut(&mut world.ec2, &id)? = tags;
    }
    Ok(json!({ "return": true }).into())
}

/// Without tags all of them go; with a value only a tag that has it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let ids = resources(call)?;
    for id in &ids {
        tags_mut(&mut world.ec2, id)?;
    }
    for id in &ids {
        let tags = tags_mut(&mut world.ec2, id)?;
        if call.list("Tag").is_empty() {
            tags.clear();
        }
        for tag in call.list("Tag") {
            let (key, value) = (text(&tag["Key"]).unwrap_or_default(), text(&tag["Value"]));
            if value.is_none() || tags.get(&key) == value.as_ref() {
                tags.remove(&key);
            }
        }
    }
    Ok(json!({ "return": true }).into())
}

const LISTING: Listing = Listing {
    set: "tagSet",
    ids: ("", "resourceId"),
    not_found: lookup::invalid_id,
    filters: &[("key", "key"), ("value", "value"), ("resource-id", "resourceId"), ("resource-type", "resourceType")],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let items = all(&world.ec2).into_iter().flat_map(|(kind, id, tags)| {
        tags.iter().map(move |(key, value)| {
            // The tag itself once more, as the list that the filter `tag:KEY` looks into.
            json!({ "resourceId": id, "resourceType": kind, "key": key, "value": value, "tagSet": [{ "key": key, "value": value }] })
        })
    });
    let mut items = LISTING.select(call, items.collect())?;
    for item in items.iter_mut().filter_map(Value::as_object_mut) {
        item.shift_remove("tagSet");
    }
    LISTING.page(call, items)
}
