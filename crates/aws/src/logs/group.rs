//! Log group: where the containers' output goes.
//!
//! Known by its tags, which its own list call does not return. Retention is a field of it.
//! Source: CloudWatch Logs API Reference, `DescribeLogGroups`, `PutRetentionPolicy`; `aws-behaviours` 8.

use std::collections::BTreeMap;

use aws_sdk_cloudwatchlogs::types::LogGroup as Reply;
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};

use crate::{Aws, IntoCallError, LogGroupArn, LogGroupName, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// One of the numbers of days that the service knows; `None` keeps everything for ever.
    pub retention_days: Option<i32>,
}

impl Group {
    pub const NAME: Output<LogGroupName> = Output::known("name");
    /// Without `:*` at the end: of the group itself, as tagging and policies about the group want it.
    pub const ARN: Output<LogGroupArn> = Output::known("arn");
}

impl Kind for Group {
    type Cx = Aws;
    const NAME: &'static str = "logs.group";
    const TRAITS: Traits = Traits { fixed: &["name"], ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        // A part of the name, not its beginning: names of log groups are paths.
        let request = cx.logs.describe_log_groups().log_group_name_pattern(scan.stack.prefix());
        let mut pages = request.into_paginator().items().send();
        let mut near = Vec::new();
        while let Some(group) = pages.next().await {
            let group = group.call("logs:DescribeLogGroups")?;
            if ownership::may_be_ours(scan, name_of(&group), name_of(&group)) {
                near.push(group);
            }
        }
        let index = &cx.tag_index(scan.round, &scan.stack).await?;
        let found = near.iter().map(|group| async move {
            let arn = arn_of(cx, group);
            let (node, tags) = match tags::trusted(index, &arn, &scan.stack) {
                Some((node, tags)) => (Some(node), tags),
                None => {
                    let Some(tags) = ownership::found(list(cx, &arn).await)? else { return Ok(None) };
                    (ownership::node_of::<Self>(scan, name_of(group), &tags), tags)
                }
            };
            Ok(node.map(|node| of(cx, node, group, tags)))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, node, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "logs:CreateLogGroup";
        let create = || cx.logs.create_log_group().log_group_name(&self.name).set_tags(Some(door.tags().into_iter().collect()));
        let send = || async {
            create().send().await.call(operation)?;
            Ok(of(cx, door.node().clone(), &Reply::builder().log_group_name(&self.name).build(), door.tags()))
        };
        let find = || get(cx, door.node(), &self.name);
        ownership::create(door, operation, &format!("the log group {}", self.name), send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("retention_days") {
            if let Some(days) = self.retention_days {
                let operation = "logs:PutRetentionPolicy";
                let put = || cx.logs.put_retention_policy().log_group_name(&live.id).retention_in_days(days);
                door.call(operation, || async { put().send().await.call(operation) }).await?;
            } else {
                let operation = "logs:DeleteRetentionPolicy";
                let delete = || cx.logs.delete_retention_policy().log_group_name(&live.id);
                door.call(operation, || async { delete().send().await.call(operation) }).await?;
            }
        }
        if changed.tags() {
            let operation = "logs:TagResource";
            let arn = cx.arn("logs", &format!("log-group:{}", live.id));
            let tag = || cx.logs.tag_resource().resource_arn(&arn).set_tags(Some(door.tags().into_iter().collect()));
            door.call(operation, || async { tag().send().await.call(operation) }).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "logs:DeleteLogGroup";
        let delete = || cx.logs.delete_log_group().log_group_name(&live.id);
        ownership::gone(door.call(operation, || async { delete().send().await.call(operation) }).await)
    }
}

/// Deletes a group that AWS made for something of ours, when it made one.
pub(crate) async fn delete_if_there(cx: &Aws, door: &Door<'_>, name: &str) -> Result<(), CallError> {
    let mut pages = cx.logs.describe_log_groups().log_group_name_prefix(name).into_paginator().items().send();
    while let Some(group) = pages.next().await {
        if name_of(&group.call("logs:DescribeLogGroups")?) == name {
            let operation = "logs:DeleteLogGroup";
            let delete = || cx.logs.delete_log_group().log_group_name(name);
            ownership::gone(door.call(operation, || async { delete().send().await.call(operation) }).await)?;
        }
    }
    Ok(())
}

async fn get(cx: &Aws, node: &NodeName, name: &str) -> Result<Option<Live<Group>>, CallError> {
    let mut pages = cx.logs.describe_log_groups().log_group_name_prefix(name).into_paginator().items().send();
    while let Some(group) = pages.next().await {
        let group = group.call("logs:DescribeLogGroups")?;
        // The prefix matches siblings, too.
        if name_of(&group) == name {
            let tags = ownership::found(list(cx, &arn_of(cx, &group)).await)?;
            return Ok(tags.map(|tags| of(cx, node.clone(), &group, tags)));
        }
    }
    Ok(None)
}

async fn list(cx: &Aws, arn: &str) -> Result<Tags, CallError> {
    let reply = cx.logs.list_tags_for_resource().resource_arn(arn).send().await.call("logs:ListTagsForResource")?;
    Ok(reply.tags().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect())
}

fn name_of(group: &Reply) -> &str {
    group.log_group_name().unwrap_or_default()
}

/// Made from the name: the reply to create has no ARN, and of the two in a description one ends in `:*` and the other is missing in emulators.
fn arn_of(cx: &Aws, group: &Reply) -> String {
    cx.arn("logs", &format!("log-group:{}", name_of(group)))
}

fn of(cx: &Aws, node: NodeName, group: &Reply, tags: Tags) -> Live<Group> {
    let name = name_of(group).to_owned();
    Live {
        id: name.clone(),
        node,
        outputs: BTreeMap::from([("arn".to_owned(), arn_of(cx, group)), ("name".to_owned(), name.clone())]),
        shape: Group { name, retention_days: group.retention_in_days() },
        ready: Ready::Yes,
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
