//! Bucket policy: who may use a bucket, besides its owner.
//!
//! A node of its own, and not a field of the bucket, because it names the distribution that names the bucket. It has no tags: its node bears the name of
//! the bucket's node. Source: S3 API Reference, `PutBucketPolicy`; `aws-behaviours` 11.2.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Ready, Ref, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::readings;
use crate::{Aws, BucketName, IntoCallError, document, ownership};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BucketPolicy {
    pub bucket: Ref<BucketName>,
    pub policy: Value,
}

impl Kind for BucketPolicy {
    type Cx = Aws;
    const NAME: &'static str = "s3.bucket-policy";
    const TRAITS: Traits = Traits { fixed: &["bucket"], tagged: false, ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let beside = readings::beside::<Self>(cx, scan).await?;
        let reads = beside.iter().map(|(node, bucket)| live(cx, node.clone(), bucket));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        live(cx, node.clone(), id).await
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        self.put(cx, door).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, _: &Live<Self>, _: &Changed) -> Result<Live<Self>, CallError> {
        self.put(cx, door).await
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "s3:DeleteBucketPolicy";
        let call = || async { cx.s3.delete_bucket_policy().bucket(&live.id).send().await.call(operation) };
        ownership::gone(door.call(operation, call).await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            "policy" => document::same(desired, live),
            _ => desired == live,
        }
    }
}

impl BucketPolicy {
    async fn put(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "s3:PutBucketPolicy";
        let bucket = self.bucket.get();
        door.call(operation, || async {
            let call = cx.s3.put_bucket_policy().bucket(bucket.as_str());
            call.policy(self.policy.to_string()).send().await.call(operation)
        })
        .await?;
        Ok(of(door.node().clone(), bucket.as_str(), self.policy.clone()))
    }
}

async fn live(cx: &Aws, node: NodeName, bucket: &str) -> Result<Option<Live<BucketPolicy>>, CallError> {
    let operation = "s3:GetBucketPolicy";
    let reply = ownership::found(cx.s3.get_bucket_policy().bucket(bucket).send().await.call(operation))?;
    let Some(text) = reply.and_then(|reply| reply.policy) else { return Ok(None) };
    Ok(Some(of(node, bucket, document::parse(operation, &text)?)))
}

fn of(node: NodeName, bucket: &str, policy: Value) -> Live<BucketPolicy> {
    Live {
        id: bucket.to_owned(),
        node,
        shape: BucketPolicy { bucket: Ref::value(bucket.into()), policy },
        outputs: BTreeMap::new(),
        ready: Ready::Yes,
        tags: Tags::new(),
        owned: true,
        untold: Vec::new(),
    }
}
