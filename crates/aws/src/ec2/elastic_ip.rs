//! Elastic IP: a public address that stays ours until it is released.
//!
//! Known by its `landing:node` tag. Nothing protects `AllocateAddress` from being repeated, and every address costs money: after a lost answer the
//! engine looks for the tag before it asks again. Source: EC2 API Reference, `AllocateAddress`, `ReleaseAddress`; `aws-behaviours` 3.4.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Address as Reply, DomainType, ResourceType};
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::filters;
use crate::{AllocationId, Aws, IntoCallError, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIp {
    /// Always `vpc`: EC2-Classic is gone.
    pub domain: String,
}

impl ElasticIp {
    /// `eipalloc-…`
    pub const ID: Output<AllocationId> = Output::held("id");
    /// The IPv4 address.
    pub const ADDRESS: Output<String> = Output::known("address");
}

impl Kind for ElasticIp {
    type Cx = Aws;
    const NAME: &'static str = "ec2.elastic-ip";
    const TRAITS: Traits = Traits { fixed: &["domain"], ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        // Not paged: all at once.
        let ours = filters::of_stack(&scan.stack);
        let reply = cx.ec2.describe_addresses().set_filters(Some(ours)).send().await.call("ec2:DescribeAddresses")?;
        let node_of = |live: Live<Self>| ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live });
        Ok(reply.addresses().iter().map(of).filter_map(node_of).collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let by_id = filters::filter("allocation-id", id);
        let reply = cx.ec2.describe_addresses().filters(by_id).send().await.call("ec2:DescribeAddresses")?;
        Ok(ownership::still_ours(stack, node, reply.addresses().iter().map(of).find(|live| live.id == id)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:AllocateAddress";
        let send = || async {
            let request = cx.ec2.allocate_address().domain(DomainType::from(self.domain.as_str()));
            let tags = filters::born_with(ResourceType::ElasticIp, &door.tags());
            let reply = request.tag_specifications(tags).send().await.call(operation)?;
            let address = Reply::builder()
                .set_allocation_id(reply.allocation_id().map(str::to_owned))
                .set_public_ip(reply.public_ip().map(str::to_owned))
                .set_domain(reply.domain().cloned())
                .build();
            // The reply has no tags, but the call is refused as a whole when they cannot be set.
            Ok(Live { node: door.node().clone(), tags: door.tags(), ..of(&address) })
        };
        let find = || async {
            let listing = cx.ec2.describe_addresses().set_filters(Some(filters::of_node(door)));
            Ok(listing.send().await.call("ec2:DescribeAddresses")?.addresses().iter().map(of).collect())
        };
        door.call_once(operation, send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Refused (`AuthFailure`, or in use) until the NAT gateway that carries it is `deleted`.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "ec2:ReleaseAddress";
        ownership::gone(
            door.call(operation, || async { cx.ec2.release_address().allocation_id(&live.id).send().await.call(operation) })
                .await,
        )
    }
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(address: &Reply) -> Live<ElasticIp> {
    let id = address.allocation_id().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(ElasticIp::NAME, &id),
        outputs: BTreeMap::from([
            ("id".to_owned(), id.clone()),
            ("address".to_owned(), address.public_ip().unwrap_or_default().to_owned()),
        ]),
        id,
        shape: ElasticIp { domain: address.domain().map_or("vpc", DomainType::as_str).to_owned() },
        ready: Ready::Yes,
        tags: tags::read(address.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
