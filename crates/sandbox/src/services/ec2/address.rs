//! Elastic IP (catalogue, 3.4).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::{lookup, tagging};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Address {
    /// `eipalloc-…`
    pub(crate) id: String,
    pub(crate) ip: String,
    pub(crate) association: Option<Association>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Association {
    /// `eipassoc-…`
    pub(crate) id: String,
    pub(crate) interface: String,
}

pub(super) fn allocate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if call.opt("Domain").is_some_and(|domain| domain != "vpc") {
        return Err(lookup::invalid("Invalid value for parameter domain: EC2-Classic is gone, use 'vpc'"));
    }
    let tags = tagging::given(call, "elastic-ip")?;
    quotas::ADDRESSES.one_more(world, world.ec2.addresses.len())?;
    let id = world.id("eipalloc-");
    let ip = public_ip(world);
    world.ec2.addresses.insert(id.clone(), Address { id: id.clone(), ip: ip.clone(), association: None, tags });
    let body = json!({
        "publicIp": ip, "allocationId": id, "domain": "vpc", "publicIpv4Pool": "amazon", "networkBorderGroup": world.region,
    });
    Ok(body.into())
}

/// A public address that nobody in the account has.
pub(super) fn public_ip(world: &mut World) -> String {
    loop {
        let hex = world.hex();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap_or(1);
        let ip = format!("54.{}.{}.{}", byte(0), byte(2), byte(4).clamp(1, 254));
        let taken = world.ec2.addresses.values().any(|it| it.ip == ip)
            || world.ec2.interfaces.values().any(|it| it.public_ip.as_ref() == Some(&ip));
        if !taken {
            return ip;
        }
    }
}

const LISTING: Listing = Listing {
    set: "addressesSet",
    ids: ("AllocationId", "allocationId"),
    not_found: lookup::no_address,
    filters: &[
        ("allocation-id", "allocationId"),
        ("association-id", "associationId"),
        ("public-ip", "publicIp"),
        ("domain", "domain"),
        ("network-interface-id", "networkInterfaceId"),
        ("network-interface-owner-id", "networkInterfaceOwnerId"),
        ("network-border-group", "networkBorderGroup"),
        ("private-ip-address", "privateIpAddress"),
    ],
};

const BY_IP: Listing = Listing {
    ids: ("PublicIp", "publicIp"),
    not_found: |ip| Fault::new("InvalidAddress.NotFound", format!("Address '{ip}' not found.")),
    ..LISTING
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let items = LISTING.select(call, world.ec2.addresses.values().map(|address| render(world, address)).collect())?;
    BY_IP.answer(call, items)
}

fn render(world: &World, address: &Address) -> Value {
    let association = address.association.as_ref();
    let interface = association.and_then(|association| world.ec2.interfaces.get(&association.interface));
    json!({
        "publicIp": address.ip,
        "allocationId": address.id,
        "domain": "vpc",
        "publicIpv4Pool": "amazon",
        "networkBorderGroup": world.region,
        "associationId": association.map(|association| &association.id),
        "networkInterfaceId": association.map(|association| &association.interface),
        "networkInterfaceOwnerId": association.map(|_| &world.account),
        "privateIpAddress": interface.map(|interface| &interface.private_ip),
        "tagSet": tags::lower(&address.tags),
    })
}

/// Free only after its NAT gateway is `deleted`.
pub(super) fn release(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("AllocationId", "MissingParameter")?;
    let address = world.ec2.address(&id)?;
    if address.association.is_some() {
        let message = format!("Address '{}' is in use.", address.ip);
        return Err(Fault::new("InvalidIPAddress.InUse", message));
    }
    world.ec2.addresses.remove(&id);
    Ok(json!({ "return": true }).into())
}
