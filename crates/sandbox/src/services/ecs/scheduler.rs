//! What happens to services and tasks while time passes, event by event in the order of their times,
//! so that one long jump of the clock ends where many short ones do.

use serde_json::json;

use super::ending::{self, Ending};
use super::service::{Deployment, Service};
use super::task::{self, Launch, Task};
use super::{definition, outside, short, workload};
use crate::clock::Millis;
use crate::latency;
use crate::services::{ec2, servicediscovery};
use crate::tags::Tags;
use crate::world::World;

/// ECS waits at most this long between attempts of a task that never comes up.
const LONGEST_BACKOFF: Millis = 900 * latency::SECOND;

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    let mut clock = 0;
    while let Some(at) = next_event(world).filter(|at| *at <= now) {
        // A retry may have come due while nothing was missing: time never runs back for it.
        clock = at.max(clock);
        world.now = clock;
        pulls(world);
        ends(world);
        exits(world);
        releases(world);
        services(world);
    }
    world.now = now;
    let kept = |at: Option<Millis>| at.is_none_or(|at| at + latency::ECS_GHOST > now);
    world.ecs.tasks.retain(|_, task| kept(task.stopped_at));
    world.ecs.services.retain(|_, service| kept(service.inactive_at));
}

/// The time of the next thing that changes the world; each handler below uses up its own.
fn next_event(world: &World) -> Option<Millis> {
    let tasks = world.ecs.tasks.values().filter_map(|task| match task {
        t if t.stopping_at.is_some() => t.stopped_at.filter(|_| !t.released),
        t if !t.pulled => Some(t.runs_at),
        t => exit_at(t),
    });
    let services = world.ecs.services.values().filter(|service| service.inactive_at.is_none()).filter_map(|service| {
        let primary = service.deployments.first().filter(|_| service.draining_at.is_none());
        let times = [
            service.gone_at,
            primary.and_then(|d| retry_due(world, service, d)),
            primary.and_then(|d| complete_at(world, service, d)),
        ];
        times.into_iter().flatten().min()
    });
    tasks.chain(services).min()
}

fn exit_at(task: &Task) -> Option<Millis> {
    if let Some((at, _)) = &task.ends {
        return Some(*at);
    }
    (task.deployment.is_none() && task.stopping_at.is_none()).then_some(task.runs_at + latency::ONE_OFF_WORK)
}

fn staying<'w>(world: &'w World, deployment: &str) -> impl Iterator<Item = &'w Task> {
    world.ecs.tasks.values().filter(move |task| task.deployment.as_deref() == Some(deployment) && task.stopping_at.is_none())
}

fn wanted(service: &Service) -> usize {
    usize::try_from(service.desired).unwrap_or_default()
}

fn retry_due(world: &World, service: &Service, primary: &Deployment) -> Option<Millis> {
    primary.retry_at.filter(|_| primary.rollout != "FAILED" && staying(world, &primary.id).count() < wanted(service))
}

/// Steady: all tasks up, and the time over that a load balancer's checks and the scheduler take (section 16).
fn complete_at(world: &World, service: &Service, primary: &Deployment) -> Option<Millis> {
    let tasks: Vec<&Task> = staying(world, &primary.id).collect();
    if primary.rollout != "IN_PROGRESS"
        || tasks.len() < wanted(service)
        || tasks.iter().any(|task| !task.pulled || task.ends.is_some())
    {
        return None;
    }
    let behind = service.settings["loadBalancers"].as_array().is_some_and(|list| !list.is_empty());
    let steady = if behind { latency::SERVICE_STEADY_BEHIND_LOAD_BALANCER } else { latency::SERVICE_STEADY };
    // Nothing to start: done as soon as the scheduler has looked.
    let steady = if tasks.is_empty() { 5 * latency::SECOND } else { steady.of(world, &primary.id) };
    let last = tasks.iter().map(|task| task.runs_at).max().unwrap_or_default();
    Some(last.max(primary.started + steady).max(world.now))
}

