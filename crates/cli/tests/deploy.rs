//! `landing deploy` as a separate process: what it releases, what it leaves to `up`, and how it ends when a release dies.

mod common;

use common::{Project, Ran};
use serde_json::Value;

const TOML: &str = "name = \"shop\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\n";

fn compose(web: &str, worker: &str, migrate: &str) -> String {
    format!(
        "services:\n  web:\n    image: {web}\n    expose: [80]\n    depends_on:\n      migrate: {{ condition: service_completed_successfully }}\n  worker:\n    image: {worker}\n  migrate:\n    image: {migrate}\n    command: [\"up\"]\n"
    )
}

fn shop() -> Project {
    Project::new(&[("landing.toml", TOML), ("compose.yaml", &compose("nginx:1", "worker:1", "migrate:1"))])
}

/// The steps that a run has carried out, by its events.
fn done(ran: &Ran) -> Vec<String> {
    let events = ran.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("events are JSON"));
    let finished = events.filter(|event| event["event"] == "step-finished");
    let mut nodes: Vec<String> = finished.filter_map(|event| event["node"].as_str().map(str::to_owned)).collect();
    nodes.sort();
    nodes
}

#[test]
fn it_releases_what_is_named_with_its_jobs_and_nothing_else() {
    let shop = shop();
    assert_eq!(shop.landing(&["up", "--sandbox", "--yes"]).code, 0);
    let quiet = shop.landing(&["deploy", "--sandbox"]);
    assert_eq!(quiet.code, 0, "{}", quiet.stderr);
    assert!(quiet.stderr.contains("up to date"), "{}", quiet.stderr);

    shop.write("compose.yaml", &compose("nginx:2", "worker:2", "migrate:2"));
    let web = shop.landing(&["deploy", "web", "--sandbox", "--json"]);
    assert_eq!(web.code, 0, "{}", web.stderr);
    let released = ["ecs.job.migrate", "ecs.rollout.web", "ecs.task-definition.migrate", "ecs.task-definition.web"];
    assert_eq!(done(&web), released);
    let rest = shop.landing(&["deploy", "--sandbox", "--json"]);
    assert_eq!(done(&rest), ["ecs.rollout.worker", "ecs.task-definition.worker"]);
    assert_eq!(shop.landing(&["plan", "--sandbox", "--detailed-exitcode"]).code, 0, "nothing is left to do");
}

#[test]
fn it_leaves_the_infrastructure_to_up() {
    let shop = shop();
    let nothing_there = shop.landing(&["deploy", "--sandbox"]);
    assert_eq!(nothing_there.code, 2, "{}", nothing_there.stderr);
    assert!(nothing_there.stderr.contains("more than a deploy") && nothing_there.stderr.contains("landing up"));
    assert_eq!(shop.landing(&["up", "--sandbox", "--yes"]).code, 0);

    shop.write("landing.toml", &TOML.replace("/*", "/api/*"));
    shop.write("compose.yaml", &compose("nginx:2", "worker:1", "migrate:1"));
    let more = shop.landing(&["deploy", "--sandbox"]);
    assert_eq!(more.code, 2, "{}", more.stderr);
    assert!(more.stderr.contains("elbv2.rule"), "it says what: {}", more.stderr);
    assert_eq!(shop.landing(&["plan", "--sandbox", "--detailed-exitcode"]).code, 10, "nothing was touched");

    let unknown = shop.landing(&["deploy", "wep", "--sandbox"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("`wep`") && unknown.stderr.contains("web, worker, migrate"), "{}", unknown.stderr);
}

/// The last two numbers of the contract: 7 when there is nothing to go back to, 6 when AWS has gone back. Both say why.
#[test]
fn a_release_that_dies_says_why_and_is_never_green() {
    let shop = shop();
    let dies = |revision: u32| {
        format!(
            "[[workloads]]\nfamily = \"shop-dev-web\"\nrevision = {revision}\nends = \"exited\"\nexit-code = 4\nafter = 3\nlog = [\"no setting COLOUR\"]\n"
        )
    };
    shop.write("faults.toml", &dies(1));
    let faults = shop.path().join("faults.toml");
    let faults = faults.to_str().unwrap();
    let first = shop.landing(&["up", "--sandbox", "--yes", "--sandbox-faults", faults, "--color", "never"]);
    assert_eq!(first.code, 7, "{}", first.stderr);
    assert!(first.stderr.contains("| no setting COLOUR") && first.stderr.contains("exit code 4"), "{}", first.stderr);
    assert!(!first.stderr.contains("smoke"), "nobody asks whether it works: {}", first.stderr);
    assert_eq!(shop.landing(&["deploy", "--sandbox", "--sandbox-faults", faults]).code, 7, "it still does not live");

    shop.write("compose.yaml", &compose("nginx:2", "worker:1", "migrate:1"));
    let good = shop.landing(&["deploy", "--sandbox"]);
    assert_eq!(good.code, 0, "{}", good.stderr);

    shop.write("faults.toml", &dies(3));
    shop.write("compose.yaml", &compose("nginx:3", "worker:1", "migrate:1"));
    let back = shop.landing(&["deploy", "--sandbox", "--sandbox-faults", faults, "--color", "never"]);
    assert_eq!(back.code, 6, "{}", back.stderr);
    assert!(back.stderr.contains("| no setting COLOUR"), "{}", back.stderr);
}
