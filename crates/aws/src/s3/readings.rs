//! What the S3 kinds share: the buckets of the stack, read once in a scan, and their tags.

use std::sync::Arc;

use futures_util::future::try_join_all;
use landing_engine::{CallError, Kind, NodeName, Scan, Tags};

use super::bucket::Bucket;
use crate::{Aws, IntoCallError, ownership, tags};

/// A bucket whose name begins like the stack's.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) tags: Tags,
}

/// One list of all buckets with the stack's prefix; tags from the index, or one call for each bucket that it does not know yet.
pub(crate) async fn buckets(cx: &Aws, scan: &Scan) -> Result<Arc<Vec<Found>>, CallError> {
    let read = || async {
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let prefix = scan.stack.prefix();
        let mut pages = cx.s3.list_buckets().prefix(&prefix).into_paginator().items().send();
        let mut names = Vec::new();
        while let Some(bucket) = pages.next().await {
            let name = bucket.call("s3:ListAllMyBuckets")?.name.unwrap_or_default();
            // Emulators may not know the filter.
            names.extend(Some(name).filter(|name| name.starts_with(&prefix)));
        }
        let index = &index;
        let found = names.into_iter().map(|name| async move {
            let known = tags::trusted(index, &arn(cx, &name), &scan.stack);
            let tags = match known {
                Some((_, tags)) => Some(tags),
                None => own_tags(cx, &name).await?,
            };
            Ok::<_, CallError>(tags.map(|tags| Found { name, tags }))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    };
    cx.memo.get(scan.round, "s3-buckets", read).await
}

/// The buckets beside which something of kind `K` may stand, each with the node that it would be.
pub(super) async fn beside<K: Kind>(cx: &Aws, scan: &Scan) -> Result<Vec<(NodeName, String)>, CallError> {
    let buckets = buckets(cx, scan).await?;
    let node_of = |found: &Found| ownership::node_beside::<K, Bucket>(scan, &found.name, &found.tags);
    let listed = buckets.iter().filter_map(|found| Some((node_of(found)?, found.name.clone())));
    // A bucket whose name does not begin like the stack's is not listed: the state knows it.
    let unlisted = scan.known.iter().filter(|(_, id)| buckets.iter().all(|found| found.name != **id));
    Ok(listed.chain(unlisted.map(|(node, id)| (node.clone(), id.clone()))).collect())
}

/// The tags of a bucket; `None` when there is no such bucket.
pub(crate) async fn own_tags(cx: &Aws, bucket: &str) -> Result<Option<Tags>, CallError> {
    match cx.s3.get_bucket_tagging().bucket(bucket).send().await.call("s3:GetBucketTagging") {
        Ok(reply) => Ok(Some(tags::read(reply.tag_set()))),
        Err(error) if error.has_code(&["NoSuchTagSet"]) => Ok(Some(Tags::new())),
        Err(error) => ownership::found(Err(error)),
    }
}

/// Bucket ARNs carry neither region nor account.
pub(crate) fn arn(cx: &Aws, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", cx.partition)
}
