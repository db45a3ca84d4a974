//! Routes (catalogue, 3.7): a destination once a table, whatever the target.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::Call;
use crate::fault::Fault;
use crate::services::quotas;
use crate::wire::Reply;
use crate::world::World;

use super::lookup::invalid;
use super::nat::State;
use super::route_table::RouteTable;
use super::{cidr, prefix_list};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Target {
    Gateway(String),
    Nat(String),
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (table, destination) = address(world, call)?;
    let target = target(world, call, &table)?;
    let local = local(world, &table)?;
    let exists = table.routes.contains_key(&destination)
        || destination == local
        || prefix_list::of_endpoints(world, &table.id).iter().any(|(list, _)| *list == destination);
    if exists {
        let message = format!("The route identified by {destination} already exists.");
        return Err(Fault::new("RouteAlreadyExists", message));
    }
    quotas::ROUTES.one_more(world, table.routes.len())?;
    let id = table.id.clone();
    world.ec2.route_table_mut(&id)?.routes.insert(destination, Route { target });
    Ok(json!({ "return": true }).into())
}

pub(super) fn replace(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (table, destination) = address(world, call)?;
    let target = target(world, call, &table)?;
    if !table.routes.contains_key(&destination) {
        let message = format!("There is no route defined for '{destination}' in the route table. Use CreateRoute instead.");
        return Err(invalid(message));
    }
    let id = table.id.clone();
    world.ec2.route_table_mut(&id)?.routes.insert(destination, Route { target });
    Ok(json!({ "return": true }).into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (table, destination) = address(world, call)?;
    if destination == local(world, &table)? {
        return Err(invalid(format!("cannot remove local route {destination} in route table {}", table.id)));
    }
    if prefix_list::of_endpoints(world, &table.id).iter().any(|(list, _)| *list == destination) {
        return Err(invalid(format!("cannot remove VPC endpoint route {destination} in route table {}", table.id)));
    }
    let removed = world.ec2.route_table_mut(&table.id)?.routes.remove(&destination);
    removed.ok_or_else(|| {
        Fault::new(
            "InvalidRoute.NotFound",
            format!("no route with destination-cidr-block {destination} in route table {}", table.id),
        )
    })?;
    Ok(json!({ "return": true }).into())
}

fn local(world: &World, table: &RouteTable) -> Result<String, Fault> {
    world.ec2.vpc(&table.vpc).map(|vpc| vpc.cidr.clone())
}

/// The table and the one destination, canonical.
fn address(world: &World, call: &Call) -> Result<(RouteTable, String), Fault> {
    let table = world.ec2.route_table(&call.need("RouteTableId", "MissingParameter")?)?.clone();
    let given = (call.opt("DestinationCidrBlock"), call.opt("DestinationIpv6CidrBlock"), call.opt("DestinationPrefixListId"));
    let destination = match given {
        (Some(block), None, None) => cidr::ipv4(&block, "destinationCidrBlock")?.to_string(),
        (None, Some(block), None) => cidr::ipv6(&block, "destinationIpv6CidrBlock")?.to_string(),
        (None, None, Some(list)) => prefix_list::known(world, &list)?,
        (None, None, None) => {
            return Err(Fault::new("MissingParameter", "The request must contain exactly one destination"));
        }
        _ => {
            return Err(Fault::new("InvalidParameterCombination", "The request must contain exactly one destination"));
        }
    };
    Ok((table, destination))
}

fn target(world: &World, call: &Call, table: &RouteTable) -> Result<Target, Fault> {
    match (call.opt("GatewayId"), call.opt("NatGatewayId")) {
        (Some(id), None) if id.starts_with("igw-") => {
            let missing = || Fault::new("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"));
            if world.ec2.gateways.get(&id).ok_or_else(missing)?.vpc.as_ref() != Some(&table.vpc) {
                return Err(invalid(format!("route table {} and network gateway {id} belong to different networks", table.id)));
            }
            Ok(Target::Gateway(id))
        }
        (Some(id), None) => Err(Fault::new("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"))),
        (None, Some(id)) => {
            // Only an available one can be routed to (catalogue, 3.7).
            let missing = || Fault::new("InvalidNatGatewayID.NotFound", format!("The natGateway ID '{id}' does not exist"));
            let nat = world.ec2.nats.get(&id).filter(|nat| nat.state == State::Available).ok_or_else(missing)?;
            if nat.vpc != table.vpc {
                return Err(invalid(format!("route table {} and NAT gateway {id} belong to different networks", table.id)));
            }
            Ok(Target::Nat(id))
        }
        (None, None) => Err(Fault::new("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId")),
        _ => Err(Fault::new("InvalidParameterCombination", "The request must contain exactly one of gatewayId, natGatewayId")),
    }
}

/// The local route, the table's own, and those of gateway endpoints.
pub(super) fn render_all(world: &World, table: &RouteTable) -> Vec<Value> {
    let local = world.ec2.vpcs.get(&table.vpc).map(
        |vpc| json!({ "destinationCidrBlock": vpc.cidr, "gatewayId": "local", "state": "active", "origin": "CreateRouteTable" }),
    );
    let own = table.routes.iter().map(|(destination, route)| {
        let key = match destination {
            list if list.starts_with("pl-") => "destinationPrefixListId",
            block if block.contains(':') => "destinationIpv6CidrBlock",
            _ => "destinationCidrBlock",
        };
        let (kind, id) = match &route.target {
            Target::Gateway(id) => ("gatewayId", id),
            Target::Nat(id) => ("natGatewayId", id),
        };
        json!({ key: destination, kind: id, "state": state(world, table, &route.target), "origin": "CreateRoute" })
    });
    let endpoints = prefix_list::of_endpoints(world, &table.id).into_iter().map(
        |(list, endpoint)| json!({ "destinationPrefixListId": list, "gatewayId": endpoint, "state": "active", "origin": "CreateRoute" }),
    );
    local.into_iter().chain(own).chain(endpoints).collect()
}

fn state(world: &World, table: &RouteTable, target: &Target) -> &'static str {
    let live = match target {
        Target::Gateway(id) => world.ec2.gateways.get(id).is_some_and(|gateway| gateway.vpc.as_ref() == Some(&table.vpc)),
        Target::Nat(id) => world.ec2.nats.get(id).is_some_and(|nat| nat.state == State::Available),
    };
    if live { "active" } else { "blackhole" }
}
