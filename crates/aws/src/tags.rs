//! Tags of objects whose own list call does not return them.
//!
//! The Tagging API returns the tags of everything in one or two calls, but lags behind by seconds to minutes (`aws-behaviours` 13). So it is believed only
//! where it says what we expect; otherwise the owning service is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use landing_engine::stack::{TAG_ENV, TAG_PROJECT};
use landing_engine::{CallError, NodeName, Stack, Tags};

use crate::client::Aws;
use crate::errors::IntoCallError;

/// ARN → tags of everything that carries the stack's tags, as far as the index has caught up.
pub(crate) type Index = BTreeMap<String, Tags>;

impl Aws {
    /// The index of the home region.
    pub(crate) async fn tag_index(&self, round: u64, stack: &Stack) -> Result<Arc<Index>, CallError> {
        self.memo.get(round, "tag-index", || index(&self.tagging, stack)).await
    }

    /// The index of us-east-1, where global objects are listed.
    pub(crate) async fn global_tag_index(&self, round: u64, stack: &Stack) -> Result<Arc<Index>, CallError> {
        if self.region == "us-east-1" {
            return self.tag_index(round, stack).await;
        }
        self.memo.get(round, "global-tag-index", || index(&self.global_tagging, stack)).await
    }
}

async fn index(client: &aws_sdk_resourcegroupstagging::Client, stack: &Stack) -> Result<Index, CallError> {
    use aws_sdk_resourcegroupstagging::types::TagFilter;
    let filter = |key: &str, value: &str| TagFilter::builder().key(key).values(value).build();
    let mut pages = client
        .get_resources()
        .tag_filters(filter(TAG_PROJECT, &stack.project))
        .tag_filters(filter(TAG_ENV, &stack.env))
        .resources_per_page(100)
        .into_paginator()
        .send();
    let mut index = Index::new();
    while let Some(page) = pages.next().await {
        for resource in page.call("tag:GetResources")?.resource_tag_mapping_list() {
            let tags = resource.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
            index.insert(resource.resource_arn().unwrap_or_default().to_owned(), tags);
        }
    }
    Ok(index)
}

/// The node and tags that the index gives for an object, when they are complete; `None` means "ask the owning service".
pub(crate) fn trusted(index: &Index, arn: &str, stack: &Stack) -> Option<(NodeName, Tags)> {
    let tags = index.get(arn)?;
    let node = stack.node_of(tags)?;
    let complete = stack.tags(&node).iter().all(|(key, value)| tags.get(key) == Some(value));
    complete.then(|| (node, tags.clone()))
}
