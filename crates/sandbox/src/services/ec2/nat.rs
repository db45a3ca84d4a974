//! NAT gateway (catalogue, 3.5): slow to come, able to fail, listed for an hour after it is gone.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::faults::FailureKind;
use crate::latency;
use crate::services::failures::{self, Made};
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::address::Association;
use super::listing::Listing;
use super::{gateway, interfaces, lookup, subnet, tagging, timestamp, tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Pending,
    Available,
    Failed,
    Deleting,
    Deleted,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Nat {
    pub(crate) id: String,
    pub(crate) subnet: String,
    pub(crate) vpc: String,
    pub(crate) allocation: String,
    pub(crate) ip: Option<String>,
    pub(crate) private_ip: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) state: State,
    /// When the present state ends by itself.
    pub(crate) until: Option<Millis>,
    /// Code and message of what will make it fail, or did.
    pub(crate) failure: Option<(String, String)>,
    pub(crate) created_at: Millis,
    pub(crate) deleted_at: Option<Millis>,
    pub(crate) tags: Tags,
}

impl Nat {
    /// It exists: no failure, no ghost.
    pub(super) fn counts(&self) -> bool {
        !matches!(self.state, State::Failed | State::Deleted)
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if let Some(id) = tokens::made_before(world, call)?
        && let Some(nat) = world.ec2.nats.get(&id)
    {
        return Ok(reply(world, call, nat));
    }
    if call.opt("ConnectivityType").is_some_and(|kind| kind != "public") {
        return Err(lookup::invalid("the sandbox models connectivityType 'public' only"));
    }
    let subnet = call.need("SubnetId", "MissingParameter")?;
    let allocation = call.need("AllocationId", "MissingParameter")?;
    let vpc = world.ec2.subnet(&subnet)?.vpc.clone();
    let tags = tagging::given(call, "natgateway")?;
    let zone = |subnet: &str| world.ec2.subnets.get(subnet).map(|subnet| &subnet.zone);
    let there = world.ec2.nats.values().filter(|nat| nat.counts() && zone(&nat.subnet) == zone(&subnet)).count();
    quotas::NAT_GATEWAYS.one_more(world, there)?;
    let id = world.id("nat-");
    let mut nat = Nat {
        id: id.clone(),
        subnet,
        vpc,
        allocation,
        ip: None,
        private_ip: None,
        interface: None,
        state: State::Pending,
        until: Some(world.now + latency::NAT_READY.of(world, &id)),
        failure: None,
        created_at: world.now,
        deleted_at: None,
        tags,
    };
    world.ec2.nats_made += 1;
    match asked(world, &nat).or_else(|| failure(world, &nat)) {
        Some(failure) => {
            nat.failure = Some(failure);
            nat.until = Some(world.now + latency::NAT_FAILED.of(world, &id));
        }
        None => take_address(world, &mut nat)?,
    }
    world.ec2.nats.insert(id.clone(), nat);
    tokens::remember(world, call, &id);
    Ok(reply(world, call, world.ec2.nat(&id)?))
}

fn reply(world: &World, call: &Call, nat: &Nat) -> Reply {
    json!({ "natGateway": render(world, nat), "clientToken": call.opt("ClientToken") }).into()
}

/// One that the world's faults want to fail.
fn asked(world: &World, nat: &Nat) -> Option<(String, String)> {
    let name = nat.tags.get("Name").map_or("", String::as_str);
    let made = Made { kind: FailureKind::NatGateway, name, tags: &nat.tags, nth: world.ec2.nats_made };
    let code = failures::asked(world, &made)?;
    let message = match code.as_str() {
        "InsufficientFreeAddressesInSubnet" => no_free_address(&nat.subnet),
        "Gateway.NotAttached" => format!("Network {} has no Internet gateway attached", nat.vpc),
        "InvalidAllocationID.NotFound" => {
            format!("Elastic IP address {} could not be associated with this NAT gateway", nat.allocation)
        }
        "Resource.AlreadyAssociated" => format!("Elastic IP address [{}] is already associated", nat.allocation),
        "InvalidSubnetID.NotFound" => format!("The specified subnet {} does not exist or could not be found.", nat.subnet),
        _ => "An internal error occurred. Delete the NAT gateway and create it again.".to_owned(),
    };
    Some((code, message))
}

fn no_free_address(subnet: &str) -> String {
    format!("Subnet {subnet} has insufficient free addresses to create this NAT gateway")
}

/// These come as a `failed` gateway some time later, not as a refusal.
fn failure(world: &World, nat: &Nat) -> Option<(String, String)> {
    let fail = |code: &str, message: String| Some((code.to_owned(), message));
    let Some(address) = world.ec2.addresses.get(&nat.allocation) else {
        return fail(
            "InvalidAllocationID.NotFound",
            format!("Elastic IP address {} could not be associated with this NAT gateway", nat.allocation),
        );
    };
    if address.association.is_some() {
        return fail("Resource.AlreadyAssociated", format!("Elastic IP address [{}] is already associated", address.id));
    }
    if world.ec2.subnets.get(&nat.subnet).is_some_and(|it| subnet::free_addresses(&world.ec2, it) == 0) {
        return fail("InsufficientFreeAddressesInSubnet", no_free_address(&nat.subnet));
    }
    if gateway::of(&world.ec2, &nat.vpc).is_none() {
        return fail("Gateway.NotAttached", format!("Network {} has no Internet gateway attached", nat.vpc));
    }
    None
}

fn take_address(world: &mut World, nat: &mut Nat) -> Result<(), Fault> {
    let description = format!("Interface for NAT Gateway {}", nat.id);
    let interface = interfaces::attach(world, &nat.id, &description, &nat.subnet, &[], true);
    let association = Association { id: world.id("eipassoc-"), interface: interface.clone() };
    let address = world.ec2.address_mut(&nat.allocation)?;
    address.association = Some(association);
    nat.ip = Some(address.ip.clone());
    if let Some(held) = world.ec2.interfaces.get_mut(&interface) {
        held.public_ip = nat.ip.clone();
        nat.private_ip = Some(held.private_ip.clone());
    }
    nat.interface = Some(interface);
    Ok(())
}

pub(super) fn advance(world: &mut World) {
    let now = world.now;
    let ec2 = &mut world.ec2;
    for nat in ec2.nats.values_mut() {
        // One long step of the clock may pass several states.
        while let Some(at) = nat.until.filter(|at| *at <= now) {
            (nat.state, nat.until) = match nat.state {
                State::Pending if nat.failure.is_some() => (State::Failed, Some(at + latency::NAT_GHOST)),
                State::Pending | State::Available => (State::Available, None),
                State::Deleting => {
                    nat.deleted_at = Some(at);
                    if let Some(address) = ec2.addresses.get_mut(&nat.allocation)
                        && address.association.as_ref().map(|it| &it.interface) == nat.interface.as_ref()
                    {
                        address.association = None;
                    }
                    (State::Deleted, Some(at + latency::NAT_GHOST))
                }
                // A ghost whose hour is over is dropped below.
                State::Failed | State::Deleted => break,
            };
        }
    }
    ec2.nats.retain(|_, nat| nat.counts() || nat.until.is_some_and(|at| at > now));
}

const LISTING: Listing = Listing {
    set: "natGatewaySet",
    ids: ("NatGatewayId", "natGatewayId"),
    not_found: lookup::no_nat,
    filters: &[("nat-gateway-id", "natGatewayId"), ("state", "state"), ("subnet-id", "subnetId"), ("vpc-id", "vpcId")],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.nats.values().map(|nat| render(world, nat)).collect())
}

