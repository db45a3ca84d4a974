//! NAT gateway: the way out for private subnets, zonal, with one Elastic IP.
//!
//! Known by its `landing:node` tag. Subnet and address are fixed at birth. EC2 finds most mistakes only after it has accepted the call: the gateway
//! then becomes `failed` with a code, never heals, and removes itself within the hour; a new one needs a new token.
//! Source: EC2 API Reference, `CreateNatGateway`, `NatGateway.State`; `aws-behaviours` 3.5.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{NatGateway as Reply, NatGatewayState, ResourceType};
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::filters;
use crate::{AllocationId, Aws, IntoCallError, NatGatewayId, SubnetId, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    /// A public subnet: one with a route to the internet gateway.
    pub subnet: Ref<SubnetId>,
    pub allocation: Ref<AllocationId>,
}

impl NatGateway {
    /// In the reply to create. It carries traffic, and takes routes without fail, only when usable.
    pub const ID: Output<NatGatewayId> = Output::held("id");
}

/// A gateway that is on its way out cannot be had back; said as a failure so that a plan replaces it.
const DELETING: &str = "deleting";

impl Kind for NatGateway {
    type Cx = Aws;
    const NAME: &'static str = "ec2.nat-gateway";
    const TRAITS: Traits = Traits {
        fixed: &["subnet", "allocation"],
        needs: &["ec2.internet-gateway"],
        typical_ready: Duration::from_secs(100),
        typical_gone: Duration::from_secs(60),
        poll: Duration::from_secs(5),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        // Ghosts (`deleted`, `failed`) stay listed for an hour, with their tags.
        let mut ours = filters::of_stack(&scan.stack);
        ours.push(filters::any("state", ["pending", "available", DELETING]));
        let mut pages = cx.ec2.describe_nat_gateways().set_filter(Some(ours)).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(gateway) = pages.next().await {
            let gateway = gateway.call("ec2:DescribeNatGateways")?;
            if matches!(gateway.state(), Some(NatGatewayState::Deleted | NatGatewayState::Failed)) {
                continue;
            }
            let live = of(&gateway);
            found.extend(ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live }));
        }
        // One that leaves while its successor stands clears itself away.
        let standing: Vec<NodeName> = found.iter().filter(|live| !is_leaving(live)).map(|live| live.node.clone()).collect();
        found.retain(|live| !is_leaving(live) || !standing.contains(&live.node));
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let by_id = filters::filter("nat-gateway-id", id);
        let reply = cx.ec2.describe_nat_gateways().filter(by_id).send().await.call("ec2:DescribeNatGateways")?;
        let is_it = |gateway: &&Reply| gateway.nat_gateway_id() == Some(id) && gateway.state() != Some(&NatGatewayState::Deleted);
        let standing = reply.nat_gateways().iter().find(is_it);
        Ok(ownership::still_ours(stack, node, standing.map(of)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let mut token = door.token();
        loop {
            let gateway = self.send(cx, door, &token).await?;
            let live = of(&gateway);
            let again = format!("{}-{}", door.token(), live.id.trim_start_matches("nat-"));
            // A token that was used before brings back what it made then, which may have failed or gone since: that one's id makes another token.
            if is_dead(&gateway) && token != again {
                token = again;
                continue;
            }
            // The address is not in the reply until EC2 has made the interface.
            return Ok(Live { node: door.node().clone(), shape: self.clone(), ..live });
        }
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        match &live.ready {
            Ready::Failed(_) if is_leaving(live) => return Ok(Gone::NotYet(DELETING.to_owned())),
            // It never held its address, and EC2 clears it away by itself.
            Ready::Failed(_) => return Ok(Gone::Yes),
            _ => {}
        }
        let operation = "ec2:DeleteNatGateway";
        let sent = door
            .call(operation, || async { cx.ec2.delete_nat_gateway().nat_gateway_id(&live.id).send().await.call(operation) })
            .await;
        ownership::going(sent, DELETING)
    }
}

impl NatGateway {
    async fn send(&self, cx: &Aws, door: &Door<'_>, token: &str) -> Result<Reply, CallError> {
        let operation = "ec2:CreateNatGateway";
        let send = || async {
            let request = cx.ec2.create_nat_gateway().subnet_id(self.subnet.get().as_str()).client_token(token);
            let tags = filters::born_with(ResourceType::Natgateway, &door.tags());
            request.allocation_id(self.allocation.get().as_str()).tag_specifications(tags).send().await.call(operation)
        };
        Ok(door.call(operation, send).await?.nat_gateway.unwrap_or_else(|| Reply::builder().build()))
    }
}

fn is_dead(gateway: &Reply) -> bool {
    use NatGatewayState::{Deleted, Deleting, Failed};
    matches!(gateway.state(), Some(Failed | Deleting | Deleted))
}

fn is_leaving(live: &Live<NatGateway>) -> bool {
    live.ready == Ready::Failed(DELETING.to_owned())
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(gateway: &Reply) -> Live<NatGateway> {
    let id = gateway.nat_gateway_id().unwrap_or_default().to_owned();
    let addresses = gateway.nat_gateway_addresses();
    let primary = addresses.iter().find(|address| address.is_primary() == Some(true)).or(addresses.first());
    let allocation = primary.and_then(|address| address.allocation_id());
    Live {
        node: NodeName::new(NatGateway::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        shape: NatGateway {
            subnet: Ref::value(gateway.subnet_id().unwrap_or_default().into()),
            allocation: Ref::value(allocation.unwrap_or_default().into()),
        },
        ready: match gateway.state() {
            Some(NatGatewayState::Available) => Ready::Yes,
            Some(NatGatewayState::Failed) => Ready::Failed(failure(gateway)),
            Some(NatGatewayState::Deleting) => Ready::Failed(DELETING.to_owned()),
            state => Ready::NotYet(state.map_or("pending", NatGatewayState::as_str).to_owned()),
        },
        tags: tags::read(gateway.tags()),
        owned: true,
        // EC2 shows the address when it has made the interface; until then it is not known to be another one.
        untold: if allocation.is_none() { vec!["allocation"] } else { Vec::new() },
    }
}

fn failure(gateway: &Reply) -> String {
    let code = gateway.failure_code().unwrap_or("failed");
    gateway.failure_message().map_or_else(|| code.to_owned(), |message| format!("{code}: {message}"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::NatGatewayAddress;

    use super::*;

    #[test]
    fn an_address_that_ec2_does_not_show_yet_is_no_other_address() {
        let pending = Reply::builder().nat_gateway_id("nat-1").subnet_id("subnet-1");
        assert_eq!(of(&pending.clone().build()).untold, ["allocation"]);
        let address = NatGatewayAddress::builder().allocation_id("eipalloc-1").build();
        let live = of(&pending.nat_gateway_addresses(address).build());
        assert_eq!((live.untold, live.shape.allocation.get().as_str()), (vec![], "eipalloc-1"));
    }
}
