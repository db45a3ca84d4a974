//! Route table of one VPC, with its routes and the subnets that use it.
//!
//! Known by its `landing:node` tag. Routes and associations have no tags and come with the table in one reading: they are fields. The VPC's own routes
//! (`local`) and those of gateway endpoints (to `pl-…`) belong to others and are not seen.
//! Source: EC2 API Reference, `CreateRouteTable`, `CreateRoute`, `AssociateRouteTable`; `aws-behaviours` 3.6 to 3.8.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{
    Filter, ResourceType, Route, RouteOrigin, RouteTable as Reply, RouteTableAssociation, RouteTableAssociationStateCode,
};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::filters;
use crate::{Aws, IntoCallError, RouteTableId, SubnetId, VpcId, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    pub vpc: Ref<VpcId>,
    /// Destination range → id of the internet gateway (`igw-…`) or NAT gateway (`nat-…`).
    pub routes: BTreeMap<String, Ref<String>>,
    /// Subnets that use this table; all others use the VPC's main table, which we leave alone. A set.
    pub subnets: Vec<Ref<SubnetId>>,
}

impl RouteTable {
    pub const ID: Output<RouteTableId> = Output::held("id");
}

impl Kind for RouteTable {
    type Cx = Aws;
    const NAME: &'static str = "ec2.route-table";
    const TRAITS: Traits = Traits { fixed: &["vpc"], ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let ours = filters::of_stack(&scan.stack);
        let mut pages = cx.ec2.describe_route_tables().set_filters(Some(ours)).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(table) = pages.next().await {
            let live = of(&table.call("ec2:DescribeRouteTables")?);
            found.extend(ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live }));
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let tables = read(cx, filters::filter("route-table-id", id)).await?;
        Ok(ownership::still_ours(stack, node, tables.first().map(of)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:CreateRouteTable";
        let reply = door
            .call(operation, || async {
                cx.ec2
                    .create_route_table()
                    .vpc_id(self.vpc.get().as_str())
                    .client_token(door.token())
                    .tag_specifications(filters::born_with(ResourceType::RouteTable, &door.tags()))
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        let table = reply.route_table().cloned().unwrap_or_else(|| Reply::builder().build());
        Ok(Live { node: door.node().clone(), ..of(&table) })
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("routes") {
            for (destination, target) in &self.routes {
                match live.shape.routes.get(destination) {
                    Some(old) if old == target => {}
                    Some(_) => replace_route(cx, door, &live.id, destination, target.get()).await?,
                    None => add_route(cx, door, &live.id, destination, target.get()).await?,
                }
            }
            for destination in live.shape.routes.keys().filter(|key| !self.routes.contains_key(*key)) {
                remove_route(cx, door, &live.id, destination).await?;
            }
        }
        if changed.has("subnets") {
            for subnet in self.subnets.iter().filter(|subnet| !live.shape.subnets.contains(subnet)) {
                associate(cx, door, &live.id, subnet.get()).await?;
            }
            disassociate(cx, door, &live.id, &self.subnets).await?;
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Routes go with the table; associations keep it from being deleted.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if !live.shape.subnets.is_empty() {
            disassociate(cx, door, &live.id, &[]).await?;
        }
        let operation = "ec2:DeleteRouteTable";
        ownership::gone(
            door.call(operation, || async { cx.ec2.delete_route_table().route_table_id(&live.id).send().await.call(operation) })
                .await,
        )
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        if field == "subnets" { document::same_set(desired, live) } else { desired == live }
    }
}

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

async fn add_route(cx: &Aws, door: &Door<'_>, table: &str, destination: &str, target: &str) -> Result<(), CallError> {
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

async fn replace_route(cx: &Aws, door: &Door<'_>, table: &str, destination: &str, target: &str) -> Result<(), CallError> {
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

async fn remove_route(cx: &Aws, door: &Door<'_>, table: &str, destination: &str) -> Result<(), CallError> {
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
        ownership::done_before(sent, Class::NotFound)
    })
    .await
}

/// A subnet that another table holds is taken over: replacing the association leaves no moment without one.
async fn associate(cx: &Aws, door: &Door<'_>, table: &str, subnet: &SubnetId) -> Result<(), CallError> {
    let operation = "ec2:AssociateRouteTable";
    let added = door
        .call(operation, || async {
            cx.ec2.associate_route_table().route_table_id(table).subnet_id(subnet.as_str()).send().await.call(operation)
        })
        .await;
    let refusal = match added {
        Err(error) if error.class == Class::AlreadyExists => error,
        other => return other.map(|_| ()),
    };
    let holders = read(cx, filters::filter("association.subnet-id", subnet.as_str())).await?;
    let holds = |association: &&RouteTableAssociation| association.subnet_id() == Some(subnet.as_str());
    let held = holders.iter().flat_map(Reply::associations).find(holds);
    // It is ours already, or was let go in between: then the next plan says so.
    let Some(id) = held.filter(|held| held.route_table_id() != Some(table)).and_then(|held| held.route_table_association_id())
    else {
        return if held.is_some() { Ok(()) } else { Err(refusal) };
    };
    let operation = "ec2:ReplaceRouteTableAssociation";
    door.call(operation, || async {
        cx.ec2.replace_route_table_association().association_id(id).route_table_id(table).send().await.call(operation)
    })
    .await
    .map(|_| ())
}

/// Lets go of every subnet that is not in `keep`. The ids of associations change with every replacement, so they are read now.
async fn disassociate(cx: &Aws, door: &Door<'_>, table: &str, keep: &[Ref<SubnetId>]) -> Result<(), CallError> {
    let tables = read(cx, filters::filter("route-table-id", table)).await?;
    let operation = "ec2:DisassociateRouteTable";
    for association in tables.iter().flat_map(Reply::associations).filter(|association| counts(association)) {
        let kept = keep.iter().any(|subnet| Some(subnet.get().as_str()) == association.subnet_id());
        let Some(id) = association.route_table_association_id().filter(|_| !kept) else { continue };
        door.call(operation, || async {
            let sent = cx.ec2.disassociate_route_table().association_id(id).send().await.call(operation);
            ownership::done_before(sent, Class::NotFound)
        })
        .await?;
    }
    Ok(())
}

async fn read(cx: &Aws, filter: Filter) -> Result<Vec<Reply>, CallError> {
    let reply = cx.ec2.describe_route_tables().filters(filter).send().await.call("ec2:DescribeRouteTables")?;
    Ok(reply.route_tables.unwrap_or_default())
}

/// Whether an association is one of a subnet, and stands.
fn counts(association: &RouteTableAssociation) -> bool {
    use RouteTableAssociationStateCode::{Disassociated, Disassociating, Failed};
    let state = association.association_state().and_then(|state| state.state());
    association.main() != Some(true)
        && association.subnet_id().is_some()
        && !matches!(state, Some(Disassociated | Disassociating | Failed))
}

/// Destination and target of a route that somebody asked for; others are not ours to compare.
fn route(route: &Route) -> Option<(String, Ref<String>)> {
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

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(table: &Reply) -> Live<RouteTable> {
    let id = table.route_table_id().unwrap_or_default().to_owned();
    let associations = table.associations().iter().filter(|association| counts(association));
    Live {
        node: NodeName::new(RouteTable::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        shape: RouteTable {
            vpc: Ref::value(table.vpc_id().unwrap_or_default().into()),
            routes: table.routes().iter().filter_map(route).collect(),
            subnets: associations.filter_map(|one| one.subnet_id()).map(|subnet| Ref::value(subnet.into())).collect(),
        },
        ready: Ready::Yes,
        tags: tags::read(table.tags()),
        owned: true,
    }
}
