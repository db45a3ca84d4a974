//! Tags: to each service's own type and back, and the index of objects whose own list call does not return them.
//!
//! The Tagging API returns the tags of everything in one or two calls, but lags behind by seconds to minutes (`aws-behaviours` 13). So it is believed only
//! where it says what we expect; otherwise the owning service is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use landing_engine::stack::{TAG_ENV, TAG_PROJECT};
use landing_engine::{CallError, NodeName, Stack, Tags};

use crate::client::Aws;
use crate::errors::IntoCallError;

/// A tag in the type of one service.
pub(crate) trait AwsTag: Sized {
    fn new(key: &str, value: &str) -> Self;
    fn pair(&self) -> (&str, &str);
}

macro_rules! aws_tags {
    ($($service:ident),* $(,)?) => {$(
        impl AwsTag for $service::types::Tag {
            fn new(key: &str, value: &str) -> Self {
                Self::builder().key(key).value(value).build()
            }

            fn pair(&self) -> (&str, &str) {
                (self.key().unwrap_or_default(), self.value().unwrap_or_default())
            }
        }
    )*};
}

/// The same where the SDK takes key and value for required.
macro_rules! aws_strict_tags {
    ($($service:ident),* $(,)?) => {$(
        impl AwsTag for $service::types::Tag {
            fn new(key: &str, value: &str) -> Self {
                Self::builder().key(key).value(value).build().expect("key and value are set")
            }

            fn pair(&self) -> (&str, &str) {
                (self.key(), self.value())
            }
        }
    )*};
}

aws_tags!(aws_sdk_ec2, aws_sdk_ecs, aws_sdk_elasticloadbalancingv2, aws_sdk_rds, aws_sdk_secretsmanager);
aws_strict_tags!(aws_sdk_ecr, aws_sdk_efs, aws_sdk_iam, aws_sdk_s3, aws_sdk_servicediscovery, aws_sdk_resourcegroupstagging);

impl AwsTag for aws_sdk_cloudfront::types::Tag {
    fn new(key: &str, value: &str) -> Self {
        Self::builder().key(key).value(value).build().expect("the key is set")
    }

    fn pair(&self) -> (&str, &str) {
        (self.key(), self.value().unwrap_or_default())
    }
}

pub(crate) fn list<T: AwsTag>(tags: &Tags) -> Vec<T> {
    tags.iter().map(|(key, value)| T::new(key, value)).collect()
}

pub(crate) fn read<T: AwsTag>(tags: &[T]) -> Tags {
    tags.iter().map(AwsTag::pair).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

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
            index.insert(resource.resource_arn().unwrap_or_default().to_owned(), read(resource.tags()));
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
