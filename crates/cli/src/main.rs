//! `landing`: from a compose file to AWS and back.
//!
//! This crate parses arguments, asks, prints and exits; it decides nothing. What to do is the blueprint's and the plan's, how to do it the walk's.

mod args;
mod commands;
mod failure;
mod lock;
mod render;
mod session;
mod world;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use failure::Failure;

fn main() -> ExitCode {
    let args = Args::parse();
    args.common.color.write_global();
    trace(args.common.verbose);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(&args)),
        Err(error) => Err(Failure::new(failure::Exit::Failed, format!("cannot start: {error}"))),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(args.common.json).into(),
    }
}

async fn run(args: &Args) -> Result<failure::Exit, Failure> {
    match &args.command {
        Command::Validate => commands::validate::run(&args.common),
        Command::Plan(options) => commands::plan::run(&args.common, options).await,
        Command::Up(options) => commands::up::run(&args.common, options).await,
        Command::Down(options) => commands::down::run(&args.common, options).await,
        Command::Status(options) => commands::status::run(&args.common, options).await,
        Command::Outputs => commands::outputs::run(&args.common),
        Command::State { command } => commands::state::run(&args.common, command),
        Command::Schema => commands::schema::run(),
        Command::Sandbox { command } => commands::sandbox::run(&args.common, command).await,
        Command::Completions { shell } => commands::completions::run(*shell),
    }
}

fn trace(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "landing=info,landing_engine=info,landing_aws=info,warn",
        2 => "landing=debug,landing_engine=debug,landing_aws=debug,info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_env("LANDING_LOG").unwrap_or_else(|_| level.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
