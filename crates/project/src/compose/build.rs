//! `build`: what `docker build` needs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    fill::fill,
    interpolate::Variables,
    values::{pairs, text, texts, wrong},
    yaml::{Entry, Node},
};
use crate::{
    files::Files,
    problem::Problem,
    service::{Build, BuildSecret},
};

const KNOWN: [&str; 25] = [
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
    "no_cache_filter",
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
const REFUSED: [(&str, &str); 4] = [
    ("ssh", "fetch by HTTPS with a token that `build.secrets` gives, or copy what it fetches into the context before the build"),
    ("entitlements", "remove it, and what needs it in the Dockerfile"),
    ("privileged", "remove it, and what needs it in the Dockerfile"),
    ("extra_hosts", "use DNS names in the Dockerfile"),
];

/// Keys that change how an image is built but not what is in it, and why they are not passed on.
const LEFT_OUT: [(&str, &str); 12] = [
    ("cache_from", BUILDERS_CACHE),
    ("cache_to", BUILDERS_CACHE),
    ("no_cache", BUILDERS_CACHE),
    ("no_cache_filter", BUILDERS_CACHE),
    ("network", "a build has the builder's own network"),
    ("pull", "a base image is pulled when it is missing"),
    ("shm_size", BUILDERS_LIMITS),
    ("ulimits", BUILDERS_LIMITS),
    ("isolation", BUILDERS_LIMITS),
    ("tags", "an image is tagged by its content"),
    ("provenance", "no attestations are made"),
    ("sbom", "no attestations are made"),
];
const BUILDERS_CACHE: &str = "what stands in ECR is not built again, and the builder has its own cache";
const BUILDERS_LIMITS: &str = "a build has the builder's own limits";

/// The folder that the image is built from; none where it is somewhere else.
pub(super) fn context(node: &Node, files: &Files<'_>) -> Option<PathBuf> {
    let text = node.text().or_else(|| node.get("context").and_then(Node::text)).unwrap_or(".");
    let is_elsewhere = text.contains("://") || text.starts_with("git@");
    if is_elsewhere { None } else { files.inside(&node.place.source.folder, text, &node.place).ok() }
}

/// What is there and not passed on, and what is passed on and should not be.
pub(super) fn notes(node: &Node, build: Option<&Build>) -> Vec<String> {
    let keys = node.map().into_iter().flatten().map(|entry| entry.key.as_str());
    let left_out = keys.filter_map(|key| LEFT_OUT.iter().find(|(name, _)| *name == key));
    let left_out = left_out.map(|(key, why)| format!("{key} is left out: {why}"));
    let telling = build.map(Build::telling_args).unwrap_or_default();
    let telling = telling.into_iter().map(|name| format!("the argument {name} seems to be a credential: {TELLING}"));
    left_out.chain(telling).collect()
}

const TELLING: &str = "whoever has the image can read it, give it by `build.secrets`";

/// `secrets`: what the file declares at its top level.
pub(super) fn read(
    node: &Node,
    secrets: Option<&Node>,
    files: &Files<'_>,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Build> {
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
        labels: reading.named_values("labels"),
        secrets: reading.secrets(secrets),
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
            if let Some(service) = value.strip_prefix("service:") {
                self.problems.push(
                    Problem::at(
                        &node.place,
                        "unsupported-value",
                        format!("the image of service `{service}` cannot be a context of another build"),
                    )
                    .help("make both from one Dockerfile, each with its `target`, or name the folder with the files"),
                );
                continue;
            }
            let is_elsewhere = ["://", "docker-image:", "target:"].iter().any(|mark| value.contains(mark));
            if is_elsewhere {
                contexts.insert(name, value);
            } else if let Some(path) = self.take(self.files.inside(folder(&node), &value, &node.place)) {
                contexts.insert(name, path.display().to_string());
            }
        }
        contexts
    }
}

/// `secrets` of a build, by the id that its Dockerfile mounts.
impl Reading<'_, '_> {
    fn secrets(&mut self, declared: Option<&Node>) -> BTreeMap<String, BuildSecret> {
        let Some(node) = self.node.get("secrets").filter(|node| !node.is_null()).cloned() else {
            return BTreeMap::new();
        };
        if node.list().is_none() {
            self.problems.push(wrong(&node, "a list of secrets"));
        }
        let mut secrets = BTreeMap::new();
        for item in node.list().unwrap_or_default() {
            let found = self.secret(item, declared);
            secrets.extend(self.take(found));
        }
        secrets
    }

    fn secret(&mut self, item: &Node, declared: Option<&Node>) -> Result<(String, BuildSecret), Problem> {
        // Who may read it inside a build is the Dockerfile's to say.
        const KNOWN: [&str; 5] = ["source", "target", "uid", "gid", "mode"];
        let unknown = item.map().into_iter().flatten().find(|entry| !KNOWN.contains(&entry.key.as_str()));
        if let Some(entry) = unknown.filter(|entry| !entry.key.starts_with("x-")) {
            return Err(super::unknown_key(&entry.place, &entry.key, "build.secrets", KNOWN));
        }
        let name = item
            .text()
            .or_else(|| item.get("source")?.text())
            .ok_or_else(|| Problem::at(&item.place, "missing-key", "a secret without `source`").help("add `source: NAME`"))?;
        let id = item.get("target").and_then(Node::text).unwrap_or(name);
        let secret = declared.and_then(|declared| declared.get(name)).ok_or_else(|| {
            Problem::at(&item.place, "unknown-secret", format!("there is no secret `{name}` at the file's top level"))
                .help(format!("declare it there: secrets: {{ {name}: {{ environment: \"VARIABLE\" }} }}"))
        })?;
        let secret = fill(secret, self.variables, self.problems);
        // Each goes to the builder as `id=…,src=…`.
        if id.is_empty() || id.contains([',', '=']) {
            return Err(Problem::at(&item.place, "bad-value", format!("`{id}` cannot be the id of a build secret"))
                .help("take letters, digits, `-`, `_` and `.`"));
        }
        let place = match (secret.get("environment").and_then(Node::text), secret.get("file")) {
            (Some(variable), _) => BuildSecret::Environment(variable.to_owned()),
            (None, Some(file)) => {
                BuildSecret::File(self.files.inside(folder(file), file.text().unwrap_or_default(), &file.place)?)
            }
            (None, None) => {
                return Err(Problem::at(
                    &item.place,
                    "unsupported-value",
                    format!("secret `{name}` comes from neither a variable nor a file"),
                )
                .help("a build takes it by `environment:` or `file:`"));
            }
        };
        Ok((id.to_owned(), place))
    }
}

/// The folder of the file that the node stands in.
fn folder(node: &Node) -> &Path {
    &node.place.source.folder
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
