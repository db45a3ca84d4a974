//! Network interfaces that services hold: they outlive their owners and block deletes (catalogue, section 15.2).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::{Ec2, address, lookup};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Interface {
    pub(crate) id: String,
    /// ARN or id of what it belongs to.
    pub(crate) owner: String,
    /// As AWS words it: `ELB app/<name>/<id>`, `RDSNetworkInterface`, `Interface for NAT Gateway nat-…`, `arn:aws:ecs:…:attachment/<uuid>`.
    pub(crate) description: String,
    pub(crate) subnet: String,
    pub(crate) groups: Vec<String>,
    /// Has a public address, so that the internet gateway cannot be detached.
    pub(crate) public: bool,
    pub(crate) public_ip: Option<String>,
    pub(crate) private_ip: String,
    /// When it is freed, once its owner is on the way out.
    pub(crate) free_at: Option<Millis>,
}

/// Puts an interface of `owner` into a subnet, and tells its id.
pub(crate) fn attach(world: &mut World, owner: &str, description: &str, subnet: &str, groups: &[String], public: bool) -> String {
    let id = world.id("eni-");
    let public_ip = public.then(|| address::public_ip(world));
    let private_ip = free_address(&world.ec2, subnet);
    let interface = Interface {
        id: id.clone(),
        owner: owner.to_owned(),
        description: description.to_owned(),
        subnet: subnet.to_owned(),
        groups: groups.to_vec(),
        public,
        public_ip,
        private_ip,
        free_at: None,
    };
    world.ec2.interfaces.insert(id.clone(), interface);
    id
}

/// The first address of the subnet that AWS does not keep and nobody has.
fn free_address(ec2: &Ec2, subnet: &str) -> String {
    let net: Ipv4Net = ec2.subnets.get(subnet).and_then(|subnet| subnet.cidr.parse().ok()).unwrap_or_default();
    let taken = |ip: &Ipv4Addr| ec2.interfaces.values().any(|it| it.subnet == subnet && it.private_ip == ip.to_string());
    net.hosts().skip(3).find(|ip| !taken(ip)).unwrap_or(net.addr()).to_string()
}

/// The interfaces of `owner` go away `after` milliseconds from now.
pub(crate) fn release(world: &mut World, owner: &str, after: Millis) {
    let at = world.now + after;
    for interface in world.ec2.interfaces.values_mut().filter(|interface| interface.owner == owner) {
        interface.free_at = Some(at);
    }
}

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    world.ec2.interfaces.retain(|_, interface| interface.free_at.is_none_or(|at| at > now));
}

const LISTING: Listing = Listing {
    set: "networkInterfaceSet",
    ids: ("NetworkInterfaceId", "networkInterfaceId"),
    not_found: lookup::no_interface,
    filters: &[
        ("network-interface-id", "networkInterfaceId"),
        ("vpc-id", "vpcId"),
        ("subnet-id", "subnetId"),
        ("group-id", "groupSet.groupId"),
        ("group-name", "groupSet.groupName"),
        ("description", "description"),
        ("status", "status"),
        ("interface-type", "interfaceType"),
        ("requester-id", "requesterId"),
        ("requester-managed", "requesterManaged"),
        ("availability-zone", "availabilityZone"),
        ("owner-id", "ownerId"),
        ("private-ip-address", "privateIpAddress"),
        ("addresses.private-ip-address", "privateIpAddressesSet.privateIpAddress"),
        ("association.public-ip", "association.publicIp"),
        ("association.allocation-id", "association.allocationId"),
        ("attachment.status", "attachment.status"),
        ("mac-address", "macAddress"),
    ],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.interfaces.values().map(|interface| render(world, interface)).collect())
}

/// Interface type and requester, told by the description (catalogue, 15.2).
fn kind(description: &str) -> (&'static str, &'static str) {
    match description {
        text if text.starts_with("Interface for NAT Gateway") => ("nat_gateway", "amazon-aws"),
        text if text.starts_with("ELB net/") => ("network_load_balancer", "amazon-aws"),
        text if text.starts_with("ELB ") => ("interface", "amazon-elb"),
        text if text.starts_with("RDS") => ("interface", "amazon-rds"),
        text if text.starts_with("EFS ") => ("interface", "amazon-efs"),
        text if text.starts_with("VPC Endpoint") => ("vpc_endpoint", "amazon-aws"),
        _ => ("interface", "amazon-ecs"),
    }
}

