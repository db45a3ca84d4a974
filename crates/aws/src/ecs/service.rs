//! Service: keeps a number of tasks running behind target groups and Service Connect names.
//!
//! It is created early and with no task, so that every endpoint is there before anything starts; how many tasks run, and of which revision, is the
//! rollout's. Known by its name within its cluster. A service that drains is left out of what is wanted, because its name becomes free by itself and the
//! create waits for that, but it is shown to whoever wants it gone.
//! Source: ECS API Reference, `CreateService`, `UpdateService`; `aws-behaviours` 9.3.

use std::time::Duration;

use aws_sdk_ecs::types::Service as Reply;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{readings, wiring};
use crate::{
    Aws, ClusterName, IntoCallError, NamespaceArn, SecurityGroupId, ServiceName, SubnetId, TargetGroupArn, TaskDefinitionArn,
    document, ownership,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub name: String,
    pub cluster: Ref<ClusterName>,
    /// Only said at birth, because ECS wants one; afterwards the rollout says which.
    pub task_definition: Ref<TaskDefinitionArn>,
    pub subnets: Vec<Ref<SubnetId>>,
    pub groups: Vec<Ref<SecurityGroupId>>,
    pub public_ip: bool,
    pub targets: Vec<Target>,
    pub connect: Option<Connect>,
    pub minimum_percent: i32,
    pub maximum_percent: i32,
    /// Circuit breaker that goes back to the last revision that worked.
    pub rollback: bool,
    /// How long health checks of load balancers are not held against a new task.
    pub grace_seconds: Option<i32>,
    /// Whether tasks carry the tags of the service.
    pub propagate_tags: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    pub group: Ref<TargetGroupArn>,
    pub container: String,
    pub port: i32,
}

/// Service Connect; without endpoints the service is only a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connect {
    pub namespace: Ref<NamespaceArn>,
    pub endpoints: Vec<Endpoint>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Name of the port in the task definition.
    pub port_name: String,
    pub discovery_name: String,
    /// What clients call it, with `port`.
    pub dns_name: String,
    pub port: i32,
}

impl Service {
    pub const NAME: Output<ServiceName> = Output::held("name");
    pub const ARN: Output<String> = Output::known("arn");
}

pub(crate) const DRAINING: &str = "DRAINING";

impl Kind for Service {
    type Cx = Aws;
    const NAME: &'static str = "ecs.service";
    const TRAITS: Traits = Traits {
        fixed: &["name", "cluster"],
        typical_gone: Duration::from_secs(60),
        poll: Duration::from_secs(5),
        // A target group's deregistration delay (300 s if left alone) and stop timeouts come on top of the worst 500 s.
        patience: Duration::from_secs(30 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        cx.removals.forget(<Self as Kind>::NAME);
        let listed = readings::services(cx, scan).await?;
        let unlisted = readings::unlisted(cx, scan, &listed).await?;
        let mine = |service: &Reply| {
            let live = wiring::of(cx, service);
            let node = ownership::node_of::<Self>(scan, &live.id, &live.tags)?;
            let wanted = scan.wanted.iter().any(|(wanted, _)| *wanted == node);
            (!is_leaving(&live) || !wanted).then_some(Live { node, ..live })
        };
        Ok(listed.iter().chain(&unlisted).filter_map(mine).collect())
    }

    /// One that drains is there for whoever removes it only.
    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let found = readings::service(cx, id).await?.as_ref().map(|service| wiring::of(cx, service));
        let there = found.filter(|live| !is_leaving(live) || cx.removals.has(<Self as Kind>::NAME, id));
        Ok(ownership::still_ours(stack, node, there))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ecs:CreateService";
        let send = || async {
            let service = self.creation(cx, door).send().await.call(operation)?.service;
            let service = service.unwrap_or_else(|| Reply::builder().service_name(&self.name).build());
            // The reply to a create need not repeat the tags that it was sent.
            Ok(Live { tags: door.tags(), ..wiring::of(cx, &service) })
        };
        // One that drains, or became INACTIVE a minute ago, is in the way and not found: the door tries again.
        let find = || async {
            let cluster = self.cluster.get().as_str();
            let named = readings::describe_services(cx, cluster, std::slice::from_ref(&self.name)).await?;
            Ok(named.first().map(|service| wiring::of(cx, service)).filter(|live| !is_leaving(live)))
        };
        ownership::create(door, operation, &format!("the service {}", self.name), send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.0.iter().any(|field| field != "tags") {
            let operation = "ecs:UpdateService";
            door.call(operation, || async {
                let call = cx.ecs.update_service().cluster(self.cluster.get().as_str()).service(&self.name);
                self.changes(call, changed).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            readings::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        cx.removals.note(<Self as Kind>::NAME, &live.id);
        if is_leaving(live) {
            return Ok(Gone::NotYet(DRAINING.to_owned()));
        }
        let operation = "ecs:DeleteService";
        let (cluster, name) = readings::cluster_and_name(&live.id);
        let call = || async {
            let call = cx.ecs.delete_service().cluster(cluster).service(name).force(true);
            match call.send().await.call(operation) {
                // It drains already, and the reading did not know yet.
                Err(error) if error.has_code(&["ServiceNotActiveException"]) => Ok(()),
                answer => answer.map(|_| ()),
            }
        };
        ownership::going(door.call(operation, call).await, DRAINING)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            "task_definition" => true,
            "subnets" | "groups" | "targets" => document::same_set(desired, live),
            "connect" => document::same(&wiring::comparable(desired, live), live),
            "grace_seconds" => desired.as_i64().unwrap_or(0) == live.as_i64().unwrap_or(0),
            _ => desired == live,
        }
    }
}

fn is_leaving(live: &Live<Service>) -> bool {
    live.ready == Ready::NotYet(DRAINING.to_owned())
}
