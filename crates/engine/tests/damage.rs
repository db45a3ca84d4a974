//! Files that are not what was written: each is refused with its reason, or recovered from what AWS knows; none is half believed, and nothing panics.

#![expect(clippy::print_stdout, reason = "how much was tried is part of the answer")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{Bench, house};
use landing_engine::journal::{self, Entry, Journal};
use landing_engine::rebuild::{put_aside, rebuild};
use landing_engine::state::StateError;
use landing_engine::{Disk, Graph, NodeName, Stack, State};

fn parse(bytes: &[u8]) -> Result<State, StateError> {
    State::parse(bytes, Path::new("shop-dev.json"))
}

/// The state of a life with everything in it that a state can hold.
async fn lived() -> (Bench, State) {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    bench.land(&house(8)).await;
    let mut state = bench.state();
    let node = NodeName::new("test.crate", "house");
    let (call, operation) = (1, "test:Create".to_owned());
    state.apply(&Entry::Intent { call, node, operation, doubles: true, at: 7 });
    (bench, state)
}

#[tokio::test(start_paused = true)]
async fn what_was_written_is_read_back() {
    let (_bench, state) = lived().await;
    assert_eq!(parse(&state.bytes()).unwrap().bytes(), state.bytes());
    assert_eq!(parse(&state.bytes()).unwrap().nodes, state.nodes);
}

#[tokio::test(start_paused = true)]
async fn cut_off_anywhere_it_is_refused() {
    let (_bench, state) = lived().await;
    let bytes = state.bytes();
    // Without its last line feed it still says everything.
    assert!(parse(&bytes[..bytes.len() - 1]).is_ok());
    for length in 0..bytes.len() - 1 {
        assert!(matches!(parse(&bytes[..length]), Err(StateError::Damaged { .. })), "cut off after {length} bytes");
    }
    println!("cut off at {} lengths", bytes.len() - 1);
}

#[tokio::test(start_paused = true)]
async fn with_any_bit_flipped_it_is_refused_or_says_the_same() {
    let (_bench, state) = lived().await;
    let bytes = state.bytes();
    let (mut refused, mut same) = (0, 0);
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        match parse(&flipped) {
            Err(StateError::Damaged { .. }) => refused += 1,
            // Only the space between the words may be different.
            Ok(read) if read.bytes() == bytes => same += 1,
            other => panic!("bit {bit}: {other:?}"),
        }
    }
    println!("{} bits flipped: {refused} refused, {same} without a difference", refused + same);
    assert_eq!(refused + same, bytes.len() * 8);
    assert!(refused > same);
}

#[test]
fn reasons_as_people_read_them() {
    let mut state = State::new(&Stack::new("shop", "dev"), "1", "here");
    let text = String::from_utf8(state.bytes()).unwrap();
    let why = |bytes: &[u8]| parse(bytes).unwrap_err().to_string();
    insta::assert_snapshot!(why(b"{"), @"shop-dev.json is damaged: it is cut off");
    insta::assert_snapshot!(why(b"[]"), @"shop-dev.json is damaged: it is no state");
    insta::assert_snapshot!(why(b"{}"), @"shop-dev.json is damaged: it does not say its format");
    insta::assert_snapshot!(why(text.replace("shop", "shoe").as_bytes()), @"shop-dev.json is damaged: its checksum does not fit its content");
    let twice = text.replacen("\"serial\": 0", "\"serial\": 0, \"serial\": 0", 1);
    insta::assert_snapshot!(why(twice.as_bytes()), @"shop-dev.json is damaged: it is no JSON that landing wrote (the key `serial` stands twice at line 5 column 26)");
    state.format = 3;
    insta::assert_snapshot!(why(&state.bytes()), @"shop-dev.json was written by a newer landing (format 3, this one reads up to 2)");
    for deep in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        assert!(matches!(parse(deep.as_bytes()), Err(StateError::Damaged { .. })));
    }
}

#[test]
fn the_first_format_is_still_read_and_written_as_the_second() {
    let mut state = parse(include_bytes!("fixtures/format-1.json")).unwrap();
    assert_eq!(state.nodes[&NodeName::new("test.crate", "house")].id, "box-1");
    state.next_bytes();
    assert_eq!(parse(&state.bytes()).unwrap().format, 2);
}

