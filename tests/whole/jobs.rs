//! Jobs: run once for a revision, after what they need and before those that wait for them.

use landing_engine::{Class, Event};
use landing_sandbox::Faults;
use landing_tests::{Run, Site, node, shown, steps};
use serde_json::Value;

const PROJECT: &[(&str, &str)] = &[
    ("landing.toml", "name = \"small\"\nregion = \"us-west-2\"\n"),
    (
        "docker-compose.yml",
        r#"services:
  worker:
    image: python:3.13-alpine
    depends_on:
      migrate: { condition: service_completed_successfully }
  bystander:
    image: python:3.13-alpine
  migrate:
    image: busybox:1.37
    command: ["sh", "-c", "migrate"]
    restart: "no"
"#,
    ),
];

const MIGRATE: &str = "ecs.job.migrate";

/// Of each run of the job its revision's number and its exit code, in the order of their starts.
fn runs(site: &Site) -> Vec<(String, Value)> {
    let world = site.world();
    let mut tasks: Vec<&Value> =
        world["ecs"]["tasks"].as_object().unwrap().values().filter(|task| task["deployment"].is_null()).collect();
    tasks.sort_by_key(|task| task["created"].as_u64());
    let number = |task: &Value| task["definition"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    tasks.into_iter().map(|task| (number(task), task["exit_code"].clone())).collect()
}

fn ended_well(revision: &str) -> (String, Value) {
    (revision.to_owned(), 0.into())
}

/// When a step began to send calls, by the place of the event among all of them.
fn place(run: &Run, what: impl Fn(&Event) -> bool) -> usize {
    run.events.iter().position(what).expect("it happened")
}

fn finished(name: &str) -> impl Fn(&Event) -> bool {
    let wanted = node(name);
    move |event| matches!(event, Event::StepFinished { node, .. } if *node == wanted)
}

fn started(name: &str) -> impl Fn(&Event) -> bool {
    let wanted = node(name);
    move |event| matches!(event, Event::StepStarted { node, .. } if *node == wanted)
}

#[tokio::test(start_paused = true)]
async fn a_job_ends_before_whoever_waits_for_it_starts_and_is_not_run_again() {
    let site = Site::new(PROJECT);
    let before = site.objects();
    let up = site.up().await.done();
    assert_eq!(runs(&site), [ended_well("1")]);
    assert!(place(&up, finished(MIGRATE)) < place(&up, started("ecs.rollout.worker")));
    assert!(place(&up, started("ecs.rollout.bystander")) < place(&up, finished(MIGRATE)), "who does not wait for it goes first");
    assert_eq!(up.notices, Vec::<String>::new());

    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
    // ECS forgets a task after an hour; the mark stays, and no state is needed to know it.
    tokio::time::sleep(std::time::Duration::from_secs(2 * 3600)).await;
    site.forget_state();
    let adopted = site.up().await.done();
    assert_eq!(adopted.mutations(), Vec::<String>::new(), "{}", shown(&adopted.plan));

    site.down().await.done();
    assert_eq!(site.objects(), before);
}

#[tokio::test(start_paused = true)]
async fn it_runs_again_for_another_revision_and_for_nothing_else() {
    let site = Site::new(PROJECT);
    site.up().await.done();
    site.edit("docker-compose.yml", "[\"sh\", \"-c\", \"migrate\"]", "[\"sh\", \"-c\", \"migrate --all\"]");
    let again = site.up().await.done();
    insta::assert_snapshot!(shown(&again.plan));
    assert_eq!(runs(&site), [ended_well("1"), ended_well("2")]);
    site.edit("docker-compose.yml", "  bystander:\n    image: python:3.13-alpine", "  bystander:\n    image: python:3.14-alpine");
    let other = site.up().await.done();
    assert_eq!(steps(&other.plan), ["update ecs.task-definition.bystander", "update ecs.rollout.bystander"]);
    assert_eq!(runs(&site).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_holds_up_who_waits_for_it_and_the_next_up_tries_again() {
    let site = Site::new(PROJECT);
    let failing = r#"failures = [{ kind = "task", name = "small-dev-migrate", reason = "exited" }]"#;
    let bad = site.fork(Faults::from_toml(failing).unwrap());
    let up = bad.up().await;
    let failed: Vec<_> = up.outcome.failed.iter().map(|(node, error)| (node.to_string(), error.class)).collect();
    assert_eq!(failed, [(MIGRATE.to_owned(), Class::NeverHealthy)]);
    let held_up: Vec<_> = up.outcome.skipped.iter().map(|(node, _)| node.to_string()).collect();
    assert_eq!(held_up, ["ecs.rollout.worker"]);

    // As bad as before: tried again, and not answered with the old failure.
    assert!(!bad.up().await.outcome.is_complete());
    assert_eq!(runs(&bad), [("1".to_owned(), 1.into()), ("1".to_owned(), 1.into())]);

    let good = bad.fork(Faults::default());
    good.up().await.done();
    assert_eq!(runs(&good).last(), Some(&ended_well("1")));
    assert_eq!(good.up().await.done().mutations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_somebody_else_began_is_waited_for_and_not_begun_again() {
    let mut site = Site::new(PROJECT);
    // With nobody who waits for it, it is at work when `up` comes back.
    site.edit("docker-compose.yml", "    depends_on:\n      migrate: { condition: service_completed_successfully }\n", "");
    site.wait = false;
    site.up().await.done();
    assert_eq!(runs(&site), [("1".to_owned(), Value::Null)], "at work");
    site.wait = true;
    site.forget_state();
    let goes_on = site.up().await.done();
    assert_eq!(goes_on.mutations(), ["ecs:TagResource"], "{}", shown(&goes_on.plan));
    assert_eq!(runs(&site), [ended_well("1")]);
}

#[tokio::test(start_paused = true)]
async fn down_stops_a_job_that_is_at_work() {
    let mut site = Site::new(PROJECT);
    let before = site.objects();
    site.edit("docker-compose.yml", "    depends_on:\n      migrate: { condition: service_completed_successfully }\n", "");
    site.wait = false;
    site.up().await.done();
    site.wait = true;
    site.forget_state();
    let down = site.down().await.done();
    assert!(down.mutations().contains(&"ecs:StopTask".to_owned()), "{:?}", down.mutations());
    assert_eq!(site.objects(), before);
}

/// Fargate may have no room for a while; RunTask says so in a 200.
#[tokio::test(start_paused = true)]
async fn a_job_waits_for_room() {
    let site = Site::new(PROJECT);
    let full = r#"failures = [{ kind = "task", name = "small-dev-migrate", reason = "capacity", nth = 1 }]"#;
    let site = site.fork(Faults::from_toml(full).unwrap());
    let up = site.up().await.done();
    assert_eq!(up.mutations().iter().filter(|call| *call == "ecs:RunTask").count(), 2);
    assert_eq!(runs(&site), [ended_well("1")]);
}

/// Two migrations at once would meet in the same tables.
#[tokio::test(start_paused = true)]
async fn another_revision_waits_until_the_run_before_has_ended() {
    let mut site = Site::new(PROJECT);
    site.edit("docker-compose.yml", "    depends_on:\n      migrate: { condition: service_completed_successfully }\n", "");
    site.wait = false;
    site.up().await.done();
    site.wait = true;
    site.edit("docker-compose.yml", "[\"sh\", \"-c\", \"migrate\"]", "[\"sh\", \"-c\", \"migrate --all\"]");
    site.up().await.done();
    assert_eq!(runs(&site), [ended_well("1"), ended_well("2")]);
    let world = site.world();
    let tasks = world["ecs"]["tasks"].as_object().unwrap().values().filter(|task| task["deployment"].is_null());
    let mut times: Vec<(u64, u64)> =
        tasks.map(|task| (task["created"].as_u64().unwrap(), task["stopped_at"].as_u64().unwrap())).collect();
    times.sort_unstable();
    assert!(times[0].1 <= times[1].0, "one after the other: {times:?}");
}

/// Whoever stops a job by hand has not seen it done, even when the program ends politely.
#[tokio::test(start_paused = true)]
async fn a_run_that_somebody_stopped_is_not_done() {
    let mut site = Site::new(PROJECT);
    site.edit("docker-compose.yml", "    depends_on:\n      migrate: { condition: service_completed_successfully }\n", "");
    site.wait = false;
    site.up().await.done();
    site.tamper(|world| {
        let now = world["now"].as_u64().unwrap();
        let end =
            serde_json::json!({ "stop_code": "UserInitiated", "reason": "by hand", "exit_code": 0, "container_reason": null });
        let tasks = world["ecs"]["tasks"].as_object_mut().unwrap().values_mut();
        tasks.filter(|task| task["deployment"].is_null()).for_each(|task| task["ends"] = serde_json::json!([now, end]));
    });
    site.wait = true;
    assert!(!site.up().await.outcome.is_complete(), "it is told");
    site.up().await.done();
    assert_eq!(runs(&site), [ended_well("1"), ended_well("1")], "and run again");
}