fn render(_world: &World, nat: &Nat) -> Value {
    let failure = nat.failure.as_ref().filter(|_| nat.state != State::Pending);
    let address_status = match nat.state {
        State::Pending => "associating",
        State::Available => "succeeded",
        State::Failed => "failed",
        State::Deleting | State::Deleted => "disassociating",
    };
    json!({
        "natGatewayId": nat.id,
        "subnetId": nat.subnet,
        "vpcId": nat.vpc,
        "state": match nat.state {
            State::Pending => "pending",
            State::Available => "available",
            State::Failed => "failed",
            State::Deleting => "deleting",
            State::Deleted => "deleted",
        },
        "failureCode": failure.map(|failure| &failure.0),
        "failureMessage": failure.map(|failure| &failure.1),
        "createTime": timestamp(nat.created_at),
        "deleteTime": nat.deleted_at.map(timestamp),
        "connectivityType": "public",
        "natGatewayAddressSet": [{
            "allocationId": nat.allocation,
            "publicIp": nat.ip,
            "privateIp": nat.private_ip,
            "networkInterfaceId": nat.interface,
            "isPrimary": true,
            "status": address_status,
        }],
        "tagSet": tags::lower(&nat.tags),
    })
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("NatGatewayId", "MissingParameter")?;
    let (now, gone) = (world.now, latency::NAT_GONE.of(world, &id));
    let nat = world.ec2.nat_mut(&id)?;
    match nat.state {
        State::Deleted => return Err(lookup::no_nat(&id)),
        State::Deleting => {}
        // It holds nothing: gone at once.
        State::Failed => {
            nat.deleted_at = Some(now);
            (nat.state, nat.until) = (State::Deleted, Some(now + latency::NAT_GHOST));
        }
        State::Pending | State::Available => {
            (nat.state, nat.until) = (State::Deleting, Some(now + gone));
            interfaces::release(world, &id, gone);
        }
    }
    Ok(json!({ "natGatewayId": id }).into())
}
