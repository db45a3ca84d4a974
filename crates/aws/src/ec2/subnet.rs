//! Subnet: an address range of one VPC, in one availability zone.
//!
//! Known by its `landing:node` tag. VPC, range and zone are fixed at birth: changing one means replace.
//! Source: EC2 API Reference, `CreateSubnet`, `ModifySubnetAttribute`; `aws-behaviours` 3.3.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Subnet as Reply, SubnetState};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::{filters, interfaces};
use crate::{Aws, IntoCallError, SubnetId, VpcId, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    pub vpc: Ref<VpcId>,
    pub cidr: String,
    /// Zone name, such as `us-west-2a`.
    pub zone: String,
    /// Whether instances get a public address at launch; Fargate decides that for each service instead.
    pub public_ip: bool,
}

impl Subnet {
    pub const ID: Output<SubnetId> = Output::held("id");
}

/// After this, a range that AWS says is taken and that no subnet shows is taken by one that overlaps. Source: `aws-behaviours` 1.4.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

impl Kind for Subnet {
    type Cx = Aws;
    const NAME: &'static str = "ec2.subnet";
    const TRAITS: Traits = Traits { fixed: &["vpc", "cidr", "zone"], poll: Duration::from_secs(5), ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let mut pages =
            cx.ec2.describe_subnets().set_filters(Some(filters::of_stack(&scan.stack))).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(subnet) = pages.next().await {
            let live = of(&subnet.call("ec2:DescribeSubnets")?);
            found.extend(ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live }));
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let by_id = filters::filter("subnet-id", id);
        let reply = cx.ec2.describe_subnets().filters(by_id).send().await.call("ec2:DescribeSubnets")?;
        Ok(ownership::still_ours(stack, node, reply.subnets().iter().map(of).find(|live| live.id == id)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:CreateSubnet";
        door.call(operation, || async {
            let sent = cx
                .ec2
                .create_subnet()
                .vpc_id(self.vpc.get().as_str())
                .cidr_block(&self.cidr)
                .availability_zone(&self.zone)
                .tag_specifications(filters::born_with(ResourceType::Subnet, &door.tags()))
                .send()
                .await
                .call(operation);
            match sent {
                Ok(reply) => {
                    let subnet = reply.subnet().cloned().unwrap_or_else(|| Reply::builder().build());
                    Ok(Live { node: door.node().clone(), ..of(&subnet) })
                }
                Err(error) if error.class == Class::AlreadyExists => self.existing(cx, door, error).await,
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("public_ip") {
            let operation = "ec2:ModifySubnetAttribute";
            door.call(operation, || async {
                let flag = AttributeBooleanValue::builder().value(self.public_ip).build();
                cx.ec2.modify_subnet_attribute().subnet_id(&live.id).map_public_ip_on_launch(flag).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Refused while a network interface is in it; interfaces outlive their owners by minutes.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if let Some(held) = interfaces::user(cx, "subnet-id", &live.id).await? {
            return Ok(held);
        }
        let operation = "ec2:DeleteSubnet";
        ownership::gone(
            door.call(operation, || async { cx.ec2.delete_subnet().subnet_id(&live.id).send().await.call(operation) }).await,
        )
    }
}

impl Subnet {
    /// The subnet that holds our range: this node's, from a call whose answer was lost, or somebody else's.
    async fn existing(&self, cx: &Aws, door: &Door<'_>, refusal: CallError) -> Result<Live<Self>, CallError> {
        let in_vpc = cx.ec2.describe_subnets().filters(filters::filter("vpc-id", self.vpc.get().as_str()));
        let found = in_vpc.send().await.call("ec2:DescribeSubnets")?;
        let is_it = |live: &Live<Self>| live.shape.vpc == self.vpc && live.shape.cidr == self.cidr && !door.has_gone(&live.id);
        let Some(live) = found.subnets().iter().map(of).find(is_it) else {
            // One whose range merely overlaps is another one; one with exactly ours went a moment ago, or is not shown yet.
            return Err(CallError { class: Class::InUse, ..refusal }.again_within(SHOWN_WITHIN));
        };
        let what = format!("the subnet {} with the range {}", live.id, self.cidr);
        ownership::adopt(door, refusal, &what, Some(live))
    }
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(subnet: &Reply) -> Live<Subnet> {
    let id = subnet.subnet_id().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(Subnet::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        shape: Subnet {
            vpc: Ref::value(subnet.vpc_id().unwrap_or_default().into()),
            cidr: subnet.cidr_block().unwrap_or_default().to_owned(),
            zone: subnet.availability_zone().unwrap_or_default().to_owned(),
            public_ip: subnet.map_public_ip_on_launch().unwrap_or(false),
        },
        ready: match subnet.state() {
            Some(SubnetState::Available) => Ready::Yes,
            Some(SubnetState::Failed) => Ready::Failed("failed".into()),
            state => Ready::NotYet(state.map_or("pending", SubnetState::as_str).to_owned()),
        },
        tags: tags::read(subnet.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
