//! What the ECS kinds share: the readings of a scan, tags, and the parts of an ARN.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_ecs::types::{Cluster, ClusterField, Service, ServiceField};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Door, Scan};

use crate::{Aws, IntoCallError, ownership, tags};

/// Most names that one call takes. Source: ECS API Reference, `DescribeClusters`, `DescribeServices`.
const CLUSTERS_A_CALL: usize = 100;
const SERVICES_A_CALL: usize = 10;

/// Clusters whose name begins like the stack's, read once in a scan.
pub(crate) async fn clusters(cx: &Aws, scan: &Scan) -> Result<Arc<Vec<Cluster>>, CallError> {
    let read = || async {
        let prefix = scan.stack.prefix();
        let mut arns = cx.ecs.list_clusters().into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(arn) = arns.next().await {
            let arn = arn.call("ecs:ListClusters")?;
            names.extend(Some(last(&arn)).filter(|name| name.starts_with(&prefix)).map(str::to_owned));
        }
        describe_clusters(cx, &names).await
    };
    cx.memo.get(scan.round, "ecs-clusters", read).await
}

/// These clusters, without the ghosts that ECS keeps as `INACTIVE`; unknown names are left out.
pub(crate) async fn describe_clusters(cx: &Aws, names: &[String]) -> Result<Vec<Cluster>, CallError> {
    let calls = names.chunks(CLUSTERS_A_CALL).map(|names| async move {
        cx.ecs
            .describe_clusters()
            .set_clusters(Some(names.to_vec()))
            .include(ClusterField::Tags)
            .include(ClusterField::Settings)
            .send()
            .await
            .call("ecs:DescribeClusters")
    });
    let replies = try_join_all(calls).await?;
    Ok(replies
        .into_iter()
        .flat_map(|reply| reply.clusters.unwrap_or_default())
        .filter(|cluster| cluster.status() != Some("INACTIVE"))
        .collect())
}

/// Services that ECS lists in the clusters of the stack, read once in a scan. Draining ones are not listed: whoever wants them asks by name. A cluster that was
/// made a moment ago, or is going, may be described and yet be unknown to this list: it has no services.
pub(crate) async fn services(cx: &Aws, scan: &Scan) -> Result<Arc<Vec<Service>>, CallError> {
    let read = || async {
        let mut found = Vec::new();
        for cluster in clusters(cx, scan).await?.iter() {
            let cluster = cluster.cluster_name().unwrap_or_default();
            let mut arns = cx.ecs.list_services().cluster(cluster).max_results(100).into_paginator().items().send();
            let mut names = Vec::new();
            while let Some(arn) = arns.next().await {
                let Some(arn) = ownership::found(arn.call("ecs:ListServices"))? else { break };
                names.push(last(&arn).to_owned());
            }
            found.extend(describe_services(cx, cluster, &names).await?);
        }
        Ok(found)
    };
    cx.memo.get(scan.round, "ecs-services", read).await
}

/// Services that the state or a wanted node names and ECS does not list: draining, or just made.
pub(super) async fn unlisted(cx: &Aws, scan: &Scan, listed: &[Service]) -> Result<Vec<Service>, CallError> {
    let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ask = |cluster: &str, name: &str| {
        let known = listed.iter().any(|service| service.service_name() == Some(name));
        let asked = names.get(cluster).is_some_and(|names| names.iter().any(|other| other == name));
        if !known && !asked && !cluster.is_empty() {
            names.entry(cluster.to_owned()).or_default().push(name.to_owned());
        }
    };
    for arn in scan.known.values() {
        let (cluster, name) = cluster_and_name(arn);
        ask(cluster, name);
    }
    for cluster in clusters(cx, scan).await?.iter() {
        ownership::wanted(scan, "name").for_each(|name| ask(cluster.cluster_name().unwrap_or_default(), name));
    }
    let mut found = Vec::new();
    for (cluster, names) in &names {
        found.extend(describe_services(cx, cluster, names).await?);
    }
    Ok(found)
}

/// These services of one cluster, without those that are `INACTIVE`; unknown names, or an unknown cluster, give nothing.
pub(crate) async fn describe_services(cx: &Aws, cluster: &str, names: &[String]) -> Result<Vec<Service>, CallError> {
    let calls = names.chunks(SERVICES_A_CALL).map(|names| async move {
        let reply = cx
            .ecs
            .describe_services()
            .cluster(cluster)
            .set_services(Some(names.to_vec()))
            .include(ServiceField::Tags)
            .send()
            .await
            .call("ecs:DescribeServices");
        ownership::found(reply)
    });
    let replies = try_join_all(calls).await?;
    Ok(replies
        .into_iter()
        .flatten()
        .flat_map(|reply| reply.services.unwrap_or_default())
        .filter(|service| service.status() != Some("INACTIVE"))
        .collect())
}

/// One service by its ARN.
pub(crate) async fn service(cx: &Aws, arn: &str) -> Result<Option<Service>, CallError> {
    let (cluster, name) = cluster_and_name(arn);
    Ok(describe_services(cx, cluster, &[name.to_owned()]).await?.into_iter().next())
}

pub(crate) fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Of `arn:…:service/<cluster>/<name>`.
pub(crate) fn cluster_and_name(arn: &str) -> (&str, &str) {
    let mut parts = arn.rsplit('/');
    let name = parts.next().unwrap_or_default();
    (parts.next().unwrap_or_default(), name)
}

/// Puts the stack's tags back; tags of others stay.
pub(crate) async fn retag(cx: &Aws, door: &Door<'_>, arn: &str) -> Result<(), CallError> {
    let operation = "ecs:TagResource";
    door.call(operation, || async {
        cx.ecs.tag_resource().resource_arn(arn).set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)
    })
    .await
    .map(|_| ())
}
