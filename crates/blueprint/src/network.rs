//! The network: VPC, subnets, gateways, routes.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use landing_aws::ec2::{ElasticIp, InternetGateway, NatGateway, RouteTable, Subnet, Vpc, VpcEndpoint};
use landing_aws::{SubnetId, VpcId};
use landing_engine::{NodeName, Ref};
use landing_project::{Nat, Service};

use crate::Draft;

pub(crate) struct Network {
    pub(crate) cidr: Ipv4Net,
    vpc: NodeName,
    public: Vec<NodeName>,
    private: Vec<NodeName>,
    public_routes: Option<NodeName>,
    private_routes: Vec<NodeName>,
}

/// Where tasks of a service run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Public,
    Private,
}

impl Network {
    pub(crate) fn vpc(&self) -> Ref<VpcId> {
        Vpc::ID.of(&self.vpc)
    }

    pub(crate) fn subnets(&self, side: Side) -> Vec<Ref<SubnetId>> {
        let nodes = match side {
            Side::Public => &self.public,
            Side::Private => &self.private,
        };
        nodes.iter().map(|node| Subnet::ID.of(node)).collect()
    }

    /// The subnet of each zone, by the zone's letter.
    pub(crate) fn by_zone(&self, side: Side) -> Vec<(String, Ref<SubnetId>)> {
        let nodes = match side {
            Side::Public => &self.public,
            Side::Private => &self.private,
        };
        let letter = |node: &NodeName| node.name().rsplit('-').next().unwrap_or_default().to_owned();
        nodes.iter().map(|node| (letter(node), Subnet::ID.of(node))).collect()
    }

    /// Route tables that must be in force before a task on this side can reach anything.
    pub(crate) fn routes(&self, side: Side) -> Vec<&NodeName> {
        match side {
            Side::Public => self.public_routes.iter().collect(),
            Side::Private => self.private_routes.iter().collect(),
        }
    }
}

/// Services that take connections from the internet stand in public subnets, and so does everything when there is to be no NAT gateway. One-off jobs only
/// ever call out.
pub(crate) fn side(service: &Service, nat: Nat) -> Side {
    if nat == Nat::None || service.public_ip || !service.tcp.is_empty() { Side::Public } else { Side::Private }
}

/// The public subnets take the ranges from index 0 on, the private ones from index 10 on (as far as the network has that many).
const PRIVATE_FROM: usize = 10;

pub(crate) fn draw(draft: &mut Draft<'_>) -> Network {
    let project = draft.project;
    let settings = &project.network;
    let sides: Vec<Side> = project.services.iter().chain(&project.jobs).map(|service| side(service, settings.nat)).collect();
    let balanced = project.services.iter().any(|s| !s.paths.is_empty() || s.default || !s.tcp.is_empty());
    let private_tasks = sides.contains(&Side::Private);
    let zones = usize::from(settings.zones);
    let zone_names = &draft.facts.zones[..zones];
    let nats = match settings.nat {
        Nat::Single if private_tasks => 1,
        Nat::PerZone if private_tasks => zones,
        _ => 0,
    };
    // A load balancer wants two zones; a lone NAT gateway needs a single public subnet.
    let public_zones = if balanced || sides.contains(&Side::Public) { zones } else { nats };
    let private_zones = if private_tasks || !project.databases.is_empty() { zones } else { 0 };

    let vpc = draft.graph.add("main", &Vpc { cidr: settings.cidr.to_string(), dns_support: true, dns_hostnames: true });
    let ranges = ranges(settings.cidr, zones);
    let mut subnets = |side: &str, from: usize, count: usize| -> Vec<NodeName> {
        (0..count)
            .map(|zone| {
                let letter = zone_names[zone].chars().next_back().unwrap_or('x');
                let subnet = Subnet {
                    vpc: Vpc::ID.of(&vpc),
                    cidr: ranges[from + zone].to_string(),
                    zone: zone_names[zone].clone(),
                    public_ip: false,
                };
                draft.graph.add(&format!("{side}-{letter}"), &subnet)
            })
            .collect()
    };
    let public = subnets("public", 0, public_zones);
    let private = subnets("private", if ranges.len() > PRIVATE_FROM { PRIVATE_FROM } else { zones }, private_zones);

    let mut network = Network { cidr: settings.cidr, vpc, public, private, public_routes: None, private_routes: Vec::new() };
    if network.public.is_empty() {
        return network;
    }
    let gateway = draft.graph.add("main", &InternetGateway { vpc: Some(network.vpc()) });
    network.public_routes = Some(draft.graph.add(
        "public",
        &RouteTable {
            vpc: network.vpc(),
            // The route is refused until the gateway is attached.
            routes: BTreeMap::from([("0.0.0.0/0".to_owned(), InternetGateway::ID.of(&gateway).when_usable().text())]),
            subnets: network.subnets(Side::Public),
        },
    ));
    private_routes(draft, &mut network, nats);
    if nats > 0 {
        // ECR keeps image layers in S3: this free way there spares the NAT gateway's price for every pull.
        let route_tables = network.private_routes.iter().map(|table| RouteTable::ID.of(table)).collect();
        let service = format!("com.amazonaws.{}.s3", draft.facts.region);
        draft.graph.add("s3", &VpcEndpoint { vpc: network.vpc(), service, route_tables });
    }
    network
}

