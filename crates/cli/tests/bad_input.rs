//! Bad input: a clear message with the fix on stderr, exit 2, and no call made. The endpoint is a port that nobody listens on, so that a call would fail
//! in another way.

mod common;

use common::{Project, Ran};

const WEB: &str = "services:\n  web:\n    image: nginx:1\n    expose: [80]\n";
const TWO: &str = "services:\n  web: { image: nginx:1, expose: [80] }\n  api: { image: nginx:1, expose: [80] }\n";

/// Nobody is there; credentials are, so that a call would really be sent.
const NOWHERE: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", "NOBODY"), ("AWS_SECRET_ACCESS_KEY", "nothing")];

#[track_caller]
fn refused(files: &[(&str, &str)]) -> String {
    let project = Project::new(files);
    let up = project.landing_with(&["up", "--yes", "--region", "us-west-2", "--endpoint-url", "http://127.0.0.1:9"], NOWHERE);
    let Ran { code, stdout, stderr } = up;
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(stdout, "", "a message is no data");
    assert!(!project.path().join("state").exists(), "nothing was begun");
    stderr
}

/// landing.toml with these lines below its name, beside a compose file with one service.
#[track_caller]
fn toml(lines: &str) -> String {
    refused(&[("landing.toml", &format!("name = \"shop\"\n{lines}")), ("compose.yaml", WEB)])
}

#[track_caller]
fn compose(text: &str) -> String {
    refused(&[("landing.toml", "name = \"shop\"\n"), ("compose.yaml", text)])
}

#[test]
fn missing_landing_toml() {
    insta::assert_snapshot!(refused(&[("compose.yaml", WEB)]));
}

#[test]
fn malformed_landing_toml() {
    insta::assert_snapshot!(toml("skip = [\"a\"\n"));
}

#[test]
fn unknown_key() {
    insta::assert_snapshot!(toml("regoin = \"us-west-2\"\n"));
}

#[test]
fn unknown_service() {
    insta::assert_snapshot!(toml("[services.wep]\ncpu = 256\n"));
}

#[test]
fn two_default_services() {
    let toml = "name = \"shop\"\n[services.web]\ndefault = true\n[services.api]\ndefault = true\n";
    insta::assert_snapshot!(refused(&[("landing.toml", toml), ("compose.yaml", TWO)]));
}

#[test]
fn overlapping_range() {
    insta::assert_snapshot!(toml("[network]\ncidr = \"169.254.0.0/16\"\n"));
}

#[test]
fn too_small_range() {
    insta::assert_snapshot!(toml("[network]\ncidr = \"10.1.0.0/26\"\n"));
}

#[test]
fn unsupported_compose_key() {
    insta::assert_snapshot!(compose("services:\n  web:\n    image: nginx:1\n    privileged: true\n"));
}

#[test]
fn unset_variable() {
    insta::assert_snapshot!(compose("services:\n  web:\n    image: nginx:1\n    environment: { TAG: \"v-${RELEASE}\" }\n"));
}

#[test]
fn a_pair_of_cpu_and_memory_that_fargate_lacks() {
    let shown = toml("[services.web]\ncpu = 512\nmemory = 512\n");
    assert!(shown.contains("1024"), "the nearest valid one is named: {shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn credential_in_plain_text() {
    let shown = compose("services:\n  web:\n    image: nginx:1\n    environment: { DB_PASSWORD: hunter2 }\n");
    assert!(!shown.contains("hunter2"), "the value is shown: {shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn path_traversal() {
    insta::assert_snapshot!(compose("services:\n  web:\n    image: nginx:1\n    env_file: ../../etc/passwd\n"));
}

#[test]
fn cyclic_depends_on() {
    let shown = compose(
        "services:\n  a: { image: x, depends_on: [b] }\n  b: { image: x, depends_on: [c] }\n  c: { image: x, depends_on: [a] }\n",
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn name_too_long() {
    let name = "n".repeat(80);
    insta::assert_snapshot!(refused(&[("landing.toml", &format!("name = \"{name}\"\n")), ("compose.yaml", WEB)]));
}

#[test]
fn unknown_flag() {
    let project = Project::new(&[]);
    assert_eq!(project.landing(&["up", "--sandbux"]).code, 2);
}

#[test]
fn no_credentials() {
    let project = Project::new(&[("landing.toml", "name = \"shop\"\n"), ("compose.yaml", WEB)]);
    let up = project.landing(&["up", "--yes", "--region", "us-west-2", "--endpoint-url", "http://127.0.0.1:9"]);
    assert_eq!(up.code, 3, "{}", up.stderr);
    assert_eq!(up.stdout, "");
    assert!(up.stderr.contains("--sandbox"), "{}", up.stderr);
    // The indented lines are the SDK's own and change with it.
    let shown: Vec<&str> = up.stderr.lines().filter(|line| !line.starts_with("  ")).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn no_region() {
    let project = Project::new(&[("landing.toml", "name = \"shop\"\n"), ("compose.yaml", WEB)]);
    let up = project.landing_with(&["up", "--yes", "--endpoint-url", "http://127.0.0.1:9"], NOWHERE);
    assert_eq!(up.code, 2, "{}", up.stderr);
    insta::assert_snapshot!(up.stderr);
}

/// What a file of faults for the sandbox gets back; nothing of it may begin.
#[track_caller]
fn faults(text: &str) -> String {
    let project = Project::new(&[("landing.toml", "name = \"shop\"\n"), ("compose.yaml", WEB), ("bad-day.toml", text)]);
    let file = project.path().join("bad-day.toml");
    let file = file.to_str().expect("the folder's name is text");
    let Ran { code, stdout, stderr } = project.landing_with(&["plan", "--sandbox", "--sandbox-faults", file], &[]);
    assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
    stderr
}

#[test]
fn a_field_of_faults_that_does_not_exist() {
    insta::assert_snapshot!(faults("seed = 1\nthrotle = { refuse = 0.5 }\n"));
}

#[test]
fn a_fault_out_of_its_range() {
    insta::assert_snapshot!(faults("[throttle]\nrefuse = 60\n"));
}

#[test]
fn a_fault_for_calls_of_no_service() {
    insta::assert_snapshot!(faults("[[calls]]\non = \"ec3:CreateVpc\"\nwhat = \"lost\"\n"));
}

/// With both, the SDK's log would hold the values of secrets.
#[test]
fn the_switch_that_prints_bodies() {
    let project = Project::new(&[("landing.toml", "name = \"shop\"\n"), ("compose.yaml", WEB)]);
    let switch = ("LOG_SENSITIVE_BODIES", "1");
    let refused = project.landing_with(&["validate"], &[("LANDING_LOG", "aws_smithy_runtime=trace"), switch]);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(refused.stderr.contains("would print the values of secrets"), "{}", refused.stderr);
    assert_eq!(project.landing_with(&["validate"], &[("LANDING_LOG", "trace"), switch]).code, 0, "its log is not asked for");
}
