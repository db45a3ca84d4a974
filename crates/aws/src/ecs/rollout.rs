//! Rollout: how many tasks of a service run, and of which revision.
//!
//! The same AWS object as the service, and there whenever the service is; a node of its own because it has to wait for the image, the secrets, the
//! database and other services, which the service itself does not. It cannot carry tags of its own: its node bears the name of the service's node.
//! Source: ECS API Reference, `UpdateService`, `Deployment`; `aws-behaviours` 9.3.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types::{Deployment, DeploymentRolloutState, Service as Reply};
use landing_engine::{
    CallError, Changed, Class, Copies, Door, Gone, Kind, Live, Moment, NodeName, Ready, Ref, Scan, Stack, Tags, Traits, Trouble,
};
use serde::{Deserialize, Serialize};

use super::diagnosis::{self, primary};
use super::readings;
use super::service::{DRAINING, Service};
use crate::{Aws, ClusterName, IntoCallError, ServiceName, TaskDefinitionArn, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    pub cluster: Ref<ClusterName>,
    pub service: Ref<ServiceName>,
    pub task_definition: Ref<TaskDefinitionArn>,
    /// How many tasks run.
    pub count: i32,
}

impl Kind for Rollout {
    type Cx = Aws;
    const NAME: &'static str = "ecs.rollout";
    const TRAITS: Traits = Traits {
        fixed: &["cluster", "service"],
        tagged: false,
        falls_back: true,
        tries_again: true,
        typical_ready: Duration::from_secs(150),
        poll: Duration::from_secs(5),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let node = |service: &Reply| {
            let arn = service.service_arn().unwrap_or_default();
            ownership::node_beside::<Self, Service>(scan, arn, &tags::read(service.tags()))
        };
        Ok(readings::services(cx, scan)
            .await?
            .iter()
            .filter_map(|service| Some(Live { node: node(service)?, ..of(service) }))
            .collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let Some(service) = readings::service(cx, id).await? else { return Ok(None) };
        cx.wards.note(&service);
        let live = of(&service);
        let ready = match (overtaken(cx, &service), live.ready) {
            (Some(Ready::NotYet(state)), _) => Ready::NotYet(state),
            (_, Ready::Failed(why)) => Ready::Failed(why),
            (Some(other), _) => other,
            (None, ready) => ready,
        };
        let ready = match ready {
            Ready::Rolling(copies) if live.shape.count > 0 => {
                Ready::Rolling(Copies { targets: diagnosis::targets(cx, &service).await, ..copies })
            }
            ready => ready,
        };
        Ok(Some(Live { node: node.clone(), ready, ..live }))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        self.roll(cx, door, None).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, _: &Changed) -> Result<Live<Self>, CallError> {
        if live.shape.task_definition.get().as_str().starts_with(OUTDATED) {
            return self.start_anew(cx, door, &live.id).await;
        }
        self.roll(cx, door, None).await
    }

    async fn diagnose(cx: &Aws, stack: &Stack, live: &Live<Self>, since: Moment) -> Result<Option<Trouble>, CallError> {
        // Nobody waits for what is to stand still.
        if live.shape.count == 0 { Ok(None) } else { diagnosis::of_service(cx, stack, &live.id, since).await }
    }

    /// The service's own delete stops its tasks, with `force`; scaling down first would only make the teardown wait twice.
    async fn delete(_: &Aws, _: &Door<'_>, _: &Live<Self>) -> Result<Gone, CallError> {
        Ok(Gone::Yes)
    }
}

/// What to say in place of a deployment that is not the one which was started anew. Both are of one revision, so only their ids tell them apart.
fn overtaken(cx: &Aws, service: &Reply) -> Option<Ready> {
    let (before, next) = cx.wards.followed(service.service_arn()?)?;
    match primary(service).and_then(Deployment::id)? {
        shown if shown == next => None,
        shown if shown == before => Some(Ready::NotYet("AWS still shows the deployment before".to_owned())),
        _ => Some(Ready::Failed("another deployment has taken the place of the one that was started".to_owned())),
    }
}

/// Before a revision whose tasks are to be replaced by others of the same.
const OUTDATED: &str = "to start anew: ";

impl Rollout {
    /// What to say of the revision that runs, when its tasks have read something at their start that is not true any more: the plan then differs, and an update
    /// starts others.
    pub fn outdated(revision: &str) -> String {
        format!("{OUTDATED}{revision}")
    }

    /// Whether `live` says nothing else than that tasks of `desired` are to start anew; those that have failed as well.
    pub fn is_only_outdated(live: &str, desired: &str) -> bool {
        live.strip_prefix(OUTDATED).is_some_and(|revision| revision == desired || revision == failed(desired))
    }

    /// Of the same revision, so that nothing but the deployment itself tells the new tasks from the old ones: the wait that follows is for that deployment.
    async fn start_anew(&self, cx: &Aws, door: &Door<'_>, arn: &str) -> Result<Live<Self>, CallError> {
        let before = readings::service(cx, arn).await?;
        let before = before.as_ref().and_then(primary).and_then(Deployment::id).unwrap_or_default();
        let live = self.roll(cx, door, Some(before)).await?;
        let started = cx.wards.service(arn);
        let started = started.as_ref().and_then(primary).and_then(Deployment::id).filter(|id| *id != before);
        let next = started.ok_or_else(|| {
            CallError::new(Class::Ambiguous, "ecs:UpdateService", format!("AWS shows no new deployment of {arn}"))
                .help("run again")
        })?;
        cx.wards.follow(arn, before, next);
        Ok(live)
    }

