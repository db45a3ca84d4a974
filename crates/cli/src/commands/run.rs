//! The common part of `up` and `down`: plan, ask, walk, tell.

use std::io::IsTerminal;
use std::sync::Arc;

use landing_engine::journal::Journal;
use landing_engine::plan::{Plan, preflight};
use landing_engine::walk::{Options, Outcome};
use landing_engine::{Clock, Disk, Event, Graph, LiveSet, State, Stop, walk};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::{print, print_json, say};
use crate::args::{Common, Consent};
use crate::failure::{Exit, Failure, help_of};
use crate::render::{self, live::Live, plain::Lines, style};
use crate::session::Session;

/// Mutating calls in flight: EC2's buckets refill by 5 a second, ELB's by 3. Source: `aws-behaviours` 1.3.
const CALLS_AT_ONCE: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

pub(crate) async fn run(common: &Common, consent: &Consent, direction: Direction, wait: bool) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    let down = direction == Direction::Down;
    let lock = session.lock(if down { "down" } else { "up" })?;
    if let Some(dead) = &lock.taken_over {
        say(&format!("{}: the last run did not end by itself ({dead}); going on from its journal", style::change("note")));
    }
    let mut state = session.state()?;
    let live = session.scan(&state).await?;
    let plan = session.plan(down, &live, &state)?;
    let nothing = Graph::default();
    let desired = if down { &nothing } else { &session.blueprint.graph };
    check(&session, &plan, desired)?;
    let typical = plan.typical_duration(&session.blueprint.graph, &session.registry);
    if !plan.is_empty() {
        if !common.json {
            say(&render::plan::text(&plan, &session.place(), typical));
        }
        ask(&plan, consent, down, &session)?;
    }
    let outcome = carry_out(&session, common, &plan, desired, &live, &mut state, wait).await?;
    if state_differs(&session, &state)? {
        state.save(&Disk, &session.state_path)?;
    }
    drop(lock);
    Ok(tell(&session, common, &plan, &outcome, &state, down))
}

/// What must be at hand before anything is touched.
fn check(session: &Session, plan: &Plan, desired: &Graph) -> Result<(), Failure> {
    let missing = preflight(&session.registry, plan, desired);
    if missing.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(Exit::Configuration, "something that this run needs is not at hand; nothing was touched");
    Err(missing.into_iter().fold(failure, |failure, (node, what)| failure.because(format!("{node}: {what}"))))
}

fn ask(plan: &Plan, consent: &Consent, down: bool, session: &Session) -> Result<(), Failure> {
    let losing: Vec<String> = plan.losing_data().map(|step| step.node.to_string()).collect();
    if !losing.is_empty() && !consent.allow_data_loss {
        return Err(Failure::new(Exit::Configuration, format!("this deletes data for good: {}", losing.join(", ")))
            .help("add --allow-data-loss if that is meant; nothing was touched"));
    }
    if consent.yes {
        return Ok(());
    }
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err(Failure::new(Exit::Configuration, "there are changes to confirm and no terminal to ask on")
            .help("add --yes; nothing was touched"));
    }
    let what = if down { "Delete all of this" } else { "Go ahead" };
    say(&format!("\n{what} in {}? Only `yes` is taken:", session.place()));
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    match read {
        Ok(_) if answer.trim() == "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "not confirmed; nothing was touched").help("next time: --yes")),
    }
}

async fn carry_out(
    session: &Session,
    common: &Common,
    plan: &Plan,
    desired: &Graph,
    live: &LiveSet,
    state: &mut State,
    wait: bool,
) -> Result<Outcome, Failure> {
    let journal = if plan.is_empty() {
        Journal::none()
    } else {
        Journal::open(&Disk, &session.state_path, state).map_err(|e| {
            Failure::new(Exit::Failed, format!("cannot write the journal beside {}: {e}", session.state_path.display()))
                .help("nothing was touched; make room for the state folder")
        })?
    };
    let (sender, receiver) = mpsc::unbounded_channel();
    let printer = tokio::spawn(listen(receiver, session.clock, common.json, plan.is_empty()));
    let options = Options { clock: session.clock, calls_at_once: CALLS_AT_ONCE, wait, stop: signals() };
    let outcome = walk(&session.registry, plan, desired, live, state, journal, options, sender).await;
    // The printer ends with the channel.
    let _ = printer.await;
    Ok(outcome)
}

