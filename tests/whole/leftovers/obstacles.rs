//! What is in the way of a `down`, what AWS or somebody else keeps, and what has only a name like ours.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ecs::types::{AwsVpcConfiguration, LaunchType, NetworkConfiguration};
use aws_sdk_iam::types::Tag;
use landing_aws::leftovers::{Left, Reason};
use landing_engine::{Class, Event};
use landing_sandbox::{Durations, Faults};
use landing_tests::{Run, Site, node};
use serde_json::json;

use super::super::faults::deep;
use super::console::Console;
use super::{emptied, small, told};

async fn standing() -> Site {
    let site = small();
    site.up().await.done();
    site
}

/// `kind id: reason, why`, with ids that differ from run to run left out.
fn listed(left: &Left) -> String {
    let lines: BTreeSet<String> =
        left.objects.iter().map(|object| format!("{}: {}", object.kind, told(&object.reason))).collect();
    lines.into_iter().collect::<Vec<_>>().join("\n")
}

/// Without the hexadecimal parts of ids, which are others in every account.
fn masked(text: &str) -> String {
    let mut words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
    let plain = |word: &str| {
        let id = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let hex = id.len() >= 17 && id.chars().all(|c| c.is_ascii_hexdigit());
        if hex { format!("…{}", &word[id.len()..]) } else { word.to_owned() }
    };
    words.by_ref().map(plain).collect()
}

/// Whom the steps of a run said that they wait for.
fn holders(run: &Run) -> BTreeSet<String> {
    let held = run.events.iter().filter_map(|event| match event {
        Event::StepWaiting { holder: Some(holder), .. } => Some(holder.by.clone()),
        _ => None,
    });
    held.collect()
}

#[tokio::test(start_paused = true)]
async fn interfaces_that_outlive_their_owners_are_waited_out_and_their_owners_named() {
    let site = standing().await;
    site.push_images().await;
    site.up().await.done();
    let slow = site.fork(Faults { durations: Durations::Longest, ..Faults::default() });
    let down = slow.down().await.done();
    assert!(down.left.as_ref().is_some_and(Left::is_nothing));
    let said = holders(&down).into_iter().collect::<Vec<_>>().join("\n");
    println!("{:?}, waited for:\n{said}", down.outcome.elapsed);
    assert!(said.contains("of the load balancer small-dev"), "{said}");
    let refused = down.calls.iter().filter(|call| call.refused.as_deref() == Some("DependencyViolation")).count();
    assert!(refused <= 10, "{refused} deletes were sent that were sure to be refused");
}

#[tokio::test(start_paused = true)]
async fn an_interface_that_is_never_freed_ends_the_waiting_and_is_named_with_its_owner() {
    let mut site = standing().await;
    let before = small().objects();
    let subnet = site.look(false).await.live.nodes[&node("ec2.subnet.private-a")].id.clone();
    site.tamper(|world| {
        world["ec2"]["interfaces"]["eni-0123456789abcdef0"] = json!({
            "id": "eni-0123456789abcdef0", "owner": "resize", "description": "AWS Lambda VPC ENI-resize-1", "subnet": subnet,
            "groups": [], "public": false, "public_ip": null, "private_ip": "10.0.200.77", "free_at": null,
        });
    });
    let down = site.down().await;
    let failed: Vec<String> = down.outcome.failed.iter().map(|(node, error)| format!("{node}: {}", error.message)).collect();
    println!("{:?}: {failed:#?}", down.outcome.elapsed);
    assert!(failed.len() == 1 && failed[0].starts_with("ec2.subnet.private-a"), "{failed:?}");
    assert!(failed[0].contains("eni-0123456789abcdef0 of the Lambda function resize-1"), "{failed:?}");
    assert!(down.outcome.elapsed < Duration::from_secs(45 * 60), "{:?}", down.outcome.elapsed);
    let left = down.left.unwrap();
    let kinds: BTreeSet<&str> = left.objects.iter().map(|object| object.kind.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["ec2.network-interface", "ec2.subnet", "ec2.vpc"]), "{}", listed(&left));
    let interface = left.objects.iter().find(|object| object.kind == "ec2.network-interface").unwrap();
    assert!(matches!(&interface.reason, Reason::InTheWay { why } if why.contains("the Lambda function resize-1")));

    site.tamper(|world| drop(world["ec2"]["interfaces"].as_object_mut().unwrap().remove("eni-0123456789abcdef0")));
    assert!(site.down().await.done().left.unwrap().is_nothing());
    assert_eq!(site.objects(), before);
}

/// Somebody settled in our VPC, cluster, namespace and subnet group.
#[tokio::test(start_paused = true)]
async fn what_somebody_put_into_what_is_ours_is_named_as_what_is_in_the_way() {
    let site = standing().await;
    let live = site.look(false).await.live;
    let id = |name: &str| live.nodes[&node(name)].id.clone();
    let (vpc, subnet) = (id("ec2.vpc.main"), id("ec2.subnet.private-a"));
    let at = Console::of(&site);
    at.ec2.create_subnet().vpc_id(&vpc).cidr_block("10.0.250.0/24").send().await.unwrap();
    at.ec2.create_route_table().vpc_id(&vpc).send().await.unwrap();
    at.ec2.create_security_group().vpc_id(&vpc).group_name("bastion").description("of somebody").send().await.unwrap();
    let cluster = id("ecs.cluster.main");
    let network = AwsVpcConfiguration::builder().subnets(&subnet).build().unwrap();
    let network = NetworkConfiguration::builder().awsvpc_configuration(network).build();
    let service = at.ecs.create_service().cluster(&cluster).service_name("somebody").launch_type(LaunchType::Fargate);
    let service = service.task_definition(id("ecs.task-definition.broker")).desired_count(0).network_configuration(network);
    service.send().await.unwrap();
    let database = at.rds.create_db_instance().db_instance_identifier("somebody").engine("postgres").allocated_storage(20);
    let database = database.db_instance_class("db.t3.micro").master_username("owner").master_user_password("no-secret-at-all");
    database.db_subnet_group_name(id("rds.subnet-group.private")).send().await.unwrap();

    let down = site.down().await;
    insta::assert_snapshot!(masked(&listed(&down.left.unwrap())));
}

