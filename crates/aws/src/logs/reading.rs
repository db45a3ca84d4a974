//! What containers wrote: the lines of several services merged by time, and new ones as they come.
//!
//! Read with `FilterLogEvents`, which gives the streams of a group in one, sorted by time. Lines do not arrive in the order of their times: a task's log driver sends
//! them in batches. So each reading goes back a little behind the newest line that is known, and leaves out what it has given before. What arrives still later
//! is not seen by whoever follows; a fresh reading has it.
//! Source: CloudWatch Logs API Reference, `FilterLogEvents`, `GetLogEvents`; its quotas (5 calls a second for an account in a region, more in some regions).

use std::collections::{BTreeSet, VecDeque};
use std::ops::ControlFlow;

use aws_sdk_cloudwatchlogs::types::{FilteredLogEvent, OrderBy};
use futures_util::future::try_join_all;
use landing_engine::CallError;

use crate::{Aws, IntoCallError, ownership};

/// First part of a stream's name; the log driver appends the container's name and the task's id.
pub(crate) const STREAM_PREFIX: &str = "ecs";
/// Milliseconds by which a line may arrive behind a later one and still be seen: the log driver sends at least every five seconds.
const LATE: i64 = 30_000;

/// Where a service or a job writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Compose name; the container has the same.
    pub service: String,
    pub group: String,
    /// Only the stream of this task.
    pub task: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds since 1970.
    pub at: i64,
    pub service: String,
    /// The task's id.
    pub task: String,
    /// As it was written, whatever characters are in it.
    pub message: String,
}

/// Name of the stream of a task's container.
pub(crate) fn stream(container: &str, task: &str) -> String {
    format!("{STREAM_PREFIX}/{container}/{task}")
}

/// Several sources, read again and again.
#[derive(Debug)]
pub struct Reader {
    since: i64,
    sources: Vec<Known>,
}

/// A source, and what is known of it.
#[derive(Debug)]
struct Known {
    source: Source,
    /// Time of its newest line.
    newest: Option<i64>,
    /// Lines that the next reading will meet again.
    given: BTreeSet<(i64, String)>,
}

impl Known {
    /// From when on the next reading must look; a line from the future does not hide those of the present.
    fn from(&self, since: i64, now: i64) -> i64 {
        self.newest.map_or(since, |newest| since.max(newest.min(now) - LATE))
    }
}

impl Reader {
    /// `since` in milliseconds since 1970.
    pub fn new(sources: Vec<Source>, since: i64) -> Self {
        let sources = sources.into_iter().map(|source| Known { source, newest: None, given: BTreeSet::new() }).collect();
        Self { since, sources }
    }

    /// Gives every line that it has not given before to `each`, oldest first, until `each` has enough; answers with the services whose group, or stream, is not there.
    /// `now` is AWS's time.
    ///
    /// # Errors
    /// When AWS does not let it read.
    pub async fn read(
        &mut self,
        cx: &Aws,
        now: i64,
        mut each: impl FnMut(Line) -> ControlFlow<()>,
    ) -> Result<Vec<String>, CallError> {
        let opened = self.sources.iter().map(|known| Cursor::open(cx, &known.source, known.from(self.since, now)));
        let mut cursors = try_join_all(opened).await?;
        while let Some((at, index)) = earliest(&cursors) {
            let known = &mut self.sources[index];
            let Some(event) = cursors[index].next(cx).await? else { break };
            if known.given.insert((at, id(&event))) {
                known.newest = known.newest.max(Some(at));
                let line = line(&known.source, event);
                if each(line).is_break() {
                    break;
                }
            }
            let from = known.from(self.since, now);
            while known.given.first().is_some_and(|(at, _)| *at < from) {
                known.given.pop_first();
            }
        }
        Ok(cursors.iter().filter(|cursor| !cursor.stands).map(|cursor| cursor.source.service.clone()).collect())
    }
}

/// Time of the earliest line that is next in one of them, and in which.
fn earliest(cursors: &[Cursor]) -> Option<(i64, usize)> {
    let heads = cursors.iter().enumerate().filter_map(|(index, cursor)| Some((cursor.page.front()?.timestamp(), index)));
    heads.map(|(at, index)| (at.unwrap_or_default(), index)).min()
}

fn line(source: &Source, event: FilteredLogEvent) -> Line {
    let task = event.log_stream_name().and_then(|stream| stream.rsplit('/').next()).unwrap_or_default().to_owned();
    Line {
        at: event.timestamp().unwrap_or_default(),
        service: source.service.clone(),
        task,
        message: event.message.unwrap_or_default(),
    }
}

/// What tells a line from one like it.
fn id(event: &FilteredLogEvent) -> String {
    let made_up = || format!("{} {}", event.log_stream_name().unwrap_or_default(), event.message().unwrap_or_default());
    event.event_id().map_or_else(made_up, str::to_owned)
}

/// A place in one source; while there is more to read there is something in its page.
struct Cursor {
    source: Source,
    from: i64,
    page: VecDeque<FilteredLogEvent>,
    token: Option<String>,
    stands: bool,
}

impl Cursor {
    async fn open(cx: &Aws, source: &Source, from: i64) -> Result<Self, CallError> {
        let mut cursor = Self { source: source.clone(), from, page: VecDeque::new(), token: None, stands: true };
        cursor.turn(cx).await?;
        Ok(cursor)
    }

    async fn next(&mut self, cx: &Aws) -> Result<Option<FilteredLogEvent>, CallError> {
        let event = self.page.pop_front();
        if self.page.is_empty() && self.token.is_some() {
            self.turn(cx).await?;
        }
        Ok(event)
    }

    /// Reads on until there is something. A page may be empty and yet not be the last one.
    async fn turn(&mut self, cx: &Aws) -> Result<(), CallError> {
        loop {
            let Source { service, group, task } = &self.source;
            let only = task.as_ref().map(|task| vec![stream(service, task)]);
            let request = cx.logs.filter_log_events().log_group_name(group).set_log_stream_names(only).start_time(self.from);
            let reply = request.set_next_token(self.token.take()).send().await.call("logs:FilterLogEvents");
            let Some(reply) = ownership::found(reply)? else {
                self.stands = false;
                return Ok(());
            };
            self.token = reply.next_token;
            self.page.extend(reply.events.unwrap_or_default());
            if !self.page.is_empty() || self.token.is_none() {
                return Ok(());
            }
        }
    }
}

/// The last lines of one stream with their times, oldest first.
pub(crate) async fn last_lines(cx: &Aws, group: &str, stream: &str, most: i32) -> Result<Vec<(i64, String)>, CallError> {
    let request = cx.logs.get_log_events().log_group_name(group).log_stream_name(stream).limit(most).start_from_head(false);
    let reply = request.send().await.call("logs:GetLogEvents")?;
    let events = reply.events.unwrap_or_default();
    Ok(events.into_iter().filter_map(|event| Some((event.timestamp?, event.message?))).collect())
}

/// The task that wrote last into a group, as far as Logs knows within the hour, and is none of `but`.
pub(crate) async fn last_writer(cx: &Aws, group: &str, but: &BTreeSet<String>) -> Result<Option<String>, CallError> {
    let request = cx.logs.describe_log_streams().log_group_name(group).order_by(OrderBy::LastEventTime).descending(true);
    let mut streams = request.into_paginator().items().send();
    while let Some(stream) = streams.next().await {
        let Some(stream) = ownership::found(stream.call("logs:DescribeLogStreams"))? else { return Ok(None) };
        let task = stream.log_stream_name().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
        if !but.contains(task) {
            return Ok(Some(task.to_owned()));
        }
    }
    Ok(None)
}
