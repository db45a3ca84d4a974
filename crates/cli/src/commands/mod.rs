//! The commands, one file each.

pub(crate) mod ci;
pub(crate) mod completions;
pub(crate) mod deploy;
pub(crate) mod down;
mod leftovers;
pub(crate) mod logs;
pub(crate) mod outputs;
mod page;
pub(crate) mod plan;
mod push;
pub(crate) mod rebuild;
mod run;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod secrets;
pub(crate) mod smoke;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod validate;

use std::io::Write;

use serde::Serialize;

pub(crate) use run::line;

use crate::actions;

/// Data goes to stdout.
pub(crate) fn print(text: &str) {
    // Nobody left to read it is no reason to break off in the middle of a run: a reader that went away, a terminal that hung up, a full disk.
    let plain = anstream::AutoStream::choice(&std::io::stdout()) == anstream::ColorChoice::Never;
    let _ = writeln!(anstream::stdout(), "{}", sayable(text, plain));
}

/// Everything else goes to stderr.
pub(crate) fn say(text: &str) {
    let plain = anstream::AutoStream::choice(&std::io::stderr()) == anstream::ColorChoice::Never;
    let _ = writeln!(anstream::stderr(), "{}", sayable(text, plain));
}

/// What nobody who listens takes for a command. Colours that will be taken out are taken out first: between them, a command would not be seen.
fn sayable(text: &str, plain: bool) -> String {
    match actions::are_around() {
        true if plain => actions::harmless(&anstream::adapter::strip_str(text).to_string()).into_owned(),
        _ => actions::spoken(text).into_owned(),
    }
}

/// One line of JSON on stdout.
pub(crate) fn print_json(value: &impl Serialize) {
    let text = serde_json::to_string(value).expect("what the program prints is plain data with string keys");
    print_document(&text);
}

/// JSON of several lines.
pub(crate) fn print_document(text: &str) {
    let _ = writeln!(anstream::stdout(), "{}", actions::spoken_json(text));
}
