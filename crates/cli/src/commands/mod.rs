//! The commands, one file each.

pub(crate) mod completions;
pub(crate) mod down;
mod leftovers;
pub(crate) mod outputs;
pub(crate) mod plan;
mod run;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod validate;

use serde::Serialize;

/// Data goes to stdout.
pub(crate) fn print(text: &str) {
    anstream::println!("{text}");
}

/// Everything else goes to stderr.
pub(crate) fn say(text: &str) {
    anstream::eprintln!("{text}");
}

/// One line of JSON on stdout.
pub(crate) fn print_json(value: &impl Serialize) {
    let text = serde_json::to_string(value).expect("what the program prints is plain data with string keys");
    print(&text);
}
