//! ECS on Fargate: clusters, task definitions, services with their deployments, tasks (catalogue, section 9).
//! EC2 capacity, task sets, external deployment controllers, volumes at launch and VPC Lattice are left out.

mod cluster;
mod defaults;
mod definition;
mod ending;
mod insights;
mod outside;
mod scheduler;
mod service;
mod settings;
mod shown;
mod task;
mod tasks;
mod volumes;
mod workload;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

pub(crate) use cluster::Cluster;
pub(crate) use definition::Family;
pub(crate) use service::Service;
pub(crate) use task::Task;
pub(crate) use workload::answer_of;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ecs {
    /// By name.
    pub(crate) clusters: BTreeMap<String, Cluster>,
    pub(crate) families: BTreeMap<String, Family>,
    /// By ARN; an INACTIVE one gives way to a new one of its name.
    pub(crate) services: BTreeMap<String, Service>,
    /// By ARN.
    pub(crate) tasks: BTreeMap<String, Task>,
    /// `RunTask`'s client tokens: parameters, then the tasks' ARNs.
    pub(crate) run_tokens: BTreeMap<String, (Value, Vec<String>)>,
    /// Deployments by service and tasks by family so far, for faults that name the nth one.
    #[serde(skip)]
    pub(crate) deployments_made: BTreeMap<String, u64>,
    #[serde(skip)]
    pub(crate) tasks_made: BTreeMap<String, u64>,
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateCluster" => cluster::create(world, call),
        "DescribeClusters" => cluster::describe(world, call),
        "UpdateCluster" | "UpdateClusterSettings" => cluster::update(world, call),
        "PutClusterCapacityProviders" => cluster::capacity(world, call),
        "DeleteCluster" => cluster::delete(world, call),
        "ListClusters" => cluster::list(world, call),
        "RegisterTaskDefinition" => definition::register(world, call),
        "DescribeTaskDefinition" => definition::describe(world, call),
        "ListTaskDefinitions" => definition::list(world, call),
        "ListTaskDefinitionFamilies" => definition::list_families(world, call),
        "DeregisterTaskDefinition" => definition::deregister(world, call),
        "DeleteTaskDefinitions" => definition::delete(world, call),
        "CreateService" => service::create(world, call),
        "DescribeServices" => service::describe(world, call),
        "UpdateService" => service::update(world, call),
        "DeleteService" => service::delete(world, call),
        "ListServices" => service::list(world, call),
        "ListServiceDeployments" => service::list_deployments(world, call),
        "RunTask" => tasks::run(world, call),
        "DescribeTasks" => tasks::describe(world, call),
        "StopTask" => tasks::stop(world, call),
        "ListTasks" => tasks::list(world, call),
        "TagResource" => tag(world, call),
        "UntagResource" => untag(world, call),
        "ListTagsForResource" => list_tags(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn advance(world: &mut World) {
    scheduler::advance(world);
    insights::advance(world);
    cluster::advance(world);
    definition::advance(world);
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    let ecs = &world.ecs;
    let clusters = ecs.clusters.values().filter(|c| c.deleted.is_none()).map(|c| format!("ecs:cluster {}", c.name));
    let services = ecs.services.values().filter(|s| s.inactive_at.is_none()).map(|s| format!("ecs:service {}", s.arn));
    let definitions = ecs.families.values().flat_map(|family| family.revisions.values());
    // What is deregistered stays for ever, what is deleted goes by itself.
    let definitions = definitions.filter(|d| d.deleting.is_none()).map(|d| format!("ecs:task-definition {}", d.arn));
    let tasks = ecs.tasks.values().filter(|task| task.deployment.is_none() && task.stopped_at.is_none_or(|at| at > world.now));
    clusters.chain(services).chain(definitions).chain(tasks.map(|task| format!("ecs:task {}", task.arn))).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    let ecs = &world.ecs;
    let definitions = ecs.families.values().flat_map(|family| family.revisions.values());
    let clusters = ecs.clusters.values().map(|c| (c.arn.clone(), c.tags.clone()));
    let services = ecs.services.values().map(|s| (s.arn.clone(), s.tags.clone()));
    let tasks = ecs.tasks.values().filter(|task| task.stopped_at.is_none_or(|at| at > world.now));
    let tasks = tasks.map(|t| (t.arn.clone(), t.tags.clone()));
    clusters.chain(services).chain(definitions.map(|d| (d.arn.clone(), d.tags.clone()))).chain(tasks).collect()
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn client(message: impl Into<String>) -> Fault {
    Fault::new("ClientException", message)
}

/// Tags as ECS checks them.
fn read_tags(list: &Value) -> Result<Tags, Fault> {
    let tags = tags::read(list);
    if list.as_array().map_or(0, Vec::len) != tags.len() {
        return Err(invalid("Duplicate tag keys found. Please note that Tag keys are case sensitive."));
    }
    if tags.len() > 50 || tags.keys().any(|key| key.is_empty() || key.to_lowercase().starts_with("aws:")) {
        return Err(invalid("Tags can not have a prefix of aws: and there can be at most 50 of them."));
    }
    Ok(tags)
}

fn tags_of<'w>(world: &'w mut World, call: &Call) -> Result<&'w mut Tags, Fault> {
    let arn = call.need("resourceArn", "InvalidParameterException")?;
    let ecs = &mut world.ecs;
    let clusters = ecs.clusters.values_mut().filter(|c| c.arn == arn && c.deleted.is_none()).map(|c| &mut c.tags);
    let services = ecs.services.values_mut().filter(|s| s.arn == arn && s.inactive_at.is_none()).map(|s| &mut s.tags);
    let definitions = ecs.families.values_mut().flat_map(|family| family.revisions.values_mut());
    let definitions = definitions.filter(|d| d.arn == arn).map(|d| &mut d.tags);
    let tasks = ecs.tasks.values_mut().filter(|t| t.arn == arn).map(|t| &mut t.tags);
    let found = clusters.chain(services).chain(definitions).chain(tasks).next();
    found.ok_or_else(|| {
        let kind = arn.split(':').nth(5).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        match kind {
            "cluster" => Fault::new("ClusterNotFoundException", "Cluster not found."),
            "service" => Fault::new("ServiceNotFoundException", "Service not found."),
            _ => invalid(format!("The specified resource {arn} is not found or its ARN is invalid.")),
        }
    })
}

fn tag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = read_tags(&call.input["tags"])?;
    tags_of(world, call)?.extend(tags);
    Ok(json!({}).into())
}

fn untag(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tags_of(world, call)?;
    call.strings("tagKeys").iter().for_each(|key| drop(tags.remove(key)));
    Ok(json!({}).into())
}

fn list_tags(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    Ok(json!({ "tags": tags::lower(tags_of(world, call)?) }).into())
}

/// A page of ARNs by `nextToken` and `maxResults` (`size` when not given).
fn page(call: &Call, key: &str, size: usize, items: Vec<Value>) -> Result<Reply, Fault> {
    let start = match call.opt("nextToken") {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| invalid("Invalid token"))?.min(items.len()),
    };
    let size = call.number("maxResults").and_then(|size| usize::try_from(size).ok()).unwrap_or(size).clamp(1, 100);
    let end = (start + size).min(items.len());
    let mut reply = json!({ key: items[start..end] });
    if end < items.len() {
        reply["nextToken"] = json!(end.to_string());
    }
    Ok(reply.into())
}

/// The name in a name or ARN.
fn short(name_or_arn: &str) -> &str {
    name_or_arn.rsplit('/').next().unwrap_or(name_or_arn)
}
