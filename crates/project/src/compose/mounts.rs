//! `volumes` and `configs`: read-only files of the project are copied into a derived image, named volumes are kept where landing.toml says so, everything else
//! has no place on Fargate.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    fill::fill,
    interpolate::Variables,
    values::{boolean, wrong},
    yaml::Node,
};
use crate::{
    files::Files,
    place::Place,
    problem::{Problem, toml_key},
    proposal::Line,
    resolve::plain,
    service::{BakedFile, BakedSource, VolumeMount},
    suggest::did_you_mean,
};

struct Mount<'a> {
    /// `bind`, `volume`, `tmpfs`, …
    kind: &'a str,
    source: &'a str,
    target: &'a str,
    read_only: bool,
    /// Only a part of the volume is meant.
    has_subpath: bool,
    place: &'a Place,
}

/// What a mount became.
pub(super) enum Mounted {
    Baked(BakedFile),
    Kept(VolumeMount),
    /// Left out, and why.
    Left(String),
}

/// The service that has the mounts.
pub(super) struct Owner<'a> {
    pub(super) name: &'a str,
    pub(super) image: &'a str,
    /// Compose says as whom it runs.
    pub(super) has_user: bool,
    /// The folder that its image is built from.
    pub(super) context: Option<PathBuf>,
    /// Named volumes at the file's top level.
    pub(super) declared: Option<&'a Node>,
    /// Paths that landing.toml says may be lost.
    pub(super) scratch: &'a [String],
    /// Paths that landing.toml says are only read.
    pub(super) read_only: &'a [String],
    /// Volumes that landing.toml says are kept, by what is mounted.
    pub(super) kept: &'a BTreeMap<String, String>,
}

/// What databases keep their data in, by the beginning of the path in the container.
const DATA: [&str; 9] = [
    "/var/lib/postgresql",
    "/bitnami/postgresql",
    "/var/lib/mysql",
    "/bitnami/mysql",
    "/bitnami/mariadb",
    "/data/db",
    "/bitnami/mongodb",
    "/var/lib/clickhouse",
    "/usr/share/elasticsearch/data",
];

/// Images whose programs do not run as the first user: name, uid on Debian, uid on Alpine. Source: their Dockerfiles.
const USERS: [(&str, u32, u32); 9] = [
    ("postgres", 999, 70),
    ("mysql", 999, 999),
    ("mariadb", 999, 999),
    ("mongo", 999, 999),
    ("redis", 999, 999),
    ("rabbitmq", 999, 100),
    ("wordpress", 33, 82),
    ("nextcloud", 33, 82),
    ("grafana/grafana", 472, 472),
];

/// Databases as their makers pack them, and where they keep their data.
const DATABASES: [(&str, &str); 9] = [
    ("postgres", "/var/lib/postgresql/data"),
    ("postgis/postgis", "/var/lib/postgresql/data"),
    ("pgvector/pgvector", "/var/lib/postgresql/data"),
    ("bitnami/postgresql", "/bitnami/postgresql"),
    ("bitnamilegacy/postgresql", "/bitnami/postgresql"),
    ("mysql", "/var/lib/mysql"),
    ("mariadb", "/var/lib/mysql"),
    ("mongo", "/data/db"),
    ("bitnami/mongodb", "/bitnami/mongodb"),
];

/// Those that are PostgreSQL: what other images of the name add, RDS has not got.
const POSTGRES: [&str; 5] =
    ["postgres", "postgis/postgis", "pgvector/pgvector", "bitnami/postgresql", "bitnamilegacy/postgresql"];

/// What the images of databases run when there is no data yet.
pub(crate) const FIRST_START: &str = "/docker-entrypoint-initdb.d";

/// The host's clock, which a task does not share: it is in UTC, as the servers are from which these files come.
const CLOCK: [&str; 2] = ["/etc/localtime", "/etc/timezone"];

