//! Eventual consistency: copies of the world as it was a while ago, from which lagging answers come.
//!
//! The past is a part of the world, so that a fork of it, taken where a client died, is as forgetful as AWS would be to the next one.
//!
//! A copy is answered from at the time that it lags to, and nothing happens in it on its own: the scheduler of a copy would make tasks with ids of their
//! own, which the truth never had. So copies are taken at calls that change nothing, too, and states that come by time lag like everything else.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use super::dice::{self, Purpose};
use super::settings::Consistency;
use crate::call::Call;
use crate::clock::Millis;
use crate::services;
use crate::tags::Tags;
use crate::wire::Service;
use crate::world::World;

/// Copies are this much closer together than the longest lag: more of them cost time and show nothing new.
const COPIES: f64 = 48.0;

/// The Tagging API is never up to date (catalogue, section 13).
const TAGGING_LAG: f64 = 5.0;

/// What is gone, as the Tagging API still lists it.
#[derive(Clone, Debug)]
pub(crate) struct Ghost {
    pub(crate) arn: String,
    pub(crate) tags: Tags,
    /// Listed in us-east-1, as global objects are.
    pub(crate) global: bool,
    until: Millis,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// From old to new; the oldest is at least as old as the longest lag, once the world is.
    copies: VecDeque<Arc<World>>,
    pub(crate) ghosts: Vec<Ghost>,
}

impl Past {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.copies.is_empty() && self.ghosts.is_empty()
    }

    /// Remembers the world as it is; `changed` when a call just changed it.
    pub(super) fn keep(world: &mut World, consistency: &Consistency, seed: u64, number: u64, changed: bool) {
        let apart = apart(consistency);
        let copies = &world.past.copies;
        let (last, before) = (copies.back().map(|copy| copy.now), copies.iter().rev().nth(1).map(|copy| copy.now));
        if !changed && last.is_some_and(|last| world.now < last + apart) {
            return;
        }
        let now = world.now;
        let mut copy = world.fork();
        copy.past = Self::default();
        let copy = Arc::new(copy);
        Self::bury(world, &copy, consistency, seed, number);
        let copies = &mut world.past.copies;
        // The last copy can go when the one before it is near enough to stand for it until now; the newest always stays, it holds what just changed.
        if before.is_some_and(|before| now - before < apart) {
            copies.pop_back();
        }
        copies.push_back(copy);
        let oldest = now.saturating_sub(longest(consistency));
        while copies.get(1).is_some_and(|second| second.now <= oldest) {
            copies.pop_front();
        }
    }

    /// What was listed in the last copy and is not in this one becomes a ghost for a while.
    fn bury(world: &mut World, copy: &World, consistency: &Consistency, seed: u64, number: u64) {
        let now = world.now;
        world.past.ghosts.retain(|ghost| ghost.until > now);
        let Some(last) = world.past.copies.back() else {
            return;
        };
        let lists = [(services::tagged as fn(&World) -> _, false), (services::tagged_global, true)];
        let mut dead = Vec::new();
        for (list, global) in lists {
            let alive: BTreeSet<String> = list(copy).into_iter().map(|(arn, _)| arn).collect();
            let gone = list(last).into_iter().filter(|(arn, tags)| !tags.is_empty() && !alive.contains(arn));
            dead.extend(gone.map(|(arn, tags)| (arn, tags, global)));
        }
        for (index, (arn, tags, global)) in dead.into_iter().enumerate() {
            let listed = dice::draw(seed, number, Purpose::Ghost(index)) * consistency.ghosts;
            world.past.ghosts.push(Ghost { arn, tags, global, until: now + millis(listed) });
        }
    }

    /// The world as it was at `at`, or as it was found when that is before its time.
    pub(super) fn at(&self, at: Millis) -> Option<World> {
        let copy = self.copies.iter().rev().find(|copy| copy.now <= at).or(self.copies.front())?;
        let mut world = copy.fork();
        world.now = copy.now.max(at);
        Some(world)
    }
}

/// How far the answer to this call lags; `None` when it comes from the truth.
pub(super) fn lag(consistency: &Consistency, service: &Service, call: &Call, seed: u64, number: u64) -> Option<Millis> {
    let name = service.signed_as[0];
    if never_lags(service, call)
        || !(consistency.services.is_empty() || consistency.services.iter().any(|lagging| lagging == name))
    {
        return None;
    }
    let part = dice::draw(seed, number, Purpose::Lag);
    if service.name == "tagging" {
        return Some(millis(TAGGING_LAG + part * (consistency.tagging - TAGGING_LAG).max(0.0)));
    }
    if dice::draw(seed, number, Purpose::Fresh) < consistency.fresh {
        return None;
    }
    let window = match call.operation.as_str() {
        "ListSecrets" => consistency.window.max(consistency.secrets_list),
        _ => consistency.window,
    };
    // Between two copies the older one answers, so that much is kept from the window.
    Some((part * millis(window).saturating_sub(apart(consistency)) as f64) as Millis)
}

/// S3 promises strong consistency for objects; the others say nothing about the account's objects.
fn never_lags(service: &Service, call: &Call) -> bool {
    match service.name {
        "sts" => true,
        "s3" => call.operation.contains("Object"),
        _ => matches!(call.operation.as_str(), "GetRandomPassword" | "GetAuthorizationToken"),
    }
}

fn longest(consistency: &Consistency) -> Millis {
    millis(consistency.window.max(consistency.tagging).max(TAGGING_LAG).max(consistency.secrets_list))
}

fn apart(consistency: &Consistency) -> Millis {
    (longest(consistency) as f64 / COPIES) as Millis
}

pub(super) fn millis(seconds: f64) -> Millis {
    (seconds * 1000.0) as Millis
}
