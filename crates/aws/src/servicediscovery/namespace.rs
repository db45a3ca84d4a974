//! Namespace: where Service Connect keeps the names of a stack's services. An HTTP namespace; nothing is put into DNS.
//!
//! Known by its name, because creation is asynchronous and answers with the id of an operation only; id and ARN are outputs once it is there.
//! Source: Cloud Map API Reference, `CreateHttpNamespace`; `aws-behaviours` 14.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_servicediscovery::types::{
    FilterCondition, HttpNamespaceChange, NamespaceFilter, NamespaceFilterName, NamespaceSummary,
};
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};

use crate::{Aws, IntoCallError, NamespaceArn, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Namespace {
    pub name: String,
    pub description: String,
}

impl Namespace {
    pub const ARN: Output<NamespaceArn> = Output::held_when_usable("arn");
    pub const ID: Output<String> = Output::usable("id");
}

impl Kind for Namespace {
    type Cx = Aws;
    const NAME: &'static str = "servicediscovery.namespace";
    const TRAITS: Traits = Traits {
        fixed: &["name"],
        typical_ready: Duration::from_secs(8),
        typical_gone: Duration::from_secs(10),
        patience: Duration::from_secs(5 * 60),
        ..Traits::DEFAULT
    };

    /// All HTTP namespaces, of which a region has 50 at most: the filter by name takes one name only.
    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        cx.removals.forget(Self::NAME);
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let mut found = Vec::new();
        for summary in list(cx, NamespaceFilterName::Type, "HTTP").await? {
            let (name, arn) = (summary.name().unwrap_or_default(), summary.arn().unwrap_or_default());
            let tags = if let Some((_, tags)) = tags::trusted(&index, arn, &scan.stack) {
                tags
            } else if ownership::may_be_ours(scan, name, name) {
                own_tags(cx, arn).await?
            } else {
                continue;
            };
            let node = ownership::node_of::<Self>(scan, name, &tags);
            found.extend(node.map(|node| Live { node, ..of(&summary, tags) }));
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "servicediscovery:CreateHttpNamespace";
        let send = || async {
            let call = cx.servicediscovery.create_http_namespace().name(&self.name).description(&self.description);
            match call.creator_request_id(door.token()).set_tags(Some(tags::list(&door.tags()))).send().await.call(operation) {
                // The same request is under way.
                Err(error) if error.has_code(&["DuplicateRequest"]) => {}
                answer => drop(answer?),
            }
            Ok(Live {
                node: door.node().clone(),
                id: self.name.clone(),
                shape: self.clone(),
                outputs: BTreeMap::new(),
                ready: Ready::NotYet("creating".into()),
                tags: door.tags(),
                owned: true,
                untold: Vec::new(),
            })
        };
        ownership::create(door, operation, &format!("the namespace {}", self.name), send, || get(cx, &self.name)).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        let output = |name: &str| live.outputs.get(name).cloned().unwrap_or_default();
        if changed.has("description") {
            let operation = "servicediscovery:UpdateHttpNamespace";
            door.call(operation, || async {
                let change =
                    HttpNamespaceChange::builder().description(&self.description).build().expect("the description is set");
                cx.servicediscovery.update_http_namespace().id(output("id")).namespace(change).send().await.call(operation)
            })
            .await?;
        }
        if changed.tags() {
            let operation = "servicediscovery:TagResource";
            door.call(operation, || async {
                let call = cx.servicediscovery.tag_resource().resource_arn(output("arn"));
                call.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)
            })
            .await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "servicediscovery:DeleteNamespace";
        let Some(id) = live.outputs.get("id") else { return Ok(Gone::NotYet("creating".to_owned())) };
        // Cloud Map takes the call and then works for seconds, in which it still lists the namespace and refuses a second call.
        if cx.removals.has(Self::NAME, &live.id) {
            return Ok(Gone::NotYet("deleting".to_owned()));
        }
        let call = || async {
            match cx.servicediscovery.delete_namespace().id(id).send().await.call(operation) {
                // Its deletion is under way.
                Err(error) if error.has_code(&["DuplicateRequest"]) => Ok(()),
                answer => answer.map(|_| ()),
            }
        };
        let sent = door.call(operation, call).await;
        if sent.is_ok() {
            cx.removals.note(Self::NAME, &live.id);
        }
        ownership::going(sent, "deleting")
    }
}

async fn get(cx: &Aws, name: &str) -> Result<Option<Live<Namespace>>, CallError> {
    let named = list(cx, NamespaceFilterName::Name, name).await?;
    let Some(summary) = named.into_iter().find(|found| found.name() == Some(name)) else { return Ok(None) };
    let tags = own_tags(cx, summary.arn().unwrap_or_default()).await?;
    Ok(Some(of(&summary, tags)))
}

async fn list(cx: &Aws, by: NamespaceFilterName, value: &str) -> Result<Vec<NamespaceSummary>, CallError> {
    let filter = NamespaceFilter::builder().name(by).values(value).condition(FilterCondition::Eq).build();
    let call = cx.servicediscovery.list_namespaces().filters(filter.expect("name and value are set"));
    let mut pages = call.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        found.extend(page.call("servicediscovery:ListNamespaces")?.namespaces.unwrap_or_default());
    }
    Ok(found)
}

async fn own_tags(cx: &Aws, arn: &str) -> Result<Tags, CallError> {
    let reply = cx.servicediscovery.list_tags_for_resource().resource_arn(arn).send().await;
    let reply = ownership::found(reply.call("servicediscovery:ListTagsForResource"))?;
    Ok(reply.map_or_else(Tags::new, |reply| tags::read(reply.tags())))
}

/// The node's name is put in by the caller.
fn of(summary: &NamespaceSummary, tags: Tags) -> Live<Namespace> {
    let name = summary.name().unwrap_or_default().to_owned();
    Live {
        node: NodeName::new(Namespace::NAME, &name),
        outputs: BTreeMap::from([
            ("id".to_owned(), summary.id().unwrap_or_default().to_owned()),
            ("arn".to_owned(), summary.arn().unwrap_or_default().to_owned()),
        ]),
        shape: Namespace { name: name.clone(), description: summary.description().unwrap_or_default().to_owned() },
        id: name,
        ready: Ready::Yes,
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
