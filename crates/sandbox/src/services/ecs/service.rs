//! Services: what the calls change. What time changes is in `scheduler`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::definition::TaskDefinition;
use super::settings::Connect;
use super::{cluster, definition, invalid, outside, page, read_tags, scheduler, settings, short, shown};
use crate::call::{Call, text};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::faults::FailureKind;
use crate::latency;
use crate::services::failures::{self, Made};
use crate::services::{quotas, servicediscovery};
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) cluster: String,
    pub(crate) created: Millis,
    pub(crate) desired: i64,
    /// Everything that is given back as it is.
    pub(crate) settings: Value,
    /// The first one is PRIMARY.
    pub(crate) deployments: Vec<Deployment>,
    /// Newest first.
    pub(crate) events: Vec<(Millis, String)>,
    pub(crate) tags: Tags,
    /// The request that made it, client token included: a repeat of it is no error.
    pub(crate) request: Value,
    /// Id of Service Connect's namespace.
    pub(crate) connect_namespace: Option<String>,
    pub(crate) draining_at: Option<Millis>,
    pub(crate) gone_at: Option<Millis>,
    pub(crate) inactive_at: Option<Millis>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) primary: bool,
    /// ARN of the task definition's revision.
    pub(crate) definition: String,
    pub(crate) created: Millis,
    /// Its roll-out, or the roll-back to it, began.
    pub(crate) started: Millis,
    pub(crate) updated: Millis,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`.
    pub(crate) rollout: String,
    pub(crate) reason: String,
    pub(crate) failed_tasks: u32,
    /// Failures since the last task that came up.
    pub(crate) failures_in_a_row: u32,
    /// No new task before this.
    pub(crate) retry_at: Option<Millis>,
    pub(crate) network: Value,
    pub(crate) connect: Option<Value>,
    pub(crate) connect_resources: Value,
    /// How every one of its tasks ends, when that is asked for.
    #[serde(default)]
    pub(crate) failure: Option<String>,
}

pub(super) fn missing() -> Fault {
    Fault::new("ServiceNotFoundException", "Service not found.")
}

fn arn_of(world: &World, cluster: &str, reference: &str) -> String {
    world.arn("ecs", &format!("service/{cluster}/{}", short(reference)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?;
    let name = call.need("serviceName", "InvalidParameterException")?;
    settings::checked_name(&name)?;
    if call.opt("clientToken").is_some_and(|token| token.len() > 36 || !token.is_ascii()) {
        return Err(invalid("clientToken must have at most 36 ASCII characters."));
    }
    let desired =
        settings::checked_count(call)?.ok_or_else(|| invalid("desiredCount must be specified for REPLICA services."))?;
    let arn = arn_of(world, &cluster.name, &name);
    if let Some(existing) = world.ecs.services.get(&arn).filter(|service| service.inactive_at.is_none()) {
        if existing.draining_at.is_some() {
            return Err(invalid("Unable to Start a service that is still Draining."));
        }
        if existing.request != call.input {
            return Err(invalid("Creation of service was not idempotent."));
        }
        return Ok(json!({ "service": shown::service(world, existing, true) }).into());
    }
    let reference = call.need("taskDefinition", "InvalidParameterException")?;
    cluster::fargate_only(call)?;
    let definition = definition::usable(world, &reference)?.clone();
    let tags = read_tags(&call.input["tags"])?;
    let there = world.ecs.services.values().filter(|it| it.cluster == cluster.name && it.inactive_at.is_none());
    quotas::SERVICES.one_more(world, there.count())?;
    quotas::TASKS.at_most(world, desired.unsigned_abs())?;
    let settings = settings::merged(world, call, None, &definition)?;
    let given = &call.input["serviceConnectConfiguration"];
    let connect = settings::connect(world, given, cluster.namespace.as_deref(), &arn, &definition)?;
    let service = Service {
        name,
        arn: arn.clone(),
        cluster: cluster.name,
        created: world.now,
        desired,
        settings,
        deployments: Vec::new(),
        events: Vec::new(),
        tags,
        request: call.input.clone(),
        connect_namespace: None,
        draining_at: None,
        gone_at: None,
        inactive_at: None,
    };
    world.ecs.services.insert(arn.clone(), service);
    deploy(world, &arn, &definition, connect);
    answer(world, &arn)
}

/// Starts a deployment: it becomes PRIMARY, its tasks start, those before it stay until it is complete.
fn deploy(world: &mut World, arn: &str, definition: &TaskDefinition, connect: Connect) {
    let resources = match &connect.namespace {
        None => Vec::new(),
        Some(namespace) => connect
            .names
            .iter()
            .map(|name| json!({ "discoveryName": name, "discoveryArn": servicediscovery::register(world, namespace, name, arn) }))
            .collect(),
    };
    let gone = latency::DISCOVERY_SERVICE_GONE.of(world, arn);
    servicediscovery::unregister(world, arn, &connect.names, gone);
    let (id, now) = (format!("ecs-svc/{}", decimal(&world.hex())), world.now);
    let failure = failure(world, arn);
    let Some(service) = world.ecs.services.get_mut(arn) else { return };
    service.connect_namespace = connect.namespace;
    service.deployments.iter_mut().for_each(|deployment| deployment.primary = false);
    let deployment = Deployment {
        reason: format!("ECS deployment {id} in progress."),
        id,
        primary: true,
        definition: definition.arn.clone(),
        created: now,
        started: now,
        updated: now,
        rollout: "IN_PROGRESS".into(),
        failed_tasks: 0,
        failures_in_a_row: 0,
        retry_at: None,
        network: service.settings["networkConfiguration"].clone(),
        connect: connect.configuration,
        connect_resources: Value::Array(resources),
        failure,
    };
    service.deployments.insert(0, deployment);
    scheduler::reconcile(world, arn);
}

/// What the next deployment of a service is to fail for.
fn failure(world: &mut World, arn: &str) -> Option<String> {
    let nth = world.ecs.deployments_made.entry(arn.to_owned()).or_default();
    *nth += 1;
    let (nth, service) = (*nth, world.ecs.services.get(arn)?);
    let made = Made { kind: FailureKind::Deployment, name: &service.name, tags: &service.tags, nth };
    failures::asked(world, &made)
}

/// Nineteen digits, as ECS numbers its deployments.
fn decimal(hex: &str) -> String {
    let number = u64::from_str_radix(&hex[..15], 16).unwrap_or_default();
    format!("{:019}", number % 10_000_000_000_000_000_000)
}

fn answer(world: &World, arn: &str) -> Result<Reply, Fault> {
    let service = world.ecs.services.get(arn).ok_or_else(missing)?;
    Ok(json!({ "service": shown::service(world, service, true) }).into())
}

pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?;
    let wanted = call.strings("services");
    if wanted.is_empty() || wanted.len() > 10 {
        return Err(invalid("Services must have between 1 and 10 items."));
    }
    let tags = call.strings("include").iter().any(|what| what == "TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for reference in wanted {
        let arn = arn_of(world, &cluster.name, &reference);
        match world.ecs.services.get(&arn) {
            Some(service) => services.push(shown::service(world, service, tags)),
            None => failures.push(json!({ "arn": arn, "reason": "MISSING" })),
        }
    }
    Ok(json!({ "services": services, "failures": failures }).into())
}

/// The service of a request, with its cluster.
fn find(world: &World, call: &Call) -> Result<(Cluster, Service), Fault> {
    let cluster = cluster::active(world, call)?;
    let reference = call.need("service", "InvalidParameterException")?;
    let service = world.ecs.services.get(&arn_of(world, &cluster.name, &reference)).cloned();
    Ok((cluster, service.ok_or_else(missing)?))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (cluster, service) = find(world, call)?;
    if service.draining_at.is_some() {
        return Err(Fault::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    let (arn, now) = (service.arn, world.now);
    let desired = settings::checked_count(call)?;
    quotas::TASKS.at_most(world, desired.unwrap_or_default().unsigned_abs())?;
    let primary = service.deployments.first().cloned().ok_or_else(missing)?;
    let reference = call.opt("taskDefinition");
    let definition = match &reference {
        Some(reference) => definition::usable(world, reference)?.clone(),
        // An INACTIVE revision keeps working for the services that have it.
        None => definition::find(world, &primary.definition).ok_or_else(|| super::client("TaskDefinition not found."))?.clone(),
    };
    let merged = settings::merged(world, call, Some(&service.settings), &definition)?;
    let given = &call.input["serviceConnectConfiguration"];
    let wanted = if given.is_null() { primary.connect.clone().unwrap_or(Value::Null) } else { given.clone() };
    let connect = settings::connect(world, &wanted, cluster.namespace.as_deref(), &arn, &definition)?;
    let changed = definition.arn != primary.definition
        || call.flag("forceNewDeployment").unwrap_or(false)
        || connect.configuration != primary.connect
        || settings::DEPLOYED.iter().any(|key| merged[*key] != service.settings[*key]);
    if let Some(service) = world.ecs.services.get_mut(&arn) {
        service.settings = merged;
        service.desired = desired.unwrap_or(service.desired);
        if let Some(primary) = service.deployments.first_mut() {
            primary.updated = now;
        }
    }
    if changed {
        deploy(world, &arn, &definition, connect);
    } else {
        scheduler::reconcile(world, &arn);
    }
    answer(world, &arn)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (_, service) = find(world, call)?;
    if service.inactive_at.is_some() {
        return Err(missing());
    }
    if service.draining_at.is_some() {
        return answer(world, &service.arn);
    }
    if !call.flag("force").unwrap_or(false) {
        if service.desired > 0 {
            return Err(invalid("The service cannot be stopped while it is scaled above 0."));
        }
        if service.deployments.len() > 1 {
            return Err(invalid("The service cannot be stopped while deployments are active."));
        }
    }
    let now = world.now;
    let running = world.ecs.tasks.values().any(|task| task.service.as_ref() == Some(&service.arn) && task.stopping_at.is_none());
    // Targets leave the load balancer first (section 9.3).
    let groups = service.settings["loadBalancers"].as_array().into_iter().flatten().filter_map(|lb| text(&lb["targetGroupArn"]));
    let delay = groups.map(|group| outside::deregistration_delay(world, &group)).max().filter(|_| running).unwrap_or_default();
    let gone_at = now + latency::SERVICE_GONE.of(world, &service.arn) + delay;
    for task in world.ecs.tasks.values_mut().filter(|task| task.service.as_ref() == Some(&service.arn)) {
        let id = task.deployment.clone().unwrap_or_default();
        task.leave(now, gone_at, "ServiceSchedulerInitiated", &format!("Scaling activity initiated by (deployment {id})"));
    }
    outside::part_targets(world);
    if let Some(service) = world.ecs.services.get_mut(&service.arn) {
        service.desired = 0;
        service.draining_at = Some(now);
        service.gone_at = Some(gone_at);
    }
    answer(world, &service.arn)
}

/// DRAINING and INACTIVE ones are hidden; ten a page unless asked otherwise.
pub(super) fn list(world: &World, call: &Call) -> Result<Reply, Fault> {
    let cluster = cluster::active(world, call)?;
    let active = world.ecs.services.values().filter(|s| s.cluster == cluster.name && s.draining_at.is_none());
    page(call, "serviceArns", 10, active.map(|service| json!(service.arn)).collect())
}

pub(super) fn list_deployments(world: &World, call: &Call) -> Result<Reply, Fault> {
    let (_, service) = find(world, call)?;
    let briefs = service.deployments.iter().map(|deployment| shown::brief(world, &service, deployment));
    let wanted = call.strings("status");
    let briefs = briefs.filter(|brief| wanted.is_empty() || wanted.iter().any(|status| brief["status"] == status.as_str()));
    page(call, "serviceDeployments", 20, briefs.collect())
}
