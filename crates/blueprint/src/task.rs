//! Tasks: log group, roles and task definition of each service and job.

use std::collections::BTreeMap;

use landing_aws::ecr::Repository;
use landing_aws::ecs::{Health, Port, TaskDefinition};
use landing_aws::iam::Role;
use landing_aws::rds::Instance;
use landing_aws::secretsmanager::Secret;
use landing_engine::{NodeName, Ref};
use landing_project::{DatabaseAttribute, DatabaseKey, EnvValue, Piece, Platform, SecretRef, Service};

use crate::database::Databases;
use crate::image::{Images, TaskImage};
use crate::names::{Whereabouts, fit, whereabouts};
use crate::secret::Secrets;
use crate::security::POSTGRES;
use crate::volume::Volumes;
use crate::{Draft, edge, policy, volume};

pub(crate) struct Task {
    pub(crate) definition: NodeName,
    pub(crate) execution_role: NodeName,
    pub(crate) task_role: NodeName,
    pub(crate) log_group: NodeName,
    pub(crate) secrets: Vec<NodeName>,
    /// Ways to the volumes that it mounts.
    pub(crate) volumes: Vec<NodeName>,
}

/// By compose name.
pub(crate) type Tasks = BTreeMap<String, Task>;

pub(crate) fn draw(draft: &mut Draft<'_>, secrets: &Secrets, databases: &Databases, volumes: &Volumes, images: &Images) -> Tasks {
    let project = draft.project;
    let mut tasks = Tasks::new();
    for service in project.services.iter().chain(&project.jobs) {
        let task = one(draft, service, secrets, databases, volumes, &images[&service.name]);
        tasks.insert(service.name.clone(), task);
    }
    tasks
}

fn one(
    draft: &mut Draft<'_>,
    service: &Service,
    secrets: &Secrets,
    databases: &Databases,
    volumes: &Volumes,
    image: &TaskImage,
) -> Task {
    let name = &service.name;
    let retention_days = Some(draft.project.logs.retention_days as i32);
    let Whereabouts { family, log_group, .. } = whereabouts(&draft.stack, name);
    let log_group = draft.graph.add(name, &landing_aws::logs::Group { name: log_group, retention_days });
    let used: Vec<NodeName> = service
        .secrets
        .values()
        .filter_map(|reference| match reference {
            SecretRef::Secret { name, .. } => secrets.get(name).cloned(),
            SecretRef::DatabaseUser { .. } => None,
        })
        .collect();
    let mounted = |name: &&String| volume::mounts(service, name);
    let ways = volumes.iter().filter(|(name, _)| mounted(name)).flat_map(|(_, volume)| volume.ways.clone()).collect();
    let execution_role = execution_role(draft, service, &log_group, secrets, databases, image);
    let task_role = Role {
        name: role_name(draft, name, "task"),
        trust: policy::ecs_tasks(draft),
        // The application itself calls no AWS service until somebody says so; its volumes are mounted as this role.
        policies: (!service.volumes.is_empty())
            .then(|| ("volumes".to_owned(), policy::document(volume::statements(service, volumes))))
            .into_iter()
            .collect(),
        managed: Vec::new(),
    };
    let task_role = draft.graph.add(&format!("{name}-task"), &task_role);
    let definition = TaskDefinition {
        family,
        cpu: service.cpu as i32,
        memory: service.memory as i32,
        architecture: match service.platform {
            Platform::X86_64 => "X86_64".into(),
            Platform::Arm64 => "ARM64".into(),
        },
        execution_role: Role::ARN.of(&execution_role),
        task_role: Role::ARN.of(&task_role),
        container: name.clone(),
        image: image.uri.clone(),
        command: service.command.clone(),
        entrypoint: service.entrypoint.clone(),
        environment: service.environment.iter().map(|(key, value)| (key.clone(), text(value, draft, databases))).collect(),
        secrets: service
            .secrets
            .iter()
            .filter_map(|(key, reference)| Some((key.clone(), value_from(reference, secrets, databases)?)))
            .collect(),
        ports: service
            .ports
            .iter()
            .map(|port| Port { container: (*port).into(), name: port_name(service, *port), http: false })
            .collect(),
        health: service.healthcheck.as_ref().map(|check| Health {
            command: check.command.clone(),
            interval: check.interval as i32,
            timeout: check.timeout as i32,
            retries: check.retries as i32,
            start_period: check.start_period as i32,
        }),
        log_group: landing_aws::logs::Group::NAME.of(&log_group),
        region: draft.facts.region.clone(),
        stop_timeout: service.stop_grace_period.map(|seconds| seconds as i32),
        user: service.user.clone(),
        working_directory: service.working_dir.clone(),
        read_only: service.read_only,
        init: service.init,
        nofile: service.nofile.map(|limit| (limit.soft as i32, limit.hard as i32)),
        labels: service.labels.clone(),
        tty: service.tty,
        interactive: service.interactive,
        capabilities_added: service.cap_add.clone(),
        capabilities_dropped: service.cap_drop.clone(),
        sysctls: service.sysctls.clone(),
        ephemeral_storage_gib: service.ephemeral_storage_gib.map(|size| size as i32),
        volumes: volume::mounted(service, volumes),
    };
    let definition = draft.graph.add(name, &definition);
    for node in [&log_group, &execution_role, &task_role, &definition] {
        draft.graph.set_service(node, name);
    }
    Task { definition, execution_role, task_role, log_group, secrets: used, volumes: ways }
}

