//! Task definitions: families of revisions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{client, defaults, invalid, page, read_tags, short};
use crate::call::Call;
use crate::clock::{Millis, epoch};
use crate::fault::Fault;
use crate::latency;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

/// Revision numbers are never used again, even after deletes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) last: u32,
    pub(crate) revisions: BTreeMap<u32, TaskDefinition>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaskDefinition {
    pub(crate) arn: String,
    pub(crate) family: String,
    pub(crate) revision: u32,
    pub(crate) registered: Millis,
    /// INACTIVE since.
    pub(crate) deregistered: Option<Millis>,
    /// DELETE_IN_PROGRESS since.
    pub(crate) deleting: Option<Millis>,
    /// As AWS gives it back, defaults filled in.
    pub(crate) body: Value,
    pub(crate) tags: Tags,
}

impl TaskDefinition {
    pub(super) fn containers(&self) -> &[Value] {
        self.body["containerDefinitions"].as_array().map_or(&[], Vec::as_slice)
    }

    fn status(&self) -> &'static str {
        match self {
            d if d.deleting.is_some() => "DELETE_IN_PROGRESS",
            d if d.deregistered.is_some() => "INACTIVE",
            _ => "ACTIVE",
        }
    }
}

/// By `family`, `family:revision` or ARN; a bare family is its latest ACTIVE revision.
pub(super) fn find<'w>(world: &'w World, reference: &str) -> Option<&'w TaskDefinition> {
    let (family, revision) = match short(reference).split_once(':') {
        Some((family, revision)) => (family, Some(revision.parse::<u32>().ok()?)),
        None => (short(reference), None),
    };
    let revisions = &world.ecs.families.get(family)?.revisions;
    match revision {
        Some(revision) => revisions.get(&revision),
        None => revisions.values().rev().find(|definition| definition.deregistered.is_none()),
    }
}

/// One that services and tasks may use.
pub(super) fn usable<'w>(world: &'w World, reference: &str) -> Result<&'w TaskDefinition, Fault> {
    match find(world, reference) {
        None => Err(client("TaskDefinition not found.")),
        Some(definition) if definition.deregistered.is_some() => Err(client("TaskDefinition is inactive")),
        Some(definition) => Ok(definition),
    }
}

fn find_mut<'w>(world: &'w mut World, reference: &str) -> Option<&'w mut TaskDefinition> {
    let (family, revision) = short(reference).split_once(':')?;
    world.ecs.families.get_mut(family)?.revisions.get_mut(&revision.parse().ok()?)
}

pub(super) fn register(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("family", "ClientException")?;
    let tags = read_tags(&call.input["tags"])?;
    let body = defaults::checked(world, &name, &call.input)?;
    let (now, arn) = (world.now, |world: &World, revision| world.arn("ecs", &format!("task-definition/{name}:{revision}")));
    let revision = world.ecs.families.get(&name).map_or(0, |family| family.last) + 1;
    let definition = TaskDefinition {
        arn: arn(world, revision),
        family: name.clone(),
        revision,
        registered: now,
        deregistered: None,
        deleting: None,
        body,
        tags,
    };
    let reply = json!({ "taskDefinition": shown(world, &definition), "tags": tags::lower(&definition.tags) });
    let family = world.ecs.families.entry(name).or_default();
    family.last = revision;
    family.revisions.insert(revision, definition);
    Ok(reply.into())
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let reference = call.need("taskDefinition", "ClientException")?;
    let definition = find(world, &reference).ok_or_else(|| client("Unable to describe task definition."))?;
    let mut reply = json!({ "taskDefinition": shown(world, definition) });
    if call.strings("include").iter().any(|what| what == "TAGS") {
        reply["tags"] = tags::lower(&definition.tags);
    }
    Ok(reply.into())
}

/// `familyPrefix` is a prefix: a client that wants one family must look at the ARNs (catalogue, section 9.2).
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let status = call.opt("status").unwrap_or_else(|| "ACTIVE".into());
    let prefix = call.opt("familyPrefix").unwrap_or_default();
    let families = world.ecs.families.iter().filter(|(name, _)| name.starts_with(&prefix));
    let definitions = families.flat_map(|(_, family)| family.revisions.values()).filter(|d| d.status() == status);
    let mut arns: Vec<Value> = definitions.map(|definition| json!(definition.arn)).collect();
    if call.opt("sort").as_deref() == Some("DESC") {
        arns.reverse();
    }
    page(call, "taskDefinitionArns", 100, arns)
}

