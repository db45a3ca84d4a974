//! Why a task ended, in plain words: a table from what ECS says to what was wrong and what to do about it.
//!
//! Pure: everything that it needs was read before. Texts of ECS are not part of its contract, so each rule looks for few words, and what no rule knows is told in ECS's own.
//! Source: `aws-behaviours` 5.3, 9.2, 9.4, 18.3.

use aws_sdk_ecs::types::{Task, TaskStopCode};
use landing_engine::Cause;

use super::TaskDefinition;

/// One task that ended, and what was read about it.
pub(super) struct Death<'a> {
    pub(super) task: &'a Task,
    pub(super) definition: &'a TaskDefinition,
    /// Compose name of the service or job.
    pub(super) name: &'a str,
    pub(super) job: bool,
    /// What the service's event says about the load balancer's checks.
    pub(super) checks: Option<String>,
    /// Last lines, oldest first.
    pub(super) log: Vec<String>,
    /// Whether it wrote to its log until shortly before the end.
    pub(super) busy: bool,
}

/// What a rule finds.
struct Verdict {
    title: String,
    help: String,
}

fn verdict(title: impl Into<String>, help: impl Into<String>) -> Verdict {
    Verdict { title: title.into(), help: help.into() }
}

/// `None` for an end that is nobody's fault: it was scaled in, or stopped by hand.
pub(super) fn of(death: Death<'_>) -> Option<Cause> {
    let words = Words::of(death.task);
    let Verdict { title, help } = judged(&death, &words)?;
    let mut facts = Vec::new();
    let mut fact = |what: &str, said: Option<String>| facts.extend(said.map(|said| (what.to_owned(), said)));
    fact("task", death.task.task_arn().map(|arn| super::last(arn).to_owned()));
    fact("stop code", death.task.stop_code().map(|code| code.as_str().to_owned()));
    fact("exit code", words.exit.map(|code| code.to_string()));
    fact("AWS says", Some(words.said).filter(|said| !said.is_empty()));
    fact("checks say", death.checks);
    Some(Cause { title, facts, log: death.log, help })
}

/// What ECS says, of the task and of its container.
struct Words {
    said: String,
    exit: Option<i32>,
}

impl Words {
    fn of(task: &Task) -> Self {
        let failed = task.containers().iter().find(|container| container.exit_code() != Some(0)).or(task.containers().first());
        let reason = task.stopped_reason().unwrap_or_default().to_owned();
        let more = failed.and_then(|container| container.reason()).filter(|more| !reason.contains(more));
        Self {
            said: more.map_or_else(|| reason.clone(), |more| format!("{more} ({reason})")),
            exit: failed.and_then(|container| container.exit_code()),
        }
    }

    fn has(&self, words: &[&str]) -> bool {
        let said = self.said.to_ascii_lowercase();
        words.iter().any(|word| said.contains(&word.to_ascii_lowercase()))
    }
}

fn judged(death: &Death<'_>, words: &Words) -> Option<Verdict> {
    let normal = [TaskStopCode::UserInitiated, TaskStopCode::SpotInterruption, TaskStopCode::TerminationNotice];
    if death.task.stop_code().is_some_and(|code| normal.contains(code)) || words.has(&["Scaling activity"]) {
        return None;
    }
    let again = if death.job { "run `landing up` again" } else { "run `landing up` or `landing deploy` again" };
    Some(
        at_the_start(death, words, again)
            .or_else(|| by_its_checks(death, words, again))
            .unwrap_or_else(|| by_its_exit(death, words, again)),
    )
}

const NO_WAY: &[&str] =
    &["i/o timeout", "deadline exceeded", "connection issue", "send request failed", "dial tcp", "network is unreachable"];

