//! The reference stack, from both files to one project.

use std::{collections::BTreeMap, path::Path};

use landing_project::{EnvValue, Input, Project, load};

fn pulse(env_name: &str) -> Project {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pulse");
    let environment = BTreeMap::new();
    load(&Input { dir: &dir, environment: &environment, env_name, region: None })
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

fn names<'a>(items: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    items.into_iter().map(String::as_str).collect()
}

#[test]
fn services_jobs_and_skipped_are_told_apart() {
    let pulse = pulse("dev");
    assert_eq!(
        names(pulse.services.iter().map(|service| &service.name)),
        [
            "delivery_worker",
            "dispatcher",
            "evaluator_iot",
            "ingest_iot",
            "keycloak",
            "mqtt",
            "ops_worker",
            "provision_api",
            "subscription_worker",
            "ui_iot",
            "webhook_receiver"
        ]
    );
    assert_eq!(names(pulse.jobs.iter().map(|job| &job.name)), ["migrator"]);
    insta::assert_json_snapshot!("skipped", pulse.skipped);
}

#[test]
fn the_whole_project_is_as_reviewed() {
    let mut pulse = pulse("dev");
    pulse.dir = "tests/fixtures/pulse".into();
    pulse.keys.clear();
    insta::assert_json_snapshot!("project", pulse);
}

#[test]
fn every_key_has_an_outcome() {
    let pulse = pulse("dev");
    let rows: Vec<String> = pulse
        .keys
        .iter()
        .map(|key| {
            let service = key.service.as_deref().unwrap_or("-");
            format!("{service:20} {:26} {}:{}  {:?}", key.key, key.file.display(), key.line, key.outcome)
        })
        .collect();
    insta::assert_snapshot!("keys", rows.join("\n"));
}

#[test]
fn an_environment_lays_its_own_words_over() {
    let staging = pulse("staging");
    assert_eq!(staging.region.as_deref(), Some("eu-central-1"));
    assert_eq!(staging.find("ui_iot").unwrap().replicas, 2);
    assert!(staging.find("ui_iot").unwrap().default, "what the overlay does not say stays");
    assert!(staging.databases["keycloak"].multi_az);
    assert_eq!(staging.network.nat, landing_project::Nat::PerZone);
}

#[test]
fn env_file_is_weaker_than_environment() {
    let pulse = pulse("dev");
    let level = |service: &str| pulse.find(service).unwrap().environment["LOG_LEVEL"].clone();
    assert_eq!(level("provision_api"), EnvValue::Plain("debug".to_owned()));
    assert_eq!(level("webhook_receiver"), EnvValue::Plain("info".to_owned()));
    assert_eq!(level("ops_worker"), EnvValue::Plain("info".to_owned()), "env_file through extends of another file");
}

/// Half-written files are what people have most of the time.
#[test]
fn any_part_of_the_files_loads_or_says_why() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pulse");
    let toml = std::fs::read_to_string(fixture.join("landing.toml")).unwrap();
    let compose = std::fs::read_to_string(fixture.join("compose/docker-compose.yml")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("compose")).unwrap();
    let environment = BTreeMap::new();
    let try_load = |toml: &str, compose: &str| {
        std::fs::write(dir.path().join("landing.toml"), toml).unwrap();
        std::fs::write(dir.path().join("compose/docker-compose.yml"), compose).unwrap();
        let loaded = load(&Input { dir: dir.path(), environment: &environment, env_name: "dev", region: None });
        if let Err(problems) = loaded {
            let shown = problems.render(false);
            assert!(!problems.0.is_empty() && !shown.is_empty());
            assert!(!shown.contains("PASSWORD: keycloak"), "a credential is shown: {shown}");
        }
    };
    for end in (0..toml.len()).step_by(19) {
        try_load(&toml[..end], &compose);
    }
    for end in (0..compose.len()).step_by(37) {
        try_load(&toml, &compose[..end]);
        let rest = (end + 29).min(compose.len());
        try_load(&toml, &format!("{}{}", &compose[..end], &compose[rest..]));
    }
}