impl Owner<'_> {
    fn scratch(&self, target: &str) -> Line {
        Line::Scratch { service: self.name.to_owned(), path: target.to_owned() }
    }

    /// Before the other ways to keep data.
    fn database(&self) -> &'static str {
        if self.is_postgres() {
            "use a database in AWS (`[databases.NAME]` in landing.toml, and this service in `skip`); or "
        } else {
            ""
        }
    }

    /// As whom the image's program runs, where that is known and compose says nothing: a volume on EFS has one owner.
    fn uid(&self) -> Option<u32> {
        let (repository, tag) = repository(self.image);
        let (_, debian, alpine) = USERS.iter().filter(|_| !self.has_user).find(|(name, ..)| *name == repository)?;
        Some(if tag.contains("alpine") { *alpine } else { *debian })
    }

    /// The volume that keeps what is bound from a path, with a name that compose has not.
    fn bound(&self, source: &str) -> Line {
        let name = plain(source);
        let is_taken = self.declared.is_some_and(|declared| declared.get(&name).is_some());
        let volume = if name.is_empty() || is_taken { plain(&format!("bound-{name}")) } else { name };
        Line::Efs { volume, bind: Some(source.to_owned()), uid: self.uid() }
    }

    /// One that RDS can stand in for, which has PostGIS and pgvector too, but no TimescaleDB.
    pub(super) fn is_postgres(&self) -> bool {
        POSTGRES.contains(&repository(self.image).0)
    }

    /// What a database without any volume loses: compose keeps what its image declares, Fargate keeps nothing.
    pub(super) fn without_volume(&self, place: &Place, volumes: Option<&Node>) -> Option<Problem> {
        let (_, data) = DATABASES.iter().find(|(name, _)| *name == repository(self.image).0)?;
        // A script for the first start or a file of settings holds no data; what cannot be read is a problem of its own.
        let only_read = |item| mount(item).is_ok_and(|mount| mount.read_only || mount.target.starts_with(FIRST_START));
        if volumes.and_then(Node::list).is_some_and(|items| !items.iter().all(only_read)) {
            return None;
        }
        let title = format!("the data of service `{}` would be lost with every task", self.name);
        let help = format!(
            "{}keep it: mount a named volume there (`data:{data}`, and `data:` under the top-level `volumes`), which `storage = \"efs\"` in \
             [volumes.data] of landing.toml keeps on Amazon EFS; or if it may be lost: `scratch = [{data:?}]` of the service",
            self.database()
        );
        let label = format!("it is kept in {data}, where nothing is mounted");
        Some(Problem::at(place, "unsupported-volume", title).label(label).help(help))
    }

    /// Compose's own way to say that a volume is the memory of one container.
    fn is_tmpfs(&self, volume: &str) -> bool {
        let options = self.declared.and_then(|declared| declared.get(volume)?.get("driver_opts"));
        options.and_then(|options| options.get("type")).and_then(Node::text) == Some("tmpfs")
    }

    /// A folder of the host that a service writes to: what becomes of it depends on what it is for.
    fn writable(&self, mount: &Mount<'_>, files: &Files<'_>) -> Problem {
        let target = mount.target;
        let title = format!("`{}` is mounted writable, and Fargate has no host folder to write to", mount.source);
        let refused = Problem::at(mount.place, "unsupported-volume", title);
        let lost = format!("`scratch = [{target:?}]` of the service in landing.toml");
        let volume = self.bound(mount.source);
        let Line::Efs { volume: name, .. } = &volume else { unreachable!("it was made as one") };
        let kept = format!(
            "`bind = {:?}` and `storage = \"efs\"` in [volumes.{}] of landing.toml, on Amazon EFS",
            mount.source,
            toml_key(name)
        );
        let Ok(path) = files.inside(&mount.place.source.folder, mount.source, mount.place) else {
            return refused.help(format!(
                "if the service only reads it, copy it into the project's folder and mount it from there with `:ro`; \
                 if it can do without: {lost}; to keep what it writes: {kept}"
            ));
        };
        let is_built_in = self.context.as_ref().is_some_and(|context| path.starts_with(context));
        let is_data = DATA.iter().any(|data| target.starts_with(data));
        if is_built_in && !is_data && files.exists(&path) {
            return refused
                .label("the image is built from it, and has it already")
                .help(format!("leave it out: {lost}"))
                .lines([self.scratch(target)]);
        }
        // The whole project has .env, .git and the state in it: nothing to put into an image unasked.
        let is_all = path == Path::new("");
        if files.exists(&path) && !is_data && !is_all {
            return refused
                .help(format!(
                    "if the service only reads it: `read-only = [{target:?}]` of the service in landing.toml, or `:ro` here; \
                     it is then put into the image. If it can do without: {lost}"
                ))
                .lines([Line::ReadOnly { service: self.name.to_owned(), path: target.to_owned() }]);
        }
        if is_all {
            return refused.help(format!("let a Dockerfile `COPY` what the service needs, and leave the mount out: {lost}"));
        }
        let there = if files.exists(&path) { " (what lies here is not brought there)" } else { "" };
        refused.help(format!("{}keep the data: {kept}{there}; or if it may be lost: {lost}", self.database())).lines([volume])
    }
}

