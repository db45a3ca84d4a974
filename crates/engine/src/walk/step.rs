//! One step: make, change, wait, remove.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, watch};

use super::order::{Stage, What};
use super::{Log, Message, Stop};
use crate::clock::{Clock, Moment, SHOWN_WITHIN};
use crate::door::{Door, FREE_WITHIN, Past, Phase};
use crate::error::{CallError, Cause, Class};
use crate::event::{Doing, Event};
use crate::journal::Entry;
use crate::kind::{Changed, Gone, Holder, Ready};
use crate::node::NodeName;
use crate::plan;
use crate::registry::{AnyKind, LiveNode, Registry};
use crate::stack::Stack;

/// Pauses grow from a kind's own interval by half each, as long as this is not shorter: what was not ready soon is seldom ready in the next second, and
/// every reading is a call.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A fresh object may be missing from a reading, and an old value in it, for this long.
const LAGS: Duration = Duration::from_secs(SHOWN_WITHIN);

pub(super) struct Job {
    pub(super) task: usize,
    pub(super) node: NodeName,
    pub(super) kind: Arc<dyn AnyKind>,
    pub(super) stack: Stack,
    pub(super) registry: Registry,
    pub(super) what: What,
    pub(super) live: Option<LiveNode>,
    /// With every reference resolved; absent for removals of what is not desired any more.
    pub(super) shape: Option<Value>,
    /// Outputs that others need of it before it counts as usable.
    pub(super) needed: BTreeSet<String>,
    pub(super) generation: u64,
    pub(super) past: Past,
    /// When `live` was made, if that was a short while ago.
    pub(super) born: Option<Moment>,
    pub(super) wait: bool,
    pub(super) visible: bool,
}

struct Run {
    job: Job,
    sender: mpsc::UnboundedSender<Message>,
    log: Arc<Log>,
    clock: Clock,
    stop: watch::Receiver<Stop>,
}

pub(super) async fn run(
    job: Job,
    sender: mpsc::UnboundedSender<Message>,
    log: Arc<Log>,
    permits: Arc<Semaphore>,
    clock: Clock,
    stop: watch::Receiver<Stop>,
) {
    let task = job.task;
    let doing = match job.what {
        What::Create => Doing::Creating,
        What::Update => Doing::Updating,
        What::Keep => Doing::Checking,
        What::Remove => Doing::Deleting,
    };
    let (node, visible) = (job.node.clone(), job.visible);
    let started = clock.elapsed();
    if visible {
        log.say(Event::StepStarted { node: node.clone(), doing });
    }
    let mut run = Run { job, sender: sender.clone(), log: log.clone(), clock, stop };
    let result = match doing {
        Doing::Deleting => run.remove(&permits).await.map(|()| None),
        _ => run.make(&permits).await.map(Some),
    };
    let message = match result {
        Ok(live) => {
            if visible {
                log.say(Event::StepFinished { node, doing, elapsed: clock.elapsed().saturating_sub(started) });
            }
            Message::Reached { task, stage: Stage::Usable, live }
        }
        Err(error) => Message::Failed { task, error },
    };
    // The owner is gone only when the run was stopped.
    let _ = sender.send(message);
}

impl Run {
    async fn make(&mut self, permits: &Semaphore) -> Result<LiveNode, CallError> {
        let Self { job, log, .. } = &*self;
        let shape = job.shape.clone().unwrap_or(Value::Null);
        let door = self.door(permits, Phase::Making, &shape);
        let mut live = match (&job.live, job.what) {
            (Some(live), What::Update | What::Keep) => live.clone(),
            _ => {
                let live = job.kind.create(&shape, &door).await?;
                let stands = job.live.as_ref().is_some_and(|old| old.id == live.id);
                if stands && job.kind.traits().create_first {
                    let what = format!("{} has the name of its own successor", live.id);
                    return Err(CallError::new(Class::AlreadyExists, job.node.kind(), what)
                        .help("somebody made it by hand under that name: delete it and run again"));
                }
                known(log, &live, job.generation)?;
                log.say(Event::StepKnown { node: job.node.clone(), id: live.id.clone() });
                let _ = self.sender.send(Message::Reached { task: job.task, stage: Stage::Known, live: Some(live.clone()) });
                live
            }
        };
        if job.what != What::Keep {
            let changed = self.changed(&live, &shape, false);
            if !changed.0.is_empty() {
                let before = live.outputs.clone();
                live = job.kind.update(&shape, &door, &live, &changed).await?;
                if live.outputs != before {
                    known(log, &live, job.generation)?;
                }
            }
        }
        let _ = self.sender.send(Message::Reached { task: job.task, stage: Stage::Set, live: Some(live.clone()) });
        if !job.wait {
            return Ok(live);
        }
        drop(door);
        let live = self.wait_until_ready(live).await?;
        self.finish(permits, &shape, live).await
    }

