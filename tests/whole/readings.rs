//! A reading that fails is never absence: neither before a run nor after it, whichever reading it is and however it fails.

use std::collections::{BTreeMap, BTreeSet};

use landing_engine::Class;
use landing_sandbox::{CallFault, Faults, Record, Refusal, What};
use landing_tests::{Refused, Run, Site, is_read, steps};

use super::faults::deep;
use landing_tests::small::STACK;

/// How a reading fails, and what the program may make of it.
fn failures() -> [(&'static str, What, &'static [Class]); 5] {
    let error = |status, code: &str, message: &str| {
        What::Error(Refusal { status, code: code.into(), message: message.into(), acted: false })
    };
    [
        ("denied", error(403, "AccessDenied", "no identity-based policy allows it"), &[Class::Denied]),
        ("a server error", error(500, "InternalFailure", "try again"), &[Class::Ambiguous]),
        ("torn", What::Garbled, &[Class::Ambiguous, Class::Invalid]),
        ("cut", What::Cut, &[Class::Ambiguous]),
        ("hanging", What::Slow(3600.0), &[Class::Ambiguous]),
    ]
}

/// Each call of the operation, or only the first one.
fn failing(operation: &str, what: &What, nth: Vec<u64>) -> Faults {
    let on = operation.parse().expect("an operation is a pattern");
    Faults { calls: vec![CallFault { on, nth, share: None, what: what.clone() }], ..Faults::default() }
}

/// `service:Operation` of every reading among the calls. Who we are is asked first of all, and no scan depends on it.
///
/// Left out is the code of a function, which is any text: only its length tells that it is torn, and the sandbox gives the length that it has.
fn readings(calls: &[Record]) -> BTreeSet<String> {
    let names = calls.iter().filter(|call| is_read(call)).map(|call| format!("{}:{}", call.service, call.operation));
    names.filter(|name| name != "cloudfront:GetFunction").collect()
}

async fn standing() -> Site {
    let site = Site::new(STACK);
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    site
}

/// All ways to fail in the deep level; otherwise each operation in one of them, the next one in the next.
fn tries(operations: BTreeSet<String>) -> Vec<(String, usize)> {
    let ways = failures().len();
    let deep = deep();
    let all = operations.into_iter().enumerate();
    all.flat_map(|(index, operation)| {
        let chosen: Vec<usize> = if deep { (0..ways).collect() } else { vec![index % ways] };
        chosen.into_iter().map(move |way| (operation.clone(), way))
    })
    .collect()
}

/// What is wrong with how a run took it, if anything.
fn judge(site: &Site, ran: &Result<Run, Refused>, may_be: &[Class]) -> Option<String> {
    let mutations = site.sandbox.with_world(|world| world.mutations().len());
    match ran {
        Err(refused) if refused.classes().iter().all(|class| may_be.contains(class)) => {
            (mutations > 0).then(|| format!("{mutations} mutations, and then it was refused"))
        }
        Err(refused) => Some(format!("it was refused otherwise: {refused:?}")),
        Ok(run) if !steps(&run.plan).is_empty() || mutations > 0 => Some(format!("it did {:?}", steps(&run.plan))),
        Ok(run) => (!run.outcome.is_complete()).then(|| format!("{:?}", run.outcome)),
    }
}

