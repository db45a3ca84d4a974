//! The rules of a listener, as the service reports them.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{Rule as Reply, RuleCondition};
use landing_engine::{CallError, Class, Kind, Live, NodeName, Ready, Ref};

use super::{Rule, action};
use crate::{Aws, IntoCallError};

/// All but the default rule; none when the listener is gone.
pub(super) async fn of_listener(cx: &Aws, listener: &str) -> Result<Vec<Live<Rule>>, CallError> {
    let mut pages = cx.elbv2.describe_rules().listener_arn(listener).into_paginator().items().send();
    let mut found = Vec::new();
    while let Some(rule) = pages.next().await {
        match rule.call("elasticloadbalancing:DescribeRules") {
            Ok(rule) => found.extend(of(listener, &rule)),
            Err(error) if error.class == Class::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// A rule's ARN is its listener's with another word and one more part: `…:listener-rule/app/<name>/<lb>/<listener>/<rule>`.
pub(super) fn listener_of(rule: &str) -> String {
    let listener = rule.rsplit_once('/').map_or(rule, |(listener, _)| listener);
    listener.replacen(":listener-rule/", ":listener/", 1)
}

/// Patterns as they are; a condition of any other sort, which somebody else has put in, in words, so that it shows as a difference.
pub(super) fn conditions(rule: &Reply) -> Vec<String> {
    let patterns = |condition: &RuleCondition| match condition.path_pattern_config() {
        Some(config) if !config.values().is_empty() => config.values().to_vec(),
        _ => condition.values().to_vec(),
    };
    let in_words = |condition: &RuleCondition| match condition.field() {
        Some("path-pattern") => patterns(condition),
        field => vec![format!("({})", field.unwrap_or("unknown condition"))],
    };
    rule.conditions().iter().flat_map(in_words).collect()
}

/// Node and tags are put in by the caller. `None` for the default rule, which is a field of the listener and has no number.
pub(super) fn of(listener: &str, rule: &Reply) -> Option<Live<Rule>> {
    let priority = rule.priority()?.parse().ok()?;
    let id = rule.rule_arn().unwrap_or_default().to_owned();
    let target = match rule.actions() {
        [action] => action::target(action),
        _ => None,
    };
    Some(Live {
        node: NodeName::new(Rule::NAME, &id),
        outputs: BTreeMap::from([("arn".to_owned(), id.clone())]),
        id,
        shape: Rule {
            listener: Ref::value(listener.into()),
            priority,
            paths: conditions(rule),
            target: Ref::value(target.unwrap_or_else(|| "none".into())),
        },
        ready: Ready::Yes,
        tags: BTreeMap::new(),
        owned: true,
        untold: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::listener_of;

    #[test]
    fn a_rule_names_its_listener() {
        let start = "arn:aws:elasticloadbalancing:eu-west-1:123456789012";
        assert_eq!(
            listener_of(&format!("{start}:listener-rule/app/main/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee")),
            format!("{start}:listener/app/main/50dc6c495c0c9188/f2f7dc8efc522ab2")
        );
    }
}
