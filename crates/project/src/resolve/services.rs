//! Services and jobs: compose's own words, what landing.toml adds, and the rules between services.

use std::collections::{BTreeMap, BTreeSet};

use super::{Cx, calls, fargate, managed, names, references, rules, smoke};
use crate::{
    compose::{self, Compose, ComposeService},
    files::Files,
    place::Place,
    problem::Problem,
    project::{Database, KeyOutcome, Outcome, Secret},
    service::{Condition, EnvValue, HealthPath, Image, SecretRef, Service},
    settings::{Health, ServiceSettings},
};

/// Services and jobs, each by name.
pub(super) fn read(
    cx: &mut Cx<'_>,
    compose: &Compose<'_>,
    skipped: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, Secret>,
    databases: &mut BTreeMap<String, Database>,
    kept: &BTreeMap<String, String>,
    files: &mut Files<'_>,
) -> (Vec<Service>, Vec<Service>) {
    let nothing = ServiceSettings::default();
    let mut all = BTreeMap::new();
    let mut dependencies = BTreeMap::new();
    let mut once = BTreeSet::new();
    let mut lost = BTreeMap::new();
    for (name, declared) in compose.services.iter().filter(|(name, it)| !it.is_broken && !skipped.contains_key(*name)) {
        cx.problems.extend(names::service(name, &declared.place));
        let settings = cx.settings.services.get(name).unwrap_or(&nothing);
        let variables: BTreeSet<String> = settings.secrets.keys().chain(settings.environment.keys()).cloned().collect();
        let given = compose::Given { variables: &variables, scratch: &settings.scratch, read_only: &settings.read_only, kept };
        let mut read = compose::read_service(compose, name, declared, &given, files, &mut cx.problems, &mut cx.outcomes);
        if read.runs_once {
            once.insert(name.clone());
        }
        dependencies.insert(name.clone(), std::mem::take(&mut read.depends_on));
        if !read.lost.is_empty() {
            lost.insert(name.clone(), std::mem::take(&mut read.lost));
        }
        let service = One { cx, name, settings, secrets, databases }.service(read);
        all.insert(name.clone(), service);
    }
    rules::depend(cx, compose, skipped, &dependencies, &mut all);
    managed::propose(cx, &all, lost);
    rules::one_default(cx, &all);
    rules::no_overlap(cx, &all);
    for dependency in dependencies.values().flatten().filter(|dependency| dependency.condition == Condition::Completed) {
        once.insert(dependency.service.clone());
    }
    rules::used_by(cx, compose, &all, secrets, databases);
    let names: BTreeSet<String> = all.keys().filter(|name| !once.contains(*name)).cloned().collect();
    for service in all.values_mut() {
        service.calls = calls::find(service, &names);
    }
    rules::jobs_take_no_traffic(cx, &all, &once);
    all.into_values().partition(|service| !once.contains(&service.name))
}

/// One service and what landing.toml says about it.
struct One<'a, 'c> {
    cx: &'a mut Cx<'c>,
    name: &'a str,
    settings: &'a ServiceSettings,
    secrets: &'a BTreeMap<String, Secret>,
    databases: &'a BTreeMap<String, Database>,
}

impl One<'_, '_> {
    fn service(mut self, compose: ComposeService) -> Service {
        let secrets = self.secret_refs();
        let environment = self.environment(&compose, &secrets);
        let (cpu, memory) = self.size(&compose);
        let mut ports = compose.ports.clone();
        ports.extend(self.settings.port);
        ports.extend(&self.settings.tcp);
        let ports: Vec<u16> = ports.into_iter().collect();
        let health = self.health();
        let port = self.port(&compose, &ports, health.is_some());
        let image = self.image(&compose);
        self.paths();
        let smoke = smoke::read(self.cx, self.name, self.settings);
        Service {
            name: self.name.to_owned(),
            image,
            baked_files: compose.baked_files,
            volumes: compose.volumes,
            command: compose.command,
            entrypoint: compose.entrypoint,
            environment,
            secrets,
            ports,
            port,
            healthcheck: compose.healthcheck,
            depends_on: BTreeMap::new(),
            cpu,
            memory,
            replicas: self.settings.replicas.or(compose.replicas).unwrap_or(1),
            paths: self.settings.paths.clone(),
            default: self.settings.default,
            health,
            tcp: self.settings.tcp.clone(),
            public_ip: self.settings.public_ip,
            grace: self.settings.grace,
            smoke,
            user: compose.user,
            working_dir: compose.working_dir,
            stop_grace_period: compose.stop_grace_period,
            init: compose.init,
            read_only: compose.read_only,
            tty: compose.tty,
            interactive: compose.interactive,
            nofile: compose.nofile,
            cap_add: compose.cap_add,
            cap_drop: compose.cap_drop,
            sysctls: compose.sysctls,
            labels: compose.labels,
            platform: compose.platform,
            ephemeral_storage_gib: compose.ephemeral_storage_gib,
            calls: BTreeSet::new(),
        }
    }

