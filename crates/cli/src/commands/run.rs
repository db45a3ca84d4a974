//! The common part of `up` and `down`: plan, ask, walk, tell.

use std::io::IsTerminal;
use std::sync::Arc;

use landing_blueprint::{Renewal, SITE, deploy};
use landing_engine::journal::Journal;
use landing_engine::lock::Lease;
use landing_engine::plan::{Plan, preflight};
use landing_engine::store::{Keeper, Notebook};
use landing_engine::walk::{Options, Outcome};
use landing_engine::{Clock, Disk, Event, Graph, LiveSet, State, walk};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};

use super::leftovers::{self, AfterLook};
use super::page::Run;
use super::smoke::{self, AfterSmoke};
use super::{print, print_json, say};
use crate::args::{Common, Consent, Locking};
use crate::failure::{self, Exit, Failure, help_of};
use crate::interrupt::Interrupts;
use crate::render::{self, live::Live, markdown::Chronicle, plain::Lines, style};
use crate::session::{Given, Session, Wants};

/// Mutating calls in flight: EC2's buckets refill by 5 a second, ELB's by 3. Source: `aws-behaviours` 1.3.
const CALLS_AT_ONCE: usize = 16;

/// What a run is to bring about.
#[derive(Clone, Copy)]
pub(crate) enum Goal<'a> {
    Up {
        wait: bool,
        smoke: bool,
    },
    Down,
    Deploy {
        /// All when there is none.
        services: &'a [String],
        smoke: bool,
    },
    /// Another value of a secret.
    Renew(&'a Renewal),
}

impl Goal<'_> {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Up { .. } => "up",
            Self::Down => "down",
            Self::Deploy { .. } => "deploy",
            Self::Renew(_) => "secrets",
        }
    }

    fn wants(self) -> Wants {
        match self {
            Self::Down => Wants::NoImages,
            Self::Deploy { services, .. } if !services.is_empty() && !services.iter().any(|name| name == SITE) => Wants::Change,
            Self::Renew(_) => Wants::Change,
            Self::Up { .. } | Self::Deploy { .. } => Wants::ChangeAndBuild,
        }
    }

    /// Whether it is asked at the end if the stack works: what nobody waited for need not work yet.
    fn smokes(self) -> bool {
        matches!(self, Self::Up { wait: true, smoke: true } | Self::Deploy { smoke: true, .. })
    }
}

pub(crate) async fn run(
    common: &Common,
    consent: &Consent,
    locking: Locking,
    goal: Goal<'_>,
    interrupts: &Interrupts,
) -> Result<Exit, Failure> {
    run_with(common, consent, locking, goal, None, interrupts).await
}

/// The same, with a secret's value that somebody has given.
pub(crate) async fn run_with(
    common: &Common,
    consent: &Consent,
    locking: Locking,
    goal: Goal<'_>,
    given: Option<Given>,
    interrupts: &Interrupts,
) -> Result<Exit, Failure> {
    let begun = Session::begin_with(common, goal.word(), goal.wants(), locking, given);
    let (session, lease) = interrupts.or(begun).await?;
    let exit = locked(&session, common, consent, goal, &lease, interrupts).await;
    session.end(&lease).await;
    exit
}

/// All that happens while the lock is ours.
async fn locked(
    session: &Session,
    common: &Common,
    consent: &Consent,
    goal: Goal<'_>,
    lease: &Arc<Lease>,
    interrupts: &Interrupts,
) -> Result<Exit, Failure> {
    let down = matches!(goal, Goal::Down);
    let wait = !matches!(goal, Goal::Up { wait: false, .. });
    let began = session.clock.now();
    let nothing = Graph::default();
    let desired = if down { &nothing } else { &session.blueprint.graph };
    let prepared = interrupts.or(prepare(session, common, consent, goal, desired)).await?;
    let Prepared { mut notebook, mut state, has_history, live, plan } = prepared;
    if !plan.is_empty() {
        // What a killed run left in its journal is folded in before a new one begins; and from here on nobody who held the lock before can write.
        notebook.fold(&mut state, lease).await?;
    }
    let (outcome, notebook, chronicle) =
        carry_out(session, common, &plan, desired, &live, &mut state, wait, lease, notebook, interrupts).await?;
    let kept = keep(notebook, &mut state, lease).await;
    // Still under the lock: what another run makes would be found as left.
    let looked = match down {
        true => {
            let sought = session.sought(&live, &state, &outcome, began, has_history);
            leftovers::look(session, common, &sought, &mut interrupts.level()).await
        }
        false => AfterLook::default(),
    };
    let trouble = kept.err().or_else(|| lease.permit().is_lost().map(Failure::from));
    let ended_otherwise = trouble.as_ref().map(Failure::text);
    let exit = trouble.map(|failure| failure.report(common.json));
    // Still under the lock: what is looked at is what this run has made.
    let smoke = match goal.smokes() && exit.is_none() && outcome.is_complete() {
        true => smoke::after(session, common, &state, interrupts).await,
        false => AfterSmoke::default(),
    };
    let notices = session.notices(&live, Some(&outcome));
    let exit = tell(session, common, &plan, &outcome, &state, &notices, &looked, &smoke, down, exit);
    let run = Run { session, plan: &plan, outcome: &outcome, chronicle: &chronicle, goal, exit };
    run.show(ended_otherwise, &looked, &smoke, &state);
    Ok(exit)
}

