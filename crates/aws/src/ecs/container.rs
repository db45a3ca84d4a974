//! The container of a task definition, to the SDK's shape and back.
//!
//! ECS fills in defaults (host port, essential, protocol, times of the health check); coming back they are dropped or written out, so that what was
//! asked for equals what is read. Source: ECS API Reference, `ContainerDefinition`; `aws-behaviours` 9.2, 19.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::{
    ApplicationProtocol, ContainerDefinition, HealthCheck, KernelCapabilities, KeyValuePair, LinuxParameters, LogConfiguration,
    LogDriver, PortMapping, Secret, SystemControl, TaskDefinition as Reply, TransportProtocol, Ulimit, UlimitName,
};
use landing_engine::Ref;

use super::{Health, Port, TaskDefinition, volumes};
use crate::logs::STREAM_PREFIX;

const LOG_GROUP: &str = "awslogs-group";
const LOG_REGION: &str = "awslogs-region";
/// Required on Fargate.
const LOG_PREFIX: &str = "awslogs-stream-prefix";

pub(crate) fn definition(task: &TaskDefinition) -> ContainerDefinition {
    let pair = |(name, value): (&String, &Ref<String>)| KeyValuePair::builder().name(name).value(value.get()).build();
    let secret = |(name, from): (&String, &Ref<String>)| {
        Secret::builder().name(name).value_from(from.get()).build().expect("name and source are set")
    };
    let logs = LogConfiguration::builder()
        .log_driver(LogDriver::Awslogs)
        .options(LOG_GROUP, task.log_group.get().as_str())
        .options(LOG_REGION, &task.region)
        .options(LOG_PREFIX, STREAM_PREFIX)
        .build()
        .expect("the driver is set");
    let nofile = task.nofile.map(|(soft, hard)| {
        let limit = Ulimit::builder().name(UlimitName::Nofile).soft_limit(soft).hard_limit(hard).build();
        vec![limit.expect("name and limits are set")]
    });
    ContainerDefinition::builder()
        .name(&task.container)
        .image(task.image.get())
        .essential(true)
        .set_command(task.command.clone())
        .set_entry_point(task.entrypoint.clone())
        .set_environment(Some(task.environment.iter().map(pair).collect()))
        .set_secrets(Some(task.secrets.iter().map(secret).collect()))
        .set_port_mappings(Some(task.ports.iter().map(mapping).collect()))
        .set_health_check(task.health.as_ref().map(check))
        .log_configuration(logs)
        .set_stop_timeout(task.stop_timeout)
        .set_user(task.user.clone())
        .set_working_directory(task.working_directory.clone())
        .set_readonly_root_filesystem(task.read_only.then_some(true))
        .set_linux_parameters(linux(task))
        .set_pseudo_terminal(task.tty.then_some(true))
        .set_interactive(task.interactive.then_some(true))
        .set_system_controls((!task.sysctls.is_empty()).then(|| task.sysctls.iter().map(control).collect()))
        .set_ulimits(nofile)
        .set_mount_points(volumes::mounted(&task.volumes))
        .set_docker_labels((!task.labels.is_empty()).then(|| task.labels.clone().into_iter().collect()))
        .build()
}

fn linux(task: &TaskDefinition) -> Option<LinuxParameters> {
    let (add, drop) = (task.capabilities_added.clone(), task.capabilities_dropped.clone());
    let capabilities = (!add.is_empty() || !drop.is_empty())
        .then(|| KernelCapabilities::builder().set_add(Some(add)).set_drop(Some(drop)).build());
    (task.init || capabilities.is_some()).then(|| {
        LinuxParameters::builder().set_init_process_enabled(task.init.then_some(true)).set_capabilities(capabilities).build()
    })
}

fn control((name, value): (&String, &String)) -> SystemControl {
    SystemControl::builder().namespace(name).value(value).build()
}

fn mapping(port: &Port) -> PortMapping {
    PortMapping::builder()
        .container_port(port.container)
        .protocol(TransportProtocol::Tcp)
        .set_name(Some(port.name.clone()).filter(|name| !name.is_empty()))
        .set_app_protocol(port.http.then_some(ApplicationProtocol::Http))
        .build()
}

fn check(health: &Health) -> HealthCheck {
    HealthCheck::builder()
        .set_command(Some(health.command.clone()))
        .interval(health.interval)
        .timeout(health.timeout)
        .retries(health.retries)
        .start_period(health.start_period)
        .build()
        .expect("the command is set")
}

