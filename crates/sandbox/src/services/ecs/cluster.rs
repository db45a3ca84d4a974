//! Clusters.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{client, invalid, page, read_tags, short};
use crate::call::{Call, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::services::{quotas, servicediscovery};
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) ready_at: Millis,
    /// INACTIVE since; describable for a while.
    pub(crate) deleted: Option<Millis>,
    pub(crate) insights: String,
    pub(crate) capacity_providers: Vec<String>,
    pub(crate) strategy: Value,
    pub(crate) configuration: Option<Value>,
    /// ARN of the default namespace of Service Connect.
    pub(crate) namespace: Option<String>,
    pub(crate) tags: Tags,
}

/// The ACTIVE cluster of a request; `default` when none is named.
pub(super) fn active(world: &World, call: &Call) -> Result<Cluster, Fault> {
    let name = call.opt("cluster").unwrap_or_else(|| "default".into());
    let found = world.ecs.clusters.get(short(&name)).filter(|c| c.deleted.is_none() && c.ready_at <= world.now);
    let found = found.filter(|cluster| !name.contains(':') || cluster.arn == name);
    found.cloned().ok_or_else(|| Fault::new("ClusterNotFoundException", "Cluster not found."))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let name = call.opt("clusterName").unwrap_or_else(|| "default".into());
    if name.is_empty() || name.len() > 255 || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err(invalid("Invalid cluster name"));
    }
    let tags = read_tags(&call.input["tags"])?;
    let insights = insights(call)?;
    let providers = call.strings("capacityProviders");
    known_providers(&providers)?;
    if let Some(existing) = world.ecs.clusters.get(&name).filter(|cluster| cluster.deleted.is_none()) {
        // The settings of the new call are not applied.
        return Ok(json!({ "cluster": shown(world, existing, &everything()) }).into());
    }
    quotas::CLUSTERS.one_more(world, world.ecs.clusters.values().filter(|cluster| cluster.deleted.is_none()).count())?;
    let mut ready_at = world.now + latency::CLUSTER_READY.of(world, &name);
    let namespace = match text(&call.input["serviceConnectDefaults"]["namespace"]) {
        None => None,
        Some(wanted) => Some(default_namespace(world, &wanted, &mut ready_at)?),
    };
    let cluster = Cluster {
        arn: world.arn("ecs", &format!("cluster/{name}")),
        name: name.clone(),
        ready_at,
        deleted: None,
        insights: insights.unwrap_or_else(|| "disabled".into()),
        capacity_providers: providers,
        strategy: call.input.get("defaultCapacityProviderStrategy").cloned().unwrap_or_else(|| json!([])),
        configuration: call.input.get("configuration").cloned(),
        namespace,
        tags,
    };
    let reply = json!({ "cluster": shown(world, &cluster, &everything()) });
    world.ecs.clusters.insert(name, cluster);
    Ok(reply.into())
}

/// ECS makes the namespace when a name is given that does not exist; a missing ARN is refused (section 9.1).
fn default_namespace(world: &mut World, wanted: &str, ready_at: &mut Millis) -> Result<String, Fault> {
    if let Some(namespace) = servicediscovery::namespace(world, wanted) {
        return Ok(namespace.arn.clone());
    }
    if wanted.starts_with("arn:") {
        return Err(Fault::new("NamespaceNotFoundException", "The specified namespace wasn't found."));
    }
    if wanted.is_empty() {
        return Err(invalid("Namespace name must not be empty."));
    }
    if world.servicediscovery.namespaces.values().any(|namespace| namespace.name == wanted) {
        return Err(invalid(format!("Another operation of type CreateHttpNamespace for {wanted} is in progress.")));
    }
    let id = servicediscovery::namespace_for_cluster(world, wanted);
    *ready_at = world.now + latency::NAMESPACE_READY.of(world, &id) + latency::CLUSTER_READY.of(world, wanted);
    Ok(world.arn("servicediscovery", &format!("namespace/{id}")))
}

fn insights(call: &Call) -> Result<Option<String>, Fault> {
    let mut value = None;
    for setting in call.list("settings") {
        match (setting["name"].as_str(), setting["value"].as_str()) {
            (Some("containerInsights"), Some(text @ ("enabled" | "enhanced" | "disabled"))) => value = Some(text.to_owned()),
            _ => return Err(invalid("Invalid cluster setting")),
        }
    }
    Ok(value)
}

fn known_providers(names: &[String]) -> Result<(), Fault> {
    match names.iter().find(|name| !["FARGATE", "FARGATE_SPOT"].contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(invalid(format!(
            "The specified capacity provider '{name}' was not found. Specify a valid name or ARN and try again."
        ))),
    }
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let mut names = call.strings("clusters");
    if names.is_empty() {
        names.push("default".into());
    }
    if names.len() > 100 {
        return Err(invalid("Clusters cannot have more than 100 items."));
    }
    let include = call.strings("include");
    let (mut clusters, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        match world.ecs.clusters.get(short(&name)).filter(|cluster| !name.contains(':') || cluster.arn == name) {
            Some(cluster) => clusters.push(shown(world, cluster, &include)),
            None => failures.push(json!({ "arn": world.arn("ecs", &format!("cluster/{}", short(&name))), "reason": "MISSING" })),
        }
    }
    Ok(json!({ "clusters": clusters, "failures": failures }).into())
}

