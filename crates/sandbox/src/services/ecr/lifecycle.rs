//! Lifecycle policies: checked as AWS checks them, kept re-serialised, never run (AWS takes up to a day).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Repository, invalid, repository};
use crate::answer::epoch;
use crate::call::Call;
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let text = call.need("lifecyclePolicyText", "InvalidParameterException")?;
    let policy: Value = serde_json::from_str(&text)
        .map_err(|_| invalid("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: not valid JSON'"))?;
    check(&policy).map_err(|why| {
        invalid(format!("Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy validation failure: {why}'"))
    })?;
    let found = repository(world, call)?;
    found.lifecycle = Some(policy.to_string());
    let body = shape(found);
    Ok(with_registry(world, body))
}

fn check(policy: &Value) -> Result<(), String> {
    let rules = policy["rules"].as_array().filter(|rules| !rules.is_empty()).ok_or("rules must be a list that is not empty")?;
    let mut priorities = BTreeSet::new();
    let mut untagged = 0;
    let mut any = None;
    for rule in rules {
        let priority = rule["rulePriority"].as_u64().filter(|p| *p > 0).ok_or("rulePriority must be a positive number")?;
        if !priorities.insert(priority) {
            return Err(format!("rulePriority {priority} is used twice"));
        }
        let selection = &rule["selection"];
        match selection["tagStatus"].as_str() {
            Some("untagged") => untagged += 1,
            Some("any") if any.is_some() => return Err("only one rule may select any".into()),
            Some("any") => any = Some(priority),
            Some("tagged") => {
                let named = |key: &str| selection[key].as_array().is_some_and(|list| !list.is_empty());
                if !named("tagPrefixList") && !named("tagPatternList") {
                    return Err("tagStatus tagged needs tagPrefixList or tagPatternList".into());
                }
            }
            _ => return Err("tagStatus must be tagged, untagged or any".into()),
        }
        let days = selection["countUnit"].as_str();
        match selection["countType"].as_str() {
            Some("sinceImagePushed") if days == Some("days") => {}
            Some("imageCountMoreThan") if days.is_none() => {}
            _ => {
                return Err(
                    "countType must be imageCountMoreThan without countUnit, or sinceImagePushed with countUnit days".into()
                );
            }
        }
        if selection["countNumber"].as_u64().is_none_or(|count| count == 0) {
            return Err("countNumber must be a positive number".into());
        }
        if rule["action"]["type"] != "expire" {
            return Err("action must be expire".into());
        }
    }
    if untagged > 1 {
        return Err("only one rule may select untagged".into());
    }
    if any.is_some_and(|any| priorities.last().is_some_and(|last| *last > any)) {
        return Err("the rule that selects any must have the highest rulePriority".into());
    }
    Ok(())
}

fn missing(repository: &Repository) -> Fault {
    let message = format!("Lifecycle policy does not exist for the repository with name '{}'", repository.name);
    Fault::new("LifecyclePolicyNotFoundException", message)
}

fn shape(repository: &Repository) -> Value {
    json!({ "repositoryName": repository.name, "lifecyclePolicyText": repository.lifecycle })
}

fn with_registry(world: &World, mut body: Value) -> Reply {
    body["registryId"] = world.account.clone().into();
    body.into()
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let found = repository(world, call)?;
    if found.lifecycle.is_none() {
        return Err(missing(found));
    }
    let mut body = shape(found);
    body["lastEvaluatedAt"] = epoch(now).into();
    Ok(with_registry(world, body))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let found = repository(world, call)?;
    if found.lifecycle.is_none() {
        return Err(missing(found));
    }
    let body = shape(found);
    found.lifecycle = None;
    Ok(with_registry(world, body))
}
