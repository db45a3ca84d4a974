//! Calls on tasks: one-off runs, stops, reads (catalogue, section 9.4).

use serde_json::{Value, json};

use super::task::{self, Launch, Task};
use super::{cluster, definition, invalid, outside, page, read_tags, settings, short};
use crate::call::Call;
use crate::fault::Fault;
use crate::faults::FailureKind;
use crate::latency;
use crate::services::failures::{self, Made};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

pub(super) fn run(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?;
    let reference = call.need("taskDefinition", "InvalidParameterException")?;
    let count = call.number("count").unwrap_or(1);
    if !(1..=10).contains(&count) {
        return Err(invalid("Number of tasks must be between 1 and 10."));
    }
    if call.opt("startedBy").is_some_and(|by| by.len() > 128) || call.input["overrides"].to_string().len() > 8192 {
        return Err(invalid("startedBy must have at most 128 characters, overrides at most 8192."));
    }
    let mut parameters = call.input.clone();
    let token = parameters.as_object_mut().and_then(|map| map.remove("clientToken")).and_then(|token| crate::call::text(&token));
    if let Some((earlier, arns)) = token.as_ref().and_then(|token| world.ecs.run_tokens.get(token)) {
        if *earlier != parameters {
            return Err(Fault::new("ConflictException", "The request's clientToken was already used with different parameters."));
        }
        let tasks: Vec<Value> =
            arns.iter().filter_map(|arn| world.ecs.tasks.get(arn)).map(|t| task::shown(world, t, true)).collect();
        return Ok(json!({ "tasks": tasks, "failures": [] }).into());
    }
    cluster::fargate_only(call)?;
    let definition = definition::usable(world, &reference)?.clone();
    let network = settings::network(world, &call.input["networkConfiguration"])?;
    let mut tags = read_tags(&call.input["tags"])?;
    if call.opt("propagateTags").as_deref() == Some("TASK_DEFINITION") {
        tags.extend(definition.tags.clone());
    }
    checked_overrides(call, &definition)?;
    let group = call.opt("group").unwrap_or_else(|| format!("family:{}", definition.family));
    let launch = |tags: Tags| Launch {
        cluster: &cluster.name,
        definition: &definition.arn,
        group: group.clone(),
        started_by: call.opt("startedBy"),
        service: None,
        network: &network,
        overrides: call.input.get("overrides").cloned().unwrap_or_else(|| json!({ "containerOverrides": [] })),
        execute_command: call.flag("enableExecuteCommand").unwrap_or(false),
        tags,
        failure: None,
    };
    let (mut arns, mut failures) = (Vec::new(), Vec::new());
    for _ in 0..count {
        match room(world, &definition, &tags) {
            Ok(()) => arns.push(task::start(world, launch(tags.clone()))),
            Err(reason) => failures.push(json!({ "reason": reason })),
        }
    }
    let tasks: Vec<Value> = arns.iter().filter_map(|arn| world.ecs.tasks.get(arn)).map(|t| task::shown(world, t, true)).collect();
    // A token is remembered with what it started; that a refusal is not is unverified.
    if let Some(token) = token.filter(|_| !arns.is_empty()) {
        world.ecs.run_tokens.insert(token, (parameters, arns));
    }
    Ok(json!({ "tasks": tasks, "failures": failures }).into())
}

/// What RunTask answers 200 with and no task: no capacity, or the account's quota of vCPUs.
fn room(world: &mut World, definition: &definition::TaskDefinition, tags: &Tags) -> Result<(), String> {
    outside::vcpus_left(world, &definition.arn).map_err(|fault| fault.message)?;
    let nth = world.ecs.tasks_made.get(&definition.family).copied().unwrap_or_default() + 1;
    let made = Made { kind: FailureKind::Task, name: &definition.family, tags, nth };
    match failures::asked(world, &made).as_deref() {
        Some("capacity") => {
            // This was the attempt that was meant.
            world.ecs.tasks_made.insert(definition.family.clone(), nth);
            Err("Capacity is unavailable at this time. Please try again later or in a different availability zone".into())
        }
        _ => Ok(()),
    }
}

fn checked_overrides(call: &Call, definition: &definition::TaskDefinition) -> Result<(), Fault> {
    for container in call.input["overrides"]["containerOverrides"].as_array().into_iter().flatten() {
        if !definition.containers().iter().any(|known| known["name"] == container["name"]) {
            return Err(invalid(format!(
                "Override for container named {} is not a container in the TaskDefinition.",
                container["name"]
            )));
        }
    }
    Ok(())
}

fn find<'w>(world: &'w World, cluster: &str, reference: &str) -> Option<&'w Task> {
    world.ecs.tasks.values().find(|task| task.cluster == cluster && short(&task.arn) == short(reference))
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?.name;
    let wanted = call.strings("tasks");
    if wanted.is_empty() || wanted.len() > 100 {
        return Err(invalid("Tasks must have between 1 and 100 items."));
    }
    let tags = call.strings("include").iter().any(|what| what == "TAGS");
    let (mut tasks, mut failures) = (Vec::new(), Vec::new());
    for reference in wanted {
        match find(world, &cluster, &reference) {
            Some(task) => tasks.push(task::shown(world, task, tags)),
            None => failures
                .push(json!({ "arn": world.arn("ecs", &format!("task/{cluster}/{}", short(&reference))), "reason": "MISSING" })),
        }
    }
    Ok(json!({ "tasks": tasks, "failures": failures }).into())
}

pub(super) fn stop(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?.name;
    let reference = call.need("task", "InvalidParameterException")?;
    let arn = find(world, &cluster, &reference).map(|task| task.arn.clone());
    let arn = arn.ok_or_else(|| invalid("The referenced task was not found."))?;
    let reason = call.opt("reason").unwrap_or_else(|| "Task stopped by user".into());
    let (now, stops) = (world.now, latency::TASK_STOPS.of(world, &arn));
    if let Some(task) = world.ecs.tasks.get_mut(&arn) {
        if task.pulled && task.stopping_at.is_none() {
            // Killed by SIGTERM.
            task.exit_code = Some(143);
        }
        task.leave(now, now + stops, "UserInitiated", &reason);
    }
    outside::part_targets(world);
    let task = world.ecs.tasks.get(&arn).map(|task| task::shown(world, task, true));
    Ok(json!({ "task": task }).into())
}

/// Running ones unless `desiredStatus` says `STOPPED`.
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?.name;
    let stopped = call.opt("desiredStatus").as_deref() == Some("STOPPED");
    let service = call.opt("serviceName").map(|name| short(&name).to_owned());
    if let Some(name) = &service
        && !world.ecs.services.values().any(|s| s.cluster == cluster && s.name == *name)
    {
        return Err(Fault::new("ServiceNotFoundException", "Service not found."));
    }
    let tasks = world.ecs.tasks.values().filter(|task| task.cluster == cluster);
    let tasks = tasks
        .filter(|task| task.stopping_at.is_some_and(|at| at <= world.now) == stopped)
        .filter(|task| service.as_ref().is_none_or(|name| task.group == format!("service:{name}")))
        .filter(|task| call.opt("family").is_none_or(|family| task.definition.contains(&format!("/{family}:"))))
        .filter(|task| call.opt("startedBy").is_none_or(|by| task.started_by.as_ref() == Some(&by)));
    page(call, "taskArns", 100, tasks.map(|task| json!(task.arn)).collect())
}
