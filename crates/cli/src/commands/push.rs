//! `landing state push`: a state from a file to where the state lies, when it fits there. AWS is not asked what stands.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landing_engine::lock::Lease;
use landing_engine::rebuild::put_aside;
use landing_engine::state::StateError;
use landing_engine::store::{Notebook, Salvage};
use landing_engine::{Disk, Files, State};
use serde_json::json;

use super::{print_json, say};
use crate::args::{Common, PushOptions};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::render::style;
use crate::session::{Session, Wants, shown};

pub(crate) async fn run(common: &Common, options: &PushOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let (session, lease) = interrupts.or(Session::begin(common, "state push", Wants::Change, options.locking)).await?;
    let done = locked(&session, common, options, &lease).await;
    session.end(&lease).await;
    done
}

/// All that happens while the lock is ours.
async fn locked(session: &Session, common: &Common, options: &PushOptions, lease: &Lease) -> Result<Exit, Failure> {
    let place = session.store.place();
    // Without a name it is the file that the state was when it lay here, and its journal is part of it.
    let moves = options.file.is_none();
    if moves && !session.store.is_remote() {
        return Err(Failure::new(Exit::Configuration, format!("the state lies in {place} already"))
            .help("name the file that is to take its place, or set state = \"s3\" in landing.toml first"));
    }
    let path = options.file.clone().unwrap_or_else(|| session.state_path.clone());
    let given = read(&path)?;
    let Salvage { mut notebook, bytes, unreadable } =
        Notebook::salvage(session.store.clone(), Arc::new(Disk), &session.state_path).await?;
    fits(session, &path, &given, notebook.saved(), options.force)?;
    let (stack, aws) = (&session.stack, &session.aws);
    let mut state = State::go_on(&Disk, Some(given), &session.state_path, stack, &aws.account, &aws.region)?;
    let mut kept = Vec::new();
    let keep = |bytes: &[u8]| put_aside(&Disk, &session.state_path, bytes).map(|path| shown(&path)).map_err(|e| unkept(&e));
    if let Some(old) = bytes.filter(|_| options.force || unreadable.is_some()) {
        kept.push(keep(&old)?);
    }
    if notebook.saved().is_none_or(|saved| *saved != state) {
        notebook.fold(&mut state, lease).await?;
    }
    if moves {
        let old = Disk.read(&path).map_err(|error| unkept(&error))?;
        kept.push(keep(&old)?);
        Disk.remove(&path).map_err(|error| unkept(&error))?;
    }
    if common.json {
        print_json(&json!({ "state": place, "serial": state.serial, "lineage": state.lineage, "backups": kept }));
        return Ok(Exit::Done);
    }
    kept.iter().for_each(|name| say(&format!("{}: what was there before is kept as {name}", style::change("note"))));
    say(&format!("{}: {place} is of serial {} now", style::good("done"), state.serial));
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<State, Failure> {
    let given = if path == Path::new("-") {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|error| Failure::new(Exit::Failed, format!("cannot read stdin: {error}")))?;
        Some(State::parse(&bytes, Path::new("stdin"))?)
    } else {
        State::read(&Disk, path)?
    };
    given.ok_or_else(|| {
        Failure::new(Exit::Configuration, format!("there is no state in {}", shown(path)))
            .help("`landing up` finds by their tags what stands in AWS, and makes a state")
    })
}

/// Whether the state is this stack's, and goes on from the one that it is to replace.
fn fits(session: &Session, path: &Path, given: &State, saved: Option<&State>, force: bool) -> Result<(), Failure> {
    if !session.is_about_this(given) {
        let (stack, aws) = (&session.stack, &session.aws);
        let found = [&given.project, &given.env, &given.account, &given.region].map(String::as_str).join("/");
        let wanted = [&stack.project, &stack.env, &aws.account, &aws.region].map(String::as_str).join("/");
        return Err(StateError::Foreign { path: PathBuf::from(path), found, wanted }.into());
    }
    let Some(saved) = saved.filter(|saved| !force && *saved != given) else { return Ok(()) };
    let (place, path) = (session.store.place(), shown(path));
    let why = match () {
        () if saved.lineage != given.lineage => format!("{path} is of another history than the state in {place}"),
        () if saved.serial > given.serial => {
            format!("{path} is of serial {}, older than {} in {place}", given.serial, saved.serial)
        }
        () if saved.serial == given.serial => format!("{path} and {place} are both of serial {} and differ", given.serial),
        () => return Ok(()),
    };
    Err(Failure::new(Exit::StateNeedsRepair, why)
        .help("`landing state pull` shows what is there; --force puts the file in its place all the same, and keeps a copy. Nothing was touched"))
}

fn unkept(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot move files in the state folder: {error}"))
        .help("make room for the state folder and run again")
}
