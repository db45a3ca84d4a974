//! Target group: where a load balancer finds the tasks of one service, by address, and how it tells whether they are well.
//!
//! Known by its name and `landing:node` tag. Name, protocol, port and VPC are fixed at birth; its listener and its service hold it, so a new one is made
//! before the old one goes, under a name that changes with the fixed fields.
//! Source: ELBv2 API Reference, `CreateTargetGroup`, `ModifyTargetGroup`; `aws-behaviours` 10.2.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetGroupAttribute, TargetTypeEnum};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{groups, reading};
use crate::{Aws, IntoCallError, TargetGroupArn, VpcId, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    /// At most 32 characters.
    pub name: String,
    pub protocol: String,
    pub port: i32,
    pub vpc: Ref<VpcId>,
    /// `HTTP` or `TCP`; path and codes are for `HTTP` only.
    pub health_protocol: String,
    pub health_path: Option<String>,
    /// `traffic-port` or a number.
    pub health_port: String,
    /// Such as `200-399`.
    pub health_codes: Option<String>,
    /// Seconds, 5 to 300.
    pub interval: i32,
    /// Seconds, 2 to 120, below the interval.
    pub timeout: i32,
    /// Good answers in a row that make a target healthy, 2 to 10.
    pub healthy: i32,
    pub unhealthy: i32,
    /// Seconds that a leaving target may go on answering.
    pub deregistration_delay: i32,
}

impl TargetGroup {
    pub const ARN: Output<TargetGroupArn> = Output::held("arn");
}

impl Kind for TargetGroup {
    type Cx = Aws;
    const NAME: &'static str = "elbv2.target-group";
    const TRAITS: Traits = Traits { fixed: &["name", "protocol", "port", "vpc"], create_first: true, ..Traits::DEFAULT };

    /// One list, and the attributes of each of ours, which AWS gives one by one.
    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let mut pages = cx.elbv2.describe_target_groups().into_paginator().items().send();
        let mut candidates = Vec::new();
        while let Some(group) = pages.next().await {
            let live = groups::of(&group.call("elasticloadbalancing:DescribeTargetGroups")?);
            candidates.extend(reading::may_be_ours(scan, &index, &live.shape.name, &live.id).then_some(live));
        }
        let arns = candidates.iter().map(|live| live.id.clone()).collect();
        let mut tags = reading::tags_of(cx, &index, &scan.stack, arns).await?;
        let ours = candidates.into_iter().filter_map(|live| {
            let tags = tags.remove(&live.id)?;
            let node = ownership::node_of::<Self>(scan, &live.id, &tags)?;
            Some(Live { node, tags, ..live })
        });
        Ok(try_join_all(ours.map(|live| groups::with_delay(cx, live))).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.elbv2.describe_target_groups().target_group_arns(id).send().await;
        let live = ownership::found(reply.call("elasticloadbalancing:DescribeTargetGroups"))?
            .and_then(|reply| reply.target_groups().first().map(groups::of));
        match ownership::still_ours(stack, node, reading::tagged(cx, live).await?) {
            Some(live) => groups::with_delay(cx, live).await,
            None => Ok(None),
        }
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticloadbalancing:CreateTargetGroup";
        let what = format!("the target group {}", self.name);
        let send = || async {
            let reply = cx
                .elbv2
                .create_target_group()
                .name(&self.name)
                .protocol(ProtocolEnum::from(self.protocol.as_str()))
                .port(self.port)
                .vpc_id(self.vpc.get().as_str())
                // Fargate tasks have addresses and no instances.
                .target_type(TargetTypeEnum::Ip)
                .health_check_protocol(ProtocolEnum::from(self.health_protocol.as_str()))
                .set_health_check_path(self.health_path.clone())
                .health_check_port(&self.health_port)
                .set_matcher(self.matcher())
                .health_check_interval_seconds(self.interval)
                .health_check_timeout_seconds(self.timeout)
                .healthy_threshold_count(self.healthy)
                .unhealthy_threshold_count(self.unhealthy)
                .set_tags(Some(tags::list(&door.tags())))
                .send()
                .await
                .call(operation)?;
            reading::born(cx, door, operation, &what, reply.target_groups().first().map(groups::of)).await
        };
        let find = || async {
            let reply = cx.elbv2.describe_target_groups().names(&self.name).send().await;
            let reply = ownership::found(reply.call("elasticloadbalancing:DescribeTargetGroups"))?;
            reading::tagged(cx, reply.and_then(|reply| reply.target_groups().first().map(groups::of))).await
        };
        ownership::create(door, operation, &what, send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        let health =
            ["health_protocol", "health_path", "health_port", "health_codes", "interval", "timeout", "healthy", "unhealthy"];
        if changed.any(&health) {
            let operation = "elasticloadbalancing:ModifyTargetGroup";
            door.call(operation, || async {
                cx.elbv2
                    .modify_target_group()
                    .target_group_arn(&live.id)
                    .health_check_protocol(ProtocolEnum::from(self.health_protocol.as_str()))
                    .set_health_check_path(self.health_path.clone())
                    .health_check_port(&self.health_port)
                    .set_matcher(self.matcher())
                    .health_check_interval_seconds(self.interval)
                    .health_check_timeout_seconds(self.timeout)
                    .healthy_threshold_count(self.healthy)
                    .unhealthy_threshold_count(self.unhealthy)
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.has("deregistration_delay") {
            let operation = "elasticloadbalancing:ModifyTargetGroupAttributes";
            door.call(operation, || async {
                let delay =
                    TargetGroupAttribute::builder().key(groups::DELAY).value(self.deregistration_delay.to_string()).build();
                let request = cx.elbv2.modify_target_group_attributes().target_group_arn(&live.id);
                request.attributes(delay).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            reading::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Refused while a listener or rule names it, and for some seconds after; the door tries again.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "elasticloadbalancing:DeleteTargetGroup";
        let sent = door
            .call(operation, || async { cx.elbv2.delete_target_group().target_group_arn(&live.id).send().await.call(operation) })
            .await;
        ownership::gone(sent)
    }

    /// A path or codes that nobody asked for are AWS's own choice.
    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        desired == live || (desired.is_null() && ["health_path", "health_codes"].contains(&field))
    }
}

impl TargetGroup {
    fn matcher(&self) -> Option<Matcher> {
        self.health_codes.as_ref().map(|codes| Matcher::builder().http_code(codes).build())
    }
}
