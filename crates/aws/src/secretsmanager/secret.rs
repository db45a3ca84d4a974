//! Secret: one value that services read by ARN.
//!
//! Known by its tags. The name is fixed at birth; the ARN ends in six random characters, so a secret made again has another one. The list lags by up
//! to five minutes in both directions: what it shows and the state knows is believed, everything else is asked for one by one.
//! Source: Secrets Manager API Reference, `CreateSecret`, `ListSecrets`; `aws-behaviours` 6.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_secretsmanager::operation::create_secret::CreateSecretOutput;
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use futures_util::future::try_join_all;
use landing_engine::{
    CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Scan, Stack, Traits, reference, stack,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{self, SecretSource};
use super::{composed, reading};
use crate::{Aws, IntoCallError, SecretArn, SecretVersion, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    pub name: String,
    pub description: String,
    pub value: SecretSource,
}

impl Secret {
    pub const ARN: Output<SecretArn> = Output::known("arn");
    /// Of the value that readers get; another one with every new value.
    pub const VERSION: Output<SecretVersion> = Output::usable("version");
}

impl Kind for Secret {
    type Cx = Aws;
    const NAME: &'static str = "secretsmanager.secret";
    const TRAITS: Traits = Traits {
        fixed: &["name"],
        holds_data: true,
        renews: &["version"],
        typical_gone: Duration::from_secs(10),
        patience: Duration::from_secs(4 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let by_name = Filter::builder().key(FilterNameStringType::Name).values(scan.stack.prefix()).build();
        let mut pages = cx.secretsmanager.list_secrets().filters(by_name).max_results(100).into_paginator().send();
        let known: BTreeSet<&String> = scan.known.values().collect();
        let mut found = Vec::new();
        let mut unsure = BTreeSet::new();
        while let Some(page) = pages.next().await {
            for entry in page.call("secretsmanager:ListSecrets")?.secret_list() {
                let live = reading::listed(entry);
                if entry.deleted_date().is_some() {
                    continue;
                }
                if known.contains(&live.id) {
                    found.push(live);
                } else if ownership::may_be_ours(scan, &live.id, &live.shape.name) {
                    unsure.insert(live.id);
                }
            }
        }
        // What was made, deleted or untagged within the last minutes, or is adopted; nothing in the steady state.
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let indexed = index.keys().filter(|arn| arn.contains(":secret:") && tags::trusted(&index, arn, &scan.stack).is_some());
        // What others are put together from, and they themselves, must be known to the version.
        let pinned = pinned(scan);
        let (exact, listed): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|live| ownership::node_of::<Self>(scan, &live.id, &live.tags).is_some_and(|node| pinned.contains(&node)));
        found = listed;
        unsure.extend(exact.into_iter().map(|live| live.id));
        let listed: BTreeSet<String> = found.iter().map(|live| live.id.clone()).collect();
        unsure.extend(indexed.chain(known).filter(|arn| !listed.contains(*arn)).cloned());
        found.extend(try_join_all(unsure.iter().map(|arn| reading::describe(cx, arn))).await?.into_iter().flatten());
        let ours = found.into_iter().filter_map(|live| {
            let node = ownership::node_of::<Self>(scan, &live.id, &live.tags)?;
            let wanted = scan.wanted.iter().find(|(wanted, _)| *wanted == node);
            let source = wanted.and_then(|(_, shape)| serde_json::from_value(shape["value"].clone()).ok());
            let value = value::believed(source.as_ref(), live.shape.value.clone());
            Some(Live { node, ..live.with(&Self { value, ..live.shape.clone() }) })
        });
        reading::compared(cx, ours.collect()).await
    }

    /// The value is only said to be there ([`SecretSource::Different`]) or not: where it should come from is not in AWS.
    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, reading::describe(cx, id).await?))
    }

    fn preflight(&self, cx: &Aws, changed: &Changed) -> Result<(), String> {
        match &self.value {
            SecretSource::Env(variable) if changed.has("value") && cx.secrets.get(variable).is_none() => {
                Err(value::missing(&self.name, variable))
            }
            _ => Ok(()),
        }
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "secretsmanager:CreateSecret";
        let value = self.value.stored(cx, &self.name, operation)?;
        let send = || async { self.send_create(cx, door, operation, value.get(cx).await?.expose_secret()).await };
        let error = match door.call(operation, send).await {
            Err(error) if error.class == Class::AlreadyExists => error,
            other => return Ok(self.made(door, &other?)),
        };
        if let Some(live) = reading::describe(cx, &self.name).await? {
            let what = format!("the secret {}", self.name);
            return self.valued(cx, ownership::adopt(door, error, &what, Some(live))?).await;
        }
        // Ours, in its recovery window. Value, description and tags are what they were: the engine sees to them as to any drift.
        match reading::restore(cx, door, &self.name).await? {
            Some(live) => self.valued(cx, live).await,
            // Gone for good in the meantime: the name is free.
            None => Ok(self.made(door, &door.call(operation, send).await?)),
        }
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        let mut now = live.with(self);
        if changed.has("value") {
            let operation = "secretsmanager:PutSecretValue";
            let value = self.value.stored(cx, &self.name, operation)?;
            // A fresh token, not the node's: that one already names the first version, and one made from the value would give it away.
            let token = stack::hex(&rand::random::<[u8; 16]>());
            let put = || cx.secretsmanager.put_secret_value().secret_id(&live.id).client_request_token(&token);
            let send = || async { put().secret_string(value.get(cx).await?.expose_secret()).send().await.call(operation) };
            door.call(operation, send).await?;
            now.outputs = reading::outputs(&live.id, Some(&token));
        }
        // After the value that it speaks of.
        let composed = changed.has("value") && matches!(self.value, SecretSource::Composed(_));
        if changed.has("description") || composed {
            let operation = "secretsmanager:UpdateSecret";
            let update = || cx.secretsmanager.update_secret().secret_id(&live.id).description(self.full_description());
            door.call(operation, || async { update().send().await.call(operation) }).await?;
        }
        if changed.tags() {
            let operation = "secretsmanager:TagResource";
            let tag = || cx.secretsmanager.tag_resource().secret_id(&live.id).set_tags(Some(tags::list(&door.tags())));
            door.call(operation, || async { tag().send().await.call(operation) }).await?;
        }
        Ok(now)
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "secretsmanager:DeleteSecret";
        // At once: a recovery window would block the name for a week. That the value may go was asked before the walk began.
        let delete = || cx.secretsmanager.delete_secret().secret_id(&live.id).force_delete_without_recovery(true);
        ownership::gone(door.call(operation, || async { delete().send().await.call(operation) }).await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            // Whatever it is: a generated value is not made a second time unless somebody asks for it, since a database may know the first one.
            "value" if desired.get("generated").is_some() => live != "missing" && live != "outdated",
            "value" if desired.get("composed").is_some() && live.get("composed-of").is_some() => {
                composed::same(&desired["composed"], &live["composed-of"])
            }
            _ => desired == live,
        }
    }
}

