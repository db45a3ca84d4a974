//! Listener rule: which paths go to which target group.
//!
//! Known by its `landing:node` tag. A priority belongs to one rule of a listener at a time, so changing priorities is an exchange.
//! Source: ELBv2 API Reference, `CreateRule`, `ModifyRule`, `SetRulePriorities`; `aws-behaviours` 10.4.

use aws_sdk_elasticloadbalancingv2::types::{PathPatternConditionConfig, RuleCondition, RulePriorityPair};
use futures_util::future::try_join_all;
use landing_engine::{CallError, Changed, Class, Door, Gone, Kind, Live, NodeName, Output, Ref, Scan, Stack, Traits};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{action, reading, rules};
use crate::{Aws, IntoCallError, ListenerArn, TargetGroupArn, document, ownership, tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub listener: Ref<ListenerArn>,
    /// 1 to 50000; lower goes first.
    pub priority: i32,
    /// At most five patterns; `/auth/*` does not match `/auth`. A set.
    pub paths: Vec<String>,
    pub target: Ref<TargetGroupArn>,
}

impl Rule {
    pub const ARN: Output<String> = Output::known("arn");
}

impl Kind for Rule {
    type Cx = Aws;
    const NAME: &'static str = "elbv2.rule";
    const TRAITS: Traits = Traits { fixed: &["listener"], ..Traits::DEFAULT };

    /// One list for each listener of the stack.
    async fn scan(cx: &Aws, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        let index = cx.tag_index(scan.round, &scan.stack).await?;
        let listeners = reading::listeners(cx, scan).await?;
        let lists = listeners.iter().filter_map(|(_, listener)| Some(rules::of_listener(cx, listener.listener_arn()?)));
        let all: Vec<_> = try_join_all(lists).await?.into_iter().flatten().collect();
        let mut tags = reading::tags_of(cx, &index, &scan.stack, all.iter().map(|live| live.id.clone()).collect()).await?;
        let ours = all.into_iter().filter_map(|live| {
            let tags = tags.remove(&live.id)?;
            let node = ownership::node_of::<Self>(scan, &live.id, &tags)?;
            Some(Live { node, tags, ..live })
        });
        Ok(ours.collect())
    }

    async fn read(cx: &Aws, stack: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
        let reply = cx.elbv2.describe_rules().rule_arns(id).send().await;
        let live = ownership::found(reply.call("elasticloadbalancing:DescribeRules"))?
            .and_then(|reply| reply.rules().first().and_then(|rule| rules::of(&rules::listener_of(id), rule)));
        Ok(ownership::still_ours(stack, node, reading::tagged(cx, live).await?))
    }

