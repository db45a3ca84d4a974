//! The compose file: text to a typed model of each service.
//!
//! `load` reads the files, their `.env` and all that `include` and `extends` reach; `service::read` then reads one service that is
//! deployed. Services that are not deployed are never read, so what is wrong in them does not matter.

mod build;
mod capabilities;
mod dotenv;
mod environment;
mod extends;
mod fill;
mod form;
mod health;
mod interpolate;
mod keys;
mod load;
mod mounts;
mod ports;
mod secret_files;
mod service;
mod values;
mod verdicts;
mod yaml;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub use self::keys::{ComposeKey, compose_keys};
pub(crate) use self::{
    environment::Variable,
    keys::Rule,
    load::load,
    mounts::FIRST_START,
    service::{ComposeService, Dependency, Given, read as read_service},
    yaml::Node,
};
use self::{fill::fill, interpolate::Variables};
use crate::{
    files::Files,
    place::Place,
    problem::Problem,
    project::{KeyOutcome, Outcome},
    suggest::did_you_mean,
};

/// The compose file with `extends` resolved and variables not yet filled in.
pub(crate) struct Compose<'a> {
    pub(crate) top: Node,
    pub(crate) services: BTreeMap<String, Declared>,
    pub(crate) variables: Variables<'a>,
}

/// One service as the file has it.
pub(crate) struct Declared {
    /// Of its name.
    pub(crate) place: Place,
    pub(crate) node: Node,
    /// What it extends could not be found; a problem says so.
    pub(crate) is_broken: bool,
}

impl Declared {
    /// Profiles that it belongs to; none means always.
    pub(crate) fn profiles(&self, variables: &Variables<'_>) -> Vec<String> {
        let Some(node) = self.node.get("profiles") else {
            return Vec::new();
        };
        let filled = fill(node, variables, &mut Vec::new());
        values::text_items(&filled).map(str::to_owned).collect()
    }
}

const TOP_KEYS: [(&str, Rule); 10] = [
    ("name", Rule::Ignored("the project's name is the one in landing.toml")),
    ("version", Rule::Ignored("obsolete")),
    ("services", Rule::Mapped("containers on Fargate")),
    ("networks", Rule::Ignored("one VPC, with security groups that allow only what is needed")),
    ("volumes", Rule::Ignored("said at the service that uses one")),
    ("secrets", Rule::Ignored("said at the service that uses one")),
    ("configs", Rule::Ignored("said at the service that uses one")),
    ("include", Rule::Mapped("the other file's services")),
    ("jobs", Rule::Refused("write each as a service with `restart: \"no\"`")),
    ("models", Rule::Refused("give the model's endpoint in an environment variable")),
];

fn is_top_key(key: &str) -> bool {
    TOP_KEYS.iter().any(|(known, _)| *known == key)
}

/// Where reading puts what it finds.
pub(crate) struct Report<'a> {
    pub(crate) problems: &'a mut Vec<Problem>,
    /// What the specification's schema says, for lines about which nobody else says something.
    pub(crate) form: &'a mut Vec<Problem>,
    pub(crate) outcomes: &'a mut Vec<KeyOutcome>,
}

/// The first of the usual names that is there.
pub(crate) fn default_path(files: &Files<'_>) -> Option<PathBuf> {
    ["docker-compose.yml", "compose.yaml", "compose.yml", "docker-compose.yaml"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| files.exists(path))
}

/// What `docker compose` lays over the default file by itself; here it is asked for.
pub(crate) fn override_beside(path: &Path, files: &Files<'_>) -> Option<KeyOutcome> {
    let (stem, extension) = (path.file_stem()?.to_str()?, path.extension()?.to_str()?);
    let other = if extension == "yml" { "yaml" } else { "yml" };
    let found = [extension, other].map(|extension| PathBuf::from(format!("{stem}.override.{extension}")));
    let file = found.into_iter().find(|path| files.exists(path))?;
    let reason = format!(
        "it is mostly for your own machine; to use it here too: compose = [\"{}\", \"{}\"] in landing.toml",
        path.display(),
        file.display()
    );
    let key = file.display().to_string();
    Some(KeyOutcome { service: None, key, file, line: 1, outcome: Outcome::Ignored { reason } })
}

fn top_keys(entries: &[yaml::Entry], problems: &mut Vec<Problem>, outcomes: &mut Vec<KeyOutcome>) {
    for entry in entries {
        let rule = TOP_KEYS.iter().find(|(key, _)| *key == entry.key).map(|(_, rule)| rule);
        let outcome = match rule {
            Some(rule) => rule.outcome(&entry.value, &entry.value),
            None if entry.key.starts_with("x-") => Outcome::Ignored { reason: "an extension".to_owned() },
            None => {
                let known = TOP_KEYS.map(|(key, _)| key);
                problems.push(unknown_key(&entry.place, &entry.key, "the compose file", known));
                continue;
            }
        };
        if let Outcome::Refused { fix } = outcome {
            problems.push(Problem::at(&entry.place, "unsupported-key", format!("`{}` is not supported", entry.key)).help(fix));
            continue;
        }
        outcomes.push(KeyOutcome {
            service: None,
            key: entry.key.clone(),
            file: entry.place.source.path.clone(),
            line: entry.place.line(),
            outcome,
        });
    }
}

fn unknown_key<const N: usize>(place: &Place, key: &str, parent: &str, known: [&str; N]) -> Problem {
    Problem::at(place, "unknown-key", format!("unknown key `{key}` in {parent}"))
        .label("not in the Compose Specification")
        .help(did_you_mean(key, known))
}
