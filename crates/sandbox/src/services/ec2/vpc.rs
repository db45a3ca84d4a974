//! VPC and its DNS attributes (catalogue, 3.1).

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
use super::{cidr, group, lookup, route_table, tagging};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Vpc {
    pub(crate) id: String,
    /// Canonical.
    pub(crate) cidr: String,
    pub(crate) default: bool,
    pub(crate) dns_support: bool,
    pub(crate) dns_hostnames: bool,
    pub(crate) ready_at: Millis,
    /// `vpc-cidr-assoc-…` of the primary block, and the DHCP options.
    pub(crate) cidr_association: String,
    pub(crate) dhcp_options: String,
    pub(crate) tags: Tags,
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let block = cidr::ipv4(&call.need("CidrBlock", "MissingParameter")?, "cidrBlock")?;
    if !(16..=28).contains(&block.prefix_len()) {
        return Err(Fault::new("InvalidVpc.Range", format!("The CIDR '{block}' is invalid.")));
    }
    if call.opt("InstanceTenancy").is_some_and(|tenancy| tenancy != "default") {
        return Err(Fault::new("InvalidParameterValue", "the sandbox models instanceTenancy 'default' only"));
    }
    if call.flag("AmazonProvidedIpv6CidrBlock") == Some(true) {
        return Err(Fault::new("InvalidParameterValue", "the sandbox does not model IPv6 blocks of a VPC"));
    }
    let tags = tagging::given(call, "vpc")?;
    quotas::VPCS.one_more(world, world.ec2.vpcs.len())?;
    let id = make(world, &block.to_string(), false, tags);
    Ok(json!({ "vpc": render(world, world.ec2.vpc(&id)?) }).into())
}

/// A VPC with its main route table and default group, which carry no tags.
pub(super) fn make(world: &mut World, cidr: &str, default: bool, tags: Tags) -> String {
    let id = world.id("vpc-");
    let vpc = Vpc {
        id: id.clone(),
        cidr: cidr.to_owned(),
        default,
        dns_support: true,
        dns_hostnames: default,
        ready_at: world.now + if default { 0 } else { latency::VPC_READY.of(world, &id) },
        cidr_association: world.id("vpc-cidr-assoc-"),
        dhcp_options: format!("dopt-{}", &world.account[..8]),
        tags,
    };
    world.ec2.vpcs.insert(id.clone(), vpc);
    route_table::make_main(world, &id);
    group::make_default(world, &id);
    id
}

const LISTING: Listing = Listing {
    set: "vpcSet",
    ids: ("VpcId", "vpcId"),
    not_found: lookup::no_vpc,
    filters: &[
        ("vpc-id", "vpcId"),
        ("state", "state"),
        ("cidr", "cidrBlock"),
        ("cidr-block", "cidrBlock"),
        ("cidrBlock", "cidrBlock"),
        ("cidr-block-association.cidr-block", "cidrBlockAssociationSet.cidrBlock"),
        ("cidr-block-association.association-id", "cidrBlockAssociationSet.associationId"),
        ("cidr-block-association.state", "cidrBlockAssociationSet.cidrBlockState.state"),
        ("dhcp-options-id", "dhcpOptionsId"),
        ("is-default", "isDefault"),
        ("isDefault", "isDefault"),
        ("owner-id", "ownerId"),
    ],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.vpcs.values().map(|vpc| render(world, vpc)).collect())
}

fn render(world: &World, vpc: &Vpc) -> Value {
    json!({
        "vpcId": vpc.id,
        "ownerId": world.account,
        "state": if vpc.ready_at > world.now { "pending" } else { "available" },
        "cidrBlock": vpc.cidr,
        "cidrBlockAssociationSet": [
            { "cidrBlock": vpc.cidr, "associationId": vpc.cidr_association, "cidrBlockState": { "state": "associated" } },
        ],
        "ipv6CidrBlockAssociationSet": [],
        "dhcpOptionsId": vpc.dhcp_options,
        "instanceTenancy": "default",
        "isDefault": vpc.default,
        "tagSet": tags::lower(&vpc.tags),
    })
}

pub(super) fn describe_attribute(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("VpcId", "MissingParameter")?;
    let attribute = call.need("Attribute", "MissingParameter")?;
    let vpc = world.ec2.vpc(&id)?;
    let value = match attribute.as_str() {
        "enableDnsSupport" => vpc.dns_support,
        "enableDnsHostnames" => vpc.dns_hostnames,
        "enableNetworkAddressUsageMetrics" => false,
        other => {
            return Err(lookup::invalid(format!("Value ({other}) for parameter attribute is invalid. Unknown attribute.")));
        }
    };
    Ok(json!({ "vpcId": id, attribute: { "value": value } }).into())
}

/// One attribute a call; host names need DNS support, both ways.
pub(super) fn modify_attribute(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let vpc = world.ec2.vpc_mut(&call.need("VpcId", "MissingParameter")?)?;
    let bad = |message: &str| Err(Fault::new("InvalidParameterCombination", message));
    match (flag(&call.input["EnableDnsSupport"]["Value"]), flag(&call.input["EnableDnsHostnames"]["Value"])) {
        (Some(_), Some(_)) => return bad("Fields for multiple attribute types specified"),
        (None, None) => return bad("No attributes specified"),
        (Some(false), None) if vpc.dns_hostnames => {
            return bad("DNS support cannot be disabled while DNS host names are enabled");
        }
        (None, Some(true)) if !vpc.dns_support => {
            return bad("DNS host names need DNS support to be enabled");
        }
        (Some(support), None) => vpc.dns_support = support,
        (None, Some(hostnames)) => vpc.dns_hostnames = hostnames,
    }
    Ok(json!({ "return": true }).into())
}

/// Waits for everything but what was made with it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("VpcId", "MissingParameter")?;
    let ec2 = &mut world.ec2;
    ec2.vpc(&id)?;
    let used = ec2.subnets.values().any(|it| it.vpc == id)
        || ec2.gateways.values().any(|it| it.vpc.as_ref() == Some(&id))
        || ec2.route_tables.values().any(|it| it.vpc == id && !it.is_main())
        || ec2.groups.values().any(|it| it.vpc == id && !it.is_default())
        || ec2.endpoints.values().any(|it| it.vpc == id)
        || ec2.nats.values().any(|it| it.vpc == id && it.counts());
    if used {
        return Err(lookup::in_use("vpc", &id));
    }
    let groups: Vec<String> = ec2.groups.values().filter(|it| it.vpc == id).map(|it| it.id.clone()).collect();
    ec2.rules.retain(|_, rule| !groups.contains(&rule.group));
    ec2.groups.retain(|_, it| it.vpc != id);
    ec2.route_tables.retain(|_, it| it.vpc != id);
    ec2.vpcs.remove(&id);
    Ok(json!({ "return": true }).into())
}