/// The image's name, with neither registry nor `library/`, and its tag.
fn repository(image: &str) -> (&str, &str) {
    let without_digest = image.split('@').next().unwrap_or_default();
    let (path, tag) = without_digest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((without_digest, ""));
    let path = path.split_once('/').filter(|(registry, _)| registry.ends_with(".io")).map_or(path, |(_, path)| path);
    (path.strip_prefix("library/").unwrap_or(path), tag)
}

pub(super) fn read_volumes(node: &Node, owner: &Owner<'_>, files: &Files<'_>, problems: &mut Vec<Problem>) -> Vec<Mounted> {
    let Some(items) = node.list() else {
        if !node.is_null() {
            problems.push(wrong(node, "a list of volumes"));
        }
        return Vec::new();
    };
    let mounted = items.iter().map(|item| mount(item).and_then(|mount| place(&mount, owner, files)));
    mounted.filter_map(|result| result.map_err(|problem| problems.push(problem)).ok()).collect()
}

fn mount(item: &Node) -> Result<Mount<'_>, Problem> {
    if item.map().is_some() {
        const KNOWN: [&str; 9] = ["type", "source", "target", "read_only", "consistency", "bind", "volume", "tmpfs", "image"];
        let unknown =
            item.map().into_iter().flatten().find(|entry| !KNOWN.contains(&entry.key.as_str()) && !entry.key.starts_with("x-"));
        if let Some(entry) = unknown {
            return Err(super::unknown_key(&entry.place, &entry.key, "volumes", KNOWN));
        }
        let get = |key: &str| item.get(key).and_then(Node::text);
        return Ok(Mount {
            kind: get("type").unwrap_or("volume"),
            source: get("source").unwrap_or_default(),
            target: get("target").ok_or_else(|| lacks(item, "volume", "target: /path/in/the/container"))?,
            read_only: item.get("read_only").map_or(Ok(false), boolean)?,
            has_subpath: item.get("volume").is_some_and(|options| options.get("subpath").is_some()),
            place: &item.place,
        });
    }
    let text = item.text().ok_or_else(|| wrong(item, "a volume such as `./file:/path:ro`"))?;
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, options) = match parts[..] {
        [target] => ("", target, ""),
        [source, target] => (source, target, ""),
        [source, target, options] => (source, target, options),
        _ => return Err(wrong(item, "a volume such as `./file:/path:ro`")),
    };
    let is_path = source.starts_with(['.', '/', '~']);
    Ok(Mount {
        kind: if is_path { "bind" } else { "volume" },
        source,
        target,
        read_only: options.split(',').any(|option| option == "ro"),
        has_subpath: false,
        place: &item.place,
    })
}

