//! One deployed service, read key by key. Every key that it has gets an outcome or a problem.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Compose, Declared, build,
    capabilities::Capabilities,
    environment,
    environment::Variable,
    fill::fill_service,
    health, keys, mounts,
    mounts::Mounted,
    ports, secret_files,
    values::{boolean, bytes, command, number, pairs, seconds, text, text_items, texts, wrong},
    yaml::{Entry, Node, Value},
};
use crate::{
    files::Files,
    mask::shows_a_credential,
    place::Place,
    problem::Problem,
    project::{KeyOutcome, Outcome},
    proposal::Line,
    service::{BakedFile, BakedSource, Build, Condition, HealthCheck, Nofile, Platform, VolumeMount},
};

/// What compose says about one service, before landing.toml has its say.
pub(crate) struct ComposeService {
    /// Of its name.
    pub(crate) place: Place,
    pub(crate) image: Option<(String, Place)>,
    pub(crate) build: Option<Build>,
    /// Also when it, or the whole service, could not be read.
    pub(crate) has_build: bool,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) environment: BTreeMap<String, Variable>,
    pub(crate) ports: BTreeSet<u16>,
    pub(crate) healthcheck: Option<HealthCheck>,
    pub(crate) depends_on: Vec<Dependency>,
    /// `restart: "no"`, said and not only meant.
    pub(crate) runs_once: bool,
    pub(crate) cpus: Option<(f64, Place)>,
    /// Bytes.
    pub(crate) memory: Option<(u64, Place)>,
    pub(crate) replicas: Option<u32>,
    pub(crate) baked_files: Vec<BakedFile>,
    pub(crate) volumes: Vec<VolumeMount>,
    /// Of a PostgreSQL container: its volumes that have no place.
    pub(crate) lost: Vec<Problem>,
    pub(crate) user: Option<String>,
    pub(crate) working_dir: Option<String>,
    pub(crate) stop_grace_period: Option<u32>,
    pub(crate) init: bool,
    pub(crate) read_only: bool,
    pub(crate) tty: bool,
    pub(crate) interactive: bool,
    pub(crate) nofile: Option<Nofile>,
    pub(crate) cap_add: Vec<String>,
    pub(crate) cap_drop: Vec<String>,
    pub(crate) sysctls: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) platform: Platform,
    pub(crate) ephemeral_storage_gib: Option<u32>,
}

pub(crate) struct Dependency {
    pub(crate) service: String,
    pub(crate) condition: Condition,
    /// `false`: compose only warns when it is not there.
    pub(crate) required: bool,
    pub(crate) place: Place,
}

/// What landing.toml says of a service that changes how compose's words are read.
pub(crate) struct Given<'a> {
    /// Environment variables, secret ones too.
    pub(crate) variables: &'a BTreeSet<String>,
    /// Paths of volumes that are left out.
    pub(crate) scratch: &'a [String],
    /// Paths of mounts that are only read.
    pub(crate) read_only: &'a [String],
    /// Volumes that are kept, by what compose mounts: a name, or the path of a bind mount.
    pub(crate) kept: &'a BTreeMap<String, String>,
}

pub(crate) fn read(
    compose: &Compose<'_>,
    name: &str,
    declared: &Declared,
    given: &Given<'_>,
    files: &mut Files<'_>,
    problems: &mut Vec<Problem>,
    outcomes: &mut Vec<KeyOutcome>,
) -> ComposeService {
    let node = fill_service(name, &declared.node, &compose.variables, given.variables, problems);
    if node.map().is_none() {
        problems.push(wrong(&node, "a map with `image` or `build`"));
    }
    let mut reading = Reading { name, node: &node, given, notes: BTreeMap::new(), problems };
    reading.check_keys();
    let service = reading.service(compose, declared, files);
    let notes = std::mem::take(&mut reading.notes);
    for entry in node.map().into_iter().flatten().filter(|entry| !entry.key.starts_with("x-")) {
        let Some(rule) = keys::find(&entry.key) else {
            continue;
        };
        let mut outcome = rule.outcome(&entry.value, &node);
        if let (Outcome::Mapped { to }, Some(notes)) = (&mut outcome, notes.get(entry.key.as_str())) {
            to.push_str(&format!(" ({})", notes.join("; ")));
        }
        outcomes.push(KeyOutcome {
            service: Some(name.to_owned()),
            key: entry.key.clone(),
            file: entry.place.source.path.clone(),
            line: entry.place.line(),
            outcome,
        });
    }
    service
}

/// What became of a service's mounts.
struct Mounts {
    baked: Vec<BakedFile>,
    volumes: Vec<VolumeMount>,
    lost: Vec<Problem>,
}