/// All that a task needs was fetched: it runs, or it never does.
fn pulls(world: &mut World) {
    let (now, pace) = (world.now, latency::pace(world));
    let due = world.ecs.tasks.values().filter(|task| !task.pulled && task.stopping_at.is_none() && task.runs_at <= now);
    let due: Vec<String> = due.map(|task| task.arn.clone()).collect();
    for arn in due {
        let ending = world.ecs.tasks.get(&arn).and_then(|task| ending::of(world, task));
        let Some(task) = world.ecs.tasks.get_mut(&arn) else { continue };
        match ending {
            Some(ending) if !ending.after_start() => {
                task.end(now, now + pace.of(&latency::TASK_STOPS, &arn), &ending);
                ended(world, &arn, &ending);
            }
            Some(ending) => {
                task.pulled = true;
                let (seen, runs_at) = (ending.checks.is_some(), task.runs_at);
                let lives = workload::life(world, &arn).unwrap_or(latency::UNFIT_TASK_LIVES);
                if let Some(task) = world.ecs.tasks.get_mut(&arn) {
                    task.ends = Some((runs_at + lives, ending));
                }
                outside::join_targets(world, &arn);
                if seen {
                    outside::fail_targets(world, &arn);
                }
            }
            None => {
                task.pulled = true;
                workload::write(world, &arn);
                workload::greet(world, &arn);
                outside::join_targets(world, &arn);
                came_up(world, &arn);
            }
        }
    }
}

/// Tasks that could not go on.
fn ends(world: &mut World) {
    let (now, pace) = (world.now, latency::pace(world));
    let running = world.ecs.tasks.values_mut().filter(|task| task.stopping_at.is_none());
    let mut over = Vec::new();
    for task in running {
        if let Some((_, ending)) = task.ends.clone().filter(|(at, _)| *at <= now) {
            task.end(now, now + pace.of(&latency::TASK_STOPS, &task.arn), &ending);
            over.push((task.arn.clone(), ending));
        }
    }
    outside::part_targets(world);
    for (arn, ending) in over {
        workload::write(world, &arn);
        ended(world, &arn, &ending);
    }
}

/// A task that is healthy starts the count of failures anew (section 9.3).
fn came_up(world: &mut World, task: &str) {
    if let Some(deployment) = deployment_of(world, task) {
        deployment.failures_in_a_row = 0;
    }
}

fn deployment_of<'w>(world: &'w mut World, task: &str) -> Option<&'w mut Deployment> {
    let task = world.ecs.tasks.get(task)?;
    let (service, id) = (task.service.as_ref()?, task.deployment.as_ref()?);
    world.ecs.services.get_mut(service)?.deployments.iter_mut().find(|deployment| deployment.id == *id)
}

/// Counts a task that failed against its deployment's circuit breaker. That a container's exit soon after the start counts too is unverified.
fn ended(world: &mut World, task: &str, ending: &Ending) {
    let Some(id) = deployment_of(world, task).map(|deployment| deployment.id.clone()) else { return };
    let (now, stops) = (world.now, latency::TASK_STOPS.of(world, &id));
    let Some(arn) = world.ecs.tasks.get(task).and_then(|task| task.service.clone()) else { return };
    let Some(service) = world.ecs.services.get_mut(&arn) else { return };
    let breaker = service.settings["deploymentConfiguration"]["deploymentCircuitBreaker"].clone();
    // Half of the desired count, between 3 and 200 (section 9.3).
    let threshold = u32::try_from((service.desired + 1) / 2).unwrap_or(200).clamp(3, 200);
    let name = service.name.clone();
    let Some(deployment) = service.deployments.iter_mut().find(|deployment| deployment.id == id) else { return };
    deployment.failed_tasks += 1;
    deployment.failures_in_a_row += 1;
    let backoff = (10 * latency::SECOND) << deployment.failures_in_a_row.saturating_sub(3).min(10);
    deployment.retry_at = Some(now + stops + backoff.min(LONGEST_BACKOFF));
    let event = if ending.after_start() {
        format!("(service {name}) (deployment {id}) (task {}) stopped: {}.", short(task), ending.brief())
    } else {
        format!("(service {name}) (deployment {id}) was unable to place a task: {}.", ending.brief())
    };
    let tripped = breaker["enable"] == true && deployment.rollout == "IN_PROGRESS" && deployment.failures_in_a_row >= threshold;
    if tripped {
        deployment.rollout = "FAILED".into();
        deployment.reason = "ECS deployment circuit breaker: tasks failed to start.".into();
        deployment.updated = now;
    }
    if let Some(checks) = &ending.checks {
        let group = service.settings["loadBalancers"][0].clone();
        let (port, group) = (&group["containerPort"], group["targetGroupArn"].as_str().unwrap_or_default());
        let unhealthy =
            format!("(service {name}) (port {port}) is unhealthy in (target-group {group}) due to (reason {checks}).");
        service.events.insert(0, (now, unhealthy));
    }
    service.events.insert(0, (now, event));
    if tripped {
        service.events.insert(0, (now, format!("(service {name}) (deployment {id}) deployment failed: tasks failed to start.")));
        give_up(world, &arn, &id, breaker["rollback"] == true);
    }
}

