//! `landing deploy`: the part of `up` that releases. It asks for no consent, because it deletes nothing and a release that fails is rolled back.

use super::run::{Goal, run as walk};
use crate::args::{Common, Consent, DeployOptions};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;

pub(crate) async fn run(common: &Common, options: &DeployOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let consent = Consent { yes: true, allow_data_loss: false };
    walk(
        common,
        &consent,
        options.locking,
        Goal::Deploy { services: &options.services, smoke: !options.after.no_smoke },
        interrupts,
    )
    .await
}
