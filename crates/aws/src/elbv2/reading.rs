//! What the kinds of a load balancer share: lists that are read once a scan, and tags, which no list of this service contains.
//!
//! All calls of the service share one bucket of 40, refilled with 10 a second (`aws-behaviours` 1.3), so listeners and rules are asked for only
//! where the stack has a load balancer.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_elasticloadbalancingv2::types::{Listener, LoadBalancer};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Class, Door, Live, NodeName, Scan, Stack, Tags};

use crate::tags::{self, Index, trusted};
use crate::{Aws, IntoCallError, ownership};

/// ARNs that `DescribeTags` takes in one call.
const ARNS_A_CALL: usize = 20;

/// Every load balancer of the region.
pub(super) async fn load_balancers(cx: &Aws, round: u64) -> Result<Arc<Vec<LoadBalancer>>, CallError> {
    let read = || async {
        let mut pages = cx.elbv2.describe_load_balancers().into_paginator().items().send();
        let mut all = Vec::new();
        while let Some(balancer) = pages.next().await {
            all.push(balancer.call("elasticloadbalancing:DescribeLoadBalancers")?);
        }
        Ok(all)
    };
    cx.memo.get(round, "elb-load-balancers", read).await
}

/// Every listener of the stack's load balancers, with the node of its load balancer.
pub(super) async fn listeners(cx: &Aws, scan: &Scan) -> Result<Arc<Vec<(NodeName, Listener)>>, CallError> {
    let read = || async {
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let all = load_balancers(cx, scan.round).await?;
        let arns = all.iter().filter_map(|balancer| {
            let (name, arn) = (balancer.load_balancer_name()?, balancer.load_balancer_arn()?);
            (has_prefix(&scan.stack, name) || index.contains_key(arn)).then(|| arn.to_owned())
        });
        let tags = tags_of(cx, &index, &scan.stack, arns.collect()).await?;
        let ours = tags.iter().filter_map(|(arn, tags)| Some((arn, scan.stack.node_of(tags)?)));
        let found = try_join_all(ours.map(|(arn, node)| listeners_of(cx, arn, node))).await?;
        Ok(found.into_iter().flatten().collect())
    };
    cx.memo.get(scan.round, "elb-listeners", read).await
}

async fn listeners_of(cx: &Aws, arn: &str, node: NodeName) -> Result<Vec<(NodeName, Listener)>, CallError> {
    let mut pages = cx.elbv2.describe_listeners().load_balancer_arn(arn).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(listener) = pages.next().await {
        match listener.call("elasticloadbalancing:DescribeListeners") {
            Ok(listener) => found.push((node.clone(), listener)),
            // The load balancer went since it was listed.
            Err(error) if error.class == Class::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

fn has_prefix(stack: &Stack, name: &str) -> bool {
    name.strip_prefix(&stack.prefix()).is_some_and(|rest| rest.starts_with('-'))
}

/// Whether a named object may be the stack's, so that its tags are worth asking for. Other objects of the account are left alone.
pub(super) fn may_be_ours(scan: &Scan, index: &Index, name: &str, arn: &str) -> bool {
    index.contains_key(arn) || ownership::may_be_ours(scan, arn, name)
}

/// ARN → tags: from the index where it can be believed, from the service for the rest. What went in the meantime is left out.
pub(super) async fn tags_of(
    cx: &Aws,
    index: &Index,
    stack: &Stack,
    arns: Vec<String>,
) -> Result<BTreeMap<String, Tags>, CallError> {
    let mut known = BTreeMap::new();
    let mut unknown = Vec::new();
    for arn in arns {
        match trusted(index, &arn, stack) {
            Some((_, tags)) => drop(known.insert(arn, tags)),
            None => unknown.push(arn),
        }
    }
    for asked in try_join_all(unknown.chunks(ARNS_A_CALL).map(|chunk| ask(cx, chunk))).await? {
        known.extend(asked);
    }
    Ok(known)
}

/// Tags of one object; empty when the service does not see it yet.
pub(super) async fn tags(cx: &Aws, arn: &str) -> Result<Option<Tags>, CallError> {
    Ok(ask(cx, &[arn.to_owned()]).await?.remove(arn))
}

/// One ARN that is gone refuses the call for all of them: then each is asked for alone.
async fn ask(cx: &Aws, arns: &[String]) -> Result<BTreeMap<String, Tags>, CallError> {
    let one_call = |arns: Vec<String>| async move {
        let reply = cx.elbv2.describe_tags().set_resource_arns(Some(arns)).send().await;
        let reply = reply.call("elasticloadbalancing:DescribeTags")?;
        let described = reply.tag_descriptions.unwrap_or_default();
        Ok(described.iter().map(|one| (one.resource_arn().unwrap_or_default().to_owned(), tags::read(one.tags()))).collect())
    };
    match one_call(arns.to_vec()).await {
        Err(CallError { class: Class::NotFound, .. }) if arns.len() > 1 => {
            let mut known = BTreeMap::new();
            for arn in arns {
                match one_call(vec![arn.clone()]).await {
                    Ok(tags) => known.extend::<BTreeMap<_, _>>(tags),
                    Err(CallError { class: Class::NotFound, .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(known)
        }
        Err(CallError { class: Class::NotFound, .. }) => Ok(BTreeMap::new()),
        other => other,
    }
}

/// What a create answered with, when it is this node's. Creating what is there already, with the same settings, succeeds and returns the old one, perhaps
/// a stranger's: only its tags tell, and what they are is what the new object is said to carry.
pub(super) async fn born<K>(
    cx: &Aws,
    door: &Door<'_>,
    operation: &str,
    what: &str,
    made: Option<Live<K>>,
) -> Result<Live<K>, CallError> {
    let missing = || CallError::new(Class::Ambiguous, operation, format!("the answer does not contain {what}"));
    let live = made.ok_or_else(missing)?;
    let tags = tags(cx, &live.id).await?.unwrap_or_else(|| door.tags());
    ownership::claim(door, &CallError::new(Class::AlreadyExists, operation, ""), what, &tags)?;
    Ok(Live { tags, ..live })
}

/// What was found in the way of a create, with its tags.
pub(super) async fn tagged<K>(cx: &Aws, found: Option<Live<K>>) -> Result<Option<Live<K>>, CallError> {
    let Some(live) = found else { return Ok(None) };
    Ok(tags(cx, &live.id).await?.map(|tags| Live { tags, ..live }))
}

/// Puts the stack's tags back on an object that lost them; tags of others stay.
pub(super) async fn retag(cx: &Aws, door: &Door<'_>, arn: &str) -> Result<(), CallError> {
    let operation = "elasticloadbalancing:AddTags";
    door.call(operation, || async {
        cx.elbv2.add_tags().resource_arns(arn).set_tags(Some(tags::list(&door.tags()))).send().await.call(operation)
    })
    .await
    .map(|_| ())
}
