//! `landing`: from a compose file to AWS and back.
//!
//! This crate parses arguments, asks, prints and exits; it decides nothing. What to do is the blueprint's and the plan's, how to do it the walk's.

mod actions;
mod args;
mod commands;
mod failure;
mod images;
mod interrupt;
mod lock;
mod logs;
mod prompt;
mod render;
mod session;
mod since;
mod site;
mod world;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;
use interrupt::Interrupts;

fn main() -> ExitCode {
    let args = Args::parse();
    args.common.color.write_global();
    match start(&args) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            failure.annotate(args.command.name());
            if actions::room() > 0 {
                actions::add_to_page(&render::markdown::failed(args.command.name(), &failure.text(), actions::room()));
            }
            failure.report(args.common.json).into()
        }
    }
}

fn start(args: &Args) -> Result<failure::Exit, Failure> {
    logs::start(args.common.verbose)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(failure::Exit::Failed, format!("cannot start: {error}")))?;
    let result = runtime.block_on(async { run(args, &Interrupts::listen()?).await });
    // A thread that still waits for somebody at the keyboard does not hold the program.
    runtime.shutdown_background();
    result
}

async fn run(args: &Args, interrupts: &Interrupts) -> Result<failure::Exit, Failure> {
    let common = &args.common;
    match &args.command {
        Command::Validate => commands::validate::run(common),
        Command::Plan(options) => interrupts.or(commands::plan::run(common, options)).await,
        // These end in good order by themselves.
        Command::Up(options) => commands::up::run(common, options, interrupts).await,
        Command::Deploy(options) => commands::deploy::run(common, options, interrupts).await,
        Command::Smoke(options) => interrupts.or(commands::smoke::run(common, options)).await,
        Command::Down(options) => commands::down::run(common, options, interrupts).await,
        Command::Status(options) => interrupts.or(commands::status::run(common, options)).await,
        Command::Ci { command } => commands::ci::run(common, command),
        Command::Outputs => interrupts.or(commands::outputs::run(common)).await,
        // It ends by Ctrl-C as a matter of course.
        Command::Logs(options) => commands::logs::run(common, options, interrupts).await,
        Command::Secrets { command } => commands::secrets::run(common, command, interrupts).await,
        Command::State { command } => commands::state::run(common, command, interrupts).await,
        Command::Schema => commands::schema::run(),
        Command::Sandbox { command } => commands::sandbox::run(common, command, interrupts).await,
        Command::Completions { shell } => commands::completions::run(*shell),
    }
}
