//! `landing up`: bring AWS to what the project describes.

use super::run::{Goal, run as walk};
use crate::args::{Common, UpOptions};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;

pub(crate) async fn run(common: &Common, options: &UpOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    walk(
        common,
        &options.consent,
        options.locking,
        Goal::Up { wait: !options.no_wait, smoke: !options.after.no_smoke },
        interrupts,
    )
    .await
}
