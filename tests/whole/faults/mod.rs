//! AWS on its bad days, on the whole stack: throttled, late, without permission, without credentials, full.
//!
//! Time is paused and counted in AWS's seconds. What is many cases is tried in part; with `LANDING_DEEP=1` all of it is.

mod denied;
mod ended;
mod full;
mod lagging;
mod storms;

pub(super) use denied::documented;

use std::collections::BTreeMap;

use landing_sandbox::Faults;
use landing_tests::{Site, shown};

/// Everything is tried, however long it takes.
pub(super) fn deep() -> bool {
    std::env::var_os("LANDING_DEEP").is_some()
}

/// One of so many, or all of them in the deep level. Which ones changes with the number of cases, so that over time all have their turn.
pub(super) fn some<T>(cases: impl IntoIterator<Item = T>, one_of: usize) -> Vec<T> {
    let cases: Vec<T> = cases.into_iter().collect();
    if deep() {
        return cases;
    }
    let first = cases.len() % one_of;
    cases.into_iter().skip(first).step_by(one_of).collect()
}

/// Objects by kind: their ids differ from run to run.
pub(super) fn census(site: &Site) -> BTreeMap<String, usize> {
    let mut census = BTreeMap::new();
    for object in site.objects() {
        *census.entry(object.split_whitespace().next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    census
}

/// The day after, on which nothing goes wrong: `up` ends with `expected`, and then there is nothing to do.
async fn converges(site: &Site, expected: &BTreeMap<String, usize>) -> Result<(), String> {
    let day = site.fork(Faults::default());
    let run = day.up().await;
    if !run.outcome.is_complete() {
        return Err(format!("the next up fails: {:?}", run.outcome.failed));
    }
    if census(&day) != *expected {
        return Err(format!("{:?} in place of {expected:?}", census(&day)));
    }
    let plan = day.plan().await;
    if plan.is_empty() { Ok(()) } else { Err(format!("there is more to do: {}", shown(&plan))) }
}
