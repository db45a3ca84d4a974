//! The disk fails, or the power goes, at any file operation of a run: nothing is sent that the journal does not know, the files stay readable, and the next run
//! converges.

#![expect(clippy::print_stdout, reason = "how much was tried is part of the answer")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::ram::{Content, Fault, Left, Ram};
use common::{Bench, World, house};
use landing_engine::journal::{self, Journal};
use landing_engine::lock::Permit;
use landing_engine::walk::Options;
use landing_engine::{Files, Graph, State, walk};
use tokio::sync::mpsc;

/// A whole run; what the person is told when the files did not let it go well.
async fn land(bench: &Bench, graph: &Graph) -> Result<(), String> {
    let files = bench.files.as_ref();
    let mut state = State::open(files, &bench.path(), &bench.stack, "1", "here").map_err(|error| error.to_string())?;
    let live = landing_engine::scan(&bench.registry, &bench.stack, graph, &state, &bench.clock).await.unwrap();
    let plan = landing_engine::plan(&bench.registry, &bench.stack, graph, &live, &state).unwrap();
    let journal = Journal::open(files, &bench.path(), &state).map_err(|error| error.to_string())?;
    let (sender, _receiver) = mpsc::unbounded_channel();
    let (clock, stop) = (bench.clock, bench.stop.subscribe());
    let options = Options { clock, calls_at_once: 16, wait: true, stop, permit: Permit::default(), snapshots: None };
    let outcome = walk(&bench.registry, &plan, graph, &live, &mut state, journal, options, sender).await;
    let saved = state.save(files, &bench.path());
    outcome.failed.first().map_or(Ok(()), |(node, error)| Err(format!("{node}: {error}")))?;
    saved.map_err(|error| error.to_string())
}

/// A bench on a disk in memory, and how it looks after a first run: where every run with a fault begins.
struct Story {
    bench: Bench,
    world: World,
    disk: Content,
}

impl Story {
    async fn begin() -> Self {
        let mut bench = Bench::default();
        let ram = Ram::default();
        bench.files = Arc::new(ram.clone());
        assert_eq!(land(&bench, &house(9)).await, Ok(()));
        bench.calls();
        let disk = ram.content().with(None);
        let world = bench.world.lock().unwrap().clone();
        Self { bench, world, disk }
    }

    fn put(&mut self, world: World, disk: Content) -> Ram {
        let ram = Ram::of(disk);
        self.bench.files = Arc::new(ram.clone());
        *self.bench.world.lock().unwrap() = world;
        ram
    }

    /// The second run, which makes, removes and changes things, with a fault.
    async fn run(&mut self, fault: Fault) -> (Result<(), String>, World, Content) {
        let ram = self.put(self.world.clone(), self.disk.clone().with(Some(fault)));
        let result = land(&self.bench, &house(8)).await;
        let world = self.bench.world.lock().unwrap().clone();
        (result, world, ram.content())
    }

    /// From here the next run ends well, and the one after it does nothing.
    async fn converges(&mut self, world: World, disk: Content, point: &str) {
        self.put(world, disk.with(None));
        assert_eq!(land(&self.bench, &house(8)).await, Ok(()), "{point}");
        assert_eq!(self.bench.world.lock().unwrap().boxes.len(), 4, "nothing twice, nothing lost: {point}");
        self.bench.calls();
        assert_eq!(land(&self.bench, &house(8)).await, Ok(()), "{point}");
        assert_eq!(self.bench.calls(), [""; 0], "the run after that does nothing: {point}");
    }
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// Error, whether once, and how much of a failing write is written all the same, in quarters.
const WAYS: [(i32, bool, usize); 9] = [
    (ENOSPC, true, 0),
    (ENOSPC, true, 2),
    (ENOSPC, true, 4),
    (ENOSPC, false, 0),
    (ENOSPC, false, 3),
    (EIO, true, 0),
    (EIO, false, 0),
    (EROFS, true, 0),
    (EROFS, false, 0),
];

#[tokio::test(start_paused = true)]
async fn whatever_operation_fails_nothing_is_lost_and_the_next_run_converges() {
    let mut story = Story::begin().await;
    let before = story.bench.state().serial;
    let (mut points, mut told) = (0, 0);
    for (error, once, torn) in WAYS {
        for at in 0.. {
            let (result, mut world, disk) = story.run(Fault { at, error, once, torn }).await;
            if disk.operations <= at {
                assert_eq!(result, Ok(()));
                break;
            }
            let point = format!("operation {at}, error {error}, once {once}, torn {torn}: {result:?}");
            let mut sent: BTreeMap<String, usize> = BTreeMap::new();
            for call in std::mem::take(&mut world.calls) {
                *sent.entry(call.split(' ').nth(1).unwrap().to_owned()).or_default() += 1;
            }
            for (node, count) in &sent {
                assert!(disk.intents.get(node).is_some_and(|intents| count <= intents), "{node} was sent unrecorded: {point}");
            }
            assert!(result.is_err() || once, "a disk that stays broken is said: {point}");
            told += usize::from(result.is_err());
            story.put(world.clone(), disk.clone().with(None));
            assert!(story.bench.state().serial >= before, "the old or the new state: {point}");
            story.converges(world, disk, &point).await;
            points += 1;
        }
    }
    println!("{points} faults of the disk, {told} of them told, all the others without consequence");
    assert!(points > 500);
}

/// The process is stopped by a disk that takes nothing more from this operation on; then the power goes.
#[tokio::test(start_paused = true)]
async fn whenever_the_power_goes_the_old_or_the_new_state_is_there_and_the_next_run_converges() {
    let mut story = Story::begin().await;
    let before = story.bench.state();
    let (mut points, mut runs) = (0, 0);
    for at in 0.. {
        let (_, mut world, disk) = story.run(Fault { at, error: EIO, once: false, torn: 0 }).await;
        if disk.operations <= at {
            break;
        }
        world.calls.clear();
        let mut seen = BTreeSet::new();
        let torn = (0..disk.unsynced()).map(Left::Bytes);
        let ways: Vec<Left> = torn.chain([Left::All, Left::Zeros]).collect();
        for moves in 0..=disk.moves() {
            for left in &ways {
                let after = disk.after_power_loss(moves, *left);
                let point = format!("power lost before operation {at}, {moves} names, {left:?}");
                let ram = story.put(world.clone(), after.clone());
                let alone = State::read(&ram, &story.bench.path()).unwrap_or_else(|error| panic!("{point}: {error}"));
                assert!(alone.is_some_and(|state| state.serial >= before.serial && state.lineage == before.lineage), "{point}");
                let journal = ram.read(&journal::beside(&story.bench.path())).unwrap_or_default();
                assert_eq!(journal::parse(&journal).damaged, 0, "a torn end is no damage: {point}");
                points += 1;
                // What a run begins with is the state as it is opened; the same one is not tried twice.
                if seen.insert(story.bench.state().bytes()) {
                    story.converges(world.clone(), after, &point).await;
                    runs += 1;
                }
            }
        }
    }
    println!("the power lost in {points} ways, which leave {runs} different states");
    assert!(points > 3000);
}
