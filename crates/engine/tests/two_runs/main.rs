//! Two runs cannot both change things: thousands of schedules of two machines over one store, with everything that goes wrong between them.
//!
//! Lock, lease, permit, notebook and keeper are the real ones. Each machine has a runtime and clocks of its own; the scheduler lets time go by in steps of
//! its choice, stops a machine in the middle, puts it to sleep, sets its clock, kills it and starts another process there. The network is late, loses
//! requests and answers, and delivers writes when nobody waits for them any more. The server judges:
//!
//! - a call that changes something is sent within the lease and arrives while its sender has the lock, and nobody else;
//! - a lock is taken only from one that was silent for the time of a lease;
//! - every state goes on from the one that it replaces, and no serial is written by two runs;
//! - a run is told of another only when there was another;
//! - in the end a run that nobody disturbs gets the lock and finds all that was saved.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod machine;
mod model;
#[path = "../common/ram.rs"]
#[allow(dead_code, unreachable_pub, reason = "this test uses its own part")]
mod ram;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use machine::{End, Machine, Place};
use model::{Tally, World, locked};

/// No schedule needs nearly as long.
const LONGEST: u64 = 3 * 3600 * 1000;

/// One schedule, from its seed alone.
fn schedule(seed: u64, place: &Place) -> Result<Tally, String> {
    let world = Arc::new(Mutex::new(World::new(seed)));
    if let Place::Files(path) = place {
        locked(&world).lock_file = Some(path.with_extension("json.lock"));
    }
    let mut machines: Vec<Option<(usize, u64, Machine)>> = vec![None, None];
    let mut processes = 0;
    // When each machine starts its first process, and how many more it may start.
    let mut starts: Vec<(u64, u32)> = {
        let world = &mut locked(&world);
        (0..2).map(|_| (world.now + if world.dice.chance(300) { 0 } else { world.dice.between(0, 120_000) }, 2)).collect()
    };
    // One machine alone is told nothing of others.
    if locked(&world).dice.chance(150) {
        starts[1].1 = 0;
    }
    let trouble = locked(&world).dice.between(0, 40);
    let began = locked(&world).now;
    let mut seen = None;
    loop {
        let (now, passed) = {
            let mut world = locked(&world);
            let passed = match world.dice.between(0, 9) {
                0..=2 => world.dice.between(1, 300),
                3..=8 => world.dice.between(300, 3000),
                _ => world.dice.between(3000, 9000),
            };
            let until = world.now + passed;
            world.go_on(until);
            (until, passed)
        };
        if now - began > LONGEST {
            return Err("it hangs".to_owned());
        }
        for (index, slot) in machines.iter_mut().enumerate() {
            let Some((process, since, machine)) = slot else {
                let (at, left) = starts[index];
                if left > 0 && now >= at {
                    let (patience, calls) = {
                        let dice = &mut locked(&world).dice;
                        (Duration::from_secs(dice.between(0, 3) * 100), dice.between(1, 8))
                    };
                    processes += 1;
                    let machine = Machine::start(&world, place, processes, patience, calls);
                    *slot = Some((processes, now, machine));
                    starts[index].1 -= 1;
                }
                continue;
            };
            machine.turn(now, passed);
            if let Place::Files(path) = place {
                look_at_files(&world, path, *process, &mut seen);
            }
            let dice = &mut locked(&world).dice.clone();
            if let Some(end) = machine.end() {
                tell(&world, &end, *since, place)?;
                *slot = None;
                starts[index] = (now + dice.between(0, 60_000), if dice.chance(300) { starts[index].1 } else { 0 });
            } else if dice.chance(trouble) {
                let mut world = locked(&world);
                match world.dice.between(0, 5) {
                    0 | 1 => {
                        world.tally.crashes += 1;
                        world.dead.insert(*process);
                        let at = now + world.dice.between(0, 180_000);
                        drop(world);
                        *slot = None;
                        starts[index].0 = at;
                    }
                    2 | 3 if now >= machine.asleep_until => {
                        world.tally.pauses += 1;
                        let (until, stands_still) = (now + world.dice.between(1000, 200_000), world.dice.chance(500));
                        machine.sleep(until, stands_still);
                    }
                    4 => machine.set_wall(world.dice.between(0, 7200).cast_signed() - 3600),
                    _ => {
                        let (rarely, day) = (world.dice.chance(100), 86_400);
                        machine.set_wall(if rarely { day } else { -day });
                    }
                }
            }
            // The scheduler's own draws go on from the world's.
            let _ = locked(&world).dice.between(0, 1);
        }
        let over = machines.iter().all(Option::is_none) && starts.iter().all(|(_, left)| *left == 0 || processes >= 6);
        if over {
            break;
        }
    }
    last_run(&world, place, processes + 1)?;
    let world = locked(&world);
    if world.broken.is_empty() { Ok(world.tally) } else { Err(world.broken.join("\n")) }
}

