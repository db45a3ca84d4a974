//! The sweeps: every moment; two crashes in a row; an AWS that lags.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use landing_sandbox::{Consistency, Faults};

use crate::points::{self, Count, Left, Points};
use crate::scenarios::{NAMES, scenario};
use crate::story::{Story, deep};

/// So many of all that could be tried, spread evenly, the same in every run; ten times as many where somebody has the time.
fn some<T>(all: Vec<T>, count: usize, seed: usize) -> Vec<T> {
    let count = if deep() { count * 10 } else { count };
    let one_in = all.len().div_ceil(count).max(1);
    all.into_iter().skip(seed % one_in).step_by(one_in).collect()
}

/// On a clock of its own, that does not wait.
fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// Does `work` with each of these, on all cores; what it says is wrong.
fn on_all_cores<T: Sync>(all: &[T], place: impl Fn(&T) -> String + Sync, work: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| work(one)));
                    let broken = |_| Err(format!("{}: it panicked, see above", place(one)));
                    wrong.lock().unwrap().extend(ended.unwrap_or_else(broken).err());
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong[..wrong.len().min(5)].join("\n"));
}

fn go_on_from(story: &Story, all: &[Left], faults: &Faults) {
    let place = |left: &Left| format!("{}, killed {}", story.name, left.place);
    on_all_cores(all, place, |left| run(story.goes_on_from(left, faults)));
}

/// All of them, or the one that is asked for.
fn names() -> impl Iterator<Item = &'static str> {
    let only = std::env::var("LANDING_SCENARIO").ok();
    NAMES.into_iter().filter(move |name| only.as_deref().is_none_or(|only| only == *name))
}

fn story(name: &'static str, faults: &Faults) -> (Story, Points) {
    run(async {
        let story = scenario(name).await;
        let points = points::of_a_run(&story.site, story.going, &story.begin, faults).await;
        (story, points)
    })
}

#[test]
fn whatever_moment_it_dies_at_the_next_run_ends_the_same() {
    let mut total = Count::default();
    for name in names() {
        let (story, Points { left, count }) = story(name, &Faults::default());
        // What only changes of files leave is between two lines of the journal; the engine's own tests try every one of those.
        let (mut all, between) = left.into_iter().partition::<Vec<_>, _>(|left| left.at_a_call);
        let different = all.len();
        all.extend(some(between, 12, 0));
        let between = all.len() - different;
        go_on_from(&story, &all, &Faults::default());
        let (calls, points) = (count.calls, count.points());
        println!(
            "{name:24} {calls:4} calls: {points:5} points, {different:4} different; {between:3} more between lines of the journal"
        );
        total += Count { different: all.len(), ..count };
    }
    println!("in all {} points, {} runs that went on", total.points(), total.different);
}

/// Of a recovery from each of some crashes, some moments.
#[test]
fn two_crashes_in_a_row_are_no_worse_than_one() {
    let mut total = 0;
    for (seed, name) in names().enumerate() {
        let (story, points) = story(name, &Faults::default());
        let mut twice = Vec::new();
        for first in some(points.left, 2, seed * 7) {
            let second = run(points::of_a_run(&story.site, story.going, &first, &Faults::default()));
            let both = |second: Left| Left { place: format!("{}, then {}", first.place, second.place), ..second };
            twice.extend(some(second.left, 4, seed * 5).into_iter().map(both));
        }
        go_on_from(&story, &twice, &Faults::default());
        println!("{name:24} {:4} pairs", twice.len());
        total += twice.len();
    }
    println!("in all {total} pairs");
}

/// Every answer may be up to a minute old, in the run that dies and in the one that goes on.
#[test]
fn on_an_aws_that_lags_the_next_run_ends_the_same() {
    let (mut tried, mut different) = (0, 0);
    for (seed, name) in (1..).zip(names()) {
        let consistency = Consistency { tagging: 60.0, ghosts: 60.0, ..Consistency::default() };
        let faults = Faults { seed, consistency: Some(consistency), ..Faults::default() };
        let (story, points) = story(name, &faults);
        let some = some(points.left, 5, seed as usize * 3);
        go_on_from(&story, &some, &faults);
        println!("{name:24} {:4} of {:4} different points", some.len(), points.count.different);
        tried += some.len();
        different += points.count.different;
    }
    println!("in all {tried} of {different} different points, with answers up to a minute old");
}
