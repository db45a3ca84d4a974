//! Which images are there: tag to digest.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::ImageIdentifier;
use futures_util::future::try_join_all;
use landing_engine::CallError;

use crate::{Aws, IntoCallError, ownership};

/// All that a tag can point at. Without them ECR may convert the manifest, and a converted one has another digest (unverified for today's ECR).
const MANIFESTS: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

impl Aws {
    /// Digests of the images that `wanted` (repository to tag) names. A missing repository or tag is simply not in the answer.
    ///
    /// One call a repository: `BatchGetImage` never fails for a missing tag, `DescribeImages` does.
    ///
    /// # Errors
    /// When a repository cannot be read.
    ///
    /// Source: `aws-behaviours` 5.3.
    pub async fn images(&self, wanted: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, CallError> {
        let found = try_join_all(wanted.iter().map(|(repository, tag)| self.digest(repository, tag))).await?;
        Ok(wanted.keys().cloned().zip(found).filter_map(|(repository, digest)| Some((repository, digest?))).collect())
    }

    async fn digest(&self, repository: &str, tag: &str) -> Result<Option<String>, CallError> {
        let request = self
            .ecr
            .batch_get_image()
            .repository_name(repository)
            .image_ids(ImageIdentifier::builder().image_tag(tag).build())
            .set_accepted_media_types(Some(MANIFESTS.map(str::to_owned).to_vec()));
        let reply = ownership::found(request.send().await.call("ecr:BatchGetImage"))?;
        let image = reply.as_ref().and_then(|reply| reply.images().first()).and_then(|image| image.image_id());
        Ok(image.and_then(|id| id.image_digest()).map(str::to_owned))
    }
}