/// What a machine wrote into the folder in its turn.
fn look_at_files(world: &model::Shared, path: &std::path::Path, process: usize, seen: &mut Option<Vec<u8>>) {
    let bytes = std::fs::read(path).ok();
    if bytes != *seen {
        let mut world = locked(world);
        world.see_state(bytes.as_deref().unwrap_or_default(), &format!("process {process}"));
        *seen = bytes;
    }
}

fn tell(world: &model::Shared, end: &End, since: u64, place: &Place) -> Result<(), String> {
    let mut world = locked(world);
    match end {
        End::Done => world.tally.done += 1,
        End::Held => world.tally.held += 1,
        End::Silence => {}
        End::Fenced(why) => {
            world.tally.fenced += 1;
            let alone = !matches!(place, Place::Objects) || !world.several_wrote_since(since);
            if alone {
                return Err(format!("a run ends with `{why}`, and there was no other"));
            }
        }
    }
    Ok(())
}

/// Whatever happened: a run that nobody disturbs gets the lock, in the time that a lease takes, and nothing that was saved is lost.
fn last_run(world: &model::Shared, place: &Place, process: usize) -> Result<(), String> {
    let (before, began) = {
        let mut world = locked(world);
        world.calm = true;
        (world.nodes(), world.now)
    };
    let mut machine = Machine::start(world, place, process, Duration::from_secs(200), 1);
    let mut seen = match place {
        Place::Files(path) => std::fs::read(path).ok(),
        Place::Objects => None,
    };
    loop {
        let now = {
            let mut world = locked(world);
            let until = world.now + 500;
            world.go_on(until);
            until
        };
        if now - began > 600_000 {
            return Err("the last run hangs".to_owned());
        }
        machine.turn(now, 500);
        if let Place::Files(path) = place {
            look_at_files(world, path, process, &mut seen);
        }
        match machine.end() {
            None => {}
            Some(End::Done) => break,
            // A write of a run that is gone arrived between our reading and our first writing.
            Some(End::Fenced(_)) if locked(world).several_wrote_since(began) => return last_run(world, place, process + 1),
            Some(other) => return Err(format!("the last run ends with {other:?}")),
        }
    }
    let after = locked(world).nodes();
    if before.is_subset(&after) { Ok(()) } else { Err("what was saved is lost".to_owned()) }
}

/// Runs `count` schedules on all cores, and adds up what came of them.
fn schedules(first: u64, count: u64, place: impl Fn(u64) -> Place + Sync) -> Tally {
    let (next, total, failed) = (AtomicU64::new(first), Mutex::new(Tally::default()), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count {
                        break;
                    }
                    match schedule(seed, &place(seed)) {
                        Ok(tally) => total.lock().unwrap().add(&tally),
                        Err(why) => failed.lock().unwrap().push(format!("seed {seed}: {why}")),
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    failed.sort();
    assert!(
        failed.is_empty(),
        "{} of {count} interleavings fail, among them\n{}",
        failed.len(),
        failed[..failed.len().min(8)].join("\n")
    );
    total.into_inner().unwrap()
}

/// So many times as many with `LANDING_DEEP=1`.
fn times() -> u64 {
    if std::env::var_os("LANDING_DEEP").is_some() { 25 } else { 1 }
}

#[expect(clippy::print_stdout, reason = "the figures of the run")]
fn told(what: &str, count: u64, tally: &Tally, since: Instant) {
    println!("{count} interleavings of two runs {what} in {:.1} s: {tally:?}", since.elapsed().as_secs_f64());
}

#[test]
fn two_runs_over_objects_never_both_change_things() {
    let (count, since) = (10_000 * times(), Instant::now());
    let tally = schedules(1, count, |_| Place::Objects);
    told("over objects", count, &tally, since);
    // All of it happened, or this test says nothing.
    for (what, times) in [
        ("grants", tally.grants),
        ("takeovers", tally.takeovers),
        ("lost", tally.lost),
        ("late", tally.late),
        ("crashes", tally.crashes),
        ("pauses", tally.pauses),
        ("held", tally.held),
        ("fenced", tally.fenced),
        ("done", tally.done),
    ] {
        assert!(times > count / 100, "{what}: only {times}");
    }
}

#[test]
fn two_runs_over_one_folder_never_both_change_things() {
    let (count, since) = (1000 * times(), Instant::now());
    // In memory where there is such a place: what a disk does is another test's subject.
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    let tally = schedules(1, count, |seed| {
        let folder = folder.path().join(seed.to_string());
        std::fs::create_dir(&folder).unwrap();
        Place::Files(folder.join("state.json"))
    });
    told("over one folder", count, &tally, since);
    for (what, times) in [("crashes", tally.crashes), ("pauses", tally.pauses), ("held", tally.held), ("done", tally.done)] {
        assert!(times > count / 100, "{what}: only {times}");
    }
}
