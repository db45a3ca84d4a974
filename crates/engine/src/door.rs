//! The door: the one way to change anything in AWS.
//!
//! A call through it is written to the journal, and synced, before it is sent; its outcome is written before anybody waits for what it made. Refusals that AWS's
//! eventual consistency explains, and calls without an answer, are tried again here with a deadline, and nowhere else: the SDK clients retry nothing inside
//! the door, and refuse to send a mutating call that does not come through here (see [`is_open`]).
//!
//! There are two sorts of calls. Most may be repeated, because a token, a unique name or the nature of the change lets the second one find what the first
//! one did ([`Door::call`]). Some make another object each time ([`Door::call_once`]): without an answer, the object is looked for until AWS must show it.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::clock::{Clock, Moment, SHOWN_WITHIN};
use crate::error::{CallError, Class};
use crate::kind::Live;
use crate::lock::Permit;
use crate::node::NodeName;
use crate::stack::{Stack, Tags};
use crate::walk::Stop;

tokio::task_local! {
    static OPEN: ();
}

/// Whether the running task is inside a call through the door.
pub fn is_open() -> bool {
    OPEN.try_with(|()| ()).is_ok()
}

/// Where the door writes and speaks; the walk's own, or a test's.
pub trait Recorder: Send + Sync {
    /// Before the call is sent; durable when it returns. An error means that nothing was sent. `doubles` says that each such call makes another object.
    fn intent(&self, node: &NodeName, operation: &str, doubles: bool) -> std::io::Result<u64>;
    fn outcome(&self, call: u64, node: &NodeName, operation: &str, result: Result<(), &CallError>) -> std::io::Result<()>;
    fn retrying(&self, node: &NodeName, attempt: u32, wait: Duration, why: &CallError);
    /// What a step is at that takes long before, or within, one call.
    fn working(&self, _node: &NodeName, _at: &str, _elapsed: Duration) {}
    /// Who is asked, before every call, whether the lock is still ours.
    fn permit(&self) -> Permit {
        Permit::default()
    }
}

/// What the step at the door is about: a "not found" means "not visible yet" to one and "done" to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Making,
    Removing,
}

/// What happened to the node before this step, as the state tells it.
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Operations that were sent for the node by a run that did not live to hear the answer, and when.
    pub unanswered: Vec<(String, Moment)>,
    /// Ids of its objects that a create must not take for its own: they are removed, or about to be.
    pub gone: BTreeSet<String>,
}

/// EC2 ids and IAM principals become visible within seconds, rarely a minute; AWS's own advice is to try for five.
/// Source: `aws-behaviours` 1.5 and 2.
const VISIBLE_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Network interfaces of load balancers and tasks outlive their owners by minutes. Source: `aws-behaviours` 15.2.
pub(crate) const FREE_WITHIN: Duration = Duration::from_secs(20 * 60);
/// A removal that is refused for longer reads the object again and begins anew: what holds it may be a part that a lagging reading did not show.
const FREE_SOON: Duration = Duration::from_secs(15);
/// Other users of the account may keep a bucket empty for long, and every attempt is cheap.
const THROTTLED_WITHIN: Duration = Duration::from_secs(60 * 60);
/// A service that answers nobody for this long is down.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5 * 60);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

pub struct Door<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) node: &'a NodeName,
    pub(crate) token: String,
    pub(crate) phase: Phase,
    pub(crate) past: &'a Past,
    pub(crate) clock: Clock,
    pub(crate) recorder: &'a dyn Recorder,
    /// Calls in flight, over all steps.
    pub(crate) permits: &'a Semaphore,
    /// Nothing is tried again once the run is being stopped.
    pub(crate) stop: &'a watch::Receiver<Stop>,
    accepted: AtomicBool,
    opened: Duration,
}

impl<'a> Door<'a> {
    #[expect(clippy::too_many_arguments, reason = "made in one place, by the step that it belongs to")]
    pub fn new(
        stack: &'a Stack,
        node: &'a NodeName,
        token: String,
        phase: Phase,
        past: &'a Past,
        clock: Clock,
        recorder: &'a dyn Recorder,
        permits: &'a Semaphore,
        stop: &'a watch::Receiver<Stop>,
    ) -> Self {
        let opened = clock.elapsed();
        Self { stack, node, token, phase, past, clock, recorder, permits, stop, accepted: AtomicBool::new(false), opened }
    }

