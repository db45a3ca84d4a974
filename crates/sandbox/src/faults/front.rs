//! The front of the sandbox: what every call passes before and after a service acts on it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::dice::{self, Purpose};
use super::past::{self, Past};
use super::settings::{CallFault, Consistency, Faults, Refusal, What};
use super::throttle::Buckets;
use super::watcher::{Moment, Sight, Then, Watcher};
use super::{actions, refusal};
use crate::call::Call;
use crate::clock::{Millis, http_date};
use crate::fault::Fault;
use crate::services::{self, is_read};
use crate::wire::{self, Reply, Response, Service};
use crate::world::{Record, World};

/// What the sandbox calls itself.
const SERVER: &str = "landing-sandbox";

/// What a client sees of a call.
#[derive(Debug)]
pub(crate) enum Seen {
    Answer(Response),
    /// The connection is closed in its face.
    Closed,
    /// Nothing, ever.
    Silence,
}

/// What was decided about a call when it came in.
#[derive(Clone, Debug)]
pub(crate) struct Fate {
    /// The first call that the sandbox gets is 1.
    number: u64,
    pub(crate) what: Option<What>,
}

/// Shared by all clones of one sandbox.
#[derive(Default)]
pub(crate) struct Front {
    faults: Arc<Faults>,
    watcher: Mutex<Option<Arc<dyn Watcher>>>,
    memory: Mutex<Memory>,
}

/// What the faults need to know of the calls before. It is saved nowhere: a sandbox begins with fresh buckets and fresh credentials.
#[derive(Debug, Default)]
struct Memory {
    calls: u64,
    /// How many calls fitted each rule.
    fitted: Vec<u64>,
    buckets: Buckets,
    /// By access key: calls, and the time of the first one.
    keys: BTreeMap<String, (u64, Millis)>,
    /// Which time the pages of a list come from; the last few lists.
    lists: VecDeque<(String, Option<Millis>)>,
}

