//! Streams and what is written to them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Event, Stream, arn, group, identified, invalid, limit, nothing};
use crate::answer::page;
use crate::call::{Call, number, text};
use crate::fault::Fault;
use crate::wire::Reply;
use crate::world::World;

fn no_stream() -> Fault {
    Fault::new("ResourceNotFoundException", "The specified log stream does not exist.")
}

fn bad_token() -> Fault {
    invalid("The specified nextToken is invalid.")
}

pub(super) fn create_stream(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let name = call.need("logStreamName", "InvalidParameterException")?;
    if name.is_empty() || name.len() > 512 || name.contains([':', '*']) {
        return Err(invalid("A log stream's name has 1 to 512 characters and neither : nor *"));
    }
    let group = group(world, call)?;
    if group.streams.contains_key(&name) {
        return Err(Fault::new("ResourceAlreadyExistsException", "The specified log stream already exists"));
    }
    group.streams.insert(name, Stream { created: now, events: Vec::new() });
    Ok(nothing())
}

pub(super) fn describe_streams(world: &World, call: &Call) -> Result<Reply, Fault> {
    let group = identified(world, call)?;
    let prefix = call.opt("logStreamNamePrefix");
    let by_time = call.opt("orderBy").is_some_and(|order| order == "LastEventTime");
    if by_time && prefix.is_some() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let mut found: Vec<(&String, &Stream)> =
        group.streams.iter().filter(|(name, _)| prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix))).collect();
    if by_time {
        found.sort_by_key(|(_, stream)| stream.events.iter().map(|event| event.at).max());
    }
    if call.flag("descending").unwrap_or(false) {
        found.reverse();
    }
    let token = call.opt("nextToken");
    let (found, next) = page(found, limit(call, "limit", 50, 50)?, token.as_deref()).ok_or_else(bad_token)?;
    let group_arn = arn(world, &group.name);
    let streams: Vec<Value> = found.into_iter().map(|(name, stream)| shape(&group_arn, name, stream)).collect();
    let mut body = json!({ "logStreams": streams });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(body.into())
}

fn shape(group_arn: &str, name: &str, stream: &Stream) -> Value {
    let mut body = json!({
        "logStreamName": name,
        "creationTime": stream.created,
        "arn": format!("{group_arn}:log-stream:{name}"),
        "uploadSequenceToken": "49000000000000000000000000000000000000000000000000000000",
        "storedBytes": 0,
    });
    let times = || stream.events.iter().map(|event| event.at);
    if let (Some(first), Some(last)) = (times().min(), times().max()) {
        body["firstEventTimestamp"] = first.into();
        body["lastEventTimestamp"] = last.into();
        body["lastIngestionTime"] = stream.events.iter().map(|event| event.ingested).max().into();
    }
    body
}

pub(super) fn put(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let now = world.now;
    let name = call.need("logStreamName", "InvalidParameterException")?;
    let stream = group(world, call)?.streams.get_mut(&name).ok_or_else(no_stream)?;
    let mut events = Vec::new();
    for event in call.list("logEvents") {
        let at = number(&event["timestamp"]).and_then(|at| u64::try_from(at).ok());
        let (Some(at), Some(message)) = (at, text(&event["message"]).filter(|message| !message.is_empty())) else {
            return Err(invalid("A log event needs a timestamp and a message"));
        };
        events.push(Event { at, ingested: now, message, nth: stream.events.len() + events.len() });
    }
    if events.is_empty() || events.len() > 10_000 {
        return Err(invalid("A call carries 1 to 10000 log events"));
    }
    if !events.is_sorted_by_key(|event| event.at) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    stream.events.extend(events);
    stream.events.sort_by_key(|event| event.at);
    Ok(json!({ "nextSequenceToken": "49000000000000000000000000000000000000000000000000000000" }).into())
}

/// `startTime` is inclusive, `endTime` is not.
fn in_time(call: &Call, event: &Event, end_inclusive: bool) -> bool {
    let bound = |key: &str| call.number(key).and_then(|at| u64::try_from(at).ok());
    let end = |end: u64| event.at < end || (end_inclusive && event.at == end);
    bound("startTime").is_none_or(|start| event.at >= start) && bound("endTime").is_none_or(end)
}