fn changed(world: &mut World, call: &Call, change: impl FnOnce(&mut Cluster)) -> Result<Reply, Fault> {
    let mut cluster = active(world, call)?;
    change(&mut cluster);
    let reply = json!({ "cluster": shown(world, &cluster, &everything()) });
    world.ecs.clusters.insert(cluster.name.clone(), cluster);
    Ok(reply.into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    active(world, call)?;
    let insights = insights(call)?;
    let mut ready_at = world.now;
    let namespace = match text(&call.input["serviceConnectDefaults"]["namespace"]) {
        None => None,
        Some(wanted) => Some(default_namespace(world, &wanted, &mut ready_at)?),
    };
    changed(world, call, |cluster| {
        cluster.insights = insights.unwrap_or_else(|| cluster.insights.clone());
        cluster.namespace = namespace.or(cluster.namespace.take());
        if let Some(configuration) = call.input.get("configuration") {
            cluster.configuration = Some(configuration.clone());
        }
    })
}

pub(super) fn capacity(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let providers = call.strings("capacityProviders");
    known_providers(&providers)?;
    let strategy = call.input["defaultCapacityProviderStrategy"].clone();
    let named = strategy.as_array().into_iter().flatten().filter_map(|item| item["capacityProvider"].as_str());
    if named.into_iter().any(|name| !providers.iter().any(|known| known == name)) {
        return Err(invalid(
            "The specified capacity provider strategy cannot contain a capacity provider that is not associated with the cluster.",
        ));
    }
    changed(world, call, |cluster| {
        cluster.capacity_providers = providers;
        cluster.strategy = strategy;
    })
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = active(world, call)?;
    let ecs = &world.ecs;
    if ecs.services.values().any(|service| service.cluster == cluster.name && service.inactive_at.is_none()) {
        return Err(Fault::new("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."));
    }
    if ecs.tasks.values().any(|task| task.cluster == cluster.name && task.stopped_at.is_none_or(|at| at > world.now)) {
        return Err(Fault::new("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active."));
    }
    let now = world.now;
    changed(world, call, |cluster| {
        cluster.deleted = Some(now);
    })
}

pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let alive = world.ecs.clusters.values().filter(|cluster| cluster.deleted.is_none());
    page(call, "clusterArns", 100, alive.map(|cluster| json!(cluster.arn)).collect())
}

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    world.ecs.clusters.retain(|_, cluster| cluster.deleted.is_none_or(|at| at + latency::ECS_GHOST > now));
}

fn everything() -> Vec<String> {
    ["TAGS", "SETTINGS", "CONFIGURATIONS", "ATTACHMENTS"].map(Into::into).to_vec()
}

fn shown(world: &World, cluster: &Cluster, include: &[String]) -> Value {
    let wants = |what: &str| include.iter().any(|word| word == what);
    let status = match cluster {
        c if c.deleted.is_some() => "INACTIVE",
        c if c.ready_at > world.now => "PROVISIONING",
        _ => "ACTIVE",
    };
    let tasks = world.ecs.tasks.values().filter(|task| task.cluster == cluster.name);
    let states: Vec<&str> = tasks.map(|task| task.status(world.now)).collect();
    let services = world.ecs.services.values().filter(|s| s.cluster == cluster.name && s.draining_at.is_none());
    let mut out = json!({
        "clusterArn": cluster.arn,
        "clusterName": cluster.name,
        "status": status,
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": states.iter().filter(|state| **state == "RUNNING").count(),
        "pendingTasksCount": states.iter().filter(|state| matches!(**state, "PROVISIONING" | "PENDING" | "ACTIVATING")).count(),
        "activeServicesCount": services.count(),
        "statistics": [],
        "tags": if wants("TAGS") { tags::lower(&cluster.tags) } else { json!([]) },
        "settings": if wants("SETTINGS") { json!([{ "name": "containerInsights", "value": cluster.insights }]) } else { json!([]) },
        "capacityProviders": cluster.capacity_providers,
        "defaultCapacityProviderStrategy": cluster.strategy,
    });
    if let Some(namespace) = &cluster.namespace {
        out["serviceConnectDefaults"] = json!({ "namespace": namespace });
    }
    if let Some(configuration) = cluster.configuration.as_ref().filter(|_| wants("CONFIGURATIONS")) {
        out["configuration"] = configuration.clone();
    }
    out
}

/// What a service or a task of this cluster is told when its launch cannot be modelled.
pub(super) fn fargate_only(call: &Call) -> Result<(), Fault> {
    match call.opt("launchType").as_deref() {
        None if !call.list("capacityProviderStrategy").is_empty() => Ok(()),
        Some("FARGATE") if call.list("capacityProviderStrategy").is_empty() => Ok(()),
        Some("FARGATE") => Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        _ => Err(client("the sandbox has no container instances: only the launch type FARGATE is modelled")),
    }
}