struct Reading<'a> {
    name: &'a str,
    node: &'a Node,
    given: &'a Given<'a>,
    /// What a mapped key became that its value does not say itself.
    notes: BTreeMap<&'static str, Vec<String>>,
    problems: &'a mut Vec<Problem>,
}

impl Reading<'_> {
    fn check_keys(&mut self) {
        for entry in self.node.map().into_iter().flatten().filter(|entry| !entry.key.starts_with("x-")) {
            let Some(rule) = keys::find(&entry.key) else {
                let known = keys::SERVICE_KEYS.map(|(key, _)| key);
                let parent = format!("service `{}`", self.name);
                self.problems.push(super::unknown_key(&entry.place, &entry.key, &parent, known));
                continue;
            };
            if entry.key == "secrets" {
                self.secret_files(entry);
            }
            if let Outcome::Refused { fix } = rule.outcome(&entry.value, self.node) {
                self.problems.push(
                    Problem::at(
                        &entry.place,
                        "unsupported-key",
                        format!("`{}` of service `{}` is not supported", entry.key, self.name),
                    )
                    .label("has no counterpart on Fargate")
                    .help(fix),
                );
            }
        }
    }

    /// What the files of `secrets` become must be said in landing.toml.
    fn secret_files(&mut self, entry: &Entry) {
        let variables = secret_files::variables(&entry.value, self.node).unwrap_or_default();
        let missing: Vec<&String> = variables.iter().filter(|name| !self.given.variables.contains(*name)).collect();
        if missing.is_empty() {
            return;
        }
        let list = missing.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let files = missing.iter().map(|name| format!("`{name}_FILE`")).collect::<Vec<_>>().join(", ");
        self.problems.push(
            Problem::at(
                &entry.place,
                "unsupported-key",
                format!("`secrets` of service `{}` are files, which Fargate has not", self.name),
            )
            .help(format!("give {list} by `secrets` in landing.toml: official images take them in place of {files}"))
            .lines(missing.into_iter().map(|name| Line::secret(self.name, name))),
        );
    }

    fn take<T>(&mut self, key: &str, read: impl FnOnce(&Node) -> Result<T, Problem>) -> Option<T> {
        let value = self.node.get(key).filter(|value| !value.is_null())?;
        read(value).map_err(|problem| self.problems.push(problem)).ok()
    }

    fn note(&mut self, key: &'static str, note: impl Into<String>) {
        self.notes.entry(key).or_default().push(note.into());
    }

    fn service(&mut self, compose: &Compose<'_>, declared: &Declared, files: &mut Files<'_>) -> ComposeService {
        let given = self.given.variables;
        let service = environment::Service { name: self.name, node: self.node, given };
        let (environment, unset) = environment::read(&service, files, &compose.variables, self.problems);
        if !unset.is_empty() {
            self.note("environment", format!("not set here, so the container does not get it: {}", unset.join(", ")));
        }
        let labels = environment::read_labels(self.node, files, &compose.variables, self.problems);
        let mut exposed = BTreeSet::new();
        for key in ["ports", "expose"] {
            if let Some(node) = self.node.get(key) {
                ports::read(node, &mut exposed, self.problems);
            }
        }
        let build = self.build(compose, files);
        let Mounts { baked: baked_files, volumes, lost } = self.files(compose, files);
        let healthcheck = self.healthcheck();
        let deploy = self.deploy();
        let restart = self.take("restart", text);
        let (added, dropped) = (self.names("cap_add"), self.names("cap_drop"));
        let capabilities = Capabilities::of(added, dropped);
        ComposeService {
            place: declared.place.clone(),
            image: self.with_place("image", text),
            build,
            has_build: self.node.get("build").is_some() || self.node.map().is_none(),
            command: self.take("command", command).flatten(),
            entrypoint: self.entrypoint(),
            environment,
            ports: exposed,
            healthcheck,
            depends_on: self.depends_on(),
            runs_once: restart.as_deref() == Some("no") || restart.as_deref() == Some("false") || deploy.runs_once,
            cpus: deploy.cpus.or_else(|| self.with_place("cpus", |node| number(node, "a number of CPUs"))),
            memory: deploy
                .memory
                .or_else(|| self.with_place("mem_limit", bytes))
                .or_else(|| self.with_place("mem_reservation", bytes)),
            replicas: deploy.replicas.or_else(|| self.take("scale", |node| number(node, "a number"))),
            baked_files,
            volumes,
            lost,
            user: self.take("user", text),
            working_dir: self.take("working_dir", text),
            stop_grace_period: self.stop_grace_period(),
            init: self.take("init", boolean).unwrap_or(false),
            read_only: self.take("read_only", boolean).unwrap_or(false),
            tty: self.take("tty", boolean).unwrap_or(false),
            interactive: self.take("stdin_open", boolean).unwrap_or(false),
            nofile: self.nofile(),
            cap_add: capabilities.added,
            cap_drop: capabilities.dropped,
            sysctls: self.sysctls(),
            labels,
            platform: self.platform(),
            ephemeral_storage_gib: self.disk(),
        }
    }

    fn build(&mut self, compose: &Compose<'_>, files: &Files<'_>) -> Option<Build> {
        let node = self.node.get("build")?;
        let build = build::read(node, compose.top.get("secrets"), files, &compose.variables, self.problems);
        for note in build::notes(node, build.as_ref()) {
            self.note("build", note);
        }
        build
    }

    fn with_place<T>(&mut self, key: &str, read: impl FnOnce(&Node) -> Result<T, Problem>) -> Option<(T, Place)> {
        let place = self.node.get(key)?.place.clone();
        self.take(key, read).map(|value| (value, place))
    }

    fn entrypoint(&mut self) -> Option<Vec<String>> {
        let words = self.take("entrypoint", command).flatten()?;
        if words.is_empty()
            && let Some(node) = self.node.get("entrypoint")
        {
            self.problems.push(
                Problem::at(&node.place, "unsupported-value", "ECS cannot take an image's entry point away")
                    .help("write the whole command as `entrypoint`, and leave `command` out"),
            );
        }
        Some(words)
    }

    fn healthcheck(&mut self) -> Option<HealthCheck> {
        let (check, notes) = health::read(self.node.get("healthcheck")?, self.problems);
        for note in notes {
            self.note("healthcheck", note);
        }
        check
    }

    /// What goes into the image, and what is mounted.
    fn files(&mut self, compose: &Compose<'_>, files: &Files<'_>) -> Mounts {
        let (mut baked, mut volumes, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        let owner = mounts::Owner {
            name: self.name,
            image: self.node.get("image").and_then(Node::text).unwrap_or_default(),
            has_user: self.node.get("user").is_some(),
            context: self.node.get("build").and_then(|build| build::context(build, files)),
            declared: compose.top.get("volumes"),
            scratch: self.given.scratch,
            read_only: self.given.read_only,
            kept: self.given.kept,
        };
        // Where somebody has said what is kept and what is not, that is an answer.
        let is_silent = self.given.scratch.is_empty() && self.node.get("tmpfs").is_none() && self.node.get("build").is_none();
        if let Some(image) = self.node.get("image").filter(|_| is_silent)
            && let Some(problem) = owner.without_volume(&image.place, self.node.get("volumes"))
        {
            if owner.is_postgres() { &mut lost } else { &mut *self.problems }.push(problem);
        }
        if let Some(node) = self.node.get("volumes") {
            let into = if owner.is_postgres() { &mut lost } else { &mut *self.problems };
            for mounted in mounts::read_volumes(node, &owner, files, into) {
                match mounted {
                    Mounted::Baked(file) => baked.push(file),
                    Mounted::Kept(mount) => {
                        let how = if mount.read_only { ", read-only" } else { "" };
                        self.note("volumes", format!("{}: `{}` on EFS{how}", mount.target, mount.volume));
                        volumes.push(mount);
                    }
                    Mounted::Left(why) => self.note("volumes", why),
                }
            }
        }
        if let Some(node) = self.node.get("configs") {
            baked.extend(mounts::read_configs(node, compose.top.get("configs"), files, &compose.variables, self.problems));
        }
        baked.sort();
        volumes.sort();
        for file in baked.iter().filter(|file| matches!(&file.source, BakedSource::Text(text) if shows_a_credential(text))) {
            self.note("configs", format!("{} seems to hold a credential: whoever has the image can read it", file.target));
        }
        Mounts { baked, volumes, lost }
    }

    fn stop_grace_period(&mut self) -> Option<u32> {
        let given = self.take("stop_grace_period", seconds)?;
        if given > 120 {
            self.note("stop_grace_period", format!("{given} s → 120 s"));
        }
        // ECS takes no less than 2.
        Some(given.clamp(2, 120))
    }

    fn names(&mut self, key: &str) -> Vec<String> {
        let names =
            self.take(key, |node| Ok(texts(node)?.into_iter().filter_map(Node::text).map(str::to_owned).collect::<Vec<_>>()));
        names
            .unwrap_or_default()
            .into_iter()
            .map(|name| name.to_ascii_uppercase().trim_start_matches("CAP_").to_owned())
            .collect()
    }

    fn sysctls(&mut self) -> BTreeMap<String, String> {
        let pairs = self.take("sysctls", |node| pairs(node, '=')).unwrap_or_default();
        pairs.into_iter().map(|pair| (pair.key, pair.value.text().unwrap_or_default().to_owned())).collect()
    }

    fn nofile(&mut self) -> Option<Nofile> {
        let limits = self.node.get("ulimits")?;
        for entry in limits.map().into_iter().flatten().filter(|entry| entry.key != "nofile") {
            self.note("ulimits", format!("{} cannot be set on Fargate", entry.key));
        }
        let nofile = limits.get("nofile")?;
        let read = |node: Option<&Node>| match node {
            Some(node) => number::<u32>(node, "a number").map(|value| value.min(1_048_576)),
            None => Err(wrong(nofile, "`soft` and `hard`")),
        };
        let both = match nofile.value {
            Value::Map(_) => read(nofile.get("soft")).and_then(|soft| Ok(Nofile { soft, hard: read(nofile.get("hard"))? })),
            _ => read(Some(nofile)).map(|value| Nofile { soft: value, hard: value }),
        };
        both.map_err(|problem| self.problems.push(problem)).ok()
    }

    fn platform(&mut self) -> Platform {
        let read = |node: &Node| {
            platform_of(node.text().unwrap_or_default()).ok_or_else(|| {
                Problem::at(&node.place, "unsupported-value", "Fargate has no such platform")
                    .help("`linux/amd64` or `linux/arm64`")
            })
        };
        let listed = self.node.get("build").and_then(|build| build.get("platforms"));
        let built_for: Vec<_> = listed.map(|list| text_items(list).map(platform_of).collect()).unwrap_or_default();
        let is_for_arm = !built_for.is_empty() && built_for.iter().all(|platform| *platform == Some(Platform::Arm64));
        let default = if is_for_arm { Platform::Arm64 } else { Platform::X86_64 };
        // Blank is what a variable without a value leaves, and says nothing.
        let is_blank = self.node.get("platform").and_then(Node::text) == Some("");
        let platform = if is_blank { None } else { self.take("platform", read) }.unwrap_or(default);
        let name = match platform {
            Platform::X86_64 => "linux/amd64",
            Platform::Arm64 => "linux/arm64",
        };
        match listed {
            Some(list) if !built_for.is_empty() && !built_for.contains(&Some(platform)) => self.problems.push(
                Problem::at(&list.place, "bad-value", format!("the image is not built for {name}, on which the task runs"))
                    .help(format!("add `{name}` to `platforms`, or give the service another `platform`")),
            ),
            _ if built_for.len() > 1 => {
                self.note("build", format!("of platforms only {name} is built, on which the task runs"));
            }
            _ => {}
        }
        platform
    }

    fn disk(&mut self) -> Option<u32> {
        let size = self.node.get("storage_opt")?.get("size")?;
        let bytes = bytes(size).map_err(|problem| self.problems.push(problem)).ok()?;
        let gib = u32::try_from(bytes.div_ceil(1 << 30)).unwrap_or(u32::MAX);
        if gib > 200 {
            self.problems.push(
                Problem::at(&size.place, "unsupported-value", "a task has at most 200 GiB of disk").help("write at most `200g`"),
            );
        }
        // 20 GiB is what every task has.
        (gib > 20).then_some(gib)
    }

    fn depends_on(&mut self) -> Vec<Dependency> {
        let Some(node) = self.node.get("depends_on") else {
            return Vec::new();
        };
        let restarts = node.map().into_iter().flatten().any(|entry| entry.value.get("restart").is_some());
        if restarts {
            self.note("depends_on", "restart is left out, ECS restarts services one by one");
        }
        let (problems, mut found) = (&mut *self.problems, Vec::new());
        match &node.value {
            Value::Map(map) => {
                for entry in map {
                    found.extend(dependency(entry, problems));
                }
            }
            _ => match texts(node) {
                Ok(items) => found.extend(items.into_iter().map(|item| Dependency {
                    service: item.text().unwrap_or_default().to_owned(),
                    condition: Condition::Started,
                    required: true,
                    place: item.place.clone(),
                })),
                Err(problem) => problems.push(problem),
            },
        }
        found
    }

    fn deploy(&mut self) -> Deploy {
        let mut deploy = Deploy::default();
        let Some(node) = self.node.get("deploy") else {
            return deploy;
        };
        const KNOWN: [&str; 9] = [
            "mode",
            "endpoint_mode",
            "replicas",
            "labels",
            "rollback_config",
            "update_config",
            "resources",
            "restart_policy",
            "placement",
        ];
        for entry in node.map().into_iter().flatten() {
            match entry.key.as_str() {
                "mode" if entry.value.text().is_some_and(|mode| mode.starts_with("global")) => self.problems.push(
                    Problem::at(
                        &entry.value.place,
                        "unsupported-value",
                        "`global` means one on every host, and Fargate has no hosts",
                    )
                    .help("use `replicas`"),
                ),
                "labels" | "rollback_config" | "update_config" | "placement" | "endpoint_mode" | "mode" => {
                    self.note("deploy", format!("{} is left to ECS's own rolling update", entry.key));
                }
                "resources" => self.resources(&entry.value, &mut deploy),
                "replicas" => {
                    deploy.replicas = number(&entry.value, "a number").map_err(|problem| self.problems.push(problem)).ok()
                }
                "restart_policy" => deploy.runs_once = entry.value.get("condition").and_then(Node::text) == Some("none"),
                key if key.starts_with("x-") => {}
                key => self.problems.push(super::unknown_key(&entry.place, key, "deploy", KNOWN)),
            }
        }
        deploy
    }

    fn resources(&mut self, node: &Node, deploy: &mut Deploy) {
        for entry in node.map().into_iter().flatten() {
            if !matches!(entry.key.as_str(), "limits" | "reservations") && !entry.key.starts_with("x-") {
                self.problems.push(super::unknown_key(&entry.place, &entry.key, "deploy.resources", ["limits", "reservations"]));
            }
            for inner in entry.value.map().into_iter().flatten() {
                let place = inner.value.place.clone();
                let fill = entry.key == "limits";
                match inner.key.as_str() {
                    "cpus" => match number(&inner.value, "a number of CPUs") {
                        Ok(value) if fill || deploy.cpus.is_none() => deploy.cpus = Some((value, place)),
                        Ok(_) => {}
                        Err(problem) => self.problems.push(problem),
                    },
                    "memory" => match bytes(&inner.value) {
                        Ok(value) if fill || deploy.memory.is_none() => deploy.memory = Some((value, place)),
                        Ok(_) => {}
                        Err(problem) => self.problems.push(problem),
                    },
                    "pids" => self.note("deploy", "pids cannot be limited on Fargate"),
                    "devices" | "generic_resources" => self.problems.push(
                        Problem::at(
                            &inner.place,
                            "unsupported-key",
                            format!("`{}` of service `{}` is not supported", inner.key, self.name),
                        )
                        .label("Fargate has no devices and no GPUs")
                        .help("remove it, or skip the service"),
                    ),
                    key if key.starts_with("x-") => {}
                    key => self.problems.push(super::unknown_key(
                        &inner.place,
                        key,
                        "deploy.resources",
                        ["cpus", "memory", "pids", "devices", "generic_resources"],
                    )),
                }
            }
        }
    }
}

