//! EC2 networking (catalogue, sections 3 and 15).
//!
//! One file a kind; [`listing`] is what all `Describe*` share, [`lookup`] finds an object or says AWS's own words for its absence.

mod address;
mod association;
mod cidr;
mod endpoint;
mod furnish;
mod gateway;
mod group;
mod interfaces;
mod listing;
mod lookup;
mod nat;
mod operations;
mod permission;
mod prefix_list;
mod route;
mod route_table;
mod rule;
mod subnet;
mod tagging;
mod tokens;
mod vpc;
mod zone;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Millis;
use crate::tags::Tags;
use crate::world::World;

pub(crate) use furnish::furnish;
pub(crate) use interfaces::{Interface, attach, release};
pub(crate) use operations::handle;
pub(crate) use permission::{Permission, Source};
pub(crate) use rule::admits;
pub(crate) use subnet::free_addresses;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Ec2 {
    pub(crate) vpcs: BTreeMap<String, vpc::Vpc>,
    pub(crate) gateways: BTreeMap<String, gateway::Gateway>,
    pub(crate) subnets: BTreeMap<String, subnet::Subnet>,
    pub(crate) addresses: BTreeMap<String, address::Address>,
    pub(crate) nats: BTreeMap<String, nat::Nat>,
    pub(crate) route_tables: BTreeMap<String, route_table::RouteTable>,
    pub(crate) groups: BTreeMap<String, group::Group>,
    pub(crate) rules: BTreeMap<String, rule::Rule>,
    pub(crate) endpoints: BTreeMap<String, endpoint::Endpoint>,
    pub(crate) interfaces: BTreeMap<String, Interface>,
    pub(crate) tokens: BTreeMap<String, tokens::Token>,
    /// For faults that name the nth one.
    #[serde(skip)]
    pub(crate) nats_made: u64,
}

pub(crate) fn advance(world: &mut World) {
    nat::advance(world);
    endpoint::advance(world);
    interfaces::advance(world);
}

/// What comes and goes with a VPC (its default group and main route table) is no object of its own; the furnished default VPC is listed like any other.
pub(crate) fn objects(world: &World) -> Vec<String> {
    let ec2 = &world.ec2;
    let mut lines = Vec::new();
    let mut add = |kind: &str, ids: Vec<&String>| lines.extend(ids.into_iter().map(|id| format!("ec2:{kind} {id}")));
    add("vpc", ec2.vpcs.keys().collect());
    add("internet-gateway", ec2.gateways.keys().collect());
    add("subnet", ec2.subnets.keys().collect());
    add("elastic-ip", ec2.addresses.keys().collect());
    add("natgateway", ec2.nats.values().filter(|nat| nat.counts()).map(|nat| &nat.id).collect());
    add("route-table", ec2.route_tables.values().filter(|table| !table.is_main()).map(|table| &table.id).collect());
    add("security-group", ec2.groups.values().filter(|group| !group.is_default()).map(|group| &group.id).collect());
    add(
        "vpc-endpoint",
        ec2.endpoints.values().filter(|endpoint| endpoint.gone_at.is_none()).map(|endpoint| &endpoint.id).collect(),
    );
    lines
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    tagging::all(&world.ec2)
        .into_iter()
        .filter(|(_, _, tags)| !tags.is_empty())
        .map(|(kind, id, tags)| (world.arn("ec2", &format!("{kind}/{id}")), tags.clone()))
        .collect()
}

/// ISO 8601, as EC2's XML writes times.
fn timestamp(at: Millis) -> String {
    i64::try_from(at).ok().and_then(|at| jiff::Timestamp::from_millisecond(at).ok()).map_or_else(String::new, |at| at.to_string())
}
