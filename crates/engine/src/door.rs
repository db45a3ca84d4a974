//! The door: the one way to change anything in AWS.
//!
//! A call through it is written to the journal, and synced, before it is sent; its outcome is written before anybody waits for what it made. Refusals
//! that AWS's eventual consistency explains are tried again here with a deadline, and nowhere else. The SDK clients refuse to send a mutating call
//! that does not come through here (see [`is_open`]).

use std::future::Future;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::error::{CallError, Class};
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
    /// Before the call is sent; durable when it returns. An error means that nothing was sent.
    fn intent(&self, node: &NodeName, operation: &str) -> std::io::Result<u64>;
    fn outcome(&self, call: u64, node: &NodeName, operation: &str, result: Result<(), &CallError>) -> std::io::Result<()>;
    fn retrying(&self, node: &NodeName, attempt: u32, wait: Duration, why: &CallError);
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

/// EC2 ids and IAM principals become visible within seconds, rarely a minute; AWS's own advice is to try for five.
/// Source: `aws-behaviours` 1.5 and 2.
const VISIBLE_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Network interfaces of load balancers and tasks outlive their owners by minutes. Source: `aws-behaviours` 15.2.
const FREE_WITHIN: Duration = Duration::from_secs(20 * 60);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10);

pub struct Door<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) node: &'a NodeName,
    pub(crate) token: String,
    pub(crate) phase: Phase,
    pub(crate) clock: Clock,
    pub(crate) recorder: &'a dyn Recorder,
    /// Calls in flight, over all steps.
    pub(crate) permits: &'a Semaphore,
    /// Nothing is tried again once the run is being stopped.
    pub(crate) stop: &'a watch::Receiver<Stop>,
}

impl<'a> Door<'a> {
    #[expect(clippy::too_many_arguments, reason = "made in one place, by the step that it belongs to")]
    pub fn new(
        stack: &'a Stack,
        node: &'a NodeName,
        token: String,
        phase: Phase,
        clock: Clock,
        recorder: &'a dyn Recorder,
        permits: &'a Semaphore,
        stop: &'a watch::Receiver<Stop>,
    ) -> Self {
        Self { stack, node, token, phase, clock, recorder, permits, stop }
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

    /// Sends one mutating call. `operation` is `service:Operation`; `send` is called again for every attempt.
    ///
    /// # Errors
    /// What AWS refused for good, or still refused when the deadline for its class had passed.
    pub async fn call<T, F, Fut>(&self, operation: &str, send: F) -> Result<T, CallError>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let started = self.clock.elapsed();
        let mut wait = FIRST_WAIT;
        let mut attempt = 1;
        loop {
            let disk = |e: std::io::Error| {
                CallError::new(Class::Invalid, operation, format!("the journal cannot be written: {e}"))
                    .help("nothing was sent; make room for the state folder and run again")
            };
            let permit = self.permits.acquire().await;
            self.still_allowed().await?;
            let call = self.recorder.intent(self.node, operation).map_err(disk)?;
            let result = OPEN.scope((), send()).await;
            drop(permit);
            self.recorder.outcome(call, self.node, operation, result.as_ref().map(|_| ())).map_err(|e| {
                CallError::new(Class::Ambiguous, operation, format!("sent, but the journal cannot be written: {e}"))
            })?;
            let error = match result {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let limit = match (error.class, self.phase) {
                (Class::NotVisibleYet, _) | (Class::NotFound, Phase::Making) => VISIBLE_WITHIN,
                (Class::InUse, _) => FREE_WITHIN,
                (Class::Throttled, _) => FREE_WITHIN,
                _ => return Err(error),
            };
            if self.clock.elapsed().saturating_sub(started) + wait > limit {
                return Err(error);
            }
            self.recorder.retrying(self.node, attempt, wait, &error);
            let mut stop = self.stop.clone();
            tokio::select! {
                () = self.clock.sleep(wait) => {}
                Ok(_) = stop.wait_for(|level| *level > Stop::No) => return Err(CallError::stopped()),
            }
            wait = (wait * 2).min(LONGEST_WAIT);
            attempt += 1;
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
