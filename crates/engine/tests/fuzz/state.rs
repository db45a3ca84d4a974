//! The state: what was written is read back; anything else is refused.

use std::path::Path;

use landing_engine::State;
use landing_fuzz::{Dictionary, Harness, mutated};

use crate::written;

fn parse(bytes: &[u8]) -> Option<State> {
    let read = State::parse(bytes, Path::new("shop-dev.json"));
    read.map_err(|error| assert!(!error.to_string().is_empty())).ok()
}

pub(crate) const STATE: Harness<State> = Harness {
    name: "state",
    executions: 5_000,
    make: written::state,
    check: |state| {
        let bytes = state.bytes();
        let read = parse(&bytes).expect("what was written can be read");
        assert_eq!(read.bytes(), bytes);
        let again = parse(&read.bytes()).expect("what was read can be written");
        assert_eq!(again, read);
        assert_eq!(
            (&read.nodes, &read.born, &read.departed, &read.ended),
            (&state.nodes, &state.born, &state.departed, &state.ended)
        );
        assert_eq!((read.serial, read.midway, &read.lineage), (state.serial, state.midway, &state.lineage));
    },
};

#[derive(Debug)]
pub(crate) struct Damaged {
    written: State,
    bytes: Vec<u8>,
}

const WORDS: &[&str] = &[
    "\"format\"",
    "\"checksum\"",
    "\"nodes\"",
    "\"serial\"",
    "1",
    "2",
    "3",
    "-1",
    "1e400",
    "18446744073709551616",
    "null",
    "true",
    "[]",
    "{}",
    "\"\"",
    "\"a\"",
    ",",
    ":",
    "[[[[[[[[",
    "{\"a\":",
    "\\u0000",
    "\\ud800",
    "\"format\": 1,",
    "\"format\": 9,",
    "// x\n",
    "NaN",
];

/// A file in which something is broken says what was written, or is refused.
pub(crate) const DAMAGED: Harness<Damaged> = Harness {
    name: "damaged state",
    executions: 5_000,
    make: |choices| {
        let written = written::state(choices);
        let bytes = mutated(choices, &Dictionary { files: &[&written.bytes()], words: WORDS });
        Damaged { written, bytes }
    },
    check: |damaged| {
        if let Some(read) = parse(&damaged.bytes) {
            assert_eq!(read.bytes(), damaged.written.bytes(), "something else is believed");
        }
    },
};
