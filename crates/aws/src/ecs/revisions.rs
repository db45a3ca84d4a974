//! The revisions of a task definition's family.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ecs::types::{TaskDefinition as Reply, TaskDefinitionField, TaskDefinitionStatus};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Kind, Live, NodeName, Ready, Scan, Tags};

use super::{TaskDefinition, container, readings};
use crate::{Aws, IntoCallError, ownership, tags};

/// The families that are named like the stack's, the latest revision of each; read once in a scan.
pub(super) async fn named_like(cx: &Aws, scan: &Scan) -> Result<Arc<Vec<Live<TaskDefinition>>>, CallError> {
    let read = || async {
        let prefix = format!("{}-", scan.stack.prefix());
        // Of every status, which is the default (API reference, ListTaskDefinitionFamilies): a removal that was broken off leaves a family without an active
        // revision.
        let mut listed = cx.ecs.list_task_definition_families().family_prefix(&prefix).into_paginator().items().send();
        let mut families = Vec::new();
        while let Some(family) = listed.next().await {
            families.push(family.call("ecs:ListTaskDefinitionFamilies")?);
        }
        // ECS has no call that describes several families, so it is one each, all at once.
        let found = try_join_all(families.iter().map(|family| latest_or_left(cx, family))).await?;
        Ok(found.into_iter().flatten().collect())
    };
    cx.memo.get(scan.round, "ecs-families", read).await
}

/// The latest active revision of a family, or what a removal has left of it.
pub(super) async fn latest_or_left(cx: &Aws, family: &str) -> Result<Option<Live<TaskDefinition>>, CallError> {
    match latest(cx, family).await? {
        Some(live) => Ok(Some(live)),
        None => half_removed(cx, family).await,
    }
}

/// The latest active revision of a family.
pub(super) async fn latest(cx: &Aws, family: &str) -> Result<Option<Live<TaskDefinition>>, CallError> {
    let call = cx.ecs.describe_task_definition().task_definition(family).include(TaskDefinitionField::Tags);
    let Some(reply) = ownership::found(call.send().await.call("ecs:DescribeTaskDefinition"))? else { return Ok(None) };
    let active = |definition: &&Reply| definition.status().is_none_or(|status| *status == TaskDefinitionStatus::Active);
    Ok(reply.task_definition().filter(active).map(|definition| of(definition, tags::read(reply.tags()))))
}

/// One revision by its ARN, whatever has become of it.
pub(super) async fn one(cx: &Aws, arn: &str) -> Result<Option<Live<TaskDefinition>>, CallError> {
    let call = cx.ecs.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
    let Some(reply) = ownership::found(call.send().await.call("ecs:DescribeTaskDefinition"))? else { return Ok(None) };
    Ok(reply.task_definition().map(|definition| of(definition, tags::read(reply.tags()))))
}

/// What is left of a family whose revisions are all deregistered and not deleted, as a removal leaves it that was broken off between the two. Nothing can be
/// run from it, and ECS would list it for ever.
async fn half_removed(cx: &Aws, family: &str) -> Result<Option<Live<TaskDefinition>>, CallError> {
    let Some(arn) = list(cx, family, TaskDefinitionStatus::Inactive).await?.pop() else { return Ok(None) };
    Ok(one(cx, &arn).await?.map(|live| Live { ready: Ready::Failed("INACTIVE".to_owned()), ..live }))
}

/// Revisions of exactly this family; `ListTaskDefinitions` may take its name for a prefix.
pub(super) async fn list(cx: &Aws, family: &str, status: TaskDefinitionStatus) -> Result<Vec<String>, CallError> {
    let mut arns = cx.ecs.list_task_definitions().family_prefix(family).status(status).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(arn) = arns.next().await {
        let arn = arn.call("ecs:ListTaskDefinitions")?;
        found.extend(Some(arn).filter(|arn| readings::last(arn).split(':').next() == Some(family)));
    }
    Ok(found)
}

/// The node's name is put in by the caller.
pub(super) fn of(definition: &Reply, tags: Tags) -> Live<TaskDefinition> {
    let family = definition.family().unwrap_or_default().to_owned();
    let arn = definition.task_definition_arn().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(TaskDefinition::NAME, &family),
        id: family,
        shape: container::shape(definition),
        outputs: BTreeMap::from([("arn".to_owned(), arn)]),
        ready: Ready::Yes,
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