fn platform_of(name: &str) -> Option<Platform> {
    match name {
        "linux/amd64" | "amd64" | "linux/x86_64" | "linux" => Some(Platform::X86_64),
        "linux/arm64" | "arm64" | "linux/arm64/v8" | "linux/aarch64" => Some(Platform::Arm64),
        _ => None,
    }
}

#[derive(Default)]
struct Deploy {
    cpus: Option<(f64, Place)>,
    memory: Option<(u64, Place)>,
    replicas: Option<u32>,
    runs_once: bool,
}

fn dependency(entry: &super::yaml::Entry, problems: &mut Vec<Problem>) -> Option<Dependency> {
    const KNOWN: [&str; 3] = ["restart", "required", "condition"];
    for inner in entry.value.map().into_iter().flatten() {
        if !KNOWN.contains(&inner.key.as_str()) && !inner.key.starts_with("x-") {
            problems.push(super::unknown_key(&inner.place, &inner.key, "depends_on", KNOWN));
        }
    }
    let condition = entry.value.get("condition");
    let taken = match condition.and_then(Node::text) {
        None | Some("service_started") => Condition::Started,
        Some("service_healthy") => Condition::Healthy,
        Some("service_completed_successfully") => Condition::Completed,
        Some(other) => {
            let known = ["service_started", "service_healthy", "service_completed_successfully"];
            let place = condition.map_or(&entry.place, |node| &node.place);
            problems.push(
                Problem::at(place, "bad-value", format!("`{other}` is not a condition"))
                    .help(crate::suggest::did_you_mean(other, known)),
            );
            return None;
        }
    };
    let required = entry.value.get("required").is_none_or(|node| boolean(node).unwrap_or(true));
    Some(Dependency { service: entry.key.clone(), condition: taken, required, place: entry.place.clone() })
}
