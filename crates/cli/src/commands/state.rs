//! `landing state list | show NODE | pull | push | rebuild`.

use std::io::Write;
use std::path::{Path, PathBuf};

use landing_engine::rebuild::put_aside;
use landing_engine::state::write_whole;
use landing_engine::{Disk, Files, NodeName, State};

use super::{print, print_document, print_json, push, rebuild, say};
use crate::args::{Common, StateCommand};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::render::style;
use crate::session::{load, shown, stored, stored_state};

pub(crate) async fn run(common: &Common, command: &StateCommand, interrupts: &Interrupts) -> Result<Exit, Failure> {
    match command {
        StateCommand::List => list(common, &interrupts.or(read(common)).await?),
        StateCommand::Show { node } => show(&interrupts.or(read(common)).await?, node)?,
        StateCommand::Pull { file } => interrupts.or(pull(common, file.as_ref())).await?,
        StateCommand::Push(options) => return push::run(common, options, interrupts).await,
        StateCommand::Rebuild(locking) => return rebuild::run(common, *locking, interrupts).await,
    }
    Ok(Exit::Done)
}

async fn read(common: &Common) -> Result<State, Failure> {
    let (state, place) = stored_state(common, &load(common)?).await?;
    state.ok_or_else(|| none(&place))
}

fn none(place: &str) -> Failure {
    Failure::new(Exit::Failed, format!("there is no state in {place}")).help("`landing up` makes one")
}

/// Byte for byte as it lies there, so that its checksum holds.
async fn pull(common: &Common, file: Option<&PathBuf>) -> Result<(), Failure> {
    let (bytes, place) = stored(common, &load(common)?).await?;
    let bytes = bytes.ok_or_else(|| none(&place))?;
    let state = State::parse(&bytes, Path::new(&place))?;
    let note = |text: &str| say(&format!("{}: {text}", style::change("note")));
    if state.midway.is_some() {
        note("it was saved in the middle of a run that has not ended, or died: its journal says more");
    }
    let Some(file) = file else {
        // Nobody left to read it is no reason to fail.
        let _ = std::io::stdout().write_all(&bytes);
        return Ok(());
    };
    let unwritten = |error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", shown(file)));
    match Disk.read(file) {
        Ok(old) if old == bytes => return Ok(()),
        Ok(old) => {
            let kept = put_aside(&Disk, file, &old).map_err(unwritten)?;
            note(&format!("what was there before is kept as {}", shown(&kept)));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(unwritten(error)),
    }
    write_whole(&Disk, file, &bytes).map_err(unwritten)?;
    say(&format!("{}: {} is {place} as of serial {}", style::good("done"), shown(file), state.serial));
    Ok(())
}

fn list(common: &Common, state: &State) {
    if common.json {
        return print_json(&state.nodes);
    }
    let width = state.nodes.keys().map(|node| node.as_str().len()).max().unwrap_or(0);
    state.nodes.iter().for_each(|(node, record)| print(&format!("{node:<width$}  {}", record.id)));
}

fn show(state: &State, node: &str) -> Result<(), Failure> {
    let record = NodeName::parse(node).and_then(|name| state.nodes.get(&name).cloned()).ok_or_else(|| {
        let alike = state.nodes.keys().find(|name| name.name() == node || name.as_str().contains(node));
        let failure = Failure::new(Exit::Configuration, format!("the state has no node `{node}`"));
        failure.help(alike.map_or("`landing state list` shows them all".into(), |name| format!("did you mean `{name}`?")))
    })?;
    print_document(&serde_json::to_string_pretty(&record).expect("a record is plain data"));
    Ok(())
}