    fn place(&self, key: &str) -> Place {
        self.cx.document.value(&["services", self.name, key])
    }

    fn record(&mut self, key: &str, place: &Place, to: String) {
        self.cx.outcomes.push(KeyOutcome {
            service: Some(self.name.to_owned()),
            key: key.to_owned(),
            file: place.source.path.clone(),
            line: place.line(),
            outcome: Outcome::Mapped { to },
        });
    }

    fn secret_refs(&mut self) -> BTreeMap<String, SecretRef> {
        let mut refs = BTreeMap::new();
        for (variable, text) in &self.settings.secrets {
            let place = self.cx.document.value(&["services", self.name, "secrets", variable]);
            match references::secret(text, &place, self.secrets, self.databases) {
                Ok(secret) => {
                    self.record(&format!("secrets.{variable}"), &place, format!("the secret `{text}`"));
                    refs.insert(variable.clone(), secret);
                }
                Err(problem) => self.cx.problems.push(problem),
            }
        }
        refs
    }

    fn environment(&mut self, compose: &ComposeService, secrets: &BTreeMap<String, SecretRef>) -> BTreeMap<String, EnvValue> {
        let mut environment = BTreeMap::new();
        let given = |name: &str| self.settings.secrets.contains_key(name) || self.settings.environment.contains_key(name);
        for (name, variable) in compose.environment.iter().filter(|(name, _)| !given(name)) {
            self.cx.credentials.look(self.name, name, variable);
            environment.insert(name.clone(), EnvValue::Plain(variable.value.clone()));
        }
        for (name, scalar) in &self.settings.environment {
            let place = self.cx.document.value(&["services", self.name, "environment", name]);
            if secrets.contains_key(name) {
                self.cx.problems.push(
                    Problem::at(&place, "bad-value", format!("`{name}` is in `secrets` and in `environment`"))
                        .help("keep one of them"),
                );
                continue;
            }
            let text = scalar.to_string();
            let variable = compose::Variable { value: text.clone(), place: place.clone() };
            self.cx.credentials.look(self.name, name, &variable);
            match references::value(&text, &place, self.databases, self.cx.settings.is_public()) {
                Ok(value) => {
                    self.record(&format!("environment.{name}"), &place, "the value in landing.toml".to_owned());
                    environment.insert(name.clone(), value);
                }
                Err(problem) => self.cx.problems.push(problem),
            }
        }
        environment
    }

    /// landing.toml's words are taken as they are; compose's wishes are rounded up.
    fn size(&mut self, compose: &ComposeService) -> (u32, u32) {
        let (cpu, memory) = (self.settings.cpu, self.settings.memory);
        if let (Some(cpu), Some(memory)) = (cpu, memory) {
            if !fargate::is_valid(cpu, memory) {
                let problem = self.invalid_pair(cpu, memory);
                self.cx.problems.push(problem);
            }
            return (cpu, memory);
        }
        let least_cpu = cpu.or(compose.cpus.as_ref().map(|(cpus, _)| cpu_units(*cpus))).unwrap_or(256);
        let least_memory = memory.or(compose.memory.as_ref().map(|(bytes, _)| mebibytes(*bytes))).unwrap_or(512);
        let fits = fargate::pairs().find(|pair| {
            cpu.map_or(pair.0 >= least_cpu, |cpu| pair.0 == cpu)
                && memory.map_or(pair.1 >= least_memory, |memory| pair.1 == memory)
        });
        let Some(pair) = fits else {
            let problem = self.too_large(least_cpu, least_memory, compose);
            self.cx.problems.push(problem);
            return (least_cpu, least_memory);
        };
        let wish = compose.memory.as_ref().map(|(_, place)| place).or(compose.cpus.as_ref().map(|(_, place)| place));
        if let Some(place) = wish {
            self.record("size", place, format!("cpu {} and memory {} MiB, the next Fargate size", pair.0, pair.1));
        }
        pair
    }

    fn invalid_pair(&self, cpu: u32, memory: u32) -> Problem {
        let (near_cpu, near_memory) = fargate::nearest(cpu, memory);
        let (key, label) = match fargate::memories(cpu) {
            Some(memories) => ("memory", format!("with cpu {cpu}, memory is {memories}")),
            None => ("cpu", "cpu is 256, 512, 1024, 2048, 4096, 8192 or 16384".to_owned()),
        };
        Problem::at(&self.place(key), "bad-size", format!("Fargate has no size with cpu {cpu} and memory {memory}"))
            .label(label)
            .help(format!("the nearest is cpu = {near_cpu}, memory = {near_memory}"))
    }

