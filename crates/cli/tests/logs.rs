//! `landing logs` as a separate process: whose lines, in which form, and how it ends.

mod common;

use std::process::{Command, Stdio};

use common::{KEYS, Project, Ran};
use serde_json::Value;

/// Nothing slow, one after the other, and somebody who writes what no terminal should read.
fn shop() -> Project {
    let shop = Project::new(&[
        ("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\nskip = [\"mail\"]\n"),
        (
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1\n    depends_on:\n      migrate: { condition: service_completed_successfully }\n  worker:\n    image: worker:1\n    depends_on: [web]\n  migrate:\n    image: migrate:1\n  mail:\n    image: mailpit:1\n",
        ),
        (
            "faults.toml",
            "[[workloads]]\nfamily = \"shop-dev-migrate\"\nends = \"exited\"\nexit-code = 0\nafter = 2\nlog = [\"2 migrations\", \"done\"]\n\n[[workloads]]\nfamily = \"shop-dev-web\"\nlog = [\"listening\", \"\\u001b[32mGET /\\u001b[0m 200\"]\n",
        ),
    ]);
    let faults = shop.path().join("faults.toml");
    let up = shop.landing(&[
        "up",
        "--sandbox",
        "--yes",
        "--time-scale",
        "4000",
        "--sandbox-faults",
        faults.to_str().expect("a path of ours is UTF-8"),
    ]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    shop
}

/// Without the ids of tasks and without times.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_time = |word: &str| word.starts_with("2026-") && word.contains('T');
    let shown = |word: &str| match word.trim_end_matches([',', ':']) {
        bare if is_id(bare) => word.replace(bare, "ID"),
        bare if is_time(bare) => word.replace(bare, "TIME"),
        _ => word.to_owned(),
    };
    text.split('\n').map(|line| line.split(' ').map(shown).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join("\n")
}

fn told(ran: &Ran) -> String {
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", ran.code, without_ids(&ran.stdout), without_ids(&ran.stderr))
}

#[test]
fn whose_lines_and_in_which_form() {
    let shop = shop();
    let logs = |arguments: &[&str]| shop.landing(&[&["logs", "--sandbox"], arguments].concat());
    insta::assert_snapshot!("all", told(&logs(&["--since", "30d"])).replace('\u{1b}', "ESC"));
    insta::assert_snapshot!(
        "on_the_way_to_a_terminal",
        told(&logs(&["web", "--since", "30d", "--color", "always"])).replace('\u{1b}', "ESC")
    );
    insta::assert_snapshot!("last_line_of_each", told(&logs(&["--since", "2026-01-01", "--tail", "1"])).replace('\u{1b}', "ESC"));
    insta::assert_snapshot!("of_the_last_one", told(&logs(&["--previous", "migrate", "web"])));
    insta::assert_snapshot!("nothing_lately", told(&logs(&["web", "--since", "1s"])));
    insta::assert_snapshot!("somebody_else", told(&logs(&["wep"])));
    insta::assert_snapshot!("not_deployed", told(&logs(&["mail"])));
    insta::assert_snapshot!("no_time", told(&logs(&["--since", "yesterday"])));

    let json = logs(&["--json", "--since", "30d", "web", "migrate"]);
    let records: Vec<Value> = json.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is a record")).collect();
    let messages: Vec<&str> = records.iter().filter_map(|record| record["message"].as_str()).collect();
    assert_eq!(messages, ["2 migrations", "done", "listening", "\u{1b}[32mGET /\u{1b}[0m 200"]);
    assert!(records.iter().all(|record| record["task"].as_str().is_some_and(|task| task.len() == 32)));
    let times: Vec<&str> = records.iter().filter_map(|record| record["time"].as_str()).collect();
    assert!(times.len() == 4 && times.is_sorted() && times[0].starts_with("2026-01-"), "{times:?}");
    assert_eq!(json.stderr, "");

    // `| head` has gone before the first line.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_landing"));
    command.arg("-C").arg(shop.path()).args(["logs", "--sandbox", "--since", "30d"]).env_clear().envs(KEYS);
    let ended = command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped()).output().expect("it runs");
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).into_owned()), (Some(0), String::new()));
}

#[test]
fn before_anything_stands() {
    let shop = Project::new(&[
        ("landing.toml", "name = \"shop\"\nregion = \"us-west-2\"\n"),
        ("compose.yaml", "services:\n  web:\n    image: nginx:1\n"),
    ]);
    for arguments in [&["logs", "--sandbox"][..], &["logs", "--sandbox", "--follow"]] {
        insta::assert_snapshot!("nothing_stands", told(&shop.landing(arguments)));
    }
    insta::assert_snapshot!("nothing_has_ended", told(&shop.landing(&["logs", "--sandbox", "-p"])));
}
