//! Volumes on EFS: their whole life, their order, and what becomes of the data.

use landing_sandbox::{Durations, Faults};
use landing_tests::volumes::STACK;
use landing_tests::{Run, Site, node, shown};

use super::lost_answers::{Going, lose_answers};

/// Tasks that ended by themselves.
fn deaths(site: &Site) -> Vec<String> {
    let world = site.world();
    let tasks = world["ecs"]["tasks"].as_object().unwrap().values();
    tasks.filter(|task| task["stop_code"] == "TaskFailedToStart").map(|task| task["stopped_reason"].to_string()).collect()
}

fn refused(run: &Run) -> Vec<String> {
    let calls = run.calls.iter().filter(|call| !landing_tests::is_read(call));
    calls.filter_map(|call| Some(format!("{}: {}", call.operation, call.refused.as_ref()?))).collect()
}

fn place(run: &Run, operation: &str, last: bool) -> usize {
    let mut calls = run.calls.iter().enumerate().filter(|(_, call)| call.operation == operation).map(|(index, _)| index);
    if last { calls.next_back() } else { calls.next() }.unwrap_or_else(|| panic!("{operation} was called"))
}

#[tokio::test(start_paused = true)]
async fn volumes_come_are_kept_and_go() {
    let site = Site::new(STACK);
    let before = site.objects();
    let first = site.up().await.done();
    assert_eq!(refused(&first), Vec::<String>::new());
    assert_eq!(deaths(&site), Vec::<String>::new(), "no task starts before its volume can be mounted");
    assert_eq!(first.mutations().iter().filter(|call| call.starts_with("elasticfilesystem:")).count(), 2 * (1 + 1 + 1 + 2));

    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
    site.forget_state();
    let adopted = site.up().await.done();
    assert_eq!(adopted.mutations(), Vec::<String>::new(), "{}", shown(&adopted.plan));

    site.forget_state();
    let down = site.down().await.done();
    assert_eq!(refused(&down), Vec::<String>::new());
    assert_eq!(site.objects(), before);
    assert!(place(&down, "DeleteService", true) < place(&down, "DeleteMountTarget", false), "nobody writes any more");
    assert!(place(&down, "DeleteMountTarget", true) < place(&down, "DeleteFileSystem", false));
}

/// However long AWS takes, and whenever it makes the names known.
#[tokio::test(start_paused = true)]
async fn no_task_dies_of_a_mount_target_that_takes_its_time() {
    let slow = Faults { durations: Durations::Longest, ..Faults::default() };
    // Quick tasks are the ones that would be too early.
    let quick = Faults { durations: Durations::Shortest, ..Faults::default() };
    for faults in [slow, quick] {
        let site = Site::new(STACK).fork(faults);
        site.up().await.done();
        assert_eq!(deaths(&site), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_volume_that_leaves_the_project_takes_its_own_data_and_nothing_else() {
    let site = Site::new(STACK);
    site.up().await.done();
    let data = |site: &Site| -> Vec<String> {
        site.objects().into_iter().filter(|object| object.starts_with("efs:file-system")).collect()
    };
    let both = data(&site);
    site.edit("landing.toml", "[volumes.queue]\nstorage = \"efs\"\nuid = 999\n", "");
    site.edit(
        "docker-compose.yml",
        "    volumes:\n      - queue:/data\n      - { type: volume, source: queue, target: /old, read_only: true }\n",
        "",
    );
    let run = site.up().await.done();
    insta::assert_snapshot!(shown(&run.plan));
    assert_eq!(refused(&run), Vec::<String>::new());
    let left = data(&site);
    assert!(left.len() == 1 && both.contains(&left[0]), "{left:?} of {both:?}");
    assert!(site.plan().await.is_empty());
}

/// The folder keeps its owner: what changes is the way in.
#[tokio::test(start_paused = true)]
async fn another_owner_is_another_access_point_and_loses_nothing() {
    let site = Site::new(STACK);
    site.up().await.done();
    site.edit("landing.toml", "uid = 999", "uid = 1001\nbackup = true");
    let run = site.up().await.done();
    insta::assert_snapshot!(shown(&run.plan));
    assert!(run.plan.steps.iter().all(|step| !step.loses_data));
    assert!(site.plan().await.is_empty());
    site.edit("landing.toml", "backup = true", "backup = false");
    assert_eq!(site.up().await.done().mutations(), ["elasticfilesystem:PutBackupPolicy"]);
    assert!(site.plan().await.is_empty(), "what is not wanted any more is turned off");
}

/// What each service may do to a volume, and how it is replaced.
#[tokio::test(start_paused = true)]
async fn who_only_reads_cannot_write_and_who_writes_is_never_two() {
    let site = Site::new(STACK);
    let look = site.look(false).await;
    let shape = |name: &str| look.blueprint.graph.get(&node(name)).unwrap().shape.clone();
    let actions = |service: &str| {
        let policies = &shape(&format!("iam.role.{service}-task"))["policies"];
        policies["volumes"]["Statement"][0]["Action"].clone()
    };
    assert_eq!(actions("reporter"), serde_json::json!(["elasticfilesystem:ClientMount"]));
    assert_eq!(actions("web"), serde_json::json!(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]));
    assert_eq!(actions("worker"), actions("web"), "one of its two mounts writes");
    let web = shape("ecs.service.web");
    assert_eq!((&web["minimum_percent"], &web["maximum_percent"]), (&0.into(), &100.into()), "a server that writes files");
    let volumes = &shape("ecs.task-definition.worker")["volumes"];
    assert_eq!((&volumes[0]["path"], &volumes[1]["path"]), (&"/data".into(), &"/old".into()));
    assert_eq!((&volumes[0]["read_only"], &volumes[1]["read_only"]), (&false.into(), &true.into()));
    let nodes = look.blueprint.graph.iter().map(|(node, _)| node.to_string());
    let doors: Vec<String> =
        nodes.filter(|node| node.starts_with("ec2.security-group-rule") && node.contains("-volume")).collect();
    insta::assert_snapshot!(doors.join("\n"));
    for zone in ["a", "b"] {
        let target = shape(&format!("efs.mount-target.uploads-{zone}")).to_string();
        assert!(target.contains(&format!("ec2.subnet.private-{zone}")), "where the tasks are: {target}");
    }
}

#[tokio::test(start_paused = true)]
async fn calls_about_volumes_whose_answers_are_lost_change_the_same() {
    let ours = |call: &str| call.starts_with("elasticfilesystem:");
    let site = Site::new(STACK);
    site.edit("landing.toml", "uid = 999", "uid = 999\nbackup = true");
    let up = lose_answers(&site, Going::Up, ours).await;
    site.up().await.done();
    let down = lose_answers(&site, Going::Down, ours).await;
    println!("{up} answers lost in an up, {down} in a down");
    assert!(up >= 11 && down >= 8);
}
