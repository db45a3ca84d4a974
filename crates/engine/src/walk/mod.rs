//! The walk: carries a plan out, concurrently, through the door.
//!
//! One task owns the run (this file); steps are tasks that send it messages. A step starts when what it waits for is far enough, longest remaining time
//! first; waiting for AWS holds no slot. A failure stops only what depends on it.

mod order;
mod step;

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use crate::clock::{Clock, Moment};
use crate::door::{Past, Recorder};
use crate::error::{CallError, Class};
use crate::event::Event;
use crate::graph::Graph;
use crate::journal::{Entry, Journal};
use crate::kind::Ready;
use crate::lock::Permit;
use crate::node::{NodeName, Readiness};
use crate::plan::Plan;
use crate::reference::{self, Pointer};
use crate::registry::{LiveNode, Registry, Untold};
use crate::scan::LiveSet;
use crate::stack::Stack;
use crate::state::State;
use crate::store::Snapshots;

use order::{Order, Stage, Task, What};

/// How far an interrupt has gone; each signal raises it by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    No,
    /// Start nothing new, end all waiting, let calls in flight answer.
    Gently,
    /// Leave calls in flight behind; the journal knows them.
    Now,
}

pub struct Options {
    pub clock: Clock,
    /// Mutating calls in flight at one time.
    pub calls_at_once: usize,
    /// Whether to wait for the readiness of what nothing else waits for.
    pub wait: bool,
    pub stop: watch::Receiver<Stop>,
    /// Whether the lock is still ours, asked before every call.
    pub permit: Permit,
    /// Where to send what is known so far, for saving it while the run goes on.
    pub snapshots: Option<Snapshots>,
}

/// How often a snapshot is sent, while something changes: a machine that goes for good loses no more than this.
const SNAPSHOT: Duration = Duration::from_secs(20);

/// What became of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    pub done: Vec<NodeName>,
    pub failed: Vec<(NodeName, CallError)>,
    pub skipped: Vec<(NodeName, String)>,
    /// Calls that were left behind: whether they took effect is not known. The state keeps them.
    pub unknown: Vec<(NodeName, String)>,
    pub stopped: bool,
    /// What the answers on the way said nothing of.
    pub untold: Untold,
    pub elapsed: Duration,
}

impl Outcome {
    pub fn is_complete(&self) -> bool {
        self.failed.is_empty() && self.skipped.is_empty() && !self.stopped
    }
}

/// What a step tells the owner of the run.
pub(crate) enum Message {
    Reached {
        task: usize,
        stage: Stage,
        live: Option<LiveNode>,
    },
    Failed {
        task: usize,
        error: CallError,
    },
    /// A line that is in the journal now.
    Wrote(Entry),
}

/// Where steps and the door write. What is written to the journal goes to the owner of the run too, who holds the state: it is the journal folded, at any time.
pub(crate) struct Log {
    journal: Journal,
    events: mpsc::UnboundedSender<Event>,
    owner: mpsc::UnboundedSender<Message>,
    calls: AtomicU64,
    permit: Permit,
    /// The calls in flight.
    open: Mutex<BTreeMap<u64, (NodeName, String)>>,
    pub(crate) clock: Clock,
}

impl Log {
    pub(crate) fn say(&self, event: Event) {
        // Nobody listening is no reason to stop.
        let _ = self.events.send(event);
    }

    pub(crate) fn write(&self, entry: Entry) -> Result<(), CallError> {
        self.record(entry).map_err(|e| CallError::new(Class::Ambiguous, "state", format!("the journal cannot be written: {e}")))
    }

