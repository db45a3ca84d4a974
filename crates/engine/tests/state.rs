//! The notebook: written whole, read back, never trusted blindly.

mod common;

use std::collections::BTreeMap;

use common::{Bench, house};
use landing_engine::journal::{self, Entry, Journal};
use landing_engine::lock::{Lock, LockError, Owner};
use landing_engine::state::StateError;
use landing_engine::{Disk, NodeName, Stack, State};

#[tokio::test(start_paused = true)]
async fn a_killed_run_is_remembered_by_its_journal_torn_line_or_not() {
    let bench = Bench::default();
    let state = bench.state();
    let journal = Journal::open(&Disk, &bench.path(), &state).unwrap();
    let node = NodeName::new("test.crate", "house");
    let known = Entry::Known { node: node.clone(), id: "box-7".into(), outputs: BTreeMap::new(), generation: 0, at: 0 };
    journal.write(&known).unwrap();
    let path = journal::beside(&bench.path());
    let mut torn = std::fs::read_to_string(&path).unwrap();
    torn.push_str("0123abcd {\"entry\":\"known\",\"no");
    std::fs::write(&path, torn).unwrap();
    assert_eq!(bench.state().nodes[&node].id, "box-7");
    // The next run goes on in the same journal, after the torn line.
    Journal::open(&Disk, &bench.path(), &state)
        .unwrap()
        .write(&Entry::Gone { node: node.clone(), id: "box-7".into(), at: 0 })
        .unwrap();
    assert!(bench.state().nodes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_file_is_whole_private_and_without_a_journal_after_a_run() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    assert!(!journal::beside(&bench.path()).exists());
    assert_eq!(State::read(&Disk, &bench.path()).unwrap().unwrap().nodes.len(), 4);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(bench.path()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_is_damaged_newer_or_another_stacks_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    let stack = Stack::new("shop", "dev");
    let mut state = State::new(&stack, "1", "here");
    state.save(&Disk, &path).unwrap();
    assert!(matches!(State::open(&Disk, &path, &stack, "2", "here"), Err(StateError::Foreign { .. })));
    assert!(matches!(State::open(&Disk, &path, &Stack::new("shop", "prod"), "1", "here"), Err(StateError::Foreign { .. })));
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(matches!(State::open(&Disk, &path, &stack, "1", "here"), Err(StateError::Newer { found: 2, .. })));
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert!(matches!(State::open(&Disk, &path, &stack, "1", "here"), Err(StateError::Unreadable { .. })));
}

#[test]
fn a_second_run_is_kept_out_and_told_by_whom_and_a_dead_owner_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.json");
    let owner = |command: &str| Owner {
        pid: 7,
        host: "host".into(),
        user: "ada".into(),
        command: command.into(),
        since: "2026-01-01T00:00:00Z".into(),
    };
    let held = Lock::take(&path, &owner("landing up")).unwrap();
    let error = Lock::take(&path, &owner("landing down")).unwrap_err();
    insta::assert_snapshot!(error, @"another run holds the lock: `landing up` of ada on host, process 7, since 2026-01-01T00:00:00Z");
    assert!(matches!(error, LockError::Held { owner: Some(_) }));
    drop(held);
    assert_eq!(Lock::take(&path, &owner("landing down")).unwrap().taken_over, None);
    std::fs::write(folder.path().join("x.json.lock"), serde_json::to_string(&owner("landing up")).unwrap()).unwrap();
    assert_eq!(Lock::take(&path, &owner("landing up")).unwrap().taken_over.as_ref().unwrap().command, "landing up");
}