/// More lists than any client reads at once.
const LISTS: usize = 64;

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("faults", &self.faults).finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Front {
    pub(crate) fn new(faults: Arc<Faults>) -> Self {
        Self { faults, ..Self::default() }
    }

    pub(crate) fn watch(&self, watcher: Arc<dyn Watcher>) {
        *locked(&self.watcher) = Some(watcher);
    }

    /// Numbers the call and looks for the rule that decides it.
    pub(crate) fn receive(&self, service: &Service, call: &Call) -> Fate {
        let mut memory = locked(&self.memory);
        memory.calls += 1;
        let number = memory.calls;
        memory.fitted.resize(self.faults.calls.len(), 0);
        let mut what = None;
        for (index, rule) in self.faults.calls.iter().enumerate() {
            if !rule.on.matches(service.signed_as[0], &call.operation) {
                continue;
            }
            memory.fitted[index] += 1;
            if what.is_none() && self.strikes(rule, index, memory.fitted[index], number) {
                what = Some(rule.what.clone());
            }
        }
        Fate { number, what }
    }

    fn strikes(&self, rule: &CallFault, index: usize, nth: u64, number: u64) -> bool {
        let chosen = rule.nth.is_empty() || rule.nth.contains(&nth);
        chosen && rule.share.is_none_or(|share| dice::draw(self.faults.seed, number, Purpose::Rule(index)) < share)
    }

    /// One call at the world's present time.
    pub(crate) fn pass(&self, world: &mut World, service: &Service, call: &Call, fate: &Fate) -> Seen {
        if fate.what == Some(What::Cut) {
            record(world, service, call, None, Some("cut"));
            return Seen::Closed;
        }
        match self.look(Moment::Received, world, service, call) {
            Then::Go => {}
            Then::Hold => return Seen::Silence,
            Then::Cut => {
                record(world, service, call, None, Some("cut"));
                return Seen::Closed;
            }
        }
        let response = self.act(world, service, call, fate);
        match (self.look(Moment::Acted, world, service, call), &fate.what) {
            (Then::Hold, _) => Seen::Silence,
            (Then::Cut, _) | (Then::Go, Some(What::Lost)) => Seen::Closed,
            (Then::Go, Some(What::Garbled)) => garbled(response),
            (Then::Go, _) => Seen::Answer(response),
        }
    }

    fn look(&self, moment: Moment, world: &World, service: &Service, call: &Call) -> Then {
        let watcher = locked(&self.watcher).clone();
        let sight = Sight { service: service.signed_as[0], operation: &call.operation, read: is_read(&call.operation) };
        watcher.map_or(Then::Go, |watcher| watcher.see(moment, sight, world))
    }

    /// The answer, with its effect on the world and its line in the call log.
    fn act(&self, world: &mut World, service: &Service, call: &Call, fate: &Fate) -> Response {
        let request_id = world.hex();
        let (result, fault) = match (self.turned_away(world, service, call, fate), &fate.what) {
            (Some((fault, why)), _) => (Err(fault), Some(why)),
            (None, Some(What::Error(refusal))) => (Err(self.refuse(world, service, call, fate, refusal)), Some("error")),
            (None, what) => {
                let (result, stale) = self.answer(world, service, call, fate);
                (result, what.as_ref().map(What::word).or(stale.then_some("stale")))
            }
        };
        record(world, service, call, result.as_ref().err(), fault);
        let mut response = match result {
            Ok(reply) => wire::render(service, call, reply, &request_id),
            Err(fault) => wire::render_fault(service, call, &fault, &request_id),
        };
        // Every answer tells the time, and whoever shares a lock by leases counts on it.
        response.headers.push(("date".to_owned(), http_date(world.now)));
        // And that it is no AWS.
        response.headers.push(("server".to_owned(), SERVER.to_owned()));
        response
    }

    /// What AWS asks before it looks at a call: who is it, is it too fast, is it allowed.
    fn turned_away(&self, world: &World, service: &Service, call: &Call, fate: &Fate) -> Option<(Fault, &'static str)> {
        if self.credentials_are_over(world.now, call) {
            return Some((refusal::expired(service), "expired"));
        }
        if self.is_too_fast(world.now, service, call, fate.number) {
            return Some((refusal::throttled(service), "throttled"));
        }
        let action = self.denied_action(service, call)?;
        Some((refusal::denied(service, &action, world), "denied"))
    }

    fn credentials_are_over(&self, now: Millis, call: &Call) -> bool {
        let limits = &self.faults.credentials;
        if limits.expire_after_calls.is_none() && limits.expire_after_seconds.is_none() {
            return false;
        }
        let key = call.header("authorization").and_then(access_key).unwrap_or_default().to_owned();
        let mut memory = locked(&self.memory);
        let (calls, since) = memory.keys.entry(key).or_insert((0, now));
        *calls += 1;
        limits.expire_after_calls.is_some_and(|limit| *calls > limit)
            || limits.expire_after_seconds.is_some_and(|limit| now >= *since + past::millis(limit))
    }

    fn is_too_fast(&self, now: Millis, service: &Service, call: &Call, number: u64) -> bool {
        let throttle = &self.faults.throttle;
        let storm = throttle.refuse > 0.0 && dice::draw(self.faults.seed, number, Purpose::Storm) < throttle.refuse;
        storm || (throttle.buckets && !locked(&self.memory).buckets.take(service, call, now))
    }

    fn denied_action(&self, service: &Service, call: &Call) -> Option<String> {
        if self.faults.deny.is_empty() {
            return None;
        }
        actions::actions(service, call).into_iter().find(|action| {
            let (prefix, name) = action.split_once(':').unwrap_or_default();
            let prefix = if prefix == "tag" { "tagging" } else { prefix };
            self.faults.deny.iter().any(|pattern| pattern.matches(prefix, name))
        })
    }

    fn refuse(&self, world: &mut World, service: &Service, call: &Call, fate: &Fate, refusal: &Refusal) -> Fault {
        if refusal.acted {
            // Whatever comes of it, the caller hears of the error alone.
            let _ = self.answer(world, service, call, fate);
        }
        Fault::new(&refusal.code, &refusal.message).status(refusal.status)
    }

    /// What the service says, and whether it says so because it lags.
    fn answer(&self, world: &mut World, service: &Service, call: &Call, fate: &Fate) -> (Result<Reply, Fault>, bool) {
        let Some(consistency) = &self.faults.consistency else {
            return (services::handle(world, call), false);
        };
        Past::keep(world, consistency, self.faults.seed, fate.number, false);
        let asked = self.asked_of(world, consistency, service, call, fate.number);
        let copy = asked.and_then(|at| world.past.at(at));
        if is_read(&call.operation) {
            return match copy {
                Some(mut copy) => {
                    copy.past.ghosts = world.past.ghosts.clone();
                    (services::handle(&mut copy, call), true)
                }
                None => (services::handle(world, call), false),
            };
        }
        if let Some(mut copy) = copy
            && let Err(fault) = services::handle(&mut copy, call)
            && refusal::says_unknown(&fault)
            && services::handle(&mut world.fork(), call).is_ok()
        {
            return (Err(fault), true);
        }
        let result = services::handle(world, call);
        if result.is_ok() {
            Past::keep(world, consistency, self.faults.seed, fate.number, true);
        }
        (result, false)
    }

    /// The moment as of which the call is answered; `None` is the present. All pages of a list come from the moment of its first one.
    fn asked_of(&self, world: &World, consistency: &Consistency, service: &Service, call: &Call, number: u64) -> Option<Millis> {
        let lag = past::lag(consistency, service, call, self.faults.seed, number);
        let at = lag.map(|lag| world.now.saturating_sub(lag));
        if !is_read(&call.operation) {
            return at;
        }
        let (list, goes_on) = list_of(call);
        let mut memory = locked(&self.memory);
        if goes_on {
            let first = memory.lists.iter().rev().find(|(name, _)| *name == list);
            return first.map_or(at, |(_, first)| *first);
        }
        memory.lists.retain(|(name, _)| *name != list);
        if memory.lists.len() == LISTS {
            memory.lists.pop_front();
        }
        memory.lists.push_back((list, at));
        at
    }
}