/// The schema lets it go, and yet nothing could be mounted.
fn lacks(item: &Node, what: &str, key: &str) -> Problem {
    let name = key.split(':').next().unwrap_or(key);
    Problem::at(&item.place, "missing-key", format!("a {what} without `{name}`")).help(format!("add `{key}`"))
}

fn place(mount: &Mount<'_>, owner: &Owner<'_>, files: &Files<'_>) -> Result<Mounted, Problem> {
    let refused = |title: String, help: String| Problem::at(mount.place, "unsupported-volume", title).help(help);
    let target = mount.target;
    let without = format!("if the service can do without: `scratch = [{target:?}]` of the service in landing.toml");
    let is_in = |paths: &[String]| paths.iter().any(|path| path == target);
    if is_in(owner.scratch) {
        return Ok(Mounted::Left(format!("{target}: left out, as landing.toml says; the task's own disk is used")));
    }
    match mount.kind {
        "tmpfs" => Ok(Mounted::Left(format!("{target}: Fargate has no tmpfs, the task's own disk is used"))),
        "volume" if mount.source.is_empty() => {
            Ok(Mounted::Left(format!("{target}: an anonymous volume is the task's own disk, which goes with the task")))
        }
        "volume" | "bind" if owner.kept.contains_key(mount.source) => {
            kept(mount, &owner.kept[mount.source], is_in(owner.read_only))
        }
        "volume" if owner.is_tmpfs(mount.source) => {
            Ok(Mounted::Left(format!("{target}: Fargate has no tmpfs, the task's own disk is used")))
        }
        "volume" => {
            let volume = mount.source;
            let help = format!(
                "{}keep it on Amazon EFS: `storage = \"efs\"` in [volumes.{}] of landing.toml; or if the data may be lost: \
                 `scratch = [{target:?}]` of the service",
                owner.database(),
                toml_key(volume)
            );
            Err(refused(format!("the data of volume `{volume}` would be lost with every task"), help).lines([Line::Efs {
                volume: volume.to_owned(),
                bind: None,
                uid: owner.uid(),
            }]))
        }
        "bind" if mount.source.ends_with("docker.sock") => {
            Err(refused("there is no Docker on Fargate".to_owned(), format!("`skip` the service in landing.toml; or {without}")))
        }
        "bind" if CLOCK.contains(&mount.source) => Ok(Mounted::Left(format!(
            "{target}: the host's clock settings are left out; a task is in UTC, and `TZ` says otherwise"
        ))),
        "bind" if !mount.read_only && !is_in(owner.read_only) => Err(owner.writable(mount, files)),
        "bind" => bake(mount.source, target, mount.place, files).map(Mounted::Baked).map_err(|problem| match problem.code {
            "path-traversal" => problem.help(format!("copy it into the project's folder; or {without}")),
            "missing-file" => problem.help(format!("it belongs into the image, so it must be there; or {without}")),
            _ => problem,
        }),
        kind => Err(refused(
            format!("volumes of type `{kind}` are not supported"),
            format!("`skip` the service in landing.toml; or {without}"),
        )),
    }
}

fn kept(mount: &Mount<'_>, volume: &str, is_only_read: bool) -> Result<Mounted, Problem> {
    if mount.has_subpath {
        return Err(Problem::at(mount.place, "unsupported-volume", "a part of a volume cannot be mounted on its own")
            .help("remove `subpath`, and give each part a volume of its own if they must be apart"));
    }
    let mount = VolumeMount {
        target: absolute(mount.target, mount.place)?.to_owned(),
        volume: volume.to_owned(),
        read_only: mount.read_only || is_only_read,
    };
    Ok(Mounted::Kept(mount))
}

