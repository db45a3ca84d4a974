//! A service's settings: checked against the rest of the world, defaults filled in.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition::TaskDefinition;
use super::{client, invalid, outside};
use crate::call::{Call, flag, number, strings, text};
use crate::fault::Fault;
use crate::services::servicediscovery;
use crate::world::World;

/// What `CreateService` takes and `DescribeServices` gives back as it is; the rest has its own place.
const ECHOED: &[&str] = &[
    "launchType",
    "capacityProviderStrategy",
    "loadBalancers",
    "serviceRegistries",
    "placementConstraints",
    "placementStrategy",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
    "platformVersion",
    "schedulingStrategy",
    "deploymentController",
];

/// What changes a running task, so that `UpdateService` starts a deployment (section 9.3).
pub(super) const DEPLOYED: &[&str] =
    &["networkConfiguration", "loadBalancers", "serviceRegistries", "platformVersion", "capacityProviderStrategy"];

/// The settings of `base` (none: a new service) with those of the request.
pub(super) fn merged(world: &World, call: &Call, base: Option<&Value>, definition: &TaskDefinition) -> Result<Value, Fault> {
    let mut out = base.cloned().unwrap_or_else(|| {
        json!({
            "platformVersion": "LATEST",
            "platformFamily": "Linux",
            "loadBalancers": [],
            "serviceRegistries": [],
            "placementConstraints": [],
            "placementStrategy": [],
            "schedulingStrategy": "REPLICA",
            "deploymentController": { "type": "ECS" },
            "enableECSManagedTags": false,
            "propagateTags": "NONE",
            "enableExecuteCommand": false,
            "availabilityZoneRebalancing": "ENABLED",
            "deploymentConfiguration": {
                "deploymentCircuitBreaker": { "enable": false, "rollback": false },
                "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0,
            },
        })
    });
    for key in ECHOED {
        if let Some(value) = call.input.get(*key).filter(|value| !value.is_null()) {
            out[*key] = value.clone();
        }
    }
    if out["schedulingStrategy"] != "REPLICA" || out["deploymentController"]["type"] != "ECS" {
        return Err(invalid("the sandbox models REPLICA services with the deployment controller ECS only"));
    }
    if !["NONE", "SERVICE", "TASK_DEFINITION"].iter().any(|value| out["propagateTags"] == *value) {
        return Err(invalid("Invalid propagateTags"));
    }
    for (key, value) in call.input["deploymentConfiguration"].as_object().into_iter().flatten() {
        out["deploymentConfiguration"][key] = value.clone();
    }
    let percent = |key: &str| number(&out["deploymentConfiguration"][key]).unwrap_or_default();
    if percent("maximumPercent") < 100 || percent("maximumPercent") <= percent("minimumHealthyPercent") {
        return Err(invalid("maximumPercent must be at least 100 and larger than minimumHealthyPercent."));
    }
    if let Some(given) = call.input.get("networkConfiguration").filter(|value| !value.is_null()) {
        out["networkConfiguration"] = network(world, given)?;
    } else if base.is_none() {
        network(world, &Value::Null)?;
    }
    let fresh = base.is_none() || !call.list("loadBalancers").is_empty();
    load_balancers(world, &mut out, definition, fresh)?;
    Ok(out)
}

