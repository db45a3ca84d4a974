//! Distribution: the one address in front of the bucket and, by path, of the load balancer.
//!
//! Known by its tags, which are listed in us-east-1; a fresh one by its comment. An update sends the complete configuration, so it starts from the live
//! one and what others have set stays. Source: CloudFront API Reference, `CreateDistributionWithTags`, `UpdateDistribution`; `aws-behaviours` 12.2.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_cloudfront::types::{Distribution as Reply, DistributionConfig, DistributionConfigWithTags};
use futures_util::future::try_join_all;
use landing_engine::{
    CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ready, Ref, Scan, Stack, Tags, Traits,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{reading, settings};
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
        let indexed = index.keys().filter_map(|arn| reading::id_of(arn)).map(str::to_owned);
        let mut ids: BTreeSet<String> = indexed.chain(scan.known.values().cloned()).collect();
        // What the index does not have yet has to be looked for; it covers the steady state, so the list is left out there.
        let node = |id: &String| tags::trusted(&index, &reading::arn_of(cx, id), &scan.stack).map(|(node, _)| node);
        let covered: BTreeSet<NodeName> = ids.iter().filter_map(node).chain(scan.known.keys().cloned()).collect();
        if scan.wanted.is_empty() || scan.wanted.iter().any(|(node, _)| !covered.contains(node)) {
            ids.extend(reading::by_comment(cx, scan).await?);
        }
        let found = ids.iter().map(|id| async {
            let arn = reading::arn_of(cx, id);
            let trusted = tags::trusted(&index, &arn, &scan.stack).map(|(_, tags)| tags);
            reading::get(cx, id, trusted).await
        });
        let mine = |live: Live<Self>| ownership::node_of::<Self>(scan, &live.id, &live.tags).map(|node| Live { node, ..live });
        Ok(try_join_all(found).await?.into_iter().flatten().filter_map(mine).collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, reading::get(cx, id, None).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "cloudfront:CreateDistribution";
        let send = || async {
            let born = DistributionConfigWithTags::builder()
                .distribution_config(settings::newborn(self, &door.token()))
                .tags(reading::list(&door.tags()))
                .build();
            let request = cx.cloudfront.create_distribution_with_tags().distribution_config_with_tags(born);
            match request.send().await.call(operation) {
                Ok(reply) => {
                    let made = reply.distribution.map(|distribution| reading::of(cx, &distribution, door.tags()));
                    made.ok_or_else(|| CallError::new(Class::Ambiguous, operation, "AWS answered without a distribution"))
                }
                // An earlier run's call with the same reference took effect; the message ends in the id.
                Err(error) if error.class == Class::AlreadyExists => {
                    let Some(id) = reading::id_in(&error.message) else {
                        return Err(CallError { class: Class::Invalid, ..error });
                    };
                    ownership::adopt(door, error.clone(), &format!("the distribution {id}"), reading::get(cx, id, None).await?)
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
                updated.ready = reading::of(cx, &reply, Tags::new()).ready;
            }
        }
        if changed.tags() {
            let operation = "cloudfront:TagResource";
            door.call(operation, || async {
                let call = cx.cloudfront.tag_resource().resource(reading::arn_of(cx, &live.id)).tags(reading::list(&door.tags()));
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
            let (_, etag) = reading::configuration(cx, &live.id).await?;
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
            let (mut config, etag) = reading::configuration(cx, id).await?;
            change(&mut config);
            let call = cx.cloudfront.update_distribution().id(id).set_if_match(etag).distribution_config(config);
            call.send().await.call(operation)
        })
        .await?;
    Ok(reply.distribution)
}
