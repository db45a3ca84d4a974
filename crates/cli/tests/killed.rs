//! The real program killed for real: SIGKILL at a request that is known by its number, at any moment, and while it writes; again and again.
//!
//! After each kill, or chain of kills, the same command is run again. It must end well, with the objects that an undisturbed run leaves; the next run must change
//! nothing; and in the end `down` must leave what stood before. `LANDING_DEEP=1` kills at every request three times: when it is there and AWS has not seen it, when
//! AWS has acted and nobody hears the answer, and when the answer is out.
#![cfg(unix)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use common::process::Ended;
use common::served::Fate;
use common::town::{Town, kinds_of};

/// AWS seconds in one second: a database is ready in a tenth of one.
const SCALE: f64 = 4000.0;

/// Where the program is killed.
#[derive(Clone, Copy, Debug)]
enum Kill {
    AtRequest(usize, Fate),
    After(Duration),
    /// When a new state file, not yet in its place, is seen beside the old one.
    WhileTheStateIsWritten,
    /// When the journal has grown by so many lines.
    WhileTheJournalGrows(usize),
}

/// The wishes of a life, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Up,
    Change,
    Down,
}

const PHASES: [Phase; 3] = [Phase::Up, Phase::Change, Phase::Down];

impl Phase {
    fn arguments(self) -> &'static [&'static str] {
        if self == Self::Down {
            &["down", "--yes", "--allow-data-loss", "--json"]
        } else {
            &["up", "--yes", "--no-smoke", "--json"]
        }
    }
}

struct Life {
    town: Town,
    /// What stood before anything was done.
    before: BTreeSet<String>,
    /// What an undisturbed run leaves.
    after: BTreeMap<Phase, Vec<String>>,
    /// Requests of an undisturbed run.
    requests: BTreeMap<Phase, usize>,
    kills: usize,
    /// Runs that ended before the kill fell.
    escaped: usize,
}

impl Life {
    fn new() -> Self {
        let town = Town::new(SCALE);
        // Whatever is said, no secret is in it.
        town.log("trace");
        let before = town.objects();
        let mut life = Self { town, before, after: BTreeMap::new(), requests: BTreeMap::new(), kills: 0, escaped: 0 };
        for phase in PHASES {
            life.town.wish(phase == Phase::Change);
            life.town.done(phase.arguments(), "undisturbed");
            life.requests.insert(phase, life.town.served.calls().len());
            life.after.insert(phase, kinds_of(&life.town.objects()));
        }
        assert_eq!(life.town.objects(), life.before, "undisturbed, `down` leaves what stood before");
        assert_ne!(life.after[&Phase::Up], life.after[&Phase::Change], "the change is one");
        life
    }

    /// Kills the phase's command as often as asked, runs it to its end, and looks.
    fn live_through(&mut self, phase: Phase, kills: &[Kill]) {
        let story = format!("{phase:?} killed {kills:?}");
        let Self { town, .. } = self;
        town.wish(phase == Phase::Change);
        for kill in kills {
            let ended = struck(town, phase, *kill);
            match ended.code() {
                None => self.kills += 1,
                Some(0) => self.escaped += 1,
                Some(code) => panic!("{story}: exit {code}:\n{}", ended.stderr),
            }
            town.journal_is_readable();
        }
        town.done(phase.arguments(), &story);
        let found = town.objects();
        assert_eq!(kinds_of(&found), self.after[&phase], "{story}: the end is another");
        if phase == Phase::Down {
            assert_eq!(found, self.before, "{story}: something is left");
        }
        if phase == Phase::Down || kills.is_empty() {
            return;
        }
        town.done(phase.arguments(), &story);
        assert_eq!(town.served.mutations(), Vec::<String>::new(), "{story}: the run after the next changes something");
        assert_eq!(town.objects(), found, "{story}: the run after the next changes something");
    }

