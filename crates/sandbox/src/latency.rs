//! How long things take, in milliseconds of the world: the catalogue's section 16, shortest, typical and longest plausible.
//!
//! Estimates, never measured against AWS. A world takes the typical value unless its faults ask for another: the shortest, the longest, or one that is
//! drawn by the seed and the object's id, so that the same run has the same durations.

use sha2::{Digest, Sha256};

use crate::clock::Millis;
use crate::faults::Durations;
use crate::world::World;

pub(crate) const SECOND: Millis = 1000;
/// What has no spread: how long AWS goes on showing what is gone, about an hour.
pub(crate) const NAT_GHOST: Millis = 3600 * SECOND;
/// Stopped tasks, INACTIVE services and clusters stay describable for about an hour.
pub(crate) const ECS_GHOST: Millis = 3600 * SECOND;
/// How long a task runs that cannot go on: until its process ends, or until the checks of its health have failed often enough (estimate).
pub(crate) const UNFIT_TASK_LIVES: Millis = 20 * SECOND;
/// How long a one-off task of the sandbox works before it exits.
pub(crate) const ONE_OFF_WORK: Millis = 20 * SECOND;

/// Shortest, typical and longest plausible time of something, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Tells one kind of waiting from another when values are drawn.
    name: &'static str,
    shortest: Millis,
    typical: Millis,
    longest: Millis,
}

/// Seconds, as the catalogue writes them.
const fn span(name: &'static str, shortest: Millis, typical: Millis, longest: Millis) -> Span {
    Span { name, shortest: shortest * SECOND, typical: typical * SECOND, longest: longest * SECOND }
}

/// The time of one API call itself. The catalogue has it kind by kind; one value stands for them all.
pub(crate) const API_CALL: Span = Span { name: "api", shortest: 200, typical: 300, longest: 2000 };
pub(crate) const VPC_READY: Span = span("vpc", 0, 2, 30);
pub(crate) const SUBNET_READY: Span = span("subnet", 0, 2, 30);
pub(crate) const NAT_READY: Span = span("nat", 45, 100, 600);
pub(crate) const NAT_GONE: Span = span("nat gone", 30, 60, 600);
/// A NAT gateway that cannot work says so sooner (estimate).
pub(crate) const NAT_FAILED: Span = span("nat failed", 5, 15, 60);
pub(crate) const GATEWAY_ENDPOINT_READY: Span = span("gateway endpoint", 1, 5, 30);
pub(crate) const GATEWAY_ENDPOINT_GONE: Span = span("gateway endpoint gone", 2, 10, 60);
pub(crate) const DB_READY: Span = span("db", 240, 360, 1200);
pub(crate) const DB_READY_MULTI_AZ: Span = span("db", 480, 720, 1800);
pub(crate) const DB_GONE: Span = span("db gone", 120, 300, 900);
pub(crate) const DB_GONE_MULTI_AZ: Span = span("db gone", 180, 360, 1200);
/// Its interface may stay a while after the instance (catalogue, 15.2).
pub(crate) const DB_INTERFACE_GONE: Span = span("db interface gone", 0, 0, 60);
pub(crate) const DB_MODIFY: Span = span("db modify", 30, 60, 300);
/// Class, version, storage: what restarts the instance.
pub(crate) const DB_MODIFY_CLASS: Span = span("db modify class", 300, 600, 1800);
/// What a final snapshot adds to `DB_GONE`.
pub(crate) const DB_SNAPSHOT: Span = span("db snapshot", 120, 300, 900);
/// Not in the catalogue; as a change without a restart.
pub(crate) const DB_REBOOT: Span = span("db reboot", 30, 60, 300);
pub(crate) const LOAD_BALANCER_READY: Span = span("load balancer", 60, 120, 300);
pub(crate) const LOAD_BALANCER_LISTED: Span = span("load balancer listed", 1, 5, 30);
pub(crate) const ALB_INTERFACES_GONE: Span = span("alb interfaces gone", 15, 75, 600);
pub(crate) const NLB_INTERFACES_GONE: Span = span("nlb interfaces gone", 60, 120, 900);
pub(crate) const CLUSTER_READY: Span = span("cluster", 0, 2, 30);
pub(crate) const NAMESPACE_READY: Span = span("namespace", 2, 8, 60);
pub(crate) const NAMESPACE_GONE: Span = span("namespace gone", 2, 10, 60);
pub(crate) const TASK_RUNNING: Span = span("task", 15, 40, 180);
pub(crate) const SERVICE_STEADY: Span = span("service", 30, 75, 300);
pub(crate) const SERVICE_STEADY_BEHIND_LOAD_BALANCER: Span = span("service", 60, 150, 600);
pub(crate) const SERVICE_GONE: Span = span("service gone", 20, 60, 300);
pub(crate) const TASK_INTERFACE_GONE: Span = span("task interface gone", 10, 30, 180);
/// A task's way out, from `stopping` to `STOPPED`: SIGTERM and at most the stop timeout (estimate).
pub(crate) const TASK_STOPS: Span = span("task stops", 2, 10, 30);
/// Task definitions in DELETE_IN_PROGRESS (estimate).
pub(crate) const TASK_DEFINITION_GONE: Span = span("task definition gone", 2, 10, 60);
/// ECS removes its Cloud Map services a while after the ECS service became INACTIVE (estimate).
pub(crate) const DISCOVERY_SERVICE_GONE: Span = span("discovery service gone", 2, 10, 120);
pub(crate) const DISTRIBUTION_DEPLOYED: Span = span("distribution", 120, 210, 1200);
pub(crate) const DISTRIBUTION_DISABLED: Span = span("distribution disabled", 120, 210, 900);
pub(crate) const FILE_SYSTEM_READY: Span = span("file system", 2, 6, 60);
pub(crate) const FILE_SYSTEM_GONE: Span = span("file system gone", 2, 10, 60);
pub(crate) const MOUNT_TARGET_READY: Span = span("mount target", 45, 90, 240);
/// From then on until its name can be looked up (catalogue, 14: "DNS +90").
pub(crate) const MOUNT_TARGET_NAMED: Span = span("mount target named", 0, 60, 90);
pub(crate) const MOUNT_TARGET_GONE: Span = span("mount target gone", 20, 60, 240);
/// Not in the catalogue.
pub(crate) const ACCESS_POINT_READY: Span = span("access point", 1, 3, 30);
pub(crate) const ACCESS_POINT_GONE: Span = span("access point gone", 1, 3, 30);
pub(crate) const SECRET_NAME_FREE: Span = span("secret name free", 2, 10, 120);
pub(crate) const INVALIDATION_DONE: Span = span("invalidation", 8, 30, 600);

