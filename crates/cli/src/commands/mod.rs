//! The commands, one file each.

pub(crate) mod completions;
pub(crate) mod deploy;
pub(crate) mod down;
mod leftovers;
pub(crate) mod logs;
pub(crate) mod outputs;
pub(crate) mod plan;
mod push;
pub(crate) mod rebuild;
mod run;
pub(crate) mod sandbox;
pub(crate) mod schema;
pub(crate) mod smoke;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod validate;

use std::io::Write;

use serde::Serialize;

/// Data goes to stdout.
pub(crate) fn print(text: &str) {
    // Nobody left to read it is no reason to break off in the middle of a run: a reader that went away, a terminal that hung up, a full disk.
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Everything else goes to stderr.
pub(crate) fn say(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// One line of JSON on stdout.
pub(crate) fn print_json(value: &impl Serialize) {
    let text = serde_json::to_string(value).expect("what the program prints is plain data with string keys");
    print(&text);
}
