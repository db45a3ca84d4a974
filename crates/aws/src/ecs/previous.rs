//! The task of a service or a job that ended last.

use std::collections::BTreeSet;

use aws_sdk_ecs::types::{DesiredStatus, Task};
use landing_engine::CallError;

use super::runs;
use crate::{Aws, logs};

/// A task that has ended, and what ECS still knows about its end: it forgets it within an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its id.
    pub task: String,
    /// Milliseconds since 1970.
    pub at: Option<i64>,
    pub exit_code: Option<i32>,
    pub reason: Option<String>,
}

/// By what ECS knows or, once it has forgotten, by who wrote last into the log group and does not run. `None` when no task has ended yet, as far as anybody knows.
///
/// # Errors
/// When AWS does not let it read.
pub async fn last_ended(cx: &Aws, cluster: &str, family: &str, group: &str) -> Result<Option<Ended>, CallError> {
    let arns = runs::list(cx, cluster, family, DesiredStatus::Stopped).await?;
    let tasks = runs::describe(cx, cluster, &arns).await?;
    let ended = |task: &Task| task.stopped_at().or(task.stopping_at()).and_then(|at| at.to_millis().ok());
    if let Some(task) = tasks.iter().max_by_key(|task| ended(task)) {
        let container = task.containers().iter().find(|container| container.exit_code().is_some());
        return Ok(Some(Ended {
            task: super::last(task.task_arn().unwrap_or_default()).to_owned(),
            at: ended(task),
            exit_code: container.and_then(|container| container.exit_code()),
            reason: task.stopped_reason().map(str::to_owned),
        }));
    }
    let running = runs::list(cx, cluster, family, DesiredStatus::Running).await?;
    let running: BTreeSet<String> = running.iter().map(|arn| super::last(arn).to_owned()).collect();
    let writer = logs::last_writer(cx, group, &running).await?;
    Ok(writer.map(|task| Ended { task, at: None, exit_code: None, reason: None }))
}
