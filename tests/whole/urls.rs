//! A service that wants a database's URL gets it with the password that RDS was given, whatever changes that password.

use landing_blueprint::{Renewal, Which};
use landing_sandbox::Faults;
use landing_tests::{Site, node, shown, small};
use serde_json::Value;

const BY_PASSWORD: &str = "PASSWORD = \"database:things.password\" }";
const BY_URL: &str = "PASSWORD = \"database:things.password\", URL = \"database:things.url\" }";

fn with_url(site: &Site) {
    site.edit("landing.toml", BY_PASSWORD, BY_URL);
}

async fn standing() -> Site {
    let site = Site::new(small::STACK);
    with_url(&site);
    site.up().await.done();
    site
}

/// The current value of the secret whose name begins like this.
fn value(world: &Value, name: &str) -> Option<String> {
    let secrets = world["secrets"]["secrets"].as_object().unwrap();
    let (_, secret) = secrets.iter().find(|(key, _)| key.starts_with(name))?;
    let versions = secret["versions"].as_object().unwrap().values();
    let current = |version: &&Value| version["stages"].as_array().unwrap().iter().any(|stage| stage == "AWSCURRENT");
    versions.into_iter().find(current).map(|version| version["string"].as_str().unwrap().to_owned())
}

/// Whether secret, database and URL have the same password; which it is.
fn password(site: &Site) -> String {
    let world = site.world();
    let kept: Value = serde_json::from_str(&value(&world, "small-dev/things-password").unwrap()).unwrap();
    let (user, password) = (kept["username"].as_str().unwrap(), kept["password"].as_str().unwrap().to_owned());
    let instance = &world["rds"]["instances"]["small-dev-things"];
    assert_eq!(instance["password"], password, "the database has another password than the secret");
    let host = &site.state().unwrap().nodes[&node("rds.instance.things")].outputs["host"];
    assert_eq!(value(&world, "small-dev/things-url").unwrap(), format!("postgresql://{user}:{password}@{host}:5432/things"));
    password
}

async fn is_settled(site: &Site) {
    assert_eq!(site.up().await.done().mutations(), Vec::<String>::new());
}

fn renewal() -> Renewal {
    Renewal { which: Which::Secret("things-password".to_owned()), anew: true, roll: true }
}

/// A new value for the secret by somebody else's hand, as every client may give it.
fn replace_by_hand(site: &mut Site) {
    site.tamper(|world| {
        let secrets = world["secrets"]["secrets"].as_object_mut().unwrap();
        let (_, secret) = secrets.iter_mut().find(|(key, _)| key.starts_with("small-dev/things-password")).unwrap();
        let versions = secret["versions"].as_object_mut().unwrap();
        let mut version = versions.values().next().unwrap().clone();
        version["string"] = r#"{"username":"postgres","password":"by-another-hand"}"#.into();
        for old in versions.values_mut() {
            old["stages"] = serde_json::json!(["AWSPREVIOUS"]);
        }
        versions.insert("00000000-0000-4000-8000-00000000000a".to_owned(), version);
    });
}

#[tokio::test(start_paused = true)]
async fn secret_database_and_url_agree_and_nothing_else_knows_the_password() {
    let site = Site::new(small::STACK);
    with_url(&site);
    let run = site.up().await.done();
    let password = password(&site);
    let told = format!("{:?}{}{}", run.events, shown(&run.plan), std::fs::read_to_string(site.state_path()).unwrap());
    assert!(!told.contains(&password));
    let world = site.world();
    let tasks = world["ecs"].to_string();
    assert!(tasks.contains("small-dev/things-url") && !tasks.contains(&password));
    assert_eq!(value(&world, "rds!db"), None, "RDS keeps no password beside it");
    is_settled(&site).await;
}

#[tokio::test(start_paused = true)]
async fn a_new_password_reaches_database_url_and_tasks_in_this_order() {
    let site = standing().await;
    let old = password(&site);
    let run = site.renew(&renewal(), None).await.unwrap().done();
    let [secret, tag] = ["secretsmanager:PutSecretValue", "rds:AddTagsToResource"];
    let expected = [secret, "rds:ModifyDBInstance", tag, secret, "secretsmanager:UpdateSecret", "ecs:UpdateService"];
    assert_eq!(run.mutations(), expected);
    assert_ne!(password(&site), old);
    is_settled(&site).await;
}

#[tokio::test(start_paused = true)]
async fn what_another_hand_began_the_next_run_ends() {
    let mut site = standing().await;
    replace_by_hand(&mut site);
    site.up().await.done();
    assert_eq!(password(&site), "by-another-hand");
    is_settled(&site).await;
}

#[tokio::test(start_paused = true)]
async fn a_database_whose_password_rds_keeps_is_taken_over_and_given_back() {
    let site = Site::new(small::STACK);
    site.up().await.done();
    with_url(&site);
    site.up().await.done();
    password(&site);
    is_settled(&site).await;
    site.edit("landing.toml", BY_URL, BY_PASSWORD);
    site.up().await.done();
    assert!(value(&site.world(), "rds!db").is_some());
    is_settled(&site).await;
}

/// Lists and readings may show for a minute what was there before.
#[tokio::test(start_paused = true)]
async fn an_aws_that_lags_is_not_believed() {
    let lagging = "[consistency]\nwindow = 60\nservices = [\"secretsmanager\", \"rds\"]\n";
    let site = Site::new(small::STACK).fork(Faults::from_toml(lagging).unwrap());
    with_url(&site);
    site.up().await.done();
    password(&site);
    site.renew(&renewal(), None).await.unwrap().done();
    tokio::time::sleep(std::time::Duration::from_secs(65)).await;
    password(&site);
    is_settled(&site).await;
}
