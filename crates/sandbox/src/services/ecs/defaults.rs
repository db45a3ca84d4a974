//! A task definition as registered: checked as Fargate does, defaults filled in as AWS does (catalogue, section 9.2).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{client, volumes};
use crate::call::{number, text};
use crate::fault::Fault;
use crate::world::World;

const KNOWN: &[&str] = &[
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "placementConstraints",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "tags",
    "pidMode",
    "ipcMode",
    "proxyConfiguration",
    "inferenceAccelerators",
    "ephemeralStorage",
    "runtimePlatform",
    "enableFaultInjection",
    "trustedExecutionConfiguration",
];
/// On Fargate they are refused at registration.
const UNSUPPORTED: &[&str] = &[
    "links",
    "privileged",
    "hostname",
    "extraHosts",
    "dnsServers",
    "dnsSearchDomains",
    "dockerSecurityOptions",
    "disableNetworking",
];

pub(super) fn checked(world: &World, family: &str, input: &Value) -> Result<Value, Fault> {
    if !name_ok(family) {
        return Err(client("Family contains invalid characters."));
    }
    if let Some(key) = input.as_object().and_then(|map| map.keys().find(|key| !KNOWN.contains(&key.as_str()))) {
        return Err(client(format!("the sandbox does not know the parameter {key}")));
    }
    let containers = input["containerDefinitions"].as_array().filter(|list| !list.is_empty());
    let containers = containers.ok_or_else(|| client("Container list cannot be empty."))?;
    if containers.len() > 10 || input.to_string().len() > 64 * 1024 {
        return Err(client("Too many containers, or the task definition is larger than 64 KiB."));
    }
    let fargate = crate::call::strings(&input["requiresCompatibilities"]).iter().any(|kind| kind == "FARGATE");
    if !fargate {
        return Err(client("the sandbox models task definitions with requiresCompatibilities FARGATE only"));
    }
    if input["networkMode"] != "awsvpc" {
        return Err(client("Fargate only supports network mode 'awsvpc'."));
    }
    size(input)?;
    roles(world, input, containers)?;
    let mut body = Map::new();
    let names: BTreeSet<String> = containers.iter().filter_map(|container| text(&container["name"])).collect();
    if names.len() != containers.len() {
        return Err(client("Container names must be given and unique within a task definition."));
    }
    let (mut definitions, mut port_names) = (Vec::new(), BTreeSet::new());
    for definition in containers {
        definitions.push(container(definition, &names, &mut port_names, input)?);
    }
    if !definitions.iter().any(|definition| definition["essential"] == true) {
        return Err(client("Invalid setting for container. At least one container must be essential."));
    }
    body.insert("containerDefinitions".into(), Value::Array(definitions));
    for key in [
        "taskRoleArn",
        "executionRoleArn",
        "networkMode",
        "pidMode",
        "ipcMode",
        "proxyConfiguration",
        "ephemeralStorage",
        "runtimePlatform",
        "enableFaultInjection",
    ] {
        if let Some(value) = input.get(key).filter(|value| !value.is_null()) {
            body.insert(key.into(), value.clone());
        }
    }
    if let Some(gib) = number(&input["ephemeralStorage"]["sizeInGiB"]).filter(|gib| !(21..=200).contains(gib)) {
        return Err(client(format!("Ephemeral storage size {gib} is not between 21 and 200 GiB.")));
    }
    body.insert("volumes".into(), volumes::checked(input)?);
    body.insert("placementConstraints".into(), json!([]));
    body.insert("compatibilities".into(), json!(["EC2", "FARGATE"]));
    body.insert(
        "requiresAttributes".into(),
        json!([{ "name": "com.amazonaws.ecs.capability.docker-remote-api.1.18" }, { "name": "ecs.capability.task-eni" }]),
    );
    body.insert("requiresCompatibilities".into(), input["requiresCompatibilities"].clone());
    body.insert("cpu".into(), json!(text(&input["cpu"])));
    body.insert("memory".into(), json!(text(&input["memory"])));
    Ok(body.into())
}