/// `up` of a stack that stands, and has nothing to do.
async fn an_up_that_cannot_read(site: &Site) -> (usize, usize) {
    let quiet = site.fork(Faults::default());
    let operations = readings(&quiet.up().await.done().calls);
    let standing = quiet.objects();
    let (mut wrong, mut refused) = (Vec::new(), BTreeMap::<&str, usize>::new());
    let tries = tries(operations);
    for (operation, way) in &tries {
        let (how, what, may_be) = &failures()[*way];
        let day = site.fork(failing(operation, what, Vec::new()));
        let ran = day.try_up().await;
        wrong.extend(judge(&day, &ran, may_be).map(|what| format!("{operation} {how}: {what}")));
        if day.objects() != standing {
            wrong.push(format!("{operation} {how}: other objects"));
        }
        *refused.entry(*how).or_default() += usize::from(ran.is_err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} readings failed in an up with nothing to do, refused: {refused:?}", tries.len());
    (tries.len(), refused.values().sum())
}

#[tokio::test(start_paused = true)]
async fn an_up_that_cannot_read_touches_nothing() {
    let (tried, refused) = an_up_that_cannot_read(&standing().await).await;
    assert!(tried > 40 && refused + 3 > tried, "{refused} of {tried}: a reading that may be missed is none that is needed");
    if deep() {
        let site = Site::pulse();
        site.up().await.done();
        an_up_that_cannot_read(&site).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_fails_once_is_asked_again_and_the_up_has_nothing_to_do() {
    let site = standing().await;
    let operations = readings(&site.fork(Faults::default()).up().await.done().calls);
    for (operation, way) in tries(operations) {
        let (how, what, _) = &failures()[way];
        if *how == "denied" {
            continue;
        }
        let day = site.fork(failing(&operation, what, vec![1]));
        let run = day.try_up().await.unwrap_or_else(|refused| panic!("{operation} {how}: {refused:?}"));
        assert_eq!(run.mutations(), Vec::<String>::new(), "{operation} {how}");
    }
}

/// Before its walk it is refused; after it, it does not say that nothing is left.
#[tokio::test(start_paused = true)]
async fn a_down_that_cannot_read_touches_nothing_or_does_not_say_that_nothing_is_left() {
    let before = Site::new(STACK).objects();
    let site = standing().await;
    let all = site.objects();
    let operations = readings(&site.fork(Faults::default()).down().await.done().calls);
    let mut wrong = Vec::new();
    let (mut refused, mut walked, mut told) = (0, 0, 0);
    let tries = tries(operations);
    for (operation, way) in &tries {
        let (how, what, may_be) = &failures()[*way];
        let day = site.fork(failing(operation, what, Vec::new()));
        let mut see = |what: String| wrong.push(format!("{operation} {how}: {what}"));
        match day.try_down().await {
            Err(refusal) => {
                refused += 1;
                if !refusal.classes().iter().all(|class| may_be.contains(class)) || day.objects() != all {
                    see(format!("{refusal:?}"));
                }
            }
            Ok(run) => {
                walked += 1;
                let left = run.left.unwrap();
                // Where another reading gave the answer, it is the right one.
                if left.is_nothing() && day.objects() != before {
                    see(format!("nobody said that a reading failed; {:?} are left", day.objects().difference(&before)));
                }
                told += usize::from(!left.is_nothing());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} readings failed in a down: {refused} refused it, {told} of {walked} others were told at its end", tries.len());
    assert!(told > 5, "the looks after the walk have readings of their own");
}

/// Each reading of the looks that come after `down`, on an account with nothing left.
#[tokio::test(start_paused = true)]
async fn a_look_for_leftovers_that_cannot_read_says_where_and_never_that_nothing_is_left() {
    let site = super::leftovers::emptied().await;
    let look = site.look(true).await;
    let (left, calls) = site.look_after(&look, Faults::default()).await;
    assert!(left.is_nothing());
    // Who we are is asked before; without an answer there is no look.
    let operations: BTreeSet<String> = readings(&calls).into_iter().filter(|name| name != "sts:GetCallerIdentity").collect();
    let tries = tries(operations);
    let mut wrong = Vec::new();
    for (operation, way) in &tries {
        let (how, what, may_be) = &failures()[*way];
        let (left, calls) = site.look_after(&look, failing(operation, what, Vec::new())).await;
        if !calls.iter().any(|call| call.fault.is_some()) {
            continue;
        }
        let classes: BTreeSet<Class> = left.unchecked.iter().map(|place| place.error.class).collect();
        if left.is_nothing() || left.unchecked.is_empty() || !classes.iter().all(|class| may_be.contains(class)) {
            wrong.push(format!("{operation} {how}: {:?}", left.unchecked));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} readings failed in the looks after a down", tries.len());
}