    /// Whether AWS took the last call that went through.
    pub(crate) fn has_accepted(&self) -> bool {
        self.accepted.load(Ordering::Relaxed)
    }

    pub fn stack(&self) -> &Stack {
        self.stack
    }

    pub fn node(&self) -> &NodeName {
        self.node
    }

    /// The tags that the object is born with.
    pub fn tags(&self) -> Tags {
        self.stack.tags(self.node)
    }

    /// Idempotency token of this life of the node, the same in every run: 32 hex digits.
    pub fn token(&self) -> String {
        self.token.clone()
    }

    /// Whether an object is an earlier one of the node, removed or about to be: a create must not take it for its own.
    pub fn has_gone(&self, id: &str) -> bool {
        self.past.gone.contains(id)
    }

    /// Tells people what the step is at, in a few words: work of its own that takes long.
    pub fn tell(&self, at: &str) {
        self.recorder.working(self.node, at, self.clock.elapsed().saturating_sub(self.opened));
    }

    /// Does work of the step's own that changes nothing in AWS, such as building an image; dropped when the run is being stopped.
    ///
    /// # Errors
    /// When the run is being stopped.
    pub async fn work<T>(&self, work: impl Future<Output = T>) -> Result<T, CallError> {
        let mut stop = self.stop.clone();
        tokio::select! {
            done = work => Ok(done),
            Ok(_) = stop.wait_for(|level| *level > Stop::No) => Err(CallError::stopped()),
        }
    }

    /// Lets AWS time pass.
    ///
    /// # Errors
    /// When the run is being stopped.
    pub async fn rest(&self, wait: Duration) -> Result<(), CallError> {
        self.work(self.clock.sleep(wait)).await
    }