/// A family is INACTIVE when none of its revisions is ACTIVE.
pub(super) fn list_families(world: &World, call: &Call) -> Result<Reply, Fault> {
    let status = call.opt("status").unwrap_or_else(|| "ALL".into());
    let prefix = call.opt("familyPrefix").unwrap_or_default();
    let families = world.ecs.families.iter().filter(|(name, _)| name.starts_with(&prefix));
    let wanted = families.filter(|(_, family)| {
        let has = |wanted| family.revisions.values().any(|d| d.status() == wanted);
        match status.as_str() {
            "ACTIVE" => has("ACTIVE"),
            "INACTIVE" => has("INACTIVE") && !has("ACTIVE"),
            _ => has("ACTIVE") || has("INACTIVE"),
        }
    });
    page(call, "families", 100, wanted.map(|(name, _)| json!(name)).collect())
}

pub(super) fn deregister(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let reference = call.need("taskDefinition", "ClientException")?;
    if !short(&reference).contains(':') {
        return Err(client("Invalid revision number. Number: null"));
    }
    let now = world.now;
    let definition = find_mut(world, &reference).ok_or_else(|| client("Unable to describe task definition."))?;
    if definition.deregistered.is_none() {
        definition.deregistered = Some(now);
    }
    let definition = definition.clone();
    Ok(json!({ "taskDefinition": shown(world, &definition) }).into())
}

/// 200 with `failures[]`: every revision must be INACTIVE first.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let references = call.strings("taskDefinitions");
    if references.is_empty() || references.len() > 10 {
        return Err(invalid("taskDefinitions must have between 1 and 10 items."));
    }
    let now = world.now;
    let (mut deleted, mut failures) = (Vec::new(), Vec::new());
    for reference in references {
        match find_mut(world, &reference) {
            None => failures.push(json!({ "arn": reference, "reason": "TASK_DEFINITION_NOT_FOUND", "detail": "The specified task definition does not exist." })),
            Some(definition) if definition.deregistered.is_none() => {
                failures.push(json!({ "arn": definition.arn, "reason": "The specified task definition is still in ACTIVE status. Please deregister the target and try again." }));
            }
            Some(definition) => {
                definition.deleting = definition.deleting.or(Some(now));
                let definition = definition.clone();
                deleted.push(shown(world, &definition));
            }
        }
    }
    Ok(json!({ "taskDefinitions": deleted, "failures": failures }).into())
}

/// Deleted ones go away once nothing uses them any more.
pub(super) fn advance(world: &mut World) {
    let (now, pace) = (world.now, latency::pace(world));
    let ecs = &mut world.ecs;
    let services = ecs.services.values().filter(|service| service.inactive_at.is_none());
    let mut used: Vec<String> = services.flat_map(|service| &service.deployments).map(|d| d.definition.clone()).collect();
    used.extend(ecs.tasks.values().filter(|task| task.stopped_at.is_none_or(|at| at > now)).map(|task| task.definition.clone()));
    for family in ecs.families.values_mut() {
        family.revisions.retain(|_, definition| {
            let due = definition.deleting.is_some_and(|at| at + pace.of(&latency::TASK_DEFINITION_GONE, &definition.arn) <= now);
            !due || used.contains(&definition.arn)
        });
    }
}

fn shown(world: &World, definition: &TaskDefinition) -> Value {
    let mut out = json!({
        "taskDefinitionArn": definition.arn,
        "family": definition.family,
        "revision": definition.revision,
        "status": definition.status(),
        "registeredAt": epoch(definition.registered),
        "registeredBy": format!("arn:aws:iam::{}:user/sandbox", world.account),
    });
    if let (Some(out), Some(body)) = (out.as_object_mut(), definition.body.as_object()) {
        out.extend(body.clone());
        if let Some(at) = definition.deregistered {
            out.insert("deregisteredAt".into(), epoch(at));
        }
        if let Some(at) = definition.deleting {
            out.insert("deleteRequestedAt".into(), epoch(at));
        }
    }
    out
}
