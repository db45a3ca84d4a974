//! Log groups, their retention and tags.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Group, arn, group, invalid, limit, no_group, nothing};
use crate::answer::page;
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

const RETENTION_DAYS: [i64; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const CLASSES: [&str; 3] = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"];

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("logGroupName", "InvalidParameterException")?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    if name.is_empty() || name.len() > 512 || !name.chars().all(legal) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+"
        )));
    }
    if name.starts_with("aws/") {
        return Err(invalid("Log groups starting with AWS/ are reserved for AWS."));
    }
    let tags = read_tags(call)?;
    check_tags(&tags)?;
    let class = call.opt("logGroupClass").unwrap_or_else(|| "STANDARD".into());
    if !CLASSES.contains(&class.as_str()) {
        return Err(invalid(format!("logGroupClass {class} is not valid")));
    }
    if world.logs.groups.contains_key(&name) {
        return Err(Fault::new("ResourceAlreadyExistsException", "The specified log group already exists"));
    }
    quotas::LOG_GROUPS.one_more(world, world.logs.groups.len())?;
    let group = Group {
        name: name.clone(),
        created: world.now,
        retention: None,
        class,
        kms_key: call.opt("kmsKeyId"),
        tags,
        streams: BTreeMap::new(),
    };
    world.logs.groups.insert(name, group);
    Ok(nothing())
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let (prefix, pattern) = (call.opt("logGroupNamePrefix"), call.opt("logGroupNamePattern"));
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
    }
    let wanted = call.strings("logGroupIdentifiers");
    let class = call.opt("logGroupClass");
    let found: Vec<&Group> = world
        .logs
        .groups
        .values()
        .filter(|group| prefix.as_ref().is_none_or(|prefix| group.name.starts_with(prefix)))
        .filter(|group| pattern.as_ref().is_none_or(|part| group.name.to_lowercase().contains(&part.to_lowercase())))
        .filter(|group| class.as_ref().is_none_or(|class| *class == group.class))
        .filter(|group| wanted.is_empty() || wanted.iter().any(|id| *id == group.name || *id == arn(world, &group.name)))
        .collect();
    let token = call.opt("nextToken");
    let (found, next) = page(found, limit(call, "limit", 50, 50)?, token.as_deref())
        .ok_or_else(|| invalid("The specified nextToken is invalid."))?;
    let groups: Vec<Value> = found.into_iter().map(|group| shape(world, group)).collect();
    let mut body = json!({ "logGroups": groups });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(body.into())
}

fn shape(world: &World, group: &Group) -> Value {
    let arn = arn(world, &group.name);
    let stored: usize = group.streams.values().flat_map(|stream| &stream.events).map(|event| event.message.len() + 26).sum();
    let mut body = json!({
        "logGroupName": group.name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": stored,
        "logGroupClass": group.class,
        "deletionProtectionEnabled": false,
    });
    if let Some(days) = group.retention {
        body["retentionInDays"] = days.into();
    }
    if let Some(key) = &group.kms_key {
        body["kmsKeyId"] = key.clone().into();
    }
    body
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = group(world, call)?.name.clone();
    world.logs.groups.remove(&name);
    Ok(nothing())
}

pub(super) fn put_retention(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let days = call.number("retentionInDays").ok_or_else(|| invalid("The request must contain the parameter retentionInDays"))?;
    if !RETENTION_DAYS.contains(&days) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: {RETENTION_DAYS:?}"
        )));
    }
    group(world, call)?.retention = Some(days);
    Ok(nothing())
}

pub(super) fn delete_retention(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    group(world, call)?.retention = None;
    Ok(nothing())
}

/// The group of `resourceArn`, which must come without the `:*` (catalogue, section 8, "ARN trap").
fn by_arn<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Group, Fault> {
    let wanted = call.need("resourceArn", "InvalidParameterException")?;
    if wanted.ends_with(":*") {
        return Err(invalid("The resource ARN must be the ARN of the log group itself, without a trailing :*"));
    }
    let prefix = arn(world, "");
    let name = wanted
        .strip_prefix(&prefix)
        .ok_or_else(|| Fault::new("ResourceNotFoundException", "The specified resource does not exist."))?;
    world.logs.groups.get_mut(name).ok_or_else(no_group)
}

fn read_tags(call: &Call) -> Result<Tags, Fault> {
    let tags = call.input["tags"].as_object().into_iter().flatten();
    tags.map(|(key, value)| text(value).map(|value| (key.clone(), value)).ok_or_else(|| invalid("Tag values are strings")))
        .collect()
}

/// Catalogue, section 1.6.
fn check_tags(tags: &Tags) -> Result<(), Fault> {
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("aws: prefixed tag key names are not allowed for external use."));
    }
    if tags.iter().any(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        return Err(invalid("Tag keys have 1 to 128 and values up to 256 characters."));
    }
    if tags.len() > 50 {
        return Err(Fault::new("TooManyTagsException", "A resource can have no more than 50 tags."));
    }
    Ok(())
}

pub(super) fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let new = read_tags(call)?;
    let group = by_arn(world, call)?;
    let mut tags = group.tags.clone();
    tags.extend(new);
    check_tags(&tags)?;
    group.tags = tags;
    Ok(nothing())
}

pub(super) fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let group = by_arn(world, call)?;
    for key in call.strings("tagKeys") {
        group.tags.remove(&key);
    }
    Ok(nothing())
}

pub(super) fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(json!({ "tags": by_arn(world, call)?.tags }).into())
}