    /// Sends one mutating call that may be repeated without a second effect. `operation` is `service:Operation`; `send` is called again for every attempt.
    ///
    /// # Errors
    /// What AWS refused for good, or still refused or did not answer when the deadline for its class had passed.
    pub async fn call<T, F, Fut>(&self, operation: &str, send: F) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let mut tries = Tries::new(self.clock);
        loop {
            match self.attempt(operation, false, &send).await {
                Ok(value) => return Ok(value),
                Err(error) => self.wait_before_the_next(&mut tries, error).await?,
            }
        }
    }

    /// Sends one call that makes another object each time. When its answer is lost, or an earlier run did not live to hear it, `find` is asked for the node's
    /// objects until there is one or AWS would have to show it, and only then the call is sent again.
    ///
    /// # Errors
    /// As [`Door::call`], and what `find` cannot know: an object that cannot be looked for is not made a second time.
    pub async fn call_once<K, F, Fut, L, Look>(&self, operation: &str, send: F, find: L) -> Result<Live<K>, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<Live<K>, CallError>>,
        L: Fn() -> Look,
        Look: Future<Output = Result<Vec<Live<K>>, CallError>>,
    {
        let mut tries = Tries::new(self.clock);
        let mut in_doubt = self.past.unanswered.iter().filter(|(sent, _)| sent == operation).map(|(_, at)| *at).max();
        loop {
            if let Some(since) = in_doubt.take()
                && let Some(live) = self.look(since.saturating_add(SHOWN_WITHIN), &find).await?
            {
                return Ok(Live { node: self.node.clone(), ..live });
            }
            let error = match self.attempt(operation, true, &send).await {
                Ok(live) => return Ok(live),
                Err(error) => error,
            };
            // From now on: AWS may have acted at any time until the connection was given up.
            in_doubt = (error.class == Class::Ambiguous).then(|| self.clock.now());
            self.wait_before_the_next(&mut tries, error).await?;
        }
    }

    async fn attempt<T, F, Fut>(&self, operation: &str, doubles: bool, send: &F) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let disk = |what: &str, error: std::io::Error| {
            CallError::new(Class::Invalid, operation, format!("{what}the journal cannot be written: {error}"))
        };
        let permit = self.permits.acquire().await;
        self.still_allowed().await?;
        let call = self
            .recorder
            .intent(self.node, operation, doubles)
            .map_err(|e| disk("", e).help("nothing was sent; make room for the state folder and run again"))?;
        let result = OPEN.scope((), send()).await;
        drop(permit);
        self.accepted.store(result.is_ok(), Ordering::Relaxed);
        self.recorder
            .outcome(call, self.node, operation, result.as_ref().map(|_| ()))
            .map_err(|e| disk("sent, but ", e).help("make room for the state folder and run again: it is found by its tags"))?;
        result
    }

    /// # Errors
    /// `error` itself when it is final or its time is over.
    async fn wait_before_the_next(&self, tries: &mut Tries, error: CallError) -> Result<(), CallError> {
        let Some(limit) = self.limit(&error) else { return Err(error) };
        let wait = tries.next_wait(self.node, &error);
        if self.clock.elapsed().saturating_sub(tries.started) + wait > limit {
            return Err(error);
        }
        self.recorder.retrying(self.node, tries.attempt, wait, &error);
        tries.attempt += 1;
        self.rest(wait).await
    }

    /// How long after the first attempt an error is still worth another one.
    fn limit(&self, error: &CallError) -> Option<Duration> {
        error.again_within.or(match (error.class, self.phase) {
            (Class::NotVisibleYet, _) | (Class::NotFound, Phase::Making) => Some(VISIBLE_WITHIN),
            (Class::InUse, Phase::Making) => Some(FREE_WITHIN),
            (Class::InUse, Phase::Removing) => Some(FREE_SOON),
            (Class::Throttled, _) => Some(THROTTLED_WITHIN),
            (Class::Ambiguous, _) => Some(ANSWERED_WITHIN),
            _ => None,
        })
    }

    /// The node's object, as soon as `find` shows one; `None` when it does not show any at `until`.
    async fn look<K, L, Look>(&self, until: Moment, find: &L) -> Result<Option<Live<K>>, CallError>
    where
        L: Fn() -> Look,
        Look: Future<Output = Result<Vec<Live<K>>, CallError>>,
    {
        let mut wait = FIRST_WAIT;
        loop {
            let last = self.clock.now() >= until;
            match find().await {
                Ok(found) => {
                    let mut found: Vec<_> = found.into_iter().filter(|live| !self.has_gone(&live.id)).collect();
                    // Should there be more, the next scan decides; here the same one is taken every time.
                    found.sort_by(|a, b| a.id.cmp(&b.id));
                    let first = found.into_iter().next();
                    if first.is_some() || last {
                        return Ok(first);
                    }
                }
                Err(error) if last || !error.is_passing() => return Err(error),
                Err(_) => {}
            }
            self.rest(wait).await?;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Waits for the lock when its lease has run out and can still be renewed. Without the lock nothing more is sent: another run may be at work.
    async fn still_allowed(&self) -> Result<(), CallError> {
        let (permit, mut stop) = (self.recorder.permit(), self.stop.clone());
        tokio::select! {
            biased;
            granted = permit.granted() => granted.map_err(|_| CallError::stopped()),
            Ok(_) = stop.wait_for(|level| *level > Stop::No) => Err(CallError::stopped()),
        }
    }
}

/// The attempts of one call.
struct Tries {
    started: Duration,
    attempt: u32,
    wait: Duration,
}

impl Tries {
    fn new(clock: Clock) -> Self {
        Self { started: clock.elapsed(), attempt: 1, wait: FIRST_WAIT }
    }

    /// Twice the last one. Steps that are throttled together come back one by one, the same way in every run.
    fn next_wait(&mut self, node: &NodeName, error: &CallError) -> Duration {
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST_WAIT);
        if error.class != Class::Throttled {
            return wait;
        }
        let seed = node.as_str().bytes().fold(self.attempt, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        wait.mul_f64(0.75 + f64::from(seed % 64) / 128.0)
    }
}
