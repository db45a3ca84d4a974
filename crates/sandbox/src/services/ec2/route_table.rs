//! Route table (catalogue, 3.6); its routes and associations are answered inline.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

use super::listing::Listing;
use super::route::{self, Route};
use super::{Ec2, lookup, tagging, tokens};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RouteTable {
    pub(crate) id: String,
    pub(crate) vpc: String,
    /// By destination; the local route and those of gateway endpoints are not stored here.
    pub(crate) routes: BTreeMap<String, Route>,
    /// `rtbassoc-…` → subnet; none is the main association.
    pub(crate) associations: BTreeMap<String, Option<String>>,
    pub(crate) tags: Tags,
}

impl RouteTable {
    pub(super) fn is_main(&self) -> bool {
        self.associations.values().any(Option::is_none)
    }
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    if let Some(id) = tokens::made_before(world, call)?
        && let Some(table) = world.ec2.route_tables.get(&id)
    {
        return Ok(reply(world, call, table));
    }
    let vpc = call.need("VpcId", "MissingParameter")?;
    world.ec2.vpc(&vpc)?;
    let tags = tagging::given(call, "route-table")?;
    quotas::ROUTE_TABLES.one_more(world, world.ec2.route_tables.values().filter(|it| it.vpc == vpc).count())?;
    let id = make(world, &vpc, tags);
    tokens::remember(world, call, &id);
    Ok(reply(world, call, world.ec2.route_table(&id)?))
}

fn reply(world: &World, call: &Call, table: &RouteTable) -> Reply {
    json!({ "routeTable": render(world, table), "clientToken": call.opt("ClientToken") }).into()
}

fn make(world: &mut World, vpc: &str, tags: Tags) -> String {
    let id = world.id("rtb-");
    let table = RouteTable { id: id.clone(), vpc: vpc.to_owned(), routes: BTreeMap::new(), associations: BTreeMap::new(), tags };
    world.ec2.route_tables.insert(id.clone(), table);
    id
}

pub(super) fn make_main(world: &mut World, vpc: &str) {
    let id = make(world, vpc, Tags::new());
    let association = world.id("rtbassoc-");
    if let Some(table) = world.ec2.route_tables.get_mut(&id) {
        table.associations.insert(association, None);
    }
}

pub(super) fn main_of<'a>(ec2: &'a mut Ec2, vpc: &str) -> Option<&'a mut RouteTable> {
    ec2.route_tables.values_mut().find(|table| table.vpc == vpc && table.is_main())
}

const LISTING: Listing = Listing {
    set: "routeTableSet",
    ids: ("RouteTableId", "routeTableId"),
    not_found: lookup::no_route_table,
    filters: &[
        ("route-table-id", "routeTableId"),
        ("vpc-id", "vpcId"),
        ("owner-id", "ownerId"),
        ("association.main", "associationSet.main"),
        ("association.subnet-id", "associationSet.subnetId"),
        ("association.route-table-id", "associationSet.routeTableId"),
        ("association.route-table-association-id", "associationSet.routeTableAssociationId"),
        ("route.destination-cidr-block", "routeSet.destinationCidrBlock"),
        ("route.destination-ipv6-cidr-block", "routeSet.destinationIpv6CidrBlock"),
        ("route.destination-prefix-list-id", "routeSet.destinationPrefixListId"),
        ("route.gateway-id", "routeSet.gatewayId"),
        ("route.nat-gateway-id", "routeSet.natGatewayId"),
        ("route.origin", "routeSet.origin"),
        ("route.state", "routeSet.state"),
    ],
};

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    LISTING.answer(call, world.ec2.route_tables.values().map(|table| render(world, table)).collect())
}

fn render(world: &World, table: &RouteTable) -> Value {
    let associations: Vec<Value> = table
        .associations
        .iter()
        .map(|(id, subnet)| {
            json!({
                "routeTableAssociationId": id,
                "routeTableId": table.id,
                "subnetId": subnet,
                "main": subnet.is_none(),
                "associationState": { "state": "associated" },
            })
        })
        .collect();
    json!({
        "routeTableId": table.id,
        "vpcId": table.vpc,
        "ownerId": world.account,
        "routeSet": route::render_all(world, table),
        "associationSet": associations,
        "propagatingVgwSet": [],
        "tagSet": tags::lower(&table.tags),
    })
}

/// Associations hold it, the main one too; routes do not.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("RouteTableId", "MissingParameter")?;
    if !world.ec2.route_table(&id)?.associations.is_empty() {
        return Err(lookup::in_use("routeTable", &id));
    }
    world.ec2.route_tables.remove(&id);
    for endpoint in world.ec2.endpoints.values_mut() {
        endpoint.route_tables.retain(|table| *table != id);
    }
    Ok(json!({ "return": true }).into())
}
