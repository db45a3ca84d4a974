//! Which table a subnet uses (catalogue, 3.8).

use serde_json::json;

use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

use super::lookup::invalid;

pub(super) fn associate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let table = call.need("RouteTableId", "MissingParameter")?;
    let subnet = call.need("SubnetId", "MissingParameter")?;
    let vpc = &world.ec2.route_table(&table)?.vpc;
    if world.ec2.subnet(&subnet)?.vpc != *vpc {
        return Err(invalid(format!("Route table {table} and subnet {subnet} belong to different networks")));
    }
    let holder =
        world.ec2.route_tables.values().flat_map(|table| &table.associations).find(|(_, it)| it.as_ref() == Some(&subnet));
    if let Some((association, _)) = holder {
        let message =
            format!("the specified association for route table {table} conflicts with an existing association {association}");
        return Err(Fault::new("Resource.AlreadyAssociated", message));
    }
    let id = world.id("rtbassoc-");
    world.ec2.route_table_mut(&table)?.associations.insert(id.clone(), Some(subnet));
    Ok(json!({ "associationId": id, "associationState": { "state": "associated" } }).into())
}

/// The table that has an association, and its subnet (none for the main association).
fn find(world: &World, id: &str) -> Result<(String, Option<String>), Fault> {
    let found = world.ec2.route_tables.values().find_map(|table| Some((table.id.clone(), table.associations.get(id)?.clone())));
    found.ok_or_else(|| Fault::new("InvalidAssociationID.NotFound", format!("The association ID '{id}' does not exist")))
}

pub(super) fn disassociate(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("AssociationId", "MissingParameter")?;
    let (table, subnet) = find(world, &id)?;
    if subnet.is_none() {
        return Err(invalid(format!("cannot disassociate the main route table association {id}")));
    }
    world.ec2.route_table_mut(&table)?.associations.remove(&id);
    Ok(json!({ "return": true }).into())
}

/// Gives a new id; with the main association it changes the VPC's main table.
pub(super) fn replace(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let id = call.need("AssociationId", "MissingParameter")?;
    let table = call.need("RouteTableId", "MissingParameter")?;
    let (from, subnet) = find(world, &id)?;
    if world.ec2.route_table(&table)?.vpc != world.ec2.route_table(&from)?.vpc {
        return Err(invalid(format!("Route table {table} and association {id} belong to different networks")));
    }
    let new = world.id("rtbassoc-");
    world.ec2.route_table_mut(&from)?.associations.remove(&id);
    world.ec2.route_table_mut(&table)?.associations.insert(new.clone(), subnet);
    Ok(json!({ "newAssociationId": new, "associationState": { "state": "associated" } }).into())
}