fn render(world: &World, interface: &Interface) -> Value {
    let subnet = world.ec2.subnets.get(&interface.subnet);
    let (interface_type, requester) = kind(&interface.description);
    let suffix = interface.id.trim_start_matches("eni-");
    let mac: Vec<String> = (0..5).filter_map(|at| Some(suffix.get(at * 2..at * 2 + 2)?.to_owned())).collect();
    let name = |id: &String| world.ec2.groups.get(id).map(|group| group.name.clone());
    let groups: Vec<Value> = interface.groups.iter().map(|id| json!({ "groupId": id, "groupName": name(id) })).collect();
    let elastic = world.ec2.addresses.values().find_map(|address| {
        let association = address.association.as_ref().filter(|association| association.interface == interface.id)?;
        Some((&address.id, &association.id))
    });
    let association = interface.public_ip.as_ref().map(|ip| {
        let owner = if elastic.is_some() { world.account.as_str() } else { "amazon" };
        json!({ "publicIp": ip, "ipOwnerId": owner, "allocationId": elastic.map(|it| it.0), "associationId": elastic.map(|it| it.1) })
    });
    json!({
        "networkInterfaceId": interface.id,
        "subnetId": interface.subnet,
        "vpcId": subnet.map(|subnet| &subnet.vpc),
        "availabilityZone": subnet.map(|subnet| &subnet.zone),
        "description": interface.description,
        "ownerId": world.account,
        "requesterId": requester,
        "requesterManaged": true,
        "status": "in-use",
        "interfaceType": interface_type,
        "macAddress": format!("02:{}", mac.join(":")),
        "privateIpAddress": interface.private_ip,
        "privateIpAddressesSet": [{ "privateIpAddress": interface.private_ip, "primary": true, "association": association.clone() }],
        "ipv6AddressesSet": [],
        "sourceDestCheck": true,
        "groupSet": groups,
        "association": association,
        "attachment": { "attachmentId": format!("ela-attach-{suffix}"), "status": "attached", "deleteOnTermination": false, "instanceOwnerId": requester },
        "tagSet": [],
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{attach, release};
    use crate::call::Call;
    use crate::services::{advance, ec2};
    use crate::world::World;

    fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, String> {
        let call = Call {
            service: "ec2",
            operation: operation.into(),
            input,
            path: Vec::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: Vec::new(),
            region: "us-west-2".into(),
        };
        ec2::handle(world, &call).map(|reply| reply.body).map_err(|fault| fault.code)
    }

    #[test]
    fn a_group_and_a_subnet_wait_for_the_interface_of_a_service() {
        let mut world = World::new("us-west-2");
        let subnet = world.ec2.subnets.keys().next().unwrap().clone();
        let made = ask(&mut world, "CreateSecurityGroup", json!({ "GroupName": "alb", "GroupDescription": "x" })).unwrap();
        let group = made["groupId"].as_str().unwrap().to_owned();
        attach(&mut world, "alb-1", "ELB app/pulse/1", &subnet, std::slice::from_ref(&group), true);
        release(&mut world, "alb-1", 1000);

        let mut world = World::load(&world.save()).unwrap();
        let held = |code: &str| Err(code.to_owned());
        assert_eq!(ask(&mut world, "DeleteSecurityGroup", json!({ "GroupId": group })), held("DependencyViolation"));
        assert_eq!(ask(&mut world, "DeleteSubnet", json!({ "SubnetId": subnet })), held("DependencyViolation"));

        world.now += 1000;
        advance(&mut world);
        assert!(ask(&mut world, "DeleteSecurityGroup", json!({ "GroupId": group })).is_ok());
        assert!(ask(&mut world, "DeleteSubnet", json!({ "SubnetId": subnet })).is_ok());
        assert!(!world.objects().contains(&format!("ec2:subnet {subnet}")));
    }
}
