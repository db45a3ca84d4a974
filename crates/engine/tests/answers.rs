//! Answers that get lost, and readings that lag.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod common;

use std::time::Duration;

use common::{Bench, Coin, Crate, house, lines};
use landing_engine::journal::{Entry, Journal};
use landing_engine::{Class, Graph, NodeName, Stop};

fn purse() -> Graph {
    let mut graph = Graph::default();
    let coin = graph.add("penny", &Coin::new(None, 1));
    graph.add("slot", &Crate::new(Some(Coin::ID.of(&coin)), 1));
    graph
}

fn penny() -> NodeName {
    NodeName::new("test.coin", "penny")
}

fn boxes(bench: &Bench) -> usize {
    bench.world.lock().unwrap().boxes.len()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_makes_another_object_each_time_is_not_repeated_when_its_answer_is_lost() {
    let bench = Bench::default();
    bench.world.lock().unwrap().shows_after = Duration::from_secs(50);
    bench.lose("create penny", 1);
    let outcome = bench.land(&purse()).await;
    assert!(outcome.is_complete(), "{:?}", outcome.failed);
    assert_eq!(bench.calls().iter().filter(|call| *call == "create penny").count(), 1);
    assert_eq!(boxes(&bench), 2);
}

#[tokio::test(start_paused = true)]
async fn it_is_repeated_when_nothing_has_shown_for_as_long_as_aws_may_take() {
    let bench = Bench::default();
    bench.refuse("create penny", &[Class::Ambiguous]);
    let outcome = bench.land(&purse()).await;
    assert!(outcome.is_complete());
    assert!(outcome.elapsed > Duration::from_secs(60), "{:?}", outcome.elapsed);
    assert_eq!(boxes(&bench), 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_for_is_not_made_again() {
    let bench = Bench::default();
    bench.lose("create penny", 1);
    let planned = bench.plan(&purse()).await;
    bench.world.lock().unwrap().unreadable.insert("test.coin", Class::Denied);
    let outcome = bench.walk(&purse(), planned).await;
    assert_eq!(outcome.failed[0].1.class, Class::Denied);
    assert_eq!(bench.calls().iter().filter(|call| call.starts_with("create penny")).count(), 1);
    bench.world.lock().unwrap().unreadable.clear();
    assert!(bench.land(&purse()).await.is_complete());
    assert_eq!(boxes(&bench), 2, "the next run finds it");
}

#[tokio::test(start_paused = true)]
async fn other_calls_without_an_answer_are_simply_sent_again() {
    let bench = Bench::default();
    bench.lose("create house", 1);
    bench.refuse("create room", &[Class::Ambiguous, Class::Ambiguous]);
    let outcome = bench.land(&house(9)).await;
    assert!(outcome.is_complete(), "{:?}", outcome.failed);
    assert!(outcome.elapsed < Duration::from_secs(60));
    assert_eq!(boxes(&bench), 4);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_answers_nobody_ends_the_run_in_minutes() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::Ambiguous; 1000]);
    let outcome = bench.land(&house(9)).await;
    assert_eq!(outcome.failed[0].1.class, Class::Ambiguous);
    assert!(outcome.elapsed < Duration::from_secs(6 * 60), "{:?}", outcome.elapsed);
    assert!(bench.names().contains("test.chest.gold"), "the rest is done");
}

/// A run that was killed between the call and its answer.
fn killed(bench: &Bench) {
    let state = bench.state();
    let intent = Entry::Intent { call: 1, node: penny(), operation: "test:Create".into(), doubles: true, at: bench.clock.now() };
    Journal::open(bench.files.as_ref(), &bench.path(), &state).unwrap().write(&intent).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_killed_run_may_have_made_is_waited_for_by_up_and_by_down() {
    for down in [false, true] {
        let bench = Bench::default();
        bench.land(&purse()).await;
        std::fs::remove_file(bench.path()).unwrap();
        {
            let mut world = bench.world.lock().unwrap();
            world.shows_after = Duration::from_secs(55);
            world.boxes.retain(|_, stored| stored.kind == "test.coin");
            world.boxes.values_mut().for_each(|stored| stored.born = tokio::time::Instant::now());
        }
        killed(&bench);
        let graph = if down { Graph::default() } else { purse() };
        assert!(bench.land(&graph).await.is_complete());
        assert_eq!(boxes(&bench), if down { 0 } else { 2 });
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_object_of_ours_is_proven_and_the_unused_one_removed() {
    let bench = Bench::default();
    bench.land(&purse()).await;
    killed(&bench);
    {
        let mut world = bench.world.lock().unwrap();
        let twin = world.boxes.values().find(|stored| stored.kind == "test.coin").unwrap().clone();
        world.boxes.insert("box-0".into(), twin);
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    insta::assert_snapshot!(lines(&bench.plan(&purse()).await.0), @"Delete test.coin.penny [] because it was made twice, by a call whose answer was lost");
    assert!(bench.land(&purse()).await.is_complete());
    assert_eq!(boxes(&bench), 2);
    assert!(!bench.world.lock().unwrap().boxes.contains_key("box-0"), "the one that the slot lies in stays");
    assert!(bench.plan(&purse()).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_young_object_that_no_reading_shows_is_neither_made_again_nor_taken_for_gone() {
    let bench = Bench::default();
    bench.world.lock().unwrap().shows_after = Duration::from_secs(60);
    // A chest is ready late, so it was made a while before the run ends; the others may be seconds old.
    let outcome = bench.land(&house(9)).await;
    assert!(outcome.is_complete(), "{:?}", outcome.failed);
    assert!(bench.plan(&house(9)).await.0.is_empty());
    let outcome = bench.land(&Graph::default()).await;
    assert!(outcome.is_complete(), "{:?}", outcome.failed);
    assert_eq!(boxes(&bench), 0);
}

#[tokio::test(start_paused = true)]
async fn down_right_after_an_interrupted_up_leaves_nothing_though_aws_shows_nothing() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::Denied]);
    bench.land(&house(9)).await;
    {
        let mut world = bench.world.lock().unwrap();
        world.shows_after = Duration::from_secs(60);
        world.boxes.values_mut().for_each(|stored| stored.born = tokio::time::Instant::now());
    }
    let mut state = bench.state();
    state.born.iter_mut().for_each(|made| made.at = bench.clock.now());
    state.save(bench.files.as_ref(), &bench.path()).unwrap();
    assert!(bench.land(&Graph::default()).await.is_complete());
    assert_eq!(boxes(&bench), 0);
}

#[tokio::test(start_paused = true)]
async fn what_aws_took_to_delete_and_shows_no_more_is_gone_however_young_it_is() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    bench.world.lock().unwrap().goes_slowly = true;
    bench.calls();
    assert!(bench.land(&Graph::default()).await.is_complete());
    assert_eq!(bench.calls().len(), 4, "one delete each");
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_and_still_listed_is_not_live() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    bench.world.lock().unwrap().lists_after = Duration::from_secs(60);
    assert!(bench.land(&Graph::default()).await.is_complete());
    assert!(bench.plan(&Graph::default()).await.0.is_empty(), "nothing is left to delete");
    assert_eq!(bench.plan(&house(9)).await.0.summary.create, 4, "and nothing is there to keep");
}

#[tokio::test(start_paused = true)]
async fn tags_that_come_late_are_waited_for() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    let kept: Vec<_> = {
        let mut world = bench.world.lock().unwrap();
        world.boxes.values_mut().map(|stored| std::mem::take(&mut stored.tags)).collect()
    };
    let mut state = bench.state();
    state.born.iter_mut().for_each(|made| made.at = bench.clock.now());
    state.save(bench.files.as_ref(), &bench.path()).unwrap();
    let later = bench.world.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(40)).await;
        let mut world = later.lock().unwrap();
        world.boxes.values_mut().zip(kept).for_each(|(stored, tags)| stored.tags = tags);
    });
    assert!(bench.plan(&house(9)).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_left_behind_is_in_the_state_and_the_next_run_looks_first() {
    let bench = Bench::default();
    bench.refuse("create penny", &[Class::Throttled; 3]);
    let stop = bench.stop.clone();
    tokio::spawn(async move {
        // In the middle of the call that is answered.
        tokio::time::sleep(Duration::from_millis(5)).await;
        stop.send_replace(Stop::Gently);
        tokio::time::sleep(Duration::from_millis(1)).await;
        stop.send_replace(Stop::Now);
    });
    let outcome = bench.land(&purse()).await;
    assert!(outcome.stopped);
    assert_eq!(bench.state().unanswered.iter().map(|open| open.node.clone()).collect::<Vec<_>>(), [penny()]);
}
