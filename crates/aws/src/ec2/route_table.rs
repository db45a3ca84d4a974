//! Route table of one VPC, with its routes and the subnets that use it.
//!
//! Known by its `landing:node` tag. Routes and associations have no tags and come with the table in one reading: they are fields. The VPC's own routes
//! (`local`) and those of gateway endpoints (to `pl-…`) belong to others and are not seen.
//! Source: EC2 API Reference, `CreateRouteTable`, `CreateRoute`, `AssociateRouteTable`; `aws-behaviours` 3.6 to 3.8.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{ResourceType, RouteTable as Reply};
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{filters, routes};
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
        let tables = routes::read(cx, filters::filter("route-table-id", id)).await?;
        Ok(ownership::still_ours(stack, node, tables.iter().map(of).find(|live| live.id == id)))
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
                    Some(_) => routes::replace_route(cx, door, &live.id, destination, target.get()).await?,
                    None => routes::add_route(cx, door, &live.id, destination, target.get()).await?,
                }
            }
            for destination in live.shape.routes.keys().filter(|key| !self.routes.contains_key(*key)) {
                routes::remove_route(cx, door, &live.id, destination).await?;
            }
        }
        if changed.has("subnets") {
            for subnet in self.subnets.iter().filter(|subnet| !live.shape.subnets.contains(subnet)) {
                routes::associate(cx, door, &live.id, subnet.get()).await?;
            }
            routes::disassociate(cx, door, &live.id, &self.subnets).await?;
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Routes go with the table; associations keep it from being deleted.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if !live.shape.subnets.is_empty() {
            routes::disassociate(cx, door, &live.id, &[]).await?;
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

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(table: &Reply) -> Live<RouteTable> {
    let id = table.route_table_id().unwrap_or_default().to_owned();
    let associations = table.associations().iter().filter(|association| routes::counts(association));
    Live {
        node: NodeName::new(RouteTable::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        shape: RouteTable {
            vpc: Ref::value(table.vpc_id().unwrap_or_default().into()),
            routes: table.routes().iter().filter_map(routes::route).collect(),
            subnets: associations.filter_map(|one| one.subnet_id()).map(|subnet| Ref::value(subnet.into())).collect(),
        },
        ready: Ready::Yes,
        tags: tags::read(table.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
