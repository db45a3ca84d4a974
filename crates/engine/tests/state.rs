//! The notebook: written whole, read back, never trusted blindly.

mod common;

use std::collections::BTreeMap;

use common::{Bench, house};
use landing_engine::journal::{self, Entry, Journal};
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
    state.format = 3;
    std::fs::write(&path, state.bytes()).unwrap();
    assert!(matches!(State::open(&Disk, &path, &stack, "1", "here"), Err(StateError::Newer { found: 3, .. })));
    std::fs::write(&path, &text[..text.len() / 2]).unwrap();
    assert!(matches!(State::open(&Disk, &path, &stack, "1", "here"), Err(StateError::Damaged { .. })));
}
