//! All the files that make up one model: those laid over one another, `include`, `extends`, and `.env` beside them.
//!
//! Source: Compose Specification, "Merge", "Include"; "Set environment variables", precedence.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Compose, Declared, Report, dotenv, environment,
    extends::{Extender, merge_service, merge_tops},
    form,
    interpolate::{Variables, interpolate},
    is_top_key, keys, top_keys,
    values::{texts, wrong},
    yaml::{self, Entry, Node, Value},
};
use crate::{
    files::{Files, ReadError},
    place::{Place, Source},
    problem::Problem,
    suggest::did_you_mean,
};

/// Files that include one another in a row; people write two.
const DEEPEST: usize = 16;

/// # Errors
/// When there is nothing to go on with: no file, no YAML, no services. Other problems are added to the report.
pub(crate) fn load<'a>(
    files: &mut Files<'_>,
    paths: &[PathBuf],
    environment: &'a BTreeMap<String, String>,
    report: Report<'_>,
) -> Result<Compose<'a>, Problem> {
    let variables = Variables { environment, dot_env: BTreeMap::new() };
    let mut loading = Loading { files, variables, parsed: BTreeMap::new(), open: Vec::new(), report };
    let folder = paths.first().and_then(|first| first.parent()).unwrap_or(Path::new("")).to_owned();
    let read = |files: &mut Files<'_>, path: &Path| {
        files.read_from(path, &folder).map_err(|error| {
            Problem::in_file(path, "missing-compose", format!("cannot read the compose file: {error}"))
                .help("name it in landing.toml: compose = \"path/to/compose.yaml\"")
        })
    };
    let sources = paths.iter().map(|path| read(loading.files, path)).collect::<Result<Vec<_>, _>>()?;
    let Some(place) = sources.first().map(Place::top) else {
        return Err(Problem::in_file("landing.toml", "missing-compose", "there is no compose file").help("name it"));
    };
    loading.dot_env(&folder.join(".env"), &place, false);
    let model = loading.model(&sources)?;
    if model.services.is_empty() {
        return Err(Problem::at(&place, "no-services", "the compose file has no services")
            .help("a minimal one is `services: { web: { image: nginx } }`"));
    }
    Ok(Compose { top: model.top, services: model.services, variables: loading.variables })
}

struct Loading<'l, 'f, 'a> {
    files: &'l mut Files<'f>,
    variables: Variables<'a>,
    /// What `extends` has reached.
    parsed: BTreeMap<PathBuf, Node>,
    /// The files that are being included, from the outermost.
    open: Vec<PathBuf>,
    report: Report<'l>,
}

/// Some files laid over one another, with what they include.
struct Model {
    /// All but the services.
    top: Node,
    services: BTreeMap<String, Declared>,
}

