//! The settings of a bucket: sub-resources with a call each to set and to read.
//!
//! Source: S3 API Reference, `PutPublicAccessBlock`, `PutBucketEncryption`, `PutBucketVersioning`, `PutBucketOwnershipControls`, `PutBucketTagging`;
//! `aws-behaviours` 11.2.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_bucket_versioning::{GetBucketVersioningError, GetBucketVersioningOutput};
use aws_sdk_s3::types::{BucketVersioningStatus, ObjectOwnership, ServerSideEncryption, ServerSideEncryptionRule, Tagging};
use landing_engine::{CallError, Door, Live, NodeName, Tags};

use super::Bucket;
use super::bucket::of;
use super::configuration;
use super::readings;
use crate::{Aws, IntoCallError, ownership, tags};

impl Bucket {
    pub(super) async fn put_public_access(&self, cx: &Aws, door: &Door<'_>) -> Result<(), CallError> {
        let operation = "s3:PutBucketPublicAccessBlock";
        let all = configuration::public_access(self.block_public);
        door.call(operation, || async {
            let call = cx.s3.put_public_access_block().bucket(&self.name);
            call.public_access_block_configuration(all.clone()).send().await.call(operation)
        })
        .await
        .map(|_| ())
    }

    pub(super) async fn put_encryption(&self, cx: &Aws, door: &Door<'_>) -> Result<(), CallError> {
        let operation = "s3:PutEncryptionConfiguration";
        let rules = configuration::encrypted_by(ServerSideEncryption::from(self.encryption.as_str()));
        door.call(operation, || async {
            let call = cx.s3.put_bucket_encryption().bucket(&self.name);
            call.server_side_encryption_configuration(rules.clone()).send().await.call(operation)
        })
        .await
        .map(|_| ())
    }

    pub(super) async fn put_versioning(&self, cx: &Aws, door: &Door<'_>) -> Result<(), CallError> {
        let operation = "s3:PutBucketVersioning";
        let versioning = configuration::versions(self.versioning);
        door.call(operation, || async {
            let call = cx.s3.put_bucket_versioning().bucket(&self.name);
            call.versioning_configuration(versioning.clone()).send().await.call(operation)
        })
        .await
        .map(|_| ())
    }

    pub(super) async fn put_ownership(&self, cx: &Aws, door: &Door<'_>) -> Result<(), CallError> {
        let operation = "s3:PutBucketOwnershipControls";
        let controls = configuration::owned_by(ObjectOwnership::from(self.object_ownership.as_str()));
        door.call(operation, || async {
            let call = cx.s3.put_bucket_ownership_controls().bucket(&self.name);
            call.ownership_controls(controls.clone()).send().await.call(operation)
        })
        .await
        .map(|_| ())
    }
}

/// Replaces the whole set, so the tags of others are read first and sent along.
pub(super) async fn put_tags(cx: &Aws, door: &Door<'_>, bucket: &str) -> Result<(), CallError> {
    let operation = "s3:PutBucketTagging";
    door.call(operation, || async {
        let mut tags = readings::own_tags(cx, bucket).await?.unwrap_or_default();
        // AWS's own cannot be sent.
        tags.retain(|key, _| !key.starts_with("aws:"));
        tags.extend(door.tags());
        let tagging = Tagging::builder().set_tag_set(Some(tags::list(&tags))).build().expect("the tags are set");
        cx.s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await.call(operation)
    })
    .await
    .map(|_| ())
}

/// The bucket with its settings, four calls at once; `None` when it went away meanwhile.
pub(super) async fn live(cx: &Aws, node: NodeName, name: String, tags: Tags) -> Result<Option<Live<Bucket>>, CallError> {
    let (block, encryption, versioning, ownership) = tokio::join!(
        cx.s3.get_public_access_block().bucket(&name).send(),
        cx.s3.get_bucket_encryption().bucket(&name).send(),
        cx.s3.get_bucket_versioning().bucket(&name).send(),
        cx.s3.get_bucket_ownership_controls().bucket(&name).send(),
    );
    let block =
        ownership::found(block.call("s3:GetBucketPublicAccessBlock"))?.and_then(|reply| reply.public_access_block_configuration);
    let encryption = ownership::found(encryption.call("s3:GetEncryptionConfiguration"))?;
    let ownership = ownership::found(ownership.call("s3:GetBucketOwnershipControls"))?.and_then(|reply| reply.ownership_controls);
    // The only one of the four that is never "not configured": not found means that the bucket is gone.
    let Some(versioning) = versioned(versioning)? else { return Ok(None) };
    let rules = encryption.as_ref().and_then(|reply| reply.server_side_encryption_configuration()).map(|rules| rules.rules());
    let rule = rules.and_then(|rules| rules.first()).and_then(ServerSideEncryptionRule::apply_server_side_encryption_by_default);
    let ownership = ownership.as_ref().and_then(|controls| controls.rules().first());
    let shape = Bucket {
        name,
        block_public: block.as_ref().is_some_and(configuration::is_blocked),
        encryption: rule.map_or("", |rule| rule.sse_algorithm().as_str()).to_owned(),
        versioning,
        // Without controls it is what buckets were before there were any.
        object_ownership: ownership.map_or("ObjectWriter", |rule| rule.object_ownership().as_str()).to_owned(),
    };
    Ok(Some(of(cx, node, shape, tags)))
}

/// Whether versions are kept; `None` without a bucket. An answer under another root element (moto's) is refused by the SDK, but says the same.
pub(crate) fn versioned(
    reply: Result<GetBucketVersioningOutput, SdkError<GetBucketVersioningError>>,
) -> Result<Option<bool>, CallError> {
    if let Some(raw) = reply.as_ref().err().and_then(SdkError::raw_response).filter(|raw| raw.status().is_success()) {
        let text = String::from_utf8_lossy(raw.body().bytes().unwrap_or_default());
        return Ok(Some(text.contains("<Status>Enabled</Status>")));
    }
    let reply = ownership::found(reply.call("s3:GetBucketVersioning"))?;
    Ok(reply.map(|reply| reply.status() == Some(&BucketVersioningStatus::Enabled)))
}
