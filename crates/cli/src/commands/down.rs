//! `landing down`: the same path with an empty desired graph.

use super::run::{Goal, run as walk};
use crate::args::{Common, DownOptions};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;

pub(crate) async fn run(common: &Common, options: &DownOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    walk(common, &options.consent, options.locking, Goal::Down, interrupts).await
}
