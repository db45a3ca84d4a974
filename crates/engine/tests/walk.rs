//! The walk, in stories.

mod common;

use common::{Bag, Bench, Chest, Crate, house, lines};
use landing_engine::{Action, Class, Event, Graph, NodeName, Output, Registry, Stop, plan};
use serde_json::Value;

#[tokio::test(start_paused = true)]
async fn up_makes_parents_first_up_again_does_nothing_and_down_goes_the_other_way() {
    let bench = Bench::default();
    assert!(bench.land(&house(9)).await.is_complete());
    let calls = bench.calls();
    let at = |call: &str| calls.iter().position(|c| c == call).unwrap();
    assert!(at("create house") < at("create room") && at("create room") < at("create shelf"), "{calls:?}");
    assert!(bench.plan(&house(9)).await.0.is_empty());
    assert!(bench.land(&house(9)).await.is_complete());
    assert!(bench.calls().is_empty(), "a second up sends nothing");
    assert!(bench.land(&Graph::default()).await.is_complete());
    let deletes: Vec<String> = bench.calls();
    assert!(deletes.iter().all(|call| !call.ends_with("refused")), "{deletes:?}");
    assert_eq!(deletes.last().unwrap(), "delete house");
    assert!(bench.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_state_file_up_adopts_and_down_still_removes_in_order() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    let before = bench.state().nodes;
    std::fs::remove_file(bench.path()).unwrap();
    bench.calls();
    bench.land(&house(9)).await;
    assert!(bench.calls().is_empty(), "adopting sends nothing");
    assert_eq!(bench.state().nodes, before);
    std::fs::remove_file(bench.path()).unwrap();
    assert!(bench.land(&Graph::default()).await.is_complete());
    assert_eq!(bench.calls().len(), 4, "four deletes, none refused");
}

/// A run that was killed had sent the delete, and nobody heard that it worked.
#[tokio::test(start_paused = true)]
async fn what_went_while_nobody_listened_is_in_no_state_after_the_next_down() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    bench.world.lock().unwrap().boxes.clear();
    bench.calls();
    assert!(bench.land(&Graph::default()).await.is_complete());
    assert!(bench.calls().is_empty(), "there is nothing to delete");
    assert_eq!(bench.state().nodes.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_only_what_depends_on_it_and_the_next_run_goes_on() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::Denied]);
    let outcome = bench.land(&house(9)).await;
    assert_eq!(outcome.failed.len(), 1);
    assert_eq!(outcome.skipped, [(NodeName::new("test.crate", "shelf"), "test.crate.room failed".to_owned())]);
    assert!(bench.names().contains("test.chest.gold"), "its neighbour is made all the same");
    assert!(bench.land(&house(9)).await.is_complete());
    assert_eq!(bench.names().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_aws_does_not_see_yet_is_tried_again_and_a_refusal_for_good_is_not() {
    let bench = Bench::default();
    bench.refuse("create room", &[Class::NotVisibleYet, Class::NotFound, Class::Throttled]);
    assert!(bench.land(&house(9)).await.is_complete());
    let calls = bench.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("create room")).count(), 4);
    let retries = bench.events.lock().unwrap().iter().filter(|event| matches!(event, Event::StepRetrying { .. })).count();
    assert_eq!(retries, 3);
}