impl Loading<'_, '_, '_> {
    fn model(&mut self, sources: &[Arc<Source>]) -> Result<Model, Problem> {
        let nothing = |place: Place| Node { value: Value::Map(Vec::new()), place };
        let mut model = Model { top: nothing(Place::top(&sources[0])), services: BTreeMap::new() };
        let mut includes = Vec::new();
        for source in sources {
            let top = yaml::parse(source)?;
            of_today(&top)?;
            self.report.form.extend(form::problems(&top));
            if let Some(entries) = top.map() {
                top_keys(entries, self.report.problems, self.report.outcomes);
            }
            includes.extend(top.get("include").cloned());
            self.parsed.insert(source.path.clone(), top.clone());
            for entry in top.get("services").and_then(Node::map).unwrap_or_default() {
                self.declare(&source.path, entry, &mut model.services);
            }
            let others = top.map().into_iter().flatten().filter(|entry| entry.key != "services" && entry.key != "include");
            let others = Node { value: Value::Map(others.cloned().collect()), place: top.place.clone() };
            model.top = merge_tops(model.top, others);
        }
        for include in &includes {
            self.include_all(include, &mut model);
        }
        for declared in model.services.values_mut() {
            let node = std::mem::replace(&mut declared.node, nothing(declared.place.clone()));
            declared.node = node.without_resets();
        }
        Ok(model)
    }

    /// A service of one file, over the one of the same name in the files before.
    fn declare(&mut self, path: &Path, entry: &Entry, services: &mut BTreeMap<String, Declared>) {
        let mut extender = Extender { files: self.files, variables: &self.variables, parsed: &mut self.parsed };
        let flat = extender.flatten(path, &entry.key, entry.value.clone());
        let is_broken = flat.is_err();
        let node = flat.unwrap_or_else(|problem| {
            self.report.problems.push(problem);
            entry.value.clone()
        });
        let declared = match services.remove(&entry.key) {
            None => Declared { place: entry.place.clone(), node, is_broken },
            Some(below) => {
                let is_broken = is_broken || below.is_broken;
                // `web:` without a value changes nothing.
                let node = if node.is_null() { below.node } else { merge_service(below.node, node) };
                Declared { place: below.place, node, is_broken }
            }
        };
        services.insert(entry.key.clone(), declared);
    }

    fn include_all(&mut self, include: &Node, model: &mut Model) {
        let items = match &include.value {
            Value::List(list) => list,
            Value::Null => return,
            _ => return self.report.problems.push(wrong(include, "a list")),
        };
        for item in items {
            match self.include(item) {
                Ok(included) => self.take_over(included, model),
                Err(problem) => self.report.problems.push(problem),
            }
        }
    }

    fn include(&mut self, item: &Node) -> Result<Model, Problem> {
        const KNOWN: [&str; 3] = ["path", "env_file", "project_directory"];
        if let Some(entry) = item.map().into_iter().flatten().find(|entry| !KNOWN.contains(&entry.key.as_str())) {
            return Err(Problem::at(&entry.place, "unknown-key", format!("unknown key `{}` in include", entry.key))
                .help(did_you_mean(&entry.key, KNOWN)));
        }
        let named = if item.map().is_some() { item.get("path") } else { Some(item) };
        let named = named.ok_or_else(|| wrong(item, "a file, or a map with `path`"))?;
        let paths = texts(named)?.into_iter().map(|path| self.path(path)).collect::<Result<Vec<_>, _>>()?;
        let Some(first) = paths.first() else {
            return Err(wrong(named, "a file, or a map with `path`"));
        };
        let folder = match item.get("project_directory") {
            Some(folder) => self.path(folder)?,
            None => first.parent().unwrap_or(Path::new("")).to_owned(),
        };
        let mut sources = Vec::new();
        for path in &paths {
            sources.push(self.files.read_from(path, &folder).map_err(|error| {
                Problem::at(&named.place, "missing-file", format!("cannot read {}: {error}", path.display()))
                    .help("a path is relative to the file that names it")
            })?);
        }
        if self.open.contains(first) || self.open.len() >= DEEPEST {
            let files: Vec<String> = self.open.iter().chain([first]).map(|path| path.display().to_string()).collect();
            return Err(Problem::at(&named.place, "include-cycle", format!("files include each other: {}", files.join(" → ")))
                .help("remove one of these `include`"));
        }
        match item.get("env_file") {
            Some(node) => {
                for file in texts(node)? {
                    let path = self.path(file)?;
                    self.dot_env(&path, &file.place, true);
                }
            }
            None => self.dot_env(&folder.join(".env"), &named.place, false),
        }
        self.open.push(first.clone());
        let model = self.model(&sources);
        self.open.pop();
        model
    }

    /// What is included stands beside what is there, and never over it.
    fn take_over(&mut self, included: Model, model: &mut Model) {
        for (name, declared) in included.services {
            match model.services.get(&name) {
                None => {
                    model.services.insert(name, declared);
                }
                Some(own) if own.node.says_the_same(&declared.node) => {}
                Some(own) => self.report.problems.push(
                    Problem::at(&own.place, "two-of-a-name", format!("service `{name}` is in {} too", shown(&declared.place)))
                        .label("what is included stands beside this file, and is not merged with it")
                        .help("rename one, or name both files in one entry of `include`: `path: [first.yaml, second.yaml]`"),
                ),
            }
        }
        let top = std::mem::replace(&mut model.top, Node { value: Value::Null, place: included.top.place.clone() });
        model.top = merge_tops(included.top, top);
    }

    fn path(&self, node: &Node) -> Result<PathBuf, Problem> {
        let text = node.text().ok_or_else(|| wrong(node, "a text"))?;
        let text = interpolate(text, &|name| self.variables.find(name).map(str::to_owned)).0;
        if text.contains("://") || text.starts_with("git@") {
            return Err(Problem::at(&node.place, "unsupported-value", "files from elsewhere are not read")
                .help("copy it into the project's folder and name it there"));
        }
        self.files.inside(&node.place.source.folder, &text, &node.place)
    }

    /// Adds variables that are not yet known: the files that include have more to say than those that are included.
    fn dot_env(&mut self, path: &Path, place: &Place, is_required: bool) {
        // Its values end in what AWS is told: a link could bring in any file of this machine.
        let path = match self.files.inside("".as_ref(), &path.to_string_lossy(), place) {
            Ok(path) => path,
            Err(problem) => return self.report.problems.push(problem),
        };
        let problem = match self.files.read(&path) {
            Ok(source) => {
                let known = &self.variables;
                match dotenv::parse(&source.text, false, &|name| known.find(name).map(str::to_owned)) {
                    Ok(found) => {
                        let mut own = BTreeMap::new();
                        own.extend(found.into_iter().filter_map(|(name, value)| Some((name, value?))));
                        for (name, value) in own {
                            self.variables.dot_env.entry(name).or_insert(value);
                        }
                        return;
                    }
                    Err(bad) => environment::bad_line(&source, &bad),
                }
            }
            Err(ReadError::Missing) if !is_required => return,
            Err(error) if is_required => Problem::at(place, "missing-file", format!("cannot read {}: {error}", path.display()))
                .help("a path is relative to the file that names it"),
            Err(error) => Problem::in_file(&path, "bad-env-file", format!("cannot read .env: {error}"))
                .help("make it a text file of `NAME=value` lines, or remove it"),
        };
        self.report.problems.push(problem);
    }
}

/// # Errors
/// A file of Compose v1, from before there was a `services` key: one thing to mend, and not one a service.
fn of_today(top: &Node) -> Result<(), Problem> {
    if top.get("services").is_some() {
        return Ok(());
    }
    let is_service = |entry: &&Entry| {
        let keys = entry.value.map().unwrap_or_default();
        let has_none = keys.is_empty() || entry.key.starts_with("x-") || is_top_key(&entry.key);
        !has_none && keys.iter().all(|key| keys::find(&key.key).is_some() || OF_V1.contains(&key.key.as_str()))
    };
    match top.map().into_iter().flatten().find(is_service) {
        None => Ok(()),
        Some(first) => {
            Err(Problem::at(&first.place, "compose-v1", "this is a Compose v1 file: its services stand at the top level")
                .label("a service")
                .help("write `services:` as the first line, and indent all that follows by two spaces"))
        }
    }
}

/// Keys of a service that went with Compose v1.
const OF_V1: [&str; 5] = ["dockerfile", "log_driver", "log_opt", "net", "volume_driver"];

fn shown(place: &Place) -> String {
    format!("{}:{}", place.source.path.display(), place.line())
}
