//! Does it work? What smoke asks of a stack that stands, and what it says when something of it does not.

use std::time::Duration;

use landing_aws::smoke::{Finding, Status};
use landing_sandbox::Faults;
use landing_tests::Site;
use landing_tests::small::STACK;
use serde_json::{Value, json};

const ONCE: Duration = Duration::ZERO;
const PATIENT: Duration = Duration::from_secs(300);

/// A line a check; what is not well with what was expected and what to do.
fn told(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let Finding { check, status, expected, came, help, .. } = finding;
        match status {
            Status::Ok => format!("ok       {check}: {came}\n"),
            Status::Skipped => format!("skipped  {check}: {came}\n"),
            Status::Failed => {
                format!(
                    "failed   {check}\n  expected: {expected}\n      came: {came}\n      help: {}\n",
                    help.as_deref().unwrap_or("none")
                )
            }
        }
    });
    lines.collect()
}

fn failed(findings: &[Finding]) -> String {
    told(&findings.iter().filter(|finding| finding.status == Status::Failed).cloned().collect::<Vec<_>>())
}

async fn standing(faults: &str) -> Site {
    let site = Site::new(STACK).fork(Faults::from_toml(faults).unwrap_or_else(|error| panic!("{error}")));
    site.up().await.done();
    site
}

