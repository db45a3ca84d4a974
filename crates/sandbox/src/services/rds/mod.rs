//! RDS (catalogue, section 7): PostgreSQL instances, subnet groups, parameter groups. Clusters, replicas, other engines and restoring snapshots
//! are left out; a snapshot and kept backups are names, because a person has to delete them.

mod backups;
mod change;
mod engine;
mod instances;
mod parameter_groups;
mod subnet_groups;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::page;
use crate::call::{Call, strings, text};
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

pub(crate) use backups::{Retained, Snapshot};
pub(crate) use instances::Instance;
pub(crate) use parameter_groups::ParameterGroup;
pub(crate) use subnet_groups::SubnetGroup;

/// All by lower-cased name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rds {
    pub(crate) subnet_groups: BTreeMap<String, SubnetGroup>,
    pub(crate) parameter_groups: BTreeMap<String, ParameterGroup>,
    pub(crate) instances: BTreeMap<String, Instance>,
    /// Instances so far, for faults that name the nth one.
    #[serde(skip)]
    pub(crate) instances_made: u64,
    /// Manual ones.
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
    /// By resource id.
    #[serde(default)]
    pub(crate) retained: BTreeMap<String, Retained>,
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateDBSubnetGroup" => subnet_groups::create(world, call),
        "DescribeDBSubnetGroups" => subnet_groups::describe(world, call),
        "ModifyDBSubnetGroup" => subnet_groups::modify(world, call),
        "DeleteDBSubnetGroup" => subnet_groups::delete(world, call),
        "CreateDBParameterGroup" => parameter_groups::create(world, call),
        "DescribeDBParameterGroups" => parameter_groups::describe(world, call),
        "DescribeDBParameters" => parameter_groups::parameters(world, call),
        "ModifyDBParameterGroup" => parameter_groups::modify(world, call),
        "DeleteDBParameterGroup" => parameter_groups::delete(world, call),
        "CreateDBInstance" => instances::create(world, call),
        "DescribeDBInstances" => instances::describe(world, call),
        "ModifyDBInstance" => change::modify(world, call),
        "RebootDBInstance" => change::reboot(world, call),
        "DeleteDBInstance" => change::delete(world, call),
        "DescribeDBSnapshots" => backups::describe_snapshots(world, call),
        "DescribeDBInstanceAutomatedBackups" => backups::describe_automated(world, call),
        "AddTagsToResource" => {
            let new = read_tags(call)?;
            with_tags(world, call, |tags| tags.extend(new))
        }
        "RemoveTagsFromResource" => with_tags(world, call, |tags| {
            for key in strings(&Value::from(items(&call.input["TagKeys"], "key"))) {
                tags.remove(&key);
            }
        }),
        "ListTagsForResource" => {
            let tags = tags_of(world, call)?.clone();
            Ok(json!({ "TagList": tag_list(&tags) }).into())
        }
        "DescribeDBEngineVersions" => engine::versions(call),
        "DescribeOrderableDBInstanceOptions" => engine::orderable(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn advance(world: &mut World) {
    change::advance(world);
}

/// Instances on their way out are gone by themselves.
pub(crate) fn objects(world: &World) -> Vec<String> {
    let rds = &world.rds;
    let instances =
        rds.instances.values().filter(|instance| instance.gone_at.is_none()).map(|instance| format!("rds:db {}", instance.id));
    let subnet_groups = rds.subnet_groups.keys().map(|name| format!("rds:subgrp {name}"));
    let parameter_groups = rds.parameter_groups.keys().map(|name| format!("rds:pg {name}"));
    let snapshots = rds.snapshots.keys().map(|name| format!("rds:snapshot {name}"));
    let retained = rds.retained.keys().map(|id| format!("rds:auto-backup {id}"));
    instances.chain(subnet_groups).chain(parameter_groups).chain(snapshots).chain(retained).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    let rds = &world.rds;
    let instances = rds.instances.values().map(|i| ("db", &i.id, &i.tags));
    let subnet_groups = rds.subnet_groups.iter().map(|(name, g)| ("subgrp", name, &g.tags));
    let parameter_groups = rds.parameter_groups.iter().map(|(name, g)| ("pg", name, &g.tags));
    let snapshots = rds.snapshots.iter().map(|(name, it)| ("snapshot", name, &it.tags));
    let all = instances.chain(subnet_groups).chain(parameter_groups).chain(snapshots);
    all.filter(|(_, _, tags)| !tags.is_empty()).map(|(kind, name, tags)| (arn(world, kind, name), tags.clone())).collect()
}

fn arn(world: &World, kind: &str, name: &str) -> String {
    world.arn("rds", &format!("{kind}:{name}"))
}

/// A list parameter: `SubnetIds.SubnetIdentifier.1` has a name between the list's and the number.
fn items<'a>(value: &'a Value, inner: &str) -> &'a [Value] {
    value[inner].as_array().or_else(|| value.as_array()).map_or(&[], Vec::as_slice)
}