struct Prepared {
    notebook: Notebook,
    state: State,
    has_history: bool,
    live: LiveSet,
    plan: Plan,
}

/// Everything up to the consent: nothing is changed.
async fn prepare(
    session: &Session,
    common: &Common,
    consent: &Consent,
    goal: Goal<'_>,
    desired: &Graph,
) -> Result<Prepared, Failure> {
    let down = matches!(goal, Goal::Down);
    let (notebook, state) = session.notebook().await?;
    let has_history = state.has_history();
    let mut live = session.settled_scan(&state).await?;
    if let Goal::Renew(renewal) = goal {
        renewal.mark(&session.project, &mut live);
    }
    let mut plan = session.plan(down, &live, &state)?;
    if let Goal::Renew(renewal) = goal {
        plan = renewal.narrow(&session.project, plan)?;
    }
    if let Goal::Deploy { services, .. } = goal {
        plan = deploy(&session.project, plan, services)?;
    }
    check(session, &plan, desired)?;
    let typical = plan.typical_duration(&session.blueprint.graph, &session.registry);
    if !plan.is_empty() {
        if !common.json {
            say(&render::plan::text(&plan, &session.place(), typical));
        }
        ask(&plan, consent, down, session).await?;
    }
    Ok(Prepared { notebook, state, has_history, live, plan })
}

/// Writes the state at the end, unless the run changed nothing.
async fn keep(notebook: Option<Notebook>, state: &mut State, lease: &Lease) -> Result<(), Failure> {
    let Some(mut notebook) = notebook else {
        return Err(Failure::new(Exit::Failed, "the state could not be written at the end")
            .help("nothing is lost: the journal has all of it; run the same command again"));
    };
    if notebook.differs(state) {
        notebook.fold(state, lease).await?;
    }
    Ok(())
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

async fn ask(plan: &Plan, consent: &Consent, down: bool, session: &Session) -> Result<(), Failure> {
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
    match line().await {
        Some(answer) if answer.trim() == "yes" => Ok(()),
        _ => Err(Failure::new(Exit::Failed, "not confirmed; nothing was touched").help("next time: --yes")),
    }
}

/// A line from the terminal. Read by a thread of its own, so that Ctrl-C is heard meanwhile; it ends with the process.
pub(crate) async fn line() -> Option<String> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        // Nobody listens any more after an interrupt.
        let _ = sender.send(read.ok().map(|_| answer));
    });
    receiver.await.ok().flatten()
}

#[expect(clippy::too_many_arguments, reason = "all that the walk needs, and what saves the state meanwhile")]
async fn carry_out(
    session: &Session,
    common: &Common,
    plan: &Plan,
    desired: &Graph,
    live: &LiveSet,
    state: &mut State,
    wait: bool,
    lease: &Arc<Lease>,
    notebook: Notebook,
    interrupts: &Interrupts,
) -> Result<(Outcome, Option<Notebook>, Chronicle), Failure> {
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
    let (snapshots, keeper) = Keeper::start(notebook, lease.clone());
    interrupts.gently_after(lease.permit());
    interrupts.gently_when(keeper.refused());
    let options = Options {
        clock: session.clock,
        calls_at_once: CALLS_AT_ONCE,
        wait,
        stop: interrupts.level(),
        permit: lease.permit(),
        // A file needs none: its journal lies on the same disk.
        snapshots: session.store.is_remote().then_some(snapshots),
    };
    let outcome = walk(&session.registry, plan, desired, live, state, journal, options, sender).await;
    // The printer ends with the channel.
    let chronicle = printer.await.unwrap_or_default();
    Ok((outcome, keeper.end().await, chronicle))
}

