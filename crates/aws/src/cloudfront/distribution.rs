//! Distribution: the one address in front of the bucket and, by path, of the load balancer.
//!
//! Known by its tags, which are listed in us-east-1; a fresh one by its comment. An update sends the complete configuration, so it starts from the live
//! one and what others have set stays. Source: CloudFront API Reference, `CreateDistributionWithTags`, `UpdateDistribution`; `aws-behaviours` 12.2.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_cloudfront::types::{Distribution as Reply, DistributionConfig, DistributionConfigWithTags, Tags as TagList};
use futures_util::future::try_join_all;
use landing_engine::{
    CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Tags, Traits,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::settings;
use crate::{Aws, FunctionArn, IntoCallError, OriginAccessControlId, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// 128 characters at most.
    pub comment: String,
    pub enabled: bool,
    /// What `/` answers with.
    pub root_object: String,
    /// `PriceClass_100`, `PriceClass_200` or `PriceClass_All`.
    pub price_class: String,
    /// `http2`, `http2and3`, …
    pub http_version: String,
    pub ipv6: bool,
    pub bucket: S3Origin,
    pub api: Option<ApiOrigin>,
    /// Path patterns of the API, tried in this order before the bucket.
    pub api_paths: Vec<String>,
    /// Run on every request to the bucket.
    pub function: Option<Ref<FunctionArn>>,
    /// Ids of managed policies.
    pub default_cache_policy: String,
    pub api_cache_policy: String,
    pub api_origin_request_policy: String,
    /// `redirect-to-https`, `https-only` or `allow-all`.
    pub viewer_protocol: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct S3Origin {
    pub domain: Ref<String>,
    pub access_control: Ref<OriginAccessControlId>,
}

/// Over plain HTTP: no certificate can be had for a load balancer's own name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApiOrigin {
    pub domain: Ref<String>,
    /// Seconds, 1 to 120.
    pub read_timeout: i32,
}

impl Distribution {
    pub const ID: Output<String> = Output::known("id");
    pub const ARN: Output<String> = Output::known("arn");
    pub const DOMAIN: Output<String> = Output::known("domain");
}

impl Kind for Distribution {
    type Cx = Aws;
    const NAME: &'static str = "cloudfront.distribution";
    const TRAITS: Traits = Traits {
        typical_ready: Duration::from_secs(210),
        typical_gone: Duration::from_secs(125),
        poll: Duration::from_secs(15),
        patience: Duration::from_secs(40 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let index = cx.global_tag_index(scan.round, &scan.stack).await?;
        let indexed = index.keys().filter_map(|arn| id_of(arn)).map(str::to_owned);
        let mut ids: BTreeSet<String> = indexed.chain(scan.known.values().cloned()).collect();
        // What the index does not have yet has to be looked for; it covers the steady state, so the list is left out there.
        let node = |id: &String| tags::trusted(&index, &arn_of(cx, id), &scan.stack).map(|(node, _)| node);
        let covered: BTreeSet<NodeName> = ids.iter().filter_map(node).chain(scan.known.keys().cloned()).collect();
        if scan.wanted.is_empty() || scan.wanted.iter().any(|(node, _)| !covered.contains(node)) {
            ids.extend(by_comment(cx, scan).await?);
        }
        let found = ids.iter().map(|id| async {
            let arn = arn_of(cx, id);
            let trusted = tags::trusted(&index, &arn, &scan.stack).map(|(_, tags)| tags);
            get(cx, id, trusted).await
        });
        let mine = |live: Live<Self>| ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live });
        Ok(try_join_all(found).await?.into_iter().flatten().filter_map(mine).collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, id, None).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "cloudfront:CreateDistribution";
        let send = || async {
            let born = DistributionConfigWithTags::builder()
                .distribution_config(settings::newborn(self, &door.token()))
                .tags(list(&door.tags()))
                .build();
            let request = cx.cloudfront.create_distribution_with_tags().distribution_config_with_tags(born);
            match request.send().await.call(operation) {
                Ok(reply) => {
                    let made = reply.distribution.map(|distribution| of(&distribution, door.tags()));
                    made.ok_or_else(|| CallError::new(Class::Ambiguous, operation, "AWS answered without a distribution"))
                }
                // An earlier run's call with the same reference took effect; the message ends in the id.
                Err(error) if error.class == Class::AlreadyExists => {
                    let Some(id) = id_in(&error.message) else { return Err(CallError { class: Class::Invalid, ..error }) };
                    ownership::adopt(door, error.clone(), &format!("the distribution {id}"), get(cx, id, None).await?)
                }
                Err(error) => Err(error),
            }
        };
        let live = door.call(operation, send).await?;
        Ok(Live { node: door.node().clone(), ..live })
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        let mut updated = live.with(self);
        if changed.0.iter().any(|field| field != "tags") {
            let change = |config: &mut DistributionConfig| settings::apply(self, config);
            if let Some(reply) = reconfigure(cx, door, &live.id, change).await? {
                updated.ready = of(&reply, Tags::new()).ready;
            }
        }
        if changed.tags() {
            let operation = "cloudfront:TagResource";
            door.call(operation, || async {
                let call = cx.cloudfront.tag_resource().resource(arn_of(cx, &live.id)).tags(list(&door.tags()));
                call.send().await.call(operation)
            })
            .await?;
        }
        Ok(updated)
    }

    /// Disable, wait until every edge knows, delete: each when its turn has come.
    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        if live.shape.enabled {
            let disabled = reconfigure(cx, door, &live.id, |config| config.enabled = false).await;
            return ownership::going(disabled, "disabling");
        }
        if live.ready != Ready::Yes {
            return Ok(Gone::NotYet("disabling".to_owned()));
        }
        let operation = "cloudfront:DeleteDistribution";
        let call = || async {
            let (_, etag) = configuration(cx, &live.id).await?;
            cx.cloudfront.delete_distribution().id(&live.id).set_if_match(etag).send().await.call(operation)
        };
        ownership::going(door.call(operation, call).await, "deleting")
    }

    /// Without a path to the API no behaviour is there to hold its policies.
    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        let nowhere = matches!(field, "api_cache_policy" | "api_origin_request_policy") && live == "";
        desired == live || nowhere
    }
}

