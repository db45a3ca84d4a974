//! The keys whose outcome depends on their value; one function a key.

use super::capabilities::USUAL;
use super::values::{bytes_of, is_true, text_items};
use crate::{compose::yaml::Node, project::Outcome};

fn mapped(to: &str) -> Outcome {
    Outcome::Mapped { to: to.to_owned() }
}

fn ignored(reason: &str) -> Outcome {
    Outcome::Ignored { reason: reason.to_owned() }
}

fn refused(fix: impl Into<String>) -> Outcome {
    Outcome::Refused { fix: fix.into() }
}

pub(super) fn cap_add(value: &Node, _: &Node) -> Outcome {
    let is_there = |name: &&str| {
        let name = name.to_ascii_uppercase();
        let name = name.trim_start_matches("CAP_");
        name == "SYS_PTRACE" || USUAL.contains(&name)
    };
    let others: Vec<&str> = text_items(value).filter(|name| !is_there(name)).collect();
    if others.is_empty() {
        return mapped("linuxParameters.capabilities: SYS_PTRACE is added, of the usual ones those that are left are dropped");
    }
    refused(format!("Fargate adds no capability but SYS_PTRACE; remove {}", others.join(", ")))
}

/// Which of them come from files is checked where the mounts are read.
pub(super) fn configs(_: &Node, _: &Node) -> Outcome {
    mapped("files that belong into the image")
}

pub(super) fn extra_hosts(value: &Node, _: &Node) -> Outcome {
    // In every form, the value stands at the end of the text.
    let texts = value.map().into_iter().flatten().flat_map(|entry| text_items(&entry.value)).chain(text_items(value));
    let others: Vec<&str> = texts.filter(|text| !text.ends_with("host-gateway")).collect();
    match others[..] {
        [] => ignored("there is no host behind a Fargate task"),
        _ => refused("Fargate tasks have no hosts file of yours; use a DNS name in an environment variable"),
    }
}

pub(super) fn ipc(value: &Node, _: &Node) -> Outcome {
    match value.text() {
        Some("private" | "none" | "shareable" | "") | None => ignored("each Fargate task has an IPC space of its own"),
        Some(_) => refused("tasks share no memory; remove it"),
    }
}

pub(super) fn links(value: &Node, _: &Node) -> Outcome {
    let renamed = text_items(value).find(|link| link.split_once(':').is_some_and(|(service, alias)| service != alias));
    match renamed {
        Some(link) => refused(format!("`{link}` gives a service another name; use its service name and remove the link")),
        None => ignored("service names resolve by themselves"),
    }
}

pub(super) fn network_mode(value: &Node, _: &Node) -> Outcome {
    match value.text() {
        Some("bridge" | "default" | "") | None => ignored("each task has a network interface of its own"),
        Some("host") => refused("Fargate has no host network; list the ports and remove it"),
        Some("none") => refused("a task always has a network; remove it, or skip the service"),
        Some(_) => refused("services share no network interface on Fargate; reach the other one by its service name"),
    }
}

pub(super) fn networks(value: &Node, _: &Node) -> Outcome {
    let alias = value.map().into_iter().flatten().find(|network| network.value.get("aliases").is_some());
    match alias {
        Some(_) => refused("a service has one name, its own; use it in place of `aliases`"),
        None => ignored("one VPC, with security groups that allow only what is needed"),
    }
}

pub(super) fn pid(value: &Node, _: &Node) -> Outcome {
    match value.text() {
        None | Some("" | "private") => ignored("each task has processes of its own"),
        Some(_) => refused("tasks share no processes; remove it"),
    }
}

pub(super) fn privileged(value: &Node, _: &Node) -> Outcome {
    if is_true(value) {
        refused("Fargate has no privileged containers; remove it, or skip the service")
    } else {
        ignored("false is the only way on Fargate")
    }
}

pub(super) fn runtime(value: &Node, _: &Node) -> Outcome {
    match value.text() {
        None | Some("" | "runc") => ignored("Fargate chooses the runtime"),
        Some(_) => refused("Fargate chooses the runtime; remove it"),
    }
}

pub(super) fn shm_size(value: &Node, _: &Node) -> Outcome {
    // A size that cannot be read would be refused by compose too.
    match value.text().and_then(bytes_of) {
        Some(size) if size <= 64 * 1024 * 1024 => ignored("/dev/shm has 64 MiB on Fargate"),
        _ => refused("/dev/shm has 64 MiB on Fargate and cannot be enlarged; remove it and let the program use a file"),
    }
}

pub(super) fn stop_signal(value: &Node, _: &Node) -> Outcome {
    match value.text() {
        None | Some("SIGTERM" | "TERM" | "15") => ignored("it is what ECS sends"),
        Some(signal) => refused(format!("ECS sends what the image says; write `STOPSIGNAL {signal}` in the Dockerfile")),
    }
}

pub(super) fn storage_opt(value: &Node, _: &Node) -> Outcome {
    if value.get("size").is_some() {
        mapped("ephemeralStorage, 21 to 200 GiB")
    } else {
        ignored("Fargate chooses the storage driver")
    }
}

pub(super) fn tmpfs(_: &Node, service: &Node) -> Outcome {
    if service.get("read_only").is_some_and(is_true) {
        return refused(
            "Fargate has no tmpfs, so nothing could be written there; remove `read_only`, or `tmpfs` if it is not needed",
        );
    }
    ignored("Fargate has no tmpfs; the path is on the task's own disk, which goes with the task")
}

pub(super) fn ulimits(value: &Node, _: &Node) -> Outcome {
    if value.get("nofile").is_some() { mapped("ulimits, nofile only") } else { ignored("Fargate sets only nofile") }
}

pub(super) fn use_api_socket(value: &Node, _: &Node) -> Outcome {
    if is_true(value) {
        refused("there is no Docker on Fargate; remove it, or skip the service")
    } else {
        ignored("false is the only way on Fargate")
    }
}
