//! One task: a state derived from times, and one network interface that outlives it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::ending::Ending;
use super::{definition, outside, short};
use crate::call::strings;
use crate::clock::{Millis, epoch};
use crate::faults::FailureKind;
use crate::latency;
use crate::services::ec2;
use crate::services::failures::{self, Made};
use crate::tags::{self, Tags};
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) arn: String,
    pub(crate) cluster: String,
    /// ARN of the task definition's revision.
    pub(crate) definition: String,
    pub(crate) group: String,
    pub(crate) started_by: Option<String>,
    /// ARN of the service and id of the deployment it belongs to; none for one-off tasks.
    pub(crate) service: Option<String>,
    pub(crate) deployment: Option<String>,
    pub(crate) attachment: String,
    pub(crate) created: Millis,
    /// When its images are pulled: it runs from then on, or never.
    pub(crate) runs_at: Millis,
    pub(crate) pulled: bool,
    pub(crate) stopping_at: Option<Millis>,
    pub(crate) stopped_at: Option<Millis>,
    /// Target group, address, port.
    pub(crate) targets: Vec<(String, String, i64)>,
    /// Its interface is on the way out.
    pub(crate) released: bool,
    pub(crate) stop_code: Option<String>,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) exit_code: Option<i64>,
    /// How it is to end, in the words of a faults file.
    #[serde(default)]
    pub(crate) failure: Option<String>,
    /// How it ends and when, known once it runs.
    #[serde(default)]
    pub(crate) ends: Option<(Millis, Ending)>,
    #[serde(default)]
    pub(crate) container_reason: Option<String>,
    pub(crate) network: Value,
    pub(crate) overrides: Value,
    pub(crate) execute_command: bool,
    pub(crate) tags: Tags,
}

impl Task {
    pub(crate) fn status(&self, now: Millis) -> &'static str {
        match self {
            task if task.stopped_at.is_some_and(|at| at <= now) => "STOPPED",
            task if task.stopping_at.is_some_and(|at| at <= now) => "DEPROVISIONING",
            task if task.pulled => "RUNNING",
            task if now >= task.created + 5 * latency::SECOND => "PENDING",
            _ => "PROVISIONING",
        }
    }

    /// On the way out by an end of its own.
    pub(super) fn end(&mut self, at: Millis, stopped_at: Millis, ending: &Ending) {
        self.exit_code = ending.exit_code;
        self.container_reason.clone_from(&ending.container_reason);
        self.leave(at, stopped_at, &ending.stop_code, &ending.reason);
    }

    /// On the way out from `at` on; what is already leaving keeps its reason.
    pub(super) fn leave(&mut self, at: Millis, stopped_at: Millis, code: &str, reason: &str) {
        if self.stopping_at.is_none() {
            self.stopping_at = Some(at);
            self.stopped_at = Some(stopped_at);
            self.stop_code = Some(code.into());
            self.stopped_reason = Some(reason.into());
        }
    }
}

/// What a new task is made from.
pub(super) struct Launch<'a> {
    pub(super) cluster: &'a str,
    pub(super) definition: &'a str,
    pub(super) group: String,
    pub(super) started_by: Option<String>,
    /// Service and deployment.
    pub(super) service: Option<(&'a str, &'a str)>,
    pub(super) network: &'a Value,
    pub(super) overrides: Value,
    pub(super) execute_command: bool,
    pub(super) tags: Tags,
    /// How its deployment's tasks are to end.
    pub(super) failure: Option<String>,
}

pub(super) fn start(world: &mut World, launch: Launch<'_>) -> String {
    let id = world.hex();
    let arn = world.arn("ecs", &format!("task/{}/{id}", launch.cluster));
    let attachment = world.hex();
    let attachment = world.arn("ecs", &format!("attachment/{}", uuid(&attachment)));
    let vpc = &launch.network["awsvpcConfiguration"];
    // Tasks are spread over their subnets.
    let subnets = strings(&vpc["subnets"]);
    let subnet = subnets.get(world.ecs.tasks.len() % subnets.len().max(1)).cloned().unwrap_or_default();
    let public = vpc["assignPublicIp"] == "ENABLED";
    let groups = outside::groups_or_default(world, &subnet, strings(&vpc["securityGroups"]));
    ec2::attach(world, &arn, &attachment, &subnet, &groups, public);
    let mut network = launch.network.clone();
    network["subnet"] = json!(subnet);
    let failure = failure(world, &launch);
    let task = Task {
        arn: arn.clone(),
        cluster: launch.cluster.into(),
        definition: launch.definition.into(),
        group: launch.group,
        started_by: launch.started_by,
        service: launch.service.map(|(service, _)| service.to_owned()),
        deployment: launch.service.map(|(_, deployment)| deployment.to_owned()),
        attachment,
        created: world.now,
        runs_at: world.now + latency::TASK_RUNNING.of(world, &id),
        pulled: false,
        stopping_at: None,
        stopped_at: None,
        targets: Vec::new(),
        released: false,
        stop_code: None,
        stopped_reason: None,
        exit_code: None,
        failure,
        ends: None,
        container_reason: None,
        network,
        overrides: launch.overrides,
        execute_command: launch.execute_command,
        tags: launch.tags,
    };
    world.ecs.tasks.insert(arn.clone(), task);
    arn
}

