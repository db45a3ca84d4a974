//! Signals, from the program's first moment to its last: what they ask for, and when patience ends.
//!
//! Ctrl-C, SIGTERM and SIGHUP ask for the same. The first says: start nothing new. Whoever cancels a run kills it some seconds later (GitHub after ten), so calls in
//! flight are let answer for a while and not for ever, and a second signal only saves that time. Whatever a run leaves behind then is in its journal.

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;

use landing_engine::Stop;
use landing_engine::lock::Permit;
use landing_engine::store::StoreError;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::failure::{Exit, Failure};

/// What calls in flight get to answer. Nearly all calls answer within two seconds.
const TO_ANSWER: Duration = Duration::from_secs(4);
/// What writing the state gets after that; it is on a disk or in S3.
const TO_WRITE: Duration = Duration::from_secs(2);

/// What stops a run: signals, and a lock that is not ours any more.
pub(crate) struct Interrupts(Arc<watch::Sender<Stop>>);

impl Interrupts {
    /// Hears signals from now on.
    ///
    /// # Errors
    /// When the system does not let the program hear them.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::new(Exit::Failed, format!("cannot listen to signals: {error}"));
        let mut signals = Signals::new().map_err(failed)?;
        let level = Arc::new(watch::channel(Stop::No).0);
        let sender = level.clone();
        tokio::spawn(async move {
            signals.next().await;
            raise(&sender, Stop::Gently);
            // An early second signal and the end of patience are the same.
            let _ = timeout(TO_ANSWER, signals.next()).await;
            raise(&sender, Stop::Now);
            let _ = timeout(TO_WRITE, signals.next()).await;
            std::process::exit(i32::from(Exit::Interrupted as u8));
        });
        Ok(Self(level))
    }

    /// How far it has gone, for those who can end in good order.
    pub(crate) fn level(&self) -> watch::Receiver<Stop> {
        self.0.subscribe()
    }

    /// Comes back with the first signal.
    pub(crate) async fn first(&self) {
        let mut level = self.level();
        if level.wait_for(|level| *level > Stop::No).await.is_err() {
            pending::<()>().await;
        }
    }

    pub(crate) fn gently_after(&self, permit: Permit) {
        self.gently_when(async move { permit.lost().await });
    }

    pub(crate) fn gently_when(&self, refused: impl Future<Output = StoreError> + Send + 'static) {
        let sender = self.0.clone();
        tokio::spawn(async move {
            refused.await;
            raise(&sender, Stop::Gently);
        });
    }

    /// Does `work`, or drops it wherever it is at the first signal: for what changes nothing.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            result = work => result,
            () = self.first() => Err(Failure::new(Exit::Interrupted, "interrupted; nothing was touched")),
        }
    }
}

fn raise(sender: &watch::Sender<Stop>, level: Stop) {
    sender.send_if_modified(|now| {
        let higher = level > *now;
        *now = level.max(*now);
        higher
    });
}

#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 3]);

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?]))
    }

    async fn next(&mut self) {
        let Self([interrupt, terminate, hangup]) = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    }
}
