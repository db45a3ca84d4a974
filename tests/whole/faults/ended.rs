//! Credentials that end in the middle.

use std::collections::BTreeSet;

use landing_engine::Class;
use landing_sandbox::{Credentials, Faults};
use landing_tests::Site;

use super::{census, converges, deep};
use landing_tests::small::STACK;

fn ending_after(calls: u64) -> Faults {
    let credentials = Credentials { expire_after_calls: Some(calls), ..Credentials::default() };
    Faults { credentials, ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn an_up_whose_credentials_end_anywhere_goes_on_with_new_ones() {
    let (site, calm) = (Site::new(STACK), Site::new(STACK));
    let all = calm.up().await.done().calls.len() as u64;
    let (expected, mut wrong) = (census(&calm), Vec::new());
    let points: Vec<u64> = (0..all).step_by(if deep() { 7 } else { 60 }).collect();
    let (mut begun, mut hours) = (0, BTreeSet::new());
    for calls in &points {
        let day = site.fork(ending_after(*calls));
        let classes: BTreeSet<Class> = match day.try_up().await {
            Err(refused) => refused.classes(),
            Ok(run) => {
                begun += 1;
                hours.insert(run.outcome.elapsed.as_secs() / 60);
                run.outcome.failed.iter().map(|(_, error)| error.class).collect()
            }
        };
        if classes != BTreeSet::from([Class::Credentials]) {
            wrong.push(format!("after {calls} calls: {classes:?}"));
        }
        wrong.extend(converges(&day, &expected).await.err().map(|what| format!("after {calls} calls: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!(
        "credentials ended at {} of {all} calls, {begun} times in the walk, which then took minutes: {hours:?}",
        points.len()
    );
    assert!(begun * 2 > points.len());
}

#[tokio::test(start_paused = true)]
async fn a_down_whose_credentials_end_anywhere_does_not_say_that_nothing_is_left() {
    let empty = Site::new(STACK).objects();
    let site = Site::new(STACK);
    site.up().await.done();
    let all = site.fork(Faults::default()).down().await.done().calls.len() as u64;
    for calls in (0..all).step_by(if deep() { 9 } else { 80 }) {
        let day = site.fork(ending_after(calls));
        match day.try_down().await {
            Err(refused) => assert_eq!(refused.classes(), BTreeSet::from([Class::Credentials]), "after {calls} calls"),
            Ok(run) => {
                let left = run.left.unwrap();
                assert!(!left.is_nothing() && left.class() == Some(Class::Credentials), "after {calls} of {all} calls: {left:?}");
            }
        }
        let next = day.fork(Faults::default());
        assert!(next.down().await.done().left.unwrap().is_nothing(), "after {calls} calls");
        assert_eq!(next.objects(), empty, "after {calls} calls");
    }
}
