//! What dies is explained: each way to fail that the sandbox can play, with what a person sees of it, and how the run ends.

use landing_engine::{Class, Event};
use landing_sandbox::Faults;
use landing_tests::{Run, Site};

const PROJECT: &[(&str, &str)] = &[
    (
        "landing.toml",
        r#"name = "shop"
region = "us-west-2"

[services.web]
paths = ["/*"]
secrets = { TOKEN = "token" }

[secrets.token]
generate = {}
"#,
    ),
    (
        "docker-compose.yml",
        r#"services:
  web:
    image: nginx:1.29-alpine
    command: ["nginx-debug", "-g", "daemon off;"]
    ports: ["8080:8080"]
    healthcheck:
      test: ["CMD", "wget", "-q", "http://localhost:8080"]
"#,
    ),
];

const JOB: &str = r#"
    depends_on:
      migrate: { condition: service_completed_successfully }
  migrate:
    image: example/migrate:1
"#;

/// A shop whose containers do this.
fn shop(workloads: &str) -> Site {
    Site::new(PROJECT).fork(Faults::from_toml(workloads).unwrap_or_else(|error| panic!("{error}")))
}

fn web(does: &str) -> String {
    format!("[[workloads]]\nfamily = \"shop-dev-web\"\n{does}\n")
}

/// Everything that was told about what dies, and how it ended, without the ids of tasks.
fn told(run: &Run) -> String {
    let troubles = run.events.iter().filter_map(|event| match event {
        Event::StepTrouble { node, cause } => Some(format!("{node}: {cause}")),
        _ => None,
    });
    let ends = run.outcome.failed.iter().map(|(node, error)| format!("{:?}: {node}: {}", error.class, error.message));
    without_ids(&troubles.chain(ends).collect::<Vec<_>>().join("\n\n"))
}

fn without_ids(text: &str) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    let is_id = |word: &str| word.len() > 16 && word.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len() >= 16;
    words
        .map(|word| {
            if is_id(word) {
                format!("ID{}", &word[word.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len()..])
            } else {
                word.to_owned()
            }
        })
        .collect()
}

/// Seconds from the first end of a task to the moment at which it was looked at closely.
fn seconds_until_told(site: &Site) -> u64 {
    let world = site.world();
    let tasks = world["ecs"]["tasks"].as_object().unwrap().values();
    let first = tasks.filter_map(|task| task["stopping_at"].as_u64()).min().expect("a task has ended");
    let calls = site.sandbox.with_world(|world| world.calls.clone());
    let looked = calls.iter().filter(|call| call.operation == "GetLogEvents" && call.at >= first).map(|call| call.at).min();
    (looked.expect("it was looked at") - first) / 1000
}

async fn first_up(workloads: &str) -> String {
    judged(&shop(workloads)).await
}

async fn judged(site: &Site) -> String {
    let run = site.up().await;
    let classes: Vec<Class> = run.outcome.failed.iter().map(|(_, error)| error.class).collect();
    assert_eq!(classes, [Class::NeverHealthy], "{:?}", run.outcome.failed);
    let late = seconds_until_told(site);
    assert!(late <= 10, "told after {late} s");
    // A second look is as honest as the first one.
    assert!(!site.up().await.outcome.is_complete(), "a second up must not be green");
    told(&run)
}

macro_rules! dies {
    ($($name:ident: $does:expr;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $name() {
            insta::assert_snapshot!(first_up(&web($does)).await);
        }
    )*};
}

dies! {
    the_image_is_missing: r#"ends = "image""#;
    the_image_is_for_another_processor: r#"ends = "platform""#;
    there_is_no_route_to_the_registry: r#"ends = "no-route""#;
    a_secret_is_missing: r#"ends = "secret""#;
    the_role_cannot_read_a_secret: r#"ends = "secret-denied""#;
    it_runs_out_of_memory: "ends = \"out-of-memory\"\nlog = [\"loading the model\", \"loaded 400 MiB\"]";
    the_command_is_not_in_the_image: r#"ends = "command""#;
    nothing_listens_on_the_port: "ends = \"port\"\nlog = [\"listening on 127.0.0.1:8080\"]";
    the_health_path_is_not_found: "ends = \"health-404\"\nlog = [\"listening on 0.0.0.0:8080\", \"GET / 404\"]";
    it_is_slow_to_start: "ends = \"slow-start\"\nafter = 70\nlog = [\"warming up 1/4\", \"warming up 2/4\", \"warming up 3/4\"]";
    it_crashes_again_and_again: "ends = \"exited\"\nexit-code = 3\nafter = 4\nlog = [\"Traceback (most recent call last):\", \"KeyError: 'TOKEN'\"]";
    its_own_health_check_fails: r#"ends = "health-checks""#;
    it_ends_though_nothing_is_wrong: "ends = \"exited\"\nexit-code = 0\nlog = [\"nothing to do\"]";
    the_image_is_built_for_another_processor_and_nobody_noticed: "ends = \"exited\"\nexit-code = 255\nlog = [\"exec /docker-entrypoint.sh: exec format error\"]";
}

