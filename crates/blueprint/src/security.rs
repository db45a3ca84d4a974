//! Security groups: one a task, so that each rule says exactly who may talk to whom.

use std::collections::{BTreeMap, BTreeSet};

use landing_aws::SecurityGroupId;
use landing_aws::ec2::{Egress, SecurityGroup, SecurityGroupRule, Source};
use landing_engine::{NodeName, Ref};
use landing_project::{AlbFrom, Service};

use crate::network::Network;
use crate::{Draft, volume};

/// Ports on which PostgreSQL listens.
pub(crate) const POSTGRES: u16 = 5432;
/// Port of NFS, on which EFS is mounted, encrypted or not.
const NFS: u16 = 2049;

#[derive(Default)]
pub(crate) struct Groups {
    services: BTreeMap<String, NodeName>,
    databases: BTreeMap<String, NodeName>,
    volumes: BTreeMap<String, NodeName>,
    alb: Option<NodeName>,
    nlb: Option<NodeName>,
    /// Rules by the service that they let in or out.
    rules: BTreeMap<String, Vec<NodeName>>,
}

impl Groups {
    pub(crate) fn service(&self, name: &str) -> Vec<Ref<SecurityGroupId>> {
        self.services.get(name).map(|group| SecurityGroup::ID.of(group)).into_iter().collect()
    }

    pub(crate) fn database(&self, name: &str) -> Vec<Ref<SecurityGroupId>> {
        self.databases.get(name).map(|group| SecurityGroup::ID.of(group)).into_iter().collect()
    }

    pub(crate) fn volume(&self, name: &str) -> Vec<Ref<SecurityGroupId>> {
        self.volumes.get(name).map(|group| SecurityGroup::ID.of(group)).into_iter().collect()
    }

    pub(crate) fn alb(&self) -> Vec<Ref<SecurityGroupId>> {
        self.alb.as_ref().map(|group| SecurityGroup::ID.of(group)).into_iter().collect()
    }

    pub(crate) fn nlb(&self) -> Vec<Ref<SecurityGroupId>> {
        self.nlb.as_ref().map(|group| SecurityGroup::ID.of(group)).into_iter().collect()
    }

    /// Rules that must be in force before tasks of the service start.
    pub(crate) fn rules_of(&self, service: &str) -> &[NodeName] {
        self.rules.get(service).map_or(&[], Vec::as_slice)
    }
}

/// Ports of a service that the application load balancer speaks to: its own and its health check's.
pub(crate) fn balanced_ports(service: &Service) -> BTreeSet<u16> {
    if service.paths.is_empty() && !service.default {
        return BTreeSet::new();
    }
    service.port.into_iter().chain(service.health.as_ref().and_then(|health| health.port)).collect()
}

pub(crate) fn draw(draft: &mut Draft<'_>, network: &Network) -> Groups {
    let project = draft.project;
    let mut groups = Groups::default();
    let anywhere = [Egress::anywhere()];
    for service in project.services.iter().chain(&project.jobs) {
        let what = format!("Tasks of {}", service.name);
        let group = group(draft, network, &service.name, &what, &anywhere);
        draft.graph.set_service(&group, &service.name);
        groups.services.insert(service.name.clone(), group);
    }
    for database in project.databases.values() {
        let name = format!("{}-database", database.name);
        let group = group(draft, network, &name, &format!("Database {}", database.name), &[]);
        for user in &database.used_by {
            let Some(from) = groups.services.get(user).cloned() else { continue };
            let why = format!("PostgreSQL from {user}");
            let rule = rule(draft, &group, &name, POSTGRES, Source::Group(SecurityGroup::ID.of(&from)), user, &why);
            groups.rules.entry(user.clone()).or_default().push(rule);
        }
        groups.databases.insert(database.name.clone(), group);
    }
    for volume in project.volumes.keys() {
        let name = format!("{volume}-volume");
        let group = group(draft, network, &name, &format!("Volume {volume}"), &[]);
        for user in project.services.iter().chain(&project.jobs).filter(|service| volume::mounts(service, volume)) {
            let from = groups.services[&user.name].clone();
            let why = format!("NFS from {}", user.name);
            let rule = rule(draft, &group, &name, NFS, Source::Group(SecurityGroup::ID.of(&from)), &user.name, &why);
            groups.rules.entry(user.name.clone()).or_default().push(rule);
        }
        groups.volumes.insert(volume.clone(), group);
    }
    let services: Vec<&Service> = project.services.iter().collect();
    load_balancer(draft, network, &mut groups, &services);
    network_load_balancer(draft, network, &mut groups, &services);
    for client in project.services.iter() {
        for server in client.calls.iter().filter_map(|name| project.services.iter().find(|s| s.name == *name)) {
            for port in &server.ports {
                let (to, from) = (groups.services[&server.name].clone(), groups.services[&client.name].clone());
                let why = format!("{} calls {}", client.name, server.name);
                let source = Source::Group(SecurityGroup::ID.of(&from));
                let rule = rule(draft, &to, &server.name, *port, source, &client.name, &why);
                groups.rules.entry(client.name.clone()).or_default().push(rule);
            }
        }
    }
    groups
}

