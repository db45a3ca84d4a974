//! One step: make, change, wait, remove.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, watch};

use super::order::{Stage, What};
use super::{Log, Message, Stop};
use crate::clock::Clock;
use crate::door::{Door, Phase};
use crate::error::{CallError, Class};
use crate::event::{Doing, Event};
use crate::journal::Entry;
use crate::kind::{Gone, Holder, Ready};
use crate::node::NodeName;
use crate::plan;
use crate::registry::{AnyKind, LiveNode, Registry};
use crate::stack::Stack;

/// Pauses grow from a kind's own interval by half each, as long as this is not shorter: what was not ready soon is seldom ready in the next second, and
/// every reading is a call.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A fresh object may be missing from a reading for this long. Source: `aws-behaviours` 1.5.
const MISSING_WITHIN: Duration = Duration::from_secs(60);

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
    pub(super) generation: u64,
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
        let Self { job, log, clock, .. } = &*self;
        let shape = job.shape.clone().unwrap_or(Value::Null);
        let door = Door::new(
            &job.stack,
            &job.node,
            job.stack.token(&job.node, job.generation, &shape),
            Phase::Making,
            *clock,
            log.as_ref(),
            permits,
            &self.stop,
        );
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
            let changed = plan::changed(&job.registry, &job.stack, &live, &shape);
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
        self.wait_until_ready(live).await
    }

    async fn wait_until_ready(&mut self, mut live: LiveNode) -> Result<LiveNode, CallError> {
        let traits = self.job.kind.traits();
        let started = self.clock.elapsed();
        let mut seen = started;
        let outputs = live.outputs.clone();
        loop {
            match &live.ready {
                Ready::Yes => break,
                Ready::Failed(why) => {
                    let class = if traits.falls_back { Class::NeverHealthy } else { Class::Invalid };
                    return Err(CallError::new(class, self.job.node.kind(), format!("{} is {why}", live.id)));
                }
                Ready::NotYet(state) => self.pause(state, None, started, traits.poll).await?,
            }
            match self.job.kind.read(&self.job.stack, &self.job.node, &live.id).await? {
                Some(reading) => {
                    live = reading;
                    seen = self.clock.elapsed();
                }
                None if self.clock.elapsed().saturating_sub(seen) < MISSING_WITHIN => {}
                None => {
                    let what = format!("{} vanished while it was waited for", live.id);
                    return Err(CallError::new(Class::NotFound, self.job.node.kind(), what)
                        .help("somebody else deleted it; run again to make it anew"));
                }
            }
        }
        if live.outputs != outputs {
            known(&self.log, &live, self.job.generation)?;
        }
        if traits.falls_back {
            self.check_it_stayed(&live)?;
        }
        Ok(live)
    }

    /// Ready is not enough when AWS may have put the old release back.
    fn check_it_stayed(&self, live: &LiveNode) -> Result<(), CallError> {
        let Some(shape) = &self.job.shape else { return Ok(()) };
        let undone = plan::changed(&self.job.registry, &self.job.stack, live, shape);
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
        loop {
            let gone = {
                let Self { job, log, clock, .. } = &*self;
                let door = Door::new(
                    &job.stack,
                    &job.node,
                    job.stack.token(&job.node, job.generation, &live.shape),
                    Phase::Removing,
                    *clock,
                    log.as_ref(),
                    permits,
                    &self.stop,
                );
                job.kind.delete(&door, &live).await?
            };
            match gone {
                Gone::Yes => break,
                Gone::NotYet(state) => self.pause(&state, None, started, pause).await?,
                Gone::Held(holder) => self.pause(&holder.by, Some(&holder), started, pause).await?,
            }
            // What hangs on somebody else's network interface hangs for minutes.
            pause = (pause * 3 / 2).min(LONGEST_PAUSE).max(pause);
            match self.job.kind.read(&self.job.stack, &self.job.node, &live.id).await? {
                Some(reading) => live = reading,
                None => break,
            }
        }
        self.log.write(&Entry::Gone { node: self.job.node.clone(), id: live.id, at: self.clock.now() })
    }

    /// Waits for `pause`; an error when the wait has lasted too long or the run is being stopped.
    async fn pause(
        &mut self,
        state: &str,
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
                None => (
                    format!("not done after {minutes} minutes: {state}"),
                    "AWS may still finish it; run again to go on waiting",
                ),
            };
            return Err(CallError::new(Class::Ambiguous, self.job.node.kind(), what).help(help));
        }
        if self.job.visible {
            let (node, holder) = (self.job.node.clone(), holder.cloned());
            self.log.say(Event::StepWaiting { node, state: state.to_owned(), elapsed, holder });
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
    log.write(&Entry::Known {
        node: live.node.clone(),
        id: live.id.clone(),
        outputs: live.outputs.clone(),
        generation,
        at: log.clock.now(),
    })
}