#[tokio::test(start_paused = true)]
async fn an_empty_file_counts_as_none_and_is_said() {
    let bench = Bench::default();
    bench.land(&house(9)).await;
    std::fs::write(bench.path(), "").unwrap();
    assert!(bench.state().notes[0].ends_with("is empty and counts as none"));
    bench.calls();
    assert!(bench.land(&house(9)).await.is_complete());
    assert_eq!(bench.calls(), [""; 0], "everything is adopted by its tags");
}

#[tokio::test(start_paused = true)]
async fn every_earlier_file_of_a_life_put_back_converges_without_a_double() {
    let lives = [house(9), house(8), Graph::default(), house(8), house(9)];
    let mut tried = 0;
    for until in 1..=lives.len() {
        for back in 0..until {
            let bench = Bench::default();
            let mut kept = Vec::new();
            for graph in &lives[..until] {
                bench.land(graph).await;
                kept.push(std::fs::read(bench.path()).unwrap());
            }
            std::fs::write(bench.path(), &kept[back]).unwrap();
            assert!(bench.land(&house(7)).await.is_complete());
            let names = bench.names();
            assert_eq!((names.len(), bench.world.lock().unwrap().boxes.len()), (4, 4), "nothing twice, nothing left");
            bench.calls();
            assert!(bench.land(&house(7)).await.is_complete());
            assert_eq!(bench.calls(), [""; 0], "version {back} of {until}: the next run does nothing");
            tried += 1;
        }
    }
    println!("{tried} old files put back");
}

fn known(id: &str) -> Entry {
    Entry::Known { node: NodeName::new("test.crate", "house"), id: id.into(), outputs: BTreeMap::new(), generation: 0, at: 1 }
}

fn house_of(state: &State) -> Option<String> {
    state.nodes.get(&NodeName::new("test.crate", "house")).map(|record| record.id.clone())
}

#[test]
fn a_journal_is_folded_only_into_the_state_that_it_belongs_to() {
    let bench = Bench::default();
    let mut state = bench.state();
    state.save(&Disk, &bench.path()).unwrap();
    let begun = std::fs::read(bench.path()).unwrap();
    Journal::open(&Disk, &bench.path(), &state).unwrap().write(&known("box-7")).unwrap();
    let journal = std::fs::read(journal::beside(&bench.path())).unwrap();
    assert_eq!(house_of(&bench.state()), Some("box-7".into()));

    // The run ended and was killed before it could remove the journal, and others have gone on since.
    state.next_bytes();
    std::fs::write(bench.path(), state.bytes()).unwrap();
    assert_eq!(house_of(&bench.state()), None, "it was folded in before");

    // Saved in the middle of that run.
    state.midway = Some(1);
    std::fs::write(bench.path(), state.bytes()).unwrap();
    assert_eq!(house_of(&bench.state()), Some("box-7".into()));

    // The file is gone, the journal is not.
    std::fs::remove_file(bench.path()).unwrap();
    let resumed = bench.state();
    assert_eq!((house_of(&resumed), &resumed.lineage), (Some("box-7".into()), &state.lineage));
    insta::assert_snapshot!(resumed.notes.join("\n"), @"there is no state file, but the journal of a run that was killed: going on from that");

    // An older file is put back beside a newer journal.
    let mut newer = state.clone();
    newer.serial = 5;
    std::fs::remove_file(journal::beside(&bench.path())).unwrap();
    Journal::open(&Disk, &bench.path(), &newer).unwrap().write(&known("box-8")).unwrap();
    std::fs::write(bench.path(), &begun).unwrap();
    let old = bench.state();
    assert_eq!((house_of(&old), old.serial), (Some("box-8".into()), 5));
    insta::assert_snapshot!(old.notes.join("\n"), @"the state is of serial 1, older than its journal of serial 5: somebody put an old file back. AWS is followed, not the file");

    // Another history, and another account.
    let refused = || State::open(&Disk, &bench.path(), &bench.stack, "1", "here").unwrap_err();
    let mut other = State::new(&bench.stack, "1", "here");
    std::fs::write(journal::beside(&bench.path()), &journal).unwrap();
    std::fs::write(bench.path(), other.next_bytes()).unwrap();
    assert!(matches!(refused(), StateError::Mixed { .. }));
    std::fs::remove_file(bench.path()).unwrap();
    let foreign = State::open(&Disk, &bench.path(), &bench.stack, "2", "here").unwrap_err();
    assert!(foreign.to_string().ends_with("belongs to shop/dev/1/here, not to shop/dev/2/here"), "{foreign}");
}