#[tokio::test(start_paused = true)]
async fn what_aws_or_somebody_keeps_of_the_stack_is_told_apart_from_what_is_left() {
    let site = standing().await;
    // Its first backup is over.
    tokio::time::sleep(Duration::from_secs(1200)).await;
    let live = site.look(false).await.live;
    let at = Console::of(&site);
    let database = live.nodes[&node("rds.instance.things")].id.clone();
    let delete = at.rds.delete_db_instance().db_instance_identifier(&database).final_db_snapshot_identifier("by-hand");
    delete.delete_automated_backups(false).send().await.unwrap();
    tokio::time::sleep(Duration::from_secs(1200)).await;
    let down = site.down().await.done();
    insta::assert_snapshot!("kept", listed(&down.left.unwrap()));

    for group in ["/aws/ecs/containerinsights/small-dev/performance", &format!("/aws/rds/instance/{database}/postgresql")] {
        at.logs.create_log_group().log_group_name(group).send().await.unwrap();
    }
    let name = "small-dev/key";
    at.secretsmanager.create_secret().name(name).secret_string("somebody's").send().await.unwrap();
    at.secretsmanager.delete_secret().secret_id(name).recovery_window_in_days(7).send().await.unwrap();
    let left = site.down().await.done().left.unwrap();
    assert!(!left.is_nothing());
    insta::assert_snapshot!("left", listed(&left));
}

#[tokio::test(start_paused = true)]
async fn strangers_with_similar_names_are_not_listed_and_a_name_like_ours_is_only_mentioned() {
    let site = emptied().await;
    let at = Console::of(&site);
    for group in ["/ecs/small-development/web", "/ecs/my-small-dev/web", "small-devil", "/ecs/small-dev/mine"] {
        at.logs.create_log_group().log_group_name(group).send().await.unwrap();
    }
    // Another stack of landing, whose name begins like ours: `small`, `dev-eu`.
    let other = [("landing:project", "small"), ("landing:env", "dev-eu"), ("landing:node", "iam.role.web")];
    let tags = other.map(|(key, value)| Tag::builder().key(key).value(value).build().unwrap());
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let role = at.iam.create_role().role_name("small-dev-eu-web").assume_role_policy_document(trust);
    role.set_tags(Some(tags.to_vec())).send().await.unwrap();
    let repository = at.ecr.create_repository().repository_name("small-dev-eu/web");
    let tags = other.map(|(key, value)| aws_sdk_ecr::types::Tag::builder().key(key).value(value).build().unwrap());
    repository.set_tags(Some(tags.to_vec())).send().await.unwrap();

    let down = site.down().await.done();
    assert_eq!(down.mutations(), Vec::<String>::new());
    let left = down.left.unwrap();
    assert!(left.is_nothing(), "{:#?}", left.objects);
    let mentioned: Vec<&str> = left.objects.iter().map(|object| object.id.as_str()).collect();
    assert_eq!(mentioned, ["/ecs/small-dev/mine"]);
}

/// Whatever an `up` had done when it was killed: `down` takes it away, with its state and without, and a second one finds nothing.
#[tokio::test(start_paused = true)]
async fn down_after_an_up_that_was_killed_leaves_nothing_with_and_without_the_state() {
    let before = small().objects();
    let mut built = BTreeSet::new();
    let moments: &[u64] = if deep() { &[1, 2, 3, 5, 7, 10, 15, 25, 40, 60, 90, 150, 200, 250, 280] } else { &[3, 15, 60, 200] };
    for &seconds in moments {
        for forgetful in [false, true] {
            let site = small();
            let killed = tokio::time::timeout(Duration::from_secs(seconds), site.up()).await;
            assert!(killed.is_err(), "it was over before {seconds} s");
            built.insert(site.objects().len() - before.len());
            if forgetful {
                std::fs::remove_dir_all(site.path("state")).ok();
                // Cloud Map shows a namespace only when it is made, eight seconds after its call: before that, and with no state, nobody can know of it.
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            for nth in 0..3 {
                let left = site.down().await.done().left.unwrap();
                let case = format!("killed after {seconds} s, forgetful: {forgetful}, down number {nth}: {left:#?}");
                // What AWS was still making when it was looked for, and no state tells of, shows only after the walk: it is named, and the next one takes it.
                let may_be_left = forgetful && nth == 0;
                assert!(left.is_nothing() || may_be_left, "{case}");
                let stands: Vec<String> = site.objects().symmetric_difference(&before).cloned().collect();
                assert_eq!(stands.is_empty(), left.is_nothing(), "{case}: {stands:?}");
            }
        }
    }
    println!("objects that stood when it was killed: {built:?}");
    assert!(built.len() > 2, "{built:?}");
}

/// A look that was refused everywhere is no look: a person is told, and how the program ends says it.
#[tokio::test(start_paused = true)]
async fn a_look_without_permission_is_told_by_its_class() {
    let site = emptied().await;
    let look = site.look(true).await;
    let deny = ["ec2:*", "iam:*", "ecs:*", "s3:*", "tagging:*", "rds:*"].map(|all| all.parse().unwrap()).to_vec();
    let (left, _) = site.look_after(&look, Faults { deny, ..Faults::default() }).await;
    assert!(!left.is_nothing() && left.class() == Some(Class::Denied), "{:?}", left.class());
}
