//! Job: the one run to success of a task definition's revision, before those start that wait for it.
//!
//! What stays of a job is a mark on the revision, the tag `landing:job`, written when the run ended with 0. So the mark goes when the family goes, another revision is another
//! job, and nothing but AWS has to remember. A run that a killed process began is found by who started it, and by its client token, which is the same in
//! every process until the run has failed. Between the exit and the mark a run that is older than an hour is forgotten by ECS: then it is run again, once.
//! The mark stands beside the stack's tags of the task definition, so the node bears the name of that one's node.
//! Source: ECS API Reference, `RunTask`, `ListTasks`, `TagResource`; `aws-behaviours` 9.4.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::operation::run_task::RunTaskOutput;
use aws_sdk_ecs::types::{AssignPublicIp, AwsVpcConfiguration, LaunchType, NetworkConfiguration, Tag, Task};
use futures_util::future::try_join_all;
use landing_engine::{
    CallError, Changed, Class, Door, Gone, Kind, Live, Moment, NodeName, Ready, Ref, Scan, Stack, Tags, Traits, Trouble,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{TaskDefinition, diagnosis, readings, revisions, runs};
use crate::{Aws, ClusterName, IntoCallError, SecurityGroupId, SubnetId, TaskDefinitionArn, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// The revision that is to have been run.
    pub task_definition: Ref<TaskDefinitionArn>,
    /// It ended with 0.
    pub done: bool,
    /// Where it is run is no reason to run it again.
    pub cluster: Ref<ClusterName>,
    pub subnets: Vec<Ref<SubnetId>>,
    pub groups: Vec<Ref<SecurityGroupId>>,
    pub public_ip: bool,
}

/// The tag of a revision whose job is done.
const MARK: &str = "landing:job";
const DONE: &str = "done";

/// A migration may work long.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);
/// Capacity comes back. Source: `aws-behaviours` 9.4.
const CAPACITY_WITHIN: Duration = Duration::from_secs(10 * 60);
/// Runs that AWS remembers by their token and that have failed before: more would be a mistake of ours.
const MOST_TOKENS: usize = 20;

impl Kind for Job {
    type Cx = Aws;
    const NAME: &'static str = "ecs.job";
    const TRAITS: Traits = Traits {
        tagged: false,
        tries_again: true,
        late: &["done"],
        typical_ready: Duration::from_secs(90),
        poll: Duration::from_secs(5),
        patience: PATIENCE,
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        cx.runs.forget();
        let families = revisions::named_like(cx, scan).await?;
        let asked = |node: &NodeName| scan.known.contains_key(node) || scan.wanted.iter().any(|(wanted, _)| wanted == node);
        let candidates = families.iter().filter_map(|family| {
            let node = ownership::node_beside::<Self, TaskDefinition>(scan, &family.id, &family.tags)?;
            (asked(&node) && family.ready == Ready::Yes).then_some((node, family))
        });
        let found = candidates.map(async |(node, family)| {
            if is_marked(family) {
                return Ok(Some(done(node, family)));
            }
            let by = runs::started_by(&scan.stack, &node);
            for cluster in readings::clusters(cx, scan).await?.iter() {
                let cluster = cluster.cluster_name().unwrap_or_default();
                let tasks = runs::of(cx, cluster, &family.id, &by).await?;
                let last = running(&tasks).or_else(|| last_of(&tasks, &arn_of(family)));
                if let Some(task) = last {
                    cx.runs.note(&family.id, cluster, task.task_arn().unwrap_or_default());
                    return Ok(Some(live(node, &family.id, cluster, task)));
                }
            }
            Ok(None)
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    /// Once a run is known to this process it is asked for by its ARN: a list may lag.
    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        if let Some((cluster, arn)) = cx.runs.of(id) {
            let tasks = runs::describe(cx, &cluster, &[arn]).await?;
            return Ok(tasks.first().map(|task| live(node.clone(), id, &cluster, task)));
        }
        let marked = revisions::latest(cx, id).await?.filter(is_marked);
        Ok(marked.map(|family| done(node.clone(), &family)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        self.run(cx, door).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.0.iter().any(|field| field != "done") {
            return self.run(cx, door).await;
        }
        let operation = "ecs:TagResource";
        let mark = Tag::builder().key(MARK).value(DONE).build();
        door.call(operation, || async {
            cx.ecs
                .tag_resource()
                .resource_arn(self.task_definition.get().as_str())
                .tags(mark.clone())
                .send()
                .await
                .call(operation)
        })
        .await?;
        Ok(live.with(self))
    }

    /// The mark goes with the task definition; a run that is at work is stopped.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let Some((cluster, arn)) = cx.runs.of(&live.id).filter(|_| matches!(live.ready, Ready::NotYet(_))) else {
            return Ok(Gone::Yes);
        };
        let tasks = runs::describe(cx, &cluster, std::slice::from_ref(&arn)).await?;
        let Some(task) = tasks.first().filter(|task| task.last_status() != Some(runs::STOPPED)) else { return Ok(Gone::Yes) };
        if task.desired_status() != Some(runs::STOPPED) {
            let operation = "ecs:StopTask";
            let send = || async {
                let call = cx.ecs.stop_task().cluster(&cluster).task(&arn).reason("the job is not asked for any more");
                call.send().await.call(operation)
            };
            ownership::found(door.call(operation, send).await)?;
        }
        Ok(Gone::NotYet("stopping".to_owned()))
    }

    async fn diagnose(cx: &Aws, stack: &Stack, live: &Live<Self>, _: Moment) -> Result<Option<Trouble>, CallError> {
        let over = match &live.ready {
            Ready::NotYet(state) => runs::is_ending(state),
            ready => matches!(ready, Ready::Failed(_)),
        };
        match cx.runs.of(&live.id).filter(|_| over) {
            Some((cluster, arn)) => diagnosis::of_run(cx, stack, &cluster, &arn).await,
            None => Ok(None),
        }
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        matches!(field, "cluster" | "subnets" | "groups" | "public_ip") || desired == live
    }
}

impl Job {
    /// Starts the run, unless one of this revision is at work or has ended well.
    async fn run(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ecs:RunTask";
        let (cluster, revision) = (self.cluster.get().as_str(), self.task_definition.get().as_str());
        let family = family_of(revision);
        let by = runs::started_by(door.stack(), door.node());
        let send = || async {
            // Where it would be run may be new, what was done is not.
            if let Some(marked) =
                revisions::latest(cx, family).await?.filter(|latest| is_marked(latest) && arn_of(latest) == revision)
            {
                return Ok(done(door.node().clone(), &marked));
            }
            let found = |task: &Task| {
                cx.runs.note(family, cluster, task.task_arn().unwrap_or_default());
                live(door.node().clone(), family, cluster, task)
            };
            let tasks = runs::of(cx, cluster, family, &by).await?;
            if let Some(other) = running(&tasks).filter(|task| task.task_definition_arn() != Some(revision)) {
                let what = format!("an earlier run is still at work: {}", other.task_arn().unwrap_or_default());
                return Err(CallError::new(Class::InUse, operation, what).again_within(PATIENCE));
            }
            if let Some(task) = running(&tasks).or_else(|| last_of(&tasks, revision).filter(|task| runs::has_succeeded(task))) {
                return Ok(found(task));
            }
            // What has failed is tried again under another token, the same in every process that has seen the same failures.
            let ended = tasks.iter().filter(|task| task.task_definition_arn() == Some(revision));
            let mut failed: Vec<String> = ended.filter_map(|task| task.task_arn().map(str::to_owned)).collect();
            failed.sort();
            for _ in 0..MOST_TOKENS {
                let token = door.stack().token(door.node(), 0, &json!([revision, failed]));
                let reply = self.launch(cx, door, &by, &token).await.call(operation)?;
                if let Some(failure) = reply.failures().first() {
                    let reason = failure.reason().or(failure.detail()).unwrap_or("no reason given");
                    return Err(no_room(operation, reason));
                }
                match reply.tasks().first() {
                    // A list that lags did not show this failure.
                    Some(task) if runs::has_failed(task) => failed.extend(task.task_arn().map(str::to_owned)),
                    Some(task) => return Ok(found(task)),
                    // AWS remembers the token longer than the task.
                    None => failed.push(format!("forgotten {}", failed.len())),
                }
            }
            Err(CallError::new(Class::Invalid, operation, "AWS answers only with runs that have failed before"))
        };
        door.call(operation, send).await
    }

    async fn launch(
        &self,
        cx: &Aws,
        door: &Door<'_>,
        by: &str,
        token: &str,
    ) -> Result<RunTaskOutput, aws_sdk_ecs::error::SdkError<aws_sdk_ecs::operation::run_task::RunTaskError>> {
        let vpc = AwsVpcConfiguration::builder()
            .set_subnets(Some(self.subnets.iter().map(|subnet| subnet.get().to_string()).collect()))
            .set_security_groups(Some(self.groups.iter().map(|group| group.get().to_string()).collect()))
            .assign_public_ip(if self.public_ip { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled })
            .build();
        cx.ecs
            .run_task()
            .cluster(self.cluster.get().as_str())
            .task_definition(self.task_definition.get().as_str())
            .launch_type(LaunchType::Fargate)
            .network_configuration(NetworkConfiguration::builder().set_awsvpc_configuration(vpc.ok()).build())
            .started_by(by)
            .client_token(token)
            .set_tags(Some(tags::list(&door.tags())))
            .send()
            .await
    }
}

/// RunTask's 200 without a task.
fn no_room(operation: &str, reason: &str) -> CallError {
    if reason.to_ascii_lowercase().contains("vcpu") {
        return CallError::new(Class::Quota, operation, reason)
            .help("ask AWS for more Fargate vCPUs (Service Quotas, \"Fargate On-Demand vCPU resource count\")");
    }
    CallError::new(Class::InUse, operation, reason).again_within(CAPACITY_WITHIN)
}

fn is_marked(family: &Live<TaskDefinition>) -> bool {
    family.tags.get(MARK).is_some_and(|mark| mark == DONE)
}

/// Whether the run of this revision has ended well.
pub(crate) async fn job_is_done(cx: &Aws, revision: &str) -> Result<bool, CallError> {
    Ok(revisions::one(cx, revision).await?.is_some_and(|live| is_marked(&live)))
}

fn arn_of(family: &Live<TaskDefinition>) -> String {
    family.outputs.get("arn").cloned().unwrap_or_default()
}

/// Of `arn:…:task-definition/<family>:<revision>`.
fn family_of(revision: &str) -> &str {
    let last = readings::last(revision);
    last.split(':').next().unwrap_or(last)
}

fn running(tasks: &[Task]) -> Option<&Task> {
    tasks.iter().find(|task| task.last_status() != Some(runs::STOPPED))
}

/// The one that ended well, else the newest of a revision.
fn last_of<'t>(tasks: &'t [Task], revision: &str) -> Option<&'t Task> {
    let of_it = || tasks.iter().filter(|task| task.task_definition_arn() == Some(revision));
    of_it().find(|task| runs::has_succeeded(task)).or_else(|| of_it().max_by_key(|task| task.created_at().copied()))
}

fn done(node: NodeName, family: &Live<TaskDefinition>) -> Live<Job> {
    shown(node, &family.id, "", &arn_of(family), true, Ready::Yes)
}

fn live(node: NodeName, family: &str, cluster: &str, task: &Task) -> Live<Job> {
    let revision = task.task_definition_arn().unwrap_or_default();
    let ready = runs::ready(task);
    // As a rollout's: what has failed is the run of a revision that nobody wants, so the next plan tries again.
    let ran = if matches!(ready, Ready::Failed(_)) { format!("{revision} (failed)") } else { revision.to_owned() };
    shown(node, family, cluster, &ran, false, ready)
}

fn shown(node: NodeName, family: &str, cluster: &str, ran: &str, done: bool, ready: Ready) -> Live<Job> {
    let shape = Job {
        task_definition: Ref::value(ran.into()),
        done,
        cluster: Ref::value(cluster.into()),
        subnets: Vec::new(),
        groups: Vec::new(),
        public_ip: false,
    };
    Live {
        node,
        id: family.to_owned(),
        shape,
        outputs: BTreeMap::new(),
        ready,
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}
