//! The routes of a route table and the subnets that use it: how they are set and how they are read.
//!
//! Source: EC2 API Reference, `CreateRoute`, `ReplaceRoute`, `AssociateRouteTable`, `ReplaceRouteTableAssociation`; `aws-behaviours` 3.7, 3.8.

use aws_sdk_ec2::types::{
    Filter, Route, RouteOrigin, RouteTable as Reply, RouteTableAssociation, RouteTableAssociationStateCode,
};
use landing_engine::{CallError, Class, Door, Ref};

use super::filters;
use crate::{Aws, IntoCallError, SubnetId, ownership};

/// The two members of a route call that a destination can go into.
fn ranges(destination: &str) -> (Option<String>, Option<String>) {
    let text = Some(destination.to_owned());
    if destination.contains(':') { (None, text) } else { (text, None) }
}

/// The two members of a route call that a target can go into: internet gateway and NAT gateway.
fn gateways(target: &str) -> (Option<String>, Option<String>) {
    let text = Some(target.to_owned());
    if target.starts_with("nat-") { (None, text) } else { (text, None) }
}

pub(super) async fn add_route(cx: &Aws, door: &Door<'_>, table: &str, destination: &str, target: &str) -> Result<(), CallError> {
    let operation = "ec2:CreateRoute";
    let ((ipv4, ipv6), (internet, nat)) = (ranges(destination), gateways(target));
    let added = door
        .call(operation, || async {
            cx.ec2
                .create_route()
                .route_table_id(table)
                .set_destination_cidr_block(ipv4.clone())
                .set_destination_ipv6_cidr_block(ipv6.clone())
                .set_gateway_id(internet.clone())
                .set_nat_gateway_id(nat.clone())
                .send()
                .await
                .call(operation)
        })
        .await;
    match added {
        Ok(_) => Ok(()),
        // There is one to the same destination, whatever its target.
        Err(error) if error.class == Class::AlreadyExists => replace_route(cx, door, table, destination, target).await,
        Err(error) => Err(error),
    }
}

pub(super) async fn replace_route(
    cx: &Aws,
    door: &Door<'_>,
    table: &str,
    destination: &str,
    target: &str,
) -> Result<(), CallError> {
    let operation = "ec2:ReplaceRoute";
    let ((ipv4, ipv6), (internet, nat)) = (ranges(destination), gateways(target));
    door.call(operation, || async {
        cx.ec2
            .replace_route()
            .route_table_id(table)
            .set_destination_cidr_block(ipv4.clone())
            .set_destination_ipv6_cidr_block(ipv6.clone())
            .set_gateway_id(internet.clone())
            .set_nat_gateway_id(nat.clone())
            .send()
            .await
            .call(operation)
    })
    .await
    .map(|_| ())
}

pub(super) async fn remove_route(cx: &Aws, door: &Door<'_>, table: &str, destination: &str) -> Result<(), CallError> {
    let operation = "ec2:DeleteRoute";
    let (ipv4, ipv6) = ranges(destination);
    door.call(operation, || async {
        let sent = cx
            .ec2
            .delete_route()
            .route_table_id(table)
            .set_destination_cidr_block(ipv4.clone())
            .set_destination_ipv6_cidr_block(ipv6.clone())
            .send()
            .await
            .call(operation);
        ownership::done_before(sent, &["InvalidRoute.NotFound"])
    })
    .await
}

/// A subnet that another table holds is taken over: replacing the association leaves no moment without one.
pub(super) async fn associate(cx: &Aws, door: &Door<'_>, table: &str, subnet: &SubnetId) -> Result<(), CallError> {
    let operation = "ec2:AssociateRouteTable";
    let held = door
        .call(operation, || async {
            let request = cx.ec2.associate_route_table().route_table_id(table).subnet_id(subnet.as_str());
            match request.send().await.call(operation) {
                Ok(_) => Ok(None),
                Err(error) if error.class == Class::AlreadyExists => holder(cx, table, subnet, error).await,
                Err(error) => Err(error),
            }
        })
        .await?;
    let Some(id) = &held else { return Ok(()) };
    let operation = "ec2:ReplaceRouteTableAssociation";
    door.call(operation, || async {
        cx.ec2.replace_route_table_association().association_id(id).route_table_id(table).send().await.call(operation)
    })
    .await
    .map(|_| ())
}

/// The association that gives the subnet to another table; `None` when it is ours, from a call whose answer was lost.
async fn holder(cx: &Aws, table: &str, subnet: &SubnetId, refusal: CallError) -> Result<Option<String>, CallError> {
    let holders = read(cx, filters::filter("association.subnet-id", subnet.as_str())).await?;
    let holds = |association: &&RouteTableAssociation| association.subnet_id() == Some(subnet.as_str());
    match holders.iter().flat_map(Reply::associations).find(holds) {
        Some(held) if held.route_table_id() == Some(table) => Ok(None),
        Some(held) => Ok(held.route_table_association_id().map(str::to_owned)),
        None => Err(CallError { class: Class::NotVisibleYet, ..refusal }),
    }
}

/// Lets go of every subnet that is not in `keep`. The ids of associations change with every replacement, so they are read now.
pub(super) async fn disassociate(cx: &Aws, door: &Door<'_>, table: &str, keep: &[Ref<SubnetId>]) -> Result<(), CallError> {
    let tables = read(cx, filters::filter("route-table-id", table)).await?;
    let operation = "ec2:DisassociateRouteTable";
    let its = |association: &&RouteTableAssociation| association.route_table_id() == Some(table) && counts(association);
    for association in tables.iter().flat_map(Reply::associations).filter(its) {
        let kept = keep.iter().any(|subnet| Some(subnet.get().as_str()) == association.subnet_id());
        let Some(id) = association.route_table_association_id().filter(|_| !kept) else { continue };
        door.call(operation, || async {
            let sent = cx.ec2.disassociate_route_table().association_id(id).send().await.call(operation);
            ownership::done_before(sent, &["InvalidAssociationID.NotFound"])
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn read(cx: &Aws, filter: Filter) -> Result<Vec<Reply>, CallError> {
    let reply = cx.ec2.describe_route_tables().filters(filter).send().await.call("ec2:DescribeRouteTables")?;
    Ok(reply.route_tables.unwrap_or_default())
}

/// Whether an association is one of a subnet, and stands.
pub(super) fn counts(association: &RouteTableAssociation) -> bool {
    use RouteTableAssociationStateCode::{Disassociated, Disassociating, Failed};
    let state = association.association_state().and_then(|state| state.state());
    association.main() != Some(true)
        && association.subnet_id().is_some()
        && !matches!(state, Some(Disassociated | Disassociating | Failed))
}

/// Destination and target of a route that somebody asked for; others are not ours to compare.
pub(super) fn route(route: &Route) -> Option<(String, Ref<String>)> {
    let destination = route.destination_cidr_block().or(route.destination_ipv6_cidr_block())?;
    // Whatever else somebody may have pointed it at is shown by its id.
    let target = [
        route.gateway_id(),
        route.nat_gateway_id(),
        route.network_interface_id(),
        route.transit_gateway_id(),
        route.vpc_peering_connection_id(),
        route.egress_only_internet_gateway_id(),
        route.instance_id(),
    ];
    let target = target.into_iter().flatten().next().unwrap_or("unknown");
    let asked_for = target != "local" && route.origin() != Some(&RouteOrigin::EnableVgwRoutePropagation);
    asked_for.then(|| (destination.to_owned(), target.into()))
}