/// Changes the live configuration and sends all of it back; configuration and ETag are read anew for every attempt, because a stale one is refused.
async fn reconfigure(
    cx: &Aws,
    door: &Door<'_>,
    id: &str,
    change: impl Fn(&mut DistributionConfig),
) -> Result<Option<Reply>, CallError> {
    let operation = "cloudfront:UpdateDistribution";
    let change = &change;
    let reply = door
        .call(operation, || async move {
            let (mut config, etag) = configuration(cx, id).await?;
            change(&mut config);
            let call = cx.cloudfront.update_distribution().id(id).set_if_match(etag).distribution_config(config);
            call.send().await.call(operation)
        })
        .await?;
    Ok(reply.distribution)
}

async fn configuration(cx: &Aws, id: &str) -> Result<(DistributionConfig, Option<String>), CallError> {
    let operation = "cloudfront:GetDistributionConfig";
    let reply = cx.cloudfront.get_distribution_config().id(id).send().await.call(operation)?;
    let empty = || CallError::new(Class::Ambiguous, operation, "AWS answered without a configuration");
    Ok((reply.distribution_config.ok_or_else(empty)?, reply.e_tag))
}

/// Ids of distributions whose comment is that of a wanted node or bears the stack's mark.
async fn by_comment(cx: &Aws, scan: &Scan) -> Result<Vec<String>, CallError> {
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
async fn get(cx: &Aws, id: &str, tags: Option<Tags>) -> Result<Option<Live<Distribution>>, CallError> {
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
    Ok(Some(of(&distribution, tags)))
}

fn list(tags: &Tags) -> TagList {
    TagList::builder().set_items(Some(tags::list(tags))).build()
}

fn arn_of(cx: &Aws, id: &str) -> String {
    format!("arn:{}:cloudfront::{}:distribution/{id}", cx.partition, cx.account)
}

fn id_of(arn: &str) -> Option<&str> {
    arn.split_once(":distribution/").filter(|(service, _)| service.contains(":cloudfront:")).map(|(_, id)| id)
}

/// The id at the end of "… Already exists: E2QWRUHAPOMQZL".
fn id_in(message: &str) -> Option<&str> {
    let last = message.split_whitespace().last()?.trim_end_matches('.');
    (last.len() >= 10 && last.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())).then_some(last)
}

/// The node's name is put in by the caller.
fn of(distribution: &Reply, tags: Tags) -> Live<Distribution> {
    let id = distribution.id().to_owned();
    Live {
        node: NodeName::new(Distribution::NAME, &id),
        outputs: BTreeMap::from([
            ("id".to_owned(), id.clone()),
            ("arn".to_owned(), distribution.arn().to_owned()),
            ("domain".to_owned(), distribution.domain_name().to_owned()),
        ]),
        id,
        shape: settings::shape(distribution.distribution_config()),
        ready: match distribution.status() {
            "Deployed" => Ready::Yes,
            status => Ready::NotYet(status.to_owned()),
        },
        tags,
        owned: true,
    }
}
