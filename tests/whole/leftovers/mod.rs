//! Down means zero: what is left of the stack is found by every way there is, and said with the reason; what is somebody else's is not.

mod console;
mod network;
mod obstacles;
mod storage;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use landing_aws::leftovers::{Left, Leftover, Reason};
use landing_sandbox::Faults;
use landing_tests::{Look, Site};

use console::{Console, Mark, Plant, Way};
use landing_tests::small::STACK;

/// Something of every kind, marked in one way.
async fn plant(site: &Site, look: &Look, way: Way) -> Vec<Plant> {
    let at = Console::of(site);
    let mark = Mark { way, stack: &look.blueprint.stack, project: &look.blueprint.graph };
    let mut plants = network::ec2(&at, &mark).await;
    plants.extend(network::elbv2(&at, &mark).await);
    plants.extend(workloads::iam(&at, &mark).await);
    plants.extend(workloads::ecs(&at, &mark).await);
    plants.extend(workloads::servicediscovery(&at, &mark).await);
    plants.extend(workloads::logs(&at, &mark).await);
    plants.extend(storage::ecr(&at, &mark).await);
    plants.extend(storage::secretsmanager(&at, &mark).await);
    plants.extend(storage::rds(&at, &mark).await);
    plants.extend(storage::efs(&at, &mark).await);
    plants.extend(storage::s3(&at, &mark).await);
    plants.extend(storage::cloudfront(&at, &mark).await);
    plants
}

/// The small stack with an image of its own, so that it has something of every kind.
fn small() -> Site {
    let site = Site::new(STACK);
    site.edit("docker-compose.yml", "image: nginx:1.29-alpine", "build: .");
    site.write("Dockerfile", "FROM nginx:1.29-alpine\n");
    site
}

/// It came and went; the account is as it was.
pub(super) async fn emptied() -> Site {
    let site = small();
    site.up().await.done();
    let down = site.down().await.done();
    assert!(down.left.is_some_and(|left| left.is_nothing()));
    site
}

/// What is found of the plants, as `kind: reason, why`; everything that was planted is there, and nothing else is taken for a leftover.
fn found(left: &Left, plants: &[Plant]) -> String {
    let wanted: BTreeSet<(&str, &str)> = plants
        .iter()
        .filter_map(|plant| match plant {
            Plant::Stands { kind, id } => Some((*kind, id.as_str())),
            Plant::Never { .. } => None,
        })
        .collect();
    let wrong: Vec<&Leftover> = left.objects.iter().filter(|object| object.is_wrong()).collect();
    let seen: BTreeSet<(&str, &str)> = wrong.iter().map(|object| (object.kind.as_str(), object.id.as_str())).collect();
    let missed: Vec<_> = wanted.difference(&seen).collect();
    let too_much: Vec<_> = seen.difference(&wanted).collect();
    assert!(missed.is_empty() && too_much.is_empty(), "missed: {missed:#?}\ntoo much: {too_much:#?}\n{:#?}", left.unchecked);
    assert_eq!(left.unchecked.len(), 0, "{:#?}", left.unchecked);
    assert!(wrong.iter().all(|object| !object.remove.is_empty()));
    let lines: BTreeMap<&str, String> = wrong.iter().map(|object| (object.kind.as_str(), told(&object.reason))).collect();
    lines.into_iter().map(|(kind, told)| format!("{kind}: {told}")).collect::<Vec<_>>().join("\n")
}

fn told(reason: &Reason) -> String {
    let word = serde_json::to_value(reason).unwrap()["reason"].as_str().unwrap().to_owned();
    format!("{word}, {}", reason.why())
}

/// Planted while `down` is at work, so that its walk knows nothing of it.
async fn planted_during_down(way: Way) -> String {
    let site = small();
    site.up().await.done();
    let look = site.look(false).await;
    let late = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        plant(&site, &look, way).await
    };
    let (down, plants) = tokio::join!(site.down(), late);
    found(&down.done().left.unwrap(), &plants)
}

#[tokio::test(start_paused = true)]
async fn an_object_of_any_kind_that_bears_the_stack_s_tags_is_found_by_its_own_service() {
    insta::assert_snapshot!(planted_during_down(Way::Tags).await);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_any_kind_that_only_the_tagging_api_knows_is_found_there() {
    insta::assert_snapshot!(planted_during_down(Way::Index).await);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_any_kind_with_a_name_of_the_project_and_no_tags_is_found_by_its_name() {
    let site = emptied().await;
    let look = site.look(true).await;
    let plants = plant(&site, &look, Way::Name).await;
    // Whoever made them has waited for them.
    tokio::time::sleep(Duration::from_secs(1800)).await;
    let again = site.down().await.done();
    assert_eq!(again.mutations(), Vec::<String>::new(), "a name alone proves nothing, and nothing is deleted for it");
    insta::assert_snapshot!(found(&again.left.unwrap(), &plants));
}

/// A new kind must get its plants, or the reason why there are none, for every way of looking.
#[tokio::test(start_paused = true)]
async fn no_kind_is_forgotten() {
    let site = small();
    let look = site.look(false).await;
    let kinds: BTreeSet<&str> = look.registry.iter().map(|kind| kind.name()).collect();
    for way in [Way::Tags, Way::Index, Way::Name] {
        let plants = plant(&site.fork(Faults::default()), &look, way).await;
        let planted: BTreeSet<&str> = plants.iter().map(Plant::kind).collect();
        let forgotten: Vec<_> = kinds.difference(&planted).collect();
        let for_nothing: Vec<_> = planted.difference(&kinds).collect();
        assert!(forgotten.is_empty() && for_nothing.is_empty(), "{way:?}: forgotten {forgotten:?}, for nothing {for_nothing:?}");
        assert_eq!(plants.len(), planted.len(), "one entry for each");
    }
}

/// Once the next `down` has its chance, what bears our tags is taken away.
#[tokio::test(start_paused = true)]
async fn the_next_down_takes_away_what_bears_the_stack_s_tags() {
    let site = emptied().await;
    let look = site.look(true).await;
    let before = site.objects();
    let at = Console::of(&site);
    let mark = Mark { way: Way::Tags, stack: &look.blueprint.stack, project: &look.blueprint.graph };
    let plants = [storage::ecr(&at, &mark).await, workloads::iam(&at, &mark).await, workloads::logs(&at, &mark).await];
    assert_eq!(plants.iter().flatten().count(), 5);
    site.forget_state();
    assert!(site.down().await.done().left.unwrap().is_nothing());
    assert_eq!(site.objects(), before);
}
