//! A closer look at tasks that ended: which of them count, and what there is to read about them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, DesiredStatus, Service, Task};
use landing_engine::{CallError, Cause, Class, Moment, Stack, Targets, Trouble};

use super::cause::{self, Death};
use super::{TaskDefinition, readings, revisions, runs};
use crate::{Aws, IntoCallError, logs, ownership};

/// As many as a person reads.
const LINES: i32 = 20;
/// Characters of a line.
const LONGEST_LINE: usize = 300;
/// Who wrote a line so shortly before its end was still at work.
const BUSY_WITHIN: i64 = 10_000;
/// Tasks that die of the same: from the second on it is no chance. Where AWS has a release to go back to, its circuit breaker gets time to do so.
const NO_CHANCE: usize = 2;
const BREAKER_IS_LATE: usize = 6;

/// What this process knows of services that are waited for, and of tasks that have been looked at.
#[derive(Debug, Default)]
pub(crate) struct Wards {
    services: Mutex<BTreeMap<String, Service>>,
    causes: Mutex<BTreeMap<String, Option<Cause>>>,
    /// By service: a deployment, and the one of the same revision that is to follow it.
    followed: Mutex<BTreeMap<String, (String, String)>>,
}

impl Wards {
    /// The last reading of a service, by its ARN.
    pub(super) fn note(&self, service: &Service) {
        let arn = service.service_arn().unwrap_or_default().to_owned();
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(arn, service.clone());
    }

    /// From now on `next` is the deployment that counts, and `before` what was there before it.
    pub(super) fn follow(&self, arn: &str, before: &str, next: &str) {
        let pair = (before.to_owned(), next.to_owned());
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).insert(arn.to_owned(), pair);
    }

    /// The deployment before and the one that counts, when there is one that does.
    pub(super) fn followed(&self, arn: &str) -> Option<(String, String)> {
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    pub(super) fn service(&self, arn: &str) -> Option<Service> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).get(arn).cloned()
    }

    fn cause(&self, task: &str) -> Option<Option<Cause>> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner).get(task).cloned()
    }

    fn keep(&self, task: &str, cause: &Option<Cause>) {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner).insert(task.to_owned(), cause.clone());
    }
}

/// Of the roll-out that is under way, or has just failed. Only tasks that ended after `since` tell that waiting is of no use: what was wrong before may have been put
/// right.
pub(super) async fn of_service(cx: &Aws, stack: &Stack, arn: &str, since: Moment) -> Result<Option<Trouble>, CallError> {
    let Some(service) = cx.wards.service(arn) else { return Ok(None) };
    let Some(primary) = primary(&service) else { return Ok(None) };
    let failed = service.deployments().iter().find(|other| other.rollout_state() == Some(&DeploymentRolloutState::Failed));
    let rolling_back = primary.rollout_state_reason().is_some_and(|reason| reason.contains("rolling back"));
    let about = if rolling_back { failed.unwrap_or(primary) } else { primary };
    // What a service with no task was made with is no release to go back to.
    let is_older = |other: &Deployment| other.task_definition() != about.task_definition();
    let tasks = stopped(cx, &service, about).await?;
    let mut deaths: Vec<(&Task, Cause)> = Vec::new();
    for task in &tasks {
        deaths.extend(explained(cx, stack, task, Some(&service)).await?.map(|cause| (task, cause)));
    }
    deaths.sort_by_key(|(task, _)| task.stopping_at().copied());
    let last = deaths.last().map(|(_, cause)| cause.clone());
    let fresh = |task: &Task| task.stopping_at().is_some_and(|at| at.secs() >= i64::try_from(since).unwrap_or_default());
    let same =
        deaths.iter().filter(|(task, cause)| fresh(task) && last.as_ref().is_some_and(|last| last.title == cause.title)).count();
    let stands = |other: &&Deployment| rolling_back || other.rollout_state() == Some(&DeploymentRolloutState::Completed);
    let fallback = service.deployments().iter().filter(stands).any(is_older);
    let ends = match () {
        () if rolling_back && fallback => Some(Class::RolledBack),
        () if rolling_back => Some(Class::NeverHealthy),
        () if about.rollout_state() == Some(&DeploymentRolloutState::Failed) => Some(Class::NeverHealthy),
        () if same >= NO_CHANCE && !fallback || same >= BREAKER_IS_LATE => Some(Class::NeverHealthy),
        () => None,
    };
    let cause = last.or_else(|| ends.map(|_| unexplained(&service, about)));
    Ok(cause.map(|cause| Trouble { cause: with_outcome(cause, ends, fallback), ends }))
}

/// What the load balancers see of a service that is on its way. Nothing when it is behind none, or they may not be asked.
pub(super) async fn targets(cx: &Aws, service: &Service) -> Option<Targets> {
    let mut targets = Targets { healthy: 0, registered: 0 };
    for group in service.load_balancers().iter().filter_map(|balancer| balancer.target_group_arn()) {
        let reply = cx.elbv2.describe_target_health().target_group_arn(group).send().await;
        let Ok(reply) = reply.call("elasticloadbalancing:DescribeTargetHealth") else { return None };
        let states: Vec<_> =
            reply.target_health_descriptions().iter().filter_map(|target| target.target_health()?.state()).collect();
        targets.registered += states.len() as u32;
        targets.healthy += states.iter().filter(|state| state.as_str() == "healthy").count() as u32;
    }
    (!service.load_balancers().is_empty()).then_some(targets)
}

