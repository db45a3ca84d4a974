//! The state is lost, damaged or another's: each is refused with the way out, `landing state rebuild` makes it anew, and nothing in AWS moves.

mod common;

use std::fs;

use common::Project;
use serde_json::Value;

/// One service and nothing that holds data: enough to have a state, in seconds.
fn shop() -> Project {
    Project::new(&[
        ("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx:1\n    expose: [80]\n"),
    ])
}

const STATE: &str = "state/shop-dev.json";

fn state(shop: &Project) -> String {
    fs::read_to_string(shop.path().join(STATE)).expect("there is a state")
}

/// What a state says of AWS; lineage and serial begin anew when the file was lost.
fn nodes(text: &str) -> Value {
    serde_json::from_str::<Value>(text).expect("a state is JSON")["nodes"].clone()
}

#[test]
fn a_damaged_state_is_refused_and_rebuilt() {
    let shop = shop();
    let up = shop.landing(&["up", "--sandbox", "--yes"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    let good = state(&shop);

    shop.write(STATE, &good[..good.len() / 2]);
    for command in [&["plan", "--sandbox"][..], &["up", "--sandbox", "--yes"], &["down", "--sandbox", "--yes"], &["outputs"]] {
        let refused = shop.landing(command);
        assert_eq!(refused.code, 12, "{command:?}: {}", refused.stderr);
        assert!(refused.stderr.contains("landing state rebuild"), "{}", refused.stderr);
    }
    insta::assert_snapshot!("damaged", shop.landing(&["plan", "--sandbox"]).stderr);

    let rebuilt = shop.landing(&["state", "rebuild", "--sandbox"]);
    assert_eq!(rebuilt.code, 0, "{}", rebuilt.stderr);
    insta::assert_snapshot!("rebuilt", rebuilt.stderr);
    assert_eq!(rebuilt.stdout, "");
    assert_eq!(nodes(&state(&shop)), nodes(&good), "equal to the lost one");
    let kept = fs::read_to_string(shop.path().join("state/shop-dev.json.backup-1")).expect("the damaged file is kept");
    assert_eq!(kept, good[..good.len() / 2]);
    let quiet = shop.landing(&["plan", "--sandbox", "--detailed-exitcode"]);
    assert_eq!(quiet.code, 0, "{}", quiet.stdout);

    // One that is right already is left as it is.
    let before = state(&shop);
    let again = shop.landing(&["state", "rebuild", "--sandbox", "--json"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    let answer: Value = serde_json::from_str(&again.stdout).expect("JSON and nothing else");
    assert_eq!((answer["was"].clone(), answer["backups"].clone()), (Value::Null, Value::Array(Vec::new())));
    assert_eq!(state(&shop), before);

    // Without any file.
    fs::remove_file(shop.path().join(STATE)).expect("it is there");
    assert_eq!(shop.landing(&["state", "rebuild", "--sandbox"]).code, 0);
    assert_eq!(nodes(&state(&shop)), nodes(&good));
    let down = shop.landing(&["down", "--sandbox", "--yes", "--allow-data-loss"]);
    assert_eq!(down.code, 0, "{}", down.stderr);
}

#[test]
fn another_stacks_state_is_not_rebuilt() {
    let shop = shop();
    assert_eq!(shop.landing(&["up", "--sandbox", "--yes"]).code, 0);
    let before = state(&shop);
    shop.write("landing.toml", "name = \"shoe\"\nregion = \"us-west-2\"\n\n[services.web]\npaths = [\"/*\"]\n");
    let path = shop.path().join(STATE);
    let refused = shop.landing(&["state", "rebuild", "--sandbox", "--state", &path.display().to_string()]);
    assert_eq!(refused.code, 12, "{}", refused.stderr);
    insta::assert_snapshot!("another_stacks", refused.stderr);
    assert_eq!(state(&shop), before);
}
