//! DB subnet group: where a database may stand.
//!
//! Known by its tags, which its own list call does not return. RDS stores the name in lower case. It cannot go while a database uses it, not even
//! one that is being deleted. Source: RDS API Reference, `CreateDBSubnetGroup`; `aws-behaviours` 7.1.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_rds::types::DbSubnetGroup as Reply;
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reading;
use crate::{Aws, IntoCallError, SubnetGroupName, SubnetId, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetGroup {
    pub name: String,
    pub description: String,
    /// In at least two availability zones; a set.
    pub subnets: Vec<Ref<SubnetId>>,
}

impl SubnetGroup {
    pub const NAME: Output<SubnetGroupName> = Output::held("name");
}

impl Kind for SubnetGroup {
    type Cx = Aws;
    const NAME: &'static str = "rds.subnet-group";
    const TRAITS: Traits = Traits {
        fixed: &["name"],
        typical_ready: Duration::from_secs(2),
        poll: Duration::from_secs(5),
        // As long as a database takes to go.
        patience: Duration::from_secs(60 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let mut pages = cx.rds.describe_db_subnet_groups().max_records(100).into_paginator().items().send();
        let mut near = Vec::new();
        while let Some(group) = pages.next().await {
            let group = group.call("rds:DescribeDBSubnetGroups")?;
            let name = group.db_subnet_group_name().unwrap_or_default();
            if ownership::may_be_ours(scan, name, name) {
                near.push(group);
            }
        }
        let index = &cx.tag_index(scan.round, &scan.stack).await?;
        let found = near.iter().map(|group| async move {
            let (node, tags) = match tags::trusted(index, arn_of(group), &scan.stack) {
                Some((node, tags)) => (Some(node), tags),
                None => {
                    let Some(tags) = ownership::found(tags_of(cx, arn_of(group)).await)? else { return Ok(None) };
                    let name = group.db_subnet_group_name().unwrap_or_default();
                    (ownership::node_of::<Self>(scan, name, &tags), tags)
                }
            };
            Ok(node.map(|node| of(node, group, tags)))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, node, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "rds:CreateDBSubnetGroup";
        let send = || async {
            let request = cx.rds.create_db_subnet_group().db_subnet_group_name(&self.name);
            let request = request.db_subnet_group_description(&self.description).set_subnet_ids(Some(self.ids()));
            let reply = request.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)?;
            Ok(of(door.node().clone(), &reply.db_subnet_group.unwrap_or_else(|| Reply::builder().build()), door.tags()))
        };
        let find = || get(cx, door.node(), &self.name);
        ownership::create(door, operation, &format!("the DB subnet group {}", self.name), send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.any(&["description", "subnets"]) {
            let operation = "rds:ModifyDBSubnetGroup";
            door.call(operation, || async {
                cx.rds
                    .modify_db_subnet_group()
                    .db_subnet_group_name(&live.id)
                    .db_subnet_group_description(&self.description)
                    .set_subnet_ids(Some(self.ids()))
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.tags() {
            super::retag(cx, door, &cx.arn("rds", &format!("subgrp:{}", live.id))).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if let Some(holder) = reading::in_group(cx, &live.id).await? {
            return Ok(Gone::NotYet(holder));
        }
        let operation = "rds:DeleteDBSubnetGroup";
        let delete = || cx.rds.delete_db_subnet_group().db_subnet_group_name(&live.id);
        ownership::gone(door.call(operation, || async { delete().send().await.call(operation) }).await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match (field, desired, live) {
            ("subnets", ..) => document::same_set(desired, live),
            ("name", Value::String(desired), Value::String(live)) => desired.eq_ignore_ascii_case(live),
            _ => desired == live,
        }
    }
}

impl SubnetGroup {
    fn ids(&self) -> Vec<String> {
        self.subnets.iter().map(|subnet| subnet.get().to_string()).collect()
    }
}

async fn get(cx: &Aws, node: &NodeName, name: &str) -> Result<Option<Live<SubnetGroup>>, CallError> {
    let request = cx.rds.describe_db_subnet_groups().db_subnet_group_name(name);
    let Some(reply) = ownership::found(request.send().await.call("rds:DescribeDBSubnetGroups"))? else { return Ok(None) };
    let Some(group) = reply.db_subnet_groups().first() else { return Ok(None) };
    let tags = ownership::found(tags_of(cx, arn_of(group)).await)?;
    Ok(tags.map(|tags| of(node.clone(), group, tags)))
}

async fn tags_of(cx: &Aws, arn: &str) -> Result<Tags, CallError> {
    let reply = cx.rds.list_tags_for_resource().resource_name(arn).send().await.call("rds:ListTagsForResource")?;
    Ok(tags::read(reply.tag_list()))
}

fn arn_of(group: &Reply) -> &str {
    group.db_subnet_group_arn().unwrap_or_default()
}

fn of(node: NodeName, group: &Reply, tags: Tags) -> Live<SubnetGroup> {
    let name = group.db_subnet_group_name().unwrap_or_default().to_owned();
    let mut subnets: Vec<&str> = group.subnets().iter().filter_map(|subnet| subnet.subnet_identifier()).collect();
    subnets.sort_unstable();
    Live {
        id: name.clone(),
        node,
        outputs: BTreeMap::from([("name".to_owned(), name.clone())]),
        shape: SubnetGroup {
            name,
            description: group.db_subnet_group_description().unwrap_or_default().to_owned(),
            subnets: subnets.into_iter().map(|id| Ref::value(id.into())).collect(),
        },
        ready: match group.subnet_group_status() {
            Some(status) if !status.eq_ignore_ascii_case("complete") => Ready::NotYet(status.to_owned()),
            _ => Ready::Yes,
        },
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
