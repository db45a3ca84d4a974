//! Distributions as CloudFront reports them, and how they are found.

use std::collections::BTreeMap;

use aws_sdk_cloudfront::types::{Distribution as Reply, DistributionConfig, Tags as TagList};
use landing_engine::{CallError, Class, Kind, Live, NodeName, Ready, Scan, Tags};

use super::{Distribution, settings};
use crate::{Aws, IntoCallError, ownership, tags};

pub(super) async fn configuration(cx: &Aws, id: &str) -> Result<(DistributionConfig, Option<String>), CallError> {
    let operation = "cloudfront:GetDistributionConfig";
    let reply = cx.cloudfront.get_distribution_config().id(id).send().await.call(operation)?;
    let empty = || CallError::new(Class::Ambiguous, operation, "AWS answered without a configuration");
    Ok((reply.distribution_config.ok_or_else(empty)?, reply.e_tag))
}

/// Ids of distributions whose comment is that of a wanted node or bears the stack's mark.
pub(super) async fn by_comment(cx: &Aws, scan: &Scan) -> Result<Vec<String>, CallError> {
    let mut pages = cx.cloudfront.list_distributions().into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let list = page.call("cloudfront:ListDistributions")?.distribution_list;
        for summary in list.and_then(|list| list.items).unwrap_or_default() {
            let wanted = ownership::wanted(scan, "comment").any(|comment| comment == summary.comment());
            if wanted || super::node_of(scan, summary.id(), "", summary.comment()).is_some() {
                found.push(summary.id().to_owned());
            }
        }
    }
    Ok(found)
}

/// One distribution; its tags are asked for unless they are known. `None` for the ghosts that the index still lists.
pub(super) async fn get(cx: &Aws, id: &str, tags: Option<Tags>) -> Result<Option<Live<Distribution>>, CallError> {
    let reply = ownership::found(cx.cloudfront.get_distribution().id(id).send().await.call("cloudfront:GetDistribution"))?;
    let Some(distribution) = reply.and_then(|reply| reply.distribution) else { return Ok(None) };
    let tags = match tags {
        Some(tags) => tags,
        None => {
            let reply = cx.cloudfront.list_tags_for_resource().resource(distribution.arn()).send().await;
            let list = ownership::found(reply.call("cloudfront:ListTagsForResource"))?.and_then(|reply| reply.tags);
            list.map_or_else(Tags::new, |list| tags::read(list.items()))
        }
    };
    Ok(Some(of(cx, &distribution, tags)))
}

pub(super) fn list(tags: &Tags) -> TagList {
    TagList::builder().set_items(Some(tags::list(tags))).build()
}

pub(super) fn arn_of(cx: &Aws, id: &str) -> String {
    format!("arn:{}:cloudfront::{}:distribution/{id}", cx.partition, cx.account)
}

pub(super) fn id_of(arn: &str) -> Option<&str> {
    arn.split_once(":distribution/").filter(|(service, _)| service.contains(":cloudfront:")).map(|(_, id)| id)
}

/// The id at the end of "… Already exists: E2QWRUHAPOMQZL".
pub(super) fn id_in(message: &str) -> Option<&str> {
    let last = message.split_whitespace().last()?.trim_end_matches('.');
    (last.len() >= 10 && last.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())).then_some(last)
}

/// The node's name is put in by the caller.
pub(super) fn of(cx: &Aws, distribution: &Reply, tags: Tags) -> Live<Distribution> {
    let id = distribution.id().to_owned();
    let shape = settings::shape(distribution.distribution_config());
    let bare = shape.bucket.access_control.get().as_str().is_empty();
    Live {
        node: NodeName::new(Distribution::NAME, &id),
        outputs: BTreeMap::from([
            ("id".to_owned(), id.clone()),
            ("arn".to_owned(), distribution.arn().to_owned()),
            ("domain".to_owned(), distribution.domain_name().to_owned()),
        ]),
        id,
        untold: cx.far_end.leaves_out([("bucket", bare), ("function", shape.function.is_none())]),
        shape,
        ready: match distribution.status() {
            "Deployed" => Ready::Yes,
            status => Ready::NotYet(status.to_owned()),
        },
        tags,
        owned: true,
    }
}
