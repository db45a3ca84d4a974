//! One run at a time: taking the lock of a store, keeping it by a heartbeat, and knowing at every moment whether it is still ours.
//!
//! A lock is taken when it is free, when its holder is proven to be dead, or when its lease has run out by the clock of whatever keeps it **and** it has
//! shown no sign of life while we watched for longer than a heartbeat. The second condition costs seconds after a crash and makes a wrong clock harmless.
//!
//! The holder trusts no clock of others: it counts from the moment when it sent its last sign of life, and stops acting well before the lease can have
//! run out. What it cannot exclude is a call that is on its way when that moment passes; hence the margin.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::owner::Owner;
use crate::store::{Grant, HEARTBEAT, Held, LEASE, Locked, Store, StoreError};

/// How long before the end of its lease a holder begins no call any more: a call that was sent must have arrived before another run can begin.
const MARGIN: Duration = Duration::from_secs(20);
/// For how long a lock whose lease has run out is watched before it is taken: a holder that lives gives a sign within a heartbeat.
const WATCH: Duration = Duration::from_secs(20);
/// How often somebody who waits looks again.
const POLL: Duration = Duration::from_secs(2);
/// How often another may be faster in taking over a lock, before he counts as its holder.
const OUTRUN: u32 = 3;
/// A sign of life that could not be given is tried again sooner than the next is due.
const RETRY: Duration = Duration::from_secs(3);
/// For how long a call waits for a lock that cannot be renewed, before the run ends.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

#[derive(Clone, Debug, thiserror::Error)]
pub enum LockError {
    #[error("another run holds the lock{}", held.owner.as_ref().map(|owner| format!(": {owner}")).unwrap_or_default())]
    Held { held: Held, place: String, waited: Duration },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What somebody who waits for a lock is told: once at the beginning, and again when it changes hands or lapses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// It is another's, and lives.
    For { owner: Option<Owner>, at_most: Duration },
    /// Its holder has not been heard of for the time of its lease, and is watched before the lock is taken.
    Watching { owner: Option<Owner>, at_most: Duration },
}

/// Takes the lock, waiting for it for `patience` at most.
///
/// # Errors
/// `Held` when it is still another's then.
pub async fn take(
    store: &dyn Store,
    owner: &Owner,
    patience: Duration,
    clock: Clock,
    wall: Option<Wall>,
    tell: &mut (dyn FnMut(Waiting) + Send),
) -> Result<Grant, LockError> {
    let started = clock.elapsed();
    let since = |then: Duration| clock.elapsed().saturating_sub(then);
    let mut watched: Option<(String, Duration)> = None;
    let mut told = None;
    let mut outrun = 0;
    loop {
        // Before the call: a machine may sleep until its answer is read, and the lease runs on.
        let shown = wall.map(|wall| wall());
        let held = match store.lock(owner).await? {
            Locked::Ours(grant) => return Ok(Grant { wall: shown, ..*grant }),
            Locked::Theirs(held) => *held,
        };
        if watched.as_ref().is_none_or(|(mark, _)| *mark != held.mark) {
            watched = Some((held.mark.clone(), clock.elapsed()));
        }
        let silent = watched.as_ref().map_or(Duration::ZERO, |(_, first)| since(*first));
        let dead = held.owner.as_ref().is_some_and(|holder| holder.is_dead(owner));
        if dead || (held.lapsed && silent >= WATCH) {
            if let Some(grant) = store.take_over(owner, &held).await? {
                return Ok(Grant { wall: shown, ..grant });
            }
            // Somebody was faster; he may be gone again by now.
            outrun += 1;
            if outrun <= OUTRUN {
                clock.sleep(Duration::from_millis(100)).await;
                continue;
            }
        }
        let left = patience.saturating_sub(since(started));
        let watching = held.lapsed && since(started) <= WATCH + POLL;
        if left.is_zero() && !watching {
            return Err(LockError::Held { held, place: store.place(), waited: since(started) });
        }
        let who = held.owner.clone();
        let now = match held.lapsed {
            true => Waiting::Watching { owner: who, at_most: WATCH },
            false => Waiting::For { owner: who, at_most: patience },
        };
        if told.as_ref() != Some(&now) {
            tell(now.clone());
            told = Some(now);
        }
        let pause = if held.lapsed { WATCH.saturating_sub(silent) } else { left };
        clock.sleep(pause.clamp(Duration::from_millis(100), POLL)).await;
    }
}

/// Whether the lock is ours, as its keeper sees it.
#[derive(Clone, Debug)]
enum Term {
    /// As of the sign of life that was sent then, by tokio's clock and by the wall's.
    Since {
        asked: Instant,
        wall: Option<u64>,
    },
    Lost(StoreError),
}

/// A clock of the wall, in seconds. Tokio's stands still while a machine sleeps, and leases run on.
pub type Wall = fn() -> u64;

/// Asked before every call that changes something: whether the lock is still ours. Clones ask the same.
#[derive(Clone, Debug, Default)]
pub struct Permit(Option<Asked>);

