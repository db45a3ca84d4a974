//! `environment`, `env_file` and `label_file`: what is set, and where it is said.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    dotenv::{self, Assignments},
    interpolate::Variables,
    secret_files,
    values::{boolean, pairs, texts, wrong},
    yaml::{Node, Value},
};
use crate::{
    files::{Files, ReadError},
    mask::names_a_credential,
    place::Place,
    problem::{Problem, toml_key},
    proposal::Line,
};

/// One variable of a container. Not to be printed before it is known that it is no credential.
#[derive(Clone)]
pub(crate) struct Variable {
    pub(crate) value: String,
    pub(crate) place: Place,
}

/// Whose environment it is.
pub(super) struct Service<'a> {
    pub(super) name: &'a str,
    pub(super) node: &'a Node,
    /// Variables that landing.toml gives.
    pub(super) given: &'a BTreeSet<String>,
}

/// `environment` wins over `env_file`, later files over earlier ones. Beside it the variables that are to be taken from the environment and
/// are not there: compose leaves them out without a word.
pub(super) fn read(
    service: &Service<'_>,
    files: &mut Files<'_>,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
) -> (BTreeMap<String, Variable>, Vec<String>) {
    let (mut found, mut unset) = (BTreeMap::new(), Vec::new());
    for file in service.node.get("env_file").map(|node| file_list(node, problems)).unwrap_or_default() {
        let Some((place, assignments)) = read_file(&file, files, variables, problems) else {
            continue;
        };
        for (name, value) in assignments {
            let value = value.or_else(|| variables.find(&name).map(str::to_owned));
            if let Some(value) = value {
                found.insert(name, Variable { value, place: place.clone() });
            }
        }
    }
    let Some(node) = service.node.get("environment") else {
        return (found, unset);
    };
    let entries = pairs(node, '=').unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    let replaced = secret_files::replaced(service.node, service.given);
    for entry in entries.into_iter().filter(|entry| !service.given.contains(&entry.key) && !replaced.contains(&entry.key)) {
        let value = match &entry.value.value {
            Value::Text(text) => Some(text.clone()),
            _ => variables.find(&entry.key).map(str::to_owned),
        };
        match value {
            Some(value) => {
                found.insert(entry.key, Variable { value, place: entry.place });
            }
            None if names_a_credential(&entry.key) => {
                let help = format!(
                    "give it as a secret: `secrets = {{ {} = \"…\" }}` of the service in landing.toml; or if the program does without it, remove it here",
                    toml_key(&entry.key)
                );
                problems.push(
                    Problem::at(&entry.place, "unset-variable", format!("the variable `{}` is not set", entry.key))
                        .label("without a value here, it is taken from the environment")
                        .help(help)
                        .lines([Line::secret(service.name, &entry.key)]),
                );
            }
            None => unset.push(entry.key),
        }
    }
    (found, unset)
}

/// One entry of `env_file`.
struct EnvFile {
    path: String,
    place: Place,
    required: bool,
    raw: bool,
}

fn file_list(node: &Node, problems: &mut Vec<Problem>) -> Vec<EnvFile> {
    let items = match &node.value {
        Value::List(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        _ => vec![node],
    };
    items.into_iter().filter_map(|item| env_file(item).map_err(|problem| problems.push(problem)).ok()).collect()
}

fn env_file(item: &Node) -> Result<EnvFile, Problem> {
    if let Some(path) = item.text() {
        return Ok(EnvFile { path: path.to_owned(), place: item.place.clone(), required: true, raw: false });
    }
    const KNOWN: [&str; 3] = ["path", "required", "format"];
    if let Some(entry) = item.map().into_iter().flatten().find(|entry| !KNOWN.contains(&entry.key.as_str())) {
        return Err(super::unknown_key(&entry.place, &entry.key, "env_file", KNOWN));
    }
    let path =
        item.get("path").filter(|path| path.text().is_some()).ok_or_else(|| wrong(item, "a file, or a map with `path`"))?;
    Ok(EnvFile {
        path: path.text().unwrap_or_default().to_owned(),
        place: path.place.clone(),
        required: item.get("required").map_or(Ok(true), boolean)?,
        raw: item.get("format").and_then(Node::text) == Some("raw"),
    })
}

fn read_file(
    file: &EnvFile,
    files: &mut Files<'_>,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
) -> Option<(Place, Assignments)> {
    let path = files.inside(&file.place.source.folder, &file.path, &file.place).map_err(|problem| problems.push(problem)).ok()?;
    let source = match files.read(&path) {
        Ok(source) => source,
        Err(ReadError::Missing) if !file.required => return None,
        Err(error) => {
            problems.push(
                Problem::at(&file.place, "missing-file", format!("cannot read {}: {error}", path.display()))
                    .help("create it, or write `{ path: …, required: false }`"),
            );
            return None;
        }
    };
    match dotenv::parse(&source.text, file.raw, &|name| variables.find(name).map(str::to_owned)) {
        Ok(assignments) => Some((file.place.clone(), assignments)),
        Err(bad) => {
            problems.push(bad_line(&source, &bad));
            None
        }
    }
}

pub(super) fn bad_line(source: &std::sync::Arc<crate::place::Source>, bad: &dotenv::BadLine) -> Problem {
    let start = source.start_of(bad.line);
    let place = Place::new(source, start..start);
    Problem::at(&place, "bad-env-file", format!("line {} of {} is not an assignment", bad.line, source.path.display()))
        .label(bad.why)
        .help("one `NAME=value` a line, a value of several lines in quotes, `#` before what is a remark")
        // Whatever it is, it may be a credential.
        .without_excerpt()
}

/// `label_file` below `labels`.
pub(super) fn read_labels(
    service: &Node,
    files: &mut Files<'_>,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    let from_files = service.get("label_file").map(texts).transpose();
    for node in from_files
        .unwrap_or_else(|problem| {
            problems.push(problem);
            None
        })
        .unwrap_or_default()
    {
        let file =
            EnvFile { path: node.text().unwrap_or_default().to_owned(), place: node.place.clone(), required: true, raw: false };
        let assignments = read_file(&file, files, variables, problems).map(|(_, assignments)| assignments).unwrap_or_default();
        labels.extend(assignments.into_iter().map(|(name, value)| (name, value.unwrap_or_default())));
    }
    if let Some(node) = service.get("labels") {
        match pairs(node, '=') {
            Ok(pairs) => {
                labels.extend(pairs.into_iter().map(|pair| (pair.key, pair.value.text().unwrap_or_default().to_owned())))
            }
            Err(problem) => problems.push(problem),
        }
    }
    labels
}