    fn record(&self, entry: Entry) -> std::io::Result<()> {
        self.journal.write(&entry)?;
        // The owner is gone only when the run is over.
        let _ = self.owner.send(Message::Wrote(entry));
        Ok(())
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, (NodeName, String)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for Log {
    fn intent(&self, node: &NodeName, operation: &str, doubles: bool) -> std::io::Result<u64> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let (node, operation) = (node.clone(), operation.to_owned());
        self.open().insert(call, (node.clone(), operation.clone()));
        self.record(Entry::Intent { call, node, operation, doubles, at: self.clock.now() })
            .inspect_err(|_| drop(self.open().remove(&call)))?;
        Ok(call)
    }

    fn outcome(&self, call: u64, node: &NodeName, operation: &str, result: Result<(), &CallError>) -> std::io::Result<()> {
        self.open().remove(&call);
        let refused = result.err().map(|error| error.code.clone().unwrap_or_else(|| format!("{:?}", error.class)));
        self.record(Entry::Outcome {
            call,
            node: node.clone(),
            operation: operation.to_owned(),
            refused,
            unknown: result.is_err_and(|error| error.class == Class::Ambiguous),
        })
    }

    fn retrying(&self, node: &NodeName, attempt: u32, wait: Duration, why: &CallError) {
        self.say(Event::StepRetrying { node: node.clone(), attempt, wait, why: why.to_string() });
    }

    fn working(&self, node: &NodeName, at: &str, elapsed: Duration) {
        self.say(Event::StepWaiting { node: node.clone(), state: at.to_owned(), elapsed, holder: None, copies: None });
    }

    fn permit(&self) -> Permit {
        self.permit.clone()
    }
}

/// Carries out `plan`, keeping `state` up to date; the caller saves it.
#[expect(
    clippy::too_many_arguments,
    reason = "what is known, what is wanted, and where to write: each is its own value at every caller"
)]
pub async fn walk(
    registry: &Registry,
    plan: &Plan,
    desired: &Graph,
    live: &LiveSet,
    state: &mut State,
    journal: Journal,
    options: Options,
    events: mpsc::UnboundedSender<Event>,
) -> Outcome {
    let order = Order::of(registry, plan, desired, live);
    let (owner, messages) = mpsc::unbounded_channel();
    let log = Arc::new(Log {
        journal,
        events,
        owner: owner.clone(),
        calls: AtomicU64::new(1),
        open: Mutex::default(),
        permit: options.permit.clone(),
        clock: options.clock,
    });
    // Calls are counted anew, and what is old explains nothing any more.
    state.apply(&Entry::begin(state));
    state.forget_before(options.clock.now());
    drop_the_gone(state, desired, live, options.clock.now());
    let lives = order.tasks.iter().map(|task| life(state, task)).collect();
    let mut run = Run {
        registry,
        stack: &plan.stack,
        desired,
        outputs: live.nodes.iter().map(|(name, node)| (name.clone(), node.outputs.clone())).collect(),
        queue: BinaryHeap::new(),
        running: 0,
        outcome: Outcome::default(),
        status: vec![Status::Pending; order.tasks.len()],
        unmet: order.tasks.iter().map(|task| task.waits.len()).collect(),
        order,
        lives,
        recorded: state.nodes.values().flat_map(|record| record.leaving.iter().chain([&record.id])).cloned().collect(),
        began: options.clock.now(),
        refused: false,
        state,
        unsaved: false,
        log: log.clone(),
    };
    run.walk(options, log, owner, messages).await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Pending,
    Reached(Stage),
    Over,
}

struct Run<'a> {
    registry: &'a Registry,
    stack: &'a Stack,
    desired: &'a Graph,
    order: Order,
    status: Vec<Status>,
    unmet: Vec<usize>,
    outputs: BTreeMap<NodeName, BTreeMap<String, String>>,
    /// Which life of its node each task is about, by what the state knew when the run began.
    lives: Vec<u64>,
    recorded: BTreeSet<String>,
    began: Moment,
    /// AWS knows us no more, or the journal cannot be written: every further call would be refused.
    refused: bool,
    /// Ready to start, by remaining time.
    queue: BinaryHeap<(Duration, std::cmp::Reverse<usize>)>,
    running: usize,
    outcome: Outcome,
    state: &'a mut State,
    /// Whether the state knows more than the last snapshot.
    unsaved: bool,
    log: Arc<Log>,
}

