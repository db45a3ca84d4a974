//! Subnet (catalogue, 3.3).

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, flag};
use crate::clock::Millis;
use crate::fault::Fault;
use crate::latency;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::lookup::{self, invalid};
use super::{Ec2, cidr, tagging, zone};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subnet {
    pub(crate) id: String,
    pub(crate) vpc: String,
    /// Canonical.
    pub(crate) cidr: String,
    /// Name, such as `us-west-2a`.
    pub(crate) zone: String,
    pub(crate) zone_id: String,
    pub(crate) default_for_az: bool,
    pub(crate) map_public_ip: bool,
    pub(crate) ready_at: Millis,
    pub(crate) tags: Tags,
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let vpc = call.need("VpcId", "MissingParameter")?;
    let block = cidr::ipv4(&call.need("CidrBlock", "MissingParameter")?, "cidrBlock")?;
    let whole = cidr::ipv4(&world.ec2.vpc(&vpc)?.cidr, "cidrBlock")?;
    let (zone, zone_id) = zone(world, call)?;
    let tags = tagging::given(call, "subnet")?;
    if !(16..=28).contains(&block.prefix_len()) || !whole.contains(&block) {
        return Err(Fault::new("InvalidSubnet.Range", format!("The CIDR '{block}' is invalid.")));
    }
    let taken = |it: &Subnet| it.vpc == vpc && it.cidr.parse().is_ok_and(|other: Ipv4Net| cidr::overlap(&other, &block));
    if world.ec2.subnets.values().any(taken) {
        return Err(Fault::new("InvalidSubnet.Conflict", format!("The CIDR '{block}' conflicts with another subnet")));
    }
    quotas::SUBNETS.one_more(world, world.ec2.subnets.values().filter(|it| it.vpc == vpc).count())?;
    let id = world.id("subnet-");
    let ready_at = world.now + latency::SUBNET_READY.of(world, &id);
    let cidr = block.to_string();
    let subnet = Subnet { id: id.clone(), vpc, cidr, zone, zone_id, default_for_az: false, map_public_ip: false, ready_at, tags };
    world.ec2.subnets.insert(id.clone(), subnet);
    Ok(json!({ "subnet": render(world, world.ec2.subnet(&id)?) }).into())
}

/// By name or id; AWS picks one when none is given.
fn zone(world: &World, call: &Call) -> Result<(String, String), Fault> {
    let zones = zone::all(&world.region);
    let (name, id) = (call.opt("AvailabilityZone"), call.opt("AvailabilityZoneId"));
    let fits =
        |zone: &&(String, String)| name.as_ref().is_none_or(|it| *it == zone.0) && id.as_ref().is_none_or(|it| *it == zone.1);
    zones.iter().find(fits).cloned().ok_or_else(|| {
        let known: Vec<&str> = zones.iter().map(|(name, _)| name.as_str()).collect();
        invalid(format!(
            "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: {}.",
            name.or(id).unwrap_or_default(),
            known.join(", ")
        ))
    })
}

const LISTING: Listing = Listing {
    set: "subnetSet",
    ids: ("SubnetId", "subnetId"),
    not_found: lookup::no_subnet,
    filters: &[
        ("subnet-id", "subnetId"),
        ("subnet-arn", "subnetArn"),
        ("vpc-id", "vpcId"),
        ("state", "state"),
        ("availability-zone", "availabilityZone"),
        ("availabilityZone", "availabilityZone"),
        ("availability-zone-id", "availabilityZoneId"),
        ("availabilityZoneId", "availabilityZoneId"),
        ("available-ip-address-count", "availableIpAddressCount"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("default-for-az", "defaultForAz"),
        ("defaultForAz", "defaultForAz"),
        ("map-public-ip-on-launch", "mapPublicIpOnLaunch"),
        ("owner-id", "ownerId"),
    ],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.subnets.values().map(|subnet| render(world, subnet)).collect())
}

fn render(world: &World, subnet: &Subnet) -> Value {
    json!({
        "subnetId": subnet.id,
        "subnetArn": world.arn("ec2", &format!("subnet/{}", subnet.id)),
        "ownerId": world.account,
        "state": if subnet.ready_at > world.now { "pending" } else { "available" },
        "vpcId": subnet.vpc,
        "cidrBlock": subnet.cidr,
        "availableIpAddressCount": free_addresses(&world.ec2, subnet),
        "availabilityZone": subnet.zone,
        "availabilityZoneId": subnet.zone_id,
        "defaultForAz": subnet.default_for_az,
        "mapPublicIpOnLaunch": subnet.map_public_ip,
        "mapCustomerOwnedIpOnLaunch": false,
        "assignIpv6AddressOnCreation": false,
        "ipv6CidrBlockAssociationSet": [],
        "ipv6Native": false,
        "enableDns64": false,
        "privateDnsNameOptionsOnLaunch": {
            "hostnameType": "ip-name", "enableResourceNameDnsARecord": false, "enableResourceNameDnsAAAARecord": false,
        },
        "tagSet": tags::lower(&subnet.tags),
    })
}

/// AWS keeps five addresses of every subnet.
pub(crate) fn free_addresses(ec2: &Ec2, subnet: &Subnet) -> u64 {
    let bits = subnet.cidr.parse().map_or(28, |net: Ipv4Net| net.prefix_len());
    let used = ec2.interfaces.values().filter(|it| it.subnet == subnet.id).count() as u64;
    (1_u64 << (32 - bits)).saturating_sub(5 + used)
}

pub(super) fn modify_attribute(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let subnet = world.ec2.subnet_mut(&call.need("SubnetId", "MissingParameter")?)?;
    let Some(map_public_ip) = flag(&call.input["MapPublicIpOnLaunch"]["Value"]) else {
        return Err(Fault::new(
            "MissingParameter",
            "Either 'assignIpv6AddressOnCreation' or 'mapPublicIpOnLaunch' should be provided",
        ));
    };
    subnet.map_public_ip = map_public_ip;
    Ok(json!({ "return": true }).into())
}

/// Interfaces hold it; route-table associations go with it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("SubnetId", "MissingParameter")?;
    world.ec2.subnet(&id)?;
    if world.ec2.interfaces.values().any(|interface| interface.subnet == id) {
        return Err(lookup::in_use("subnet", &id));
    }
    for table in world.ec2.route_tables.values_mut() {
        table.associations.retain(|_, subnet| subnet.as_ref() != Some(&id));
    }
    world.ec2.subnets.remove(&id);
    Ok(json!({ "return": true }).into())
}