/// Of a job's run.
pub(super) async fn of_run(cx: &Aws, stack: &Stack, cluster: &str, arn: &str) -> Result<Option<Trouble>, CallError> {
    let tasks = runs::describe(cx, cluster, &[arn.to_owned()]).await?;
    let Some(task) = tasks.first().filter(|task| task.stop_code().is_some() && !runs::exits_well(task)) else { return Ok(None) };
    let cause = explained(cx, stack, task, None).await?;
    // Told at once; over when the next run can begin anew.
    let ends = runs::has_failed(task).then_some(Class::NeverHealthy);
    Ok(cause.map(|cause| Trouble { cause, ends }))
}

fn with_outcome(mut cause: Cause, ends: Option<Class>, fallback: bool) -> Cause {
    match ends {
        Some(Class::RolledBack) => {
            cause.facts.push(("outcome".into(), "AWS has put the release before back, which serves on".into()))
        }
        Some(_) if fallback => cause.facts.push(("outcome".into(), "the release before serves on".into())),
        _ => {}
    }
    cause
}

/// No task tells anything, or none is known any more.
fn unexplained(service: &Service, about: &Deployment) -> Cause {
    let event = service.events().first().and_then(|event| event.message());
    let reason = about.rollout_state_reason();
    Cause {
        title: "its tasks did not come up".into(),
        facts: reason.into_iter().chain(event).map(|said| ("AWS says".to_owned(), said.to_owned())).collect(),
        log: Vec::new(),
        help: "look at what AWS says, put it right and run again".into(),
    }
}

pub(super) fn primary(service: &Service) -> Option<&Deployment> {
    service.deployments().iter().find(|deployment| deployment.status() == Some("PRIMARY"))
}

/// Tasks of a deployment that ended, or are about to for a reason that is known.
async fn stopped(cx: &Aws, service: &Service, deployment: &Deployment) -> Result<Vec<Task>, CallError> {
    let (cluster, name) = readings::cluster_and_name(service.service_arn().unwrap_or_default());
    let mut listed = cx
        .ecs
        .list_tasks()
        .cluster(cluster)
        .service_name(name)
        .desired_status(DesiredStatus::Stopped)
        .into_paginator()
        .items()
        .send();
    let mut arns = Vec::new();
    while let Some(arn) = listed.next().await {
        let Some(arn) = ownership::found(arn.call("ecs:ListTasks"))? else { break };
        arns.push(arn);
    }
    let mut tasks = runs::describe(cx, cluster, &arns).await?;
    tasks.retain(|task| task.started_by() == deployment.id() && task.stop_code().is_some());
    Ok(tasks)
}

/// Read once for each task; again when its log was not there yet.
async fn explained(cx: &Aws, stack: &Stack, task: &Task, service: Option<&Service>) -> Result<Option<Cause>, CallError> {
    let arn = task.task_arn().unwrap_or_default();
    if let Some(known) = cx.wards.cause(arn) {
        return Ok(known);
    }
    let revision = task.task_definition_arn().unwrap_or_default();
    let Some(live) = revisions::one(cx, revision).await? else { return Ok(None) };
    let name = stack.node_of(&live.tags).map_or_else(|| live.shape.container.clone(), |node| node.name().to_owned());
    let lines = log(cx, task, &live.shape).await;
    let ended = task.stopping_at().map_or(0, |at| at.to_millis().unwrap_or_default());
    let busy = lines.last().is_some_and(|(at, _)| ended - at <= BUSY_WITHIN);
    let ran = task.started_at().is_some();
    let complete = !ran || !lines.is_empty();
    let death = Death {
        task,
        definition: &live.shape,
        name: &name,
        job: service.is_none(),
        checks: service.and_then(checks),
        log: lines.into_iter().map(|(_, line)| line).collect(),
        busy,
    };
    let cause = cause::of(death);
    if complete {
        cx.wards.keep(arn, &cause);
    }
    Ok(cause)
}

/// What the newest event says about the load balancer's checks. ECS deregisters the target before anybody could ask for its health.
fn checks(service: &Service) -> Option<String> {
    let said = service.events().iter().filter_map(|event| event.message()).find(|message| message.contains("is unhealthy in"))?;
    let reason = said.split_once("(reason ")?.1;
    Some(reason.trim_end_matches('.').trim_end_matches(')').to_owned())
}

/// The last lines with their times; none when it has none, or they may not be read: that is no reason to tell nothing else.
async fn log(cx: &Aws, task: &Task, definition: &TaskDefinition) -> Vec<(i64, String)> {
    let id = super::last(task.task_arn().unwrap_or_default());
    let (group, stream) = (definition.log_group.get(), logs::stream(&definition.container, id));
    let lines = logs::last_lines(cx, group.as_str(), &stream, LINES).await.unwrap_or_default();
    let plain = |text: &str| text.chars().filter(|c| !c.is_control()).take(LONGEST_LINE).collect::<String>();
    lines.iter().map(|(at, text)| (*at, plain(text))).collect()
}
