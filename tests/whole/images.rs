//! Images are nodes: made beside the slow infrastructure, once for each content, and whoever runs one follows its digest.
//!
//! Stand-ins are made here, which take AWS time and no builder; real ones are in `tests/builders`.

use std::time::Duration;

use landing_engine::plan::Action;
use landing_sandbox::{CallFault, Faults, What};
use landing_tests::{Run, Site, node, shown};

fn pulse(takes: u64) -> Site {
    let mut site = Site::pulse();
    site.stand_ins = Some(Duration::from_secs(takes));
    site
}

fn pushes(run: &Run) -> usize {
    run.mutations().iter().filter(|call| *call == "ecr:PutImage").count()
}

#[tokio::test(start_paused = true)]
async fn one_up_makes_every_image_and_starts_every_service_and_the_next_makes_none() {
    let site = pulse(60);
    let before = site.objects();
    let first = site.up().await.done();
    assert_eq!((pushes(&first), first.notices.len()), (12, 0), "{:?}", first.notices);
    let look = site.look(false).await;
    let counts: Vec<_> =
        look.live.nodes.values().filter(|live| live.node.kind() == "ecs.rollout").map(|live| &live.shape["count"]).collect();
    assert_eq!(counts, vec![1; 11]);
    let second = site.up().await.done();
    assert_eq!(second.mutations(), Vec::<String>::new());
    site.forget_state();
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new(), "without a state file just the same");
    site.down().await.done();
    assert_eq!(site.objects(), before);
}

#[tokio::test(start_paused = true)]
async fn one_changed_line_makes_one_image_and_rolls_one_service() {
    let site = pulse(60);
    site.up().await.done();
    let path = "services/dispatcher/main.py";
    let text = std::fs::read_to_string(site.path(path)).unwrap();
    site.write(path, &format!("{text}# changed\n"));
    insta::assert_snapshot!(shown(&site.plan().await));
    let changed = site.up().await.done();
    assert_eq!(changed.mutations(), ["ecr:PutImage", "ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
    // What stood before stands still, so going back makes nothing.
    site.write(path, &text);
    assert_eq!(site.up().await.done().mutations(), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
}

/// The database alone takes longer.
#[tokio::test(start_paused = true)]
async fn three_minutes_of_building_cost_no_time() {
    let mut took = Vec::new();
    for takes in [0, 180, 3600] {
        let run = pulse(takes).up().await.done();
        assert_eq!(pushes(&run), 12);
        took.push(run.outcome.elapsed);
    }
    println!("without builds {:?}, with builds of 3 minutes {:?}, of an hour {:?}", took[0], took[1], took[2]);
    assert!(took[1] <= took[0] + Duration::from_secs(5), "{took:?}");
    assert!(took[2] > Duration::from_secs(3600), "what runs an image waits for it: {took:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_builder_what_runs_goes_on_running_and_up_says_what_to_push() {
    let mut site = pulse(60);
    site.up().await.done();
    site.stand_ins = None;
    site.write("services/dispatcher/main.py", "print('new')\n");
    let run = site.up().await.done();
    assert_eq!(run.mutations(), Vec::<String>::new());
    insta::assert_snapshot!(run.notices[0]);
    site.push_images().await;
    let pushed = site.up().await.done();
    assert_eq!(pushed.plan.step(&node("ecs.rollout.dispatcher")).unwrap().action, Action::Update);
    assert_eq!(pushed.mutations().iter().filter(|call| *call == "ecs:UpdateService").count(), 11, "all were pushed anew");
}

#[tokio::test(start_paused = true)]
async fn a_credential_among_the_arguments_of_a_build_is_named_and_not_shown() {
    let site = pulse(60);
    let dockerfile = "      dockerfile: dispatcher/Dockerfile\n";
    site.edit("compose/docker-compose.yml", dockerfile, &format!("{dockerfile}      args: {{ NPM_TOKEN: abc123 }}\n"));
    let notices = site.look(false).await.blueprint.notices.join("\n");
    assert!(notices.contains("the build of dispatcher is given NPM_TOKEN") && !notices.contains("abc123"), "{notices}");
}

#[tokio::test(start_paused = true)]
async fn a_push_whose_answer_is_lost_is_found_and_not_made_twice() {
    let on = "ecr:PutImage".parse().unwrap();
    let lost = CallFault { on, nth: (1..=12).collect(), share: None, what: What::Lost };
    let faults = Faults { calls: vec![lost], ..Faults::default() };
    let site = pulse(60).fork(faults);
    let run = site.up().await.done();
    let taken = run.calls.iter().filter(|call| call.operation == "PutImage" && call.refused.is_none()).count();
    assert_eq!(taken, 12, "each was taken once");
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
}
