//! Secret values are in AWS and nowhere else: not in what any command says, however much it is asked to say, nor in its arguments, nor in a file.
//!
//! Every run of every test of this crate is searched in the same way ([`Town::ended`], [`Project::landing`]); here every command is run, and the search itself is
//! put to the test.
#![cfg(unix)]

mod common;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::Project;
use common::canary::{Canaries, forms};
use common::process::{Running, alone};
use common::town::{GIVEN, Town};

/// A database is ready in a tenth of a second.
const SCALE: f64 = 4000.0;

/// Every command, each where it has the most to say: name, arguments, exit code.
const BEFORE: &[(&str, &[&str], i32)] = &[
    ("validate", &["validate"], 0),
    ("validate", &["validate", "--json"], 0),
    ("plan", &["plan", "--json"], 0),
    ("plan", &["plan", "--color", "always"], 0),
    // Somebody forgets to say yes.
    ("up", &["up"], 2),
    ("ci github", &["ci", "github", "--stdout"], 0),
    ("schema", &["schema"], 0),
    ("completions", &["completions", "bash"], 0),
];
const STANDING: &[(&str, &[&str], i32)] = &[
    ("up", &["up", "--yes"], 0),
    ("up", &["up", "--yes", "--json"], 0),
    ("deploy", &["deploy"], 0),
    ("smoke", &["smoke", "--timeout", "1m"], 0),
    ("smoke", &["smoke", "--timeout", "1m", "--json"], 0),
    ("plan", &["plan"], 0),
    ("plan", &["plan", "--down", "--json"], 0),
    ("status", &["status"], 0),
    ("status", &["status", "--json"], 0),
    ("outputs", &["outputs"], 0),
    ("logs", &["logs", "--since", "2026-01-01"], 0),
    ("logs", &["logs", "--previous", "--json"], 0),
    ("outputs", &["outputs", "--json"], 0),
    ("secrets list", &["secrets", "list"], 0),
    ("secrets list", &["secrets", "list", "--json"], 0),
    // Nobody is there who gives it.
    ("secrets set", &["secrets", "set", "given"], 2),
    ("secrets rotate", &["secrets", "rotate", "token", "--json"], 0),
    ("secrets rotate", &["secrets", "rotate", "database:main", "--roll"], 0),
    ("state list", &["state", "list"], 0),
    ("state show", &["state", "show", "secretsmanager.secret.given"], 0),
    ("state show", &["state", "show", "rds.instance.main"], 0),
    ("state pull", &["state", "pull"], 0),
    ("state push", &["state", "push", "state-that-nobody-has.json"], 2),
    ("state rebuild", &["state", "rebuild", "--json"], 0),
    ("down", &["down", "--yes"], 2),
];
const GOING: &[(&str, &[&str], i32)] = &[
    ("up", &["up", "--yes", "--json"], 0),
    ("down", &["down", "--yes", "--allow-data-loss", "--json"], 0),
    ("down", &["down", "--yes", "--allow-data-loss"], 0),
];

/// Names of the commands below `above`, as the program's own help lists them.
fn commands(above: &[&str]) -> BTreeSet<String> {
    let help = Project::new(&[]).landing(&[above, &["--help"]].concat()).stdout;
    let list = help.split_once("Commands:\n").map_or("", |(_, rest)| rest.split("\n\n").next().unwrap_or_default());
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(|name| [above, &[name]].concat().join(" ")).collect()
}