    fn too_large(&self, cpu: u32, memory: u32, compose: &ComposeService) -> Problem {
        let given = self.settings.cpu.map(|_| "cpu").or(self.settings.memory.map(|_| "memory"));
        if let Some(key) = given {
            let (near_cpu, near_memory) = fargate::nearest(cpu, memory);
            let label =
                self.settings.cpu.and_then(fargate::memories).map(|memories| format!("with cpu {cpu}, memory is {memories}"));
            return Problem::at(&self.place(key), "bad-size", format!("Fargate has no size with cpu {cpu} and memory {memory}"))
                .label(label.unwrap_or_default())
                .help(format!("the nearest is cpu = {near_cpu}, memory = {near_memory}; give both"));
        }
        let place = compose.memory.as_ref().map(|(_, place)| place).or(compose.cpus.as_ref().map(|(_, place)| place));
        Problem::at(place.unwrap_or(&compose.place), "bad-size", "no Fargate size is that large")
            .label("at most 16 CPUs and 120 GiB")
            .help(format!("[services.{}] cpu = 16384, memory = 122880 is the largest", self.name))
    }

    fn health(&mut self) -> Option<HealthPath> {
        let place = self.place("health");
        let health = match self.settings.health.as_ref()? {
            Health::Long(table) => HealthPath { path: table.path.clone(), port: table.port, codes: table.codes.clone() },
            Health::Short(text) => match text.split_once('/') {
                Some(("", _)) => HealthPath { path: text.clone(), port: None, codes: None },
                Some((port, path)) if port.parse::<u16>().is_ok_and(|port| port > 0) => {
                    HealthPath { path: format!("/{path}"), port: port.parse().ok(), codes: None }
                }
                _ => HealthPath { path: text.clone(), port: None, codes: None },
            },
        };
        if !health.path.starts_with('/') || health.path.contains(char::is_whitespace) {
            self.cx.problems.push(
                Problem::at(&place, "bad-value", format!("`{}` is not a path", health.path))
                    .help("for example health = \"/health\", or \"9000/health\" for another port"),
            );
        }
        if health.codes.as_deref().is_some_and(|codes| !smoke::is_codes(codes, 200..=499)) {
            self.cx.problems.push(
                Problem::at(&place, "bad-value", "`codes` are HTTP codes from 200 to 499")
                    .help("for example \"200\", \"200,302\" or \"200-399\""),
            );
        }
        Some(health)
    }

    /// The one that landing.toml names, or the only one.
    fn port(&mut self, compose: &ComposeService, ports: &[u16], has_health: bool) -> Option<u16> {
        if let Some(port) = self.settings.port {
            if port == 0 {
                self.cx.problems.push(
                    Problem::at(&self.place("port"), "bad-value", "0 is not a port")
                        .help("write the port that the container listens on, for example 8080"),
                );
            }
            return Some(port);
        }
        let http: Vec<u16> = ports.iter().copied().filter(|port| !self.settings.tcp.contains(port)).collect();
        let is_routed = !self.settings.paths.is_empty() || self.settings.default || has_health;
        match http[..] {
            [port] => Some(port),
            _ if !is_routed => None,
            [] => {
                let place = self.cx.document.key(&["services", self.name]);
                self.cx.problems.push(
                    Problem::at(&place, "no-port", format!("service `{}` takes requests, but on no port", self.name))
                        .help(format!("say which: [services.{}] port = 8080, or `expose` in the compose file", self.name)),
                );
                None
            }
            _ => {
                let list = http.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
                let problem = Problem::at(
                    &compose.place,
                    "no-port",
                    format!("service `{}` has ports {list}: which one takes requests?", self.name),
                )
                .help(format!("say it in landing.toml: [services.{}] port = {}", self.name, http[0]));
                self.cx.problems.push(problem);
                None
            }
        }
    }

    fn image(&mut self, compose: &ComposeService) -> Image {
        match (&compose.build, &compose.image) {
            (Some(build), _) => Image::Built(build.clone()),
            (None, Some((image, place))) => {
                if image.is_empty() || image.contains(char::is_whitespace) || image.ends_with(':') || image.ends_with('@') {
                    self.cx.problems.push(
                        Problem::at(place, "bad-value", format!("`{image}` is not an image"))
                            .help("write it as `repository:tag`; where it is made of variables, one of them may be blank"),
                    );
                }
                Image::External(image.clone())
            }
            (None, None) => {
                // A build that could not be read has its own problem.
                if !compose.has_build {
                    self.cx.problems.push(
                        Problem::at(
                            &compose.place,
                            "no-image",
                            format!("service `{}` has neither `image` nor `build`", self.name),
                        )
                        .help("give it one of them"),
                    );
                }
                Image::External(String::new())
            }
        }
    }

    /// Source: Elastic Load Balancing User Guide, "Path conditions".
    fn paths(&mut self) {
        for (index, path) in self.settings.paths.iter().enumerate() {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.$/~\"'@:+&*?".contains(&byte);
            if !path.starts_with(['/', '*']) || path.len() > 128 || !path.bytes().all(allowed) {
                let place = self.cx.document.value(&["services", self.name, "paths", &index.to_string()]);
                self.cx.problems.push(
                    Problem::at(&place, "bad-value", format!("`{path}` is not a path pattern")).help("for example \"/api/*\""),
                );
            }
        }
    }
}

fn cpu_units(cpus: f64) -> u32 {
    (cpus.max(0.0) * 1024.0).ceil() as u32
}

fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX)
}