    /// Sets what can only be set on an object that is ready.
    async fn finish(&self, permits: &Semaphore, shape: &Value, live: LiveNode) -> Result<LiveNode, CallError> {
        let changed = self.changed(&live, shape, true);
        if self.job.what == What::Keep || changed.0.is_empty() {
            return Ok(live);
        }
        let door = self.door(permits, Phase::Making, shape);
        self.job.kind.update(shape, &door, &live, &changed).await
    }

    /// The fields in which `live` differs, either the late ones or the others.
    fn changed(&self, live: &LiveNode, shape: &Value, late: bool) -> Changed {
        let mut changed = plan::changed(&self.job.registry, &self.job.stack, live, shape);
        changed.0.retain(|field| self.job.kind.traits().late.contains(&field.as_str()) == late);
        changed
    }

    fn door<'a>(&'a self, permits: &'a Semaphore, phase: Phase, shape: &Value) -> Door<'a> {
        let Self { job, log, clock, .. } = self;
        Door::new(
            &job.stack,
            &job.node,
            job.stack.token(&job.node, job.generation, shape),
            phase,
            &job.past,
            *clock,
            log.as_ref(),
            permits,
            &self.stop,
        )
    }

    async fn wait_until_ready(&mut self, mut live: LiveNode) -> Result<LiveNode, CallError> {
        let traits = self.job.kind.traits();
        let started = self.clock.elapsed();
        let mut seen = started;
        let outputs = live.outputs.clone();
        let (mut told, since) = (None, self.clock.now());
        loop {
            live.ready = live.usable(&self.job.needed);
            let lags = self.clock.elapsed().saturating_sub(started) < LAGS && self.is_from_before(&live);
            let trouble = if lags || live.ready == Ready::Yes { None } else { self.look_closer(&live, since, &mut told).await };
            if let Some(class) = trouble {
                return Err(self.gave_up(class, &live, told));
            }
            match &live.ready {
                Ready::Yes | Ready::Failed(_) if lags => {
                    self.pause(&Ready::NotYet("AWS still shows what was there before".into()), None, started, traits.poll).await?
                }
                Ready::Yes => break,
                Ready::Failed(why) => {
                    let class = if traits.tries_again { Class::NeverHealthy } else { Class::Invalid };
                    return Err(CallError::new(class, self.job.node.kind(), format!("{} is {why}", live.id)));
                }
                ready @ (Ready::NotYet(_) | Ready::Rolling(_)) => match self.pause(ready, None, started, traits.poll).await {
                    // What it has trouble with explains more than how long that was waited for.
                    Err(error) if told.is_some() && !error.is_stopped() => {
                        return Err(self.gave_up(Class::NeverHealthy, &live, told));
                    }
                    ended => ended?,
                },
            }
            match self.job.kind.read(&self.job.stack, &self.job.node, &live.id).await {
                Ok(Some(reading)) => {
                    live = reading;
                    seen = self.clock.elapsed();
                }
                Ok(None) if self.clock.elapsed().saturating_sub(seen) < LAGS => {}
                Ok(None) => {
                    let what = format!("{} vanished while it was waited for", live.id);
                    return Err(CallError::new(Class::NotFound, self.job.node.kind(), what)
                        .help("somebody else deleted it; run again to make it anew"));
                }
                // Not known is neither there nor gone; the kind's patience ends the wait.
                Err(error) if error.is_passing() => {}
                Err(error) => return Err(error),
            }
        }
        if live.outputs != outputs {
            known(&self.log, &live, self.job.generation)?;
        }
        if traits.falls_back {
            self.check_it_stayed(&live).map_err(|error| CallError { cause: told.map(Box::new), ..error })?;
        }
        Ok(live)
    }

    /// Tells people what is wrong with it, as soon as there is something new to tell. How the step ends, when nothing is worth waiting for.
    async fn look_closer(&self, live: &LiveNode, since: Moment, told: &mut Option<Cause>) -> Option<Class> {
        // A look that fails is no trouble of the object's.
        let trouble = self.job.kind.diagnose(&self.job.stack, live, since).await.ok()??;
        if told.as_ref().is_none_or(|told| told.title != trouble.cause.title) {
            self.log.say(Event::StepTrouble { node: self.job.node.clone(), cause: trouble.cause.clone() });
        }
        *told = Some(trouble.cause);
        trouble.ends
    }

    fn gave_up(&self, class: Class, live: &LiveNode, cause: Option<Cause>) -> CallError {
        let title = cause.as_ref().map_or("it does not come up", |cause| &cause.title);
        let error = CallError::new(class, self.job.node.kind(), format!("{}: {title}", live.id));
        CallError { help: cause.as_ref().map(|cause| cause.help.clone()), cause: cause.map(Box::new), ..error }
    }

    /// Whether a reading shows something else than was asked for. Right after the change it is from before it: an instance that is available in its old class has
    /// not been changed yet. What is set only on a ready object cannot show.
    fn is_from_before(&self, live: &LiveNode) -> bool {
        let traits = self.job.kind.traits();
        let shows = match self.job.what {
            What::Update => traits.late.is_empty(),
            What::Create => traits.falls_back,
            What::Keep | What::Remove => false,
        };
        shows && !self.undone(live).0.is_empty()
    }

