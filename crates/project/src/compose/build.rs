//! `build`: what `docker build` needs.

use std::{collections::BTreeMap, path::Path};

use super::{
    interpolate::Variables,
    values::{pairs, text, texts, wrong},
    yaml::{Entry, Node, Value},
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
    let base = node.place.source.path.parent().unwrap_or(Path::new("")).to_owned();
    let context_node = match &node.value {
        Value::Text(_) => Some(node),
        Value::Map(_) => node.get("context"),
        _ => {
            problems.push(wrong(node, "a folder, or a map with `context`"));
            return None;
        }
    };
    for entry in node.map().into_iter().flatten() {
        problems.extend(key_problem(entry));
    }
    let mut path = |base: &Path, node: &Node| {
        let text = node.text().unwrap_or(".");
        if text.contains("://") || text.starts_with("git@") {
            problems.push(
                Problem::at(&node.place, "unsupported-value", "builds from a URL are not supported")
                    .help("check the sources out into the project's folder"),
            );
            return None;
        }
        // The place decides what the path is relative to, as `extends` may have brought it from another file.
        let base = if base.as_os_str().is_empty() && node.place.source.path.parent().is_none() { Path::new("") } else { base };
        files.inside(base, text, &node.place).map_err(|problem| problems.push(problem)).ok()
    };
    let context_base = context_node.and_then(|node| node.place.source.path.parent()).unwrap_or(&base).to_owned();
    let context = match context_node {
        Some(node) => path(&context_base, node)?,
        None => base,
    };
    let inline = node.get("dockerfile_inline").map(text);
    let dockerfile = match (node.get("dockerfile"), &inline) {
        (_, Some(_)) => None,
        (Some(node), None) => Some(path(&context, node)?),
        (None, None) => Some(context.join("Dockerfile")),
    };
    if let Some(place) = context_node.map(|node| &node.place) {
        problems.extend(missing(files, &context, dockerfile.as_deref(), node, place));
    }
    let mut take =
        |value: Option<Result<String, Problem>>| value.and_then(|value| value.map_err(|problem| problems.push(problem)).ok());
    let dockerfile_inline = take(inline);
    let target = take(node.get("target").map(text));
    let platforms = node.get("platforms").map(texts).and_then(|list| list.map_err(|problem| problems.push(problem)).ok());
    let args = node.get("args").map(|node| named_values(node, variables, problems)).unwrap_or_default();
    let mut additional_contexts = BTreeMap::new();
    for (name, value) in node.get("additional_contexts").map(|node| named_values(node, variables, problems)).unwrap_or_default() {
        let elsewhere = ["://", "docker-image:", "target:", "service:"].iter().any(|mark| value.contains(mark));
        let Some(entry) = node.get("additional_contexts") else {
            continue;
        };
        if elsewhere {
            additional_contexts.insert(name, value);
        } else if let Ok(path) = files.inside(&context_base, &value, &entry.place).map_err(|problem| problems.push(problem)) {
            additional_contexts.insert(name, path.display().to_string());
        }
    }
    Some(Build {
        context,
        dockerfile,
        dockerfile_inline,
        args,
        target,
        platforms: platforms.into_iter().flatten().filter_map(Node::text).map(str::to_owned).collect(),
        additional_contexts,
    })
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

fn missing(
    files: &Files<'_>,
    context: &Path,
    dockerfile: Option<&Path>,
    node: &Node,
    place: &crate::place::Place,
) -> Option<Problem> {
    if !files.is_dir(context) {
        return Some(
            Problem::at(place, "missing-file", format!("the build context `{}` is not a folder", context.display()))
                .help("it is relative to the file that names it"),
        );
    }
    let dockerfile = dockerfile.filter(|path| !files.exists(path))?;
    let place = node.get("dockerfile").map_or(place, |node| &node.place);
    Some(
        Problem::at(place, "missing-file", format!("there is no {}", dockerfile.display()))
            .help("`dockerfile` is relative to the build context"),
    )
}

/// A value that is not given comes from the environment, as for a container.
fn named_values(node: &Node, variables: &Variables<'_>, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let pairs = pairs(node, '=').unwrap_or_else(|problem| {
        problems.push(problem);
        Vec::new()
    });
    pairs
        .into_iter()
        .filter_map(|pair| {
            let value = pair.value.text().or_else(|| variables.find(&pair.key))?.to_owned();
            Some((pair.key, value))
        })
        .collect()
}
