//! `landing secrets` as a separate process: what there is, a value that somebody gives, and what is refused. Every run is searched for the values.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod common;

use common::{Project, Ran};

/// What somebody gives by hand, and then again.
const FIRST: &str = "canary given by hand 41c9-\u{e9}";
const SECOND: &str = "canary given by hand, another: 7d02";

const SETTINGS: &str = r#"name = "shop"
region = "us-west-2"

[services.web]
secrets = { STRIPE_KEY = "stripe", TOKEN = "token" }

[services.worker]
secrets = { TOKEN = "token" }

[services.migrate]
secrets = { TOKEN = "token" }

[secrets.stripe]
from = "env:STRIPE_KEY"

[secrets.token]
generate = true

[secrets.spare]
generate = true
"#;

fn shop() -> Project {
    let shop = Project::new(&[
        ("landing.toml", SETTINGS),
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1\n  worker:\n    image: worker:1\n  migrate:\n    image: migrate:1\n    restart: \"no\"\n",
        ),
    ]);
    shop.canaries.add("given first", FIRST);
    shop.canaries.add("given second", SECOND);
    shop
}

fn told(ran: &Ran) -> String {
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", ran.code, without_times(&ran.stdout), without_times(&ran.stderr))
}

fn without_times(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n', '"']);
    words.map(|word| if word.starts_with("2026-") { format!("TIME{}", &word[20..]) } else { word.to_owned() }).collect()
}

/// What a person reads before and after the walk, without what it cost.
fn end(ran: &Ran) -> String {
    let said = ran.stderr.lines().filter(|line| !line.starts_with('[')).map(|line| line.split(" (").next().unwrap_or_default());
    format!("exit {}\n{}", ran.code, said.collect::<Vec<_>>().join("\n"))
}

fn stored(shop: &Project, stage: &str) -> String {
    let world = std::fs::read_to_string(shop.path().join("state/shop-dev.sandbox.json")).unwrap();
    let world: serde_json::Value = serde_json::from_str(&world).unwrap();
    let versions = world["secrets"]["secrets"]["shop-dev/stripe"]["versions"].as_object().unwrap().clone();
    let staged = |version: &serde_json::Value| version["stages"].as_array().unwrap().iter().any(|other| other == stage);
    versions.values().find(|version| staged(version)).unwrap()["string"].as_str().unwrap().to_owned()
}

#[test]
fn a_value_is_given_without_a_variable_and_stays() {
    let shop = shop();
    let fast = ["--sandbox", "--time-scale", "4000", "--color", "never"];
    let secrets = |arguments: &[&str], stdin: &str| shop.landing_fed(&[&["secrets"], arguments, &fast].concat(), &[], stdin);
    insta::assert_snapshot!("nothing_stands", told(&secrets(&["list"], "")));
    shop.write("denied.toml", "deny = [\"secretsmanager:CreateSecret\"]\n");
    let denied = shop.path().join("denied.toml").display().to_string();
    let refused = secrets(&["set", "stripe", "--sandbox-faults", &denied], FIRST);
    assert!(refused.code == 4 && refused.stderr.contains("secretsmanager:CreateSecret"), "{}", refused.stderr);
    let early = secrets(&["set", "stripe"], &format!("{FIRST}\n"));
    insta::assert_snapshot!("given_early", end(&early));
    assert_eq!(stored(&shop, "AWSCURRENT"), FIRST, "without the end of the line");

    let up = || shop.landing(&[&["up", "--yes"][..], &fast].concat());
    assert_eq!(up().code, 0);
    assert_eq!(stored(&shop, "AWSCURRENT"), FIRST, "an `up` without the variable leaves it alone");
    insta::assert_snapshot!("all_stand", told(&secrets(&["list"], "")));
    let list = secrets(&["list", "--json"], "").stdout;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list["secrets"][1]["name"], "stripe");
    assert_eq!(list["secrets"][1]["readers"][0], "web");

    insta::assert_snapshot!("given_again", end(&secrets(&["set", "stripe", "--roll"], SECOND)));
    assert_eq!((stored(&shop, "AWSCURRENT"), stored(&shop, "AWSPREVIOUS")), (SECOND.to_owned(), FIRST.to_owned()));
    insta::assert_snapshot!("the_same_again", end(&secrets(&["set", "stripe"], SECOND)));
    insta::assert_snapshot!("made_anew", end(&secrets(&["rotate", "token"], "")));
    let quiet = shop.landing(&[&["plan", "--detailed-exitcode"][..], &fast].concat());
    assert_eq!(quiet.code, 0, "{}", quiet.stdout);

    // The variable is stronger, as ever.
    let variable = [("STRIPE_KEY", FIRST)];
    let noted = shop.landing_fed(&[&["secrets", "set", "stripe"][..], &fast].concat(), &variable, SECOND);
    assert!(noted.code == 0 && noted.stderr.contains("STRIPE_KEY is set here"), "{}", noted.stderr);
    assert_eq!(shop.landing_with(&[&["up", "--yes"][..], &fast].concat(), &variable).code, 0);
    assert_eq!(stored(&shop, "AWSCURRENT"), FIRST);
}

