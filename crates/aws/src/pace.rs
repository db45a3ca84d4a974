//! How fast AWS lets an account call: token buckets as AWS keeps them, so that a run alone in its account is never throttled.
//!
//! Everything here is counted in AWS's seconds. Others may use the account, too: a service that throttles all the same is asked half as often, and its pace
//! recovers within a minute. Source: `aws-behaviours` 1.3; what is unverified there is guarded the same way.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::calls::is_read;

/// What AWS calls itself in its clients, such as `EC2` and `Elastic Load Balancing v2`, and the operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
}

/// Calls at once, and calls a second from then on.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rate {
    burst: f64,
    refill: f64,
}

const fn rate(burst: f64, refill: f64) -> Rate {
    Rate { burst, refill }
}

/// A part of every bucket is left to AWS: calls do not arrive in the intervals in which they were sent.
const SHARE: f64 = 0.9;
/// The slowest that a service is asked, as a part of its full pace: a call must still get its hundred attempts within an hour.
const SLOWEST: f64 = 0.25;
/// Seconds from the slowest pace back to the full one.
const RECOVERY: f64 = 60.0;

#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    buckets: BTreeMap<String, Bucket>,
    /// Service → its pace when it last throttled, and when that was.
    slowed: BTreeMap<String, (f64, f64)>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: f64,
}

impl Pace {
    /// Takes a token from every bucket of the operation; how many seconds after `now` the call may be sent.
    pub(crate) fn reserve(&self, operation: Operation<'_>, now: f64) -> f64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pace = state.pace(operation.service, now);
        let mut wait = 0.0_f64;
        for (key, rate) in buckets(operation) {
            let (most, refill) = ((rate.burst * SHARE).max(1.0), rate.refill * SHARE * pace);
            let bucket = state.buckets.entry(key).or_insert(Bucket { tokens: most, at: now });
            bucket.tokens = (bucket.tokens + (now - bucket.at).max(0.0) * refill).min(most) - 1.0;
            bucket.at = now;
            wait = wait.max(-bucket.tokens / refill);
        }
        wait
    }

    /// AWS refused a call of this service because there were too many. Refusals within a second are one: they were on their way together.
    pub(crate) fn throttled(&self, service: &str, now: f64) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.slowed.get(service).is_some_and(|(_, at)| now - at < 1.0) {
            return;
        }
        let pace = (state.pace(service, now) / 2.0).max(SLOWEST);
        state.slowed.insert(service.to_owned(), (pace, now));
        // What we thought was left, others have taken.
        for bucket in state.buckets.iter_mut().filter(|(key, _)| key.starts_with(service)).map(|(_, bucket)| bucket) {
            bucket.tokens = bucket.tokens.min(0.0);
        }
    }
}

impl State {
    fn pace(&self, service: &str, now: f64) -> f64 {
        let recovered = |(pace, at): &(f64, f64)| pace + (now - at).max(0.0) * (1.0 - SLOWEST) / RECOVERY;
        self.slowed.get(service).map_or(1.0, recovered).min(1.0)
    }
}

