//! The compose file: text to a typed model of each service.
//!
//! `load` reads the file, its `.env` and all that `extends` reaches; `service::read` then reads one service that is
//! deployed. Services that are not deployed are never read, so what is wrong in them does not matter.

mod build;
mod dotenv;
mod environment;
mod extends;
mod fill;
mod health;
mod interpolate;
mod keys;
mod mounts;
mod ports;
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
    service::{ComposeService, Dependency, read as read_service},
    yaml::Node,
};
use self::{extends::Extender, fill::fill, interpolate::Variables};
use crate::{
    files::{Files, ReadError},
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

const TOP_KEYS: [(&str, Rule); 9] = [
    ("name", Rule::Ignored("the project's name is the one in landing.toml")),
    ("version", Rule::Ignored("obsolete")),
    ("services", Rule::Mapped("containers on Fargate")),
    ("networks", Rule::Ignored("one VPC, with security groups that allow only what is needed")),
    ("volumes", Rule::Ignored("said at the service that uses one")),
    ("secrets", Rule::Ignored("said at the service that uses one")),
    ("configs", Rule::Ignored("said at the service that uses one")),
    ("include", Rule::Refused("copy the other file's services into this one, or use `extends`")),
    ("models", Rule::Refused("give the model's endpoint in an environment variable")),
];

/// # Errors
/// When there is nothing to go on with: no file, no YAML, no services. Other problems are added to the list.
pub(crate) fn load<'a>(
    files: &mut Files<'_>,
    path: &Path,
    environment: &'a BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
    outcomes: &mut Vec<KeyOutcome>,
) -> Result<Compose<'a>, Problem> {
    let source = files.read(path).map_err(|error| {
        Problem::in_file(path, "missing-compose", format!("cannot read the compose file: {error}"))
            .help("name it in landing.toml: compose = \"path/to/compose.yaml\"")
    })?;
    let top = yaml::parse(&source)?;
    let variables = variables(files, &Place::top(&source), environment, problems);
    if let Some(entries) = top.map() {
        top_keys(entries, problems, outcomes);
    }
    let services = top.get("services").and_then(Node::map).filter(|services| !services.is_empty()).ok_or_else(|| {
        Problem::at(&Place::top(&source), "no-services", "the compose file has no services")
            .help("a minimal one is `services: { web: { image: nginx } }`")
    })?;
    let mut extender = Extender { files, variables: &variables, parsed: BTreeMap::from([(path.to_owned(), top.clone())]) };
    let mut declared = BTreeMap::new();
    for entry in services {
        match extender.flatten(path, &entry.key, entry.value.clone()) {
            Ok(node) => {
                declared.insert(entry.key.clone(), Declared { place: entry.place.clone(), node });
            }
            Err(problem) => problems.push(problem),
        }
    }
    Ok(Compose { top, services: declared, variables })
}

/// The first of the usual names that is there.
pub(crate) fn default_path(files: &Files<'_>) -> Option<PathBuf> {
    ["docker-compose.yml", "compose.yaml", "compose.yml", "docker-compose.yaml"]
        .into_iter()
        .map(PathBuf::from)
        .find(|path| files.exists(path))
}

/// `compose`: the compose file, beside which `.env` lies.
fn variables<'a>(
    files: &mut Files<'_>,
    compose: &Place,
    environment: &'a BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Variables<'a> {
    let mut variables = Variables { environment, dot_env: BTreeMap::new() };
    let folder = compose.source.path.parent().unwrap_or(Path::new(""));
    // Its values end in what AWS is told: a link could bring in any file of this machine.
    let path = match files.inside(folder, ".env", compose) {
        Ok(path) => path,
        Err(problem) => {
            problems.push(problem);
            return variables;
        }
    };
    match files.read(&path) {
        Ok(source) => match dotenv::parse(&source.text, false, &|name| environment.get(name).cloned()) {
            Ok(found) => variables.dot_env = found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
            Err(bad) => problems.push(environment::bad_line(&source, &bad)),
        },
        Err(ReadError::Missing) => {}
        Err(error) => problems.push(
            Problem::in_file(path, "bad-env-file", format!("cannot read .env: {error}"))
                .help("make it a text file of `NAME=value` lines, or remove it"),
        ),
    }
    variables
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
