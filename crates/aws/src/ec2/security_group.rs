//! Security group and what it lets out.
//!
//! Known by its `landing:node` tag. Name, description and VPC are fixed at birth. What it lets in are nodes of their own (`security_group_rule.rs`),
//! because they name other groups and groups may name each other; what it lets out names ranges only and is a field.
//! Source: EC2 API Reference, `CreateSecurityGroup`, `AuthorizeSecurityGroupEgress`; `aws-behaviours` 3.9.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, SecurityGroup as Reply};
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{egress, filters, interfaces};
use crate::{Aws, IntoCallError, SecurityGroupId, VpcId, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub vpc: Ref<VpcId>,
    pub name: String,
    /// ASCII only, at most 255 characters.
    pub description: String,
    /// A set. A new group lets everything out over IPv4.
    pub egress: Vec<Egress>,
}

/// One thing that may go out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Egress {
    /// `tcp`, `udp`, …, or `-1` for all, which has no ports.
    pub protocol: String,
    pub from_port: Option<i32>,
    pub to_port: Option<i32>,
    /// Range. In what AWS reports it may also be a group or prefix list that somebody else has put in.
    pub cidr: String,
}

impl Egress {
    /// Everything to everywhere, which is what a new group has.
    pub fn anywhere() -> Self {
        Self { protocol: "-1".into(), from_port: None, to_port: None, cidr: "0.0.0.0/0".into() }
    }

    /// One TCP port of a range.
    pub fn tcp(port: u16, cidr: &str) -> Self {
        Self { protocol: "tcp".into(), from_port: Some(port.into()), to_port: Some(port.into()), cidr: cidr.to_owned() }
    }
}

impl SecurityGroup {
    pub const ID: Output<SecurityGroupId> = Output::held("id");
}

impl Kind for SecurityGroup {
    type Cx = Aws;
    const NAME: &'static str = "ec2.security-group";
    const TRAITS: Traits = Traits { fixed: &["vpc", "name", "description"], poll: Duration::from_secs(5), ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let groups = of_stack(cx, scan).await?;
        let node_of = |live: Live<Self>| ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live });
        Ok(groups.iter().map(of).filter_map(node_of).collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let by_id = filters::filter("group-id", id);
        let reply = cx.ec2.describe_security_groups().filters(by_id).send().await.call("ec2:DescribeSecurityGroups")?;
        Ok(ownership::still_ours(stack, node, reply.security_groups().iter().map(of).find(|live| live.id == id)))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ec2:CreateSecurityGroup";
        let send = || async {
            let request = cx.ec2.create_security_group().vpc_id(self.vpc.get().as_str()).group_name(&self.name);
            let tags = filters::born_with(ResourceType::SecurityGroup, &door.tags());
            let reply = request.description(&self.description).tag_specifications(tags).send().await.call(operation)?;
            let id = reply.group_id().unwrap_or_default().to_owned();
            Ok(Live {
                node: door.node().clone(),
                outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
                id,
                shape: Self { egress: vec![Egress::anywhere()], ..self.clone() },
                ready: Ready::Yes,
                // The call is refused as a whole when they cannot be set.
                tags: door.tags(),
                owned: true,
                untold: Vec::new(),
            })
        };
        let what = format!("the security group {}", self.name);
        ownership::create(door, operation, &what, send, || self.existing(cx)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("egress") {
            // First what is missing, then what is too much, so that nothing that stays allowed is ever cut off.
            for missing in self.egress.iter().filter(|egress| !live.shape.egress.contains(egress)) {
                egress::allow(cx, door, &live.id, missing).await?;
            }
            for surplus in live.shape.egress.iter().filter(|egress| !self.egress.contains(egress)) {
                egress::forbid(cx, door, &live.id, surplus).await?;
            }
        }
        if changed.tags() {
            filters::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    /// Refused while a network interface or a rule of another group names it; interfaces outlive their owners by minutes.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if let Some(held) = interfaces::user(cx, "group-id", &live.id).await? {
            return Ok(held);
        }
        let operation = "ec2:DeleteSecurityGroup";
        ownership::gone(
            door.call(operation, || async { cx.ec2.delete_security_group().group_id(&live.id).send().await.call(operation) })
                .await,
        )
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        if field == "egress" { document::same_set(desired, live) } else { desired == live }
    }
}

impl SecurityGroup {
    /// The group of this name in our VPC.
    async fn existing(&self, cx: &Aws) -> Result<Option<Live<Self>>, CallError> {
        let by_name = [filters::filter("vpc-id", self.vpc.get().as_str()), filters::filter("group-name", &self.name)];
        let reply = cx.ec2.describe_security_groups().set_filters(Some(by_name.into())).send().await;
        let is_it = |live: &Live<Self>| live.shape.vpc == self.vpc && live.shape.name == self.name;
        Ok(reply.call("ec2:DescribeSecurityGroups")?.security_groups().iter().map(of).find(is_it))
    }
}

/// The groups with the stack's tags, which the rules want too.
pub(super) async fn of_stack(cx: &Aws, scan: &Scan) -> Result<Arc<Vec<Reply>>, CallError> {
    let read = || async {
        let ours = filters::of_stack(&scan.stack);
        let mut pages = cx.ec2.describe_security_groups().set_filters(Some(ours)).into_paginator().items().send();
        let mut groups = Vec::new();
        while let Some(group) = pages.next().await {
            groups.push(group.call("ec2:DescribeSecurityGroups")?);
        }
        Ok(groups)
    };
    cx.memo.get(scan.round, "ec2-security-groups", read).await
}

/// The node's name is put in by the caller, who knows it from the tag, the state or the door.
fn of(group: &Reply) -> Live<SecurityGroup> {
    let id = group.group_id().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(SecurityGroup::NAME, &id),
        outputs: BTreeMap::from([("id".to_owned(), id.clone())]),
        id,
        shape: SecurityGroup {
            vpc: Ref::value(group.vpc_id().unwrap_or_default().into()),
            name: group.group_name().unwrap_or_default().to_owned(),
            description: group.description().unwrap_or_default().to_owned(),
            egress: group.ip_permissions_egress().iter().flat_map(egress::read).collect(),
        },
        ready: Ready::Yes,
        tags: tags::read(group.tags()),
        owned: true,
        untold: Vec::new(),
    }
}
