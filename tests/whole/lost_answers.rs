//! No answer: what was asked for may have been done. Every call that changes something loses its answer once, and nothing comes of it.

use std::collections::BTreeMap;

use landing_sandbox::{CallFault, Faults, Refusal, What};
use landing_tests::small::STACK;
use landing_tests::{Site, shown};

/// More of it, and another value for what has one.
pub(super) fn edit(site: &Site) {
    site.edit("landing.toml", r#"paths = ["/api/*"]"#, "cpu = 512\nmemory = 1024\npaths = [\"/api/*\", \"/hooks/*\"]");
    site.edit("landing.toml", "tcp = [1883]", "tcp = [1883, 8883]");
    site.edit("landing.toml", r#"class = "db.t3.micro""#, r#"class = "db.t3.small""#);
    site.edit("landing.toml", r#"branch = "main""#, r#"branch = "trunk""#);
    site.edit("docker-compose.yml", "BROKER: broker:1883", "BROKER: tcp://broker:1883");
}

/// The answer of the `nth` call of an operation is lost.
fn lost(operation: &str, nth: u64) -> Faults {
    let on = operation.parse().expect("an operation is a pattern");
    Faults { calls: vec![CallFault { on, nth: vec![nth], share: None, what: What::Lost }], ..Faults::default() }
}

/// Objects by kind: their ids differ from run to run.
fn census(site: &Site) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for object in site.objects() {
        *census.entry(object.split_whitespace().next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    census
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Going {
    Up,
    Down,
}

async fn every_call_loses_its_answer(before: &Site, going: Going) -> usize {
    lose_answers(before, going, |_| true).await
}

/// Runs the phase from `before` once for each of its calls that is `meant`, with that one's answer lost; how many those were.
pub(super) async fn lose_answers(before: &Site, going: Going, meant: impl Fn(&str) -> bool) -> usize {
    let run = async |site: &Site| match going {
        Going::Up => site.up().await,
        Going::Down => site.down().await,
    };
    let undisturbed = before.fork(Faults::default());
    let mut calls = run(&undisturbed).await.done().mutations();
    calls.retain(|call| meant(call));
    let expected = census(&undisturbed);
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let mut wrong = Vec::new();
    for operation in &calls {
        let nth = counts.entry(operation).or_default();
        *nth += 1;
        let site = before.fork(lost(operation, *nth));
        let disturbed = run(&site).await;
        let mut see = |what: String| wrong.push(format!("{operation} number {nth}: {what}"));
        if !disturbed.calls.iter().any(|call| call.fault.as_deref() == Some("lost")) {
            see("it was not called so often".to_owned());
        }
        if !disturbed.outcome.is_complete() {
            see(format!("{:?}", disturbed.outcome.failed));
            continue;
        }
        if census(&site) != expected {
            see(format!("{:?} in place of {expected:?}", census(&site)));
        }
        let after = run(&site.fork(Faults::default())).await;
        if !after.mutations().is_empty() {
            see(format!("there is more to do: {}", shown(&after.plan)));
        }
    }
    assert!(wrong.is_empty(), "{going:?}, answers lost one by one:\n{}", wrong.join("\n"));
    calls.len()
}

#[tokio::test(start_paused = true)]
async fn an_up_whose_answers_are_lost_makes_nothing_twice_and_leaves_nothing_to_do() {
    let calls = every_call_loses_its_answer(&Site::new(STACK), Going::Up).await;
    println!("{calls} answers lost in a first up");
}

#[tokio::test(start_paused = true)]
async fn a_change_whose_answers_are_lost_changes_the_same() {
    let site = Site::new(STACK);
    site.up().await.done();
    edit(&site);
    let calls = every_call_loses_its_answer(&site, Going::Up).await;
    println!("{calls} answers lost in a change");
}

#[tokio::test(start_paused = true)]
async fn a_down_whose_answers_are_lost_leaves_nothing() {
    let site = Site::new(STACK);
    site.up().await.done();
    let calls = every_call_loses_its_answer(&site, Going::Down).await;
    println!("{calls} answers lost in a down");
}

/// Each of these makes something, and is protected by something else: nothing, a range, a priority, a name, the latest revision, a caller's reference.
const CREATES: [&str; 7] = [
    "ec2:CreateVpc",
    "ec2:CreateSubnet",
    "elasticloadbalancing:CreateRule",
    "elasticloadbalancing:CreateLoadBalancer",
    "ecs:RegisterTaskDefinition",
    "s3:CreateBucket",
    "cloudfront:CreateDistribution*",
];

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_answer_is_taken_for_a_lost_one() {
    let site = Site::new(STACK);
    let undisturbed = site.fork(Faults::default());
    undisturbed.up().await.done();
    let fault =
        Refusal { status: 500, code: "InternalError".into(), message: "We encountered an internal error.".into(), acted: true };
    // Ten minutes: nobody waits for that.
    for what in [What::Garbled, What::Slow(600.0), What::Error(fault)] {
        let fault = |on: &str| CallFault { on: on.parse().unwrap(), nth: vec![1], share: None, what: what.clone() };
        let disturbed = site.fork(Faults { calls: CREATES.iter().copied().map(fault).collect(), ..Faults::default() });
        let run = disturbed.up().await.done();
        let struck: Vec<&str> =
            run.calls.iter().filter(|call| call.fault.is_some()).map(|call| call.operation.as_str()).collect();
        assert_eq!(struck.len(), CREATES.len(), "{what:?}: {struck:?}");
        assert_eq!(census(&disturbed), census(&undisturbed), "{what:?}");
        assert!(disturbed.plan().await.is_empty(), "{what:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_hangs_is_asked_again() {
    let site = Site::new(STACK);
    site.up().await.done();
    let fault = |on: &str| CallFault { on: on.parse().unwrap(), nth: vec![1], share: None, what: What::Slow(3600.0) };
    let readings = ["ec2:DescribeVpcs", "rds:DescribeDBInstances", "cloudfront:GetDistribution", "ecs:DescribeServices"];
    let slow = site.fork(Faults { calls: readings.into_iter().map(fault).collect(), ..Faults::default() });
    let started = tokio::time::Instant::now();
    assert!(slow.plan().await.is_empty());
    let calls = slow.sandbox.with_world(|world| world.calls.clone());
    let hung: Vec<String> = calls.into_iter().filter(|call| call.fault.is_some()).map(|call| call.operation).collect();
    assert_eq!(hung.len(), readings.len(), "{hung:?}");
    assert!(started.elapsed() < std::time::Duration::from_secs(5 * 60), "{:?}", started.elapsed());
}
