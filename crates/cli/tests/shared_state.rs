//! The state in S3, as a team meets it: one bucket that landing makes, one state for all machines, one run at a time; there and back again.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use common::Project;
use common::process::{Ended, Running, landing};
use common::served::{Fate, Served};
use serde_json::{Value, json};

/// Fast, and slow enough for signs of life to arrive: a lease is 600 ms.
const SCALE: f64 = 100.0;
const BUCKET: &str = "landing-state-123456789012-us-west-2";
const STATE: &str = "state/shop-dev.json";

fn settings(state: &str) -> String {
    format!("name = \"shop\"\nregion = \"us-west-2\"\n{state}\n\n[services.web]\npaths = [\"/*\"]\n")
}

/// A folder of its own with the same project: another machine.
fn machine(state: &str) -> Project {
    let compose = "services:\n  web:\n    image: nginx:1\n    expose: [80]\n";
    Project::new(&[("landing.toml", &settings(state)), ("compose.yaml", compose)])
}

const S3: &str = "state = \"s3\"";

fn run(machine: &Project, served: &Served, arguments: &[&str]) -> Ended {
    Running::start(landing(machine.path(), served, arguments), machine.path()).end()
}

fn done(machine: &Project, served: &Served, arguments: &[&str]) -> Ended {
    let ended = run(machine, served, arguments);
    assert_eq!(ended.code(), Some(0), "{arguments:?}: {}", ended.stderr);
    ended
}

/// It ends with this code and says this.
fn refused(machine: &Project, served: &Served, arguments: &[&str], code: i32, says: &str) -> Ended {
    let ended = run(machine, served, arguments);
    assert_eq!(ended.code(), Some(code), "{arguments:?}: {}", ended.stderr);
    assert!(ended.stderr.contains(says), "{arguments:?} does not say `{says}`: {}", ended.stderr);
    ended
}

fn bucket(served: &Served) -> Value {
    let world: Value = serde_json::from_str(&served.sandbox.save()).expect("a world is JSON");
    world["s3"]["buckets"][BUCKET].clone()
}

