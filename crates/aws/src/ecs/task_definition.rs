//! Task definition: what one task of a service runs, with how much CPU and memory, as whom, and with which secrets.
//!
//! Known by its family. A revision never changes: a difference in anything but the family registers the next revision, and whoever runs the family is
//! rolled over by its rollout. Old revisions stay until the family goes, because a circuit breaker rolls back to them.
//! Source: ECS API Reference, `RegisterTaskDefinition`, `DeleteTaskDefinitions`; `aws-behaviours` 9.2.

use std::collections::BTreeMap;

use aws_sdk_ecs::operation::register_task_definition::builders::RegisterTaskDefinitionFluentBuilder as Registration;
use aws_sdk_ecs::types::{
    Compatibility, CpuArchitecture, EphemeralStorage, NetworkMode, OsFamily, RuntimePlatform, TaskDefinition as Reply,
    TaskDefinitionStatus,
};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{container, readings, revisions, volumes};
use crate::{
    AccessPointId, Aws, FileSystemId, IntoCallError, LogGroupName, RoleArn, TaskDefinitionArn, document, ownership, tags,
};

/// One task of exactly one container; its fields are those of the task and of the container side by side, so that a plan names what changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    pub family: String,
    /// CPU units; 1024 is one vCPU.
    pub cpu: i32,
    /// MiB.
    pub memory: i32,
    /// `X86_64` or `ARM64`.
    pub architecture: String,
    pub execution_role: Ref<RoleArn>,
    pub task_role: Ref<RoleArn>,
    /// Name of the container.
    pub container: String,
    pub image: Ref<String>,
    pub command: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    pub environment: BTreeMap<String, Ref<String>>,
    /// Variable → ARN of the secret, or `ARN:json-key::`.
    pub secrets: BTreeMap<String, Ref<String>>,
    pub ports: Vec<Port>,
    pub health: Option<Health>,
    pub log_group: Ref<LogGroupName>,
    /// Region of the log group.
    pub region: String,
    /// Seconds between SIGTERM and SIGKILL; 120 at most on Fargate.
    pub stop_timeout: Option<i32>,
    pub user: Option<String>,
    pub working_directory: Option<String>,
    pub read_only: bool,
    /// An init process that forwards signals and reaps children.
    pub init: bool,
    /// Soft and hard limit of open files.
    pub nofile: Option<(i32, i32)>,
    pub labels: BTreeMap<String, String>,
    /// A terminal, and an open standard input.
    pub tty: bool,
    pub interactive: bool,
    /// Fargate lets only `SYS_PTRACE` be added.
    pub capabilities_added: Vec<String>,
    pub capabilities_dropped: Vec<String>,
    /// Kernel parameters of the task's own namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Disk of the task in GiB, 21 to 200; without it Fargate gives 20.
    pub ephemeral_storage_gib: Option<i32>,
    /// Paths in the container where a file system of EFS is mounted. A set.
    pub volumes: Vec<Volume>,
}

/// One path in the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    pub name: String,
    pub path: String,
    pub read_only: bool,
    pub file_system: Ref<FileSystemId>,
    pub access_point: Ref<AccessPointId>,
    /// Mounted encrypted, and as the task's role.
    pub as_task_role: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Port {
    pub container: i32,
    /// What Service Connect calls it; may be empty.
    pub name: String,
    /// HTTP gives Service Connect requests to count and retry; otherwise it is TCP.
    pub http: bool,
}

/// Times in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    pub command: Vec<String>,
    pub interval: i32,
    pub timeout: i32,
    pub retries: i32,
    pub start_period: i32,
}

/// Most revisions that one `DeleteTaskDefinitions` takes.
const DELETES_A_CALL: usize = 10;
/// Its word for a revision that is not there (unverified: no source names the reasons in `failures`).
const GONE: &str = "TASK_DEFINITION_NOT_FOUND";

impl TaskDefinition {
    /// With the revision.
    pub const ARN: Output<TaskDefinitionArn> = Output::known("arn");
}

