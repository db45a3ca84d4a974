//! Role: who may act as it, and what it may do (inline policies and attached managed ones are fields of it).
//!
//! Known by its tags; the Tagging API does not list roles, but one paged call gives every role of the account with all that the shape has.
//! Changes to one role are sent one after the other: IAM refuses two at once with `ConcurrentModification`.
//! Source: IAM API Reference, `GetAccountAuthorizationDetails`, `CreateRole`; `aws-behaviours` 4.1-4.3.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_iam::types::EntityType;
use landing_engine::{CallError, Changed, Door, Gone, Kind, Live, NodeName, Output, Ready, Scan, Stack, Tags, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::policies;
use crate::{Aws, IntoCallError, RoleArn, RoleName, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// At most 64 characters, unique in the account without regard to case.
    pub name: String,
    /// Trust policy: who may assume the role.
    pub trust: Value,
    /// Inline policies: name to document.
    pub policies: BTreeMap<String, Value>,
    /// ARNs of attached managed policies; a set.
    pub managed: Vec<String>,
}

impl Role {
    pub const ARN: Output<RoleArn> = Output::known("arn");
    pub const NAME: Output<RoleName> = Output::known("name");
}

impl Kind for Role {
    type Cx = Aws;
    const NAME: &'static str = "iam.role";
    const TRAITS: Traits = Traits {
        fixed: &["name"],
        typical_ready: Duration::from_secs(8),
        patience: Duration::from_secs(4 * 60),
        ..Traits::DEFAULT
    };

    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let operation = "iam:GetAccountAuthorizationDetails";
        // 1000 is the most that one page may have; the default of 100 would make ten calls in a full account.
        let request = cx.iam.get_account_authorization_details().filter(EntityType::Role).max_items(1000);
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for role in page.call(operation)?.role_detail_list() {
                let tags = tags::read(role.tags());
                let name = role.role_name().unwrap_or_default();
                let Some(node) = ownership::node_of::<Self>(scan, name, &tags) else { continue };
                let inline = role.role_policy_list().iter().map(|policy| {
                    let text = policy.policy_document().unwrap_or_default();
                    Ok((policy.policy_name().unwrap_or_default().to_owned(), document::parse(operation, text)?))
                });
                let shape = Self {
                    name: name.to_owned(),
                    trust: document::parse(operation, role.assume_role_policy_document().unwrap_or_default())?,
                    policies: inline.collect::<Result<_, CallError>>()?,
                    managed: policies::arns(role.attached_managed_policies()),
                };
                found.push(live(cx, node, shape, role.arn(), tags));
            }
        }
        Ok(found)
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(ownership::still_ours(stack, node, get(cx, node, id).await?))
    }

    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "iam:CreateRole";
        let send = || async {
            let request = cx.iam.create_role().role_name(&self.name).assume_role_policy_document(self.trust.to_string());
            let reply = request.set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)?;
            let shape = Self { policies: BTreeMap::new(), managed: Vec::new(), ..self.clone() };
            Ok(live(cx, door.node().clone(), shape, reply.role().map(|role| role.arn()), door.tags()))
        };
        let find = || get(cx, door.node(), &self.name);
        ownership::create(door, operation, &format!("the role {}", self.name), send, find).await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.has("trust") {
            let operation = "iam:UpdateAssumeRolePolicy";
            let send = || cx.iam.update_assume_role_policy().role_name(&live.id).policy_document(self.trust.to_string()).send();
            door.call(operation, || async { send().await.call(operation) }).await?;
        }
        if changed.has("policies") {
            for (name, policy) in &self.policies {
                if live.shape.policies.get(name).is_some_and(|old| document::same(policy, old)) {
                    continue;
                }
                let operation = "iam:PutRolePolicy";
                let put = || cx.iam.put_role_policy().role_name(&live.id).policy_name(name).policy_document(policy.to_string());
                door.call(operation, || async { put().send().await.call(operation) }).await?;
            }
            for name in live.shape.policies.keys().filter(|name| !self.policies.contains_key(*name)) {
                policies::remove(cx, door, &live.id, name).await?;
            }
        }
        if changed.has("managed") {
            // The new ones first, so that whoever runs with the role never has less than either set.
            for arn in self.managed.iter().filter(|arn| !live.shape.managed.contains(arn)) {
                let operation = "iam:AttachRolePolicy";
                let send = || cx.iam.attach_role_policy().role_name(&live.id).policy_arn(arn).send();
                door.call(operation, || async { send().await.call(operation) }).await?;
            }
            for arn in live.shape.managed.iter().filter(|arn| !self.managed.contains(arn)) {
                policies::detach(cx, door, &live.id, arn).await?;
            }
        }
        if changed.tags() {
            let operation = "iam:TagRole";
            let send = || cx.iam.tag_role().role_name(&live.id).set_tags(Some(tags::list(&door.tags()))).send();
            door.call(operation, || async { send().await.call(operation) }).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        // IAM refuses to delete a role that still has policies (`DeleteConflict`), for a moment after they are gone, too.
        for arn in &live.shape.managed {
            policies::detach(cx, door, &live.id, arn).await?;
        }
        for name in live.shape.policies.keys() {
            policies::remove(cx, door, &live.id, name).await?;
        }
        let operation = "iam:DeleteRole";
        let send = || cx.iam.delete_role().role_name(&live.id).send();
        ownership::gone(door.call(operation, || async { send().await.call(operation) }).await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        match field {
            "trust" => document::same(desired, live),
            "policies" => match (desired.as_object(), live.as_object()) {
                (Some(desired), Some(live)) => {
                    let equal = |(name, policy)| live.get(name).is_some_and(|old| document::same(policy, old));
                    desired.len() == live.len() && desired.iter().all(equal)
                }
                _ => desired == live,
            },
            "managed" => document::same_set(desired, live),
            _ => desired == live,
        }
    }
}

async fn get(cx: &Aws, node: &NodeName, name: &str) -> Result<Option<Live<Role>>, CallError> {
    let operation = "iam:GetRole";
    let Some(reply) = ownership::found(cx.iam.get_role().role_name(name).send().await.call(operation))? else { return Ok(None) };
    let Some(role) = reply.role() else { return Ok(None) };
    let both = ownership::found(tokio::try_join!(policies::inline(cx, name), policies::attached(cx, name)))?;
    let Some((policies, managed)) = both else { return Ok(None) };
    let trust = document::parse(operation, role.assume_role_policy_document().unwrap_or_default())?;
    let shape = Role { name: role.role_name().to_owned(), trust, policies, managed };
    Ok(Some(live(cx, node.clone(), shape, Some(role.arn()), tags::read(role.tags()))))
}

/// For an instant after creation IAM shows a bare unique id (`AROA…`) instead of the ARN; the ARN itself follows from the name.
fn live(cx: &Aws, node: NodeName, shape: Role, arn: Option<&str>, tags: Tags) -> Live<Role> {
    let settled = arn.is_some_and(|arn| arn.starts_with("arn:"));
    let arn = arn
        .filter(|_| settled)
        .map_or_else(|| format!("arn:{}:iam::{}:role/{}", cx.partition, cx.account, shape.name), str::to_owned);
    Live {
        id: shape.name.clone(),
        node,
        outputs: BTreeMap::from([("arn".to_owned(), arn), ("name".to_owned(), shape.name.clone())]),
        shape,
        ready: if settled { Ready::Yes } else { Ready::NotYet("no ARN yet".to_owned()) },
        tags,
        owned: true,
        untold: Vec::new(),
    }
}
