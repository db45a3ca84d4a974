//! `landing state list | show NODE`.

use landing_engine::{Disk, NodeName, State};

use super::{print, print_json};
use crate::args::{Common, StateCommand};
use crate::failure::{Exit, Failure};
use crate::session::{load, shown, state_path};

pub(crate) fn run(common: &Common, command: &StateCommand) -> Result<Exit, Failure> {
    let path = state_path(common, &load(common)?);
    let Some(state) = State::read(&Disk, &path)? else {
        return Err(Failure::new(Exit::Failed, format!("there is no state file {}", shown(&path))).help("`landing up` makes one"));
    };
    match command {
        StateCommand::List if common.json => print_json(&state.nodes),
        StateCommand::List => {
            let width = state.nodes.keys().map(|node| node.as_str().len()).max().unwrap_or(0);
            state.nodes.iter().for_each(|(node, record)| print(&format!("{node:<width$}  {}", record.id)));
        }
        StateCommand::Show { node } => {
            let record = NodeName::parse(node).and_then(|name| state.nodes.get(&name).cloned()).ok_or_else(|| {
                let alike = state.nodes.keys().find(|name| name.name() == node || name.as_str().contains(node.as_str()));
                let failure = Failure::new(Exit::Configuration, format!("the state has no node `{node}`"));
                failure.help(alike.map_or("`landing state list` shows them all".into(), |name| format!("did you mean `{name}`?")))
            })?;
            let text = serde_json::to_string_pretty(&record).expect("a record is plain data");
            print(&text);
        }
    }
    Ok(Exit::Done)
}