impl Span {
    /// The time that it takes for `subject`: an id, with more in it where the same thing can happen to it twice.
    pub(crate) fn of(&self, world: &World, subject: &str) -> Millis {
        pace(world).of(self, subject)
    }
}

/// Which of a span's values a world takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    Typical,
    Shortest,
    Longest,
    /// By this seed.
    Drawn(u64),
}

/// For code that holds a part of the world already.
pub(crate) fn pace(world: &World) -> Pace {
    match world.faults.durations {
        Durations::Typical => Pace::Typical,
        Durations::Shortest => Pace::Shortest,
        Durations::Longest => Pace::Longest,
        Durations::Drawn => Pace::Drawn(world.faults.seed),
    }
}

impl Pace {
    pub(crate) fn of(self, span: &Span, subject: &str) -> Millis {
        match self {
            Self::Typical => span.typical,
            Self::Shortest => span.shortest,
            Self::Longest => span.longest,
            Self::Drawn(seed) => drawn(span, fraction(seed, span.name, subject)),
        }
    }
}

/// Half of the draws are quicker than typical. The other half is slower, most of it by little: the longest is rare.
fn drawn(span: &Span, fraction: f64) -> Millis {
    let part = (fraction * 2.0).fract();
    if fraction < 0.5 {
        span.shortest + ((span.typical - span.shortest) as f64 * part) as Millis
    } else {
        span.typical + ((span.longest - span.typical) as f64 * part.powi(3)) as Millis
    }
}

/// From 0 to 1, the same for the same three.
fn fraction(seed: u64, name: &str, subject: &str) -> f64 {
    let digest = Sha256::digest(format!("{seed} {name} {subject}").as_bytes());
    let number = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{NAT_READY, Pace, SECOND};

    #[test]
    fn draws_stay_within_the_span_and_are_the_same_for_the_same_object() {
        let pace = Pace::Drawn(7);
        let times: Vec<u64> = (0..200).map(|n| pace.of(&NAT_READY, &format!("nat-{n}"))).collect();
        assert_eq!(times[3], pace.of(&NAT_READY, "nat-3"));
        assert!(times.iter().all(|time| (45 * SECOND..=600 * SECOND).contains(time)), "{times:?}");
        let quick = times.iter().filter(|time| **time < 100 * SECOND).count();
        assert!((70..130).contains(&quick), "about half are quicker than typical, not {quick} of 200");
        assert_ne!(times[0], Pace::Drawn(8).of(&NAT_READY, "nat-0"), "another seed, another time");
    }
}
