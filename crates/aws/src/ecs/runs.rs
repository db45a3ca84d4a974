//! The tasks of jobs: how they are found again, and how they ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_ecs::types::{DesiredStatus, Task, TaskStopCode};
use futures_util::future::try_join_all;
use landing_engine::{CallError, NodeName, Ready, Stack};

use crate::{Aws, IntoCallError, ownership};

pub(super) const STOPPED: &str = "STOPPED";
/// Most tasks that one call takes. Source: ECS API Reference, `DescribeTasks`.
const TASKS_A_CALL: usize = 100;

/// Cluster and ARN of the run that this process has started or found, by family.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<BTreeMap<String, (String, String)>>);

impl Runs {
    /// A scan begins.
    pub(super) fn forget(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn note(&self, family: &str, cluster: &str, arn: &str) {
        let run = (cluster.to_owned(), arn.to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(family.to_owned(), run);
    }

    pub(super) fn of(&self, family: &str) -> Option<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(family).cloned()
    }
}

/// What tells a job's own runs from those that somebody starts by hand.
pub(super) fn started_by(stack: &Stack, node: &NodeName) -> String {
    format!("landing/{}/{}", stack.prefix(), node.name())
}

/// The runs of a family that `by` started, those that ended within the last hour too. ECS takes `startedBy` only as the one filter, and then tells nothing of
/// what has ended (ECS API Reference, `ListTasks`), so it is compared here.
pub(super) async fn of(cx: &Aws, cluster: &str, family: &str, by: &str) -> Result<Vec<Task>, CallError> {
    let lists = [DesiredStatus::Running, DesiredStatus::Stopped].map(|status| list(cx, cluster, family, status));
    let mut arns: Vec<String> = try_join_all(lists).await?.into_iter().flatten().collect();
    // One may have ended between the two.
    arns.sort();
    arns.dedup();
    let mut tasks = describe(cx, cluster, &arns).await?;
    tasks.retain(|task| task.started_by() == Some(by));
    Ok(tasks)
}

/// ARNs of the tasks of a family that are to run, or have been stopped; none in a cluster that is not there.
pub(super) async fn list(cx: &Aws, cluster: &str, family: &str, status: DesiredStatus) -> Result<Vec<String>, CallError> {
    let mut listed = cx.ecs.list_tasks().cluster(cluster).family(family).desired_status(status).into_paginator().items().send();
    let mut arns = Vec::new();
    while let Some(arn) = listed.next().await {
        let Some(arn) = ownership::found(arn.call("ecs:ListTasks"))? else { break };
        arns.push(arn);
    }
    Ok(arns)
}

/// These tasks; those that ECS does not know, or knows no more, are left out.
pub(super) async fn describe(cx: &Aws, cluster: &str, arns: &[String]) -> Result<Vec<Task>, CallError> {
    let calls = arns.chunks(TASKS_A_CALL).map(async |arns| {
        let call = cx.ecs.describe_tasks().cluster(cluster).set_tasks(Some(arns.to_vec()));
        ownership::found(call.send().await.call("ecs:DescribeTasks"))
    });
    Ok(try_join_all(calls).await?.into_iter().flatten().flat_map(|reply| reply.tasks.unwrap_or_default()).collect())
}

/// Whether the words of a task's state say that it does not work any more.
pub(super) fn is_ending(state: &str) -> bool {
    ["deactivating", "stopping", "deprovisioning"].contains(&state)
}

/// It ended by itself, with 0.
pub(super) fn exits_well(task: &Task) -> bool {
    let containers = task.containers();
    task.stop_code() == Some(&TaskStopCode::EssentialContainerExited)
        && !containers.is_empty()
        && containers.iter().all(|container| container.exit_code() == Some(0))
}

pub(super) fn has_succeeded(task: &Task) -> bool {
    task.last_status() == Some(STOPPED) && exits_well(task)
}

pub(super) fn has_failed(task: &Task) -> bool {
    task.last_status() == Some(STOPPED) && !has_succeeded(task)
}

pub(super) fn ready(task: &Task) -> Ready {
    if has_succeeded(task) {
        return Ready::Yes;
    }
    if has_failed(task) {
        return Ready::Failed(why(task));
    }
    Ready::NotYet(task.last_status().unwrap_or("PENDING").to_ascii_lowercase())
}

/// In AWS's words.
fn why(task: &Task) -> String {
    let container = task.containers().iter().find(|container| container.exit_code() != Some(0));
    let code = container.and_then(|container| container.exit_code()).map(|code| format!("exit code {code}"));
    let reason = container.and_then(|container| container.reason()).or(task.stopped_reason()).map(str::to_owned);
    let words: Vec<String> = code.into_iter().chain(reason).collect();
    if words.is_empty() { "ended without a reason".to_owned() } else { format!("ended: {}", words.join(", ")) }
}