fn item_strings(call: &Call, key: &str, inner: &str) -> Vec<String> {
    items(&call.input[key], inner).iter().filter_map(text).collect()
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterValue", message)
}

fn combination(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterCombination", message)
}

fn need(call: &Call, key: &str) -> Result<String, Fault> {
    call.need(key, "MissingParameter")
}

/// Letters, digits and hyphens; a letter first, no hyphen last, no two in a row. Stored lower-case.
fn name(call: &Call, key: &str, longest: usize) -> Result<String, Fault> {
    let name = need(call, key)?;
    let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let edges = name.starts_with(|c: char| c.is_ascii_alphabetic()) && !name.ends_with('-') && !name.contains("--");
    if !legal || !edges || name.len() > longest {
        return Err(invalid(format!(
            "The parameter {key} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        )));
    }
    Ok(name.to_ascii_lowercase())
}

fn read_tags(call: &Call) -> Result<Tags, Fault> {
    let list = items(&call.input["Tags"], "Tag");
    let tags = tags::read(&Value::from(list));
    if tags.len() < list.len() {
        return Err(invalid("Duplicate tag keys are not allowed."));
    }
    check_tags(&tags)?;
    Ok(tags)
}

/// Catalogue, section 1.6.
fn check_tags(tags: &Tags) -> Result<(), Fault> {
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("Tag keys that start with aws: are reserved."));
    }
    if tags.len() > 50 || tags.iter().any(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        return Err(invalid("A resource has at most 50 tags, with keys of 1 to 128 and values of up to 256 characters."));
    }
    Ok(())
}

fn tag_list(tags: &Tags) -> Value {
    json!({ "Tag[]": tags::upper(tags) })
}

fn tags_of<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Tags, Fault> {
    let wanted = need(call, "ResourceName")?;
    let prefix = world.arn("rds", "");
    let (kind, name) = wanted
        .strip_prefix(&prefix)
        .and_then(|rest| rest.split_once(':'))
        .ok_or_else(|| invalid(format!("Invalid resource name: {wanted}")))?;
    let (rds, name) = (&mut world.rds, name.to_ascii_lowercase());
    match kind {
        "db" => rds.instances.get_mut(&name).map(|i| &mut i.tags).ok_or_else(|| instances::not_found(&name)),
        "subgrp" => rds.subnet_groups.get_mut(&name).map(|g| &mut g.tags).ok_or_else(|| subnet_groups::not_found(&name)),
        "pg" => rds.parameter_groups.get_mut(&name).map(|g| &mut g.tags).ok_or_else(|| parameter_groups::not_found(&name)),
        "snapshot" => rds
            .snapshots
            .get_mut(&name)
            .map(|it| &mut it.tags)
            .ok_or_else(|| Fault::new("DBSnapshotNotFound", format!("DBSnapshot {name} not found")).status(404)),
        _ => Err(invalid(format!("Invalid resource name: {wanted}"))),
    }
}

fn with_tags(world: &mut World, call: &Call, change: impl FnOnce(&mut Tags)) -> Result<Reply, Fault> {
    let tags = tags_of(world, call)?;
    let mut changed = tags.clone();
    change(&mut changed);
    check_tags(&changed)?;
    *tags = changed;
    Ok(json!({}).into())
}

/// A page of `MaxRecords` (20 to 100) after `Marker`, under `outer`/`inner`.
fn paged(call: &Call, outer: &str, inner: &str, found: Vec<Value>) -> Result<Reply, Fault> {
    let limit = call.number("MaxRecords").unwrap_or(100);
    if !(20..=100).contains(&limit) {
        return Err(invalid(format!("Invalid value {limit} for MaxRecords. Must be between 20 and 100")));
    }
    let marker = call.opt("Marker");
    let (found, next) = page(found, limit.unsigned_abs() as usize, marker.as_deref()).ok_or_else(|| invalid("Invalid marker"))?;
    Ok(json!({ "Marker": next, outer: { (format!("{inner}[]")): found } }).into())
}
