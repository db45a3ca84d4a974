//! The sweeps: every moment, every moment on an AWS that lags, two crashes in a row.

use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use landing_sandbox::Faults;

use crate::points::{self, Count, Left, Points};
use crate::scenarios::{NAMES, scenario};
use crate::story::Story;

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// Goes on from each of these, on all cores, each with a clock of its own.
fn go_on_from(story: &Story, all: &[Left], faults: &Faults) {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while let Some(left) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| run(story.goes_on_from(left, faults))));
                    let broken = |_| Err(format!("{}, killed {}: it panicked, see above", story.name, left.place));
                    wrong.lock().unwrap().extend(ended.unwrap_or_else(broken).err());
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong[..wrong.len().min(5)].join("\n"));
}

#[test]
fn whatever_moment_it_dies_at_the_next_run_ends_the_same() {
    let only = std::env::var("LANDING_SCENARIO").ok();
    let mut total = Count::default();
    for name in NAMES.into_iter().filter(|name| only.as_deref().is_none_or(|only| only == *name)) {
        let started = Instant::now();
        let (story, points) = run(async {
            let story = scenario(name).await;
            let points = points::of_a_run(&story.site, story.going, &story.begin, &Faults::default()).await;
            (story, points)
        });
        let recorded = started.elapsed();
        go_on_from(&story, &points.left, &Faults::default());
        let Points { count, .. } = points;
        println!(
            "{name:24} {:4} calls, {:4} changes of files: {:5} points, {:4} different · {:.1}s + {:.1}s",
            count.calls,
            count.changes_of_files,
            count.points(),
            count.different,
            recorded.as_secs_f64(),
            started.elapsed().as_secs_f64() - recorded.as_secs_f64()
        );
        total += count;
    }
    println!("in all {} points, {} different", total.points(), total.different);
}
