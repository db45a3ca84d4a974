//! VPC: the network that everything lives in.
//!
//! Known by its `landing:node` tag. The range is fixed at birth. The two DNS flags are not in `DescribeVpcs`: one call each.
//! Source: EC2 API Reference, `CreateVpc`, `ModifyVpcAttribute`; `aws-behaviours` 3.1.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Vpc as Reply, VpcAttributeName, VpcState};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::filters;
use crate::{Aws, IntoCallError, VpcId, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    /// IPv4 range, /16 to /28.
    pub cidr: String,
    pub dns_support: bool,
    pub dns_hostnames: bool,
}

impl Vpc {
    pub const ID: Output<VpcId> = Output::held("id");
}

impl Kind for Vpc {
    type Cx = Aws;
    const NAME: &'static str = "ec2.vpc";
    const TRAITS: Traits = Traits { fixed: &["cidr"], ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let mut pages = cx.ec2.describe_vpcs().set_filters(Some(filters::of_stack(&scan.stack))).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(vpc) = pages.next().await {
            let Some(live) = live(cx, &vpc.call("ec2:DescribeVpcs")?).await? else { continue };
            found.extend(ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live }));
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.ec2.describe_vpcs().filters(filters::filter("vpc-id", id)).send().await.call("ec2:DescribeVpcs")?;
        let Some(vpc) = reply.vpcs().iter().find(|vpc| vpc.vpc_id() == Some(id)) else { return Ok(None) };
        Ok(ownership::still_ours(stack, node, live(cx, vpc).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:CreateVpc";
        let send = || async {
            let tags = filters::born_with(ResourceType::Vpc, &door.tags());
            let reply = cx.ec2.create_vpc().cidr_block(&self.cidr).tag_specifications(tags).send().await.call(operation)?;
            let vpc = reply.vpc().cloned().unwrap_or_else(|| Reply::builder().build());
            // AWS's defaults for a new VPC: support on, host names off.
            let shape = Self { cidr: self.cidr.clone(), dns_support: true, dns_hostnames: false };
            Ok(Live { node: door.node().clone(), ..of(&vpc, shape) })
        };
        let find = || async {
            let reply = cx.ec2.describe_vpcs().set_filters(Some(filters::of_node(door))).send().await.call("ec2:DescribeVpcs")?;
            Ok(try_join_all(reply.vpcs().iter().map(|vpc| live(cx, vpc))).await?.into_iter().flatten().collect())
        };
        door.call_once(operation, send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        let operation = "ec2:ModifyVpcAttribute";
        let flag = |value| AttributeBooleanValue::builder().value(value).build();
        // One attribute a call; host names need support to be on first.
        if changed.has("dns_support") {
            door.call(operation, || async {
                cx.ec2
                    .modify_vpc_attribute()
                    .vpc_id(&live.id)
                    .enable_dns_support(flag(self.dns_support))
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.has("dns_hostnames") {
            door.call(operation, || async {
                cx.ec2
                    .modify_vpc_attribute()
                    .vpc_id(&live.id)
                    .enable_dns_hostnames(flag(self.dns_hostnames))
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "ec2:DeleteVpc";
        ownership::gone(
            door.call(operation, || async { cx.ec2.delete_vpc().vpc_id(&live.id).send().await.call(operation) }).await,
        )
    }
}

/// `None` when it is gone, or one of AWS's copies does not know it yet, by the time its attributes are read.
async fn live(cx: &Aws, vpc: &Reply) -> Result<Option<Live<Vpc>>, CallError> {
    let attribute = |name: VpcAttributeName| async move {
        cx.ec2
            .describe_vpc_attribute()
            .vpc_id(vpc.vpc_id().unwrap_or_default())
            .attribute(name)
            .send()
            .await
            .call("ec2:DescribeVpcAttribute")
    };
    let both = tokio::try_join!(attribute(VpcAttributeName::EnableDnsSupport), attribute(VpcAttributeName::EnableDnsHostnames));
    let Some((support, hostnames)) = ownership::found(both)? else { return Ok(None) };
    let shape = Vpc {
        cidr: vpc.cidr_block().unwrap_or_default().to_owned(),
        dns_support: support.enable_dns_support().and_then(AttributeBooleanValue::value).unwrap_or(false),
        dns_hostnames: hostnames.enable_dns_hostnames().and_then(AttributeBooleanValue::value).unwrap_or(false),
    };
    Ok(Some(of(vpc, shape)))
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(vpc: &Reply, shape: Vpc) -> Live<Vpc> {
    let id = vpc.vpc_id().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(Vpc::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        shape,
        ready: match vpc.state() {
            Some(VpcState::Available) => Ready::Yes,
            state => Ready::NotYet(state.map_or("pending", VpcState::as_str).to_owned()),
        },
        tags: tags::read(vpc.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