#[tokio::test(start_paused = true)]
async fn replacing_the_house_replaces_what_lives_in_it_and_says_so() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    insta::assert_snapshot!(lines(&bench.plan(&house(10)).await.0), @r"
    Replace test.crate.house [size] because AWS cannot change size of an existing object
    Replace test.chest.gold [inside] because it lives in test.crate.house, which is replaced LOSES DATA
    Replace test.crate.room [inside] because it lives in test.crate.house, which is replaced
    Replace test.crate.shelf [inside] because it lives in test.crate.room, which is replaced
    ");
    assert!(bench.land(&house(10)).await.is_complete());
    assert!(bench.plan(&house(10)).await.0.is_empty());
    assert!(bench.calls().iter().all(|call| !call.ends_with("refused")));
    assert_eq!(bench.state().generation(&NodeName::new("test.crate", "house")), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_can_stand_beside_its_successor_is_made_before_the_old_one_goes() {
    let bench = Bench::default();
    let graph = |size| {
        let mut graph = Graph::default();
        let bag = graph.add("bag", &Bag::new(None, size));
        graph.add("apple", &Crate::new(Some(Bag::ID.of(&bag)), 1));
        graph
    };
    bench.land(&graph(1)).await;
    bench.calls();
    assert!(bench.land(&graph(2)).await.is_complete());
    assert_eq!(bench.calls(), ["create bag", "update bag", "update apple", "delete bag"]);
    assert!(bench.plan(&graph(2)).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn drift_is_seen_field_by_field_tags_too() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    {
        let mut world = bench.world.lock().unwrap();
        let room = world.boxes.values_mut().find(|b| b.tags["landing:node"].ends_with("room")).unwrap();
        room.colour = "green".into();
        room.tags.insert("Name".into(), "mine".into());
    }
    insta::assert_snapshot!(lines(&bench.plan(&house(9)).await.0), @"Update test.crate.room [colour tags]");
    assert!(bench.land(&house(9)).await.is_complete());
    assert!(bench.plan(&house(9)).await.0.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_lost_its_tag_is_found_by_the_states_id_and_not_made_twice() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    bench.world.lock().unwrap().boxes.values_mut().for_each(|b| {
        b.tags.remove("landing:node");
    });
    bench.calls();
    assert!(bench.land(&house(9)).await.is_complete());
    assert!(bench.calls().iter().all(|call| call.starts_with("update")), "tags are put back, nothing is created");
}

#[tokio::test(start_paused = true)]
async fn two_objects_that_claim_one_node_stop_the_run_and_are_both_named() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    {
        let mut world = bench.world.lock().unwrap();
        let twin = world.boxes["box-1"].clone();
        world.boxes.insert("box-99".into(), twin);
    }
    let state = bench.state();
    let error = landing_engine::scan(&bench.registry, &bench.stack, &house(9), &state, &bench.clock).await.unwrap_err();
    insta::assert_snapshot!(error, @"two objects in AWS say that they are test.crate.house: box-1 and box-99");
}

#[tokio::test(start_paused = true)]
async fn a_gentle_stop_starts_nothing_new_and_keeps_what_was_made() {
    let bench = Bench::default();
    bench.stop.send_replace(Stop::Gently);
    let outcome = bench.land(&house(9)).await;
    assert!(outcome.stopped && bench.calls().is_empty());
    bench.stop.send_replace(Stop::No);
    assert!(bench.land(&house(9)).await.is_complete());
}

#[tokio::test(start_paused = true)]
async fn what_a_reading_does_not_tell_is_no_drift() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    let (_, stands, state) = bench.plan(&house(9)).await;
    let gold = NodeName::new("test.chest", "gold");
    let action = |registry: &Registry, shown: Value, untold: &[&'static str]| {
        let mut live = stands.clone();
        let node = live.nodes.get_mut(&gold).unwrap();
        node.shape["size"] = shown;
        node.untold = untold.to_vec();
        let plan = plan(registry, &bench.stack, &house(9), &live, &state).unwrap();
        (plan.step(&gold).unwrap().action, registry.untold([&live.nodes[&gold]]).contains_key("test.chest"))
    };
    let (strict, doubting) = (&bench.registry, &bench.registry.clone().doubting(true));
    assert_eq!(action(strict, 4.into(), &[]), (Action::Replace, false));
    assert_eq!(action(strict, 4.into(), &["size"]), (Action::Unchanged, true));
    // What AWS shows empty is empty; of others it is a gap.
    assert_eq!(action(strict, Value::Null, &[]), (Action::Replace, false));
    assert_eq!(action(doubting, Value::Null, &[]), (Action::Unchanged, true));
    assert_eq!(action(doubting, 4.into(), &[]), (Action::Replace, false));
}

#[tokio::test(start_paused = true)]
async fn an_output_that_no_answer_tells_is_named_with_who_withholds_it() {
    let bench = Bench::default();
    let mut graph = Graph::default();
    let house = graph.add("house", &Crate::new(None, 9));
    graph.add("room", &Crate::new(Some(Output::held("deed").of(&house)), 5));
    let outcome = bench.land(&graph).await;
    let told: Vec<String> = outcome.failed.iter().map(|(node, error)| format!("{node}: {error}")).collect();
    assert_eq!(told, ["test.crate.room: walk: test.crate.house stands, and its `deed`, which this needs, was not told"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_ready_and_does_not_tell_what_others_need_is_not_usable_yet() {
    let bench = Bench::default();
    bench.world.lock().unwrap().keys_after = 5;
    let mut graph = Graph::default();
    let gold = graph.add("gold", &Chest::new(None, 2));
    // Whatever a key is, it is no box: that it was told is seen by what comes of it.
    graph.add("lock", &Crate::new(Some(Output::usable("key").of(&gold)), 1));
    bench.refuse("create lock", &[Class::Invalid]);
    let outcome = bench.land(&graph).await;
    assert_eq!(outcome.failed.iter().map(|(_, error)| error.message.as_str()).collect::<Vec<_>>(), ["refused by the test"]);
    let waited = |event: &Event| matches!(event, Event::StepWaiting { state, .. } if state == "there, without its key");
    assert_eq!(bench.events.lock().unwrap().iter().filter(|event| waited(event)).count(), 3);
    // The next run begins with an object that is ready by its own word.
    bench.world.lock().unwrap().boxes.values_mut().for_each(|stored| stored.key_reads = 2);
    bench.refuse("create lock", &[Class::Invalid]);
    let outcome = bench.land(&graph).await;
    assert_eq!(outcome.failed.iter().map(|(_, error)| error.message.as_str()).collect::<Vec<_>>(), ["refused by the test"]);
}