fn name_ok(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// The pairs that Fargate has: cpu units, then smallest, largest and step of the memory in MiB.
fn size(input: &Value) -> Result<(), Fault> {
    let need = |key: &str| {
        let value =
            text(&input[key]).ok_or_else(|| client(format!("Fargate requires that '{key}' be defined at the task level.")))?;
        value.parse::<u32>().map_err(|_| client(format!("Invalid '{key}' setting for task.")))
    };
    let (cpu, memory) = (need("cpu")?, need("memory")?);
    let (least, most, step) = match cpu {
        256 if memory == 512 => return Ok(()),
        256 => (1024, 2048, 1024),
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16384, 1024),
        4096 => (8192, 30720, 1024),
        8192 => (16384, 61440, 4096),
        16384 => (32768, 122_880, 8192),
        _ => (1, 0, 1),
    };
    if (least..=most).contains(&memory) && memory % step == 0 {
        return Ok(());
    }
    Err(client("No Fargate configuration exists for given values. See the Amazon ECS documentation for the valid values."))
}

fn roles(world: &World, input: &Value, containers: &[Value]) -> Result<(), Fault> {
    for key in ["taskRoleArn", "executionRoleArn"] {
        if let Some(arn) = text(&input[key]) {
            let trusted =
                world.iam.role_by_arn(&arn).is_some_and(|role| role.trust.to_string().contains("ecs-tasks.amazonaws.com"));
            if !trusted {
                return Err(client("Role is not valid"));
            }
        }
    }
    if text(&input["executionRoleArn"]).is_some() {
        return Ok(());
    }
    for container in containers {
        if container["secrets"].as_array().is_some_and(|secrets| !secrets.is_empty()) {
            return Err(client(
                "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
            ));
        }
        if container["logConfiguration"]["logDriver"] == "awslogs" {
            return Err(client("Fargate requires task definition to have execution role ARN to support log driver awslogs."));
        }
        if text(&container["image"]).is_some_and(|image| image.contains(".dkr.ecr.")) {
            return Err(client("Fargate requires task definition to have execution role ARN to support ECR images."));
        }
    }
    Ok(())
}

fn container(given: &Value, names: &BTreeSet<String>, port_names: &mut BTreeSet<String>, input: &Value) -> Result<Value, Fault> {
    let mut out = given.as_object().cloned().ok_or_else(|| client("Invalid container definition."))?;
    let name = text(&given["name"]).unwrap_or_default();
    if !name_ok(&name) {
        return Err(client("Container name contains invalid characters."));
    }
    if text(&given["image"]).is_none_or(|image| image.is_empty() || image.contains(char::is_whitespace)) {
        return Err(client("Container.image should not be null or empty."));
    }
    for key in UNSUPPORTED {
        let used = match &given[*key] {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => true,
        };
        if used {
            return Err(client(format!("Fargate compatible task definitions do not support '{key}'.")));
        }
    }
    for (key, limit) in [("memory", "memory"), ("memoryReservation", "memory"), ("cpu", "cpu")] {
        let over = number(&given[key]).zip(number(&input[limit])).is_some_and(|(container, task)| container > task);
        if over {
            return Err(client(format!("Invalid setting for container '{name}'. '{key}' is larger than the task's.")));
        }
    }
    out.insert("portMappings".into(), ports(given, &name, port_names)?);
    let defaults = [
        ("essential", json!(true)),
        ("cpu", json!(0)),
        ("environment", json!([])),
        ("mountPoints", json!([])),
        ("volumesFrom", json!([])),
        ("systemControls", json!([])),
    ];
    for (key, value) in defaults {
        if out.get(key).is_none_or(Value::is_null) {
            out.insert(key.into(), value);
        }
    }
    // ECS gives lists of names in its own order.
    for key in ["environment", "secrets"] {
        if let Some(Value::Array(items)) = out.get_mut(key) {
            items.sort_by_key(|item| text(&item["name"]));
        }
    }
    if given["secrets"].as_array().is_some_and(Vec::is_empty) {
        out.remove("secrets");
    }
    let environment: BTreeSet<String> =
        given["environment"].as_array().into_iter().flatten().filter_map(|item| text(&item["name"])).collect();
    for secret in given["secrets"].as_array().into_iter().flatten() {
        let (Some(key), Some(_)) = (text(&secret["name"]), text(&secret["valueFrom"])) else {
            return Err(client("Secrets need a name and a valueFrom."));
        };
        if environment.contains(&key) {
            return Err(client(format!(
                "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{key}'."
            )));
        }
    }
    if let Some(check) = out.get_mut("healthCheck").filter(|check| check.is_object()) {
        health_check(check, &name)?;
    }
    if number(&given["stopTimeout"]).is_some_and(|seconds| !(0..=120).contains(&seconds))
        || number(&given["startTimeout"]).is_some_and(|seconds| !(0..=120).contains(&seconds))
    {
        return Err(client("Fargate supports stopTimeout and startTimeout of at most 120 seconds."));
    }
    depends_on(given, names, input)?;
    log_configuration(given)?;
    Ok(out.into())
}

