//! `landing state rebuild`: the state anew from what AWS shows. AWS is only read.

use std::sync::Arc;

use landing_engine::lock::Lease;
use landing_engine::rebuild::{put_aside, rebuild};
use landing_engine::state::StateError;
use landing_engine::store::{Notebook, NotebookError, Salvage};
use landing_engine::{Disk, Files, State, journal};
use serde_json::json;

use super::{print_json, say};
use crate::args::{Common, Locking};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::render::{self, style};
use crate::session::{Session, Wants, shown};

pub(crate) async fn run(common: &Common, locking: Locking, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let (session, lease) = interrupts.or(Session::begin(common, "state rebuild", Wants::Change, locking)).await?;
    let done = locked(&session, common, &lease, interrupts).await;
    session.end(&lease).await;
    done
}

/// All that happens while the lock is ours.
async fn locked(session: &Session, common: &Common, lease: &Lease, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let path = &session.state_path;
    let Salvage { mut notebook, bytes, unreadable } = Notebook::salvage(session.store.clone(), Arc::new(Disk), path).await?;
    let mut state = known(session, &notebook)?;
    let live = interrupts.or(session.settled_scan(&state)).await?;
    let difference = rebuild(&mut state, &live, session.clock.now());
    let journal = match Disk.read(&journal::beside(path)) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::new(Exit::Failed, format!("cannot read the journal of {}: {error}", shown(path)))),
    };
    let mut kept = Vec::new();
    if notebook.differs(&state) {
        let old = bytes.map(|bytes| (path.clone(), bytes)).into_iter();
        for (path, bytes) in old.chain(journal.map(|bytes| (journal::beside(path), bytes))) {
            kept.push(shown(&put_aside(&Disk, &path, &bytes).map_err(|error| unkept(&shown(&path), &error))?));
        }
        notebook.fold(&mut state, lease).await?;
    }
    let place = session.store.place();
    if common.json {
        print_json(&json!({
            "state": place,
            "serial": state.serial,
            "lineage": state.lineage,
            "was": unreadable.as_ref().map(ToString::to_string),
            "difference": difference,
            "backups": kept,
        }));
        return Ok(Exit::Done);
    }
    let note = |text: &str| say(&format!("{}: {text}", style::change("note")));
    unreadable.iter().for_each(|error| note(&error.to_string()));
    for (what, nodes) in [("found", &difference.added), ("gone", &difference.removed), ("changed", &difference.changed)] {
        nodes.iter().for_each(|node| say(&format!("  {what} {node}")));
    }
    kept.iter().for_each(|name| note(&format!("what was there before is kept as {name}")));
    let objects = render::count(state.nodes.len(), "object");
    say(&format!("{}: {place} has {objects} of {} in {}", style::good("done"), session.stack.prefix(), session.place()));
    Ok(Exit::Done)
}

/// What files still tell, as far as they can be believed: it saves what AWS cannot show. What belongs to another stack or account is not ours to replace.
fn known(session: &Session, notebook: &Notebook) -> Result<State, Failure> {
    let (stack, account, region) = (&session.stack, &session.aws.account, &session.aws.region);
    match notebook.state(stack, account, region) {
        Err(NotebookError::State(StateError::Mixed { .. })) => {
            Ok(notebook.saved().cloned().unwrap_or_else(|| State::new(stack, account, region)))
        }
        state => Ok(state?),
    }
}

fn unkept(path: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot keep a copy of {path}: {error}"))
        .help("nothing was touched; make room for the state folder")
}