#[test]
fn what_is_refused_says_what_to_do() {
    let shop = shop();
    let secrets = |arguments: &[&str], stdin: &str| {
        told(&shop.landing_fed(&[&["secrets"], arguments, &["--sandbox"]].concat(), &[], stdin))
    };
    insta::assert_snapshot!("unknown", secrets(&["set", "strip"], ""));
    insta::assert_snapshot!("no_value", secrets(&["set", "stripe"], "\n"));
    insta::assert_snapshot!("generated", secrets(&["set", "token"], ""));
    insta::assert_snapshot!("given_by_you", secrets(&["rotate", "stripe"], ""));
    insta::assert_snapshot!("not_there", secrets(&["rotate", "token"], ""));
    shop.write("landing.toml", &format!("{SETTINGS}\n[secrets.both]\ntemplate = \"${{secret.stripe}}-${{secret.token}}\"\n"));
    for verb in ["set", "rotate"] {
        insta::assert_snapshot!("put_together", secrets(&[verb, "both"], ""));
    }
}

/// At a terminal the value is asked for, and what is typed does not come back.
#[cfg(unix)]
#[test]
fn what_is_typed_is_not_shown() {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    use rustix::fs::{Mode, OFlags, open};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    let shop = shop();
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = File::from(open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_landing"));
    command.arg("-C").arg(shop.path()).args(["secrets", "set", "stripe", "--sandbox", "--color", "never"]).env_clear();
    command.envs(common::KEYS).stdin(slave.try_clone().unwrap()).stdout(Stdio::null()).stderr(slave);
    let mut child = command.spawn().unwrap();
    // Nobody but the program holds the terminal now, so that its end is the end of what can be read.
    drop(command);
    let mut master = File::from(master);
    let (mut seen, mut typed) = (Vec::new(), false);
    let mut some = [0; 1024];
    while let Ok(count @ 1..) = master.read(&mut some) {
        seen.extend_from_slice(&some[..count]);
        if !typed && String::from_utf8_lossy(&seen).contains("and Enter:") {
            master.write_all(format!("{FIRST}\n").as_bytes()).unwrap();
            typed = true;
        }
    }
    assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&seen));
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains(&format!("read {} characters", FIRST.chars().count())), "{seen}");
    assert!(!seen.contains("canary"), "{seen}");
    assert_eq!(stored(&shop, "AWSCURRENT"), FIRST);
}

/// A secret that merely has the name is nobody's to speak of.
#[test]
fn another_stacks_secret_is_not_taken_for_our_own() {
    let shop = shop();
    let fast = ["--sandbox", "--time-scale", "4000", "--color", "never"];
    let set = shop.landing_fed(&[&["secrets", "set", "stripe"][..], &fast].concat(), &[], FIRST);
    assert_eq!(set.code, 0, "{}", set.stderr);
    let path = shop.path().join("state/shop-dev.sandbox.json");
    let mut world: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    world["secrets"]["secrets"]["shop-dev/stripe"]["tags"]["landing:project"] = "books".into();
    std::fs::write(&path, world.to_string()).unwrap();
    let list = shop.landing(&[&["secrets", "list"][..], &fast].concat());
    assert!(list.stdout.contains("another stack's"), "{}", list.stdout);
    let json = shop.landing(&[&["secrets", "list", "--json"][..], &fast].concat()).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let stripe = json["secrets"].as_array().unwrap().iter().find(|secret| secret["name"] == "stripe").unwrap();
    assert_eq!((&stripe["has_value"], &stripe["changed"]), (&false.into(), &serde_json::Value::Null));
}