/// What the next task is to fail for: its deployment's failure, or one of its own.
fn failure(world: &mut World, launch: &Launch<'_>) -> Option<String> {
    let family = short(launch.definition).split(':').next().unwrap_or_default().to_owned();
    let nth = world.ecs.tasks_made.entry(family.clone()).or_default();
    *nth += 1;
    let made = Made { kind: FailureKind::Task, name: &family, tags: &launch.tags, nth: *nth };
    launch.failure.clone().or_else(|| failures::asked(world, &made))
}

pub(super) fn uuid(hex: &str) -> String {
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

pub(super) fn shown(world: &World, task: &Task, with_tags: bool) -> Value {
    let status = task.status(world.now);
    let leaving = task.stopping_at.is_some_and(|at| at <= world.now);
    let interface = world.ec2.interfaces.values().find(|interface| interface.owner == task.arn);
    let definition = definition::find(world, &task.definition);
    let containers = definition.map(|d| d.containers()).unwrap_or_default().iter().map(|container| {
        let mut out = json!({
            "containerArn": world.arn("ecs", &format!("container/{}", super::short(&task.arn))),
            "taskArn": task.arn,
            "name": container["name"],
            "image": container["image"],
            "lastStatus": if status == "DEPROVISIONING" { "STOPPED" } else if status == "PROVISIONING" { "PENDING" } else { status },
            "networkBindings": [],
            "networkInterfaces": [],
            "healthStatus": if status == "RUNNING" && container["healthCheck"].is_object() { "HEALTHY" } else { "UNKNOWN" },
            "cpu": container["cpu"].to_string(),
        });
        if let Some(code) = task.exit_code.filter(|_| leaving) {
            out["exitCode"] = json!(code);
        }
        if let Some(reason) = task.container_reason.as_ref().filter(|_| leaving) {
            out["reason"] = json!(reason);
        }
        out
    });
    let details = interface.map(|interface| json!([{ "name": "subnetId", "value": interface.subnet }, { "name": "networkInterfaceId", "value": interface.id }, { "name": "privateIPv4Address", "value": interface.private_ip }]));
    let body = definition.map_or(&Value::Null, |definition| &definition.body);
    let attachment = json!([{
        "id": super::short(&task.attachment),
        "type": "ElasticNetworkInterface",
        "status": if status == "STOPPED" { "DELETED" } else { "ATTACHED" },
        "details": details.unwrap_or_else(|| json!([{ "name": "subnetId", "value": task.network["subnet"] }])),
    }]);
    let mut out = json!({
        "taskArn": task.arn,
        "clusterArn": world.arn("ecs", &format!("cluster/{}", task.cluster)),
        "taskDefinitionArn": task.definition,
        "attachments": attachment,
        "containers": containers.collect::<Value>(),
        "connectivity": if task.pulled { "CONNECTED" } else { "DISCONNECTED" },
        "cpu": body["cpu"],
        "memory": body["memory"],
        "createdAt": epoch(task.created),
        "desiredStatus": if leaving { "STOPPED" } else { "RUNNING" },
        "lastStatus": status,
        "enableExecuteCommand": task.execute_command,
        "group": task.group,
        "healthStatus": "UNKNOWN",
        "launchType": "FARGATE",
        "overrides": task.overrides,
        "platformVersion": "1.4.0",
        "platformFamily": "Linux",
        "version": 1,
        "tags": if with_tags { tags::lower(&task.tags) } else { json!([]) },
    });
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            out[key] = value;
        }
    };
    set("startedBy", task.started_by.as_ref().map(|by| json!(by)));
    set("startedAt", task.pulled.then(|| epoch(task.runs_at)));
    if leaving {
        set("stoppingAt", task.stopping_at.map(epoch));
        set("stopCode", task.stop_code.as_ref().map(|code| json!(code)));
        set("stoppedReason", task.stopped_reason.as_ref().map(|reason| json!(reason)));
        set("stoppedAt", task.stopped_at.filter(|at| *at <= world.now).map(epoch));
    }
    out
}