    fn undone(&self, live: &LiveNode) -> Changed {
        let shape = self.job.shape.as_ref();
        shape.map_or_else(Changed::default, |shape| plan::changed(&self.job.registry, &self.job.stack, live, shape))
    }

    /// Ready is not enough when AWS may have put the old release back.
    fn check_it_stayed(&self, live: &LiveNode) -> Result<(), CallError> {
        let undone = self.undone(live);
        if undone.0.is_empty() {
            return Ok(());
        }
        let what = format!("{} runs its old release again: {} did not stay", live.id, undone.0.join(", "));
        Err(CallError::new(Class::RolledBack, self.job.node.kind(), what)
            .help("the new release did not become healthy; its log group says why. The old one serves on"))
    }

    async fn remove(&mut self, permits: &Semaphore) -> Result<(), CallError> {
        let Some(mut live) = self.job.live.clone() else { return Ok(()) };
        let started = self.clock.elapsed();
        let mut pause = self.job.kind.traits().poll;
        // Once AWS has taken a delete, what it does not show any more is gone.
        let mut taken = false;
        loop {
            let (answer, accepted) = self.delete(permits, &live).await;
            taken |= accepted;
            let (state, holder) = match answer {
                Ok(Gone::Yes) => break,
                // One that a reading has shown, and that is too young to be known everywhere, is not gone because one server says so.
                Ok(Gone::Absent) if self.is_young() && !taken => ("AWS does not show it everywhere yet".to_owned(), None),
                Ok(Gone::Absent) => break,
                Ok(Gone::NotYet(state)) => (state, None),
                Ok(Gone::Held(holder)) => (holder.by.clone(), Some(holder)),
                // Read again and begun anew: what holds it may be a part of it that an old reading did not show.
                Err(error) if error.class == Class::InUse && self.clock.elapsed().saturating_sub(started) < FREE_WITHIN => {
                    (error.to_string(), None)
                }
                Err(error) => return Err(error),
            };
            self.pause(&Ready::NotYet(state), holder.as_ref(), started, pause).await?;
            // What hangs on somebody else's network interface hangs for minutes.
            pause = (pause * 3 / 2).min(LONGEST_PAUSE).max(pause);
            match self.job.kind.read(&self.job.stack, &self.job.node, &live.id).await {
                Ok(Some(reading)) => live = reading,
                Ok(None) if self.is_young() && !taken => {}
                Ok(None) => break,
                Err(error) if error.is_passing() => {}
                Err(error) => return Err(error),
            }
        }
        self.log.write(Entry::Gone { node: self.job.node.clone(), id: live.id, at: self.clock.now() })
    }

    /// What came of it, and whether AWS took the last of its calls.
    async fn delete(&self, permits: &Semaphore, live: &LiveNode) -> (Result<Gone, CallError>, bool) {
        let door = self.door(permits, Phase::Removing, &live.shape);
        let answer = self.job.kind.delete(&door, live).await;
        (answer, door.has_accepted())
    }

    fn is_young(&self) -> bool {
        self.job.born.is_some_and(|at| self.clock.now() < at.saturating_add(SHOWN_WITHIN))
    }

    /// Waits for `pause`; an error when the wait has lasted too long or the run is being stopped.
    async fn pause(
        &mut self,
        state: &Ready,
        holder: Option<&Holder>,
        started: Duration,
        pause: Duration,
    ) -> Result<(), CallError> {
        let traits = self.job.kind.traits();
        let elapsed = self.clock.elapsed().saturating_sub(started);
        if elapsed > traits.patience {
            let minutes = elapsed.as_secs() / 60;
            let (what, help) = match holder {
                Some(Holder { by, since, help }) => {
                    let since = since.as_ref().map(|since| format!(", there since {since}")).unwrap_or_default();
                    (format!("still in use after {minutes} minutes: {by}{since}"), help.as_str())
                }
                None => {
                    (format!("not done after {minutes} minutes: {state}"), "AWS may still finish it; run again to go on waiting")
                }
            };
            return Err(CallError::new(Class::Ambiguous, self.job.node.kind(), what).help(help));
        }
        if self.job.visible {
            let (node, holder) = (self.job.node.clone(), holder.cloned());
            let copies = if let Ready::Rolling(copies) = state { Some(*copies) } else { None };
            self.log.say(Event::StepWaiting { node, state: state.to_string(), elapsed, holder, copies });
        }
        if *self.stop.borrow() > Stop::No {
            return Err(CallError::stopped());
        }
        tokio::select! {
            () = self.clock.sleep(pause) => Ok(()),
            Ok(_) = self.stop.wait_for(|level| *level > Stop::No) => Err(CallError::stopped()),
        }
    }
}

fn known(log: &Log, live: &LiveNode, generation: u64) -> Result<(), CallError> {
    log.write(Entry::Known {
        node: live.node.clone(),
        id: live.id.clone(),
        outputs: live.outputs.clone(),
        generation,
        at: log.clock.now(),
    })
}