    #[expect(clippy::print_stdout, reason = "the numbers are what whoever runs this wants to see")]
    fn told(&self, what: &str, started: Instant) {
        let Self { town, kills, escaped, .. } = self;
        println!(
            "{what}: {kills} kills, {escaped} runs escaped, {} runs in {:.0}s",
            town.runs(),
            started.elapsed().as_secs_f64()
        );
    }
}

fn struck(town: &Town, phase: Phase, kill: Kill) -> Ended {
    match kill {
        Kill::AtRequest(index, fate) => town.served.watch(move |call| if call.index == index { fate } else { Fate::Answered }),
        _ => town.served.watch(|_| Fate::Answered),
    }
    let running = town.start(phase.arguments());
    let kill_it = running.killer();
    let seen = |sight: &dyn Fn() -> bool| {
        while running.is_running() && !sight() {
            std::hint::spin_loop();
        }
        kill_it();
    };
    let (state, journal) = (town.path().join("state"), landing_engine::journal::beside(&town.state_path()));
    match kill {
        Kill::AtRequest(..) => town.served.strike_with(running.killer()),
        Kill::After(time) => {
            std::thread::sleep(time);
            kill_it();
        }
        Kill::WhileTheStateIsWritten => seen(&|| {
            let mut names = std::fs::read_dir(&state).into_iter().flatten().flatten().map(|entry| entry.file_name());
            names.any(|name| name.to_string_lossy().starts_with(".state-"))
        }),
        Kill::WhileTheJournalGrows(lines) => {
            let long = || std::fs::read(&journal).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count());
            let from = long();
            seen(&|| long() >= from + lines);
        }
    }
    town.ended(running)
}

fn deep() -> bool {
    std::env::var_os("LANDING_DEEP").is_some()
}

/// As many lives as `up` sends requests, those whose number leaves `part` when it is divided by 2: each phase of a life is killed at a request that no other life
/// is killed at. `down` sends more requests than that, and its kills are spread evenly.
fn at_every_request(part: usize) {
    let started = Instant::now();
    let mut life = Life::new();
    let fates = [Fate::StrikeUnseen, Fate::StrikeUnanswered, Fate::StrikeAnswered];
    let (lives, ways) = match deep() {
        true => (life.requests.values().copied().max().unwrap_or(0), 3),
        false => (life.requests[&Phase::Up], 1),
    };
    // Every other one of them, unless all are asked for.
    let struck = |number: &usize| number % 2 == part && (deep() || (number / 2).is_multiple_of(2));
    for number in (0..lives).filter(struck) {
        for way in 0..ways {
            for phase in PHASES {
                let requests = life.requests[&phase];
                let index = if requests > lives { number * requests / lives } else { number };
                let kill = Kill::AtRequest(index, fates[(number / 2 + way) % 3]);
                life.live_through(phase, (index < requests).then_some(kill).as_slice());
            }
        }
    }
    life.told(&format!("requests of {:?}, {}", life.requests, ["even ones", "odd ones"][part]), started);
}

#[test]
fn killed_at_even_requests() {
    at_every_request(0);
}

#[test]
fn killed_at_odd_requests() {
    at_every_request(1);
}

#[test]
fn killed_again_and_again_at_any_time() {
    let started = Instant::now();
    let seed = std::env::var("LANDING_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut random = Random(seed);
    let mut life = Life::new();
    for _ in 0..if deep() { 60 } else { 8 } {
        for phase in PHASES {
            let requests = life.requests[&phase];
            let chain: Vec<Kill> = (0..1 + random.below(5))
                .map(|_| match random.below(4) {
                    0 => Kill::AtRequest(random.below(requests), Fate::StrikeUnanswered),
                    1 => Kill::WhileTheStateIsWritten,
                    2 => Kill::WhileTheJournalGrows(1 + random.below(60)),
                    _ => Kill::After(Duration::from_micros(random.below(300_000) as u64)),
                })
                .collect();
            life.live_through(phase, &chain);
        }
    }
    life.told(&format!("chains at random times, seed {seed}"), started);
    assert!(life.kills >= 20, "{} kills fell", life.kills);
}

/// xorshift64*: the same numbers for the same seed, on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % limit.max(1)
    }
}
