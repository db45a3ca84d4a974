//! The edge: load balancers, target groups, listeners, rules.

use std::collections::{BTreeMap, BTreeSet};

use landing_aws::TargetGroupArn;
use landing_aws::cloudfront::Distribution;
use landing_aws::elbv2::{Action, Listener, LoadBalancer, Rule, TargetGroup};
use landing_engine::{Kind, NodeName, Ref};
use landing_project::Service;

use crate::Draft;
use crate::names::{dashed, fit, hash};
use crate::network::{Network, Side};
use crate::security::Groups;

#[derive(Default)]
pub(crate) struct Edge {
    alb: Option<NodeName>,
    /// Path patterns that the load balancer serves, in order.
    pub(crate) paths: Vec<String>,
    targets: BTreeMap<String, Vec<Target>>,
}

/// One port of one service behind a load balancer.
pub(crate) struct Target {
    group: NodeName,
    pub(crate) port: u16,
    /// Listeners and rules that send to it; ECS refuses a group that no listener uses.
    pub(crate) used_by: Vec<NodeName>,
}

impl Target {
    pub(crate) fn group(&self) -> Ref<TargetGroupArn> {
        TargetGroup::ARN.of(&self.group)
    }
}

impl Edge {
    pub(crate) fn targets_of(&self, service: &str) -> &[Target] {
        self.targets.get(service).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn alb_domain(&self) -> Option<Ref<String>> {
        self.alb.as_ref().map(|alb| LoadBalancer::DNS.of(alb).text())
    }
}

/// Seconds that a target may still answer after it is taken out: AWS's default of 300 makes every roll-out and `down` wait five minutes.
const DRAIN_SECONDS: i32 = 30;

pub(crate) fn draw(draft: &mut Draft<'_>, network: &Network, groups: &Groups) -> Edge {
    let project = draft.project;
    let mut edge = Edge::default();
    let web: Vec<&Service> = project.services.iter().filter(|s| s.default || !s.paths.is_empty()).collect();
    if !web.is_empty() {
        application(draft, network, groups, &mut edge, &web);
    }
    let raw: Vec<&Service> = project.services.iter().filter(|s| !s.tcp.is_empty() && !s.public_ip).collect();
    if !raw.is_empty() {
        network_balancer(draft, network, groups, &mut edge, &raw);
    }
    edge
}

/// Where people reach the application: the site, which has the API behind it, else the load balancer.
pub(crate) fn public_url(draft: &Draft<'_>) -> Ref<String> {
    let (scheme, domain) = if draft.project.spa.is_some() {
        ("https://", Distribution::DOMAIN.of(&NodeName::new(Distribution::NAME, "spa")).text())
    } else {
        ("http://", LoadBalancer::DNS.of(&NodeName::new(LoadBalancer::NAME, "alb")).text())
    };
    Ref::join(vec![scheme.into(), domain])
}

fn application(draft: &mut Draft<'_>, network: &Network, groups: &Groups, edge: &mut Edge, web: &[&Service]) {
    let alb = balancer(draft, network, "alb", "application", groups.alb());
    let mut forwards = BTreeMap::new();
    for service in web {
        let Some(port) = service.port else { continue };
        let health = service.health.as_ref();
        let group = TargetGroup {
            name: target_name(draft, service, "http", port),
            protocol: "HTTP".into(),
            port: port.into(),
            vpc: network.vpc(),
            health_protocol: "HTTP".into(),
            health_path: Some(health.map_or("/", |health| health.path.as_str()).to_owned()),
            health_port: health.and_then(|health| health.port).map_or("traffic-port".to_owned(), |port| port.to_string()),
            health_codes: Some(health.and_then(|health| health.codes.clone()).unwrap_or_else(|| "200".into())),
            // Two checks ten seconds apart: AWS's defaults of five times thirty make every roll-out slow.
            interval: 10,
            timeout: 5,
            healthy: 2,
            unhealthy: 3,
            deregistration_delay: DRAIN_SECONDS,
        };
        let node = draft.graph.add(&service.name, &group);
        draft.graph.set_service(&node, &service.name);
        forwards.insert(service.name.clone(), (node, port));
    }
    let default = web.iter().find(|service| service.default).and_then(|service| forwards.get(&service.name));
    let action = default.map_or(Action::NotFound, |(group, _)| Action::Forward(TargetGroup::ARN.of(group)));
    let listener = Listener { load_balancer: LoadBalancer::ARN.of(&alb), port: 80, protocol: "HTTP".into(), default: action };
    let listener = draft.graph.add("http", &listener);
    let mut priorities = Priorities::default();
    for service in web {
        let Some((group, port)) = forwards.get(&service.name) else { continue };
        let mut used_by: Vec<NodeName> = service.default.then(|| listener.clone()).into_iter().collect();
        for path in &service.paths {
            let rule = Rule {
                listener: Listener::ARN.of(&listener),
                priority: priorities.of(path),
                paths: patterns(path),
                target: TargetGroup::ARN.of(group),
            };
            let node = draft.graph.add(&format!("{}-{}", service.name, slug(path)), &rule);
            draft.graph.set_service(&node, &service.name);
            used_by.push(node);
            edge.paths.extend(patterns(path));
        }
        let target = Target { group: group.clone(), port: *port, used_by };
        edge.targets.entry(service.name.clone()).or_default().push(target);
    }
    edge.paths.sort_by_key(|path| (std::cmp::Reverse(literal(path)), path.clone()));
    draft.output("load-balancer", Ref::join(vec!["http://".into(), LoadBalancer::DNS.of(&alb).text()]));
    edge.alb = Some(alb);
}

fn network_balancer(draft: &mut Draft<'_>, network: &Network, groups: &Groups, edge: &mut Edge, raw: &[&Service]) {
    let nlb = balancer(draft, network, "nlb", "network", groups.nlb());
    for service in raw {
        for port in &service.tcp {
            let group = TargetGroup {
                name: target_name(draft, service, "tcp", *port),
                protocol: "TCP".into(),
                port: (*port).into(),
                vpc: network.vpc(),
                health_protocol: "TCP".into(),
                health_path: None,
                // Not every port of a service need be open from the start; the first one tells whether it lives.
                health_port: service.tcp[0].to_string(),
                health_codes: None,
                interval: 10,
                timeout: 5,
                healthy: 2,
                unhealthy: 2,
                deregistration_delay: DRAIN_SECONDS,
            };
            let name = format!("{}-{port}", service.name);
            let group = draft.graph.add(&name, &group);
            let listener = Listener {
                load_balancer: LoadBalancer::ARN.of(&nlb),
                port: (*port).into(),
                protocol: "TCP".into(),
                default: Action::Forward(TargetGroup::ARN.of(&group)),
            };
            let listener = draft.graph.add(&format!("tcp-{port}"), &listener);
            draft.graph.set_service(&group, &service.name);
            draft.graph.set_service(&listener, &service.name);
            let domain = LoadBalancer::DNS.of(&nlb).text();
            let address = Ref::join(vec!["tcp://".into(), domain, format!(":{port}").as_str().into()]);
            draft.output(&name, address);
            let target = Target { group, port: *port, used_by: vec![listener] };
            edge.targets.entry(service.name.clone()).or_default().push(target);
        }
    }
}

fn balancer(
    draft: &mut Draft<'_>,
    network: &Network,
    name: &str,
    kind: &str,
    groups: Vec<Ref<landing_aws::SecurityGroupId>>,
) -> NodeName {
    let attributes = match kind {
        // Malformed headers never reach a service.
        "application" => BTreeMap::from([("routing.http.drop_invalid_header_fields.enabled".to_owned(), "true".to_owned())]),
        _ => BTreeMap::from([("load_balancing.cross_zone.enabled".to_owned(), "true".to_owned())]),
    };
    let balancer = LoadBalancer {
        name: fit(&dashed(&format!("{}-{name}", draft.prefix)), 32),
        kind: kind.to_owned(),
        scheme: "internet-facing".into(),
        subnets: network.subnets(Side::Public),
        groups,
        attributes,
    };
    draft.graph.add(name, &balancer)
}

/// A target group's port and protocol are fixed at birth and others hold it, so a new one must be able to stand beside the old: both are in its name.
fn target_name(draft: &Draft<'_>, service: &Service, protocol: &str, port: u16) -> String {
    let whole = format!("{}-{}", draft.prefix, service.name);
    let start: String = dashed(&whole).chars().take(23).collect();
    format!("{}-{}", start.trim_end_matches('-'), hash(&format!("{whole} {protocol} {port}"), 8))
}

/// `/auth` is not matched by `/auth/*`: both are listed. Source: `aws-behaviours` 10.4.
fn patterns(path: &str) -> Vec<String> {
    let base = path.strip_suffix("/*").filter(|base| !base.is_empty());
    base.map(str::to_owned).into_iter().chain([path.to_owned()]).collect()
}

fn slug(path: &str) -> String {
    let text = dashed(path).to_lowercase();
    // Different patterns may leave the same letters behind.
    let plain = path == format!("/{text}/*");
    match (plain, text.is_empty()) {
        (true, _) => text,
        (false, true) => hash(path, 6),
        (false, false) => format!("{text}-{}", hash(path, 6)),
    }
}

/// Length of a pattern before its first wildcard.
fn literal(path: &str) -> usize {
    path.find(['*', '?']).unwrap_or(path.len())
}

/// Priorities that one path's coming or going leaves alone: longer paths first (the more exact pattern wins), then by hash.
#[derive(Default)]
struct Priorities {
    taken: BTreeSet<i32>,
}

impl Priorities {
    /// Places a length: 128 lengths of a pattern share the 50,000 priorities of a listener.
    const ROOM: i32 = 380;

    fn of(&mut self, path: &str) -> i32 {
        let length = literal(path).min(128) as i32;
        let from = (128 - length) * Self::ROOM;
        let offset = i32::from_str_radix(&hash(path, 6), 16).unwrap_or(0) % Self::ROOM;
        let priority = (0..Self::ROOM)
            .map(|step| from + (offset + step) % Self::ROOM + 1)
            .find(|p| !self.taken.contains(p))
            .unwrap_or(from + 1);
        self.taken.insert(priority);
        priority
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_path_wins_and_a_new_path_moves_no_other() {
        let (mut before, mut after) = (Priorities::default(), Priorities::default());
        let one = before.of("/api/*");
        assert!(before.of("/api/v2/*") < one);
        after.of("/webhook/*");
        assert_eq!(after.of("/api/*"), one);
        assert_eq!(patterns("/auth/*"), ["/auth", "/auth/*"]);
        assert_eq!(slug("/api/*"), "api");
        assert_ne!(slug("/api"), slug("/api/*"));
    }
}
