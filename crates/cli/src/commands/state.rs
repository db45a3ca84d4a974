//! `landing state list | show NODE | rebuild`.

use landing_engine::{Disk, NodeName, State};

use super::{print, print_json, rebuild};
use crate::args::{Common, StateCommand};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::session::{load, shown, state_path};

pub(crate) async fn run(common: &Common, command: &StateCommand, interrupts: &Interrupts) -> Result<Exit, Failure> {
    match command {
        StateCommand::List => list(common, &read(common)?),
        StateCommand::Show { node } => show(&read(common)?, node)?,
        StateCommand::Rebuild(locking) => return rebuild::run(common, *locking, interrupts).await,
    }
    Ok(Exit::Done)
}

fn read(common: &Common) -> Result<State, Failure> {
    let path = state_path(common, &load(common)?);
    State::read(&Disk, &path)?.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("there is no state file {}", shown(&path))).help("`landing up` makes one")
    })
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
    print(&serde_json::to_string_pretty(&record).expect("a record is plain data"));
    Ok(())
}