/// The shop with a volume.
async fn with_a_volume(does: &str) -> String {
    let site = shop(&web(does));
    site.edit("landing.toml", "[secrets.token]", "[volumes.media]\nstorage = \"efs\"\n\n[secrets.token]");
    site.edit("docker-compose.yml", "    healthcheck:", "    volumes: [\"media:/media\"]\n    healthcheck:");
    judged(&site).await
}

#[tokio::test(start_paused = true)]
async fn a_volume_cannot_be_mounted() {
    insta::assert_snapshot!("nobody_answers", with_a_volume(r#"ends = "mount""#).await);
    insta::assert_snapshot!("its_name_is_unknown", with_a_volume(r#"ends = "mount-name""#).await);
    insta::assert_snapshot!("the_role_may_not", with_a_volume(r#"ends = "mount-denied""#).await);
}

#[tokio::test(start_paused = true)]
async fn a_job_ends_with_1() {
    let lines: Vec<String> = (1..=30).map(|n| format!("\"migration {n}\"")).collect();
    let workload = format!("[[workloads]]\nfamily = \"shop-dev-migrate\"\nends = \"exited\"\nlog = [{}]", lines.join(", "));
    let site = shop(&workload);
    site.edit("docker-compose.yml", "    healthcheck:", &format!("{JOB}    command: [\"up\"]\n    healthcheck:"));
    insta::assert_snapshot!(judged(&site).await);
}

/// There is a release to go back to: AWS does so, and the run says that it did.
#[tokio::test(start_paused = true)]
async fn a_release_that_dies_is_rolled_back() {
    let site = shop(&web("revision = 2\nends = \"exited\"\nafter = 4\nlog = [\"cannot read the new setting\"]"));
    site.up().await.done();
    site.edit("docker-compose.yml", "daemon off;", "daemon off; worker_processes 2;");
    let run = site.up().await;
    insta::assert_snapshot!(told(&run));
    let classes: Vec<Class> = run.outcome.failed.iter().map(|(_, error)| error.class).collect();
    assert_eq!(classes, [Class::RolledBack]);
    let world = site.world();
    let running = world["ecs"]["tasks"].as_object().unwrap().values().filter(|task| task["stopping_at"].is_null());
    let revisions: Vec<&str> = running.filter_map(|task| task["definition"].as_str()).collect();
    assert!(!revisions.is_empty() && revisions.iter().all(|revision| revision.ends_with(":1")), "{revisions:?}");
}

/// One task that dies is told and is no failure when the next one lives.
#[tokio::test(start_paused = true)]
async fn one_death_is_told_and_forgiven() {
    let once = "failures = [{ kind = \"task\", name = \"shop-dev-web\", reason = \"out-of-memory\", nth = 1 }]";
    let run = shop(once).up().await.done();
    assert!(told(&run).contains("it needs more memory than its 512 MiB"), "{}", told(&run));
}

/// What was wrong was put right outside of landing: old deaths are no reason to give up.
#[tokio::test(start_paused = true)]
async fn a_service_that_has_recovered_is_not_judged_by_its_past() {
    let site = shop(&web("ends = \"secret\""));
    assert!(!site.up().await.outcome.is_complete());
    let mended = site.fork(Faults::default());
    mended.up().await.done();
    assert_eq!(mended.up().await.done().mutations(), Vec::<String>::new());
}

#[test]
fn ids_are_left_out_and_words_are_not() {
    assert_eq!(without_ids("task: 0123456789abcdef0123456789abcdef\nfaded: decade"), "task: ID\nfaded: decade");
}

/// The second death of the same is no chance: nobody waits for AWS to give up. Two of different causes may be.
#[tokio::test(start_paused = true)]
async fn the_same_death_twice_is_the_end_and_two_different_ones_are_not() {
    let site = shop(&web("ends = \"exited\"\nexit-code = 3\nafter = 4\nlog = [\"\\u001b[2Jgone\\u0007\"]"));
    let run = site.up().await;
    assert!(!run.outcome.is_complete());
    assert!(
        told(&run).contains("gone") && !told(&run).contains(['\u{1b}', '\u{7}']),
        "no log speaks to a terminal: {}",
        told(&run)
    );
    let world = site.world();
    let dead = world["ecs"]["tasks"].as_object().unwrap().values().filter(|task| task["stopping_at"].is_u64()).count();
    assert_eq!(dead, 2);
    let task =
        |reason: &str, nth: u32| format!("{{ kind = \"task\", name = \"shop-dev-web\", reason = \"{reason}\", nth = {nth} }}");
    let different = format!("failures = [{}, {}]", task("out-of-memory", 1), task("exited", 2));
    shop(&different).up().await.done();
}
