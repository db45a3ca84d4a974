//! Trying inputs that nobody would write: for tests only, no part of the program.
//!
//! A [`Harness`] turns bytes into an input, mostly a valid one with something broken, and says what must hold for it. [`run`] tries many in a plain test,
//! the same ones for the same seed, and prints how many. [`once`] is for a fuzzer that looks for bytes by coverage (`fuzz/`); both use the same harness.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "how much was tried, and which input failed, is for people to read"
)]

mod choices;
mod text;
mod watch;

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

pub use choices::Choices;
pub use text::{Dictionary, mutated};

/// One way to try: what inputs look like, and what must hold for each.
pub struct Harness<I> {
    pub name: &'static str,
    /// In a plain test; a hundred times as many with `LANDING_DEEP=1`.
    pub executions: u64,
    pub make: fn(&mut Choices<'_>) -> I,
    /// Panics when something does not hold.
    pub check: fn(&I),
}

/// Enough choices for any input; most use a few dozen bytes.
const LONGEST: usize = 2048;

/// Tries the harness's inputs, counts and prints them.
///
/// `LANDING_SEED` gives other inputs; `LANDING_FUZZ_ONLY=N` tries one of them alone and shows it.
///
/// # Panics
/// When something does not hold, after the input was printed; or when one input takes longer than any should.
pub fn run<I: Debug>(harness: &Harness<I>) {
    let seed = number("LANDING_SEED").unwrap_or(1);
    let deep = std::env::var_os("LANDING_DEEP").is_some();
    let count = harness.executions * if deep { 100 } else { 1 };
    let only = number("LANDING_FUZZ_ONLY");
    let mut watch = watch::Watch::start(harness.name, seed);
    for execution in 0..count {
        if only.is_some_and(|only| only != execution) {
            continue;
        }
        let bytes = bytes(harness.name, seed, execution);
        let input = (harness.make)(&mut Choices::new(&bytes));
        if only.is_some() {
            println!("{}: execution {execution}: {input:#?}", harness.name);
        }
        watch.begin(execution);
        let ended = catch_unwind(AssertUnwindSafe(|| (harness.check)(&input)));
        if let Err(panic) = ended {
            eprintln!("{input:#?}\n{}: seed {seed}, execution {execution} fails: {}", harness.name, message(panic.as_ref()));
            resume_unwind(panic);
        }
        watch.end();
    }
    println!("{}: {count} executions, seed {seed}, {}", harness.name, watch.told());
}

/// Tries inputs that somebody thought of, each by its name, and prints how long each took.
///
/// # Panics
/// As [`run`].
pub fn each<I>(name: &'static str, inputs: impl IntoIterator<Item = (&'static str, I)>, check: fn(&I)) {
    let mut watch = watch::Watch::start(name, 0);
    let mut count = 0;
    for (input, content) in inputs {
        println!("{name}: {input}");
        watch.begin(count);
        check(&content);
        println!("{:9.3} s", watch.end().as_secs_f64());
        count += 1;
    }
    println!("{name}: {count} inputs, {}", watch.told());
}

/// Tries the input that these bytes choose.
pub fn once<I>(harness: &Harness<I>, bytes: &[u8]) {
    (harness.check)(&(harness.make)(&mut Choices::new(bytes)));
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Of its own for each execution, so that one can be repeated without those before it.
fn bytes(name: &str, seed: u64, execution: u64) -> Vec<u8> {
    let name = name.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = StdRng::seed_from_u64(name ^ seed.rotate_left(40) ^ execution);
    let length = random.random_range(0..LONGEST);
    (0..length).map(|_| random.random()).collect()
}
