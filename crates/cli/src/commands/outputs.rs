//! `landing outputs`: addresses and names of what was built, from the state alone.

use std::collections::BTreeMap;

use landing_blueprint::{Blueprint, draw};
use landing_engine::State;
use landing_engine::reference::{Pointer, is_open, resolve as put};

use super::{print, print_json};
use crate::args::Common;
use crate::failure::{Exit, Failure};
use crate::session::{facts_of, load, stored_state};

pub(crate) async fn run(common: &Common) -> Result<Exit, Failure> {
    let project = load(common)?;
    let (state, place) = stored_state(common, &project).await?;
    let Some(state) = state else {
        return Err(Failure::new(Exit::Failed, format!("there is no state in {place}"))
            .help("run `landing up` first; with AWS objects but no state, `landing up` finds them by their tags"));
    };
    let blueprint = draw(&project, &facts_of(&state)).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?;
    let outputs = resolve(&blueprint, &state);
    if common.json {
        print_json(&outputs.into_iter().collect::<BTreeMap<_, _>>());
    } else {
        outputs.iter().for_each(|(name, value)| print(&format!("{name}  {value}")));
    }
    Ok(Exit::Done)
}

/// Those outputs whose nodes the state knows, in the blueprint's order.
pub(crate) fn resolve(blueprint: &Blueprint, state: &State) -> Vec<(String, String)> {
    let lookup = |p: &Pointer| state.nodes.get(&p.node).and_then(|record| record.outputs.get(&p.output)).cloned();
    let known = blueprint.outputs.iter().filter_map(|(name, value)| {
        let value = put(&serde_json::to_value(value).ok()?, &lookup);
        let text = value.as_str().filter(|_| !is_open(&value))?.to_owned();
        Some((name.clone(), text))
    });
    known.collect()
}