/// Ctrl-C or SIGTERM once: stop gently; again: now; a third time the process just leaves.
fn signals() -> watch::Receiver<Stop> {
    let (sender, receiver) = watch::channel(Stop::No);
    let sender = Arc::new(sender);
    tokio::spawn(async move {
        let mut level = Stop::No;
        loop {
            if signal().await.is_err() {
                return;
            }
            level = match level {
                Stop::No => Stop::Gently,
                Stop::Gently => Stop::Now,
                Stop::Now => std::process::exit(i32::from(Exit::Interrupted as u8)),
            };
            sender.send_replace(level);
        }
    });
    receiver
}

/// The next Ctrl-C or SIGTERM.
pub(super) async fn signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

async fn listen(mut events: mpsc::UnboundedReceiver<Event>, clock: Clock, json: bool, quiet: bool) {
    let mut live = (!json && !quiet && std::io::stderr().is_terminal()).then(Live::new);
    let mut lines = Lines::default();
    let started = clock.elapsed();
    while let Some(event) = events.recv().await {
        let since = clock.elapsed().saturating_sub(started);
        if json {
            print_json(&event);
        } else if let Some(live) = &mut live {
            live.event(&event, since);
        } else if let Some(line) = lines.of(&event, since) {
            say(&line);
        }
    }
}

/// A run that changed nothing writes nothing.
fn state_differs(session: &Session, state: &State) -> Result<bool, Failure> {
    let journal = landing_engine::journal::beside(&session.state_path);
    Ok(journal.exists() || State::read(&Disk, &session.state_path)?.is_none_or(|before| before.nodes != state.nodes))
}

fn tell(session: &Session, common: &Common, plan: &Plan, outcome: &Outcome, state: &State, down: bool) -> Exit {
    let exit = exit_of(outcome);
    let outputs = if down { Vec::new() } else { super::outputs::resolve(&session.blueprint, state) };
    let calls = session.aws.call_counts();
    if common.json {
        let mutating = calls.iter().filter(|(name, _)| !landing_aws::is_read(name)).map(|(_, count)| count).sum::<u64>();
        let failed: Vec<_> = outcome
            .failed
            .iter()
            .map(|(node, error)| json!({ "node": node, "error": error.to_string(), "help": help_of(error) }))
            .collect();
        print_json(&json!({
            "event": "summary",
            "summary": plan.summary,
            "failed": failed,
            "skipped": outcome.skipped,
            "seconds": outcome.elapsed.as_secs(),
            "calls": { "total": calls.values().sum::<u64>(), "mutating": mutating, "by_operation": calls },
            "notices": session.blueprint.notices,
            "outputs": outputs.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "exit": { "code": exit as u8, "name": exit.name() },
        }));
        return exit;
    }
    if !down {
        session.blueprint.notices.iter().for_each(|notice| say(&format!("{}: {notice}", style::change("note"))));
    }
    let total = calls.values().sum::<u64>() as usize;
    let cost = format!("{} in {}", render::count(total, "AWS call"), render::duration(outcome.elapsed));
    let place = session.place();
    match exit {
        Exit::Done if plan.is_empty() && down => say(&format!("nothing of {} is left in {place} ({cost})", plan.stack.prefix())),
        Exit::Done if plan.is_empty() => say(&format!("{}: nothing to change in {place} ({cost})", style::good("up to date"))),
        Exit::Done if down => {
            say(&format!("{}: {} deleted in {place} ({cost})", style::good("done"), render::count(plan.summary.delete, "object")))
        }
        Exit::Done => say(&format!("{}: {} in {place} ({cost})", style::good("done"), render::plan::counts(plan))),
        _ => {
            let (failed, skipped) = (outcome.failed.len(), outcome.skipped.len());
            let word = if outcome.stopped { "interrupted" } else { "not finished" };
            say(&format!("{}: {} done, {failed} failed, {skipped} not reached ({cost})", style::error(word), outcome.done.len()));
            say(&format!(" {}: what was done is kept; run the same command again to go on", style::good("help")));
        }
    }
    outputs.iter().for_each(|(name, value)| print(&format!("{name}  {value}")));
    exit
}

fn exit_of(outcome: &Outcome) -> Exit {
    if outcome.is_complete() {
        return Exit::Done;
    }
    if outcome.stopped {
        return Exit::Interrupted;
    }
    let worst = outcome.failed.iter().map(|(_, error)| Exit::of_class(error.class)).max_by_key(|exit| *exit as u8);
    worst.unwrap_or(Exit::Failed)
}
