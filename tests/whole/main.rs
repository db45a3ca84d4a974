//! Stories of the whole program on the sandbox, with time paused.
#![expect(clippy::print_stdout, reason = "figures for whoever runs it with --nocapture")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod changes;
mod drift;
mod dying;
mod faults;
mod images;
mod jobs;
mod leftovers;
mod logs;
mod lost_answers;
mod order;
mod readings;
mod renewal;
mod roles;
mod site;
mod smoke;
mod state;
mod up_and_down;
mod urls;
mod volumes;
