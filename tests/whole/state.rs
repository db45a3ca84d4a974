//! The state file is a notebook: AWS and its tags are the truth.

use landing_engine::plan::Action;
use landing_tests::Site;

#[tokio::test(start_paused = true)]
async fn without_its_file_up_adopts_everything_changes_nothing_and_writes_the_same_state() {
    let site = Site::pulse();
    site.up().await.done();
    site.push_images().await;
    site.up().await.done();
    let before = site.state().unwrap();

    site.forget_state();
    let plan = site.plan().await;
    assert!(
        plan.steps.iter().all(|step| step.action == Action::Adopt),
        "{}",
        serde_json::to_string_pretty(&plan.summary).unwrap()
    );
    let run = site.up().await.done();
    assert_eq!(run.mutations(), Vec::<String>::new());
    let after = site.state().unwrap();
    assert_eq!(after.nodes, before.nodes);
    assert_ne!(after.lineage, before.lineage, "it is another history of the same stack");
}

#[tokio::test(start_paused = true)]
async fn no_secret_value_is_in_the_state_file() {
    let site = Site::pulse();
    site.up().await.done();
    let text = std::fs::read_to_string(site.state_path()).unwrap();
    let world: serde_json::Value = serde_json::from_str(&site.sandbox.save()).unwrap();
    let secrets = world["secrets"]["secrets"].as_object().unwrap();
    let values: Vec<&str> = secrets
        .values()
        .flat_map(|secret| secret["versions"].as_object().unwrap().values())
        .filter_map(|version| version["string"].as_str())
        .collect();
    assert!(values.len() >= 4, "{}", values.len());
    for value in values {
        let password = serde_json::from_str::<serde_json::Value>(value).ok();
        let password = password.as_ref().and_then(|json| json["password"].as_str()).unwrap_or(value);
        assert!(!text.contains(password), "a secret's value is in the state");
    }
}

/// A run that was killed leaves its journal; here all of it, the state file never having been written.
#[tokio::test(start_paused = true)]
async fn a_stack_whose_file_was_lost_in_the_middle_of_its_life_goes_away_whole() {
    let site = Site::pulse();
    let before = site.objects();
    site.up().await.done();
    site.forget_state();
    site.edit(
        "landing.toml",
        "[services.webhook_receiver]\npaths = [\"/webhook/*\"]\nhealth = \"/health\"\n",
        "[services.webhook_receiver]\n",
    );
    site.up().await.done();
    site.forget_state();
    site.down().await.done();
    assert_eq!(site.objects(), before);
}