/// The breaker tripped: tasks on their way are stopped; with `rollback` the deployment before becomes PRIMARY again, when there is one.
fn give_up(world: &mut World, arn: &str, failed: &str, rollback: bool) {
    let now = world.now;
    stop_tasks(world, failed, usize::MAX);
    let Some(service) = world.ecs.services.get_mut(arn) else { return };
    let Some(at) = service.deployments.iter().position(|d| d.id != failed && d.rollout == "COMPLETED").filter(|_| rollback)
    else {
        return;
    };
    let mut previous = service.deployments.remove(at);
    previous.primary = true;
    previous.rollout = "IN_PROGRESS".into();
    previous.reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", previous.id);
    previous.started = now;
    previous.updated = now;
    service.events.insert(0, (now, format!("(service {}) rolling back to deployment {}.", service.name, previous.id)));
    service.settings["networkConfiguration"] = previous.network.clone();
    service.deployments.iter_mut().for_each(|deployment| deployment.primary = false);
    service.deployments.insert(0, previous);
    reconcile(world, arn);
}

/// One-off tasks end with 0.
fn exits(world: &mut World) {
    let (now, pace) = (world.now, latency::pace(world));
    let working = world.ecs.tasks.values_mut().filter(|task| task.pulled && task.ends.is_none() && task.stopping_at.is_none());
    for task in working.filter(|task| exit_at(task).is_some_and(|at| at <= now)) {
        task.exit_code = Some(0);
        let stops = pace.of(&latency::TASK_STOPS, &task.arn);
        task.leave(now, now + stops, "EssentialContainerExited", "Essential container in task exited");
    }
}

/// STOPPED: the interface follows some time later (section 15.2).
fn releases(world: &mut World) {
    let now = world.now;
    let due = world.ecs.tasks.values_mut().filter(|task| !task.released && task.stopped_at.is_some_and(|at| at <= now));
    let due: Vec<(String, Option<String>)> = due
        .map(|task| {
            task.released = true;
            (task.arn.clone(), task.service.clone())
        })
        .collect();
    for (task, service) in due {
        let gone = latency::TASK_INTERFACE_GONE.of(world, &task);
        ec2::release(world, &task, gone);
        if let Some(service) = service {
            reconcile(world, &service);
        }
    }
}

fn services(world: &mut World) {
    let now = world.now;
    let alive = world.ecs.services.values().filter(|service| service.inactive_at.is_none());
    let arns: Vec<String> = alive.map(|service| service.arn.clone()).collect();
    for arn in arns {
        let Some(service) = world.ecs.services.get(&arn) else { continue };
        if service.gone_at.is_some_and(|at| at <= now) {
            if let Some(service) = world.ecs.services.get_mut(&arn) {
                service.inactive_at = Some(now);
                service.deployments.truncate(1);
            }
            let gone = latency::DISCOVERY_SERVICE_GONE.of(world, &arn);
            servicediscovery::unregister(world, &arn, &[], gone);
            continue;
        }
        let primary = service.deployments.first().filter(|_| service.draining_at.is_none());
        let complete = primary.and_then(|d| complete_at(world, service, d)).is_some_and(|at| at <= now);
        let retry = primary.and_then(|d| retry_due(world, service, d)).is_some_and(|at| at <= now);
        if complete {
            completed(world, &arn);
        } else if retry {
            reconcile(world, &arn);
        }
    }
}

