//! Too many calls: ours never are, and those of others are sat out.

use std::collections::BTreeMap;
use std::time::Duration;

use landing_aws::{Aws, Connection, InProcess, SecretValues};
use landing_sandbox::{Faults, Record, Sandbox, Throttle, World};
use landing_tests::{Run, Site, is_read};

use super::{census, deep};
use landing_tests::small::STACK;

fn storm(refuse: f64, seed: u64) -> Faults {
    Faults { seed, throttle: Throttle { buckets: true, refuse }, ..Faults::default() }
}

fn throttled(calls: &[Record]) -> Vec<String> {
    let refused = calls.iter().filter(|call| call.fault.as_deref() == Some("throttled"));
    refused.map(|call| format!("{}:{} at {}", call.service, call.operation, call.at)).collect()
}

/// What it is for, how many calls at once, how many a second from then on, and which calls it counts.
type Bucket = (&'static str, f64, f64, fn(&Record) -> bool);

/// The buckets of the catalogue, section 1.3, that AWS documents.
const BUCKETS: [Bucket; 5] = [
    ("changes of EC2, each its own", 50.0, 5.0, |call| call.service == "ec2" && !is_read(call)),
    ("reads of EC2, each its own", 100.0, 20.0, |call| call.service == "ec2" && is_read(call)),
    ("everything of ELB", 40.0, 10.0, |call| call.service == "elasticloadbalancing"),
    ("changes of ELB", 20.0, 3.0, |call| call.service == "elasticloadbalancing" && !is_read(call)),
    ("task definitions of ECS", 20.0, 1.0, |call| call.operation.ends_with("egisterTaskDefinition")),
];

/// Whether calls, refused ones too, ever came faster than a bucket allows: AWS counts them all.
fn too_fast(calls: &[Record]) -> Vec<String> {
    let mut found = Vec::new();
    for (what, burst, refill, counts) in BUCKETS {
        let mut buckets: BTreeMap<&str, (f64, u64)> = BTreeMap::new();
        for call in calls.iter().filter(|call| counts(call)) {
            let own = if call.service == "ec2" { call.operation.as_str() } else { what };
            let (tokens, at) = buckets.entry(own).or_insert((burst, call.at));
            *tokens = (*tokens + call.at.saturating_sub(*at) as f64 / 1000.0 * refill).min(burst) - 1.0;
            *at = call.at;
            if *tokens < 0.0 {
                found.push(format!("{what}: {} at {}", call.operation, call.at));
            }
        }
    }
    found
}

/// First up, images, second up, a quiet one, and down.
async fn life(site: &Site) -> Vec<(&'static str, Run)> {
    let first = site.up().await.done();
    site.push_images().await;
    vec![("up", first), ("up again", site.up().await.done()), ("down", site.down().await.done())]
}

#[tokio::test(start_paused = true)]
async fn alone_in_its_account_the_program_is_never_throttled() {
    let site = Site::pulse().fork(storm(0.0, 1));
    let empty = site.objects();
    for (what, run) in life(&site).await {
        println!("{what}: {} calls in {:?}", run.calls.len(), run.outcome.elapsed);
        assert_eq!(throttled(&run.calls), Vec::<String>::new(), "{what}");
        assert_eq!(too_fast(&run.calls), Vec::<String>::new(), "{what}");
    }
    assert_eq!(site.objects(), empty);
}

async fn sat_out(account: fn() -> Site, refuse: f64, within: Duration) {
    let calm = account();
    calm.up().await.done();
    let seeds = if deep() { 5 } else { 1 };
    for seed in 1..=seeds {
        let site = account().fork(storm(refuse, seed));
        let empty = site.objects();
        let up = site.up().await.done();
        assert_eq!(census(&site), census(&calm), "seed {seed}");
        let again = site.up().await.done();
        assert_eq!(again.plan.steps.iter().filter(|step| step.changes_aws()).count(), 0, "seed {seed}");
        let down = site.down().await.done();
        assert!(down.left.as_ref().is_some_and(|left| left.is_nothing()), "seed {seed}: {:?}", down.left);
        assert_eq!(site.objects(), empty, "seed {seed}");
        for (what, run) in [("up", &up), ("up again", &again), ("down", &down)] {
            println!("{refuse} refused, seed {seed}, {what}: {} calls in {:?}", run.calls.len(), run.outcome.elapsed);
            assert_eq!(too_fast(&run.calls), Vec::<String>::new(), "seed {seed}, {what}");
            assert!(run.outcome.elapsed < within, "seed {seed}, {what}: {:?}", run.outcome.elapsed);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_that_refuses_30_of_100_is_sat_out() {
    sat_out(Site::pulse, 0.3, Duration::from_secs(1200)).await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_that_refuses_60_of_100_is_sat_out() {
    sat_out(Site::pulse, 0.6, Duration::from_secs(1800)).await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_that_refuses_90_of_100_is_sat_out() {
    // Ten calls for one: the reference stack takes its time.
    let account = if deep() { Site::pulse } else { || Site::new(STACK) };
    sat_out(account, 0.9, Duration::from_secs(3600)).await;
}

/// An AWS that plays faster forgives faster, and is asked faster.
#[tokio::test(start_paused = true)]
async fn a_storm_takes_as_long_in_aws_s_time_however_fast_the_sandbox_plays() {
    let mut took = Vec::new();
    for scale in [1.0, 60.0, 600.0] {
        let sandbox = Sandbox::with_faults(World::new("us-west-2"), scale, storm(0.6, 3));
        let began = sandbox.with_world(|world| world.now);
        let connection = Connection {
            region: Some("us-west-2".into()),
            in_process: Some(InProcess { api: sandbox.http_client(), public: sandbox.public() }),
            time_scale: Some(scale),
            ..Connection::default()
        };
        let aws = Aws::connect(connection, SecretValues::new([])).await.unwrap();
        for _ in 0..100 {
            aws.zones().await.unwrap();
        }
        took.push((sandbox.with_world(|world| world.now) - began) as f64 / 1000.0);
    }
    println!("AWS seconds for 100 readings at 1, 60 and 600: {took:?}");
    let (least, most) = (took.iter().copied().fold(f64::MAX, f64::min), took.iter().copied().fold(0.0, f64::max));
    assert!(most < 2.0 * least, "{took:?}");
}
