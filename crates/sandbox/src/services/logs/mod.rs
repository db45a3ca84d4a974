//! CloudWatch Logs (catalogue, section 8): groups, retention, streams, events. Queries, filters on metrics and subscriptions are left out.

mod events;
mod groups;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::Call;
use crate::clock::Millis;
use crate::fault::Fault;
use crate::tags::Tags;
use crate::wire::Reply;
use crate::world::World;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Logs {
    /// By name.
    pub(crate) groups: BTreeMap<String, Group>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) created: Millis,
    /// Days; absent means for ever.
    pub(crate) retention: Option<i64>,
    pub(crate) class: String,
    pub(crate) kms_key: Option<String>,
    pub(crate) tags: Tags,
    /// By name.
    pub(crate) streams: BTreeMap<String, Stream>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) created: Millis,
    pub(crate) events: Vec<Event>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: Millis,
    pub(crate) ingested: Millis,
    pub(crate) message: String,
    /// Which one of its stream it was when it came; it stays that whatever comes before it in time.
    #[serde(default)]
    pub(crate) nth: usize,
}

pub(crate) fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "CreateLogGroup" => groups::create(world, call),
        "DescribeLogGroups" => groups::describe(world, call),
        "DeleteLogGroup" => groups::delete(world, call),
        "PutRetentionPolicy" => groups::put_retention(world, call),
        "DeleteRetentionPolicy" => groups::delete_retention(world, call),
        "TagResource" => groups::tag(world, call),
        "UntagResource" => groups::untag(world, call),
        "ListTagsForResource" => groups::list_tags(world, call),
        "CreateLogStream" => events::create_stream(world, call),
        "DescribeLogStreams" => events::describe_streams(world, call),
        "PutLogEvents" => events::put(world, call),
        "GetLogEvents" => events::get(world, call),
        "FilterLogEvents" => events::filter(world, call),
        other => Err(Fault::unknown_operation(call.service, other)),
    }
}

pub(crate) fn objects(world: &World) -> Vec<String> {
    world.logs.groups.keys().map(|name| format!("logs:log-group {name}")).collect()
}

pub(crate) fn tagged(world: &World) -> Vec<(String, Tags)> {
    let groups = world.logs.groups.values();
    groups.filter(|group| !group.tags.is_empty()).map(|group| (arn(world, &group.name), group.tags.clone())).collect()
}

/// What AWS itself writes to: made when it is missing.
pub(crate) fn keep(world: &mut World, name: &str) {
    let fresh = Group {
        name: name.to_owned(),
        created: world.now,
        retention: None,
        class: "STANDARD".into(),
        kms_key: None,
        tags: Tags::new(),
        streams: BTreeMap::new(),
    };
    world.logs.groups.entry(name.to_owned()).or_insert(fresh);
}

/// Writes lines as a container's log driver does. A group that is gone meanwhile takes none.
pub(crate) fn append(world: &mut World, group: &str, stream: &str, lines: impl IntoIterator<Item = (Millis, String)>) {
    let now = world.now;
    let Some(group) = world.logs.groups.get_mut(group) else { return };
    let stream = group.streams.entry(stream.to_owned()).or_insert_with(|| Stream { created: now, events: Vec::new() });
    let nth = stream.events.len()..;
    stream.events.extend(lines.into_iter().zip(nth).map(|((at, message), nth)| Event { at, ingested: now, message, nth }));
}

/// Without the `:*` that `arn` of DescribeLogGroups ends in.
fn arn(world: &World, name: &str) -> String {
    world.arn("logs", &format!("log-group:{name}"))
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::new("InvalidParameterException", message)
}

fn no_group() -> Fault {
    Fault::new("ResourceNotFoundException", "The specified log group does not exist.")
}

fn group<'a>(world: &'a mut World, call: &Call) -> Result<&'a mut Group, Fault> {
    let name = call.need("logGroupName", "InvalidParameterException")?;
    world.logs.groups.get_mut(&name).ok_or_else(no_group)
}

/// Some operations take a name, others a name or an ARN.
fn identified<'a>(world: &'a World, call: &Call) -> Result<&'a Group, Fault> {
    let id = call.opt("logGroupIdentifier").or_else(|| call.opt("logGroupName"));
    let id = id.ok_or_else(|| invalid("The request must contain logGroupName or logGroupIdentifier"))?;
    let name = id.split(":log-group:").nth(1).map_or(id.as_str(), |rest| rest.trim_end_matches(":*"));
    world.logs.groups.get(name).ok_or_else(no_group)
}

/// Operations that answer with nothing.
fn nothing() -> Reply {
    Value::Object(Map::new()).into()
}

fn limit(call: &Call, name: &str, default: i64, most: i64) -> Result<usize, Fault> {
    let limit = call.number(name).unwrap_or(default);
    if !(1..=most).contains(&limit) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{limit}' at '{name}' failed to satisfy constraint: Member must have value between 1 and {most}"
        )));
    }
    Ok(limit.unsigned_abs() as usize)
}
