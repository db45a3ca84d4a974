//! The event stream: one line an event, whatever AWS's words hold, and each line is read back as it was meant.

use std::time::Duration;

use landing_engine::event::Doing;
use landing_engine::kind::{Copies, Holder, Targets};
use landing_engine::{Cause, Class, Event};
use landing_fuzz::{Choices, Dictionary, Harness, mutated};

use crate::written::node;

#[derive(Debug)]
pub(crate) struct Stream {
    events: Vec<Event>,
    broken: Vec<u8>,
}

pub(crate) const EVENTS: Harness<Stream> = Harness {
    name: "event stream",
    executions: 5_000,
    make: |choices| {
        let events: Vec<Event> = (0..choices.below(8)).map(|_| event(choices)).collect();
        let whole: String = events.iter().map(|event| line(event) + "\n").collect();
        let broken = mutated(
            choices,
            &Dictionary {
                files: &[whole.as_bytes()],
                words: &["\n", "{", "}", "\"event\"", ":", ",", "\\", "null", "-1", "1e999", "\0"],
            },
        );
        Stream { events, broken }
    },
    check: |stream| {
        for event in &stream.events {
            let line = line(event);
            assert!(!line.contains(['\n', '\r']), "an event is one line: {line}");
            let read: Event = serde_json::from_str(&line).expect("an event can be read back");
            assert_eq!(self::line(&read), line);
        }
        // A reader of a stream that was cut off or garbled refuses lines, and goes on with what can be written again.
        for bytes in stream.broken.split(|byte| *byte == b'\n') {
            if let Ok(read) = serde_json::from_slice::<Event>(bytes) {
                let again = line(&read);
                assert_eq!(line(&serde_json::from_str(&again).expect("what was read can be read again")), again);
            }
        }
    },
};

fn line(event: &Event) -> String {
    serde_json::to_string(event).expect("events are plain data")
}

fn event(choices: &mut Choices<'_>) -> Event {
    let node = node(choices);
    let doing = [Doing::Creating, Doing::Updating, Doing::Deleting, Doing::Checking][choices.below(4)];
    let elapsed = Duration::from_millis(choices.number() >> 12);
    match choices.below(11) {
        0 => Event::RunStarted { steps: choices.below(1000) },
        1 => Event::StepStarted { node, doing },
        2 => Event::StepKnown { node, id: choices.text() },
        3 => Event::StepRetrying { node, attempt: choices.number() as u32, wait: elapsed, why: choices.text() },
        4 => {
            let holder = choices.one_in(2).then(|| Holder {
                by: choices.text(),
                since: choices.one_in(2).then(|| choices.text()),
                help: choices.text(),
            });
            let mut number = || choices.below(1000) as u32;
            let copies = Copies { desired: number(), running: number(), pending: number(), failed: number(), targets: None };
            let targets = Targets { healthy: number(), registered: number() };
            let copies = choices.one_in(2).then(|| Copies { targets: choices.one_in(2).then_some(targets), ..copies });
            Event::StepWaiting { node, state: choices.text(), elapsed, holder, copies }
        }
        5 => Event::StepFinished { node, doing, elapsed },
        6 => {
            let help = choices.one_in(2).then(|| choices.text());
            Event::StepFailed {
                node,
                class: [Class::Denied, Class::InUse, Class::RolledBack][choices.below(3)],
                message: choices.text(),
                help,
            }
        }
        7 => Event::StepSkipped { node, because: choices.text() },
        8 => Event::StopRequested { running: choices.below(100) },
        9 => Event::StepTrouble {
            node,
            cause: Cause {
                title: choices.text(),
                facts: vec![(choices.text(), choices.text())],
                log: vec![choices.text()],
                help: choices.text(),
            },
        },
        _ => Event::RunFinished { done: choices.below(9), failed: choices.below(9), skipped: choices.below(9), elapsed },
    }
}
