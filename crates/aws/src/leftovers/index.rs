//! What the Tagging API lists with the stack's tags and no scan found: under a name that we do not give, without the tag that names the node, or of a kind
//! that landing does not make. What is deleted stays listed for minutes to hours, so each hit is confirmed by the owning service. Source: `aws-behaviours` 13.

use std::collections::BTreeMap;

use aws_sdk_ecs::types::TaskDefinitionStatus;
use futures_util::future::join_all;
use landing_engine::{CallError, Kind, NodeName, Ready, Tags};

use super::arn::{Named, named};
use super::{Finds, Leftover, Reason, Sought, steps};
use crate::{Aws, IntoCallError, ec2, ecs, ownership, servicediscovery};

pub(super) async fn look(sought: &Sought<'_>, round: u64, finds: &mut Finds) {
    let aws = sought.aws;
    let (home, global) = tokio::join!(aws.tag_index(round, sought.stack), aws.global_tag_index(round, sought.stack));
    let mut listed: BTreeMap<String, Tags> = BTreeMap::new();
    for (region, index) in [(aws.region.as_str(), home), ("us-east-1", global)] {
        let index = finds.answer(&format!("the Tagging API in {region}"), index);
        listed.extend(index.iter().map(|(arn, tags)| (arn.clone(), tags.clone())));
    }
    let is_known = |arn: &str| match named(arn) {
        Named::Ours { kind, id } => finds.knows(kind, id),
        // It was found by its family.
        Named::Revision(arn) => finds.knows(<ecs::TaskDefinition as Kind>::NAME, family(arn)),
        _ => false,
    };
    let unknown: Vec<(&String, &Tags)> = listed.iter().filter(|(arn, _)| !is_known(arn)).collect();
    let confirmed = unknown.iter().map(|(arn, tags)| async move { (*arn, confirm(sought, arn, tags).await) });
    for (arn, answer) in join_all(confirmed).await {
        if let Some(left) = finds.answer(arn, answer) {
            finds.add(left);
        }
    }
}

/// `None` when the owning service says that it is gone.
async fn confirm(sought: &Sought<'_>, arn: &str, tags: &Tags) -> Result<Option<Leftover>, CallError> {
    let aws = sought.aws;
    let node = sought.stack.node_of(tags);
    let why = match &node {
        Some(node) => format!("it carries this stack's tags and calls itself {node}, which is not how landing makes it"),
        None => "it carries this stack's tags, but none that names its node".to_owned(),
    };
    let found = |kind: &str, id: &str| {
        let reason = Reason::Stands { why: why.clone() };
        let left = Leftover::new(kind, id, reason, steps::command(aws, kind, id));
        Some(Leftover { node: node.clone(), until: sought.listed_until(kind, id), ..left })
    };
    Ok(match named(arn) {
        Named::Ours { kind, id } => {
            let node = node.clone().unwrap_or_else(|| NodeName::new(kind, id));
            let Some(kind) = sought.registry.get(kind) else { return Ok(None) };
            let live = kind.read(sought.stack, &node, id).await?;
            // A NAT gateway that failed holds nothing, and EC2 clears it away within the hour.
            let ghost = |ready: &Ready| kind.name() == ec2::NatGateway::NAME && matches!(ready, Ready::Failed(_));
            live.filter(|live| !ghost(&live.ready)).and_then(|_| found(kind.name(), id))
        }
        Named::Revision(arn) => {
            let active = revision_is_active(aws, arn).await?;
            active.then(|| found(<ecs::TaskDefinition as Kind>::NAME, arn)).flatten()
        }
        Named::Namespace(id) => {
            let reply = aws.servicediscovery.get_namespace().id(id).send().await.call("servicediscovery:GetNamespace");
            let namespace = ownership::found(reply)?.and_then(|reply| reply.namespace);
            namespace.and_then(|it| found(servicediscovery::Namespace::NAME, it.name().unwrap_or(id)))
        }
        Named::Interface(id) => {
            let interfaces = ec2::interfaces::list(aws, "network-interface-id", id).await?;
            interfaces.first().and_then(|_| found("ec2.network-interface", id))
        }
        Named::Task(arn) => {
            let (cluster, _) = ecs::cluster_and_name(arn);
            let reply = aws.ecs.describe_tasks().cluster(cluster).tasks(arn).send().await.call("ecs:DescribeTasks");
            let tasks = ownership::found(reply)?.and_then(|reply| reply.tasks).unwrap_or_default();
            tasks.iter().find(|task| task.last_status() != Some("STOPPED")).and_then(|_| found("ecs.task", arn))
        }
        Named::Snapshot(id) => {
            let reply = aws.rds.describe_db_snapshots().db_snapshot_identifier(id).send().await;
            let snapshot = ownership::found(reply.call("rds:DescribeDBSnapshots"))?;
            let kept = Reason::Kept { why: "a database snapshot: kept until somebody deletes it".to_owned() };
            let remove = steps::command(aws, "rds.snapshot", id);
            snapshot.filter(|it| !it.db_snapshots().is_empty()).map(|_| Leftover::new("rds.snapshot", id, kept, remove))
        }
        Named::Other(kind) => {
            let why = "it carries this stack's tags; landing makes nothing of this kind and cannot ask whether it is still there";
            let remove = "delete it with the tools of its service; the Tagging API may list it for an hour after that".to_owned();
            Some(Leftover::new(kind, arn, Reason::Stands { why: why.to_owned() }, remove))
        }
    })
}

/// Of `…:task-definition/<family>:<revision>`.
fn family(arn: &str) -> &str {
    let name = ecs::last(arn);
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

/// Inactive revisions stay listed for ever and cost nothing.
async fn revision_is_active(aws: &Aws, arn: &str) -> Result<bool, CallError> {
    let reply = aws.ecs.describe_task_definition().task_definition(arn).send().await.call("ecs:DescribeTaskDefinition");
    let definition = ownership::found(reply)?.and_then(|reply| reply.task_definition);
    Ok(definition.is_some_and(|it| it.status() == Some(&TaskDefinitionStatus::Active)))
}