/// It never ran.
fn at_the_start(death: &Death<'_>, words: &Words, again: &str) -> Option<Verdict> {
    let TaskDefinition { image, architecture, secrets, log_group, .. } = death.definition;
    let (image, name) = (image.get(), death.name);
    let platform = if architecture == "ARM64" { "linux/arm64" } else { "linux/amd64" };
    let other_processor = || {
        verdict(
            format!("the image is for another processor than {platform}"),
            format!(
                "build it for {platform} (`docker build --platform {platform}`), or set `platform` of {name} in the compose file to what it is built for, and {again}"
            ),
        )
    };
    if words.has(&["matching platform", "exec format error"]) || death.log.iter().any(|line| line.contains("exec format error")) {
        return Some(other_processor());
    }
    if words.has(&["EFS utils", "EFS volumes"]) {
        return Some(cannot_mount(death, words, again));
    }
    let pull = words.has(&["CannotPull"]);
    let initialisation = words.has(&["ResourceInitializationError"]);
    if (pull || initialisation) && words.has(NO_WAY) {
        return Some(verdict(
            "the task has no way to the registry and to Secrets Manager",
            "a private subnet needs its route to a NAT gateway, a public one a public address for the task: `landing up` puts back what landing made, `landing plan` shows it",
        ));
    }
    if pull && words.has(&["toomanyrequests", "rate limit"]) {
        return Some(verdict(
            "the registry gives no more images to this address for now",
            format!("wait, or copy {image} to ECR, and {again}"),
        ));
    }
    if pull && words.has(&["access denied", "403", "no basic auth", "not authorized"]) {
        return Some(verdict(
            "the image may not be pulled",
            format!("the registry of {image} wants a login: copy it to ECR, and {again}"),
        ));
    }
    if pull && words.has(&["not found", "manifest unknown"]) {
        return Some(verdict(
            "the image is not there",
            format!("push {image}, or correct `image` of {name} in the compose file, and {again}"),
        ));
    }
    if pull {
        return Some(verdict("the image cannot be pulled", format!("look at what AWS says, put it right and {again}")));
    }
    if words.has(&["did not contain json key"]) {
        let keys: Vec<&str> =
            secrets.iter().filter(|(_, from)| from.get().ends_with("::")).map(|(name, _)| name.as_str()).collect();
        return Some(verdict(
            "a secret lacks the key that is asked for",
            format!(
                "one of {} names a key that its secret does not have: correct the key in landing.toml or the secret's value, and {again}",
                keys.join(", ")
            ),
        ));
    }
    if words.has(&["unable to pull secrets", "unable to retrieve secret"]) && words.has(&["AccessDenied", "not authorized"]) {
        return Some(verdict(
            "the execution role may not read a secret",
            "`landing plan` shows whether the role still has what landing gave it; a policy of the organisation or of the secret's key may forbid it, too",
        ));
    }
    if words.has(&["unable to pull secrets", "unable to retrieve secret"]) {
        let names: Vec<&str> = secrets.keys().map(String::as_str).collect();
        return Some(verdict(
            "a secret is missing or has no value",
            format!("it is one of {}: `landing plan` shows what is missing, `landing up` makes it", names.join(", ")),
        ));
    }
    if words.has(&["validate logger args", "log group does not exist"]) {
        return Some(verdict("its log group is missing", format!("`landing up` makes {} again", log_group.get())));
    }
    if words.has(&["unable to assume the role"]) {
        return Some(verdict(
            "ECS may not take the task's role",
            "`landing plan` shows whether the role is still there and still trusts ECS; `landing up` puts it back",
        ));
    }
    if words.has(&[
        "executable file not found",
        "no such file or directory",
        "permission denied",
        "CannotStartContainerError",
        "failed to create task for container",
    ]) {
        return Some(verdict(
            "the command cannot be started",
            format!(
                "{} of {name} is not in the image, or may not be executed: correct it in the compose file, or the image, and {again}",
                command(death.definition)
            ),
        ));
    }
    words
        .has(&["Capacity is unavailable"])
        .then(|| verdict("Fargate has no room at the moment", format!("wait some minutes and {again}")))
}

