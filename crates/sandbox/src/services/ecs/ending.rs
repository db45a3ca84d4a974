//! How a task ends that does not run on: what is missing when it starts, and what the world's faults ask for (catalogue, sections 9.2 to 9.4 and 18.3).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::{self, TaskDefinition};
use super::task::Task;
use super::{outside, workload};
use crate::call::text;
use crate::services::efs::{self, Mount};
use crate::services::secretsmanager;
use crate::world::World;

/// AWS's words for an end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) stop_code: String,
    pub(crate) reason: String,
    /// Of the container, which never started when there is none.
    pub(crate) exit_code: Option<i64>,
    /// Of the container, where it differs from the task's.
    pub(crate) container_reason: Option<String>,
    /// The load balancer sees it first, and says this of its checks.
    #[serde(default)]
    pub(crate) checks: Option<String>,
}

impl Ending {
    /// It never ran.
    fn at_start(reason: String) -> Self {
        Self {
            stop_code: "TaskFailedToStart".into(),
            container_reason: Some(reason.clone()),
            reason,
            exit_code: None,
            checks: None,
        }
    }

    fn exited(code: i64, container_reason: Option<&str>) -> Self {
        Self {
            stop_code: "EssentialContainerExited".into(),
            reason: "Essential container in task exited".into(),
            exit_code: Some(code),
            container_reason: container_reason.map(str::to_owned),
            checks: None,
        }
    }

    /// The service's scheduler stopped it with SIGTERM.
    fn unhealthy(reason: String, checks: Option<&str>) -> Self {
        Self {
            stop_code: "ServiceSchedulerInitiated".into(),
            reason,
            exit_code: Some(143),
            container_reason: None,
            checks: checks.map(str::to_owned),
        }
    }

    /// Whether the task ran before.
    pub(super) fn after_start(&self) -> bool {
        self.exit_code.is_some()
    }

    /// The first words of the reason, as service events have them.
    pub(super) fn brief(&self) -> &str {
        self.reason.split([':', '.']).next().unwrap_or_default()
    }
}

/// What a task meets at its start: an end that was asked for, or something that it needs and that is not there.
pub(super) fn of(world: &World, task: &Task) -> Option<Ending> {
    let definition = definition::find(world, &task.definition)?;
    let workload = workload::of(world, &task.definition);
    let asked = task.failure.as_deref().or(workload.and_then(|workload| workload.ends.as_deref()));
    let ending = match asked {
        Some(asked) => on_demand(world, task, definition, asked),
        None => return missing(world, definition).or_else(|| cannot_mount(world, task, definition)),
    };
    let code = workload.and_then(|workload| workload.exit_code).filter(|_| asked == Some("exited"));
    Some(Ending { exit_code: code.or(ending.exit_code), ..ending })
}

fn on_demand(world: &World, task: &Task, definition: &TaskDefinition, asked: &str) -> Ending {
    let of_first = |key: &str| definition.containers().first().and_then(|container| text(&container[key])).unwrap_or_default();
    match asked {
        "image" => no_image(&of_first("image")),
        "secret" => no_secret("ResourceNotFoundException: Secrets Manager can't find the specified secret."),
        "secret-key" => no_secret("retrieved secret from Secrets Manager did not contain json key"),
        "log-group" => no_log_group(),
        "role" => no_role(&text(&definition.body["executionRoleArn"]).unwrap_or_default()),
        "capacity" => Ending::at_start(
            "Capacity is unavailable at this time. Please try again later or in a different availability zone".into(),
        ),
        "out-of-memory" => Ending::exited(137, Some("OutOfMemoryError: Container killed due to memory usage")),
        // Nobody looks at the health of a task that belongs to no service.
        "health-checks" if task.service.is_some() => Ending::unhealthy("Task failed container health checks".into(), None),
        "elb-health-checks" | "port" | "slow-start" if task.service.is_some() => behind(world, task, "Health checks failed"),
        "health-404" if task.service.is_some() => behind(world, task, "Health checks failed with these codes: [404]"),
        "platform" => Ending::at_start(format!(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching platform '{}'",
            platform(definition)
        )),
        "no-route" => Ending::at_start(format!(
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. RequestError: send request failed caused by: Post \"https://api.ecr.{}.amazonaws.com/\": dial tcp 52.94.177.1:443: i/o timeout",
            world.region
        )),
        "secret-denied" => {
            let role = of_task(definition, "executionRoleArn");
            let role = role.rsplit('/').next().unwrap_or_default();
            no_secret(&format!(
                "AccessDeniedException: User: arn:aws:sts::{}:assumed-role/{role}/task is not authorized to perform: secretsmanager:GetSecretValue on resource: {} because no identity-based policy allows the secretsmanager:GetSecretValue action",
                world.account,
                of_first_secret(definition)
            ))
        }
        "command" => Ending::at_start(format!(
            "CannotStartContainerError: Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"{}\": executable file not found in $PATH: unknown",
            first_word(definition)
        )),
        "mount" => no_mount(efs::TIMED_OUT),
        "mount-name" => no_mount(&efs::unresolved(world, &of_first_volume(definition))),
        "mount-denied" => no_mount(efs::DENIED),
        _ => Ending::exited(1, None),
    }
}

/// The load balancer's checks fail, where there is one.
fn behind(world: &World, task: &Task, checks: &str) -> Ending {
    let group = outside::first_target_group(world, task).unwrap_or_default();
    Ending::unhealthy(format!("Task failed ELB health checks in (target-group {group})"), Some(checks))
}

