//! `extends`: another service's keys below a service's own.
//!
//! Source: Compose Specification, "extends", "Finding referenced service", "Merging service definitions".

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    interpolate::{Variables, interpolate},
    values::{pairs, texts},
    yaml::{self, Entry, Node, Tag, Value},
};
use crate::{files::Files, place::Place, problem::Problem, suggest::did_you_mean};

/// Services that extend one another in a row; people write two or three.
const LONGEST_CHAIN: usize = 32;

/// The files that `extends` reaches, each read once.
pub(super) struct Extender<'a, 'f> {
    pub(super) files: &'a mut Files<'f>,
    pub(super) variables: &'a Variables<'a>,
    pub(super) parsed: &'a mut BTreeMap<PathBuf, Node>,
}

impl Extender<'_, '_> {
    /// The service's node with all that it extends merged in.
    ///
    /// # Errors
    /// A circle, a service or file that is not there, a path that leads outside.
    pub(super) fn flatten(&mut self, file: &Path, name: &str, node: Node) -> Result<Node, Problem> {
        self.flatten_from(file, name, node, &mut Vec::new())
    }

    fn flatten_from(&mut self, file: &Path, name: &str, node: Node, chain: &mut Vec<(PathBuf, String)>) -> Result<Node, Problem> {
        let Some(extends) = node.get("extends").cloned() else {
            return Ok(node);
        };
        chain.push((file.to_owned(), name.to_owned()));
        let (target_file, target, place) = self.target(file, &extends)?;
        let next = (target_file.clone(), target.clone());
        if let Some(start) = chain.iter().position(|step| *step == next) {
            let mut names: Vec<&str> = chain[start..].iter().map(|(_, name)| name.as_str()).collect();
            names.push(&target);
            return Err(Problem::at(&place, "extends-cycle", format!("services extend each other: {}", names.join(" → ")))
                .help("move what they share into an anchor (`x-common: &common`) or a service of its own"));
        }
        if chain.len() > LONGEST_CHAIN {
            return Err(Problem::at(
                &place,
                "extends-cycle",
                format!("`{name}` is one of more than {LONGEST_CHAIN} services that extend one another"),
            )
            .help("move what they share into an anchor (`x-common: &common`) or a service of its own"));
        }
        let services = self.parsed.get(&target_file).and_then(|top| top.get("services"));
        let Some(found) = services.and_then(|services| services.get(&target)).cloned() else {
            let names: Vec<&str> = services.and_then(Node::map).into_iter().flatten().map(|entry| entry.key.as_str()).collect();
            let title = format!("`{name}` extends `{target}`, which {} does not have", target_file.display());
            return Err(Problem::at(&place, "unknown-service", title).help(did_you_mean(&target, names)));
        };
        let base = self.flatten_from(&target_file, &target, found, chain)?;
        Ok(merge_service(base, node))
    }

    /// The file, the service and the place of its name.
    fn target(&mut self, file: &Path, extends: &Node) -> Result<(PathBuf, String, Place), Problem> {
        if let Some(name) = extends.text() {
            return Ok((file.to_owned(), self.filled(name), extends.place.clone()));
        }
        let service = extends.get("service").and_then(|node| Some((self.filled(node.text()?), node.place.clone())));
        let Some((service, place)) = service else {
            return Err(
                Problem::at(&extends.place, "bad-value", "`extends` names no service").help("write `extends: { service: NAME }`")
            );
        };
        if let Some(entry) = extends.map().into_iter().flatten().find(|entry| entry.key != "service" && entry.key != "file") {
            return Err(Problem::at(&entry.place, "unknown-key", format!("unknown key `{}` in extends", entry.key))
                .help(did_you_mean(&entry.key, ["service", "file"])));
        }
        let Some(path) = extends.get("file") else {
            return Ok((file.to_owned(), service, place));
        };
        let written = self.filled(path.text().unwrap_or_default());
        let target = self.files.inside(&path.place.source.folder, &written, &path.place)?;
        if !self.parsed.contains_key(&target) {
            let source = self.files.read(&target).map_err(|error| {
                Problem::at(&path.place, "missing-file", format!("cannot read {}: {error}", target.display()))
                    .help("a path is relative to the file that names it")
            })?;
            let top = yaml::parse(&source)?;
            self.parsed.insert(target.clone(), top);
        }
        Ok((target, service, place))
    }

    fn filled(&self, text: &str) -> String {
        interpolate(text, &|name| self.variables.find(name).map(str::to_owned)).0
    }
}

/// `over` laid over `base`, key by key as the specification says for each.
pub(crate) fn merge_service(base: Node, over: Node) -> Node {
    let place = over.place.clone();
    let (Value::Map(base), Value::Map(over)) = (base.value, over.value) else {
        return Node { value: Value::Null, place };
    };
    let base = base.into_iter().filter(|entry| entry.key != "extends").collect();
    let over = over.into_iter().filter(|entry| entry.key != "extends").collect();
    Node { value: Value::Map(merge_maps(base, over, &merge_key)), place }
}

