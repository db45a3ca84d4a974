//! `build`: what `docker build` needs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    interpolate::Variables,
    values::{pairs, text, texts, wrong},
    yaml::{Entry, Node},
};
use crate::{files::Files, problem::Problem, service::Build};

const KNOWN: [&str; 24] = [
    "context",
    "dockerfile",
    "dockerfile_inline",
    "entitlements",
    "args",
    "ssh",
    "labels",
    "cache_from",
    "cache_to",
    "no_cache",
    "additional_contexts",
    "network",
    "pull",
    "target",
    "shm_size",
    "extra_hosts",
    "isolation",
    "privileged",
    "secrets",
    "tags",
    "ulimits",
    "platforms",
    "provenance",
    "sbom",
];

/// Without a counterpart in a plain `docker build` on somebody else's machine.
const REFUSED: [(&str, &str); 5] = [
    ("ssh", "copy what it fetches into the context before the build"),
    ("secrets", "build arguments and files in the context are all that a build sees; fetch private packages beforehand"),
    ("entitlements", "remove it, and what needs it in the Dockerfile"),
    ("privileged", "remove it, and what needs it in the Dockerfile"),
    ("extra_hosts", "use DNS names in the Dockerfile"),
];

/// Keys that change how an image is built but not what is in it; `docker build` on this machine has its own ways.
const LEFT_OUT: [&str; 11] =
    ["labels", "cache_from", "cache_to", "no_cache", "network", "pull", "shm_size", "isolation", "tags", "ulimits", "provenance"];

/// Keys that are there but not passed on.
pub(super) fn left_out(node: &Node) -> Vec<String> {
    let keys = node.map().into_iter().flatten().map(|entry| entry.key.as_str());
    keys.filter(|key| LEFT_OUT.contains(key) || *key == "sbom").map(|key| format!("{key} is left out")).collect()
}

pub(super) fn read(node: &Node, files: &Files<'_>, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> Option<Build> {
    if node.text().is_none() && node.map().is_none() {
        problems.push(wrong(node, "a folder, or a map with `context`"));
        return None;
    }
    problems.extend(node.map().into_iter().flatten().filter_map(key_problem));
    let mut reading = Reading { node, files, variables, problems };
    let context = reading.context()?;
    let dockerfile_inline = reading.text("dockerfile_inline");
    let dockerfile = match node.get("dockerfile") {
        _ if dockerfile_inline.is_some() => None,
        Some(dockerfile) => Some(reading.path(&context, dockerfile)?),
        None => Some(context.join("Dockerfile")),
    };
    reading.check_there(&context, dockerfile.as_deref());
    Some(Build {
        dockerfile,
        dockerfile_inline,
        args: reading.named_values("args"),
        target: reading.text("target"),
        platforms: reading.platforms(),
        additional_contexts: reading.additional_contexts(),
        context,
    })
}

struct Reading<'a, 'f> {
    node: &'a Node,
    files: &'a Files<'f>,
    variables: &'a Variables<'a>,
    problems: &'a mut Vec<Problem>,
}

impl Reading<'_, '_> {
    fn take<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The node that says the context: the text, or `context` of the map.
    fn context_node(&self) -> &Node {
        self.node.get("context").unwrap_or(self.node)
    }

    /// Relative to the file that says it, which `extends` may have made another one than the service's.
    fn context(&mut self) -> Option<PathBuf> {
        let node = self.context_node().clone();
        self.path(folder(&node), &node)
    }

    fn path(&mut self, base: &Path, node: &Node) -> Option<PathBuf> {
        let text = node.text().unwrap_or(".");
        if text.contains("://") || text.starts_with("git@") {
            self.problems.push(
                Problem::at(&node.place, "unsupported-value", "builds from a URL are not supported")
                    .help("check the sources out into the project's folder"),
            );
            return None;
        }
        self.take(self.files.inside(base, text, &node.place))
    }

    fn text(&mut self, key: &str) -> Option<String> {
        let value = self.node.get(key).map(text)?;
        self.take(value)
    }

    fn platforms(&mut self) -> Vec<String> {
        let list = self.node.get("platforms").map_or(Ok(Vec::new()), texts);
        self.take(list).into_iter().flatten().filter_map(Node::text).map(str::to_owned).collect()
    }

    fn check_there(&mut self, context: &Path, dockerfile: Option<&Path>) {
        let place = self.context_node().place.clone();
        if !self.files.is_dir(context) {
            self.problems.push(
                Problem::at(&place, "missing-file", format!("the build context `{}` is not a folder", context.display()))
                    .help("it is relative to the file that names it"),
            );
            return;
        }
        let Some(dockerfile) = dockerfile.filter(|path| !self.files.exists(path)) else {
            return;
        };
        let place = self.node.get("dockerfile").map_or(place, |node| node.place.clone());
        self.problems.push(
            Problem::at(&place, "missing-file", format!("there is no {}", dockerfile.display()))
                .help("`dockerfile` is relative to the build context"),
        );
    }

    /// A value that is not given comes from the environment, as for a container.
    fn named_values(&mut self, key: &str) -> BTreeMap<String, String> {
        let pairs = self.node.get(key).map_or(Ok(Vec::new()), |node| pairs(node, '='));
        let pairs = self.take(pairs).unwrap_or_default();
        let values = pairs.into_iter().filter_map(|pair| {
            let value = pair.value.text().or_else(|| self.variables.find(&pair.key))?.to_owned();
            Some((pair.key, value))
        });
        values.collect()
    }

    fn additional_contexts(&mut self) -> BTreeMap<String, String> {
        let Some(node) = self.node.get("additional_contexts").cloned() else {
            return BTreeMap::new();
        };
        let mut contexts = BTreeMap::new();
        for (name, value) in self.named_values("additional_contexts") {
            let is_elsewhere = ["://", "docker-image:", "target:", "service:"].iter().any(|mark| value.contains(mark));
            if is_elsewhere {
                contexts.insert(name, value);
            } else if let Some(path) = self.take(self.files.inside(folder(&node), &value, &node.place)) {
                contexts.insert(name, path.display().to_string());
            }
        }
        contexts
    }
}

/// The folder of the file that the node stands in.
fn folder(node: &Node) -> &Path {
    node.place.source.path.parent().unwrap_or(Path::new(""))
}

fn key_problem(entry: &Entry) -> Option<Problem> {
    if let Some((key, fix)) = REFUSED.iter().find(|(key, _)| *key == entry.key) {
        let harmless = entry.value.text().is_some_and(|text| text == "false");
        return (!harmless)
            .then(|| Problem::at(&entry.place, "unsupported-key", format!("`build.{key}` is not supported")).help(*fix));
    }
    let known = KNOWN.contains(&entry.key.as_str()) || entry.key.starts_with("x-");
    (!known).then(|| super::unknown_key(&entry.place, &entry.key, "build", KNOWN))
}