fn platform(definition: &TaskDefinition) -> &'static str {
    if definition.body["runtimePlatform"]["cpuArchitecture"] == "ARM64" { "linux/arm64" } else { "linux/amd64" }
}

fn of_task(definition: &TaskDefinition, key: &str) -> String {
    text(&definition.body[key]).unwrap_or_default()
}

fn of_first_secret(definition: &TaskDefinition) -> String {
    definition.containers().first().and_then(|container| text(&container["secrets"][0]["valueFrom"])).unwrap_or_default()
}

fn of_first_volume(definition: &TaskDefinition) -> String {
    text(&definition.body["volumes"][0]["efsVolumeConfiguration"]["fileSystemId"]).unwrap_or_default()
}

fn first_word(definition: &TaskDefinition) -> String {
    let words = |key: &str| definition.containers().first().and_then(|container| text(&container[key][0]));
    words("entryPoint").or_else(|| words("command")).unwrap_or_else(|| "start".into())
}

/// What Fargate looks for in this order: roles, secrets, log groups, images.
fn missing(world: &World, definition: &TaskDefinition) -> Option<Ending> {
    let containers = definition.containers();
    for key in ["executionRoleArn", "taskRoleArn"] {
        if let Some(arn) = text(&definition.body[key]).filter(|arn| world.iam.role_by_arn(arn).is_none()) {
            return Some(no_role(&arn));
        }
    }
    let secrets = containers.iter().filter_map(|container| container["secrets"].as_array()).flatten();
    for from in secrets.filter_map(|secret| text(&secret["valueFrom"])) {
        if let Err(why) = readable(world, &from) {
            return Some(no_secret(why));
        }
    }
    if containers.iter().any(|container| log_group_missing(world, &container["logConfiguration"])) {
        return Some(no_log_group());
    }
    let images = containers.iter().filter_map(|container| text(&container["image"]));
    images.into_iter().find(|image| outside::image_missing(world, image)).map(|image| no_image(&image))
}

/// The last thing before the containers start.
fn cannot_mount(world: &World, task: &Task, definition: &TaskDefinition) -> Option<Ending> {
    let interface = world.ec2.interfaces.values().find(|interface| interface.owner == task.arn)?;
    let role = text(&definition.body["taskRoleArn"]);
    let by =
        Mount { subnet: &interface.subnet, groups: &interface.groups, address: &interface.private_ip, role: role.as_deref() };
    let volumes = definition.body["volumes"].as_array().into_iter().flatten();
    let why = volumes.filter_map(|volume| efs::cannot_mount(world, volume, &by)).next()?;
    Some(no_mount(&why))
}

/// `ARN` or `ARN:json-key:version-stage:version-id`; parameters of Systems Manager are not modelled and taken as they are.
fn readable(world: &World, from: &str) -> Result<(), &'static str> {
    if !from.contains(":secretsmanager:") {
        return Ok(());
    }
    let parts: Vec<&str> = from.split(':').collect();
    let arn = parts.get(..7).map_or_else(|| from.to_owned(), |arn| arn.join(":"));
    let part = |at: usize| parts.get(at).copied().filter(|part| !part.is_empty());
    let secret = secretsmanager::find(world, &arn);
    let secret = secret.ok_or("ResourceNotFoundException: Secrets Manager can't find the specified secret.")?;
    if secret.deleted.is_some() {
        return Err(
            "InvalidRequestException: You can't perform this operation on the secret because it was marked for deletion.",
        );
    }
    let version = match part(9) {
        Some(id) => secret.versions.get(id),
        None => secret.version_at(part(8).unwrap_or(secretsmanager::CURRENT)).map(|(_, version)| version),
    };
    let version = version.ok_or(
        "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )?;
    let Some(key) = part(7) else { return Ok(()) };
    let value: Option<Value> = version.string.as_deref().and_then(|text| serde_json::from_str(text).ok());
    if value.is_some_and(|value| value.get(key).is_some()) {
        Ok(())
    } else {
        Err("retrieved secret from Secrets Manager did not contain json key")
    }
}

fn log_group_missing(world: &World, log: &Value) -> bool {
    let options = &log["options"];
    // The task makes it itself, given the right to.
    let made = options["awslogs-create-group"] == "true";
    let here = options["awslogs-region"] == world.region.as_str();
    log["logDriver"] == "awslogs"
        && here
        && !made
        && text(&options["awslogs-group"]).is_some_and(|name| !world.logs.groups.contains_key(&name))
}

fn no_image(image: &str) -> Ending {
    Ending::at_start(format!(
        "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref {image}: {image}: not found"
    ))
}

fn no_secret(why: &str) -> Ending {
    Ending::at_start(format!(
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret from asm: service call has been retried 1 time(s): {why}"
    ))
}

fn no_log_group() -> Ending {
    Ending::at_start(
        "ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1".into(),
    )
}

fn no_mount(why: &str) -> Ending {
    Ending::at_start(format!(
        "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: {why} : unsuccessful EFS utils command execution; code: 32"
    ))
}

fn no_role(arn: &str) -> Ending {
    Ending::at_start(format!(
        "ECS was unable to assume the role '{arn}' that was provided for this task. Please verify that the role being passed has the proper trust relationship and permissions and that your IAM user has permissions to pass this role."
    ))
}