    /// Nothing protects this call from being repeated but its priority.
    async fn create(&self, cx: &Aws, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let operation = "elasticloadbalancing:CreateRule";
        door.call(operation, || async {
            let sent = cx
                .elbv2
                .create_rule()
                .listener_arn(self.listener.get().as_str())
                .priority(self.priority)
                .conditions(self.condition())
                .actions(action::forward(self.target.get()))
                .set_tags(Some(tags::list(&door.tags())))
                .send()
                .await
                .call(operation);
            match sent {
                Ok(reply) => {
                    let live = reply.rules().first().and_then(|rule| rules::of(self.listener.get().as_str(), rule));
                    let missing = || CallError::new(Class::Ambiguous, operation, "the answer does not contain the rule");
                    live.map(|live| Live { node: door.node().clone(), tags: door.tags(), ..live }).ok_or_else(missing)
                }
                Err(error) if error.class == Class::AlreadyExists => self.existing(cx, door, error).await,
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn update(&self, cx: &Aws, door: &Door<'_>, live: &Live<Self>, changed: &Changed) -> Result<Live<Self>, CallError> {
        if changed.any(&["paths", "target"]) {
            let operation = "elasticloadbalancing:ModifyRule";
            door.call(operation, || async {
                cx.elbv2
                    .modify_rule()
                    .rule_arn(&live.id)
                    .conditions(self.condition())
                    .actions(action::forward(self.target.get()))
                    .send()
                    .await
                    .call(operation)
            })
            .await?;
        }
        if changed.has("priority") {
            let operation = "elasticloadbalancing:SetRulePriorities";
            door.call(operation, || self.move_to_priority(cx, door, &live.id, operation)).await?;
        }
        if changed.tags() {
            reading::retag(cx, door, &live.id).await?;
        }
        Ok(live.with(self))
    }

    async fn delete(cx: &Aws, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
        let operation = "elasticloadbalancing:DeleteRule";
        let sent = door.call(operation, || async { cx.elbv2.delete_rule().rule_arn(&live.id).send().await.call(operation) });
        ownership::gone(sent.await)
    }

    fn same(field: &str, desired: &Value, live: &Value) -> bool {
        if field == "paths" { document::same_set(desired, live) } else { desired == live }
    }
}

impl Rule {
    fn condition(&self) -> RuleCondition {
        let paths = PathPatternConditionConfig::builder().set_values(Some(self.paths.clone())).build();
        RuleCondition::builder().field("path-pattern").path_pattern_config(paths).build()
    }

    /// The rule that holds our priority: this node's, from a call whose answer was lost; one without tags that says the same; or one in the way.
    async fn existing(&self, cx: &Aws, door: &Door<'_>, refusal: CallError) -> Result<Live<Self>, CallError> {
        let rules = rules::of_listener(cx, self.listener.get().as_str()).await?;
        let holder = rules.into_iter().find(|live| live.shape.priority == self.priority);
        // It moved or went since: try again.
        let Some(live) = holder else { return Err(CallError { class: Class::InUse, ..refusal }) };
        let tags = reading::tags(cx, &live.id).await?.unwrap_or_default();
        let what = format!("the rule with priority {} ({})", self.priority, live.id);
        let same_paths = document::same_set(&self.paths.clone().into(), &live.shape.paths.clone().into());
        if !(ownership::is_nobodys(&tags) && same_paths && self.target == live.shape.target) {
            ownership::claim(door, &refusal, &what, &tags)?;
        }
        Ok(Live { node: door.node().clone(), tags, ..live })
    }

    /// Whoever holds the priority gets ours in exchange, in one atomic call. It is read anew for every attempt, because the holder may be on its way to
    /// a priority of its own at the same time; each exchange brings at least one rule to its place, so all of them come to rest.
    async fn move_to_priority(&self, cx: &Aws, door: &Door<'_>, arn: &str, operation: &str) -> Result<(), CallError> {
        let rules = rules::of_listener(cx, self.listener.get().as_str()).await?;
        let Some(own) = rules.iter().find(|live| live.id == arn).map(|live| live.shape.priority) else {
            return Err(CallError::new(Class::NotFound, operation, format!("{arn} is not listed")));
        };
        if own == self.priority {
            return Ok(());
        }
        let pair = |arn: &str, priority| RulePriorityPair::builder().rule_arn(arn).priority(priority).build();
        let mut pairs = vec![pair(arn, self.priority)];
        if let Some(holder) = rules.iter().find(|live| live.shape.priority == self.priority) {
            let tags = reading::tags(cx, &holder.id).await?.unwrap_or_default();
            if door.stack().node_of(&tags).is_none() {
                let text = format!("the rule {} holds priority {} and is not part of this stack", holder.id, self.priority);
                return Err(CallError::new(Class::Invalid, operation, text).help("delete it, or give it another priority"));
            }
            pairs.push(pair(&holder.id, own));
        }
        let sent = cx.elbv2.set_rule_priorities().set_rule_priorities(Some(pairs)).send().await.call(operation);
        // Somebody was faster: look again.
        let again = |error: CallError| match error.class {
            Class::AlreadyExists => CallError { class: Class::InUse, ..error },
            _ => error,
        };
        sent.map(|_| ()).map_err(again)
    }
}
