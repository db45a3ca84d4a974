//! The roles that GitHub's runners take are enough for what they are for, and the one of pull requests is for nothing else.

use std::collections::BTreeSet;
use std::time::Duration;

use landing_aws::smoke::Status;
use landing_engine::{Class, NodeName};
use landing_sandbox::Faults;
use landing_tests::small::WITH_A_JOB;
use landing_tests::{Site, is_read, shown};

use super::faults::documented;

/// The small stack as it stands, with both roles, and no value at hand that would be compared with a stored one.
async fn standing() -> Site {
    let site = Site::new(WITH_A_JOB);
    site.edit("landing.toml", "from = \"env:KEY\"", "generate = {}");
    site.edit("landing.toml", "branch = \"main\"", "branch = \"main\"\nplan = true");
    site.up().await.done();
    site
}

/// The actions that a role allows.
async fn allowed(site: &Site, role: &str) -> BTreeSet<String> {
    let look = site.look(false).await;
    let role = look.blueprint.graph.get(&NodeName::new("iam.role", role)).expect("it is drawn");
    let policies = role.shape["policies"].as_object().expect("policies have names");
    let statements = policies.values().flat_map(|policy| policy["Statement"].as_array().expect("a policy has statements"));
    let actions = statements.flat_map(|statement| statement["Action"].as_array().expect("actions are a list"));
    actions.map(|action| action.as_str().expect("an action is a name").to_owned()).collect()
}

/// An account in which nothing else is allowed.
fn nothing_but(allowed: &BTreeSet<String>) -> Faults {
    // Keys of conditions look like actions, and are none.
    let denied = documented().into_iter().filter(|action| !allowed.contains(action));
    Faults { deny: denied.filter_map(|action| action.parse().ok()).collect(), ..Faults::default() }
}

#[tokio::test(start_paused = true)]
async fn the_role_of_pull_requests_is_enough_to_plan_and_reads_no_data() {
    let site = standing().await;
    let allowed = allowed(&site, "plan").await;
    let day = site.fork(nothing_but(&allowed));
    day.edit("docker-compose.yml", "nginx:1.29-alpine", "nginx:1.28-alpine");
    // A runner has no state but that in S3: without it everything is found by its tags.
    day.forget_state();
    let changes = shown(&day.try_look(false).await.unwrap_or_else(|refused| panic!("{refused:?}")).plan);
    assert!(changes.contains("update ecs.task-definition.web"), "{changes}");
    assert_eq!(day.plan().await.summary.create, 0);
    day.sandbox.with_world(|world| assert!(world.calls.iter().all(is_read)));

    let reads_only: Vec<&String> = allowed.iter().filter(|action| !landing_aws::is_read(action)).collect();
    assert_eq!(reads_only, Vec::<&String>::new(), "a plan changes nothing");
    for data in ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue", "s3:GetObject", "logs:GetLogEvents"] {
        assert!(!allowed.contains(data), "{data}");
    }
    assert_eq!(
        allowed.difference(&documented()).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "no more than whoever runs `up` has"
    );
}

#[tokio::test(start_paused = true)]
async fn the_role_of_the_branch_is_enough_to_deploy() {
    let site = standing().await;
    let day = site.fork(nothing_but(&allowed(&site, "deploy").await));
    day.edit("docker-compose.yml", "nginx:1.29-alpine", "nginx:1.28-alpine");
    day.edit("docker-compose.yml", "busybox:1.37", "busybox:1.36");
    day.edit("dist/index.html", "small", "new");
    let run = day.up().await.done();
    let mut sent = run.mutations();
    sent.sort();
    sent.dedup();
    let of_a_release = [
        "cloudfront:CreateInvalidation",
        "ecs:RegisterTaskDefinition",
        "ecs:RunTask",
        "ecs:TagResource",
        "ecs:UpdateService",
        "s3:PutObject",
    ];
    assert_eq!(sent, of_a_release);
}

/// A service that is built from its files, and a site whose files come and go.
async fn with_a_build() -> Site {
    let mut site = Site::new(WITH_A_JOB);
    site.stand_ins = Some(Duration::from_secs(30));
    site.edit("landing.toml", "from = \"env:KEY\"", "generate = {}");
    site.edit("docker-compose.yml", "image: nginx:1.29-alpine", "build: web");
    site.write("web/Dockerfile", "FROM nginx:1.29-alpine\n");
    site.write("dist/old.js", "old()");
    site.up().await.done();
    site
}

#[tokio::test(start_paused = true)]
async fn the_role_of_the_branch_is_enough_to_push_to_take_files_away_and_to_ask_whether_it_works() {
    let site = with_a_build().await;
    let day = site.fork(nothing_but(&allowed(&site, "deploy").await));
    day.write("web/Dockerfile", "FROM nginx:1.30-alpine\n");
    std::fs::remove_file(day.path("dist/old.js")).unwrap();
    let sent = day.up().await.done().mutations();
    for call in ["ecr:PutImage", "s3:DeleteObjects", "ecs:UpdateService"] {
        assert!(sent.contains(&call.to_owned()), "{call} in {sent:?}");
    }
    let findings = day.smoke(Duration::ZERO).await;
    let bad: Vec<_> = findings.iter().filter(|finding| finding.status == Status::Failed).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[tokio::test(start_paused = true)]
async fn the_role_of_the_branch_is_enough_to_say_why_a_release_died() {
    let site = with_a_build().await;
    let dies = "[[workloads]]\nfamily = \"small-dev-web\"\nrevision = 2\nends = \"exited\"\nexit-code = 3\nafter = 4\nlog = [\"no setting COLOUR\"]\n";
    let day = site.fork(Faults {
        deny: nothing_but(&allowed(&site, "deploy").await).deny,
        ..Faults::from_toml(dies).unwrap_or_else(|error| panic!("{error}"))
    });
    day.write("web/Dockerfile", "FROM nginx:1.30-alpine\n");
    let run = day.up().await;
    let (node, error) = &run.outcome.failed[0];
    assert_eq!((node.to_string().as_str(), error.class), ("ecs.rollout.web", Class::RolledBack));
    let cause = error.cause.as_ref().expect("it is explained");
    assert_eq!(
        (cause.title.as_str(), &cause.log[..]),
        ("the program ended with exit code 3", &["no setting COLOUR".to_owned()][..])
    );
}
