//! Services: they exist early, with their endpoint and target group, and run late, when all that they need is there.

use std::collections::BTreeMap;

use landing_aws::ecs::{Cluster, Connect, Endpoint, Job, Rollout, Service as EcsService, Target, TaskDefinition};
use landing_aws::servicediscovery::Namespace;
use landing_engine::{Kind, NodeName, Readiness, Ref};
use landing_project::{Condition, Project, Service};

use crate::Draft;
use crate::edge::Edge;
use crate::image::Images;
use crate::network::{self, Network, Side};
use crate::security::Groups;
use crate::task::{Tasks, port_name};

/// ECS services by compose name.
pub(crate) type Services = BTreeMap<String, NodeName>;

/// A starting task behind a load balancer is not counted unhealthy for this long, unless the project says otherwise; AWS's default of 0 kills slow starters.
const GRACE_SECONDS: u32 = 60;

pub(crate) fn draw(
    draft: &mut Draft<'_>,
    network: &Network,
    groups: &Groups,
    edge: &Edge,
    tasks: &Tasks,
    images: &Images,
) -> Services {
    let project = draft.project;
    let mut services = Services::new();
    if project.services.is_empty() && project.jobs.is_empty() {
        return services;
    }
    let cluster = draft.graph.add("main", &Cluster { name: draft.prefix.clone(), insights: "enabled".into() });
    let talk = project.services.iter().any(|service| !service.calls.is_empty());
    let namespace = talk.then(|| {
        let namespace = Namespace { name: draft.prefix.clone(), description: "Service Connect".into() };
        draft.graph.add("main", &namespace)
    });
    for service in &project.services {
        let node = early(draft, service, network, groups, edge, tasks, &cluster, namespace.as_ref());
        services.insert(service.name.clone(), node);
    }
    for service in &project.services {
        late(draft, service, network, groups, tasks, images, &cluster, &services);
    }
    for job in &project.jobs {
        once(draft, job, network, groups, tasks, images, &cluster);
    }
    services
}

/// Whether it can run: its image is there or will be, and that of every job that it waits for.
fn runs(project: &Project, service: &Service, images: &Images) -> bool {
    let held_up = |(other, condition): (&String, &Condition)| {
        *condition == Condition::Completed && project.find(other).is_some_and(|job| !runs(project, job, images))
    };
    images[&service.name].there && !service.depends_on.iter().any(held_up)
}

/// A job, which is run to its end before those start that wait for it.
fn once(
    draft: &mut Draft<'_>,
    job: &Service,
    network: &Network,
    groups: &Groups,
    tasks: &Tasks,
    images: &Images,
    cluster: &NodeName,
) {
    if !runs(draft.project, job, images) {
        return;
    }
    let side = network::side(job, draft.project.network.nat);
    let shape = Job {
        task_definition: TaskDefinition::ARN.of(&tasks[&job.name].definition),
        done: true,
        cluster: Cluster::NAME.of(cluster),
        subnets: network.subnets(side).into_iter().map(Ref::only_at_first).collect(),
        groups: groups.service(&job.name).into_iter().map(Ref::only_at_first).collect(),
        public_ip: side == Side::Public,
    };
    let node = draft.graph.add(&job.name, &shape);
    draft.graph.set_service(&node, &job.name);
    draft.graph.after(&node, cluster, Readiness::Usable);
    wait_for_all(draft, &node, job, network, groups, tasks, images);
    if let Some(notice) = unreachable(draft.project, job) {
        draft.notices.push(notice);
    }
}

/// Service Connect is not for one-off tasks. Source: `aws-behaviours` 9.3.
fn unreachable(project: &Project, job: &Service) -> Option<String> {
    let names = |other: &&String| project.services.iter().any(|service| service.name == **other);
    let called: Vec<&str> = job.calls.iter().filter(names).map(String::as_str).collect();
    (!called.is_empty()).then(|| {
        format!(
            "the job {} names {}: a one-off task does not find other services by their names on AWS. Let it reach them by ${{url}}, or let the service do at its start what the job does",
            job.name,
            called.join(", ")
        )
    })
}

