//! Listener: one port of a load balancer, and what happens with requests that no rule takes.
//!
//! Known by its `landing:node` tag or, since it lives inside an object that is ours, by its load balancer and port, of which there is only one. Born with its default action; `not-found`
//! lets it stand before any target group does.
//! Source: ELBv2 API Reference, `CreateListener`, `ModifyListener`; `aws-behaviours` 10.3.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{Listener as Reply, ProtocolEnum};
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};

use super::{Action, reading};
use crate::{Aws, IntoCallError, ListenerArn, LoadBalancerArn, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    pub load_balancer: Ref<LoadBalancerArn>,
    pub port: i32,
    /// `HTTP` or `TCP`.
    pub protocol: String,
    pub default: Action,
}

impl Listener {
    pub const ARN: Output<ListenerArn> = Output::held("arn");
}

impl Kind for Listener {
    type Cx = Aws;
    const NAME: &'static str = "elbv2.listener";
    const TRAITS: Traits = Traits { fixed: &["load_balancer", "port"], ..Traits::DEFAULT };

    /// One list for each load balancer of the stack.
    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let all = reading::listeners(cx, scan).await?;
        let arns = all.iter().filter_map(|(_, listener)| listener.listener_arn().map(str::to_owned)).collect();
        let mut tags = reading::tags_of(cx, &index, &scan.stack, arns).await?;
        let ours = all.iter().filter_map(|(balancer, listener)| {
            let live = of(listener);
            let tags = tags.remove(&live.id)?;
            let wanted = || wanted(scan, balancer, live.shape.port).filter(|_| !ownership::is_foreign(&scan.stack, &tags));
            let node = ownership::node_of::<Self>(scan, &live.id, &tags).or_else(wanted)?;
            Some(Live { node, tags, ..live })
        });
        Ok(ours.collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.elbv2.describe_listeners().listener_arns(id).send().await;
        let live = ownership::found(reply.call("elasticloadbalancing:DescribeListeners"))?
            .and_then(|reply| reply.listeners().first().map(of));
        Ok(ownership::still_ours(stack, node, reading::tagged(cx, live).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticloadbalancing:CreateListener";
        let what = format!("the listener on port {} of {}", self.port, self.load_balancer.get());
        let send = || async {
            let reply = cx
                .elbv2
                .create_listener()
                .load_balancer_arn(self.load_balancer.get().as_str())
                .port(self.port)
                .protocol(ProtocolEnum::from(self.protocol.as_str()))
                .default_actions(self.default.request())
                .set_tags(Some(tags::list(&door.tags())))
                .send()
                .await
                .call(operation)?;
            reading::born(cx, door, operation, &what, reply.listeners().first().map(of)).await
        };
        ownership::create(door, operation, &what, send, || self.find(cx)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.any(&["protocol", "default"]) {
            let operation = "elasticloadbalancing:ModifyListener";
            door.call(operation, || async {
                cx.elbv2
                    .modify_listener()
                    .listener_arn(&live.id)
                    .port(self.port)
                    .protocol(ProtocolEnum::from(self.protocol.as_str()))
                    .default_actions(self.default.request())
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.tags() {
            reading::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "elasticloadbalancing:DeleteListener";
        let sent =
            door.call(operation, || async { cx.elbv2.delete_listener().listener_arn(&live.id).send().await.call(operation) });
        ownership::gone(sent.await)
    }
}

impl Listener {
    /// The listener that holds our port.
    async fn find(&self, cx: &Aws) -> Result<Option<Live<Self>>, CallError> {
        let of_balancer = cx.elbv2.describe_listeners().load_balancer_arn(self.load_balancer.get().as_str());
        let mut pages = of_balancer.into_paginator().items().send();
        while let Some(listener) = pages.next().await {
            let listener = listener.call("elasticloadbalancing:DescribeListeners")?;
            if listener.port() == Some(self.port) {
                return reading::tagged(cx, Some(of(&listener))).await;
            }
        }
        Ok(None)
    }
}

/// The wanted node for this port of the load balancer of that node; the reference between the two is not resolved in a scan.
fn wanted(scan: &Scan, balancer: &NodeName, port: i32) -> Option<NodeName> {
    let is_it = |shape: &serde_json::Value| shape["load_balancer"]["$ref"] == balancer.as_str() && shape["port"] == port;
    scan.wanted.iter().find(|(_, shape)| is_it(shape)).map(|(node, _)| node.clone())
}

/// Node and tags are put in by the caller.
fn of(listener: &Reply) -> Live<Listener> {
    let id = listener.listener_arn().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(Listener::NAME, &id),
        outputs: BTreeMap::from([("arn".to_owned(), id.clone())]),
        id,
        shape: Listener {
            load_balancer: Ref::value(listener.load_balancer_arn().unwrap_or_default().into()),
            port: listener.port().unwrap_or_default(),
            protocol: listener.protocol().map_or("", ProtocolEnum::as_str).to_owned(),
            default: Action::of(listener.default_actions()),
        },
        ready: Ready::Yes,
        tags: BTreeMap::new(),
        owned: true,
        untold: Vec::new(),
    }
}