#[test]
fn no_command_shows_a_secret_at_any_level() {
    let town = Town::new(SCALE);
    std::fs::create_dir(town.path().join(".git")).expect("the folder is new");
    let mut run = BTreeSet::new();
    for (level, log) in [(&[][..], None), (&["-v"], None), (&["-vv"], None), (&["-vvv"], None), (&[], Some("trace"))] {
        log.into_iter().for_each(|filter| town.log(filter));
        town.on_a_runner(level == ["-vv"]);
        let mut all = |commands: &[(&str, &[&str], i32)]| {
            for (name, arguments, code) in commands {
                let ended = town.run(&[level, arguments].concat());
                assert_eq!(ended.code(), Some(*code), "{arguments:?} {level:?}:\n{}", ended.stderr);
                run.insert((*name).to_owned());
            }
        };
        town.wish(false);
        all(BEFORE);
        all(STANDING);
        town.wish(true);
        all(GOING);
    }
    // The sandbox keeps what it is given, and shows it to nobody who does not ask with AWS's own calls.
    let mut serve = std::process::Command::new(env!("CARGO_BIN_EXE_landing"));
    serve.args(["sandbox", "serve", "--port", "0", "-vvv"]);
    alone(&mut serve, town.path());
    town.secrets(&mut serve);
    let serving = Running::start(serve, town.path());
    while !std::fs::read_to_string(town.path().join("stdout")).unwrap_or_default().contains("http://") {
        assert!(serving.is_running(), "it ended by itself");
    }
    serving.signal("INT");
    assert_eq!(town.ended(serving).code(), Some(0));
    run.insert("sandbox serve".to_owned());

    let groups = ["ci", "secrets", "state", "sandbox"];
    let mut wanted = commands(&[]);
    wanted.remove("help");
    for group in groups {
        assert!(wanted.remove(group), "there is no {group}");
        wanted.extend(commands(&[group]).into_iter().filter(|name| !name.ends_with(" help")));
    }
    assert_eq!(wanted.difference(&run).collect::<Vec<_>>(), Vec::<&String>::new(), "nobody looked at these commands");
}

/// What is wrong is shown with its line, and the line is masked.
#[test]
fn a_credential_in_plain_text_is_refused_without_being_shown() {
    let town = Town::new(SCALE);
    let settings = std::fs::read_to_string(town.path().join("landing.toml")).expect("it was written");
    for (named, mistake) in [("SMTP_PASSWORD", ", SMTP_PASSWORD = \"smtp\""), ("API_TOKEN", ", API_TOKEN = \"api\"")] {
        town.project.write("landing.toml", &settings.replace(mistake, ""));
        for command in [&["validate"][..], &["plan", "-vvv"], &["up", "--yes", "--json"]] {
            let refused = town.run(command);
            assert_eq!(refused.code(), Some(2), "{command:?}: {}", refused.stderr);
            assert!(refused.stderr.contains(named), "{command:?}: {}", refused.stderr);
        }
    }
}

/// The search would see a leak, however it is written.
#[test]
fn a_planted_secret_is_found_in_every_disguise() {
    let canaries = Canaries::new([("planted", GIVEN)]);
    let folder = tempfile::tempdir().expect("a folder for the test");
    let leaks = || catch_unwind(AssertUnwindSafe(|| canaries.none_below(folder.path(), |_| false))).is_err();
    for (form, text) in forms(GIVEN) {
        std::fs::write(folder.path().join("leak"), format!("before {text} behind")).expect("the file can be written");
        assert!(leaks(), "{form}: {text}");
    }
    std::fs::write(folder.path().join("leak"), "nothing of the kind").expect("the file can be written");
    assert!(!leaks());
}

/// And every run is searched: a word that the program does show, taken for a secret, is found in all places where it shows it.
#[test]
fn a_leak_of_a_run_fails_its_test() {
    let seen_in = |place: &str, prepare: &dyn Fn(&Town), arguments: &[&str]| {
        let town = Town::new(SCALE);
        prepare(&town);
        let leak = catch_unwind(AssertUnwindSafe(|| town.run(arguments))).expect_err("nobody saw the leak");
        let text = leak.downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(text.contains(&format!("a secret is in {place}: [\"planted, raw\"]")), "{text}");
    };
    let plant = |value: &'static str| move |town: &Town| town.project.canaries.add("planted", value);
    seen_in("state/town-dev.json", &plant("arn:aws:iam::123456789012:role/town-dev-web-execution"), &["up", "--yes"]);
    seen_in("stdout", &plant("secretsmanager.secret.given"), &["plan", "--json"]);
    seen_in("stderr", &plant("us-west-2, account 123456789012"), &["up"]);
    seen_in("argv", &plant("a-state-that-nobody-has.json"), &["schema", "--state", "a-state-that-nobody-has.json"]);
    // What nobody gave, and AWS holds, is learned from AWS.
    let town = Town::new(SCALE);
    town.done(&["up", "--yes"], "something is made");
    let values = town.served.sandbox.with_world(|world| world.secret_values());
    let (_, token) = values.iter().find(|(name, _)| name.ends_with("token")).expect("it is generated");
    std::fs::write(town.path().join("state/leak"), token).expect("the file can be written");
    let leak = catch_unwind(AssertUnwindSafe(|| town.run(&["outputs"]))).expect_err("nobody saw the leak");
    assert!(leak.downcast_ref::<String>().is_some_and(|text| text.contains("a secret is in state/leak")));
}