impl Run<'_> {
    async fn walk(
        &mut self,
        options: Options,
        log: Arc<Log>,
        sender: mpsc::UnboundedSender<Message>,
        mut messages: mpsc::UnboundedReceiver<Message>,
    ) -> Outcome {
        let started = options.clock.elapsed();
        let permits = Arc::new(Semaphore::new(options.calls_at_once.max(1)));
        let mut stop = options.stop.clone();
        let mut level = *stop.borrow();
        let mut steps = JoinSet::new();
        let mut spawned = BTreeMap::new();
        let mut snapshot_due = started + SNAPSHOT;
        log.say(Event::RunStarted { steps: self.order.tasks.iter().filter(|task| task.visible).count() });
        for task in 0..self.order.tasks.len() {
            if self.unmet[task] == 0 {
                self.enqueue(task);
            }
        }
        loop {
            if level == Stop::No && !self.refused {
                while let Some((_, std::cmp::Reverse(task))) = self.queue.pop() {
                    if let Some(job) = self.start(task, &options) {
                        let (sender, log, permits, stop) = (sender.clone(), log.clone(), permits.clone(), options.stop.clone());
                        self.running += 1;
                        let handle = steps.spawn(step::run(job, sender, log, permits, options.clock, stop));
                        spawned.insert(handle.id(), task);
                    }
                }
            }
            if self.running == 0 {
                break;
            }
            let until_snapshot = snapshot_due.saturating_sub(options.clock.elapsed());
            tokio::select! {
                message = messages.recv() => if let Some(message) = message { self.hear(message) },
                () = options.clock.sleep(until_snapshot), if self.unsaved && options.snapshots.is_some() => {
                    self.unsaved = false;
                    snapshot_due = options.clock.elapsed() + SNAPSHOT;
                    options.snapshots.as_ref().map(|snapshots| snapshots.send_replace(Some(self.state.clone())));
                }
                Some(Err(broken)) = steps.join_next(), if !steps.is_empty() => {
                    // A step that panicked can send nothing more; the run must not wait for it.
                    if let Some(task) = spawned.get(&broken.id()).copied() {
                        self.hear(Message::Failed { task, error: mistake(format!("a step broke off: {broken}")) });
                    }
                }
                changed = stop.changed(), if level < Stop::Now => {
                    level = if changed.is_ok() { *stop.borrow() } else { level };
                    if changed.is_err() { stop = never(); }
                    if level > Stop::No {
                        self.outcome.stopped = true;
                        log.say(Event::StopRequested { running: self.running });
                    }
                    if level == Stop::Now {
                        steps.abort_all();
                        break;
                    }
                }
            }
        }
        // What steps that were cut short had written is in the journal, so it must be in the state.
        while steps.join_next().await.is_some() {}
        while let Ok(message) = messages.try_recv() {
            self.hear(message);
        }
        self.outcome.unknown.extend(std::mem::take(&mut *log.open()).into_values());
        self.skip_the_rest();
        // The steps may hear of an interrupt before this loop does, and be over by then.
        self.outcome.stopped |= *options.stop.borrow() > Stop::No && !self.outcome.skipped.is_empty();
        let mut outcome = std::mem::take(&mut self.outcome);
        outcome.elapsed = options.clock.elapsed().saturating_sub(started);
        outcome.failed.sort_by(|a, b| a.0.cmp(&b.0));
        outcome.skipped.sort();
        log.say(Event::RunFinished {
            done: outcome.done.len(),
            failed: outcome.failed.len(),
            skipped: outcome.skipped.len(),
            elapsed: outcome.elapsed,
        });
        outcome
    }

    fn enqueue(&mut self, task: usize) {
        self.queue.push((self.order.tasks[task].remaining, std::cmp::Reverse(task)));
    }

    /// The job of a task that may start; `None` when there is nothing to do for it.
    fn start(&mut self, task: usize, options: &Options) -> Option<step::Job> {
        if self.status[task] != Status::Pending {
            return None;
        }
        let planned = &self.order.tasks[task];
        let node = planned.node.clone();
        if planned.what == What::Keep
            && let Some(live) = &planned.live
            && (live.usable(&self.needed(&node)) == Ready::Yes || !(options.wait || planned.awaited))
        {
            let live = live.clone();
            self.state.know(&live, self.log.clock.now());
            self.reach(task, Stage::Usable);
            return None;
        }
        let outputs = &self.outputs;
        let lookup = |p: &Pointer| outputs.get(&p.node).and_then(|known| known.get(&p.output)).cloned();
        let shape = self.desired.get(&node).map(|wanted| reference::resolve(&wanted.shape, &lookup));
        if let Some(open) = shape
            .as_ref()
            .filter(|_| planned.what != What::Remove)
            .and_then(|shape| reference::pointers(shape).into_iter().next())
        {
            self.running += 1;
            self.hear(Message::Failed { task, error: withheld(&open) });
            return None;
        }
        self.bury(task);
        let generation = self.lives[task];
        let (past, born) = (self.past(task), self.born(task));
        Some(step::Job {
            task,
            kind: self.registry.get(node.kind())?.clone(),
            stack: self.stack.clone(),
            what: planned.what,
            live: planned.live.clone(),
            registry: self.registry.clone(),
            wait: options.wait || planned.awaited,
            visible: planned.visible,
            generation,
            past,
            born,
            needed: self.needed(&node),
            node,
            shape,
        })
    }

    /// What others read of the node when it is usable.
    fn needed(&self, node: &NodeName) -> BTreeSet<String> {
        let all = self.desired.iter().flat_map(|(_, wanted)| &wanted.references);
        all.filter(|pointer| pointer.node == *node && pointer.at == Readiness::Usable)
            .map(|pointer| pointer.output.clone())
            .collect()
    }

    fn past(&self, task: usize) -> Past {
        let task = &self.order.tasks[task];
        let unanswered = self.state.unanswered.iter().filter(|open| open.node == task.node);
        let departed = self.state.departed.iter().filter(|gone| gone.node == task.node).map(|gone| &gone.id);
        let leaving = self.state.nodes.get(&task.node).map_or(&[][..], |record| &record.leaving);
        let replaced = task.live.as_ref().filter(|_| task.what == What::Create).map(|live| &live.id);
        Past {
            unanswered: unanswered.map(|open| (open.operation.clone(), open.at)).collect(),
            gone: departed.chain(leaving).chain(replaced).cloned().collect(),
        }
    }

    /// When the object of the task was made, if that may be so short a time ago that AWS does not show it everywhere. What the state did not know when the run began may have
    /// been made just before.
    fn born(&self, task: usize) -> Option<Moment> {
        let id = &self.order.tasks[task].live.as_ref()?.id;
        let made = self.state.born.iter().filter(|made| made.id == *id).map(|made| made.at).max();
        made.or((!self.recorded.contains(id)).then_some(self.began))
    }

    /// What is made anew because AWS does not have it any more has ended, and the journal says so, for a run that goes on after this one was killed.
    fn bury(&self, task: usize) {
        let task = &self.order.tasks[task];
        if let (What::Create, None, Some(record)) = (task.what, &task.live, self.state.nodes.get(&task.node)) {
            let (node, id) = (task.node.clone(), record.id.clone());
            // A journal that cannot be written stops the step at its first call.
            let _ = self.log.write(Entry::Gone { node, id, at: self.log.clock.now() });
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Reached { task, stage, live } => {
                self.unsaved = true;
                if let Some(live) = live {
                    for (kind, fields) in self.registry.untold([&live]) {
                        self.outcome.untold.entry(kind).or_default().extend(fields);
                    }
                    self.state.know(&live, self.log.clock.now());
                    self.outputs.insert(live.node, live.outputs);
                }
                if stage == Stage::Usable {
                    self.running -= 1;
                    if self.order.tasks[task].visible {
                        self.outcome.done.push(self.order.tasks[task].node.clone());
                    }
                }
                self.reach(task, stage);
            }
            Message::Wrote(entry) => {
                self.unsaved = true;
                self.state.apply(&entry);
            }
            Message::Failed { task, error } => {
                self.running -= 1;
                self.refused |= error.class == Class::Credentials || self.log.journal.is_broken();
                let node = self.order.tasks[task].node.clone();
                let fate = if error.is_stopped() { "was stopped" } else { "failed" };
                if error.is_stopped() {
                    self.outcome.skipped.push((node.clone(), "the run was stopped while it waited".to_owned()));
                } else {
                    self.log.say(Event::StepFailed {
                        node: node.clone(),
                        class: error.class,
                        message: error.to_string(),
                        help: error.help.clone(),
                    });
                    self.outcome.failed.push((node.clone(), error));
                }
                self.give_up(task, &format!("{node} {fate}"));
            }
        }
    }

    /// Wakes whoever waited for this task to be this far.
    fn reach(&mut self, task: usize, stage: Stage) {
        let from = match self.status[task] {
            Status::Pending => None,
            Status::Reached(earlier) => Some(earlier),
            Status::Over => return,
        };
        self.status[task] = if stage == Stage::Usable { Status::Over } else { Status::Reached(stage) };
        let woken: Vec<usize> = self.order.tasks[task]
            .wakes
            .iter()
            .filter(|(_, at)| *at <= stage && from.is_none_or(|earlier| *at > earlier))
            .map(|(other, _)| *other)
            .collect();
        for other in woken {
            self.unmet[other] -= 1;
            if self.unmet[other] == 0 {
                self.enqueue(other);
            }
        }
    }

    /// Skips everything that can no longer start because of what became of `task`.
    fn give_up(&mut self, task: usize, because: &str) {
        let reached = match self.status[task] {
            Status::Reached(stage) => Some(stage),
            _ => None,
        };
        self.status[task] = Status::Over;
        let lost: Vec<usize> = self.order.tasks[task]
            .wakes
            .iter()
            .filter(|(_, at)| reached.is_none_or(|stage| *at > stage))
            .map(|(other, _)| *other)
            .collect();
        for other in lost {
            if self.status[other] != Status::Pending {
                continue;
            }
            let node = self.order.tasks[other].node.clone();
            if self.order.tasks[other].visible {
                self.log.say(Event::StepSkipped { node: node.clone(), because: because.to_owned() });
                self.outcome.skipped.push((node, because.to_owned()));
            }
            self.give_up(other, because);
        }
    }

    fn skip_the_rest(&mut self) {
        for task in 0..self.order.tasks.len() {
            if self.status[task] == Status::Over || !self.order.tasks[task].visible {
                continue;
            }
            let node = self.order.tasks[task].node.clone();
            if self.outcome.skipped.iter().any(|(skipped, _)| *skipped == node) {
                continue;
            }
            let because = match self.refused {
                true => "AWS no longer takes the credentials of this run".to_owned(),
                false => "the run was stopped before it was done".to_owned(),
            };
            self.log.say(Event::StepSkipped { node: node.clone(), because: because.clone() });
            self.outcome.skipped.push((node, because));
        }
    }
}

