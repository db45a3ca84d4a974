//! Repository: the images of one service, and the rule that says which old ones go (a field, not a node).
//!
//! Known by its tags, which its own list call does not return. The name is fixed at birth.
//! Source: ECR API Reference, `CreateRepository`, `PutLifecyclePolicy`; `aws-behaviours` 5.1, 5.2.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecr::types::{ImageScanningConfiguration, ImageTagMutability, Repository as Reply};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Aws, IntoCallError, RepositoryArn, RepositoryName, RepositoryUri, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repository {
    /// Lower case, path segments joined by `/`.
    pub name: String,
    pub scan_on_push: bool,
    /// Whether a tag may be moved to another image.
    pub mutable_tags: bool,
    /// Lifecycle policy; `null` keeps every image.
    pub lifecycle: Value,
}

impl Repository {
    pub const ARN: Output<RepositoryArn> = Output::known("arn");
    /// `<account>.dkr.ecr.<region>.amazonaws.com/<name>`, what an image reference starts with.
    pub const URI: Output<RepositoryUri> = Output::known("uri");
    pub const NAME: Output<RepositoryName> = Output::held("name");
}

impl Kind for Repository {
    type Cx = Aws;
    const NAME: &'static str = "ecr.repository";
    const TRAITS: Traits = Traits { fixed: &["name"], holds_data: true, patience: Duration::from_secs(60), ..Traits::DEFAULT };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        // All of them: asking by name fails as a whole when one name is missing.
        let mut pages = cx.ecr.describe_repositories().max_results(1000).into_paginator().items().send();
        let mut near = Vec::new();
        while let Some(repository) = pages.next().await {
            let repository = repository.call("ecr:DescribeRepositories")?;
            let name = repository.repository_name().unwrap_or_default();
            if ownership::may_be_ours(scan, name, name) {
                near.push(repository);
            }
        }
        let index = &cx.tag_index(scan.round, &scan.stack).await?;
        // No call gives the lifecycle policies of several repositories: one each, all at once.
        let found = near.iter().map(|repository| async move {
            let name = repository.repository_name().unwrap_or_default();
            let arn = repository.repository_arn().unwrap_or_default();
            let (node, tags) = match tags::trusted(index, arn, &scan.stack) {
                Some((node, tags)) => (Some(node), tags),
                None => {
                    let Some(tags) = ownership::found(list(cx, arn).await)? else { return Ok(None) };
                    (ownership::node_of::<Self>(scan, name, &tags), tags)
                }
            };
            let Some(node) = node else { return Ok(None) };
            Ok(Some(of(node, repository, lifecycle(cx, name).await?, tags)))
        });
        Ok(try_join_all(found).await?.into_iter().flatten().collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, node, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "ecr:CreateRepository";
        let send = || async {
            let request = cx
                .ecr
                .create_repository()
                .repository_name(&self.name)
                .image_scanning_configuration(scanning(self.scan_on_push))
                .image_tag_mutability(mutability(self.mutable_tags));
            let reply = request.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)?;
            let repository = reply.repository.unwrap_or_else(|| Reply::builder().build());
            let made = of(door.node().clone(), &repository, Value::Null, door.tags());
            // What the call carried is not looked for in the reply: emulators leave it out there.
            Ok(made.with(&Self { lifecycle: Value::Null, ..self.clone() }))
        };
        let find = || get(cx, door.node(), &self.name);
        ownership::create(door, operation, &format!("the repository {}", self.name), send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("scan_on_push") {
            let operation = "ecr:PutImageScanningConfiguration";
            let put = || cx.ecr.put_image_scanning_configuration().repository_name(&live.id);
            door.call(operation, || async {
                put().image_scanning_configuration(scanning(self.scan_on_push)).send().await.call(operation)
            })
            .await?;
        }
        if changed.has("mutable_tags") {
            let operation = "ecr:PutImageTagMutability";
            let put = || cx.ecr.put_image_tag_mutability().repository_name(&live.id);
            door.call(operation, || async {
                put().image_tag_mutability(mutability(self.mutable_tags)).send().await.call(operation)
            })
            .await?;
        }
        if changed.has("lifecycle") && self.lifecycle.is_null() {
            let operation = "ecr:DeleteLifecyclePolicy";
            let delete = || cx.ecr.delete_lifecycle_policy().repository_name(&live.id);
            door.call(operation, || async { ownership::found(delete().send().await.call(operation)) }).await?;
        } else if changed.has("lifecycle") {
            let operation = "ecr:PutLifecyclePolicy";
            let put = || cx.ecr.put_lifecycle_policy().repository_name(&live.id);
            door.call(operation, || async {
                put().lifecycle_policy_text(self.lifecycle.to_string()).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            let operation = "ecr:TagResource";
            let arn = live.outputs.get("arn").cloned().unwrap_or_default();
            let tag = || cx.ecr.tag_resource().resource_arn(&arn).set_tags(Some(tags::list(&door.tags())));
            door.call(operation, || async { tag().send().await.call(operation) }).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "ecr:DeleteRepository";
        // Forced: with its images. Whether they may go was asked before the walk began.
        let delete = || cx.ecr.delete_repository().repository_name(&live.id).force(true);
        ownership::gone(door.call(operation, || async { delete().send().await.call(operation) }).await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        if field == "lifecycle" { document::same(desired, live) } else { desired == live }
    }
}

async fn get(cx: &Aws, node: &NodeName, name: &str) -> Result<Option<Live<Repository>>, CallError> {
    let reply = cx.ecr.describe_repositories().repository_names(name).send().await.call("ecr:DescribeRepositories");
    let Some(reply) = ownership::found(reply)? else { return Ok(None) };
    let Some(repository) = reply.repositories().first() else { return Ok(None) };
    let tags = list(cx, repository.repository_arn().unwrap_or_default());
    let both = ownership::found(tokio::try_join!(tags, lifecycle(cx, name)))?;
    Ok(both.map(|(tags, lifecycle)| of(node.clone(), repository, lifecycle, tags)))
}

async fn lifecycle(cx: &Aws, name: &str) -> Result<Value, CallError> {
    let operation = "ecr:GetLifecyclePolicy";
    let reply = ownership::found(cx.ecr.get_lifecycle_policy().repository_name(name).send().await.call(operation))?;
    let text = reply.as_ref().and_then(|reply| reply.lifecycle_policy_text());
    text.map_or(Ok(Value::Null), |text| document::parse(operation, text))
}

async fn list(cx: &Aws, arn: &str) -> Result<Tags, CallError> {
    let reply = cx.ecr.list_tags_for_resource().resource_arn(arn).send().await.call("ecr:ListTagsForResource")?;
    Ok(tags::read(reply.tags()))
}

fn scanning(on_push: bool) -> ImageScanningConfiguration {
    ImageScanningConfiguration::builder().scan_on_push(on_push).build()
}

fn mutability(mutable: bool) -> ImageTagMutability {
    if mutable { ImageTagMutability::Mutable } else { ImageTagMutability::Immutable }
}

fn of(node: NodeName, repository: &Reply, lifecycle: Value, tags: Tags) -> Live<Repository> {
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let name = text(repository.repository_name());
    Live {
        id: name.clone(),
        node,
        outputs: BTreeMap::from([
            ("arn".to_owned(), text(repository.repository_arn())),
            ("uri".to_owned(), text(repository.repository_uri())),
            ("name".to_owned(), name.clone()),
        ]),
        shape: Repository {
            name,
            scan_on_push: repository.image_scanning_configuration().is_some_and(ImageScanningConfiguration::scan_on_push),
            mutable_tags: repository.image_tag_mutability() == Some(&ImageTagMutability::Mutable),
            lifecycle,
        },
        ready: Ready::Yes,
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
