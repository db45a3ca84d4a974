//! The commands as separate processes on one world: what goes to stdout, what to stderr, and how they end.

mod common;

use common::Project;
use serde_json::Value;

/// A service behind a load balancer, and a secret: data that can be lost.
fn shop() -> Project {
    Project::new(&[
        (
            "landing.toml",
            "name = \"shop\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\nsecrets = { TOKEN = \"token\" }\n\n[secrets.token]\ngenerate = {}\n",
        ),
        ("compose.yaml", "services:\n  web:\n    image: nginx:1\n    expose: [80]\n"),
    ])
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(json).collect()
}

#[test]
fn a_life_in_separate_processes() {
    let shop = shop();

    let plan = shop.landing(&["plan", "--sandbox", "--json"]);
    assert_eq!(plan.code, 0, "{}", plan.stderr);
    let plan = json(&plan.stdout);
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(plan["summary"]["create"], steps.len());
    assert!(steps.iter().all(|step| step["node"].is_string() && step["kind"].is_string() && step["action"] == "create"));
    let size = steps.len();

    let changes = shop.landing(&["plan", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(changes.code, 10, "{}", changes.stderr);
    assert!(changes.stdout.contains("create  ec2.vpc "), "a plan is data: {}", changes.stdout);

    let unasked = shop.landing(&["up", "--sandbox"]);
    assert_eq!(unasked.code, 2);
    assert!(unasked.stderr.contains("--yes"), "{}", unasked.stderr);
    assert_eq!(unasked.stdout, "");

    let up = shop.landing(&["up", "--sandbox", "--yes"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    let outputs = shop.landing(&["outputs"]);
    assert_eq!(outputs.code, 0, "{}", outputs.stderr);
    assert_eq!(up.stdout, outputs.stdout, "the outputs are all that `up` gives as data");
    assert!(outputs.stdout.contains(".elb.amazonaws.com"), "{}", outputs.stdout);
    assert_eq!(outputs.stderr, "");
    assert!(json(&shop.landing(&["outputs", "--json"]).stdout).is_object());

    let quiet = shop.landing(&["plan", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(quiet.code, 0, "{}", quiet.stdout);

    let again = shop.landing(&["up", "--sandbox", "--yes", "--json"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let events = lines(&again.stdout);
    let summary = events.last().unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(summary["calls"]["mutating"], 0);
    assert_eq!(summary["summary"]["unchanged"], size);
    let by_operation = summary["calls"]["by_operation"].as_object().unwrap();
    let total: u64 = by_operation.values().filter_map(Value::as_u64).sum();
    assert_eq!(summary["calls"]["total"], total);
    assert_eq!(summary["exit"]["code"], 0);

    let status = shop.landing(&["status", "--sandbox"]);
    assert_eq!(status.code, 0, "{}", status.stderr);
    assert!(status.stdout.contains("elbv2.load-balancer.alb"), "{}", status.stdout);
    let status = json(&shop.landing(&["status", "--sandbox", "--json"]).stdout);
    assert_eq!(status["nodes"].as_array().unwrap().len(), size);
    assert_eq!(status["differs"].as_array().unwrap().len(), 0);

    let list = shop.landing(&["state", "list"]);
    assert_eq!(list.code, 0, "{}", list.stderr);
    assert_eq!(list.stdout.lines().count(), size);
    let show = shop.landing(&["state", "show", "ec2.vpc.main"]);
    assert_eq!(show.code, 0, "{}", show.stderr);
    assert!(show.stdout.contains("vpc-"), "{}", show.stdout);

    let losing = shop.landing(&["down", "--sandbox", "--yes"]);
    assert_eq!(losing.code, 2);
    assert!(losing.stderr.contains("--allow-data-loss") && losing.stderr.contains("secretsmanager.secret.token"));
    assert_eq!(shop.landing(&["state", "list"]).stdout.lines().count(), size, "nothing was touched");

    let down = shop.landing(&["down", "--sandbox", "--yes", "--allow-data-loss"]);
    assert_eq!(down.code, 0, "{}", down.stderr);
    assert_eq!(down.stdout, "");
    assert_eq!(shop.landing(&["state", "list"]).stdout, "");
}

#[test]
fn events_are_one_a_line_and_the_last_is_the_summary() {
    let shop = shop();
    let up = shop.landing(&["up", "--sandbox", "--yes", "--json"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    let events = lines(&up.stdout);
    assert!(events.iter().all(|event| event["event"].is_string()));
    let summary = events.last().unwrap();
    assert_eq!(summary["event"], "summary");
    assert_eq!(summary["failed"].as_array().unwrap().len(), 0);
    assert_eq!(events.iter().filter(|event| event["event"] == "summary").count(), 1);
    assert!(summary["calls"]["by_operation"]["EC2:CreateVpc"] == 1, "{summary}");

    // Everything is made and known, and nobody waited for the load balancer.
    let down = shop.landing(&["down", "--sandbox", "--yes", "--allow-data-loss", "--json"]);
    assert_eq!(down.code, 0, "{}", down.stderr);
    let hasty = shop.landing(&["up", "--sandbox", "--yes", "--no-wait", "--json"]);
    assert_eq!(hasty.code, 0, "{}", hasty.stderr);
    let seconds = |events: &[Value]| events.last().unwrap()["seconds"].as_u64().unwrap();
    let (patient, hasty) = (seconds(&events), seconds(&lines(&hasty.stdout)));
    assert!(hasty < patient, "{hasty} and {patient} seconds of the sandbox");
}

#[test]
fn a_person_reads_the_plan() {
    let shop = shop();
    let plan = shop.landing(&["plan", "--sandbox", "--color", "never"]);
    insta::assert_snapshot!(plan.stdout);
}

#[test]
fn help_names_every_command_and_exit_code() {
    let help = Project::new(&[]).landing(&["--help"]);
    assert_eq!(help.code, 0);
    insta::assert_snapshot!(help.stdout);
}