fn ports(given: &Value, name: &str, port_names: &mut BTreeSet<String>) -> Result<Value, Fault> {
    let mut out = Vec::new();
    for mapping in given["portMappings"].as_array().into_iter().flatten() {
        let mut mapping = mapping.clone();
        let port = number(&mapping["containerPort"])
            .filter(|port| (1..=65535).contains(port) || !mapping["containerPortRange"].is_null());
        let port = port.ok_or_else(|| client(format!("Invalid 'containerPort' setting for container '{name}'")))?;
        match number(&mapping["hostPort"]) {
            None | Some(0) => mapping["hostPort"] = json!(port),
            Some(host) if host == port => {}
            Some(_) => {
                return Err(client("When networkMode=awsvpc, the host ports and container ports in port mappings must match."));
            }
        }
        if mapping["protocol"].is_null() {
            mapping["protocol"] = json!("tcp");
        }
        if let Some(name) = text(&mapping["name"]) {
            let ok =
                name.len() <= 64 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_');
            if !ok || !port_names.insert(name) {
                return Err(client("Port mapping names must be unique and contain lower-case letters, digits, - and _ only."));
            }
        }
        if text(&mapping["appProtocol"]).is_some_and(|protocol| !["http", "http2", "grpc"].contains(&protocol.as_str())) {
            return Err(client("Invalid 'appProtocol'."));
        }
        out.push(mapping);
    }
    Ok(out.into())
}

fn health_check(check: &mut Value, name: &str) -> Result<(), Fault> {
    let command = crate::call::strings(&check["command"]);
    if !matches!(command.first().map(String::as_str), Some("CMD" | "CMD-SHELL" | "NONE")) {
        return Err(client(format!("Invalid health check command for container '{name}'.")));
    }
    for (key, default, least, most) in [("interval", 30, 5, 300), ("timeout", 5, 2, 60), ("retries", 3, 1, 10)] {
        let value = number(&check[key]).unwrap_or(default);
        if !(least..=most).contains(&value) {
            return Err(client(format!("Invalid health check {key}: {value} is not between {least} and {most}.")));
        }
        check[key] = json!(value);
    }
    if number(&check["startPeriod"]).is_some_and(|seconds| !(0..=300).contains(&seconds)) {
        return Err(client("Invalid health check startPeriod: it must be between 0 and 300."));
    }
    Ok(())
}

fn depends_on(given: &Value, names: &BTreeSet<String>, input: &Value) -> Result<(), Fault> {
    for dependency in given["dependsOn"].as_array().into_iter().flatten() {
        let name = text(&dependency["containerName"]).unwrap_or_default();
        if !names.contains(&name) {
            return Err(client(format!("Container '{name}' in dependsOn does not exist.")));
        }
        let target =
            input["containerDefinitions"].as_array().into_iter().flatten().find(|container| container["name"] == name.as_str());
        let target = target.unwrap_or(&Value::Null);
        let ok = match dependency["condition"].as_str() {
            Some("START") => true,
            Some("HEALTHY") => target["healthCheck"].is_object(),
            Some("COMPLETE" | "SUCCESS") => target["essential"] == false,
            _ => false,
        };
        if !ok {
            return Err(client(format!("Invalid dependsOn condition for container '{name}'.")));
        }
    }
    Ok(())
}

fn log_configuration(given: &Value) -> Result<(), Fault> {
    let log = &given["logConfiguration"];
    let driver = match log["logDriver"].as_str() {
        None if log.is_null() => return Ok(()),
        Some(driver) => driver,
        None => return Err(client("Log driver must be specified.")),
    };
    if !["awslogs", "splunk", "awsfirelens"].contains(&driver) {
        return Err(client(format!("Log driver '{driver}' is not supported by Fargate.")));
    }
    let needed = ["awslogs-group", "awslogs-region", "awslogs-stream-prefix"];
    if driver == "awslogs" && needed.iter().any(|key| log["options"][*key].is_null()) {
        return Err(client("Log driver awslogs requires options: awslogs-group, awslogs-region, awslogs-stream-prefix"));
    }
    Ok(())
}
