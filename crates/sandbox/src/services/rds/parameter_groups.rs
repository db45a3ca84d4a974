//! DB parameter groups (catalogue, section 7.2), with the parameters that a compose application is likely to set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{arn, combination, engine, invalid, items, name, need, paged, read_tags};
use crate::call::{Call, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ParameterGroup {
    pub(crate) name: String,
    pub(crate) family: String,
    pub(crate) description: String,
    /// What was set: value and apply method.
    pub(crate) set: BTreeMap<String, (String, String)>,
    pub(crate) tags: Tags,
}

struct Known {
    name: &'static str,
    default: Option<&'static str>,
    dynamic: bool,
    data: &'static str,
    allowed: &'static str,
}

const fn known(
    name: &'static str,
    default: Option<&'static str>,
    dynamic: bool,
    data: &'static str,
    allowed: &'static str,
) -> Known {
    Known { name, default, dynamic, data, allowed }
}

const KNOWN: [Known; 16] = [
    known("autovacuum", Some("1"), true, "boolean", "0,1"),
    known("idle_in_transaction_session_timeout", Some("86400000"), true, "integer", "0-2147483647"),
    known("log_connections", None, true, "boolean", "0,1"),
    known("log_disconnections", None, true, "boolean", "0,1"),
    known("log_min_duration_statement", None, true, "integer", "-1-2147483647"),
    known("log_statement", None, true, "string", "none,ddl,mod,all"),
    known("max_connections", Some("LEAST({DBInstanceClassMemory/9531392},5000)"), false, "integer", "6-262143"),
    known("max_wal_size", Some("2048"), true, "integer", "128-201326592"),
    known("rds.force_ssl", Some("1"), true, "boolean", "0,1"),
    known("rds.logical_replication", Some("0"), false, "boolean", "0,1"),
    known("shared_buffers", Some("{DBInstanceClassMemory/32768}"), false, "integer", "16-1073741823"),
    known("shared_preload_libraries", Some("pg_stat_statements"), false, "list", ""),
    known("statement_timeout", None, true, "integer", "0-2147483647"),
    known("timezone", Some("UTC"), true, "string", ""),
    known("wal_buffers", None, false, "integer", "-1-262143"),
    known("work_mem", None, true, "integer", "64-2147483647"),
];

pub(super) fn not_found(name: &str) -> Fault {
    Fault::new("DBParameterGroupNotFound", format!("DBParameterGroup not found: {name}")).status(404)
}

/// The group, or the default one of a family, which exists without having been made.
pub(super) fn find(world: &World, name: &str) -> Option<ParameterGroup> {
    if let Some(group) = world.rds.parameter_groups.get(name) {
        return Some(group.clone());
    }
    let family = name.strip_prefix("default.").filter(|family| engine::is_family(family))?;
    let description = format!("Default parameter group for {family}");
    Some(ParameterGroup { name: name.into(), family: family.into(), description, set: BTreeMap::new(), tags: Tags::new() })
}

fn shape(world: &World, group: &ParameterGroup) -> Value {
    json!({
        "DBParameterGroupName": group.name,
        "DBParameterGroupFamily": group.family,
        "Description": group.description,
        "DBParameterGroupArn": arn(world, "pg", &group.name),
    })
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = name(call, "DBParameterGroupName", 255)?;
    let family = need(call, "DBParameterGroupFamily")?;
    let description = need(call, "Description")?;
    if !engine::is_family(&family) {
        return Err(invalid(format!("ParameterGroupFamily {family} is not a valid parameter group family")));
    }
    let tags = read_tags(call)?;
    if world.rds.parameter_groups.contains_key(&name) {
        return Err(Fault::new("DBParameterGroupAlreadyExists", format!("Parameter group {name} already exists")));
    }
    quotas::PARAMETER_GROUPS.one_more(world, world.rds.parameter_groups.len())?;
    let group = ParameterGroup { name: name.clone(), family, description, set: BTreeMap::new(), tags };
    let body = json!({ "DBParameterGroup": shape(world, &group) });
    world.rds.parameter_groups.insert(name, group);
    Ok(body.into())
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let found = match call.opt("DBParameterGroupName").map(|name| name.to_ascii_lowercase()) {
        Some(name) => vec![find(world, &name).ok_or_else(|| not_found(&name))?],
        None => world.rds.parameter_groups.values().cloned().collect(),
    };
    let found = found.iter().map(|group| shape(world, group)).collect();
    paged(call, "DBParameterGroups", "DBParameterGroup", found)
}

/// `rds.force_ssl` is 1 from PostgreSQL 15 on.
fn default_of(known: &Known, family: &str) -> Option<&'static str> {
    let old = matches!(family, "postgres13" | "postgres14");
    if known.name == "rds.force_ssl" && old { Some("0") } else { known.default }
}

