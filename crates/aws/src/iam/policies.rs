//! The policies of a role: inline ones by name, managed ones by ARN.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use landing_engine::{CallError, Door};
use serde_json::Value;

use crate::{Aws, IntoCallError, document, ownership};

pub(super) async fn inline(cx: &Aws, role: &str) -> Result<BTreeMap<String, Value>, CallError> {
    let mut names = Vec::new();
    let mut pages = cx.iam.list_role_policies().role_name(role).into_paginator().items().send();
    while let Some(name) = pages.next().await {
        names.push(name.call("iam:ListRolePolicies")?);
    }
    let operation = "iam:GetRolePolicy";
    let policies = try_join_all(names.iter().map(|name| async move {
        let reply = cx.iam.get_role_policy().role_name(role).policy_name(name).send().await.call(operation)?;
        Ok((name.clone(), document::parse(operation, reply.policy_document())?))
    }));
    Ok(policies.await?.into_iter().collect())
}

pub(super) async fn attached(cx: &Aws, role: &str) -> Result<Vec<String>, CallError> {
    let mut found = Vec::new();
    let mut pages = cx.iam.list_attached_role_policies().role_name(role).into_paginator().items().send();
    while let Some(policy) = pages.next().await {
        found.push(policy.call("iam:ListAttachedRolePolicies")?);
    }
    Ok(arns(&found))
}

pub(super) fn arns(attached: &[aws_sdk_iam::types::AttachedPolicy]) -> Vec<String> {
    let mut arns: Vec<String> = attached.iter().filter_map(|policy| policy.policy_arn().map(str::to_owned)).collect();
    arns.sort();
    arns
}

/// Gone before is gone, also while the role is being made: the door would wait for a policy to appear.
pub(super) async fn detach(cx: &Aws, door: &Door<'_>, role: &str, arn: &str) -> Result<(), CallError> {
    let operation = "iam:DetachRolePolicy";
    let send = || cx.iam.detach_role_policy().role_name(role).policy_arn(arn).send();
    door.call(operation, || async { ownership::found(send().await.call(operation)) }).await.map(|_| ())
}

pub(super) async fn remove(cx: &Aws, door: &Door<'_>, role: &str, policy: &str) -> Result<(), CallError> {
    let operation = "iam:DeleteRolePolicy";
    let send = || cx.iam.delete_role_policy().role_name(role).policy_name(policy).send();
    door.call(operation, || async { ownership::found(send().await.call(operation)) }).await.map(|_| ())
}
