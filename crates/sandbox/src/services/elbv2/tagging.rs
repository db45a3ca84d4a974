//! Tags of everything in ELBv2, by ARN.

use serde_json::{Value, json};

use super::{Elbv2, listeners, load_balancers, rules, target_groups, validation};
use crate::call::Call;
use crate::fault::Fault;
use crate::tags::{self, Tags};
use crate::wire::Reply;
use crate::world::World;

/// The tags of a request (catalogue, section 1.6).
pub(super) fn read(call: &Call) -> Result<Tags, Fault> {
    let list = call.list("Tags");
    let tags = tags::read(&call.input["Tags"]);
    if tags.len() < list.len() {
        return Err(Fault::new("DuplicateTagKeys", "Tag keys must be unique"));
    }
    check(&tags)?;
    Ok(tags)
}

fn check(tags: &Tags) -> Result<(), Fault> {
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(validation("Tag keys that start with aws: are reserved"));
    }
    if tags.iter().any(|(key, value)| key.is_empty() || key.len() > 128 || value.len() > 256) {
        return Err(validation("Tag keys have 1 to 128 and values up to 256 characters"));
    }
    if tags.len() > 50 {
        return Err(Fault::new("TooManyTags", "A resource can have at most 50 tags"));
    }
    Ok(())
}

fn of<'a>(elb: &'a mut Elbv2, arn: &str) -> Result<&'a mut Tags, Fault> {
    if arn.contains(":loadbalancer/") {
        return load_balancers::of(elb, arn).map(|balancer| &mut balancer.tags);
    }
    if arn.contains(":targetgroup/") {
        return target_groups::of(elb, arn).map(|group| &mut group.tags);
    }
    if arn.contains(":listener-rule/") {
        return elb.rules.get_mut(arn).map(|rule| &mut rule.tags).ok_or_else(|| rules::not_found(arn));
    }
    if arn.contains(":listener/") {
        return elb.listeners.get_mut(arn).map(|listener| &mut listener.tags).ok_or_else(|| listeners::not_found(arn));
    }
    Err(validation(format!("'{arn}' is not a valid ARN")))
}

fn arns(call: &Call) -> Result<Vec<String>, Fault> {
    let arns = call.strings("ResourceArns");
    if arns.is_empty() || arns.len() > 20 {
        return Err(validation("Between 1 and 20 resource ARNs must be specified"));
    }
    Ok(arns)
}

pub(super) fn add(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let new = read(call)?;
    for arn in arns(call)? {
        let tags = of(&mut world.elbv2, &arn)?;
        let mut changed = tags.clone();
        changed.extend(new.clone());
        check(&changed)?;
        *tags = changed;
    }
    Ok(json!({}).into())
}

pub(super) fn remove(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    for arn in arns(call)? {
        let tags = of(&mut world.elbv2, &arn)?;
        for key in call.strings("TagKeys") {
            tags.remove(&key);
        }
    }
    Ok(json!({}).into())
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let mut list: Vec<Value> = Vec::new();
    for arn in arns(call)? {
        let tags = of(&mut world.elbv2, &arn)?;
        list.push(json!({ "ResourceArn": arn, "Tags": tags::upper(tags) }));
    }
    Ok(json!({ "TagDescriptions": list }).into())
}
