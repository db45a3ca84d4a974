//! Smoke as a separate process: what a person and a program read, and the exit code that it alone has.

mod common;

use common::Project;
use serde_json::Value;

const FAULTS: &str = "[[workloads]]\nfamily = \"shop-dev-web\"\nanswers = [{ path = \"/health\", status = 500 }]\n";

/// Five minutes of AWS in half a second.
const FAST: [&str; 3] = ["--sandbox", "--time-scale", "600"];

fn shop() -> Project {
    Project::new(&[
        ("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\nhealth = \"/health\"\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx:1\n    expose: [80]\n"),
        ("faults.toml", FAULTS),
    ])
}

fn last(text: &str) -> Value {
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What AWS puts into the name of a load balancer is another number in every account.
fn without_numbers(text: &str) -> String {
    let (before, rest) = text.split_once("-alb-").expect("an address of the load balancer");
    format!("{before}-alb-N{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn a_stack_that_does_not_work_ends_with_8() {
    let shop = shop();
    let run = |arguments: &[&str], faults: bool| {
        let file = shop.path().join("faults.toml");
        let more = ["--sandbox-faults", file.to_str().expect("it is UTF-8")];
        shop.landing(&[arguments, &FAST, if faults { &more } else { &[] }].concat())
    };
    let nothing = run(&["smoke"], false);
    assert_eq!(nothing.code, 1, "{}", nothing.stderr);
    assert!(nothing.stderr.contains("landing up"), "{}", nothing.stderr);

    // The walk is content; the route is not.
    let up = run(&["up", "--yes", "--color", "never"], true);
    assert_eq!(up.code, 8, "{}", up.stderr);
    assert!(up.stderr.contains("came: 500") && up.stderr.contains("smoke failed: "), "{}", up.stderr);
    let again = run(&["up", "--yes", "--json"], true);
    assert_eq!(again.code, 8, "nothing to change, and still it does not work: {}", again.stderr);
    let summary = last(&again.stdout);
    assert_eq!((&summary["exit"]["name"], &summary["smoke"]["failed"]), (&"smoke-failed".into(), &1.into()));
    assert_eq!(summary["calls"]["mutating"], 0, "it only reads");

    let quiet = run(&["up", "--yes", "--no-smoke"], true);
    assert_eq!((quiet.code, quiet.stderr.contains("smoke")), (0, false), "{}", quiet.stderr);
    let hasty = run(&["up", "--yes", "--no-wait"], true);
    assert_eq!((hasty.code, hasty.stderr.contains("smoke")), (0, false), "what nobody waited for is not asked: {}", hasty.stderr);
    assert_eq!(run(&["deploy", "--no-smoke"], true).code, 0);
    assert_eq!(run(&["deploy"], true).code, 8);

    let told = run(&["smoke", "--timeout", "0s", "--color", "never"], true);
    assert_eq!(told.code, 8);
    insta::assert_snapshot!(format!("{}---\n{}", without_numbers(&told.stdout), told.stderr));
    let record = last(&run(&["smoke", "--timeout", "0s", "--json"], true).stdout);
    let checks = record["checks"].as_array().expect("a list");
    let bad: Vec<&Value> = checks.iter().filter(|check| check["status"] == "failed").collect();
    assert!(bad.len() == 1 && bad[0]["expected"] == "200" && bad[0]["came"] == "500", "{record}");
    assert_eq!(record["exit"]["code"], 8);

    let well = run(&["smoke"], false);
    assert_eq!(well.code, 0, "{}", well.stderr);
    assert!(well.stderr.contains("it works: 3 checks ok"), "{}", well.stderr);
}

/// What all services lack is one line, not one for each.
#[test]
fn what_is_skipped_for_one_reason_is_said_once() {
    let shop = Project::new(&[
        ("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\n"),
        ("compose.yaml", "services:\n  api:\n    build: app\n  worker:\n    build: app\n  cache:\n    image: redis:8\n"),
        ("app/Dockerfile", "FROM scratch\n"),
    ]);
    let nobody_builds = [("LANDING_BUILDER", "none")];
    let up = shop.landing_with(&[&["up", "--yes", "--color", "never"][..], &FAST].concat(), &nobody_builds);
    assert_eq!(up.code, 0, "{}", up.stderr);
    let skipped: Vec<&str> = up.stderr.lines().filter(|line| line.starts_with("skipped")).collect();
    let said =
        "skipped  api: tasks, worker: tasks: it runs no task: its image is not there yet, or that of a job that it waits for";
    assert_eq!(skipped, [said]);
    assert!(up.stderr.contains("smoke: 2 checks ok, 2 skipped"), "and each is counted: {}", up.stderr);
    let smoke = shop.landing_with(&[&["smoke", "--color", "never"][..], &FAST].concat(), &nobody_builds);
    assert_eq!((smoke.code, smoke.stdout.matches("skipped").count()), (0, 1), "{}", smoke.stdout);
}