async fn listen(mut events: mpsc::UnboundedReceiver<Event>, clock: Clock, json: bool, quiet: bool) -> Chronicle {
    let mut live = (!json && !quiet && std::io::stderr().is_terminal()).then(Live::new);
    let mut lines = Lines::default();
    let mut chronicle = Chronicle::default();
    let started = clock.elapsed();
    while let Some(event) = events.recv().await {
        chronicle.note(&event);
        let since = clock.elapsed().saturating_sub(started);
        if json {
            print_json(&event);
        } else if let Some(live) = &mut live {
            live.event(&event, since);
        } else if let Some(line) = lines.of(&event, since) {
            say(&line);
        }
    }
    chronicle
}

#[expect(clippy::too_many_arguments, reason = "all that a run brought, each its own value")]
fn tell(
    session: &Session,
    common: &Common,
    plan: &Plan,
    outcome: &Outcome,
    state: &State,
    notices: &[String],
    looked: &AfterLook,
    smoke: &AfterSmoke,
    down: bool,
    trouble: Option<Exit>,
) -> Exit {
    let exit = trouble.unwrap_or_else(|| match exit_of(outcome) {
        Exit::Done if down => looked.exit(),
        Exit::Done => smoke.exit(),
        exit => exit,
    });
    let outputs = if down { Vec::new() } else { super::outputs::resolve(&session.blueprint, state) };
    let calls = session.aws.call_counts();
    let missing = failure::missing_actions(outcome.failed.iter().map(|(_, error)| error));
    if common.json {
        let mutating = calls.iter().filter(|(name, _)| landing_aws::is_change(name)).map(|(_, count)| count).sum::<u64>();
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
            "unknown": outcome.unknown,
            "missing_permissions": missing,
            "seconds": outcome.elapsed.as_secs(),
            "calls": { "total": calls.values().sum::<u64>(), "mutating": mutating, "by_operation": calls },
            "notices": notices,
            "outputs": outputs.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            "smoke": smoke.counts(),
            "left": looked.left.as_ref().map(|left| &left.objects),
            "unchecked": looked.left.as_ref().map(|left| &left.unchecked),
            "unserved": looked.left.as_ref().map(|left| &left.unserved),
            "exit": { "code": exit as u8, "name": exit.name() },
        }));
        return exit;
    }
    if !down {
        notices.iter().for_each(|notice| say(&format!("{}: {notice}", style::change("note"))));
    }
    let total = calls.values().sum::<u64>() as usize;
    let cost = format!("{} in {}", render::count(total, "AWS call"), render::duration(outcome.elapsed));
    let place = session.place();
    if let Some(text) = looked.left.as_ref().and_then(|left| render::leftovers::text(left, &plan.stack.prefix())) {
        say(&text);
    }
    match exit {
        Exit::Done if plan.is_empty() && down => say(&format!("nothing of {} is left in {place} ({cost})", plan.stack.prefix())),
        Exit::Done if plan.is_empty() => say(&format!("{}: nothing to change in {place} ({cost})", style::good("up to date"))),
        Exit::Done if down => {
            let gone = render::count(plan.summary.delete, "object");
            say(&format!(
                "{}: {gone} deleted, nothing of {} is left in {place} ({cost})",
                style::good("done"),
                plan.stack.prefix()
            ));
        }
        Exit::Done => say(&format!("{}: {} in {place} ({cost})", style::good("done"), render::plan::counts(plan))),
        _ if !down && outcome.is_complete() && trouble.is_none() => smoke.sum_up(&render::plan::counts(plan), &place, &cost),
        // Everything that was planned was done, and it was not enough.
        _ if outcome.is_complete() && trouble.is_none() => looked.sum_up(plan, &place, &cost),
        _ => {
            let (failed, skipped) = (outcome.failed.len(), outcome.skipped.len());
            let word = if outcome.stopped { "interrupted" } else { "not finished" };
            say(&format!("{}: {} done, {failed} failed, {skipped} not reached ({cost})", style::error(word), outcome.done.len()));
            for (node, operation) in &outcome.unknown {
                say(&format!("{}  {node}: {operation} was sent and not answered; the next run looks", style::change("unknown")));
            }
            if !missing.is_empty() {
                say(&format!("{}: whoever runs landing lacks {}", style::dim("cause"), missing.join(", ")));
            }
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
    failure::exit_of(outcome.failed.iter().map(|(_, error)| error))
}