impl Kind for TaskDefinition {
    type Cx = Aws;
    const NAME: &'static str = "ecs.task-definition";
    const TRAITS: Traits = Traits { fixed: &["family"], renews: &["arn"], ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let named = revisions::named_like(cx, scan).await?;
        let mut others: Vec<&str> = ownership::wanted(scan, "family").chain(scan.known.values().map(String::as_str)).collect();
        others.retain(|family| !named.iter().any(|live| live.id == *family));
        others.sort_unstable();
        others.dedup();
        let others = try_join_all(others.iter().map(|family| revisions::latest_or_left(cx, family))).await?;
        let mine = |live: Live<Self>| ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live });
        Ok(named.iter().cloned().chain(others.into_iter().flatten()).filter_map(mine).collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, revisions::latest(cx, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ecs:RegisterTaskDefinition";
        let send = || async {
            // Registering into a family that is there would succeed, whoever's it is.
            if revisions::latest(cx, &self.family).await?.is_some() {
                return Err(CallError::new(Class::AlreadyExists, operation, format!("{} is there", self.family)));
            }
            self.register(cx, door, operation).await
        };
        let what = format!("the task definition {}", self.family);
        ownership::create(door, operation, &what, send, || revisions::latest(cx, &self.family)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        // The next revision is born with the tags; only when nothing else differs is the latest one tagged.
        if changed.0.iter().any(|field| field != "tags") {
            let operation = "ecs:RegisterTaskDefinition";
            let send = || async {
                // Each registration makes a revision, also of what the latest one says: one whose answer was lost is looked for.
                match revisions::latest(cx, &self.family).await? {
                    Some(latest) if self.is_of_our_making(door, live, &latest) => {
                        Ok(Live { node: door.node().clone(), ..latest })
                    }
                    _ => self.register(cx, door, operation).await,
                }
            };
            return door.call(operation, send).await;
        }
        readings::retag(cx, door, live.outputs.get("arn").map_or("", String::as_str)).await?;
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let mut arns = revisions::list(cx, &live.id, TaskDefinitionStatus::Active).await?;
        for arn in &arns {
            let operation = "ecs:DeregisterTaskDefinition";
            let call = || async { cx.ecs.deregister_task_definition().task_definition(arn).send().await.call(operation) };
            ownership::found(door.call(operation, call).await)?;
        }
        // A list that lags does not have those of a moment ago.
        arns.extend(revisions::list(cx, &live.id, TaskDefinitionStatus::Inactive).await?);
        arns.sort();
        arns.dedup();
        for arns in arns.chunks(DELETES_A_CALL) {
            let operation = "ecs:DeleteTaskDefinitions";
            door.call(operation, || async {
                let call = cx.ecs.delete_task_definitions().set_task_definitions(Some(arns.to_vec()));
                let reply = call.send().await.call(operation)?;
                // A 200 that names what it did not delete.
                let failed = reply.failures().iter().find(|failure| failure.reason() != Some(GONE));
                failed.map_or(Ok(()), |failure| {
                    let arn = failure.arn().unwrap_or_default();
                    let reason = failure.reason().or(failure.detail()).unwrap_or("no reason given");
                    Err(CallError::new(Class::Invalid, operation, format!("{arn}: {reason}")))
                })
            })
            .await?;
        }
        // What a service still runs stays as `DELETE_IN_PROGRESS` until the service is gone and then vanishes by itself.
        Ok(Gone::Yes)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            "ports" | "volumes" | "capabilities_added" | "capabilities_dropped" => document::same(desired, live),
            _ => desired == live,
        }
    }
}

impl TaskDefinition {
    /// Whether a call that we sent made the latest revision: it is not the one that was to be changed, says what we want, and bears our tags.
    fn is_of_our_making(&self, door: &Door<'_>, before: &Live<Self>, latest: &Live<Self>) -> bool {
        let arn = |live: &Live<Self>| live.outputs.get("arn").cloned();
        arn(latest) != arn(before)
            && door.stack().node_of(&latest.tags).as_ref() == Some(door.node())
            && document::says::<Self>(self, &latest.shape)
    }

    async fn register(&self, cx: &Aws, door: &Door<'_>, operation: &str) -> Result<Live<Self>, CallError> {
        let reply = self.registration(cx, door).send().await.call(operation)?;
        let definition = reply.task_definition().cloned().unwrap_or_else(|| Reply::builder().family(&self.family).build());
        // The reply need not repeat the tags that it was sent.
        Ok(Live { node: door.node().clone(), ..revisions::of(&definition, door.tags()) })
    }

    fn registration(&self, cx: &Aws, door: &Door<'_>) -> Registration {
        let platform = RuntimePlatform::builder()
            .cpu_architecture(CpuArchitecture::from(self.architecture.as_str()))
            .operating_system_family(OsFamily::Linux)
            .build();
        cx.ecs
            .register_task_definition()
            .family(&self.family)
            .cpu(self.cpu.to_string())
            .memory(self.memory.to_string())
            .network_mode(NetworkMode::Awsvpc)
            .requires_compatibilities(Compatibility::Fargate)
            .runtime_platform(platform)
            .execution_role_arn(self.execution_role.get().as_str())
            .task_role_arn(self.task_role.get().as_str())
            .container_definitions(container::definition(self))
            .set_volumes(volumes::declared(&self.volumes))
            .set_ephemeral_storage(self.ephemeral_storage_gib.map(|size| EphemeralStorage::builder().size_in_gib(size).build()))
            .set_tags(Some(tags::list(&door.tags())))
    }
}