/// The PRIMARY deployment is steady: those before it end.
fn completed(world: &mut World, arn: &str) {
    let now = world.now;
    let Some(service) = world.ecs.services.get_mut(arn) else { return };
    let old = service.deployments.split_off(1);
    if let Some(primary) = service.deployments.first_mut() {
        primary.rollout = "COMPLETED".into();
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated = now;
        let (name, id) = (service.name.clone(), primary.id.clone());
        service.events.insert(0, (now, format!("(service {name}) (deployment {id}) deployment completed.")));
        service.events.insert(0, (now, format!("(service {name}) has reached a steady state.")));
        service.events.truncate(100);
    }
    for deployment in old {
        stop_tasks(world, &deployment.id, usize::MAX);
    }
}

fn stop_tasks(world: &mut World, deployment: &str, most: usize) {
    let (now, pace) = (world.now, latency::pace(world));
    let tasks =
        world.ecs.tasks.values_mut().filter(|task| task.deployment.as_deref() == Some(deployment) && task.stopping_at.is_none());
    for task in tasks.take(most) {
        let reason = format!("Scaling activity initiated by (deployment {deployment})");
        let stops = pace.of(&latency::TASK_STOPS, &task.arn);
        task.leave(now, now + stops, "ServiceSchedulerInitiated", &reason);
    }
    outside::part_targets(world);
}

/// Starts what the PRIMARY deployment lacks and stops what it has too many.
pub(super) fn reconcile(world: &mut World, arn: &str) {
    let Some(service) = world.ecs.services.get(arn).filter(|service| service.draining_at.is_none()).cloned() else { return };
    let Some(primary) = service.deployments.first() else { return };
    let (have, want) = (staying(world, &primary.id).count(), wanted(&service));
    if want == 0 {
        service.deployments.iter().for_each(|deployment| stop_tasks(world, &deployment.id, usize::MAX));
        return;
    }
    if have > want {
        stop_tasks(world, &primary.id, have - want);
    }
    if have >= want || primary.rollout == "FAILED" || primary.retry_at.is_some_and(|at| at > world.now) {
        return;
    }
    let tags = task_tags(world, &service, primary);
    for _ in have..want {
        let launch = Launch {
            cluster: &service.cluster,
            definition: &primary.definition,
            group: format!("service:{}", service.name),
            started_by: Some(primary.id.clone()),
            service: Some((arn, &primary.id)),
            network: &primary.network,
            overrides: json!({ "containerOverrides": [] }),
            execute_command: service.settings["enableExecuteCommand"] == true,
            tags: tags.clone(),
            failure: primary.failure.clone(),
        };
        if let Err(fault) = outside::vcpus_left(world, &primary.definition) {
            no_room(world, arn, &fault.message);
            return;
        }
        task::start(world, launch);
    }
    let now = world.now;
    if let Some(service) = world.ecs.services.get_mut(arn) {
        service.events.insert(0, (now, format!("(service {}) has started {} tasks.", service.name, want - have)));
        if let Some(primary) = service.deployments.first_mut() {
            primary.retry_at = None;
        }
    }
}

/// The account runs as much as it may: the scheduler tries again after a while. It is no failure of the deployment (unverified).
fn no_room(world: &mut World, arn: &str, why: &str) {
    let now = world.now;
    let Some(service) = world.ecs.services.get_mut(arn) else { return };
    service.events.insert(0, (now, format!("(service {}) was unable to place a task. Reason: {why}.", service.name)));
    if let Some(primary) = service.deployments.first_mut() {
        primary.retry_at = Some(now + 60 * latency::SECOND);
    }
}

fn task_tags(world: &World, service: &Service, primary: &Deployment) -> Tags {
    let mut tags = match service.settings["propagateTags"].as_str() {
        Some("SERVICE") => service.tags.clone(),
        Some("TASK_DEFINITION") => definition::find(world, &primary.definition).map(|d| d.tags.clone()).unwrap_or_default(),
        _ => Tags::new(),
    };
    if service.settings["enableECSManagedTags"] == true {
        tags.insert("aws:ecs:clusterName".into(), service.cluster.clone());
        tags.insert("aws:ecs:serviceName".into(), service.name.clone());
    }
    tags
}
