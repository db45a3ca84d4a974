//! Another value for a secret, and new tasks for whoever has read the one before: in this order, of the same revision, and never green before they serve.

use landing_blueprint::{NoRenewal, Renewal, Which};
use landing_sandbox::Faults;
use landing_tests::{Site, shown, small};
use serde_json::Value;

fn renewal(name: &str, roll: bool) -> Renewal {
    let which = match name.strip_prefix("database:") {
        Some(database) => Which::Database(database.to_owned()),
        None => Which::Secret(name.to_owned()),
    };
    Renewal { anew: name != "key", which, roll }
}

async fn standing() -> Site {
    let site = Site::new(small::STACK);
    site.up().await.done();
    site
}

/// The value at a stage, of the secret whose name begins like this.
fn value(site: &Site, name: &str, stage: &str) -> Option<String> {
    let world = site.world();
    let secrets = world["secrets"]["secrets"].as_object().unwrap();
    let (_, secret) = secrets.iter().find(|(key, _)| key.starts_with(name)).unwrap();
    let versions = secret["versions"].as_object().unwrap().values();
    let staged = |version: &&Value| version["stages"].as_array().unwrap().iter().any(|other| other == stage);
    versions.into_iter().find(staged).map(|version| version["string"].as_str().unwrap().to_owned())
}

/// Tasks of the service that run, sorted.
fn tasks(site: &Site) -> Vec<String> {
    let world = site.world();
    let tasks = world["ecs"]["tasks"].as_object().unwrap().iter();
    let web = tasks.filter(|(_, task)| task["definition"].as_str().unwrap().contains("small-dev-web"));
    let mut found: Vec<String> = web.filter(|(_, task)| task["stopping_at"].is_null()).map(|(arn, _)| arn.clone()).collect();
    found.sort();
    found
}

#[tokio::test(start_paused = true)]
async fn a_given_value_is_stored_and_nothing_else_is_touched() {
    let site = standing().await;
    let before = tasks(&site);
    let run = site.renew(&renewal("key", false), Some(("KEY", "another"))).await.unwrap().done();
    assert_eq!(run.mutations(), ["secretsmanager:PutSecretValue"]);
    assert_eq!(value(&site, "small-dev/key", "AWSCURRENT").unwrap(), "another");
    assert_eq!(value(&site, "small-dev/key", "AWSPREVIOUS").unwrap(), "a value for KEY");
    assert_eq!(tasks(&site), before);
    let again = site.renew(&renewal("key", false), Some(("KEY", "another"))).await.unwrap().done();
    assert_eq!(again.mutations(), Vec::<String>::new(), "it has that value already");
}

#[tokio::test(start_paused = true)]
async fn a_secret_can_be_given_before_anything_stands() {
    let site = Site::new(small::STACK);
    let run = site.renew(&renewal("key", true), Some(("KEY", "early"))).await.unwrap().done();
    assert_eq!(run.mutations(), ["secretsmanager:CreateSecret"], "there is nobody to start anew");
    assert_eq!(value(&site, "small-dev/key", "AWSCURRENT").unwrap(), "early");
    let refused = site.renew(&renewal("token", false), None).await.err().unwrap();
    assert!(matches!(refused, NoRenewal::NotThere(_)), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_generated_one_is_made_anew_and_its_readers_start_after_it() {
    let site = standing().await;
    let (old, before) = (value(&site, "small-dev/token", "AWSCURRENT"), tasks(&site));
    let run = site.renew(&renewal("token", true), None).await.unwrap().done();
    insta::assert_snapshot!(shown(&run.plan).replace(|c: char| c.is_ascii_digit(), "#"));
    assert_eq!(run.mutations(), ["secretsmanager:PutSecretValue", "ecs:UpdateService"]);
    assert_eq!(value(&site, "small-dev/token", "AWSPREVIOUS"), old);
    assert_ne!(value(&site, "small-dev/token", "AWSCURRENT"), old);
    let after = tasks(&site);
    assert!(after.len() == before.len() && after.iter().all(|task| !before.contains(task)), "{before:?} {after:?}");
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new(), "there is nothing left to do");
}

#[tokio::test(start_paused = true)]
async fn rds_makes_another_password_and_its_readers_start_after_it() {
    let site = standing().await;
    let (old, before) = (value(&site, "rds!db", "AWSCURRENT"), tasks(&site));
    let run = site.renew(&renewal("database:things", true), None).await.unwrap().done();
    assert_eq!(run.mutations(), ["rds:ModifyDBInstance", "ecs:UpdateService"]);
    assert_eq!(value(&site, "rds!db", "AWSPREVIOUS"), old);
    assert!(tasks(&site).iter().all(|task| !before.contains(task)));
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
}

/// AWS shows for up to a minute what was there before, which is a service that is steady.
#[tokio::test(start_paused = true)]
async fn an_aws_that_lags_is_not_believed() {
    let site = standing().await;
    let before = tasks(&site);
    let lagging = "[consistency]\nwindow = 60\nservices = [\"ecs\", \"secretsmanager\", \"rds\"]\n";
    let site = site.fork(Faults::from_toml(lagging).unwrap());
    site.renew(&renewal("token", true), None).await.unwrap().done();
    let after = tasks(&site);
    assert!(!after.is_empty() && after.iter().all(|task| !before.contains(task)), "it ended before the old tasks did");
    site.renew(&renewal("database:things", false), None).await.unwrap().done();
}

#[tokio::test(start_paused = true)]
async fn tasks_that_do_not_live_with_the_new_value_are_never_green() {
    let site = standing().await;
    let dies =
        "[[workloads]]\nfamily = \"small-dev-web\"\nends = \"exited\"\nexit-code = 1\nafter = 2\nlog = [\"password refused\"]\n";
    let run = site.fork(Faults::from_toml(dies).unwrap()).renew(&renewal("token", true), None).await.unwrap();
    let failed: Vec<String> = run.outcome.failed.iter().map(|(node, _)| node.to_string()).collect();
    assert_eq!(failed, ["ecs.rollout.web"], "{:?}", run.outcome.failed);
}

#[tokio::test(start_paused = true)]
async fn new_tasks_bring_nothing_else_with_them() {
    let site = standing().await;
    site.edit("docker-compose.yml", "nginx:1.29-alpine", "nginx:1.30-alpine");
    let refused = site.renew(&renewal("token", true), None).await.err().unwrap();
    insta::assert_snapshot!(refused.to_string(), @"web would get more than another secret: ecs.task-definition.web, ecs.rollout.web has changes that wait");
    let run = site.renew(&renewal("token", false), None).await.unwrap().done();
    assert_eq!(run.mutations(), ["secretsmanager:PutSecretValue"]);
}

/// What runs nothing has read nothing.
#[tokio::test(start_paused = true)]
async fn a_service_that_stands_still_is_not_started_for_a_secret() {
    let site = Site::new(small::STACK);
    site.edit("docker-compose.yml", "image: nginx:1.29-alpine", "build: web");
    site.write("web/Dockerfile", "FROM nginx:1.29-alpine\n");
    site.up().await.done();
    let run = site.renew(&renewal("token", true), None).await.unwrap().done();
    assert_eq!(run.mutations(), ["secretsmanager:PutSecretValue"]);
}
