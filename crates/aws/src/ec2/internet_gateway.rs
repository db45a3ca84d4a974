//! Internet gateway: the door of one VPC to the internet, and its attachment.
//!
//! Known by its `landing:node` tag. It is born detached; attaching is an update, and so is moving it to another VPC.
//! Source: EC2 API Reference, `CreateInternetGateway`, `AttachInternetGateway`; `aws-behaviours` 3.2.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{InternetGateway as Reply, ResourceType};
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::{filters, interfaces};
use crate::{Aws, GatewayId, IntoCallError, VpcId, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    /// The VPC that it is attached to.
    pub vpc: Option<Ref<VpcId>>,
}

impl InternetGateway {
    /// In the reply to create. A route is accepted only once the gateway is attached, so routes want it `when_usable`.
    pub const ID: Output<GatewayId> = Output::held("id");
}

impl Kind for InternetGateway {
    type Cx = Aws;
    const NAME: &'static str = "ec2.internet-gateway";
    const TRAITS: Traits = Traits { poll: Duration::from_secs(5), ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let ours = filters::of_stack(&scan.stack);
        let mut pages = cx.ec2.describe_internet_gateways().set_filters(Some(ours)).into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(gateway) = pages.next().await {
            let live = of(&gateway.call("ec2:DescribeInternetGateways")?);
            found.extend(ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live }));
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, read(cx, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:CreateInternetGateway";
        let send = || async {
            let tags = filters::born_with(ResourceType::InternetGateway, &door.tags());
            let reply = cx.ec2.create_internet_gateway().tag_specifications(tags).send().await.call(operation)?;
            let gateway = reply.internet_gateway().cloned().unwrap_or_else(|| Reply::builder().build());
            Ok(Live { node: door.node().clone(), ..of(&gateway) })
        };
        let find = || async {
            let listing = cx.ec2.describe_internet_gateways().set_filters(Some(filters::of_node(door)));
            Ok(listing.send().await.call("ec2:DescribeInternetGateways")?.internet_gateways().iter().map(of).collect())
        };
        door.call_once(operation, send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("vpc") {
            if let Some(old) = &live.shape.vpc {
                detach(cx, door, &live.id, old.get()).await?;
            }
            if let Some(new) = &self.vpc {
                attach(cx, door, &live.id, new.get()).await?;
            }
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Detaching is refused while anything in the VPC has a public address; network interfaces outlive their owners by minutes.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if let Some(vpc) = &live.shape.vpc {
            if let Some(held) = interfaces::public(cx, vpc.get().as_str()).await? {
                return Ok(held);
            }
            detach(cx, door, &live.id, vpc.get()).await?;
        }
        let operation = "ec2:DeleteInternetGateway";
        ownership::gone(
            door.call(operation, || async {
                cx.ec2.delete_internet_gateway().internet_gateway_id(&live.id).send().await.call(operation)
            })
            .await,
        )
    }
}

async fn read(cx: &Aws, id: &str) -> Result<Option<Live<InternetGateway>>, CallError> {
    let by_id = filters::filter("internet-gateway-id", id);
    let reply = cx.ec2.describe_internet_gateways().filters(by_id).send().await.call("ec2:DescribeInternetGateways")?;
    Ok(reply.internet_gateways().iter().map(of).find(|live| live.id == id))
}

async fn attach(cx: &Aws, door: &Door<'_>, id: &str, vpc: &VpcId) -> Result<(), CallError> {
    let operation = "ec2:AttachInternetGateway";
    door.call(operation, || async {
        let sent = cx.ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc.as_str()).send().await.call(operation);
        match sent {
            Ok(_) => Ok(()),
            // An attempt whose answer was lost had attached it; or another VPC holds it.
            Err(error) if error.class == Class::AlreadyExists => match read(cx, id).await?.and_then(|live| live.shape.vpc) {
                Some(holder) if holder.get() == vpc => Ok(()),
                Some(holder) => Err(CallError { message: format!("{id} is attached to {}", holder.get()), ..error }),
                None => Err(CallError { class: Class::NotVisibleYet, ..error }),
            },
            Err(error) => Err(error),
        }
    })
    .await
}

async fn detach(cx: &Aws, door: &Door<'_>, id: &str, vpc: &VpcId) -> Result<(), CallError> {
    let operation = "ec2:DetachInternetGateway";
    door.call(operation, || async {
        let sent = cx.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc.as_str()).send().await.call(operation);
        ownership::done_before(sent, &["Gateway.NotAttached", "InvalidInternetGatewayID.NotFound"])
    })
    .await
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(gateway: &Reply) -> Live<InternetGateway> {
    let id = gateway.internet_gateway_id().unwrap_or_default().to_owned();
    let attachment = gateway.attachments().iter().find(|attachment| attachment.vpc_id().is_some());
    let state = attachment.and_then(|attachment| attachment.state()).map(|state| state.as_str().to_ascii_lowercase());
    Live {
        node: NodeName::new(InternetGateway::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        // One that is on its way out of a VPC is not attached any more.
        shape: InternetGateway {
            vpc: attachment
                .filter(|_| state.as_deref() != Some("detached"))
                .and_then(|attachment| attachment.vpc_id())
                .map(|vpc| Ref::value(vpc.into())),
        },
        ready: match state.as_deref() {
            // EC2 says `available`, which its own model does not know, or `attached`. A detached gateway is as ready as it gets.
            None | Some("available" | "attached" | "detached") => Ready::Yes,
            Some(state) => Ready::NotYet(state.to_owned()),
        },
        tags: tags::read(gateway.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