/// Fargate needs subnets; `assignPublicIp` is off unless asked for.
pub(super) fn network(world: &World, given: &Value) -> Result<Value, Fault> {
    let vpc = &given["awsvpcConfiguration"];
    if vpc.is_null() {
        return Err(invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified."));
    }
    let (subnets, groups) = (strings(&vpc["subnets"]), strings(&vpc["securityGroups"]));
    if subnets.is_empty() {
        return Err(invalid("subnets can not be empty."));
    }
    if subnets.len() > 16 || groups.len() > 5 {
        return Err(invalid("subnets can have at most 16 items, securityGroups at most 5."));
    }
    outside::network_exists(world, &subnets, &groups)?;
    let public = text(&vpc["assignPublicIp"]).unwrap_or_else(|| "DISABLED".into());
    Ok(json!({ "awsvpcConfiguration": { "subnets": subnets, "securityGroups": groups, "assignPublicIp": public } }))
}

fn load_balancers(world: &World, out: &mut Value, definition: &TaskDefinition, fresh: bool) -> Result<(), Fault> {
    let balancers = out["loadBalancers"].as_array().cloned().unwrap_or_default();
    for balancer in &balancers {
        let (name, port) = (text(&balancer["containerName"]).unwrap_or_default(), number(&balancer["containerPort"]));
        let container = definition.containers().iter().find(|container| container["name"] == name.as_str());
        let container =
            container.ok_or_else(|| invalid(format!("The container {name} does not exist in the task definition.")))?;
        let mapped =
            container["portMappings"].as_array().into_iter().flatten().any(|mapping| number(&mapping["containerPort"]) == port);
        if port.is_none() || !mapped {
            return Err(invalid(format!(
                "The container {name} did not have a container port {} defined.",
                port.unwrap_or_default()
            )));
        }
        let arn = text(&balancer["targetGroupArn"]).ok_or_else(|| invalid("targetGroupArn must be specified."))?;
        // Later changes of another kind do not look at the group again, so that a service can be scaled to 0 after its listener went.
        if fresh {
            outside::target_group_usable(world, &arn)?;
        }
    }
    match (balancers.is_empty(), out["healthCheckGracePeriodSeconds"].is_null()) {
        (true, false) if out["healthCheckGracePeriodSeconds"] != 0 => {
            Err(invalid("Health check grace period is only valid for services configured to use load balancers"))
        }
        (false, true) => {
            out["healthCheckGracePeriodSeconds"] = json!(0);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Service Connect of a service: the configuration as given back, its namespace's id and the discovery names.
#[derive(Clone, Debug, Default)]
pub(super) struct Connect {
    pub(super) configuration: Option<Value>,
    pub(super) namespace: Option<String>,
    pub(super) names: Vec<String>,
}

pub(super) fn connect(
    world: &World,
    given: &Value,
    default: Option<&str>,
    owner: &str,
    definition: &TaskDefinition,
) -> Result<Connect, Fault> {
    if given.is_null() {
        return Ok(Connect::default());
    }
    if !flag(&given["enabled"]).unwrap_or(false) {
        return Ok(Connect { configuration: Some(json!({ "enabled": false })), ..Connect::default() });
    }
    let wanted = text(&given["namespace"]).or_else(|| default.map(str::to_owned));
    let wanted = wanted.ok_or_else(|| invalid("Service Connect needs a namespace, as the cluster has no default one."))?;
    let namespace = servicediscovery::namespace(world, &wanted);
    let namespace = namespace.ok_or_else(|| Fault::new("NamespaceNotFoundException", "The specified namespace wasn't found."))?;
    let mut configuration = given.clone();
    configuration["namespace"] = json!(wanted);
    let (mut names, mut aliases) = (Vec::new(), BTreeSet::new());
    let ports: Vec<String> = definition
        .containers()
        .iter()
        .filter_map(|container| container["portMappings"].as_array())
        .flatten()
        .filter_map(|mapping| text(&mapping["name"]))
        .collect();
    for service in given["services"].as_array().into_iter().flatten() {
        let port = text(&service["portName"]).unwrap_or_default();
        if !ports.contains(&port) {
            return Err(invalid(format!(
                "The portName '{port}' in the Service Connect configuration is not defined in the task definition."
            )));
        }
        let name = text(&service["discoveryName"]).unwrap_or_else(|| port.clone());
        if let Some(other) = servicediscovery::owner_of(world, &namespace.id, &name).filter(|other| *other != owner) {
            return Err(invalid(format!("The discovery name '{name}' is already used in the namespace by {other}.")));
        }
        let given = service["clientAliases"].as_array().filter(|list| !list.is_empty());
        if given.is_some_and(|list| list.len() > 1) {
            return Err(invalid("A Service Connect service can have at most one client alias."));
        }
        for alias in given.into_iter().flatten() {
            let alias = (text(&alias["dnsName"]).unwrap_or_else(|| format!("{name}.{}", namespace.name)), number(&alias["port"]));
            if alias.1.is_none() || !aliases.insert(alias.clone()) || alias_taken(world, &namespace.id, owner, &alias.0) {
                return Err(invalid(format!("The client alias '{}' is already used in the namespace, or has no port.", alias.0)));
            }
        }
        if names.contains(&name) {
            return Err(invalid(format!("The discovery name '{name}' is used twice.")));
        }
        names.push(name);
    }
    Ok(Connect { configuration: Some(configuration), namespace: Some(namespace.id.clone()), names })
}

fn alias_taken(world: &World, namespace: &str, owner: &str, dns_name: &str) -> bool {
    let others = world.ecs.services.values().filter(|s| s.arn != owner && s.draining_at.is_none());
    let others =
        others.filter(|s| s.connect_namespace.as_deref() == Some(namespace)).flat_map(|s| &s.deployments).filter(|d| d.primary);
    let services = others.filter_map(|d| d.connect.as_ref()?["services"].as_array()).flatten();
    let mut aliases = services.filter_map(|service| service["clientAliases"].as_array()).flatten();
    aliases.any(|alias| alias["dnsName"] == dns_name)
}

pub(super) fn checked_name(name: &str) -> Result<(), Fault> {
    let ok = (1..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if ok { Ok(()) } else { Err(invalid("Invalid service name")) }
}

/// The count of tasks of a request.
pub(super) fn checked_count(call: &Call) -> Result<Option<i64>, Fault> {
    match call.number("desiredCount") {
        Some(count) if !(0..=5000).contains(&count) => Err(client("desiredCount is out of range.")),
        count => Ok(count),
    }
}