/// A list's name without its page, and whether this asks for a later page.
fn list_of(call: &Call) -> (String, bool) {
    const PAGES: [&str; 6] = ["nexttoken", "marker", "paginationtoken", "continuation-token", "key-marker", "version-id-marker"];
    let is_page = |key: &str| PAGES.contains(&key.to_lowercase().as_str());
    let mut input = call.input.clone();
    let mut query = call.query.clone();
    let mut goes_on = query.iter().any(|(key, value)| is_page(key) && !value.is_empty());
    query.retain(|(key, _)| !is_page(key));
    if let Value::Object(map) = &mut input {
        goes_on |= map.iter().any(|(key, value)| is_page(key) && value.as_str().is_some_and(|token| !token.is_empty()));
        map.retain(|key, _| !is_page(key));
    }
    (format!("{} {} {:?} {query:?} {input}", call.service, call.operation, call.path), goes_on)
}

/// `AWS4-HMAC-SHA256 Credential=AKID/20260101/…` → `AKID`.
fn access_key(authorization: &str) -> Option<&str> {
    authorization.split("Credential=").nth(1)?.split('/').next()
}

/// The answer ends in the middle of its body. One without a body has no middle: the connection is closed.
fn garbled(mut response: Response) -> Seen {
    if response.body.len() < 2 {
        return Seen::Closed;
    }
    response.body.truncate(response.body.len() / 2);
    Seen::Answer(response)
}

fn record(world: &mut World, service: &Service, call: &Call, refused: Option<&Fault>, fault: Option<&str>) {
    world.calls.push(Record {
        at: world.now,
        service: service.signed_as[0].to_owned(),
        operation: call.operation.clone(),
        refused: refused.map(|fault| fault.code.clone()),
        fault: fault.map(str::to_owned),
    });
}
