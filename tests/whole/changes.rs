//! Changes are minimal: the plan says exactly what the edit asks for, and carrying it out leaves nothing to do.

use std::collections::BTreeSet;

use landing_engine::plan::Action;
use landing_tests::{Run, Site, node, shown};

/// The reference stack with running services.
async fn running() -> Site {
    let site = Site::pulse();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    site
}

/// Carries the change out; afterwards there is nothing left to do, and what was there before is still all taken away by `down`.
async fn carry_out(site: &Site) -> Run {
    let run = site.up().await.done();
    let after = site.plan().await;
    assert!(after.is_empty(), "{}", shown(&after));
    run
}

#[tokio::test(start_paused = true)]
async fn a_new_cpu_value_is_one_task_definition_and_one_rollout() {
    let site = running().await;
    site.edit("landing.toml", "cpu = 512\nmemory = 1024", "cpu = 1024\nmemory = 2048");
    insta::assert_snapshot!(shown(&site.plan().await));
    let run = carry_out(&site).await;
    assert_eq!(run.mutations(), ["ecs:RegisterTaskDefinition", "ecs:UpdateService"]);
}

#[tokio::test(start_paused = true)]
async fn a_removed_service_takes_exactly_its_own_objects_along() {
    let site = running().await;
    site.edit(
        "landing.toml",
        "skip    = [\"postgres\", \"caddy\"] ",
        "skip    = [\"postgres\", \"caddy\", \"subscription_worker\"] ",
    );
    let text = std::fs::read_to_string(site.path("landing.toml")).unwrap();
    let (before, rest) = text.split_once("[services.subscription_worker]\n").unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    site.write("landing.toml", &format!("{before}{after}"));
    insta::assert_snapshot!(shown(&site.plan().await));
    carry_out(&site).await;
    let left: Vec<String> = site.objects().into_iter().filter(|object| object.contains("subscription_worker")).collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_new_path_is_one_rule_and_one_line_of_the_distribution() {
    let site = running().await;
    site.edit("landing.toml", "paths = [\"/webhook/*\"]", "paths = [\"/webhook/*\", \"/hooks/*\"]");
    insta::assert_snapshot!(shown(&site.plan().await));
    let run = carry_out(&site).await;
    assert_eq!(run.mutations(), ["elasticloadbalancing:CreateRule", "cloudfront:UpdateDistribution"]);
}

#[tokio::test(start_paused = true)]
async fn another_port_makes_a_new_target_group_before_the_old_one_goes() {
    let site = running().await;
    site.edit("landing.toml", "health = \"9000/auth/health/ready\" ", "port = 8443\nhealth = \"9000/auth/health/ready\" ");
    insta::assert_snapshot!(shown(&site.plan().await));
    carry_out(&site).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_secret_for_one_service_touches_only_its_role_and_its_tasks() {
    let site = running().await;
    site.edit("landing.toml", "[secrets.keycloak-admin]", "[secrets.extra]\ngenerate = {}\n\n[secrets.keycloak-admin]");
    site.edit(
        "landing.toml",
        "[services.webhook_receiver]\npaths = [\"/webhook/*\"]\nhealth = \"/health\"\nsecrets = { DATABASE_URL = \"timescale-url\" }",
        "[services.webhook_receiver]\npaths = [\"/webhook/*\"]\nhealth = \"/health\"\nsecrets = { DATABASE_URL = \"timescale-url\", EXTRA = \"extra\" }",
    );
    insta::assert_snapshot!(shown(&site.plan().await));
    carry_out(&site).await;
}

/// The whole network moves, and what lives in it; the plan names everything that is lost on the way.
#[tokio::test(start_paused = true)]
async fn another_vpc_range_replaces_what_lives_in_it_and_says_so() {
    let site = running().await;
    let before = site.objects();
    site.edit("landing.toml", "[spa]", "[network]\ncidr = \"10.7.0.0/16\"\n\n[spa]");
    let plan = site.plan().await;
    insta::assert_snapshot!(shown(&plan));
    assert_eq!(plan.step(&node("ec2.vpc.main")).unwrap().action, Action::Replace);
    let losing: Vec<String> = plan.losing_data().map(|step| step.node.to_string()).collect();
    assert_eq!(losing, ["rds.instance.keycloak"]);
    carry_out(&site).await;
    // Task definitions are never changed, only followed by the next revision.
    let lasting = |objects: &BTreeSet<String>| objects.iter().filter(|object| !object.contains("task-definition")).count();
    assert_eq!(lasting(&site.objects()), lasting(&before));
    site.down().await.done();
}