/// One table for all private subnets, or one a zone when each zone has its own NAT gateway.
fn private_routes(draft: &mut Draft<'_>, network: &mut Network, nats: usize) {
    let subnets = network.subnets(Side::Private);
    if subnets.is_empty() {
        return;
    }
    let mut gateways = Vec::new();
    for zone in 0..nats {
        let name = network.public[zone].name().trim_start_matches("public-").to_owned();
        let address = draft.graph.add(&format!("nat-{name}"), &ElasticIp { domain: "vpc".into() });
        let nat = NatGateway { subnet: Subnet::ID.of(&network.public[zone]), allocation: ElasticIp::ID.of(&address) };
        gateways.push((name.clone(), draft.graph.add(&name, &nat)));
    }
    let route = |gateway: &NodeName| ("0.0.0.0/0".to_owned(), NatGateway::ID.of(gateway).when_usable().text());
    let vpc = network.vpc();
    network.private_routes = if gateways.len() > 1 {
        let each = gateways.iter().zip(subnets);
        each.map(|((name, gateway), subnet)| {
            let table = RouteTable { vpc: vpc.clone(), routes: BTreeMap::from([route(gateway)]), subnets: vec![subnet] };
            draft.graph.add(&format!("private-{name}"), &table)
        })
        .collect()
    } else {
        let routes = gateways.first().map(|(_, gateway)| route(gateway)).into_iter().collect();
        vec![draft.graph.add("private", &RouteTable { vpc, routes, subnets })]
    };
}

/// Equal ranges of the network: /24 each when there is room for it, else as large as all subnets allow.
fn ranges(cidr: Ipv4Net, zones: usize) -> Vec<Ipv4Net> {
    let wanted = (zones * 2).next_power_of_two();
    let bits = (wanted.trailing_zeros() as u8).max(1);
    let prefix = (cidr.prefix_len() + bits).clamp(24, 28);
    cidr.subnets(prefix).map(Iterator::collect).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_network_is_cut_into_24s_and_a_narrow_one_into_what_it_holds() {
        let wide = ranges("10.0.0.0/16".parse().unwrap(), 2);
        assert_eq!((wide[0].to_string().as_str(), wide[11].to_string().as_str()), ("10.0.0.0/24", "10.0.11.0/24"));
        let narrow = ranges("10.0.0.0/24".parse().unwrap(), 2);
        assert_eq!(
            narrow.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["10.0.0.0/26", "10.0.0.64/26", "10.0.0.128/26", "10.0.0.192/26"]
        );
    }
}
