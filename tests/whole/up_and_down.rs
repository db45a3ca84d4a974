//! The main job: up, up again, down.

use std::collections::BTreeMap;

use landing_engine::kind::Ready;
use landing_sandbox::Faults;
use landing_tests::{Run, Site, is_read, steps};

/// Calls of an `up` that finds nothing to do: the scan and the facts. It may shrink, it must not grow unnoticed.
const CALLS_OF_A_QUIET_UP: usize = 95;

fn by_operation(run: &Run) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for call in &run.calls {
        *counts.entry(format!("{}:{}", call.service, call.operation)).or_default() += 1;
    }
    counts
}

#[tokio::test(start_paused = true)]
async fn up_builds_everything_a_second_up_changes_nothing_and_down_leaves_nothing() {
    let site = Site::pulse();
    let before = site.objects();

    let first = site.up().await.done();
    println!("first up: {} calls, {} mutating", first.calls.len(), first.mutations().len());
    let built = site.objects();

    let second = site.up().await.done();
    println!("second up: {} calls, {:#?}", second.calls.len(), by_operation(&second));
    assert_eq!(second.mutations(), Vec::<String>::new());
    assert_eq!(steps(&second.plan), Vec::<String>::new());
    assert!(second.calls.len() <= CALLS_OF_A_QUIET_UP, "{} calls", second.calls.len());
    assert_eq!(site.objects(), built);

    let down = site.down().await.done();
    println!("down: {} calls, {} mutating", down.calls.len(), down.mutations().len());
    assert_eq!(site.objects(), before);
    assert_eq!(site.state().unwrap().nodes.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_images_services_stand_at_zero_and_up_says_which() {
    let site = Site::pulse();
    let run = site.up().await.done();
    insta::assert_snapshot!(run.notices.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn services_with_images_run_as_many_tasks_as_they_should_and_down_takes_all_away() {
    let site = Site::pulse();
    let before = site.objects();
    site.up().await.done();
    assert_eq!(site.push_images().await, 12);

    site.up().await.done();
    let look = site.look(false).await;
    assert_eq!(steps(&look.plan), Vec::<String>::new());
    let counts: Vec<String> = look
        .live
        .nodes
        .values()
        .filter(|live| live.node.kind() == "ecs.rollout")
        .map(|live| {
            assert_eq!(live.ready, Ready::Yes, "{}", live.node);
            format!("{} {}", live.node, live.shape["count"])
        })
        .collect();
    insta::assert_snapshot!(counts.join("\n"));

    site.down().await.done();
    assert_eq!(site.objects(), before);
}

#[tokio::test(start_paused = true)]
async fn the_first_up_of_a_second_life_starts_services_with_the_images_that_are_there() {
    let site = Site::pulse();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    let quiet = site.up().await.done();
    assert_eq!(quiet.mutations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn down_without_a_state_file_leaves_nothing() {
    let site = Site::pulse();
    let before = site.objects();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    site.forget_state();
    site.down().await.done();
    assert_eq!(site.objects(), before);
}

#[tokio::test(start_paused = true)]
async fn a_second_down_finds_nothing_to_do() {
    let site = Site::pulse();
    site.up().await.done();
    site.down().await.done();
    let again = site.down().await.done();
    assert!(again.plan.steps.is_empty(), "{:?}", again.plan.steps);
    assert_eq!(again.mutations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn up_after_down_builds_the_same_again() {
    let site = Site::pulse();
    let before = site.objects();
    let first = site.up().await.done();
    site.down().await.done();
    let second = site.up().await.done();
    assert_eq!(steps(&first.plan), steps(&second.plan));
    assert_eq!(site.state().unwrap().nodes.len(), second.plan.steps.len());
    site.down().await.done();
    assert_eq!(site.objects(), before);
}

/// What `up` leaves unwaited is still there to be waited for, and nothing is made twice.
#[tokio::test(start_paused = true)]
async fn up_without_waiting_comes_back_sooner_and_the_next_up_finds_everything_made() {
    let mut site = Site::new(WEB);
    let patient = site.up().await.done();
    site.down().await.done();
    site.wait = false;
    let hasty = site.up().await.done();
    println!("patient {:?}, hasty {:?}", patient.outcome.elapsed, hasty.outcome.elapsed);
    assert!(hasty.outcome.elapsed < patient.outcome.elapsed);
    site.wait = true;
    let again = site.up().await.done();
    assert_eq!(again.mutations(), Vec::<String>::new());
}

const WEB: &[(&str, &str)] = &[
    ("landing.toml", "name = \"small\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\n"),
    ("docker-compose.yml", "services:\n  web:\n    image: nginx:1.29-alpine\n    ports: [\"8080:80\"]\n"),
];

const WORKER: &[(&str, &str)] = &[
    ("landing.toml", "name = \"small\"\nregion = \"us-west-2\"\n"),
    ("docker-compose.yml", "services:\n  ticker:\n    image: busybox:1.37\n    command: [\"sh\", \"-c\", \"sleep 3600\"]\n"),
];

/// A small project gets what it needs and nothing else, and its whole life works.
async fn life(files: &[(&str, &str)]) -> String {
    let site = Site::new(files);
    let before = site.objects();
    let up = site.up().await.done();
    let names: Vec<String> = up.plan.steps.iter().map(|step| step.node.to_string()).collect();
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
    site.down().await.done();
    assert_eq!(site.objects(), before);
    names.join("\n")
}

#[tokio::test(start_paused = true)]
async fn one_service_with_a_path_gets_a_load_balancer_and_no_database_bucket_or_distribution() {
    insta::assert_snapshot!(life(WEB).await);
}

#[tokio::test(start_paused = true)]
async fn one_worker_gets_no_load_balancer() {
    insta::assert_snapshot!(life(WORKER).await);
}

/// Deregistered and not deleted, revisions would stay listed for ever.
#[tokio::test(start_paused = true)]
async fn a_removal_that_was_broken_off_between_its_two_calls_is_brought_to_its_end() {
    let site = Site::new(WORKER);
    let before = site.objects();
    site.up().await.done();
    let faults = "deny = [\"ecs:DeleteTaskDefinitions\"]";
    let denied = site.fork(Faults::from_toml(faults).expect("it is one of the fields"));
    let broken_off = denied.down().await;
    assert_eq!(broken_off.outcome.failed.len(), 1, "{:?}", broken_off.outcome.failed);
    assert_ne!(denied.objects(), before);

    let undisturbed = denied.fork(Faults::default());
    let goes_on = undisturbed.down().await.done();
    assert!(!goes_on.mutations().contains(&"ecs:DeregisterTaskDefinition".to_owned()), "that was done");
    assert_eq!(undisturbed.objects(), before);

    // Whoever wants the service again gets the next revision, and nothing of the old one is in the way.
    let wanted_again = denied.fork(Faults::default());
    wanted_again.up().await.done();
    assert_eq!(wanted_again.up().await.done().mutations(), Vec::<String>::new());
    wanted_again.down().await.done();
    assert_eq!(wanted_again.objects(), before);
}

/// Reads are reads by AWS's naming; a plan makes nothing else.
#[tokio::test(start_paused = true)]
async fn a_plan_only_reads() {
    let site = Site::pulse();
    site.plan().await;
    let refused: Vec<_> = site.sandbox.with_world(|world| world.calls.iter().filter(|call| !is_read(call)).cloned().collect());
    assert_eq!(refused, Vec::new());
}
