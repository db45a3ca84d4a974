//! Listener rules (catalogue, section 10.4).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::listeners::{self, Listener};
use super::{Elbv2, actions, conditions, need, paged, tagging, validation};
use crate::call::{Call, number, text};
use crate::fault::Fault;
use crate::services::quotas;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) arn: String,
    pub(crate) listener: String,
    pub(crate) priority: i64,
    /// Both as AWS gives them back.
    pub(crate) conditions: Vec<Value>,
    pub(crate) actions: Vec<Value>,
    pub(crate) tags: Tags,
}

pub(super) fn not_found(arn: &str) -> Fault {
    Fault::new("RuleNotFound", format!("Rule '{arn}' not found"))
}

/// A rule that can be changed: the default rule cannot.
fn own<'a>(elb: &'a mut Elbv2, arn: &str, what: &str) -> Result<&'a mut Rule, Fault> {
    if !arn.contains(":listener-rule/") {
        return Err(validation(format!("'{arn}' is not a valid listener rule ARN")));
    }
    if elb.listeners.values().any(|listener| listener.default_rule == arn) {
        return Err(Fault::new("OperationNotPermitted", format!("Default rule '{arn}' cannot be {what}")));
    }
    elb.rules.get_mut(arn).ok_or_else(|| not_found(arn))
}

fn check_priority(priority: i64) -> Result<i64, Fault> {
    if (1..=50_000).contains(&priority) {
        Ok(priority)
    } else {
        Err(validation(format!("Priority '{priority}' must be between '1' and '50000'")))
    }
}

fn in_use(priority: i64) -> Fault {
    Fault::new("PriorityInUse", format!("Priority '{priority}' is currently in use"))
}

/// Not idempotent: the same call again meets its own priority.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let listener = listeners::of(&world.elbv2, &need(call, "ListenerArn")?)?.clone();
    let balancer = listeners::balancer_of(world, &listener)?.clone();
    if !balancer.is_application() {
        return Err(validation("Rules are supported only on application load balancers"));
    }
    if !call.list("Transforms").is_empty() {
        return Err(validation("the sandbox does not model rule transforms"));
    }
    let priority = check_priority(call.number("Priority").ok_or_else(|| validation("A priority must be specified"))?)?;
    let conditions = conditions::normalise(call.list("Conditions"))?;
    let actions = actions::normalise(world, &balancer, call.list("Actions"))?;
    let tags = tagging::read(call)?;
    if world.elbv2.rules.values().any(|rule| rule.listener == listener.arn && rule.priority == priority) {
        return Err(in_use(priority));
    }
    let of_balancer = |rule: &&Rule| world.elbv2.listeners.get(&rule.listener).is_some_and(|it| it.balancer == listener.balancer);
    quotas::RULES.one_more(world, world.elbv2.rules.values().filter(of_balancer).count())?;
    actions::check_quota(world, &balancer, &actions)?;
    let path = listener.arn.split_once(":listener/").map_or("", |(_, path)| path);
    let arn = format!("listener-rule/{path}/{}", &world.hex()[..16]);
    let arn = world.arn("elasticloadbalancing", &arn);
    let rule = Rule { arn: arn.clone(), listener: listener.arn, priority, conditions, actions, tags };
    let body = json!({ "Rules": [shape(&rule)] });
    world.elbv2.rules.insert(arn, rule);
    Ok(body.into())
}

fn shape(rule: &Rule) -> Value {
    json!({
        "RuleArn": rule.arn,
        "Priority": rule.priority.to_string(),
        "Conditions": rule.conditions,
        "Actions": rule.actions,
        "IsDefault": false,
    })
}

fn default_shape(listener: &Listener) -> Value {
    json!({ "RuleArn": listener.default_rule, "Priority": "default", "Conditions": [], "Actions": listener.actions, "IsDefault": true })
}

/// In the order in which they are tried, the default rule last.
pub(super) fn describe(world: &World, call: &Call) -> Result<Reply, Fault> {
    let arns = call.strings("RuleArns");
    let elb = &world.elbv2;
    let found: Vec<Value> = match (call.opt("ListenerArn"), arns.is_empty()) {
        (Some(_), false) => {
            return Err(validation("Rule ARNs and a listener ARN cannot be specified at the same time"));
        }
        (None, true) => {
            return Err(validation("You must specify either listener rule ARNs or a listener ARN"));
        }
        (Some(arn), true) => {
            let listener = listeners::of(elb, &arn)?;
            let mut rules: Vec<&Rule> = elb.rules.values().filter(|rule| rule.listener == arn).collect();
            rules.sort_by_key(|rule| rule.priority);
            rules.into_iter().map(shape).chain([default_shape(listener)]).collect()
        }
        (None, false) => {
            let by_default =
                |arn: &String| elb.listeners.values().find(|listener| listener.default_rule == *arn).map(default_shape);
            let found: Result<Vec<Value>, Fault> = arns
                .iter()
                .map(|arn| elb.rules.get(arn).map(shape).or_else(|| by_default(arn)).ok_or_else(|| not_found(arn)))
                .collect();
            found?
        }
    };
    paged(call, "Rules", found)
}

pub(super) fn modify(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "RuleArn")?;
    let mut rule = own(&mut world.elbv2, &arn, "modified")?.clone();
    if !call.list("Conditions").is_empty() {
        rule.conditions = conditions::normalise(call.list("Conditions"))?;
    }
    if !call.list("Actions").is_empty() {
        let balancer = listeners::balancer_of(world, listeners::of(&world.elbv2, &rule.listener)?)?;
        rule.actions = actions::normalise(world, balancer, call.list("Actions"))?;
    }
    let body = json!({ "Rules": [shape(&rule)] });
    world.elbv2.rules.insert(arn, rule);
    Ok(body.into())
}

/// All at once: two rules may change places.
pub(super) fn set_priorities(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mut wanted: BTreeMap<String, i64> = BTreeMap::new();
    let mut listener = None;
    for pair in call.list("RulePriorities") {
        let arn = text(&pair["RuleArn"]).unwrap_or_default();
        let priority = check_priority(number(&pair["Priority"]).unwrap_or_default())?;
        let rule = own(&mut world.elbv2, &arn, "re-prioritised")?;
        if listener.get_or_insert_with(|| rule.listener.clone()) != &rule.listener {
            return Err(validation("All rules must belong to the same listener"));
        }
        wanted.insert(arn, priority);
    }
    let listener = listener.ok_or_else(|| validation("You must specify rule priorities"))?;
    let mut taken = std::collections::BTreeSet::new();
    for rule in world.elbv2.rules.values().filter(|rule| rule.listener == listener) {
        let priority = wanted.get(&rule.arn).copied().unwrap_or(rule.priority);
        if !taken.insert(priority) {
            return Err(in_use(priority));
        }
    }
    let mut changed = Vec::new();
    for (arn, priority) in wanted {
        if let Some(rule) = world.elbv2.rules.get_mut(&arn) {
            rule.priority = priority;
            changed.push(shape(rule));
        }
    }
    Ok(json!({ "Rules": changed }).into())
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let arn = need(call, "RuleArn")?;
    own(&mut world.elbv2, &arn, "deleted")?;
    world.elbv2.rules.remove(&arn);
    Ok(json!({}).into())
}
