//! `landing completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::failure::{Exit, Failure};

pub(crate) fn run(shell: Shell) -> Result<Exit, Failure> {
    clap_complete::generate(shell, &mut Args::command(), "landing", &mut std::io::stdout());
    Ok(Exit::Done)
}
