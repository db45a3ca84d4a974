//! Every service key of the Compose Specification and what becomes of it. Nothing is dropped silently.
//!
//! Source: compose-spec/compose-spec, schema/compose-spec.json, definition `service`; what Fargate can do is from
//! the ECS documentation ("Task definition differences for Fargate").

use serde::Serialize;

use super::{secret_files, verdicts as by};
use crate::{compose::yaml::Node, project::Outcome};

/// What becomes of a key.
pub(crate) enum Rule {
    Mapped(&'static str),
    Ignored(&'static str),
    /// Has no counterpart and would change what the service does; the text is the fix.
    Refused(&'static str),
    /// The value decides; the text says how, for the documentation. The second node is the whole service.
    Depends(&'static str, fn(&Node, &Node) -> Outcome),
}

use Rule::{Depends, Ignored, Mapped, Refused};

const WHOLE_TASK: &str = "Fargate gives CPU by the whole task; set `cpu` in landing.toml";
const NO_HOST: &str = "there is no host to tune: each Fargate task has its own machine";
const LOCAL: &str = "only for running on your own machine";

pub(crate) const SERVICE_KEYS: [(&str, Rule); 94] = [
    ("annotations", Ignored("ECS has no container annotations")),
    ("attach", Ignored(LOCAL)),
    ("blkio_config", Ignored(NO_HOST)),
    ("build", Mapped("an image in ECR, built and pushed when its files change")),
    ("cap_add", Depends("SYS_PTRACE and what every container has are mapped, any other capability is refused", by::cap_add)),
    ("cap_drop", Mapped("linuxParameters.capabilities.drop")),
    ("cgroup", Ignored(NO_HOST)),
    ("cgroup_parent", Ignored(NO_HOST)),
    ("command", Mapped("the container's command")),
    ("configs", Depends("configs from files or with content belong into the image, others are refused", by::configs)),
    ("container_name", Ignored("tasks are named by ECS; other services reach it by its service name")),
    ("cpu_count", Ignored(WHOLE_TASK)),
    ("cpu_percent", Ignored(WHOLE_TASK)),
    ("cpu_period", Ignored(WHOLE_TASK)),
    ("cpu_quota", Ignored(WHOLE_TASK)),
    ("cpu_rt_period", Ignored(WHOLE_TASK)),
    ("cpu_rt_runtime", Ignored(WHOLE_TASK)),
    ("cpu_shares", Ignored(WHOLE_TASK)),
    ("cpus", Mapped("the task's cpu, rounded up to a Fargate size")),
    ("cpuset", Ignored(WHOLE_TASK)),
    ("credential_spec", Refused("it is for Windows containers; remove it")),
    ("depends_on", Mapped("the order in which services are started")),
    ("deploy", Mapped("replicas, resources and restart_policy; the rest is ECS's own rolling update")),
    ("develop", Ignored(LOCAL)),
    ("device_cgroup_rules", Refused("Fargate has no devices; remove it, or skip the service")),
    ("devices", Refused("Fargate has no devices; remove them, or skip the service")),
    ("dns", Refused("tasks use the VPC's resolver; remove it")),
    ("dns_opt", Refused("tasks use the VPC's resolver; remove it")),
    ("dns_search", Refused("tasks use the VPC's resolver; use full names and remove it")),
    ("domainname", Ignored("other services reach it by its service name")),
    ("entrypoint", Mapped("the container's entry point")),
    ("env_file", Mapped("environment variables, read when `landing` runs")),
    ("environment", Mapped("environment variables")),
    ("expose", Mapped("ports that the container listens on")),
    ("extends", Mapped("the other service's keys, below its own")),
    ("external_links", Refused("name the other service's address in an environment variable and remove it")),
    ("extra_hosts", Depends("the host's gateway is left out, others are refused", by::extra_hosts)),
    ("gpus", Refused("Fargate has no GPUs; remove it, or skip the service")),
    ("group_add", Refused("add the group in the Dockerfile (`RUN addgroup …`)")),
    ("healthcheck", Mapped("the container's health check, within ECS's limits")),
    ("hostname", Ignored("other services reach it by its service name")),
    ("image", Mapped("the container's image")),
    ("init", Mapped("linuxParameters.initProcessEnabled")),
    ("ipc", Depends("private is Fargate's own way, anything else is refused", by::ipc)),
    ("isolation", Ignored(NO_HOST)),
    ("label_file", Mapped("Docker labels")),
    ("labels", Mapped("Docker labels")),
    ("links", Depends("service names resolve by themselves; a link under another name is refused", by::links)),
    ("logging", Ignored("logs go to CloudWatch Logs, see `[logs]` in landing.toml")),
    ("mac_address", Ignored("each task has a network interface of its own")),
    ("mem_limit", Mapped("the task's memory, rounded up to a Fargate size")),
    ("mem_reservation", Mapped("the task's memory when no limit is given")),
    ("mem_swappiness", Ignored("Fargate has no swap")),
    ("memswap_limit", Ignored("Fargate has no swap")),
    ("models", Refused("give the model's endpoint in an environment variable and remove it")),
    ("network_mode", Depends("bridge is like Fargate's own way, anything else is refused", by::network_mode)),
    ("networks", Depends("services meet in one VPC under least-privilege rules; other names for them are refused", by::networks)),
    ("oom_kill_disable", Ignored(NO_HOST)),
    ("oom_score_adj", Ignored(NO_HOST)),
    ("pid", Depends("a task is one container; `host` and `service:` are refused", by::pid)),
    ("pids_limit", Ignored(NO_HOST)),
    ("platform", Mapped("the task's CPU architecture")),
    ("ports", Mapped("ports that the container listens on; who may reach them is said in landing.toml")),
    ("post_start", Refused("start it from the image's entry point")),
    ("pre_stop", Refused("trap SIGTERM in the image's entry point")),
    ("pre_start", Refused("make it a service that this one waits for with `condition: service_completed_successfully`")),
    ("privileged", Depends("refused when true", by::privileged)),
    ("profiles", Mapped("whether the service is deployed, with `profiles` in landing.toml")),
    ("provider", Refused("landing runs containers only; skip the service")),
    ("pull_policy", Ignored("ECS pulls the image of each task's own revision")),
    ("pull_refresh_after", Ignored("ECS pulls the image of each task's own revision")),
    ("read_only", Mapped("readonlyRootFilesystem")),
    ("restart", Mapped("`no` makes it a one-off job, anything else is ECS's own restart")),
    ("runtime", Depends("runc and none are fine, others are refused", by::runtime)),
    ("scale", Mapped("replicas")),
    (
        "secrets",
        Depends("`NAME_FILE` gives way to `NAME` in `secrets` of landing.toml, other files are refused", secret_files::outcome),
    ),
    ("security_opt", Ignored("Fargate isolates each task in a machine of its own")),
    ("shm_size", Depends("up to Fargate's own 64 MiB, more is refused", by::shm_size)),
    ("stdin_open", Mapped("interactive")),
    ("stop_grace_period", Mapped("stopTimeout, at most 120 seconds")),
    ("stop_signal", Depends("SIGTERM is what ECS sends, others are refused", by::stop_signal)),
    ("storage_opt", Depends("`size` is the task's disk, others are ignored", by::storage_opt)),
    ("sysctls", Mapped("systemControls")),
    ("tmpfs", Depends("the task's own disk is used, refused with read_only", by::tmpfs)),
    ("tty", Mapped("pseudoTerminal")),
    ("ulimits", Depends("nofile is mapped, others are ignored", by::ulimits)),
    ("umask", Refused("set it in the image's entry point (`umask 027`)")),
    ("use_api_socket", Depends("refused when true", by::use_api_socket)),
    ("user", Mapped("the container's user")),
    ("userns_mode", Ignored(NO_HOST)),
    ("uts", Ignored(NO_HOST)),
    (
        "volumes",
        Mapped("read-only files of the project belong into the image, named volumes are kept where landing.toml says so"),
    ),
    ("volumes_from", Refused("tasks share no disks; give each service its own files")),
    ("working_dir", Mapped("the container's working directory")),
];

pub(crate) fn find(key: &str) -> Option<&'static Rule> {
    SERVICE_KEYS.iter().find(|(name, _)| *name == key).map(|(_, rule)| rule)
}

/// One row of the catalogue of compose keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ComposeKey {
    pub key: &'static str,
    /// `mapped`, `ignored`, `refused`, or `depends` on its value.
    pub fate: &'static str,
    /// To what, why, or how to fix it.
    pub says: &'static str,
}

/// Every service key of the Compose Specification and what becomes of it, for documentation.
#[must_use]
pub fn compose_keys() -> Vec<ComposeKey> {
    let row = |(key, rule): &(&'static str, Rule)| {
        let (fate, says) = match rule {
            Mapped(says) => ("mapped", *says),
            Ignored(says) => ("ignored", *says),
            Refused(says) => ("refused", *says),
            Depends(says, _) => ("depends", *says),
        };
        ComposeKey { key, fate, says }
    };
    SERVICE_KEYS.iter().map(row).collect()
}

impl Rule {
    pub(crate) fn outcome(&self, value: &Node, service: &Node) -> Outcome {
        match self {
            Mapped(to) => Outcome::Mapped { to: (*to).to_owned() },
            Ignored(reason) => Outcome::Ignored { reason: (*reason).to_owned() },
            Refused(fix) => Outcome::Refused { fix: (*fix).to_owned() },
            Depends(_, decide) => decide(value, service),
        }
    }
}
