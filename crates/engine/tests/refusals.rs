//! Refusals that concern the whole run: credentials that end, permissions and room that are missing, too many calls, and waits that never end.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod common;

use std::time::Duration;

use common::{Bench, Crate, house};
use landing_engine::{Class, Graph, NodeName};

fn sent(bench: &Bench, call: &str) -> usize {
    bench.calls().iter().filter(|sent| sent.starts_with(call)).count()
}

#[tokio::test(start_paused = true)]
async fn credentials_that_end_in_the_middle_start_nothing_more_and_the_next_run_converges() {
    let bench = Bench::default();
    let mut graph = house(9);
    // Where the gold lies has nothing to do with the house.
    let cellar = graph.add("cellar", &Crate::new(None, 1));
    for shelf in 0..40 {
        graph.add(&format!("bottle-{shelf:02}"), &Crate::new(Some(Crate::ID.of(&cellar)), 1));
    }
    bench.refuse("create room", &[Class::Credentials]);
    bench.refuse("create cellar", &[Class::NotVisibleYet]);
    let outcome = bench.land(&graph).await;
    assert_eq!(outcome.failed.iter().map(|(_, error)| error.class).collect::<Vec<_>>(), [Class::Credentials]);
    assert!(!outcome.stopped, "nobody interrupted it");
    let unreached = outcome.skipped.iter().filter(|(_, why)| why.contains("no longer takes the credentials")).count();
    assert_eq!(unreached, 40, "{:?}", outcome.skipped);
    assert_eq!(sent(&bench, "create bottle"), 0);

    assert!(bench.land(&graph).await.is_complete());
    assert_eq!(bench.names().len(), 45);
    assert!(bench.plan(&graph).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn every_permission_that_is_missing_is_found_in_one_run() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::Denied]);
    bench.refuse("create gold", &[Class::Denied]);
    let outcome = bench.land(&house(9)).await;
    let failed: Vec<String> = outcome.failed.iter().map(|(node, _)| node.to_string()).collect();
    assert_eq!(failed, ["test.chest.gold", "test.crate.room"]);
    assert_eq!(sent(&bench, "create"), 3, "the house, and each of the two once");
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_no_reason_to_try_again() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::Quota; 5]);
    let outcome = bench.land(&house(9)).await;
    assert_eq!(outcome.failed[0].1.class, Class::Quota);
    assert_eq!(sent(&bench, "create room"), 1);
    assert!(outcome.elapsed < Duration::from_secs(60), "{:?}", outcome.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_throttles_is_sat_out() {
    let bench = Bench::default();
    for node in ["house", "room", "shelf", "gold"] {
        bench.refuse(&format!("create {node}"), &[Class::Throttled; 30]);
    }
    let outcome = bench.land(&house(9)).await;
    assert!(outcome.is_complete(), "{:?}", outcome.failed);
    assert_eq!(bench.names().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_without_end_ends_the_step_within_an_hour_and_the_rest_is_done() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::Throttled; 10_000]);
    let outcome = bench.land(&house(9)).await;
    assert_eq!(outcome.failed[0].1.class, Class::Throttled);
    assert!(outcome.elapsed < Duration::from_secs(61 * 60), "{:?}", outcome.elapsed);
    assert!(bench.names().contains("test.chest.gold"));
}

#[tokio::test(start_paused = true)]
async fn what_never_becomes_ready_or_is_never_free_ends_with_the_patience_of_its_kind() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    bench.world.lock().unwrap().boxes.values_mut().for_each(|stored| stored.ready_reads = u32::MAX);
    let mut graph = house(9);
    graph.add("picture", &Crate::new(Some(Crate::ID.of(&NodeName::new("test.crate", "room")).when_usable()), 1));
    let outcome = bench.land(&graph).await;
    let (_, error) = outcome.failed.iter().find(|(node, _)| node.as_str() == "test.crate.room").unwrap();
    assert!(error.message.contains("not done after 20 minutes: drying"), "{error}");
    assert!(outcome.elapsed < Duration::from_secs(25 * 60), "{:?}", outcome.elapsed);

    bench.refuse("delete shelf", &[Class::InUse; 10_000]);
    let outcome = bench.land(&Graph::default()).await;
    assert_eq!(outcome.failed[0].0.as_str(), "test.crate.shelf");
    assert!(outcome.elapsed < Duration::from_secs(25 * 60), "{:?}", outcome.elapsed);
    assert!(!bench.names().contains("test.chest.gold"), "what it does not hold has gone");
}