fn bake(source: &str, target: &str, place: &Place, files: &Files<'_>) -> Result<BakedFile, Problem> {
    let path = files.inside(&place.source.folder, source, place)?;
    if !files.exists(&path) {
        return Err(Problem::at(place, "missing-file", format!("there is no {}", path.display()))
            .help("it belongs into the image, so it must be there"));
    }
    baked(BakedSource::File(path), target, place)
}

fn baked(source: BakedSource, target: &str, place: &Place) -> Result<BakedFile, Problem> {
    Ok(BakedFile { source, target: absolute(target, place)?.to_owned() })
}

fn absolute<'a>(target: &'a str, place: &Place) -> Result<&'a str, Problem> {
    if target.starts_with('/') {
        return Ok(target);
    }
    Err(Problem::at(place, "bad-value", "the path in the container must be absolute").help("begin it with `/`"))
}

/// `configs` of a service: those from files, or with the file's text, become baked files.
pub(super) fn read_configs(
    node: &Node,
    declared: Option<&Node>,
    files: &Files<'_>,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<BakedFile> {
    let items = node.list().unwrap_or_default();
    if node.list().is_none() && !node.is_null() {
        problems.push(wrong(node, "a list of configs"));
    }
    let baked = items.iter().map(|item| {
        // Who it belongs to and its mode are the file's own: readable by all.
        const KNOWN: [&str; 5] = ["source", "target", "uid", "gid", "mode"];
        let unknown = item.map().into_iter().flatten().find(|entry| !KNOWN.contains(&entry.key.as_str()));
        match unknown.filter(|entry| !entry.key.starts_with("x-")) {
            Some(entry) => Err(super::unknown_key(&entry.place, &entry.key, "configs", KNOWN)),
            None => config(item, declared, files, variables, problems),
        }
    });
    let baked: Vec<_> = baked.collect();
    baked.into_iter().filter_map(|result| result.map_err(|problem| problems.push(problem)).ok()).collect()
}

fn config(
    item: &Node,
    declared: Option<&Node>,
    files: &Files<'_>,
    variables: &Variables<'_>,
    problems: &mut Vec<Problem>,
) -> Result<BakedFile, Problem> {
    let name = item.text().or_else(|| item.get("source")?.text());
    let name = name.ok_or_else(|| lacks(item, "config", "source: NAME"))?;
    let Some(config) = declared.and_then(|declared| declared.get(name)) else {
        return Err(Problem::at(&item.place, "unknown-config", format!("there is no config `{name}` at the file's top level"))
            .help(did_you_mean(
                name,
                declared.and_then(Node::map).into_iter().flatten().map(|entry| entry.key.as_str()).collect::<Vec<_>>(),
            )));
    };
    let config = fill(config, variables, problems);
    let target = item.get("target").and_then(Node::text).map_or_else(|| format!("/{name}"), str::to_owned);
    match (config.get("file"), config.get("content").and_then(Node::text)) {
        (Some(file), _) => bake(file.text().unwrap_or_default(), &target, &file.place, files),
        (None, Some(text)) => baked(BakedSource::Text(text.to_owned()), &target, &item.place),
        (None, None) => {
            Err(Problem::at(&item.place, "unsupported-value", format!("config `{name}` has neither `file` nor `content`"))
                .help("give it by one of the two, so that it can go into the image"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::repository;

    #[test]
    fn an_image_is_known_whatever_registry_tag_and_digest_it_has() {
        let table = [
            ("postgres", ("postgres", "")),
            ("postgres:17-alpine", ("postgres", "17-alpine")),
            ("postgres:17@sha256:0a", ("postgres", "17")),
            ("docker.io/library/mysql:8", ("mysql", "8")),
            ("docker.io/bitnami/postgresql", ("bitnami/postgresql", "")),
            ("ghcr.io/somebody/postgres:1", ("somebody/postgres", "1")),
            ("localhost:5000/postgres", ("localhost:5000/postgres", "")),
            ("", ("", "")),
        ];
        for (image, expected) in table {
            assert_eq!(repository(image), expected, "{image}");
        }
    }
}