fn merge_maps(mut base: Vec<Entry>, over: Vec<Entry>, merge: &dyn Fn(&str, Node, Node) -> Node) -> Vec<Entry> {
    // The first of a name, as in `Node::get`.
    let mut at: BTreeMap<String, usize> =
        base.iter().enumerate().rev().map(|(index, entry)| (entry.key.clone(), index)).collect();
    let mut gone = BTreeSet::new();
    for entry in over {
        match (at.get(&entry.key), entry.tag()) {
            (Some(index), Some(Tag::Reset)) => {
                gone.insert(*index);
            }
            (Some(index), Some(Tag::Override)) => base[*index] = entry,
            (Some(index), None) => {
                let below = &mut base[*index];
                let old = std::mem::replace(&mut below.value, Node { value: Value::Null, place: entry.place.clone() });
                below.value = merge(&entry.key, old, entry.value);
                below.place = entry.place;
            }
            (None, _) => {
                at.insert(entry.key.clone(), base.len());
                base.push(entry);
            }
        }
    }
    let mut index = 0;
    base.retain(|_| {
        index += 1;
        !gone.contains(&(index - 1))
    });
    base
}

/// One whole file laid over another, but for services, which come by their own way.
pub(super) fn merge_tops(base: Node, over: Node) -> Node {
    let place = base.place.clone();
    match (base.value, over.value) {
        (Value::Map(below), Value::Map(above)) => {
            let merge = |_: &str, base: Node, over: Node| merge_deep("", base, over);
            Node { value: Value::Map(merge_maps(below, above, &merge)), place }
        }
        (below, _) => Node { value: below, place },
    }
}

fn merge_key(key: &str, base: Node, over: Node) -> Node {
    match key {
        // One command is not half of another.
        "command" | "entrypoint" => over,
        "environment" | "labels" | "annotations" | "sysctls" => merge_pairs(base, over, '='),
        "extra_hosts" => merge_pairs(base, over, ':'),
        "depends_on" | "networks" => merge_deep("", named(base), named(over)),
        "build" => merge_deep("build", with_context(base), with_context(over)),
        "env_file" | "label_file" | "dns" | "dns_search" | "tmpfs" => {
            append(listed(base), listed(over), |item| item.text().map(str::to_owned))
        }
        "volumes" | "configs" | "secrets" | "devices" => append(base, over, mount_target),
        _ => merge_deep(key, base, over),
    }
}

fn merge_deep(key: &str, base: Node, over: Node) -> Node {
    let place = over.place.clone();
    match (base.value, over.value) {
        // `key:` without a value changes nothing.
        (below, Value::Null) => Node { value: below, place: base.place },
        (Value::Map(below), Value::Map(above)) => {
            let merge = |inner: &str, base: Node, over: Node| match inner {
                "test" => over,
                "args" | "labels" => merge_pairs(base, over, '='),
                _ => merge_deep(inner, base, over),
            };
            Node { value: Value::Map(merge_maps(below, above, &merge)), place }
        }
        (Value::List(below), Value::List(above)) if key != "test" => {
            let base = Node { value: Value::List(below), place: base.place };
            append(base, Node { value: Value::List(above), place }, |item| item.text().map(str::to_owned))
        }
        (_, above) => Node { value: above, place },
    }
}

fn merge_pairs(base: Node, over: Node, separator: char) -> Node {
    let place = over.place.clone();
    match (pairs(&base, separator), pairs(&over, separator)) {
        (Ok(below), Ok(above)) => Node { value: Value::Map(merge_maps(below, above, &|_, _, over| over)), place },
        // What is wrong with it is said when it is read.
        (Ok(_), Err(_)) => over,
        (Err(_), _) => base,
    }
}

/// Both lists; an item of `over` takes the place of one with the same identity.
fn append(base: Node, over: Node, identity: impl Fn(&Node) -> Option<String>) -> Node {
    let place = over.place.clone();
    match (base.value, over.value) {
        (Value::List(mut all), Value::List(above)) => {
            for item in above {
                let id = identity(&item);
                match all.iter_mut().find(|below| id.is_some() && identity(below) == id) {
                    Some(below) => *below = item,
                    None => all.push(item),
                }
            }
            Node { value: Value::List(all), place }
        }
        (below, Value::Null) => Node { value: below, place: base.place },
        (_, above) => Node { value: above, place },
    }
}

/// Where in the container a mount goes.
fn mount_target(item: &Node) -> Option<String> {
    if let Some(text) = item.text() {
        return Some(text.split(':').nth(1).unwrap_or(text).to_owned());
    }
    item.get("target").or_else(|| item.get("source")).and_then(Node::text).map(str::to_owned)
}

/// A list of names as a map of names without details.
fn named(node: Node) -> Node {
    let Value::List(list) = &node.value else {
        return node;
    };
    let entries = list.iter().filter_map(|item| {
        let empty = Node { value: Value::Null, place: item.place.clone() };
        Some(Entry { key: item.text()?.to_owned(), place: item.place.clone(), value: empty })
    });
    Node { value: Value::Map(entries.collect()), place: node.place.clone() }
}

fn with_context(node: Node) -> Node {
    let Value::Text(_) = &node.value else {
        return node;
    };
    let place = node.place.clone();
    Node { value: Value::Map(vec![Entry { key: "context".to_owned(), place: place.clone(), value: node }]), place }
}

fn listed(node: Node) -> Node {
    match texts(&node) {
        Ok(items) if node.text().is_some() => {
            Node { value: Value::List(items.into_iter().cloned().collect()), place: node.place.clone() }
        }
        _ => node,
    }
}