/// What is neither wanted nor there needs no step: it went while nobody was left to hear of it. (What is wanted and not there is made anew, see [`Run::bury`].)
fn drop_the_gone(state: &mut State, desired: &Graph, live: &LiveSet, now: Moment) {
    let absent = |node: &NodeName| desired.get(node).is_none() && !live.nodes.contains_key(node);
    let gone = state.nodes.iter().filter(|(node, _)| absent(node)).map(|(node, record)| (node.clone(), record.id.clone()));
    for (node, id) in gone.collect::<Vec<_>>() {
        state.apply(&Entry::Gone { node, id, at: now });
    }
}

/// Which life of its node a task is about: making it anew starts the next one.
fn life(state: &State, task: &Task) -> u64 {
    match task.what {
        What::Create => state.next_life(&task.node).max(task.live.is_some().into()),
        _ => state.generation(&task.node),
    }
}

fn mistake(what: String) -> CallError {
    CallError::new(Class::Invalid, "walk", what).help("this is a mistake in landing, please report it; what was done is kept")
}

/// What the kind promises of an object that is far enough, and no answer has said.
fn withheld(open: &Pointer) -> CallError {
    let what = format!("{} stands, and its `{}`, which this needs, was not told", open.node, open.output);
    CallError::new(Class::Invalid, "walk", what)
        .help("AWS tells it: an emulator that does not cannot have what needs it; on AWS this is a mistake in landing, please report it. What was done is kept")
}

/// A receiver that never changes, for when the sender is gone.
fn never() -> watch::Receiver<Stop> {
    let (sender, receiver) = watch::channel(Stop::No);
    std::mem::forget(sender);
    receiver
}
