//! Permissions, room and credentials that are missing: what a run says at its end, and how it ends.

mod common;

use common::{Project, Ran};
use serde_json::Value;

fn worker() -> Project {
    Project::new(&[
        ("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\n"),
        ("compose.yaml", "services:\n  ticker:\n    image: busybox:1.37\n    command: [\"sleep\", \"3600\"]\n"),
    ])
}

/// `up` on a sandbox with these faults; without any when there is no text.
fn up(project: &Project, faults: &str, more: &[&str]) -> Ran {
    project.write("bad-day.toml", faults);
    let file = project.path().join("bad-day.toml");
    let file = file.to_str().expect("the folder's name is text");
    let mut args = vec!["up", "--yes", "--sandbox", "--sandbox-faults", file, "--time-scale", "600"];
    args.extend(more);
    project.landing(&args)
}

fn summary(ran: &Ran) -> Value {
    let last = ran.stdout.lines().last().unwrap_or_else(|| panic!("nothing was said: {}", ran.stderr));
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}

#[test]
fn what_is_not_denied_is_done_and_every_missing_permission_is_listed_once() {
    let project = worker();
    let denied =
        up(&project, "deny = [\"logs:CreateLogGroup\", \"ec2:CreateInternetGateway\", \"iam:CreateRole\"]\n", &["--json"]);
    assert_eq!(denied.code, 4, "{}", denied.stderr);
    let end = summary(&denied);
    let missing = serde_json::json!(["ec2:CreateInternetGateway", "iam:CreateRole", "logs:CreateLogGroup"]);
    assert_eq!(end["missing_permissions"], missing, "{end}");
    assert_eq!(end["exit"]["name"], "permission");

    // The first run has made the rest, so two are asked for what they are about.
    let denied = up(&project, "deny = [\"logs:CreateLogGroup\", \"iam:CreateRole\"]\n", &[]);
    assert_eq!(denied.code, 4, "{}", denied.stderr);
    let line = "whoever runs landing lacks iam:CreateRole, logs:CreateLogGroup";
    assert!(denied.stderr.contains(line), "{}", denied.stderr);

    let allowed = up(&project, "", &[]);
    assert_eq!(allowed.code, 0, "{}", allowed.stderr);
}

#[test]
fn a_reading_that_is_denied_touches_nothing_and_says_what_to_allow() {
    let denied = up(&worker(), "deny = [\"ec2:DescribeVpcs\", \"ec2:DescribeSubnets\"]\n", &[]);
    assert_eq!(denied.code, 4, "{}", denied.stderr);
    assert!(denied.stderr.contains("nothing was touched"), "{}", denied.stderr);
    assert!(denied.stderr.contains("ec2:DescribeSubnets, ec2:DescribeVpcs"), "{}", denied.stderr);
}

#[test]
fn a_quota_is_named_as_aws_names_it() {
    let project = worker();
    let full = up(&project, "[quotas]\nVpcLimitExceeded = 0\n", &["--json"]);
    assert_eq!(full.code, 5, "{}", full.stderr);
    let end = summary(&full);
    let help = end["failed"][0]["help"].as_str().unwrap_or_default();
    assert!(help.contains("\"VPCs per Region\"") && help.contains("has 5 when"), "{end}");
    assert_eq!(end["calls"]["by_operation"]["EC2:CreateVpc"], 1, "it is not asked for again: {end}");
}

#[test]
fn credentials_that_end_in_the_middle_end_the_run_and_the_next_one_goes_on() {
    let project = worker();
    let ended = up(&project, "[credentials]\nexpire-after-calls = 60\n", &["--json"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let end = summary(&ended);
    assert_eq!(end["exit"]["name"], "credentials", "{end}");
    assert!(end["calls"]["mutating"].as_u64() > Some(5), "it had begun: {end}");
    let on = up(&project, "", &[]);
    assert_eq!(on.code, 0, "{}", on.stderr);
    let quiet = project.landing(&["plan", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(quiet.code, 0, "{}", quiet.stdout);
}
