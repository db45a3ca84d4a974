//! The lock as people meet it: who we are, what is said while another run holds it, and what to do about it.

use std::sync::Arc;

use landing_engine::Clock;
use landing_engine::lock::{self, Lease, Waiting};
use landing_engine::owner::{Owner, Process};
use landing_engine::store::Store;

use crate::args::Locking;
use crate::commands::say;
use crate::failure::Failure;
use crate::render::{self, style};

/// Takes the lock and keeps it.
pub(crate) async fn take(store: Arc<dyn Store>, command: &str, locking: Locking, clock: Clock) -> Result<Arc<Lease>, Failure> {
    let owner = owner(command);
    let mut tell = |waiting| say(&told(&waiting));
    // Of a clock that runs faster than the wall's, seconds on the wall say nothing.
    let wall = (clock.scale() <= 1.0).then_some(now as lock::Wall);
    let grant = lock::take(store.as_ref(), &owner, locking.lock_wait, clock, wall, &mut tell).await?;
    if let Some(dead) = &grant.after {
        say(&format!("{}: the last run did not end by itself ({dead}); going on from where it was", style::change("note")));
    }
    Ok(Arc::new(Lease::keep(store, grant, clock, wall)))
}

/// A lock that cannot be let go is no reason to call a run failed: it frees itself.
pub(crate) async fn release(lease: &Lease) {
    if let Err(error) = lease.release().await {
        say(&format!("{}: the lock could not be let go and frees itself in a minute ({error})", style::change("note")));
    }
}

/// Seconds that go on while the machine sleeps. Linux counts its own, which nobody can set; elsewhere the wall's clock must do.
fn now() -> u64 {
    let since_boot = std::fs::read_to_string("/proc/uptime").ok();
    let seconds = since_boot.as_deref().and_then(|text| text.split('.').next()?.parse().ok());
    seconds.unwrap_or_else(|| jiff::Timestamp::now().as_second().unsigned_abs())
}

fn told(waiting: &Waiting) -> String {
    let who = |owner: &Option<Owner>| owner.as_ref().map_or("another run".to_owned(), ToString::to_string);
    match waiting {
        Waiting::For { owner, at_most } => {
            format!("{}: {} holds the lock; for {} at most", style::change("waiting"), who(owner), render::duration(*at_most))
        }
        Waiting::Watching { owner, at_most } => format!(
            "{}: {} holds the lock and has not been heard of for a minute; taking over in {} unless it is",
            style::change("waiting"),
            who(owner),
            render::duration(*at_most)
        ),
    }
}

fn owner(command: &str) -> Owner {
    let find = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok());
    let variable = |names: &[&str]| find(names).unwrap_or_else(|| "unknown".into());
    let host = std::fs::read_to_string("/etc/hostname").map(|text| text.trim().to_owned());
    let actions = || {
        let (server, repository) = (find(&["GITHUB_SERVER_URL"])?, find(&["GITHUB_REPOSITORY"])?);
        Some(format!("{server}/{repository}/actions/runs/{}", find(&["GITHUB_RUN_ID"])?))
    };
    Owner {
        pid: std::process::id(),
        host: host.unwrap_or_else(|_| variable(&["HOSTNAME", "COMPUTERNAME"])),
        user: variable(&["USER", "USERNAME", "LOGNAME", "GITHUB_ACTOR", "GITLAB_USER_LOGIN"]),
        command: format!("landing {command}"),
        since: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        page: actions().or_else(|| find(&["CI_JOB_URL", "BUILD_URL"])),
        process: Process::this(),
    }
}
