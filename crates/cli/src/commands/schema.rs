//! `landing schema`: the JSON schema of landing.toml.

use crate::failure::{Exit, Failure};

pub(crate) fn run() -> Result<Exit, Failure> {
    let schema = serde_json::to_string_pretty(&landing_project::landing_toml_schema()).expect("a schema is JSON");
    super::print_document(&schema);
    Ok(Exit::Done)
}