#[derive(Clone, Debug)]
struct Asked {
    term: watch::Receiver<Term>,
    hurry: Arc<Notify>,
    clock: Clock,
    wall: Option<Wall>,
}

impl Permit {
    /// Returns at once while the lease lasts. When it has run out, as after the sleep of a laptop, this waits until it is renewed, which succeeds as long
    /// as nobody else has taken the lock.
    ///
    /// # Errors
    /// `Lost` when somebody else has it, or the last error when it could not be renewed for minutes.
    pub async fn granted(&self) -> Result<(), StoreError> {
        let Some(asked) = &self.0 else { return Ok(()) };
        let mut term = asked.term.clone();
        let end = asked.clock.elapsed() + PATIENCE;
        loop {
            match &*term.borrow_and_update() {
                Term::Lost(error) => return Err(error.clone()),
                held if asked.lasts(held) => return Ok(()),
                Term::Since { .. } => {}
            }
            asked.hurry.notify_one();
            let left = end.saturating_sub(asked.clock.elapsed());
            tokio::select! {
                changed = term.changed() => if changed.is_err() { return Err(unattended()) },
                () = asked.clock.sleep(left) => return Err(unattended()),
            }
        }
    }

    /// Ends when the lock is lost, with the reason; never without a lock.
    pub async fn lost(&self) -> StoreError {
        let Some(asked) = &self.0 else { return std::future::pending().await };
        let mut term = asked.term.clone();
        let lost = term.wait_for(|term| matches!(term, Term::Lost(_))).await.map(|term| term.clone());
        match lost {
            Ok(Term::Lost(error)) => error,
            // Let go by ourselves: nothing is lost any more.
            _ => std::future::pending().await,
        }
    }

    pub fn is_lost(&self) -> Option<StoreError> {
        match &*self.0.as_ref()?.term.borrow() {
            Term::Lost(error) => Some(error.clone()),
            Term::Since { .. } => None,
        }
    }
}

impl Asked {
    fn lasts(&self, term: &Term) -> bool {
        let Term::Since { asked, wall } = term else { return false };
        let safe = LEASE.saturating_sub(MARGIN);
        // A wall clock that was put back says nothing.
        let slept = match (self.wall, wall) {
            (Some(now), Some(then)) => Duration::from_secs(now().saturating_sub(*then)),
            _ => Duration::ZERO,
        };
        self.clock.between(*asked, Instant::now()) < safe && slept < safe
    }
}

fn unattended() -> StoreError {
    StoreError::Lost { place: "this run's state, which could not be renewed for minutes".to_owned(), by: None }
}

/// The lock, kept by a task of its own until it is let go. Dropped without that, it lapses by itself (a file's is free with the process).
pub struct Lease {
    store: Arc<dyn Store>,
    permit: Permit,
    grant: watch::Receiver<Grant>,
    keeper: JoinHandle<()>,
}

impl Lease {
    /// Begins to give signs of life for a lock that was just taken.
    pub fn keep(store: Arc<dyn Store>, grant: Grant, clock: Clock, wall: Option<Wall>) -> Self {
        let (said, term) = watch::channel(Term::Since { asked: grant.asked, wall: grant.wall });
        let (sender, latest) = watch::channel(grant);
        let hurry = Arc::new(Notify::new());
        let permit = Permit(Some(Asked { term, hurry: hurry.clone(), clock, wall }));
        let keeper = tokio::spawn(beat(store.clone(), sender, said, hurry, clock, wall));
        Self { store, permit, grant: latest, keeper }
    }

    pub fn permit(&self) -> Permit {
        self.permit.clone()
    }

    /// As of the last sign of life.
    pub fn grant(&self) -> Grant {
        self.grant.borrow().clone()
    }

    /// Who held it before and did not let go.
    pub fn after(&self) -> Option<Owner> {
        self.grant.borrow().after.clone()
    }

    /// Lets go, so that the next run need not wait.
    ///
    /// # Errors
    /// When the store cannot be reached; the lease then runs out.
    pub async fn release(&self) -> Result<(), StoreError> {
        self.keeper.abort();
        let grant = self.grant();
        self.store.release(&grant).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

/// Gives signs of life until the lock is lost or nobody is interested any more.
async fn beat(
    store: Arc<dyn Store>,
    latest: watch::Sender<Grant>,
    said: watch::Sender<Term>,
    hurry: Arc<Notify>,
    clock: Clock,
    wall: Option<Wall>,
) {
    let mut pause = HEARTBEAT;
    loop {
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = hurry.notified() => {}
        }
        let grant = latest.borrow().clone();
        let at = wall.map(|wall| wall());
        match store.renew(&grant).await {
            Ok(grant) => {
                pause = HEARTBEAT;
                said.send_replace(Term::Since { asked: grant.asked, wall: at });
                latest.send_replace(grant);
            }
            Err(error @ StoreError::Lost { .. }) => {
                said.send_replace(Term::Lost(error));
                return;
            }
            // It may still be ours: nobody can have taken it before the lease is over.
            Err(_) => {
                pause = RETRY;
                // Whoever asked in a hurry asks again.
                clock.sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