/// The internet (or CloudFront alone) to the load balancer, the load balancer to each service behind it.
fn load_balancer(draft: &mut Draft<'_>, network: &Network, groups: &mut Groups, services: &[&Service]) {
    let ports: BTreeSet<u16> = services.iter().flat_map(|service| balanced_ports(service)).collect();
    if ports.is_empty() {
        return;
    }
    let inside: Vec<Egress> = ports.iter().map(|port| Egress::tcp(*port, &network.cidr.to_string())).collect();
    let alb = group(draft, network, "alb", "Application load balancer", &inside);
    match (draft.project.alb.from, &draft.facts.cloudfront_prefix_list) {
        // The list weighs 55 of the 60 rules that a group may have, so one port only. Source: `aws-behaviours` 3.12.
        (AlbFrom::CloudFront, Some(list)) => {
            let source = Source::PrefixList(Ref::value(list.as_str().into()));
            rule(draft, &alb, "alb", 80, source, "cloudfront", "HTTP from CloudFront");
        }
        _ => {
            for (port, what) in [(80, "HTTP"), (443, "HTTPS")] {
                let source = Source::Cidr("0.0.0.0/0".into());
                rule(draft, &alb, "alb", port, source, "internet", &format!("{what} from the internet"));
            }
        }
    }
    for service in services {
        for port in balanced_ports(service) {
            let source = Source::Group(SecurityGroup::ID.of(&alb));
            let why = "from the load balancer";
            let to = groups.services[&service.name].clone();
            let rule = rule(draft, &to, &service.name, port, source, "alb", why);
            groups.rules.entry(service.name.clone()).or_default().push(rule);
        }
    }
    groups.alb = Some(alb);
}

/// Raw TCP: the internet to the network load balancer, that one to the tasks; with `public-ip` the internet to the tasks.
fn network_load_balancer(draft: &mut Draft<'_>, network: &Network, groups: &mut Groups, services: &[&Service]) {
    let ports: BTreeSet<u16> = services.iter().filter(|s| !s.public_ip).flat_map(|s| s.tcp.iter().copied()).collect();
    let internet = || Source::Cidr("0.0.0.0/0".into());
    if !ports.is_empty() {
        let inside: Vec<Egress> = ports.iter().map(|port| Egress::tcp(*port, &network.cidr.to_string())).collect();
        let nlb = group(draft, network, "nlb", "Network load balancer", &inside);
        for port in &ports {
            rule(draft, &nlb, "nlb", *port, internet(), "internet", &format!("TCP {port} from the internet"));
        }
        groups.nlb = Some(nlb);
    }
    for service in services {
        let to = groups.services[&service.name].clone();
        for port in &service.tcp {
            let rule = match &groups.nlb {
                Some(nlb) if !service.public_ip => {
                    let source = Source::Group(SecurityGroup::ID.of(nlb));
                    rule(draft, &to, &service.name, *port, source, "nlb", "from the network load balancer")
                }
                _ => rule(draft, &to, &service.name, *port, internet(), "internet", &format!("TCP {port} from the internet")),
            };
            groups.rules.entry(service.name.clone()).or_default().push(rule);
        }
    }
}

fn group(draft: &mut Draft<'_>, network: &Network, name: &str, description: &str, egress: &[Egress]) -> NodeName {
    let group = SecurityGroup {
        vpc: network.vpc(),
        name: format!("{}-{name}", draft.prefix),
        description: description.to_owned(),
        egress: egress.to_vec(),
    };
    draft.graph.add(name, &group)
}

fn rule(draft: &mut Draft<'_>, group: &NodeName, to: &str, port: u16, source: Source, from: &str, why: &str) -> NodeName {
    let rule = SecurityGroupRule {
        group: SecurityGroup::ID.of(group),
        protocol: "tcp".into(),
        from_port: port.into(),
        to_port: port.into(),
        source,
        description: why.to_owned(),
    };
    draft.graph.add(&format!("{to}-{port}-from-{from}"), &rule)
}
