//! Entries, and states that came about by them: whatever a run can write.

use std::collections::BTreeMap;

use landing_engine::journal::Entry;
use landing_engine::{NodeName, Stack, State};
use landing_fuzz::Choices;

pub(crate) fn stack() -> Stack {
    Stack::new("shop", "dev")
}

pub(crate) fn node(choices: &mut Choices<'_>) -> NodeName {
    let name = if choices.one_in(8) { choices.text() } else { choices.pick(&["a", "b", "c"]).to_owned() };
    NodeName::new(choices.pick(&["ec2.vpc", "ecs.service", "rds.instance"]), &name)
}

pub(crate) fn entry(choices: &mut Choices<'_>, state: &State) -> Entry {
    let (call, node, operation, at) = (choices.below(8) as u64, node(choices), choices.text(), choices.number());
    let id = choices.text();
    match choices.below(5) {
        0 => Entry::begin(state),
        1 => Entry::Intent { call, node, operation, doubles: choices.one_in(2), at },
        2 => {
            let refused = choices.one_in(3).then(|| choices.text());
            Entry::Outcome { call, node, operation, refused, unknown: choices.one_in(2) }
        }
        3 => {
            let outputs: BTreeMap<_, _> = (0..choices.below(3)).map(|_| (choices.text(), choices.text())).collect();
            Entry::Known { node, id, outputs, generation: choices.number(), at }
        }
        _ => Entry::Gone { node, id, at },
    }
}

pub(crate) fn entries(choices: &mut Choices<'_>, state: &State) -> Vec<Entry> {
    (0..choices.below(12)).map(|_| entry(choices, state)).collect()
}

pub(crate) fn state(choices: &mut Choices<'_>) -> State {
    let mut state = State::new(&stack(), "1", "here");
    state.lineage = "0123456789abcdef".to_owned();
    state.serial = choices.number();
    entries(choices, &state.clone()).iter().for_each(|entry| state.apply(entry));
    state.midway = choices.one_in(4).then(|| choices.number());
    state
}
