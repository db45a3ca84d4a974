//! Which images stand in a repository under content tags.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_ecr::types::{DescribeImagesFilter, TagStatus};
use futures_util::future::try_join_all;
use landing_engine::CallError;
use landing_images::TAG_PREFIX;

use crate::{Aws, IntoCallError, ownership};

/// One image under one content tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    pub tag: String,
    pub digest: String,
    /// Seconds since 1970.
    pub pushed: i64,
}

impl Standing {
    /// The image of `wanted` or, when that is not there, the one that was pushed last.
    pub fn best<'a>(images: &'a [Self], wanted: Option<&str>) -> Option<&'a Self> {
        let exact = images.iter().find(|image| Some(image.tag.as_str()) == wanted);
        exact.or_else(|| images.iter().max_by_key(|image| (image.pushed, &image.tag)))
    }
}

/// What was read before the graph was drawn, for the scan that follows: each reading is used once.
#[derive(Debug, Default)]
pub struct StandingImages(Mutex<BTreeMap<String, Vec<Standing>>>);

impl Aws {
    /// By repository; one that is not there has none. The next scan uses the same readings.
    ///
    /// # Errors
    /// When a repository cannot be read.
    pub async fn standing_images(&self, repositories: &[String]) -> Result<BTreeMap<String, Vec<Standing>>, CallError> {
        let found = try_join_all(repositories.iter().map(|name| read(self, name))).await?;
        let found: BTreeMap<_, _> = repositories.iter().cloned().zip(found).collect();
        self.standing.0.lock().unwrap_or_else(PoisonError::into_inner).extend(found.clone());
        Ok(found)
    }
}

/// As it was read before, or anew.
pub(super) async fn once(cx: &Aws, repository: &str) -> Result<Vec<Standing>, CallError> {
    let known = cx.standing.0.lock().unwrap_or_else(PoisonError::into_inner).remove(repository);
    match known {
        Some(known) => Ok(known),
        None => read(cx, repository).await,
    }
}

/// One call a repository. All tags at once: which image was the last one is asked only of ECR, and `DescribeImages` by tag fails when one is missing.
///
/// Source: `aws-behaviours` 5.3.
pub(super) async fn read(cx: &Aws, repository: &str) -> Result<Vec<Standing>, CallError> {
    let tagged = DescribeImagesFilter::builder().tag_status(TagStatus::Tagged).build();
    let mut details =
        cx.ecr.describe_images().repository_name(repository).filter(tagged).max_results(1000).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(image) = details.next().await {
        let Some(image) = ownership::found(image.call("ecr:DescribeImages"))? else { return Ok(Vec::new()) };
        let Some(digest) = image.image_digest() else { continue };
        let pushed = image.image_pushed_at().map_or(0, |at| at.secs());
        let ours = image.image_tags().iter().filter(|tag| tag.starts_with(TAG_PREFIX));
        found.extend(ours.map(|tag| Standing { tag: tag.clone(), digest: digest.to_owned(), pushed }));
    }
    Ok(found)
}
