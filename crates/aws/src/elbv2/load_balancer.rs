//! Load balancer: application (HTTP) or network (TCP).
//!
//! Known by its name, which is unique in the region for both sorts together, and its `landing:node` tag. Name, sort and scheme are fixed at birth.
//! Its network interfaces outlive it by minutes and hold subnets and groups; their deletes wait for that, not this one.
//! Source: ELBv2 API Reference, `CreateLoadBalancer`, `ModifyLoadBalancerAttributes`; `aws-behaviours` 10.1.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{LoadBalancerAttribute, LoadBalancerSchemeEnum, LoadBalancerTypeEnum};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{balancers, reading};
use crate::{Aws, IntoCallError, LoadBalancerArn, SecurityGroupId, SubnetId, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    /// At most 32 characters.
    pub name: String,
    /// `application` or `network`.
    pub kind: String,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    /// One a zone; an application load balancer needs two. A set.
    pub subnets: Vec<Ref<SubnetId>>,
    /// A set. A network load balancer that was born without groups can never get one.
    pub groups: Vec<Ref<SecurityGroupId>>,
    /// Only those that are asked for; all others are left as they are.
    pub attributes: BTreeMap<String, String>,
}

impl LoadBalancer {
    pub const ARN: Output<LoadBalancerArn> = Output::held("arn");
    pub const DNS: Output<String> = Output::known("dns");
    /// Hosted zone for alias records.
    pub const ZONE: Output<String> = Output::known("zone");
}

impl Kind for LoadBalancer {
    type Cx = Aws;
    const NAME: &'static str = "elbv2.load-balancer";
    const TRAITS: Traits = Traits {
        fixed: &["name", "kind", "scheme"],
        needs: &["ec2.internet-gateway"],
        // A distribution that still names it as an origin takes minutes to go.
        mentioned: &["dns", "zone"],
        typical_ready: Duration::from_secs(120),
        typical_gone: Duration::from_secs(5),
        poll: Duration::from_secs(5),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let all = reading::load_balancers(cx, scan.round).await?;
        let candidates: Vec<_> =
            all.iter().map(balancers::of).filter(|live| reading::may_be_ours(scan, &index, &live.shape.name, &live.id)).collect();
        let arns = candidates.iter().map(|live| live.id.clone()).collect();
        let mut tags = reading::tags_of(cx, &index, &scan.stack, arns).await?;
        let ours = candidates.into_iter().filter_map(|live| {
            let tags = tags.remove(&live.id)?;
            let node = ownership::node_of::<Self>(scan, &live.id, &tags)?;
            Some(Live { node, tags, ..live })
        });
        try_join_all(ours.map(|live| balancers::with_wanted_attributes(cx, scan, live))).await
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.elbv2.describe_load_balancers().load_balancer_arns(id).send().await;
        let reply = ownership::found(reply.call("elasticloadbalancing:DescribeLoadBalancers"))?;
        let Some(live) = reply.and_then(|reply| reply.load_balancers().first().map(balancers::of)) else { return Ok(None) };
        let (tags, attributes) = tokio::try_join!(reading::tags(cx, id), balancers::attributes(cx, id))?;
        let (Some(tags), Some(attributes)) = (tags, attributes) else { return Ok(None) };
        let shape = Self { attributes, ..live.shape.clone() };
        Ok(ownership::still_ours(stack, node, Some(Live { tags, shape, ..live })))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticloadbalancing:CreateLoadBalancer";
        let what = format!("the load balancer {}", self.name);
        let send = || async {
            let groups: Vec<String> = self.groups.iter().map(|group| group.get().to_string()).collect();
            let sent = cx
                .elbv2
                .create_load_balancer()
                .name(&self.name)
                .r#type(LoadBalancerTypeEnum::from(self.kind.as_str()))
                .scheme(LoadBalancerSchemeEnum::from(self.scheme.as_str()))
                .set_subnets(Some(self.subnets.iter().map(|subnet| subnet.get().to_string()).collect()))
                .set_security_groups((!groups.is_empty()).then_some(groups))
                .set_tags(Some(tags::list(&door.tags())))
                .send()
                .await
                .call(operation)?;
            reading::born(cx, door, operation, &what, sent.load_balancers().first().map(balancers::of)).await
        };
        ownership::create(door, operation, &what, send, || balancers::named(cx, &self.name)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("attributes") {
            let operation = "elasticloadbalancing:ModifyLoadBalancerAttributes";
            let set = self.attributes.iter().map(|(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build());
            let set: Vec<_> = set.collect();
            door.call(operation, || async {
                let request = cx.elbv2.modify_load_balancer_attributes().load_balancer_arn(&live.id);
                request.set_attributes(Some(set.clone())).send().await.call(operation)
            })
            .await?;
        }
        if changed.has("groups") {
            let operation = "elasticloadbalancing:SetSecurityGroups";
            door.call(operation, || async {
                let groups = self.groups.iter().map(|group| group.get().to_string()).collect();
                let request = cx.elbv2.set_security_groups().load_balancer_arn(&live.id);
                request.set_security_groups(Some(groups)).send().await.call(operation)
            })
            .await?;
        }
        if changed.has("subnets") {
            let operation = "elasticloadbalancing:SetSubnets";
            door.call(operation, || async {
                let subnets = self.subnets.iter().map(|subnet| subnet.get().to_string()).collect();
                cx.elbv2.set_subnets().load_balancer_arn(&live.id).set_subnets(Some(subnets)).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            reading::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Takes its listeners and rules with it, and succeeds when there is nothing to delete; the list shows it for some seconds more.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "elasticloadbalancing:DeleteLoadBalancer";
        let sent = door
            .call(operation, || async {
                cx.elbv2.delete_load_balancer().load_balancer_arn(&live.id).send().await.call(operation)
            })
            .await;
        let sent = sent.map_err(|error| match error.has_code(&["OperationNotPermitted"]) {
            true => error.help("its deletion protection is on: switch `deletion_protection.enabled` off and run again"),
            false => error,
        });
        ownership::going(sent, "still listed")
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            "subnets" | "groups" => document::same_set(desired, live),
            "attributes" => desired.as_object().is_none_or(|asked| asked.iter().all(|(key, value)| live.get(key) == Some(value))),
            _ => desired == live,
        }
    }
}
