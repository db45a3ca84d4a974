//! Signals to the real program while it reads, makes, waits and hangs: what it does ends in time, what it wrote is whole, and the next run goes on.
#![cfg(unix)]

mod common;

use std::time::{Duration, Instant};

use common::process::{Ended, Running};
use common::served::Fate;
use common::town::{Town, kinds_of};

const UP: [&str; 2] = ["up", "--yes"];
/// Ten AWS minutes in six seconds: what is slow can be seen to be waited for.
const SLOW: f64 = 100.0;
/// What the program may take to end when it only waits.
const SOON: Duration = Duration::from_secs(2);
/// And when a call hangs.
const ALWAYS: Duration = Duration::from_secs(7);

/// Waits until the program has sent the operation.
fn until_sent(town: &Town, running: &Running, operation: &str) {
    while !town.served.calls().iter().any(|call| call.operation == operation) {
        assert!(running.is_running(), "it ended before {operation}: {}", running.said());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Sends the signals, each after its pause, and waits for the end.
fn signalled(town: &Town, running: Running, signals: &[(Duration, &str)]) -> (Ended, Duration) {
    let started = Instant::now();
    for (pause, name) in signals {
        std::thread::sleep(*pause);
        running.signal(name);
    }
    (town.ended(running), started.elapsed())
}

/// The next run ends well, without anything twice, the one after it changes nothing, and `down` leaves nothing.
fn goes_on(town: &Town) {
    town.journal_is_readable();
    town.done(&UP, "after the signals");
    let found = town.objects();
    let own = |start: &str| kinds_of(&found).iter().filter(|line| line.starts_with(start)).count();
    // The account's own default network is the other one.
    assert_eq!((own("ec2:vpc "), own("ec2:internet-gateway "), own("ec2:elastic-ip ")), (2, 2, 1), "{found:?}");
    town.done(&UP, "again");
    assert_eq!(town.served.mutations(), Vec::<String>::new());
    town.done(&["down", "--yes", "--allow-data-loss"], "at the end");
}

#[test]
fn while_a_plan_reads() {
    let town = Town::new(SLOW);
    for signal in ["INT", "TERM", "HUP"] {
        for command in [&["plan"][..], &UP] {
            town.served.watch(|call| if call.operation == "DescribeVpcs" { Fate::Never } else { Fate::Answered });
            let running = town.start(command);
            until_sent(&town, &running, "DescribeVpcs");
            let (ended, took) = signalled(&town, running, &[(Duration::ZERO, signal)]);
            assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
            assert!(ended.stderr.contains("nothing was touched"), "{}", ended.stderr);
            assert!(took < SOON, "{took:?}");
        }
    }
}

#[test]
fn while_it_waits_for_a_slow_object() {
    for signal in ["INT", "TERM", "HUP"] {
        let town = Town::new(SLOW / 2.0);
        let before = town.objects();
        let running = town.start(&UP);
        // The database is the slowest, and everything quick is made by then.
        until_sent(&town, &running, "DescribeDBInstances");
        std::thread::sleep(Duration::from_millis(1500));
        let (ended, took) = signalled(&town, running, &[(Duration::ZERO, signal)]);
        assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
        assert!(took < SOON, "{took:?}");
        assert!(town.state().nodes.len() > 10, "what was made is in the state");
        town.done(&["down", "--yes", "--allow-data-loss"], "at the end");
        assert_eq!(town.objects(), before);
    }
}

#[test]
fn while_a_call_is_answered_late() {
    let town = Town::new(SLOW);
    town.served.watch(|call| if call.operation == "CreateVpc" { Fate::Late(Duration::from_secs(1)) } else { Fate::Answered });
    let running = town.start(&UP);
    until_sent(&town, &running, "CreateVpc");
    let (ended, took) = signalled(&town, running, &[(Duration::ZERO, "INT")]);
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert!(took < ALWAYS, "{took:?}");
    let vpc = town.state().nodes.into_iter().find(|(node, _)| node.kind() == "ec2.vpc");
    assert!(vpc.is_some(), "the call was let answer, and its object is known");
    goes_on(&town);
}

#[test]
fn while_a_call_hangs() {
    let at_once = Duration::from_millis(100);
    let stories: [(&[(Duration, &str)], Duration); 4] = [
        (&[(Duration::ZERO, "INT")], ALWAYS),
        (&[(Duration::ZERO, "TERM")], ALWAYS),
        (&[(Duration::ZERO, "HUP")], ALWAYS),
        (&[(Duration::ZERO, "INT"), (at_once, "TERM")], SOON),
    ];
    for (signals, limit) in stories {
        let town = Town::new(SLOW);
        town.served.watch(|call| if call.operation == "CreateRole" { Fate::Never } else { Fate::Answered });
        let running = town.start(&UP);
        until_sent(&town, &running, "CreateRole");
        let (ended, took) = signalled(&town, running, signals);
        assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
        assert!(ended.stderr.contains("iam:CreateRole was sent and not answered"), "what is unknown is named: {}", ended.stderr);
        assert!(took < limit, "{signals:?}: {took:?}");
        goes_on(&town);
    }
}

#[test]
fn three_times_is_out_at_once() {
    let town = Town::new(SLOW);
    town.served.watch(|call| if call.mutating { Fate::Never } else { Fate::Answered });
    let running = town.start(&UP);
    until_sent(&town, &running, "CreateRole");
    let pause = Duration::from_millis(20);
    // Of different kinds: of one kind the system keeps only one for a program that is busy.
    let (ended, took) = signalled(&town, running, &[(pause, "INT"), (pause, "TERM"), (pause, "HUP")]);
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert!(took < SOON, "{took:?}");
    goes_on(&town);
}

#[test]
fn while_it_waits_for_the_lock() {
    let town = Town::new(SLOW);
    town.served.watch(|call| if call.operation == "CreateRole" { Fate::Never } else { Fate::Answered });
    let first = town.start(&UP);
    until_sent(&town, &first, "CreateRole");
    let second = Running::start(town.command(&["up", "--yes", "--lock-wait", "1h"]), &town.path().join("second"));
    std::thread::sleep(Duration::from_secs(1));
    assert!(second.is_running(), "it waits");
    let (ended, took) = signalled(&town, second, &[(Duration::ZERO, "INT")]);
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert!(took < SOON, "{took:?}");
    first.signal("INT");
    assert_eq!(town.ended(first).code(), Some(130));
    goes_on(&town);
}

/// As `docker compose logs -f` ends: by Ctrl-C, with 130, and without a word.
#[test]
fn while_it_follows_logs() {
    let town = Town::new(4000.0);
    town.done(&UP, "somebody has to write");
    town.served.watch(|_| Fate::Answered);
    let running = town.start(&["logs", "-f", "web"]);
    while town.served.calls().iter().filter(|call| call.operation == "FilterLogEvents").count() < 3 {
        assert!(running.is_running(), "it ended by itself: {}", running.said());
        std::thread::sleep(Duration::from_millis(1));
    }
    let (ended, took) = signalled(&town, running, &[(Duration::ZERO, "INT")]);
    assert_eq!((ended.code(), ended.stderr.as_str()), (Some(130), ""));
    assert!(took < SOON, "{took:?}");
}

/// A new line is shown when it is there, and that AWS does not answer for a while is said once and no end.
#[test]
fn while_it_follows_logs_of_an_aws_that_is_away_for_a_while() {
    let town = Town::new(4000.0);
    town.done(&UP, "somebody has to write");
    let is_away = |away: bool| {
        let fate =
            move |operation: &str| if away && operation == "FilterLogEvents" { Fate::StrikeUnseen } else { Fate::Answered };
        town.served.watch(move |call| fate(&call.operation));
        town.served.strike_with(|| {});
    };
    is_away(false);
    let running = town.start(&["logs", "-f", "web", "--since", "30d"]);
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let began = Instant::now();
        while !is_so() {
            assert!(running.is_running() && began.elapsed() < Duration::from_secs(60), "before {what}: {}", running.said());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let shown = || std::fs::read_to_string(town.path().join("stdout")).expect("it is there").lines().count();
    until("the first lines", &|| shown() > 0);
    is_away(true);
    until("a word about it", &|| running.said().contains("AWS does not answer, trying on"));
    is_away(false);
    let before = shown();
    // Others take the place of the tasks, and write their first line.
    let mut rotate = town.command(&["secrets", "rotate", "token", "--roll"]);
    assert!(rotate.output().expect("it runs").status.success());
    until("the new lines", &|| shown() > before);
    let (ended, _) = signalled(&town, running, &[(Duration::ZERO, "INT")]);
    assert_eq!((ended.code(), ended.stderr.matches("trying on").count()), (Some(130), 1), "{}", ended.stderr);
}

/// Everything is done, and whether it works is not known.
#[test]
fn while_it_asks_whether_the_stack_works() {
    let town = Town::new(4000.0);
    town.done(&UP, "there has to be something to ask");
    town.served.watch(|call| if call.operation == "DescribeLogStreams" { Fate::Never } else { Fate::Answered });
    let running = town.start(&UP);
    until_sent(&town, &running, "DescribeLogStreams");
    let (ended, took) = signalled(&town, running, &[(Duration::ZERO, "INT")]);
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("whether it works was not asked to the end"), "{}", ended.stderr);
    assert!(took < SOON, "{took:?}");
}