/// The service itself, with no task running.
#[expect(clippy::too_many_arguments, reason = "each is another part of the landing zone that a service touches")]
fn early(
    draft: &mut Draft<'_>,
    service: &Service,
    network: &Network,
    groups: &Groups,
    edge: &Edge,
    tasks: &Tasks,
    cluster: &NodeName,
    namespace: Option<&NodeName>,
) -> NodeName {
    let side = network::side(service, draft.project.network.nat);
    let targets = edge.targets_of(&service.name);
    let web = !service.paths.is_empty() || service.default;
    // A server is replaced without a gap. What may run only once is stopped before its successor starts, and so is who writes to a volume: two that write to the
    // same files at once can spoil them.
    let writes = service.volumes.iter().any(|mount| !mount.read_only);
    let alone = service.replicas <= 1 && (!web || writes);
    let shape = EcsService {
        name: service.name.clone(),
        cluster: Cluster::NAME.of(cluster),
        task_definition: TaskDefinition::ARN.of(&tasks[&service.name].definition),
        subnets: network.subnets(side),
        groups: groups.service(&service.name),
        // Nothing else gives a task in a public subnet a way out.
        public_ip: side == Side::Public,
        targets: targets
            .iter()
            .map(|target| Target { group: target.group(), container: service.name.clone(), port: target.port.into() })
            .collect(),
        connect: namespace.filter(|_| talks(draft, service)).map(|namespace| Connect {
            namespace: Namespace::ARN.of(namespace),
            endpoints: if called(draft, service) { endpoints(service) } else { Vec::new() },
        }),
        minimum_percent: if alone { 0 } else { 100 },
        maximum_percent: if alone { 100 } else { 200 },
        rollback: true,
        grace_seconds: (!targets.is_empty()).then(|| service.grace.unwrap_or(GRACE_SECONDS) as i32),
        propagate_tags: true,
    };
    let node = draft.graph.add(&service.name, &shape);
    draft.graph.set_service(&node, &service.name);
    for user in targets.iter().flat_map(|target| &target.used_by) {
        draft.graph.after(&node, user, Readiness::Known);
    }
    node
}

fn called(draft: &Draft<'_>, service: &Service) -> bool {
    draft.project.services.iter().any(|other| other.calls.contains(&service.name))
}

/// Only who calls or is called joins Service Connect: its proxy costs memory in every task.
fn talks(draft: &Draft<'_>, service: &Service) -> bool {
    called(draft, service) || draft.project.services.iter().any(|other| service.calls.contains(&other.name))
}

/// The compose name keeps working as a host name, on every port that the service listens on.
fn endpoints(service: &Service) -> Vec<Endpoint> {
    service
        .ports
        .iter()
        .map(|port| Endpoint {
            port_name: port_name(service, *port),
            discovery_name: port_name(service, *port),
            dns_name: service.name.to_lowercase(),
            port: (*port).into(),
        })
        .collect()
}

/// The tasks, when everything that they need is usable.
#[expect(clippy::too_many_arguments, reason = "each is another part of the landing zone that a running task needs")]
fn late(
    draft: &mut Draft<'_>,
    service: &Service,
    network: &Network,
    groups: &Groups,
    tasks: &Tasks,
    images: &Images,
    cluster: &NodeName,
    services: &Services,
) {
    let runs = runs(draft.project, service, images);
    let task = &tasks[&service.name];
    let rollout = Rollout {
        cluster: Cluster::NAME.of(cluster),
        service: EcsService::NAME.of(&services[&service.name]),
        task_definition: TaskDefinition::ARN.of(&task.definition),
        count: if runs { service.replicas as i32 } else { 0 },
    };
    let rollout = draft.graph.add(&service.name, &rollout);
    draft.graph.set_service(&rollout, &service.name);
    wait_for_all(draft, &rollout, service, network, groups, tasks, images);
    // Tasks see only the Service Connect endpoints that exist when they start. Source: `aws-behaviours` 9.3.
    for name in service.calls.iter().filter_map(|name| services.get(name)) {
        draft.graph.after(&rollout, name, Readiness::Usable);
    }
}

/// What a task meets when it starts, and what compose's `depends_on` says. A rollout is usable when it is steady: as many tasks as asked for, healthy where something looks at
/// their health. That is more than `service_started` wants. A job is usable when it has ended well, whatever condition is named.
fn wait_for_all(
    draft: &mut Draft<'_>,
    node: &NodeName,
    service: &Service,
    network: &Network,
    groups: &Groups,
    tasks: &Tasks,
    images: &Images,
) {
    let task = &tasks[&service.name];
    let side = network::side(service, draft.project.network.nat);
    let mut usable: Vec<NodeName> = network.routes(side).into_iter().cloned().collect();
    usable.extend([&task.execution_role, &task.task_role, &task.log_group].map(Clone::clone));
    usable.extend(task.secrets.iter().cloned());
    usable.extend(task.volumes.iter().cloned());
    usable.extend(groups.rules_of(&service.name).iter().cloned());
    for other in service.depends_on.keys().filter_map(|name| draft.project.find(name)) {
        let once = draft.project.jobs.iter().any(|job| job.name == other.name);
        if !once {
            usable.push(NodeName::new(Rollout::NAME, &other.name));
        } else if runs(draft.project, other, images) {
            usable.push(NodeName::new(Job::NAME, &other.name));
        }
    }
    for other in usable {
        draft.graph.after(node, &other, Readiness::Usable);
    }
}
