//! Internet gateway and its attachment (catalogue, 3.2).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::{Ec2, lookup, tagging};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Gateway {
    pub(crate) id: String,
    pub(crate) vpc: Option<String>,
    pub(crate) tags: Tags,
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let tags = tagging::given(call, "internet-gateway")?;
    quotas::INTERNET_GATEWAYS.one_more(world, world.ec2.gateways.len())?;
    let id = make(world, None, tags);
    Ok(json!({ "internetGateway": render(world, world.ec2.gateway(&id)?) }).into())
}

pub(super) fn make(world: &mut World, vpc: Option<String>, tags: Tags) -> String {
    let id = world.id("igw-");
    world.ec2.gateways.insert(id.clone(), Gateway { id: id.clone(), vpc, tags });
    id
}

/// The gateway of a VPC.
pub(super) fn of<'a>(ec2: &'a Ec2, vpc: &str) -> Option<&'a Gateway> {
    ec2.gateways.values().find(|gateway| gateway.vpc.as_deref() == Some(vpc))
}

pub(super) fn attach(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("InternetGatewayId", "MissingParameter")?;
    let vpc = call.need("VpcId", "MissingParameter")?;
    let attached = &world.ec2.gateway(&id)?.vpc;
    world.ec2.vpc(&vpc)?;
    if let Some(holder) = attached {
        let message = format!("resource {id} is already attached to network {holder}");
        return Err(Fault::new("Resource.AlreadyAssociated", message));
    }
    if of(&world.ec2, &vpc).is_some() {
        return Err(lookup::invalid(format!("Network {vpc} already has an internet gateway attached")));
    }
    world.ec2.gateway_mut(&id)?.vpc = Some(vpc);
    Ok(json!({ "return": true }).into())
}

/// Routes to it do not hold it (they turn into black holes), public addresses in the VPC do.
pub(super) fn detach(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("InternetGatewayId", "MissingParameter")?;
    let vpc = call.need("VpcId", "MissingParameter")?;
    let attached = world.ec2.gateway(&id)?.vpc.as_ref() == Some(&vpc);
    world.ec2.vpc(&vpc)?;
    if !attached {
        return Err(Fault::new("Gateway.NotAttached", format!("resource {id} is not attached to network {vpc}")));
    }
    let mapped = |ec2: &Ec2| ec2.interfaces.values().any(|it| it.public && ec2.vpc_of_subnet(&it.subnet) == Some(&vpc));
    if mapped(&world.ec2) {
        let message = format!(
            "Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        );
        return Err(Fault::new("DependencyViolation", message));
    }
    world.ec2.gateway_mut(&id)?.vpc = None;
    Ok(json!({ "return": true }).into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("InternetGatewayId", "MissingParameter")?;
    if world.ec2.gateway(&id)?.vpc.is_some() {
        return Err(lookup::in_use("internetGateway", &id));
    }
    world.ec2.gateways.remove(&id);
    Ok(json!({ "return": true }).into())
}

const LISTING: Listing = Listing {
    set: "internetGatewaySet",
    ids: ("InternetGatewayId", "internetGatewayId"),
    not_found: lookup::no_gateway,
    filters: &[
        ("internet-gateway-id", "internetGatewayId"),
        ("attachment.vpc-id", "attachmentSet.vpcId"),
        ("attachment.state", "attachmentSet.state"),
        ("owner-id", "ownerId"),
    ],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.gateways.values().map(|gateway| render(world, gateway)).collect())
}

/// The attached state is `available`, which the SDKs' enums do not know.
fn render(world: &World, gateway: &Gateway) -> Value {
    let attachments: Vec<Value> = gateway.vpc.iter().map(|vpc| json!({ "vpcId": vpc, "state": "available" })).collect();
    json!({
        "internetGatewayId": gateway.id,
        "ownerId": world.account,
        "attachmentSet": attachments,
        "tagSet": tags::lower(&gateway.tags),
    })
}
