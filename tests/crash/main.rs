//! Kill it anywhere: whatever a process leaves behind when it dies, the next run ends as if nothing had happened.
//!
//! A run that nothing disturbs is watched, and at each of its calls, and at each change of its files, account and files are copied: that is what a process
//! that is killed there leaves: of a process that is gone nothing else is left, and nothing of it acts later. From each of those another run goes on. Two
//! moments that leave the same are tried once.
//!
//! `LANDING_SCENARIO="first up"` tries one scenario, `LANDING_DEEP=1` leaves nothing out.
#![expect(clippy::print_stdout, reason = "how much was tried is part of the answer")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod disk;
mod points;
mod portrait;
mod scenarios;
mod story;
mod sweep;