/// The target group of the web service, in the saved world.
fn web_group(world: &mut Value) -> &mut Value {
    let groups = world["elbv2"]["target_groups"].as_object_mut().unwrap();
    groups.values_mut().find(|group| group["protocol"] == "HTTP").unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_reference_stack_works_and_every_route_of_it_was_asked_for() {
    let mut site = Site::pulse();
    site.stand_ins = Some(Duration::from_secs(30));
    site.up().await.done();
    let before = site.sandbox.with_world(|world| world.calls.len());
    let findings = site.smoke(PATIENT).await;
    insta::assert_snapshot!(told(&findings));
    assert!(findings.iter().all(|finding| finding.status != Status::Failed));
    let calls = site.sandbox.with_world(|world| world.calls[before..].to_vec());
    assert!(calls.iter().all(landing_tests::is_read), "it only reads: {calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_without_a_registered_task_is_named_with_what_to_do() {
    let mut site = standing("").await;
    site.tamper(|world| web_group(world)["targets"] = json!({}));
    insta::assert_snapshot!(failed(&site.smoke(ONCE).await));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_hangs_is_told_from_one_that_is_not_there() {
    let mut site = standing("").await;
    site.tamper(|world| {
        for target in web_group(world)["targets"].as_object_mut().unwrap().values_mut() {
            target["failing"] = "Target.Timeout".into();
        }
    });
    insta::assert_snapshot!(failed(&site.smoke(ONCE).await));
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_somebody_took_away_is_missed() {
    let mut site = standing("").await;
    site.edit("landing.toml", "default = true\n", "");
    site.up().await.done();
    site.tamper(|world| world["elbv2"]["rules"] = json!({}));
    let found = failed(&site.smoke(ONCE).await);
    assert!(found.contains("404, of the load balancer itself") && found.contains("no rule of the load balancer"), "{found}");
}

/// Gives the first page another content type, behind landing's back.
fn retype(site: &mut Site, content_type: &str) {
    site.tamper(|world| {
        let buckets = world["s3"]["buckets"].as_object_mut().unwrap();
        let (_, bucket) = buckets.iter_mut().find(|(name, _)| name.contains("-spa-")).unwrap();
        bucket["objects"]["index.html"][0]["headers"]["content-type"] = content_type.into();
    });
}

#[tokio::test(start_paused = true)]
async fn a_site_that_is_no_html_does_not_work() {
    let mut site = standing("").await;
    let well = site.smoke(ONCE).await;
    assert_eq!(failed(&well), "");
    let pages: Vec<&Finding> = well.iter().filter(|finding| finding.check.starts_with("site:")).collect();
    assert!(pages.len() == 2 && pages.iter().all(|page| page.status == Status::Ok), "{}", told(&well));
    retype(&mut site, "binary/octet-stream");
    insta::assert_snapshot!(failed(&site.smoke(ONCE).await));
}

#[tokio::test(start_paused = true)]
async fn a_log_without_an_entry_is_a_failure_unless_silence_is_declared() {
    let mut site = standing("").await;
    site.tamper(|world| {
        for group in world["logs"]["groups"].as_object_mut().unwrap().values_mut() {
            group["streams"] = json!({});
        }
    });
    insta::assert_snapshot!(failed(&site.smoke(ONCE).await));
    site.edit("landing.toml", "[services.broker]\n", "[services.broker]\nsmoke = { log = false }\n");
    let found = failed(&site.smoke(ONCE).await);
    assert!(!found.contains("broker") && found.contains("web: log"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn what_is_slow_to_come_back_is_waited_for() {
    let mut site = standing("").await;
    // Its one task is gone, and the scheduler notices.
    site.tamper(|world| {
        let now = world["now"].as_u64().unwrap();
        let tasks = world["ecs"]["tasks"].as_object_mut().unwrap();
        let web = tasks.values_mut().find(|task| task["definition"].as_str().unwrap().contains("small-dev-web")).unwrap();
        web["ends"] =
            json!([now, { "stop_code": "EssentialContainerExited", "reason": "gone", "exit_code": 1, "container_reason": null }]);
    });
    assert_ne!(failed(&site.smoke(ONCE).await), "", "at first it does not work");
    let findings = site.smoke(PATIENT).await;
    assert_eq!(failed(&findings), "");
    let late = findings.iter().filter(|finding| finding.seconds > 10).count();
    assert!((1..findings.len()).contains(&late), "only what was not well is asked again: {late} of {}", findings.len());
}

#[tokio::test(start_paused = true)]
async fn what_landing_toml_says_is_asked_for() {
    let answers =
        "[[workloads]]\nfamily = \"small-dev-web\"\nanswers = [{ path = \"/api/ping\", status = 201, body = \"all is ok\" }]\n";
    let site = standing(answers).await;
    let asked = |smoke: &str| {
        let before = if site.project().find("web").unwrap().smoke.path.is_some() { "smoke = " } else { "paths = [\"/api/*\"]" };
        let text = std::fs::read_to_string(site.path("landing.toml")).unwrap();
        let line = text.lines().find(|line| line.starts_with(before)).unwrap().to_owned();
        let new = if before == "smoke = " { smoke.to_owned() } else { format!("{line}\n{smoke}") };
        site.edit("landing.toml", &line, &new);
    };
    asked("smoke = { path = \"/api/ping\", status = 201, contains = \"ok\" }");
    assert_eq!(failed(&site.smoke(ONCE).await), "");
    asked("smoke = { path = \"/api/ping\", status = 201, contains = \"fine\" }");
    assert!(failed(&site.smoke(ONCE).await).contains("201, without that text"));
    asked("smoke = { path = \"/api/ping\" }");
    assert!(failed(&site.smoke(ONCE).await).contains("came: 201"));
}

/// Nobody but CloudFront comes in: the load balancer is asked for through it alone.
#[tokio::test(start_paused = true)]
async fn a_load_balancer_that_admits_cloudfront_alone_is_asked_through_it() {
    let site = Site::new(STACK);
    let text = std::fs::read_to_string(site.path("landing.toml")).unwrap();
    site.write("landing.toml", &format!("{text}\n[alb]\nfrom = \"cloudfront\"\n"));
    site.up().await.done();
    let findings = site.smoke(ONCE).await;
    assert_eq!(failed(&findings), "");
    let through = |what: &str| findings.iter().any(|finding| finding.check.contains(what));
    assert!(through("through CloudFront") && !through("through the load balancer"), "{}", told(&findings));
}

/// A worker that nobody can visit, and a job that it waits for: only AWS tells of them.
const UNSEEN: &[(&str, &str)] = &[
    ("landing.toml", "name = \"quiet\"\nregion = \"us-west-2\"\n"),
    (
        "docker-compose.yml",
        "services:\n  worker:\n    image: python:3.13-alpine\n    depends_on:\n      prepare: { condition: service_completed_successfully }\n  prepare:\n    image: busybox:1.37\n    command: [\"true\"]\n",
    ),
];

/// What smoke says when somebody has changed this of a stack that worked.
async fn unseen(change: impl FnOnce(&mut Value)) -> String {
    let mut site = Site::new(UNSEEN);
    site.up().await.done();
    assert_eq!(failed(&site.smoke(ONCE).await), "");
    site.tamper(change);
    failed(&site.smoke(ONCE).await)
}

fn only(objects: &mut Value) -> &mut Value {
    objects.as_object_mut().unwrap().values_mut().next().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_visit_is_told_by_its_tasks_its_log_and_its_mark() {
    let with = |count: u64| move |world: &mut Value| only(&mut world["ecs"]["services"])["desired"] = count.into();
    let missing = unseen(with(2)).await;
    assert!(missing.contains("worker: tasks") && missing.contains("came: 1 of 2 running"), "{missing}");
    let none = unseen(with(0)).await;
    assert!(none.contains("it is told to run no task"), "{none}");
    let rolling = unseen(|world| {
        let later = world["now"].as_u64().unwrap() + 3_600_000;
        let deployment = &mut only(&mut world["ecs"]["services"])["deployments"][0];
        deployment["rollout"] = "IN_PROGRESS".into();
        deployment["started"] = later.into();
    });
    let rolling = rolling.await;
    assert!(rolling.contains("1 of 1 running, and a release is under way"), "{rolling}");
    let silent = unseen(|world| {
        for group in world["logs"]["groups"].as_object_mut().unwrap().values_mut() {
            group["streams"].as_object_mut().unwrap().values_mut().for_each(|stream| stream["events"] = json!([]));
        }
    });
    let silent = silent.await;
    assert!(silent.contains("nothing in /ecs/quiet-dev/worker"), "a stream is no entry: {silent}");
    let undone = unseen(|world| {
        let family = &mut world["ecs"]["families"]["quiet-dev-prepare"];
        only(&mut family["revisions"])["tags"].as_object_mut().unwrap().shift_remove("landing:job").expect("it was done");
    });
    let undone = undone.await;
    assert!(undone.contains("prepare: job") && undone.contains("it has not ended well"), "{undone}");
}

/// A question that could not be asked has no good answer.
#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_and_what_is_not_built_do_not_work() {
    let site = Site::new(UNSEEN);
    site.up().await.done();
    let denied = "deny = [\"ecs:DescribeServices\", \"logs:DescribeLogStreams\", \"ecs:DescribeTaskDefinition\"]";
    let found = failed(&site.fork(Faults::from_toml(denied).unwrap()).smoke(PATIENT).await);
    for check in ["worker: tasks", "worker: log", "prepare: job"] {
        assert!(found.contains(&format!("failed   {check}\n")), "{check} in {found}");
    }
    site.edit("docker-compose.yml", "  prepare:\n", "  another:\n    image: redis:8\n  prepare:\n");
    let found = failed(&site.smoke(PATIENT).await);
    assert!(found.contains("failed   another: tasks") && found.contains("it is not built"), "{found}");
}

#[tokio::test(start_paused = true)]
async fn a_port_that_the_network_load_balancer_has_nobody_for_does_not_work() {
    let mut site = standing("").await;
    site.tamper(|world| {
        let groups = world["elbv2"]["target_groups"].as_object_mut().unwrap();
        groups.values_mut().find(|group| group["protocol"] == "TCP").unwrap()["targets"] = json!({});
    });
    let found = failed(&site.smoke(ONCE).await);
    assert!(found.contains("failed   broker: TCP 1883"), "{found}");
}