impl Secret {
    /// As it is stored: with what the value was put together from.
    fn full_description(&self) -> String {
        match &self.value {
            SecretSource::Composed(parts) => composed::description(&composed::formula(parts)),
            _ => self.description.clone(),
        }
    }

    async fn send_create(
        &self,
        cx: &Aws,
        door: &Door<'_>,
        operation: &str,
        value: &str,
    ) -> Result<CreateSecretOutput, CallError> {
        let request = cx
            .secretsmanager
            .create_secret()
            .name(&self.name)
            .description(self.full_description())
            .secret_string(value)
            .client_request_token(door.token())
            .set_tags(Some(tags::list(&door.tags())));
        let error = match request.send().await.call(operation) {
            Err(error) if error.has_code(&["InvalidRequestException"]) && error.class == Class::InUse => error,
            other => return other,
        };
        // The name is blocked: for seconds after a forced deletion, which the door waits for, or for days by a recovery window.
        match reading::scheduled(cx, &self.name).await? {
            None => Err(error),
            Some(tags) if door.stack().node_of(&tags).as_ref() == Some(door.node()) => {
                Err(CallError { class: Class::AlreadyExists, ..error })
            }
            Some(_) => Err(CallError { class: Class::Invalid, ..error }.help(format!(
                "a secret `{0}` that is not this stack's waits to be deleted and blocks the name; if nobody needs it, run \
                 `aws secretsmanager delete-secret --force-delete-without-recovery --secret-id {0}` and run again",
                self.name
            ))),
        }
    }

    fn made(&self, door: &Door<'_>, reply: &CreateSecretOutput) -> Live<Self> {
        let arn = reply.arn().unwrap_or_default();
        let live = reading::of(arn, Some(&self.name), None, reply.version_id(), door.tags());
        Live { node: door.node().clone(), ..live.with(self) }
    }

    /// One that was found while it was to be made, its value compared as a scan does.
    async fn valued(&self, cx: &Aws, live: Live<Self>) -> Result<Live<Self>, CallError> {
        let value = value::believed(Some(&self.value), live.shape.value.clone());
        let believed = live.with(&Self { value, ..live.shape.clone() });
        Ok(reading::compared(cx, vec![believed]).await?.pop().unwrap_or(live))
    }
}

/// The nodes that are put together from others, and those others.
fn pinned(scan: &Scan) -> BTreeSet<NodeName> {
    let composed = scan.wanted.iter().filter(|(_, shape)| shape["value"].get("composed").is_some());
    composed
        .flat_map(|(node, shape)| [node.clone()].into_iter().chain(reference::pointers(shape).into_iter().map(|it| it.node)))
        .collect()
}