/// Lower case, as Service Connect wants it.
pub(crate) fn port_name(service: &Service, port: u16) -> String {
    fit(&format!("{}-{port}", service.name.to_lowercase()), 64)
}

fn role_name(draft: &Draft<'_>, service: &str, what: &str) -> String {
    fit(&format!("{}-{service}-{what}", draft.prefix), 64)
}

/// ECS itself acts with this role: it pulls this image, writes this log group and reads these secrets, and nothing else.
fn execution_role(
    draft: &mut Draft<'_>,
    service: &Service,
    log_group: &NodeName,
    secrets: &Secrets,
    databases: &Databases,
    image: &TaskImage,
) -> NodeName {
    let logs = policy::below(landing_aws::logs::Group::ARN.of(log_group).text(), ":*");
    let mut statements = vec![policy::allow(&["logs:CreateLogStream", "logs:PutLogEvents"], vec![logs])];
    if let Some(repository) = &image.repository {
        let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
        statements.push(policy::allow(&pull, vec![Repository::ARN.of(repository).text()]));
        // The token is the account's, not a repository's: AWS allows no narrower resource.
        statements.push(policy::allow(&["ecr:GetAuthorizationToken"], vec!["*".into()]));
    }
    let mut read: Vec<Ref<String>> = Vec::new();
    for reference in service.secrets.values() {
        let arn = match reference {
            SecretRef::Secret { name, .. } => secrets.get(name).map(|node| Secret::ARN.of(node).text()),
            SecretRef::DatabaseUser { database, .. } => databases.get(database).map(|node| Instance::SECRET_ARN.of(node).text()),
        };
        read.extend(arn.filter(|arn| !read.contains(arn)));
    }
    if !read.is_empty() {
        statements.push(policy::allow(&["secretsmanager:GetSecretValue"], read));
    }
    let role = Role {
        name: role_name(draft, &service.name, "execution"),
        trust: policy::ecs_tasks(draft),
        policies: BTreeMap::from([("execution".to_owned(), policy::document(statements))]),
        managed: Vec::new(),
    };
    draft.graph.add(&format!("{}-execution", service.name), &role)
}

fn value_from(reference: &SecretRef, secrets: &Secrets, databases: &Databases) -> Option<Ref<String>> {
    match reference {
        SecretRef::Secret { name, key } => {
            let arn = Secret::ARN.of(secrets.get(name)?).text();
            Some(match key {
                // The trailing colons stand for "current version". Source: `aws-behaviours` 9.2.
                Some(key) => policy::below(arn, &format!(":{key}::")),
                None => arn,
            })
        }
        SecretRef::DatabaseUser { database, key } => {
            let arn = Instance::SECRET_ARN.of(databases.get(database)?).text();
            Some(policy::below(
                arn,
                match key {
                    DatabaseKey::Username => ":username::",
                    DatabaseKey::Password => ":password::",
                },
            ))
        }
    }
}

fn text(value: &EnvValue, draft: &Draft<'_>, databases: &Databases) -> Ref<String> {
    match value {
        EnvValue::Plain(text) => text.as_str().into(),
        EnvValue::Database { database, attribute } => told(database, *attribute, draft, databases),
        EnvValue::Template(pieces) => Ref::join(pieces.iter().map(|it| piece(it, draft, databases)).collect()),
    }
}

pub(crate) fn piece(piece: &Piece, draft: &Draft<'_>, databases: &Databases) -> Ref<String> {
    match piece {
        Piece::Text(text) => text.as_str().into(),
        Piece::Url => edge::public_url(draft),
        Piece::Database { database, attribute } => told(database, *attribute, draft, databases),
    }
}

fn told(database: &str, attribute: DatabaseAttribute, draft: &Draft<'_>, databases: &Databases) -> Ref<String> {
    let settings = &draft.project.databases[database];
    match attribute {
        DatabaseAttribute::Host => Instance::HOST.of(&databases[database]).text(),
        DatabaseAttribute::Port => POSTGRES.to_string().as_str().into(),
        DatabaseAttribute::Name => settings.database_name.as_str().into(),
        DatabaseAttribute::Username => settings.master_user.as_str().into(),
    }
}
