//! Each of the account's quotas is reached once.

use std::collections::{BTreeMap, BTreeSet};

use landing_engine::Class;
use landing_sandbox::Faults;
use landing_tests::Site;

use super::{census, converges, some};
use landing_tests::small::STACK;

/// Quotas that no `up` of this stack can reach, and why.
const NEVER: [(&str, &str); 15] = [
    ("FileSystemLimitExceeded", "this stack has no volumes"),
    ("ecr-repositories", "every image of this stack is somebody's"),
    ("TooManyTargets", "ECS registers targets, not we"),
    ("DBParameterGroupQuotaExceeded", "landing makes none"),
    ("SnapshotQuotaExceeded", "landing makes none"),
    ("TooManyDistributionCNAMEs", "there is no own domain yet"),
    ("RouteLimitExceeded", "a table has two routes, and the first one is AWS's"),
    ("SubnetLimitExceeded", "of one VPC, which is ours alone"),
    ("RouteTableLimitExceeded", "of one VPC, which is ours alone"),
    ("iam-policies-per-role", "policies are inline"),
    ("ecr-images", "landing pushes none"),
    ("secret-versions", "an up writes one"),
    ("ecs-tasks-per-service", "services stand at none without images"),
    ("fargate-vcpus", "services stand at none without images"),
    ("iam-trust-policy-size", "a trust policy has one statement"),
];

/// All that the sandbox models, as its own message names them.
fn modelled() -> BTreeSet<String> {
    let error = Faults::from_toml("[quotas]\nnone = 1").unwrap_err().to_string();
    let names = error.split("there are ").nth(1).expect("the message lists them");
    names.split(", ").map(|name| name.trim().trim_end_matches('\n').to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_is_reached_is_named_and_the_next_up_goes_on() {
    let (site, calm) = (Site::new(STACK), Site::new(STACK));
    calm.up().await.done();
    let (expected, mut wrong, mut said) = (census(&calm), Vec::new(), BTreeSet::new());
    let reached: Vec<String> = modelled().into_iter().filter(|name| !NEVER.iter().any(|(never, _)| never == name)).collect();
    for quota in some(reached, 4) {
        let day = site.fork(Faults { quotas: BTreeMap::from([(quota.clone(), 0)]), ..Faults::default() });
        let run = day.up().await;
        let classes: BTreeSet<Class> = run.outcome.failed.iter().map(|(_, error)| error.class).collect();
        if classes != BTreeSet::from([Class::Quota]) {
            wrong.push(format!("{quota}: {:?}", run.outcome.failed));
        }
        for (node, error) in &run.outcome.failed {
            match &error.help {
                Some(help) if help.starts_with("AWS's quota \"") => drop(said.insert(help.clone())),
                help => wrong.push(format!("{quota}: {node}: {error}: {help:?}")),
            }
            let asked = run.calls.iter().filter(|call| call.refused == error.code).count();
            if asked > run.outcome.failed.len() {
                wrong.push(format!("{quota}: {asked} refusals for {} failures", run.outcome.failed.len()));
            }
        }
        wrong.extend(converges(&day, &expected).await.err().map(|what| format!("{quota}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} quotas named: {said:#?}", said.len());
}

#[test]
fn every_quota_that_is_modelled_is_tried_or_told_why_not() {
    let modelled = modelled();
    assert!(modelled.len() > 35, "{modelled:?}");
    let unknown: Vec<&str> = NEVER.iter().map(|(name, _)| *name).filter(|name| !modelled.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}