    /// `instead_of` is the deployment whose tasks are to be replaced, whatever they run.
    async fn roll(&self, cx: &Aws, door: &Door<'_>, instead_of: Option<&str>) -> Result<Live<Self>, CallError> {
        let operation = "ecs:UpdateService";
        let reply = door
            .call(operation, || async {
                cx.ecs
                    .update_service()
                    .cluster(self.cluster.get().as_str())
                    .service(self.service.get().as_str())
                    .task_definition(self.task_definition.get().as_str())
                    .desired_count(self.count)
                    .force_new_deployment(self.needs_force(cx, instead_of).await?)
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        let service = reply.service().cloned().unwrap_or_else(|| Reply::builder().build());
        cx.wards.note(&service);
        Ok(Live { node: door.node().clone(), ..of(&service) })
    }

    /// Whether ECS would not start a deployment by itself, where there has to be one. Asked for a revision that failed, it would do nothing. Asked for the first tasks, it would
    /// start them outside of any deployment: nothing would wait for their health, and no circuit breaker would watch them. Each forced call starts another one, so it is
    /// looked whether a call without an answer has started it.
    async fn needs_force(&self, cx: &Aws, instead_of: Option<&str>) -> Result<bool, CallError> {
        if self.count == 0 {
            return Ok(false);
        }
        let (cluster, name) = (self.cluster.get().as_str(), self.service.get().to_string());
        let found = readings::describe_services(cx, cluster, &[name]).await?;
        let failed = failed(self.task_definition.get().as_str());
        let still = |service: &Reply| instead_of.is_some() && primary(service).and_then(Deployment::id) == instead_of;
        Ok(found.first().is_none_or(|service| service.desired_count() == 0 || revision(service) == failed || still(service)))
    }
}

/// The node's name is put in by the caller.
fn of(service: &Reply) -> Live<Rollout> {
    let arn = service.service_arn().unwrap_or_default().to_owned();
    let (cluster, name) = readings::cluster_and_name(&arn);
    Live {
        node: NodeName::new(Rollout::NAME, name),
        outputs: BTreeMap::new(),
        shape: Rollout {
            cluster: Ref::value(cluster.into()),
            service: Ref::value(name.into()),
            task_definition: Ref::value(revision(service).into()),
            count: service.desired_count(),
        },
        id: arn,
        ready: ready(service),
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}

/// The revision that runs. One whose deployment has failed reads as a revision that nobody desires, so that the next plan tries it again: what was wrong
/// may have been put right outside of it, a secret's value for example.
fn revision(service: &Reply) -> String {
    let revision = service.task_definition().unwrap_or_default();
    let state = primary(service).and_then(Deployment::rollout_state);
    if state == Some(&DeploymentRolloutState::Failed) { failed(revision) } else { revision.to_owned() }
}

fn failed(revision: &str) -> String {
    format!("{revision} (failed)")
}

/// Judged by the deployment that ECS is about, and not by "one deployment and as many tasks as asked for": that is also true of the old revision after a
/// rollback. The rollback itself shows as the primary deployment's reason while it runs; once it is over, as a task definition that is not the one
/// asked for.
fn ready(service: &Reply) -> Ready {
    if service.status() == Some(DRAINING) {
        return Ready::NotYet(DRAINING.into());
    }
    let primary = primary(service);
    let state = primary.and_then(Deployment::rollout_state);
    let reason = primary.and_then(Deployment::rollout_state_reason).unwrap_or_default();
    let (running, wanted) = (service.running_count(), service.desired_count());
    if state == Some(&DeploymentRolloutState::Failed) {
        return Ready::Failed(with_event(service, reason));
    }
    if reason.contains("rolling back") {
        let failed = service.deployments().iter().find(|d| d.rollout_state() == Some(&DeploymentRolloutState::Failed));
        return Ready::Failed(with_event(service, failed.and_then(Deployment::rollout_state_reason).unwrap_or(reason)));
    }
    // Emulators and other deployment controllers give no state.
    let complete = state.is_none_or(|state| *state == DeploymentRolloutState::Completed);
    // With no task to wait for there is nothing to complete.
    if running == wanted && (complete || wanted == 0) {
        Ready::Yes
    } else {
        // AWS counts in numbers with a sign.
        let [desired, running, pending, failed] =
            [wanted, running, service.pending_count(), primary.map_or(0, Deployment::failed_tasks)].map(i32::unsigned_abs);
        Ready::Rolling(Copies { desired, running, pending, failed, targets: None })
    }
}

/// The reason with the newest event, which often says more; ECS puts the newest first.
fn with_event(service: &Reply, reason: &str) -> String {
    match service.events().first().and_then(|event| event.message()) {
        Some(event) => format!("{reason} ({event})"),
        None => reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(state: DeploymentRolloutState, reason: &str, running: i32) -> Reply {
        let primary = Deployment::builder().status("PRIMARY").rollout_state(state).rollout_state_reason(reason).build();
        Reply::builder().status("ACTIVE").desired_count(2).running_count(running).deployments(primary).build()
    }

    #[test]
    fn a_rollout_is_ready_when_its_deployment_is_complete_and_failed_when_it_is_rolled_back() {
        let waiting = service(DeploymentRolloutState::InProgress, "in progress", 2);
        assert_eq!(ready(&waiting), Ready::Rolling(Copies { desired: 2, running: 2, ..Copies::default() }));
        assert_eq!(ready(&service(DeploymentRolloutState::Completed, "completed", 2)), Ready::Yes);
        let back = service(DeploymentRolloutState::InProgress, "ECS deployment circuit breaker: rolling back to ecs-svc/1", 2);
        assert!(matches!(ready(&back), Ready::Failed(_)));
        let failed = service(DeploymentRolloutState::Failed, "tasks failed to start", 0);
        assert!(matches!(ready(&failed), Ready::Failed(_)));
        assert!(revision(&failed).ends_with("(failed)"), "the next plan has something to do");
    }
}
