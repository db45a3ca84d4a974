//! Eventual consistency: each reading is as of a moment up to a minute ago, one this, the next one that.

use std::time::Duration;

use landing_sandbox::{Consistency, Faults};
use landing_tests::{Site, shown, steps};

use super::super::lost_answers::edit;
use super::{census, deep};
use landing_tests::small::STACK;

fn late(seed: u64) -> Faults {
    Faults { seed, consistency: Some(Consistency::default()), ..Faults::default() }
}

/// An `up` within the minute may see values of before and set them once more, to what they are: no object comes or goes by it. After the minute there is
/// nothing to do.
async fn nothing_more(site: &Site, seed: u64) {
    let stand = site.objects();
    let hasty = site.up().await.done();
    let makes: Vec<String> = steps(&hasty.plan).into_iter().filter(|step| !step.starts_with("update ")).collect();
    assert_eq!(makes, Vec::<String>::new(), "seed {seed}");
    assert_eq!(site.objects(), stand, "seed {seed}");
    tokio::time::sleep(Duration::from_secs(120)).await;
    let again = site.up().await.done();
    assert_eq!(again.mutations(), Vec::<String>::new(), "seed {seed}: {}", shown(&again.plan));
}

/// The whole life, each command right after the one before.
async fn lives(site: &Site, change: fn(&Site), seed: u64) {
    let empty = site.objects();
    let calm = site.fork(Faults::default());
    calm.up().await.done();
    let site = site.fork(late(seed));
    let up = site.up().await.done();
    assert_eq!(census(&site), census(&calm), "seed {seed}: up");
    nothing_more(&site, seed).await;
    change(&site);
    change(&calm);
    let expected = steps(&calm.plan().await);
    let changed = site.up().await.done();
    assert_eq!(steps(&changed.plan), expected, "seed {seed}");
    calm.up().await.done();
    assert_eq!(census(&site), census(&calm), "seed {seed}: change");
    nothing_more(&site, seed).await;
    let down = site.down().await.done();
    assert!(down.left.as_ref().is_some_and(|left| left.is_nothing()), "seed {seed}: {:?}", down.left);
    assert_eq!(site.objects(), empty, "seed {seed}: down");
    let stale = up.calls.iter().filter(|call| call.fault.as_deref() == Some("stale")).count();
    let (up, down) = (up.outcome.elapsed, down.outcome.elapsed);
    println!("seed {seed}: up {up:?} with {stale} late answers, down {down:?}");
    assert!(stale > 50 && up < Duration::from_secs(3600), "seed {seed}");
}

#[tokio::test(start_paused = true)]
async fn readings_that_lag_a_minute_change_nothing_in_the_end() {
    for seed in 1..=if deep() { 40 } else { 1 } {
        lives(&Site::new(STACK), edit, seed).await;
    }
    if deep() {
        let change = |site: &Site| {
            site.edit("landing.toml", "cpu = 512\nmemory = 1024", "cpu = 1024\nmemory = 2048");
            site.edit("landing.toml", "paths = [\"/webhook/*\"]", "paths = [\"/webhook/*\", \"/hooks/*\"]");
        };
        for seed in 1..=10 {
            lives(&Site::pulse(), change, seed).await;
        }
    }
}