/// Tokens point at a place in the stream: `f/<index>` reads on from there, `b/<index>` reads backwards to it. AWS hands out the
/// same forward token again when there is nothing more to read, which is how readers know that they are at the end.
pub(super) fn get(world: &World, call: &Call) -> Result<Reply, Fault> {
    let name = call.need("logStreamName", "InvalidParameterException")?;
    let group = identified(world, call)?;
    let stream = group.streams.get(&name).ok_or_else(no_stream)?;
    let events: Vec<&Event> = stream.events.iter().filter(|event| in_time(call, event, false)).collect();
    let limit = limit(call, "limit", 10_000, 10_000)?;
    let length = events.len();
    let (start, end) = match call.opt("nextToken") {
        Some(token) => {
            let (way, place) = token.split_once('/').ok_or_else(bad_token)?;
            let place: usize = place.parse().map_err(|_| bad_token())?;
            let place = place.min(length);
            match way {
                "f" => (place, (place + limit).min(length)),
                "b" => (place.saturating_sub(limit), place),
                _ => return Err(bad_token()),
            }
        }
        None if call.flag("startFromHead").unwrap_or(false) => (0, limit.min(length)),
        None => (length.saturating_sub(limit), length),
    };
    let page: Vec<Value> = events[start..end]
        .iter()
        .map(|event| json!({ "timestamp": event.at, "ingestionTime": event.ingested, "message": event.message }))
        .collect();
    Ok(json!({ "events": page, "nextForwardToken": format!("f/{end}"), "nextBackwardToken": format!("b/{start}") }).into())
}

/// Patterns: plain terms (all must occur), `?term` (any of these), `-term` (none), terms in quotes; JSON and space-delimited patterns are not modelled.
pub(super) fn filter(world: &World, call: &Call) -> Result<Reply, Fault> {
    let group = identified(world, call)?;
    let names = call.strings("logStreamNames");
    let prefix = call.opt("logStreamNamePrefix");
    if prefix.is_some() && !names.is_empty() {
        return Err(invalid("logStreamNames and logStreamNamePrefix cannot be given together."));
    }
    if names.iter().any(|name| !group.streams.contains_key(name)) {
        return Err(no_stream());
    }
    let pattern = call.opt("filterPattern").unwrap_or_default();
    if pattern.trim_start().starts_with(['{', '[', '%']) {
        return Err(invalid("the sandbox models only filter patterns of plain terms"));
    }
    let terms = terms(&pattern);
    let streams: BTreeMap<&String, &Stream> = group
        .streams
        .iter()
        .filter(|(name, _)| names.is_empty() || names.contains(name))
        .filter(|(name, _)| prefix.as_ref().is_none_or(|prefix| name.starts_with(prefix)))
        .collect();
    let mut found: Vec<(&String, &Event)> =
        streams.into_iter().flat_map(|(name, stream)| stream.events.iter().map(move |event| (name, event))).collect();
    found.retain(|(_, event)| in_time(call, event, true) && hit(&terms, &event.message));
    found.sort_by_key(|(name, event)| (event.at, *name, event.nth));
    let token = call.opt("nextToken");
    let (found, next) = page(found, limit(call, "limit", 10_000, 10_000)?, token.as_deref()).ok_or_else(bad_token)?;
    let events: Vec<Value> = found
        .into_iter()
        .map(|(name, event)| {
            let id = id(name, event);
            json!({ "logStreamName": name, "timestamp": event.at, "ingestionTime": event.ingested, "message": event.message, "eventId": id })
        })
        .collect();
    let mut body = json!({ "events": events, "searchedLogStreams": [] });
    if let Some(next) = next {
        body["nextToken"] = next.into();
    }
    Ok(body.into())
}

/// 56 digits, which no other event of the group has.
fn id(stream: &str, event: &Event) -> String {
    let digest = Sha256::digest(stream.as_bytes());
    let stream = digest.iter().take(8).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    format!("{:016}{stream:020}{:020}", event.at, event.nth)
}

/// Sign (`?`, `-` or a space for none) and text.
fn terms(pattern: &str) -> Vec<(char, String)> {
    let mut out = Vec::new();
    let mut rest = pattern.trim();
    while !rest.is_empty() {
        let sign = rest.chars().next().filter(|c| matches!(c, '?' | '-')).unwrap_or(' ');
        let body = rest.trim_start_matches(['?', '-']);
        let (term, after) = match body.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => body.split_once(char::is_whitespace).unwrap_or((body, "")),
        };
        out.push((sign, term.to_owned()));
        rest = after.trim_start();
    }
    out
}

fn hit(terms: &[(char, String)], message: &str) -> bool {
    let of = |sign: char| terms.iter().filter(move |(s, _)| *s == sign).map(|(_, term)| message.contains(term.as_str()));
    of(' ').all(|found| found) && !of('-').any(|found| found) && (of('?').count() == 0 || of('?').any(|found| found))
}
