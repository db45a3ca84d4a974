//! Gateway endpoint: a free way from route tables to S3, which keeps image layers off the NAT gateway.
//!
//! Known by its `landing:node` tag. Service and VPC are fixed at birth; route tables come and go. EC2 itself adds a route to the service's prefix list to
//! each of them, which the route tables' own kind does not see.
//! Source: EC2 API Reference, `CreateVpcEndpoint`, `ModifyVpcEndpoint`, `DeleteVpcEndpoints`; `aws-behaviours` 3.11.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, VpcEndpoint as Reply, VpcEndpointType};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::filters;
use crate::{Aws, IntoCallError, RouteTableId, VpcId, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    pub vpc: Ref<VpcId>,
    /// `com.amazonaws.<region>.s3`.
    pub service: String,
    /// A set.
    pub route_tables: Vec<Ref<RouteTableId>>,
}

impl Kind for VpcEndpoint {
    type Cx = Aws;
    const NAME: &'static str = "ec2.vpc-endpoint";
    const TRAITS: Traits = Traits {
        fixed: &["vpc", "service"],
        typical_ready: Duration::from_secs(5),
        typical_gone: Duration::from_secs(10),
        patience: Duration::from_secs(10 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let ours = filters::of_stack(&scan.stack);
        let mut pages = cx.ec2.describe_vpc_endpoints().set_filters(Some(ours)).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(endpoint) = pages.next().await {
            let endpoint = endpoint.call("ec2:DescribeVpcEndpoints")?;
            let Some(live) = of(&endpoint) else { continue };
            found.extend(ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live }));
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, read(cx, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:CreateVpcEndpoint";
        let reply = door
            .call(operation, || async {
                cx.ec2
                    .create_vpc_endpoint()
                    .vpc_endpoint_type(VpcEndpointType::Gateway)
                    .vpc_id(self.vpc.get().as_str())
                    .service_name(&self.service)
                    .set_route_table_ids(Some(ids(&self.route_tables)))
                    .client_token(door.token())
                    .tag_specifications(filters::born_with(ResourceType::VpcEndpoint, &door.tags()))
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        let made = reply.vpc_endpoint().and_then(of);
        let live = made.ok_or_else(|| CallError::new(Class::Ambiguous, operation, "the reply holds no living endpoint"))?;
        Ok(Live { node: door.node().clone(), ..live })
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("route_tables") {
            let operation = "ec2:ModifyVpcEndpoint";
            door.call(operation, || async {
                // Read anew for every attempt: a table that is added a second time is refused.
                let now = read(cx, &live.id).await?.map_or_else(|| live.shape.clone(), |now| now.shape);
                let (wanted, there) = (ids(&self.route_tables), ids(&now.route_tables));
                let without = |these: &[String], those: &[String]| -> Vec<String> {
                    these.iter().filter(|id| !those.contains(id)).cloned().collect()
                };
                let (add, remove) = (without(&wanted, &there), without(&there, &wanted));
                if add.is_empty() && remove.is_empty() {
                    return Ok(());
                }
                let request = cx.ec2.modify_vpc_endpoint().vpc_endpoint_id(&live.id);
                let request = request.set_add_route_table_ids(Some(add).filter(|ids| !ids.is_empty()));
                let request = request.set_remove_route_table_ids(Some(remove).filter(|ids| !ids.is_empty()));
                request.send().await.call(operation).map(|_| ())
            })
            .await?;
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if live.ready == Ready::NotYet("deleting".into()) {
            return Ok(Gone::NotYet("deleting".into()));
        }
        let operation = "ec2:DeleteVpcEndpoints";
        door.call(operation, || async {
            let reply = cx.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&live.id).send().await.call(operation)?;
            // A 200 that names what it did not delete.
            let refused = reply.unsuccessful().iter().filter_map(|item| item.error());
            let refused = refused.filter(|error| !error.code().unwrap_or_default().ends_with(".NotFound"));
            refused.map(|error| error.message().unwrap_or("AWS gave no reason")).next().map_or(Ok(()), |why| {
                Err(CallError::new(Class::Invalid, operation, format!("{} was not deleted: {why}", live.id)))
            })
        })
        .await?;
        Ok(Gone::NotYet("deleting".into()))
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        if field == "route_tables" { document::same_set(desired, live) } else { desired == live }
    }
}

async fn read(cx: &Aws, id: &str) -> Result<Option<Live<VpcEndpoint>>, CallError> {
    // By its id and not by a filter, which moto answers with 500; one that is gone is an error then.
    let reply = cx.ec2.describe_vpc_endpoints().vpc_endpoint_ids(id).send().await.call("ec2:DescribeVpcEndpoints");
    let found = ownership::found(reply)?;
    Ok(found.and_then(|reply| reply.vpc_endpoints().iter().filter_map(of).find(|live| live.id == id)))
}

fn ids(tables: &[Ref<RouteTableId>]) -> Vec<String> {
    tables.iter().map(|table| table.get().to_string()).collect()
}

/// `None` for a ghost. EC2 writes the state in lower case, whatever its model says.
fn of(endpoint: &Reply) -> Option<Live<VpcEndpoint>> {
    let state = endpoint.state().map_or("pending".to_owned(), |state| state.as_str().to_ascii_lowercase());
    if state == "deleted" {
        return None;
    }
    let id = endpoint.vpc_endpoint_id().unwrap_or_default().to_owned();
    Some(Live {
        node: NodeName::new(VpcEndpoint::NAME, &id),
        outputs: BTreeMap::new(),
        id,
        shape: VpcEndpoint {
            vpc: Ref::value(endpoint.vpc_id().unwrap_or_default().into()),
            service: endpoint.service_name().unwrap_or_default().to_owned(),
            route_tables: endpoint.route_table_ids().iter().map(|id| Ref::value(id.as_str().into())).collect(),
        },
        ready: match state.as_str() {
            "available" => Ready::Yes,
            "failed" | "rejected" | "expired" => Ready::Failed(state),
            _ => Ready::NotYet(state),
        },
        tags: tags::read(endpoint.tags()),
        owned: true,
        untold: Vec::new(),
    })
}