#[test]
fn a_damaged_line_in_the_middle_is_counted_and_a_torn_last_one_is_not() {
    let state = State::new(&Stack::new("shop", "dev"), "1", "here");
    let line = |entry: &Entry| journal::line(entry).unwrap();
    let (begin, known) = (line(&Entry::begin(&state)), line(&known("box-7")));
    let damaged = |text: String| journal::parse(text.as_bytes()).damaged;
    assert_eq!(damaged(format!("\n{begin}{known}0123abcd {{\"entry\":")), 0);
    assert_eq!(damaged(format!("\n{begin}{known}0123abcd {{\"entry\":\n{begin}{known}")), 0);
    assert_eq!(damaged(format!("\n{begin}{}{known}", known.replace("box", "bax"))), 1);
    // Every bit of a journal: no panic, and no line but the one that was hit is lost.
    let bytes = format!("\n{begin}{known}{known}").into_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!journal::parse(&flipped).entries.is_empty(), "bit {bit}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_what_anybody_may_write_are_refused() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let bench = Bench::default();
    let refused = || State::open(&Disk, &bench.path(), &bench.stack, "1", "here").unwrap_err();
    bench.state().save(&Disk, &bench.path()).unwrap();
    let mode = |mode| std::fs::set_permissions(bench.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o666);
    assert!(matches!(refused(), StateError::Exposed { .. }));
    mode(0o660);
    assert!(bench.state().notes[0].contains("other users of this machine may write"));
    let elsewhere = bench.folder.path().join("elsewhere");
    std::fs::write(&elsewhere, "mine").unwrap();
    for name in [bench.path(), journal::beside(&bench.path())] {
        let _ = std::fs::remove_file(&name);
        symlink(&elsewhere, &name).unwrap();
        assert!(matches!(refused(), StateError::NoFile { what: "a link", .. }));
        assert!(Journal::open(&Disk, &bench.path(), &State::new(&bench.stack, "1", "here")).is_err() || name == bench.path());
        std::fs::remove_file(&name).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "mine");
}

#[tokio::test(start_paused = true)]
async fn a_rebuilt_state_is_the_lost_one_again() {
    let (bench, _) = lived().await;
    let before = bench.state();
    let (graph, nothing) = (house(8), State::new(&bench.stack, "1", "here"));
    let live = landing_engine::scan(&bench.registry, &bench.stack, &graph, &nothing, &bench.clock).await.unwrap();
    let facts = |state: &State| -> BTreeMap<NodeName, (String, BTreeMap<String, String>)> {
        let pairs = state.nodes.iter().map(|(node, record)| (node.clone(), (record.id.clone(), record.outputs.clone())));
        pairs.collect()
    };

    // From nothing at all.
    let mut anew = State::new(&bench.stack, "1", "here");
    let difference = rebuild(&mut anew, &live, 1_000_000);
    assert_eq!(facts(&anew), facts(&before));
    assert_eq!((difference.added.len(), difference.same), (4, 0));

    // From one that is right it is the same, to the last of its lives.
    let mut again = before.clone();
    assert_eq!(rebuild(&mut again, &live, 1_000_000).same, 4);
    assert_eq!(again.nodes, before.nodes);

    // From one that is wrong.
    let (house, attic) = (NodeName::new("test.crate", "house"), NodeName::new("test.crate", "attic"));
    let mut wrong = before.clone();
    let record = wrong.nodes.remove(&NodeName::new("test.crate", "room")).unwrap();
    wrong.nodes.insert(attic.clone(), record);
    wrong.nodes.get_mut(&house).unwrap().id = "box-99".to_owned();
    let difference = rebuild(&mut wrong, &live, 1_000_000);
    assert_eq!((difference.removed, difference.changed, difference.same), (vec![attic], vec![house], 2));
    assert_eq!(facts(&wrong), facts(&before));
}

#[test]
fn no_backup_is_ever_written_over() {
    let bench = Bench::default();
    let keep = |bytes: &[u8]| put_aside(&Disk, &bench.path(), bytes).unwrap();
    let (first, second) = (keep(b"first"), keep(b"second"));
    assert_eq!([std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap()], [b"first".to_vec(), b"second".to_vec()]);
    assert!(second.ends_with("shop-dev.json.backup-2"));
}
