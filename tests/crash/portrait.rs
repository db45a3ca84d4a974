//! What an account looks like when ids, times and chance are left out: two accounts that were built in different ways can be compared.
//!
//! It is drawn from the world itself and not by the program's own readings, so that it does not share their mistakes. Everything that AWS keeps is in it,
//! as it stands in the saved world, but for what is named below.

use std::collections::{BTreeMap, BTreeSet};

use landing_sandbox::World;
use serde_json::{Map, Value};

/// Every object with its attributes, relations by the name of their node.
pub(crate) type Portrait = BTreeSet<(String, String)>;

/// Kept by AWS, and no object that a stack owns: what it remembers of requests, and what its services make by themselves and take away again.
const NO_OBJECTS: [&str; 8] =
    ["tokens", "interfaces", "operations", "invalidations", "run_tokens", "tasks", "blocked", "nats_made"];

/// Times, addresses and ids that differ from run to run and say nothing of what was asked for; and what AWS tells of the past.
const CHANCE: [&str; 42] = [
    "accessed",
    "allocation",
    "association",
    "associations",
    "attachment",
    "backing_up_at",
    "busy_until",
    "changed",
    "cidr_association",
    "created",
    "created_at",
    "creator_request",
    "deployed_at",
    "development",
    "dhcp_options",
    "endpoint_at",
    "etag",
    "events",
    "interface",
    "ip",
    "last",
    "modified",
    "password",
    "pending",
    "private_ip",
    "public_ip",
    "pushed",
    "ready_at",
    "registered",
    "request",
    "retry_at",
    "serial",
    "started",
    "streams",
    "string",
    "subnet_of",
    "targets",
    "thumbprints",
    "until",
    "updated",
    "version_id",
    "write",
];

/// A time in one of these says that the object is gone, or going.
const GONE: [&str; 5] = ["deleted", "deleted_at", "deregistered", "gone_at", "inactive_at"];

/// An object is known elsewhere by any of these.
const NAMES: [&str; 6] = ["arn", "dns", "domain", "id", "resource_id", "secret"];

pub(crate) fn portrait(world: &World) -> Portrait {
    let mut world = serde_json::to_value(world).expect("a world is plain data");
    let sections = world.as_object_mut().expect("a world has sections");
    sections.retain(|_, section| section.is_object());
    let mut names = BTreeMap::new();
    let mut objects = Vec::new();
    for section in sections.values_mut().filter_map(Value::as_object_mut) {
        for (kind, all) in section.iter_mut().filter(|(kind, _)| !NO_OBJECTS.contains(&kind.as_str())) {
            let Some(all) = all.as_object_mut() else { continue };
            all.retain(|_, object| !is_gone(object));
            for (key, object) in std::mem::take(all) {
                let label = label(kind, &key, &object);
                remember(&mut names, &key, &object, &label);
                objects.push((label, object));
            }
        }
    }
    // The longest first: an ARN may contain an id.
    let mut names: Vec<(String, String)> = names.into_iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let drawn = objects.into_iter().map(|(label, mut object)| {
        forget(&mut object);
        object.sort_all_objects();
        let mut text = object.to_string();
        for (name, label) in &names {
            if text.contains(name.as_str()) {
                text = text.replace(name.as_str(), label);
            }
        }
        (label, without_digits(&text))
    });
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    drawn.for_each(|line| *seen.entry(line).or_default() += 1);
    // Two that are alike are two.
    seen.into_iter().flat_map(|((label, text), count)| (1..=count).map(move |n| (format!("{label} {n}"), text.clone()))).collect()
}

/// What differs, for a message.
pub(crate) fn differences(found: &Portrait, expected: &Portrait) -> String {
    let lines = |sign: &str, lines: Vec<&(String, String)>| -> Vec<String> {
        lines.into_iter().map(|(label, text)| format!("  {sign} {label}: {text:.2000}")).collect()
    };
    let mut all = lines("-", expected.difference(found).collect());
    all.extend(lines("+", found.difference(expected).collect()));
    all.sort_by(|a, b| a[4..].cmp(&b[4..]));
    all.join("\n")
}

fn is_gone(object: &Value) -> bool {
    GONE.iter().any(|key| !object[*key].is_null()) || object["state"] == "Deleting" || object["state"] == "Deleted"
}

/// By node; what has no tags is called by its name, or by its kind alone.
fn label(kind: &str, key: &str, object: &Value) -> String {
    let node = object["tags"]["landing:node"].as_str();
    let name = [&object["name"], &object["config"]["Name"], &object["namespace"]].into_iter().find_map(Value::as_str);
    match (node, name) {
        (Some(node), _) => format!("<{node}>"),
        (None, Some(name)) => format!("<{kind} {}>", without_digits(name)),
        (None, None) => format!("<{kind} {}>", without_digits(key)),
    }
}

fn remember(names: &mut BTreeMap<String, String>, key: &str, object: &Value, label: &str) {
    let texts = NAMES.iter().filter_map(|name| object[*name].as_str()).chain([key]);
    // Names that people give are the same in every run, and short ones may stand for something else.
    texts.filter(|text| text.chars().any(|c| c.is_ascii_digit()) && text.len() > 8).for_each(|text| {
        names.insert(text.to_owned(), label.to_owned());
    });
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| !CHANCE.contains(&key.as_str()) && !is_gone(value));
            only_what_serves(map);
            map.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

/// Of a service's deployments the one that AWS keeps to, of a secret's values how many there are.
fn only_what_serves(map: &mut Map<String, Value>) {
    if let Some(Value::Array(deployments)) = map.get_mut("deployments") {
        deployments.retain(|deployment| deployment["primary"] == true);
        deployments.iter_mut().filter_map(Value::as_object_mut).for_each(|deployment| drop(deployment.remove("id")));
    }
    if let Some(Value::Object(versions)) = map.get_mut("versions") {
        let kept: Vec<Value> = std::mem::take(versions).into_iter().map(|(_, version)| version).collect();
        map.insert("versions".to_owned(), kept.into());
    }
}

/// Ids that belong to no node: 16 hex digits or more, dashes between them or not.
fn without_digits(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(['\0']) {
        if matches!(c, '0'..='9' | 'a'..='f' | '-') {
            run.push(c);
            continue;
        }
        let digits = run.chars().filter(|c| *c != '-').count();
        clean.push_str(if digits >= 16 { "·" } else { run.as_str() });
        run.clear();
        clean.push(c);
    }
    clean.pop();
    clean
}