pub(super) fn parameters(world: &World, call: &Call) -> Result<Reply, Fault> {
    let name = need(call, "DBParameterGroupName")?.to_ascii_lowercase();
    let group = find(world, &name).ok_or_else(|| not_found(&name))?;
    let source = call.opt("Source");
    let found = KNOWN
        .iter()
        .map(|known| {
            let set = group.set.get(known.name);
            let value = set.map(|(value, _)| value.clone()).or_else(|| default_of(known, &group.family).map(str::to_owned));
            let from = match (set, &value) {
                (Some(_), _) => "user",
                (None, Some(_)) => "system",
                (None, None) => "engine-default",
            };
            json!({
                "ParameterName": known.name,
                "ParameterValue": value,
                "Description": format!("PostgreSQL's {}", known.name),
                "Source": from,
                "ApplyType": if known.dynamic { "dynamic" } else { "static" },
                "DataType": known.data,
                "AllowedValues": known.allowed,
                "IsModifiable": true,
                "ApplyMethod": set.map_or("pending-reboot", |(_, method)| method.as_str()),
            })
        })
        .filter(|parameter| source.as_ref().is_none_or(|source| parameter["Source"] == source.as_str()))
        .collect();
    paged(call, "Parameters", "Parameter", found)
}

fn own<'a>(world: &'a mut World, name: &str) -> Result<&'a mut ParameterGroup, Fault> {
    if name.starts_with("default.") && find(world, name).is_some() {
        return Err(invalid(format!("Cannot modify or delete a default parameter group: {name}")));
    }
    world.rds.parameter_groups.get_mut(name).ok_or_else(|| not_found(name))
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = need(call, "DBParameterGroupName")?.to_ascii_lowercase();
    let group = own(world, &name)?;
    let list = items(&call.input["Parameters"], "Parameter");
    if list.is_empty() || list.len() > 20 {
        return Err(invalid("Between 1 and 20 parameters can be modified in a single request."));
    }
    let mut set = group.set.clone();
    for item in list {
        let key = text(&item["ParameterName"]).unwrap_or_default();
        let known = KNOWN
            .iter()
            .find(|known| known.name == key)
            .ok_or_else(|| invalid(format!("Could not find parameter with name: {key}")))?;
        let value = text(&item["ParameterValue"]).ok_or_else(|| invalid(format!("No value for the parameter {key}")))?;
        if known.data == "boolean" && !matches!(value.as_str(), "0" | "1") {
            return Err(invalid(format!("Invalid parameter value: {value} for: {key} allowed values are: {}", known.allowed)));
        }
        let method = text(&item["ApplyMethod"]).unwrap_or_default();
        match method.as_str() {
            "immediate" if known.dynamic => {}
            "pending-reboot" => {}
            "immediate" => {
                return Err(combination(format!("cannot use immediate apply method for static parameter: {key}")));
            }
            other => {
                return Err(invalid(format!("Invalid ApplyMethod '{other}' for the parameter {key}")));
            }
        }
        set.insert(key, (value, method));
    }
    group.set = set;
    Ok(json!({ "DBParameterGroupName": name }).into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = need(call, "DBParameterGroupName")?.to_ascii_lowercase();
    if let Err(fault) = own(world, &name) {
        // A default group is refused with the state's code here.
        return Err(if fault.status == 404 { fault } else { Fault::new("InvalidDBParameterGroupState", fault.message) });
    }
    if world.rds.instances.values().any(|instance| instance.parameter_group == name) {
        let message = format!(
            "One or more database instances are still members of this parameter group {name}, so the group cannot be deleted"
        );
        return Err(Fault::new("InvalidDBParameterGroupState", message));
    }
    world.rds.parameter_groups.remove(&name);
    Ok(json!({}).into())
}