/// A volume is in the way of its start.
fn cannot_mount(death: &Death<'_>, words: &Words, again: &str) -> Verdict {
    let mut names: Vec<&str> = death.definition.volumes.iter().map(|volume| volume.name.as_str()).collect();
    names.dedup();
    let volumes = names.join(", ");
    let back = "`landing plan` shows what somebody changed, `landing up` puts it back";
    if words.has(&["failed to resolve", "name resolution", "dns"]) {
        return verdict(
            format!("EFS cannot be mounted: no mount target of {volumes} is known in the task's zone"),
            format!("{back}. One that was made a moment ago is known after a minute and a half: then {again}"),
        );
    }
    if words.has(&["access denied"]) {
        return verdict(
            format!("EFS cannot be mounted: the task's role may not use {volumes}"),
            format!("{back}: the role's policy `volumes`, the access point, the file system's policy"),
        );
    }
    if words.has(&["timed out", "timeout", "connection reset"]) {
        return verdict(
            format!("EFS cannot be mounted: the mount target of {volumes} does not answer"),
            format!("its security group must let the task's in on port 2049: {back}"),
        );
    }
    verdict(format!("EFS cannot be mounted: {volumes}"), format!("look at what AWS says; {back}"))
}

fn command(definition: &TaskDefinition) -> String {
    let given = definition.entrypoint.iter().chain(&definition.command).flatten().next();
    given.map_or_else(|| "the command".to_owned(), |first| format!("`{first}`, the command"))
}

/// The load balancer, or the container's own check, found it not healthy.
fn by_its_checks(death: &Death<'_>, words: &Words, again: &str) -> Option<Verdict> {
    let name = death.name;
    if words.has(&["container health checks"]) {
        let check = death.definition.health.as_ref().map(|health| health.command.join(" ")).unwrap_or_default();
        return Some(verdict(
            "its own health check fails",
            format!(
                "`healthcheck` of {name} in the compose file runs `{check}` in the container: it must be in the image and end with 0; a longer `start_period` gives a slow start more time. Then {again}"
            ),
        ));
    }
    if !words.has(&["ELB health checks"]) {
        return None;
    }
    let checks = death.checks.as_deref().unwrap_or_default();
    if let Some(code) = between(checks, "codes: [", "]") {
        return Some(verdict(
            format!("the load balancer's health check is answered with {code}"),
            format!(
                "name a path that answers with 200 and wants no login: `health = \"/…\"` under [services.{name}] in landing.toml, and {again}"
            ),
        ));
    }
    let ports: Vec<String> = death.definition.ports.iter().map(|port| port.container.to_string()).collect();
    let ports = ports.join(", ");
    if death.busy {
        return Some(verdict(
            "it is too slow to start: the load balancer gave it up while it was still at it",
            format!(
                "give it more time: `grace = 300` (seconds) under [services.{name}] in landing.toml, or more `cpu`, and {again}"
            ),
        ));
    }
    Some(verdict(
        format!("nothing answers on port {ports}"),
        format!(
            "the program must listen on 0.0.0.0, not on 127.0.0.1, and on the port that `port` under [services.{name}] or `ports` in the compose file names; then {again}"
        ),
    ))
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    text.split_once(before)?.1.split_once(after).map(|(between, _)| between)
}

/// It ran and ended.
fn by_its_exit(death: &Death<'_>, words: &Words, again: &str) -> Verdict {
    let (name, memory) = (death.name, death.definition.memory);
    let log = if death.log.is_empty() {
        "it wrote nothing to its log; run the image on your machine to see why"
    } else {
        "its log says why"
    };
    match words.exit {
        _ if words.has(&["OutOfMemory"]) => verdict(
            format!("it needs more memory than its {memory} MiB"),
            format!("give it more: `memory = {}` under [services.{name}] in landing.toml, and {again}", memory * 2),
        ),
        Some(137) => verdict(
            format!("it was killed, most likely because it needs more than its {memory} MiB of memory"),
            format!("give it more: `memory = {}` under [services.{name}] in landing.toml, and {again}", memory * 2),
        ),
        Some(139) => verdict("the program crashed (a segmentation fault)", format!("{log}; put it right and {again}")),
        Some(0) if !death.job => verdict(
            "the program ended, and a service must go on running",
            format!("keep it in the foreground; if it is a job, say `restart: \"no\"` in the compose file. Then {again}"),
        ),
        Some(126 | 127) => verdict(
            "the command cannot be started",
            format!(
                "{} of {name} is not in the image, or may not be executed: correct it in the compose file, or the image, and {again}",
                command(death.definition)
            ),
        ),
        Some(code) => verdict(format!("the program ended with exit code {code}"), format!("{log}; put it right and {again}")),
        None => verdict("the task ended without having run", format!("look at what AWS says, put it right and {again}")),
    }
}