fn is_safe(served: &Served) {
    let bucket = bucket(served);
    assert_eq!(bucket["versioning"], "Enabled");
    assert_eq!(bucket["ownership"], "BucketOwnerEnforced");
    assert_eq!(bucket["encryption"]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256");
    assert!(bucket["block"].as_object().expect("a block").values().all(|flag| flag == true), "{}", bucket["block"]);
    assert_eq!(bucket["tags"], json!({ "landing:purpose": "state" }));
    let statement = &bucket["policy"]["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")));
    assert_eq!(statement["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
}

fn only_the_bucket_is_left(served: &Served) {
    let mut expected = Served::new(SCALE).objects();
    expected.insert(format!("s3:bucket {BUCKET}"));
    assert_eq!(served.objects(), expected);
}

fn no_file(machine: &Project) {
    assert!(!machine.path().join(STATE).exists(), "the state is a file");
}

#[test]
fn two_machines_share_one_state_and_down_leaves_its_bucket() {
    let served = Served::new(SCALE);
    let (ada, bob) = (machine(S3), machine(S3));
    let first = done(&ada, &served, &["up", "--yes"]);
    assert!(first.stderr.contains(&format!("made the bucket {BUCKET}")), "{}", first.stderr);
    is_safe(&served);
    no_file(&ada);

    let second = done(&bob, &served, &["up", "--yes"]);
    assert!(second.stderr.contains("nothing to change") && !second.stderr.contains("bucket"), "{}", second.stderr);
    done(&bob, &served, &["plan", "--detailed-exitcode"]);
    for command in [&["state", "list"][..], &["outputs"], &["state", "show", "ecs.cluster.main"], &["state", "pull"]] {
        let (of_ada, of_bob) = (run(&ada, &served, command), run(&bob, &served, command));
        assert_eq!((of_ada.code(), &of_ada.stdout), (of_bob.code(), &of_bob.stdout), "{command:?}");
    }
    assert!(done(&bob, &served, &["state", "list"]).stdout.contains("ec2.vpc"));
    done(&bob, &served, &["status"]);
    done(&bob, &served, &["state", "rebuild"]);

    let down = done(&bob, &served, &["down", "--yes", "--allow-data-loss"]);
    assert!(down.stderr.contains("nothing of shop-dev is left"), "{}", down.stderr);
    only_the_bucket_is_left(&served);
    done(&ada, &served, &["down", "--yes", "--allow-data-loss"]);
    no_file(&bob);
}

/// Killed at any call of its making, the bucket is finished by the next run.
#[test]
fn a_half_made_bucket_is_finished_by_the_next_run() {
    let calls = [format!("PUT /{BUCKET}/"), "versioning".to_owned(), "policy".to_owned()];
    for call in calls {
        let (served, ada) = (Served::new(SCALE), machine(S3));
        let fitting = call.clone();
        served.watch(move |sent| {
            let name = &sent.operation;
            let fits = sent.mutating
                && (name.trim_end_matches('/') == fitting.trim_end_matches('/') || name.contains(&format!("?{fitting}")));
            if fits { Fate::StrikeUnanswered } else { Fate::Answered }
        });
        let running = Running::start(landing(ada.path(), &served, &["up", "--yes"]), ada.path());
        served.strike_with(running.killer());
        assert_eq!(running.end().code(), None, "{call}: it was killed");
        assert!(bucket(&served).is_object(), "{call}: the bucket is there");
        served.watch(|_| Fate::Answered);
        done(&ada, &served, &["up", "--yes"]);
        is_safe(&served);
    }
}

/// Writes the lock as somebody elsewhere would, whatever stands there.
fn lock(served: &Served, beat: u64) {
    let holder = json!({ "pid": 4, "host": "elsewhere", "user": "eve", "command": "landing up", "since": "2026-01-01T00:00:00Z",
        "process": { "boot": "elsewhere", "space": "pid:[1]", "started": 1 } });
    let body = json!({ "format": 1, "fence": 7, "beat": beat, "run": "elsewhere", "holder": holder }).to_string();
    let address = served.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("the sandbox listens");
    let signed = "AWS4-HMAC-SHA256 Credential=EVE/20260101/us-west-2/s3/aws4_request, SignedHeaders=host, Signature=0";
    let head = format!(
        "PUT /{BUCKET}/shop/dev/lock.json HTTP/1.1\r\nhost: {address}\r\nauthorization: {signed}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).expect("it is sent");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("it is answered");
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[test]
fn a_run_elsewhere_keeps_others_out_until_it_is_dead() {
    let (served, ada) = (Served::new(SCALE), machine(S3));
    done(&ada, &served, &["up", "--yes"]);
    lock(&served, 1);
    let held = refused(&ada, &served, &["up", "--yes"], 9, "`landing up` of eve on elsewhere, process 4");
    assert!(held.stderr.contains(&format!("s3://{BUCKET}/shop/dev/state.json")), "{}", held.stderr);

    // As long as it gives signs of life, no patience is enough.
    let waits = ["down", "--yes", "--allow-data-loss", "--lock-wait", "300s"];
    let waiting = Running::start(landing(ada.path(), &served, &waits), ada.path());
    let mut beat = 2;
    while waiting.is_running() {
        lock(&served, beat);
        beat += 1;
    }
    let ended = waiting.end();
    assert_eq!(ended.code(), Some(9), "{}", ended.stderr);

    // Nobody gives any more.
    let freed = done(&ada, &served, &["up", "--yes", "--lock-wait", "10m"]);
    assert!(freed.stderr.contains("the last run did not end by itself (`landing up` of eve on elsewhere"), "{}", freed.stderr);
}

/// The system itself says that the process is gone, so nobody has to wait for its lease.
#[test]
fn a_run_that_died_on_this_machine_is_gone_on_from_at_once() {
    let (served, ada) = (Served::new(SCALE), machine(S3));
    served.watch(|sent| if sent.operation == "CreateSubnet" { Fate::StrikeUnanswered } else { Fate::Answered });
    let running = Running::start(landing(ada.path(), &served, &["up", "--yes"]), ada.path());
    served.strike_with(running.killer());
    assert_eq!(running.end().code(), None, "it was killed");
    served.watch(|_| Fate::Answered);
    let next = done(&ada, &served, &["up", "--yes"]);
    assert!(next.stderr.contains("the last run did not end by itself"), "{}", next.stderr);
    done(&machine(S3), &served, &["plan", "--detailed-exitcode"]);
    done(&ada, &served, &["down", "--yes", "--allow-data-loss"]);
    only_the_bucket_is_left(&served);
}

#[test]
fn there_and_back_again() {
    let (served, ada) = (Served::new(SCALE), machine(""));
    done(&ada, &served, &["up", "--yes"]);
    refused(&ada, &served, &["state", "push"], 2, "lies in");
    ada.write("landing.toml", &settings(S3));
    for command in [&["plan"][..], &["up", "--yes"], &["down", "--yes", "--allow-data-loss"], &["status"]] {
        refused(&ada, &served, command, 12, "`landing state push` moves it there");
    }
    done(&ada, &served, &["state", "push"]);
    no_file(&ada);
    assert!(ada.path().join("state/shop-dev.json.backup-1").exists(), "the file is kept");
    done(&machine(S3), &served, &["plan", "--detailed-exitcode"]);

    // What does not go on from what is there is refused, unless it is meant.
    let file = |name: &str| ada.path().join(name).display().to_string();
    let old = file("old.json");
    done(&ada, &served, &["state", "pull", &old]);
    done(&ada, &served, &["state", "push", &old]);
    done(&ada, &served, &["state", "push", "--force", &old]);
    done(&ada, &served, &["state", "push", "--force", &file("state/shop-dev.json.backup-1")]);
    refused(&ada, &served, &["state", "push", &old], 12, "older than");
    let other = machine("");
    done(&other, &served, &["state", "rebuild"]);
    let others = other.path().join(STATE).display().to_string();
    refused(&ada, &served, &["state", "push", &others], 12, "of another history");
    let text = fs::read_to_string(&old).expect("it was pulled");
    ada.write("damaged.json", &text.replace("us-west-2", "us-west-1"));
    refused(&ada, &served, &["state", "push", &file("damaged.json")], 12, "checksum");
    refused(&ada, &served, &["state", "push", &file("none.json")], 2, "there is no state");

    done(&ada, &served, &["state", "pull", &file(STATE)]);
    ada.write("landing.toml", &settings(""));
    done(&ada, &served, &["plan", "--detailed-exitcode"]);
    done(&ada, &served, &["down", "--yes", "--allow-data-loss"]);
    only_the_bucket_is_left(&served);
}

#[test]
fn a_bucket_of_somebody_else_is_never_written_to() {
    let (served, ada) = (Served::new(SCALE), machine(S3));
    served.sandbox.with_world(|world| {
        world.take_bucket_name(BUCKET);
        world.take_bucket_name("their-bucket");
    });
    refused(&ada, &served, &["up", "--yes"], 12, "belongs to another AWS account");
    refused(&ada, &served, &["plan"], 4, "another account's");
    assert_eq!(bucket(&served)["objects"], json!({}), "nothing was written");
    ada.write("landing.toml", &settings("state = { s3 = \"their-bucket\" }"));
    refused(&ada, &served, &["up", "--yes"], 12, "is another account's");
    ada.write("landing.toml", &settings("state = { s3 = \"no-bucket\" }"));
    refused(&ada, &served, &["up", "--yes"], 12, "there is no bucket no-bucket");
    assert_eq!(served.objects(), Served::new(SCALE).objects(), "nothing was made");
}

/// In a rehearsal the bucket is in the world that lies beside the state file.
#[test]
fn a_rehearsal_has_its_bucket_too() {
    let ada = machine(S3);
    let up = ada.landing(&["up", "--sandbox", "--time-scale", "200", "--yes"]);
    assert_eq!(up.code, 0, "{}", up.stderr);
    let again = ada.landing(&["up", "--sandbox", "--time-scale", "200", "--yes"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stderr.contains("nothing to change") && !again.stderr.contains("did not end"), "{}", again.stderr);
    assert!(ada.landing(&["state", "list", "--sandbox"]).stdout.contains("ec2.vpc"));
    let down = ada.landing(&["down", "--sandbox", "--time-scale", "200", "--yes", "--allow-data-loss"]);
    assert_eq!(down.code, 0, "{}", down.stderr);
    no_file(&ada);
}