/// What a registered revision asks for. Containers that somebody added show up in `container`, next to ours.
pub(crate) fn shape(definition: &Reply) -> TaskDefinition {
    let nothing = ContainerDefinition::builder().build();
    let containers = definition.container_definitions();
    let container = containers.first().unwrap_or(&nothing);
    let names: Vec<&str> = containers.iter().filter_map(ContainerDefinition::name).collect();
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
    let log = |key: &str| {
        let options = container.log_configuration().and_then(LogConfiguration::options);
        options.and_then(|options| options.get(key)).cloned().unwrap_or_default()
    };
    let architecture = definition.runtime_platform().and_then(|platform| platform.cpu_architecture());
    let nofile = container.ulimits().iter().find(|limit| *limit.name() == UlimitName::Nofile);
    let capabilities = container.linux_parameters().and_then(LinuxParameters::capabilities);
    TaskDefinition {
        family: definition.family().unwrap_or_default().to_owned(),
        cpu: number(definition.cpu()),
        memory: number(definition.memory()),
        architecture: architecture.map_or("X86_64", |architecture| architecture.as_str()).to_owned(),
        execution_role: Ref::value(definition.execution_role_arn().unwrap_or_default().into()),
        task_role: Ref::value(definition.task_role_arn().unwrap_or_default().into()),
        container: names.join(", "),
        image: container.image().unwrap_or_default().into(),
        command: list(container.command()),
        entrypoint: list(container.entry_point()),
        environment: map(container.environment().iter().map(|pair| (pair.name(), pair.value()))),
        secrets: map(container.secrets().iter().map(|secret| (Some(secret.name()), Some(secret.value_from())))),
        ports: container.port_mappings().iter().map(port).collect(),
        health: container.health_check().map(health),
        log_group: Ref::value(log(LOG_GROUP).into()),
        region: log(LOG_REGION),
        stop_timeout: container.stop_timeout(),
        user: text(container.user()),
        working_directory: text(container.working_directory()),
        read_only: container.readonly_root_filesystem().unwrap_or(false),
        init: container.linux_parameters().and_then(LinuxParameters::init_process_enabled).unwrap_or(false),
        nofile: nofile.map(|limit| (limit.soft_limit(), limit.hard_limit())),
        tty: container.pseudo_terminal().unwrap_or(false),
        interactive: container.interactive().unwrap_or(false),
        capabilities_added: capabilities.map(|it| it.add().to_vec()).unwrap_or_default(),
        capabilities_dropped: capabilities.map(|it| it.drop().to_vec()).unwrap_or_default(),
        sysctls: container
            .system_controls()
            .iter()
            .map(|it| (it.namespace().unwrap_or_default().to_owned(), it.value().unwrap_or_default().to_owned()))
            .collect(),
        ephemeral_storage_gib: definition.ephemeral_storage().map(|storage| storage.size_in_gib()),
        labels: container.docker_labels().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect(),
        volumes: volumes::of(definition.volumes(), container.mount_points()),
    }
}

fn port(mapping: &PortMapping) -> Port {
    Port {
        container: mapping.container_port().unwrap_or_default(),
        name: mapping.name().unwrap_or_default().to_owned(),
        http: mapping.app_protocol() == Some(&ApplicationProtocol::Http),
    }
}

/// ECS's own defaults stand for what it does not repeat.
fn health(check: &HealthCheck) -> Health {
    Health {
        command: check.command().to_vec(),
        interval: check.interval().unwrap_or(30),
        timeout: check.timeout().unwrap_or(5),
        retries: check.retries().unwrap_or(3),
        start_period: check.start_period().unwrap_or(0),
    }
}

fn list(words: &[String]) -> Option<Vec<String>> {
    (!words.is_empty()).then(|| words.to_vec())
}

fn text(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn map<'a>(pairs: impl Iterator<Item = (Option<&'a str>, Option<&'a str>)>) -> BTreeMap<String, Ref<String>> {
    pairs.map(|(name, value)| (name.unwrap_or_default().to_owned(), value.unwrap_or_default().into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_reads_back_as_it_was_asked_for_whatever_defaults_ecs_fills_in() {
        let asked = TaskDefinition {
            family: "shop-dev-web".into(),
            cpu: 256,
            memory: 512,
            architecture: "ARM64".into(),
            execution_role: Ref::value("arn:aws:iam::1:role/x".into()),
            task_role: Ref::value("arn:aws:iam::1:role/t".into()),
            container: "web".into(),
            image: "repo@sha256:1".into(),
            command: None,
            entrypoint: Some(vec!["/run".into()]),
            environment: BTreeMap::from([("A".into(), "1".into())]),
            secrets: BTreeMap::from([("B".into(), "arn:secret".into())]),
            ports: vec![Port { container: 80, name: "http".into(), http: true }],
            health: Some(Health {
                command: vec!["CMD".into(), "x".into()],
                interval: 30,
                timeout: 5,
                retries: 3,
                start_period: 0,
            }),
            log_group: Ref::value("/shop/dev/web".into()),
            region: "eu-central-1".into(),
            stop_timeout: None,
            user: None,
            working_directory: None,
            read_only: false,
            init: true,
            nofile: Some((1024, 4096)),
            labels: BTreeMap::new(),
            tty: false,
            interactive: true,
            capabilities_added: vec!["SYS_PTRACE".into()],
            capabilities_dropped: Vec::new(),
            sysctls: BTreeMap::from([("net.core.somaxconn".into(), "1024".into())]),
            ephemeral_storage_gib: None,
            volumes: ["/data", "/more"].map(|path| volumes::tests::sample("data", path)).into(),
        };
        let mut container = definition(&asked);
        container.command = Some(vec![]);
        container.user = Some(String::new());
        if let Some(check) = &mut container.health_check {
            (check.interval, check.timeout, check.retries) = (None, None, None);
        }
        container.port_mappings.iter_mut().flatten().for_each(|mapping| mapping.host_port = mapping.container_port);
        let reply = Reply::builder()
            .family("shop-dev-web")
            .cpu("256")
            .memory("512")
            .runtime_platform(
                aws_sdk_ecs::types::RuntimePlatform::builder()
                    .cpu_architecture(aws_sdk_ecs::types::CpuArchitecture::Arm64)
                    .build(),
            )
            .execution_role_arn("arn:aws:iam::1:role/x")
            .task_role_arn("arn:aws:iam::1:role/t")
            .container_definitions(container)
            .set_volumes(volumes::declared(&asked.volumes))
            .build();
        assert_eq!(shape(&reply), asked);
    }
}