/// The buckets that a call of the operation is taken from; none where AWS's limits are far away (S3, STS).
fn buckets(operation: Operation<'_>) -> Vec<(String, Rate)> {
    let Operation { service, name } = operation;
    let read = is_read(name);
    let own = |rate| vec![(format!("{service}:{name}"), rate)];
    let shared = |group: &str, rate| vec![(format!("{service}/{group}"), rate)];
    match service {
        // Each operation has its own.
        "EC2" => own(match name {
            _ if read => rate(100.0, 20.0),
            "CreateNatGateway" | "DeleteNatGateway" => rate(10.0, 1.0),
            "CreateVpcEndpoint" | "ModifyVpcEndpoint" | "DeleteVpcEndpoints" => rate(4.0, 0.3),
            "CreateTags" | "DeleteTags" => rate(100.0, 10.0),
            _ => rate(50.0, 5.0),
        }),
        // Whatever it is, it is also taken from the one bucket of the service.
        "Elastic Load Balancing v2" => {
            let mut all = shared("all", rate(40.0, 10.0));
            all.extend(match name {
                _ if read => Vec::new(),
                "CreateLoadBalancer" | "SetSubnets" => shared("balancers", rate(10.0, 0.2)),
                "RegisterTargets" | "DeregisterTargets" => shared("targets", rate(20.0, 4.0)),
                _ => shared("changes", rate(20.0, 3.0)),
            });
            all
        }
        "ECS" => match name {
            "TagResource" | "UntagResource" => shared("tags", rate(20.0, 10.0)),
            "DeleteTaskDefinitions" => shared("definitions-deleted", rate(5.0, 1.0)),
            _ if name.contains("TaskDefinition") && read => shared("definitions-read", rate(50.0, 20.0)),
            _ if name.contains("TaskDefinition") => shared("definitions", rate(20.0, 1.0)),
            _ if name.contains("Cluster") && read => shared("clusters-read", rate(50.0, 20.0)),
            _ if name.contains("Cluster") => shared("clusters", rate(20.0, 1.0)),
            "RunTask" | "StopTask" => shared("tasks", rate(20.0, 20.0)),
            _ if read => shared("read", rate(100.0, 20.0)),
            _ => shared("services", rate(50.0, 5.0)),
        },
        "CloudWatch Logs" if name == "FilterLogEvents" => own(rate(5.0, 5.0)),
        "CloudWatch Logs" => own(rate(10.0, 10.0)),
        "Secrets Manager" if !read => shared("changes", rate(50.0, 50.0)),
        "IAM" => {
            if read {
                shared("read", rate(20.0, 20.0))
            } else {
                shared("changes", rate(10.0, 10.0))
            }
        }
        "CloudFront" => {
            if read {
                shared("read", rate(10.0, 5.0))
            } else {
                shared("changes", rate(2.0, 2.0))
            }
        }
        "RDS" | "EFS" => shared("all", rate(10.0, 10.0)),
        "ECR" => own(rate(20.0, 10.0)),
        "Resource Groups Tagging API" => shared("all", rate(15.0, 15.0)),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Operation<'_> = Operation { service: "Elastic Load Balancing v2", name: "CreateRule" };
    const ENDPOINT: Operation<'_> = Operation { service: "EC2", name: "CreateVpcEndpoint" };

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_rate_of_the_bucket() {
        let pace = Pace::default();
        let waits: Vec<f64> = (0..6).map(|_| pace.reserve(ENDPOINT, 0.0)).collect();
        assert_eq!(waits[..3], [0.0; 3]);
        assert!(waits[5] > 2.0 / 0.3 && waits[5] < 3.0 / 0.27, "{waits:?}");
        assert_eq!(pace.reserve(ENDPOINT, 60.0), 0.0, "it fills up again");
    }

    #[test]
    fn reads_and_changes_of_load_balancers_share_what_aws_shares() {
        let pace = Pace::default();
        (0..36).for_each(|_| _ = pace.reserve(Operation { name: "DescribeRules", ..RULE }, 0.0));
        assert!(pace.reserve(RULE, 0.0) > 0.0, "the service's bucket is empty although the changes' is not");
        assert_eq!(pace.reserve(Operation { service: "EC2", name: "DescribeVpcs" }, 0.0), 0.0);
    }

    /// AWS's own bucket, with other users of the account taking a part.
    #[test]
    fn whatever_is_asked_for_never_exceeds_the_bucket_and_a_throttle_slows_the_service_for_a_minute() {
        let pace = Pace::default();
        let sent: Vec<f64> = (0..200).map(|_| pace.reserve(RULE, 0.0)).collect();
        for (index, at) in sent.iter().enumerate() {
            assert!(index as f64 <= 20.0 + at * 3.0, "call {index} is sent after {at} s");
        }
        let spacing = |from: f64| {
            let first = pace.reserve(RULE, from);
            pace.reserve(RULE, from) - first
        };
        let full = spacing(1_000.0).max(1.0 / 2.7);
        pace.throttled(RULE.service, 1_000.5);
        pace.throttled(RULE.service, 1_000.6);
        (0..40).for_each(|_| _ = pace.reserve(RULE, 1_001.0));
        let slow = spacing(1_001.0);
        assert!(slow > 1.8 * full && slow < 2.2 * full, "{slow} after {full}: two refusals at once halve it once");
        (0..40).for_each(|_| _ = pace.reserve(RULE, 1_100.0));
        assert!((spacing(1_100.0) - 1.0 / 2.7).abs() < 0.01);
    }

    #[test]
    fn a_storm_leaves_a_pace_at_which_the_run_ends() {
        let pace = Pace::default();
        (0..100).for_each(|second| pace.throttled(RULE.service, f64::from(second) * 2.0));
        (0..30).for_each(|_| _ = pace.reserve(RULE, 200.0));
        let waits = [pace.reserve(RULE, 200.0), pace.reserve(RULE, 200.0)];
        assert!(waits[1] - waits[0] <= 1.0 / (3.0 * SHARE * SLOWEST) + 0.01, "{waits:?}");
    }
}
