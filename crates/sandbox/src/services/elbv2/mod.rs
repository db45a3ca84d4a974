//! ELBv2 (catalogue, section 10): application and network load balancers, target groups, listeners, rules.
//! Gateway load balancers, Lambda targets, trust stores, authentication actions and extra certificates are left out.

mod actions;
mod attributes;
mod conditions;
mod listeners;
mod load_balancers;
mod rules;
mod tagging;
mod target_groups;
mod targets;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::page;
use crate::call::Call;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

pub(crate) use listeners::Listener;
pub(crate) use load_balancers::LoadBalancer;
pub(crate) use rules::Rule;
pub(crate) use target_groups::TargetGroup;
pub(crate) use targets::{Target, deregister, register};

/// All by ARN.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Elbv2 {
    pub(crate) load_balancers: BTreeMap<String, LoadBalancer>,
    pub(crate) target_groups: BTreeMap<String, TargetGroup>,
    pub(crate) listeners: BTreeMap<String, Listener>,
    /// Without the default rules, which are their listeners' default actions.
    pub(crate) rules: BTreeMap<String, Rule>,
    /// Load balancers so far, for faults that name the nth one.
    #[serde(skip)]
    pub(crate) balancers_made: u64,
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateLoadBalancer" => load_balancers::create(world, call),
        "DescribeLoadBalancers" => load_balancers::describe(world, call),
        "SetSubnets" => load_balancers::set_subnets(world, call),
        "SetSecurityGroups" => load_balancers::set_groups(world, call),
        "SetIpAddressType" => load_balancers::set_ip_type(world, call),
        "DeleteLoadBalancer" => load_balancers::delete(world, call),
        "DescribeLoadBalancerAttributes" => attributes::describe_load_balancer(world, call),
        "ModifyLoadBalancerAttributes" => attributes::modify_load_balancer(world, call),
        "CreateTargetGroup" => target_groups::create(world, call),
        "DescribeTargetGroups" => target_groups::describe(world, call),
        "ModifyTargetGroup" => target_groups::modify(world, call),
        "DeleteTargetGroup" => target_groups::delete(world, call),
        "DescribeTargetGroupAttributes" => attributes::describe_target_group(world, call),
        "ModifyTargetGroupAttributes" => attributes::modify_target_group(world, call),
        "RegisterTargets" => targets::register_call(world, call),
        "DeregisterTargets" => targets::deregister_call(world, call),
        "DescribeTargetHealth" => targets::health(world, call),
        "CreateListener" => listeners::create(world, call),
        "DescribeListeners" => listeners::describe(world, call),
        "ModifyListener" => listeners::modify(world, call),
        "DeleteListener" => listeners::delete(world, call),
        "CreateRule" => rules::create(world, call),
        "DescribeRules" => rules::describe(world, call),
        "ModifyRule" => rules::modify(world, call),
        "SetRulePriorities" => rules::set_priorities(world, call),
        "DeleteRule" => rules::delete(world, call),
        "AddTags" => tagging::add(world, call),
        "RemoveTags" => tagging::remove(world, call),
        "DescribeTags" => tagging::describe(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn advance(world: &mut World) {
    let now = world.now;
    world.elbv2.load_balancers.retain(|_, balancer| balancer.gone_at.is_none_or(|at| at > now));
    for group in world.elbv2.target_groups.values_mut() {
        group.targets.retain(|_, target| target.drained_at.is_none_or(|at| at > now));
    }
}

/// Listeners and rules go with their load balancer.
pub(crate) fn objects(world: &World) -> Vec<String> {
    let balancers =
        world.elbv2.load_balancers.values().filter(|b| b.gone_at.is_none()).map(|b| format!("elbv2:load-balancer {}", b.name));
    let groups = world.elbv2.target_groups.values().map(|group| format!("elbv2:target-group {}", group.name));
    balancers.chain(groups).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    let elb = &world.elbv2;
    let balancers = elb.load_balancers.iter().filter(|(_, b)| b.gone_at.is_none()).map(|(arn, b)| (arn, &b.tags));
    let groups = elb.target_groups.iter().map(|(arn, group)| (arn, &group.tags));
    let listeners = elb.listeners.iter().map(|(arn, listener)| (arn, &listener.tags));
    let rules = elb.rules.iter().map(|(arn, rule)| (arn, &rule.tags));
    let all = balancers.chain(groups).chain(listeners).chain(rules);
    all.filter(|(_, tags)| !tags.is_empty()).map(|(arn, tags)| (arn.clone(), tags.clone())).collect()
}

/// Whether a listener or a rule sends traffic to the group: ECS refuses a service behind one that has none (catalogue, section 9.3).
pub(crate) fn target_group_has_listener(world: &World, arn: &str) -> bool {
    !balancers_of(world, arn).is_empty()
}

/// ARNs of the load balancers that send traffic to a target group.
fn balancers_of(world: &World, group: &str) -> Vec<String> {
    let elb = &world.elbv2;
    let by_listener =
        elb.listeners.values().filter(|l| actions::groups(&l.actions).contains(&group.to_owned())).map(|l| &l.balancer);
    let by_rule = elb.rules.values().filter(|r| actions::groups(&r.actions).contains(&group.to_owned()));
    let by_rule = by_rule.filter_map(|r| elb.listeners.get(&r.listener).map(|l| &l.balancer));
    let mut all: Vec<String> = by_listener.chain(by_rule).cloned().collect();
    all.sort();
    all.dedup();
    all
}

fn validation(message: impl Into<String>) -> Fault {
    Fault::new("ValidationError", message)
}

fn need(call: &Call, key: &str) -> Result<String, Fault> {
    call.need(key, "ValidationError")
}

/// 1 to 32 letters, digits and hyphens, none of them at an end.
fn name(call: &Call, what: &str) -> Result<String, Fault> {
    let name = need(call, "Name")?;
    if name.is_empty() || name.len() > 32 {
        return Err(validation(format!("{what} name '{name}' cannot be longer than '32' characters")));
    }
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(validation(format!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)"
        )));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(validation(format!("{what} name '{name}' cannot begin or end with '-'")));
    }
    Ok(name)
}

/// A page of `PageSize` (up to 400) after `Marker`.
fn paged(call: &Call, key: &str, found: Vec<Value>) -> Result<Reply, Fault> {
    let limit = call.number("PageSize").unwrap_or(400);
    if !(1..=400).contains(&limit) {
        return Err(validation(format!("Page size '{limit}' must be between '1' and '400'")));
    }
    let marker = call.opt("Marker");
    let (found, next) =
        page(found, limit.unsigned_abs() as usize, marker.as_deref()).ok_or_else(|| validation("Invalid marker"))?;
    Ok(json!({ key: found, "NextMarker": next }).into())
}
