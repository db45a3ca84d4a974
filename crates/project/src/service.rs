//! One container to run: a service that stays up, or a job that ends.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use serde::Serialize;

use crate::{mask::is_credential, project::Secret};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// The compose name, at most 40 characters of `[A-Za-z0-9_-]`.
    pub name: String,
    pub image: Image,
    /// Read-only bind mounts of files and folders in the project: copied into a derived image.
    pub baked_files: Vec<BakedFile>,
    /// Volumes of the project, by path in the container.
    pub volumes: Vec<VolumeMount>,
    pub command: Option<Vec<String>>,
    pub entrypoint: Option<Vec<String>>,
    pub environment: BTreeMap<String, EnvValue>,
    /// By environment variable. Never a name that is also in `environment`.
    pub secrets: BTreeMap<String, SecretRef>,
    /// TCP ports that the container listens on, sorted.
    pub ports: Vec<u16>,
    /// The one that speaks HTTP to the load balancer.
    pub port: Option<u16>,
    pub healthcheck: Option<HealthCheck>,
    /// Deployed services and jobs only; those that are skipped are left out.
    pub depends_on: BTreeMap<String, Condition>,
    /// Fargate cpu units; with `memory` always a valid pair.
    pub cpu: u32,
    /// MiB.
    pub memory: u32,
    pub replicas: u32,
    /// Path patterns of the load balancer.
    pub paths: Vec<String>,
    /// Takes what no path matches.
    pub default: bool,
    /// The load balancer's health check.
    pub health: Option<HealthPath>,
    /// Ports open to the internet through a network load balancer.
    pub tcp: Vec<u16>,
    pub public_ip: bool,
    /// Seconds in which a starting task's failed load balancer checks do not count.
    pub grace: Option<u32>,
    #[serde(skip_serializing_if = "Smoke::is_default")]
    pub smoke: Smoke,
    pub user: Option<String>,
    pub working_dir: Option<String>,
    /// Seconds, at most 120.
    pub stop_grace_period: Option<u32>,
    pub init: bool,
    pub read_only: bool,
    pub tty: bool,
    pub interactive: bool,
    pub nofile: Option<Nofile>,
    pub cap_add: Vec<String>,
    pub cap_drop: Vec<String>,
    pub sysctls: BTreeMap<String, String>,
    /// Docker labels of the container, not AWS tags.
    pub labels: BTreeMap<String, String>,
    pub platform: Platform,
    /// More than Fargate's 20 GiB of disk, 21 to 200.
    pub ephemeral_storage_gib: Option<u32>,
    /// Other deployed services that it names in its environment, command, health check or `depends_on`.
    pub calls: BTreeSet<String>,
}

impl Service {
    /// Databases that its environment and secrets name. `secrets` are the project's.
    #[must_use]
    pub fn databases<'a>(&'a self, secrets: &'a BTreeMap<String, Secret>) -> BTreeSet<&'a str> {
        let told = self.environment.values().flat_map(EnvValue::databases);
        let secret = self.secrets.values().flat_map(|secret| match secret {
            SecretRef::DatabaseUser { database, .. } => vec![database.as_str()],
            SecretRef::Secret { name, .. } => secrets.get(name).map(|it| it.source.databases().collect()).unwrap_or_default(),
        });
        told.chain(secret).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct VolumeMount {
    /// Absolute path in the container.
    pub target: String,
    /// A `[volumes.…]` of the project.
    pub volume: String,
    pub read_only: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Image {
    /// A reference that some registry resolves.
    External(String),
    Built(Build),
}

/// Paths are relative to the project's folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Build {
    pub context: PathBuf,
    /// Relative to the project's folder too, not to the context. `None` with `dockerfile_inline`.
    pub dockerfile: Option<PathBuf>,
    pub dockerfile_inline: Option<String>,
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    /// As `docker build --platform` wants them.
    pub platforms: Vec<String>,
    /// Further named contexts: a folder of the project, an image or a URL.
    pub additional_contexts: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// By the id that the Dockerfile mounts.
    pub secrets: BTreeMap<String, BuildSecret>,
}

impl Build {
    /// Arguments whose values seem to be credentials: whoever has the image can read them.
    #[must_use]
    pub fn telling_args(&self) -> Vec<&str> {
        let telling = self.args.iter().filter(|(name, value)| is_credential(name, value));
        telling.map(|(name, _)| name.as_str()).collect()
    }
}

/// Where a build secret lies; its value is never read here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildSecret {
    /// A variable of the process environment.
    Environment(String),
    /// Relative to the project's folder.
    File(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct BakedFile {
    pub source: BakedSource,
    /// Absolute path in the container.
    pub target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BakedSource {
    /// A file or a folder, relative to the project's folder.
    File(PathBuf),
    /// The file itself: a config with `content`.
    Text(String),
}

impl std::fmt::Display for BakedSource {
    /// What is in a text is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Text(_) => f.write_str("a text of the compose file"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvValue {
    Plain(String),
    Database {
        database: String,
        attribute: DatabaseAttribute,
    },
    /// Mixed text such as `jdbc:postgresql://${database.keycloak.host}:5432/keycloak`; at least one piece is not text.
    Template(Vec<Piece>),
}

impl EnvValue {
    fn databases(&self) -> Vec<&str> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Database { database, .. } => vec![database],
            Self::Template(pieces) => pieces.iter().filter_map(Piece::database).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Piece {
    Text(String),
    /// The application's public address: the site's when there is one, else the load balancer's.
    Url,
    Database {
        database: String,
        attribute: DatabaseAttribute,
    },
}

impl Piece {
    pub(crate) fn database(&self) -> Option<&str> {
        match self {
            Self::Text(_) | Self::Url => None,
            Self::Database { database, .. } => Some(database),
        }
    }
}

/// What may be told about a database in plain text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseAttribute {
    Host,
    Port,
    Name,
    Username,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretRef {
    /// A `[secrets.…]` of the project; `key` picks a field of a JSON secret.
    Secret { name: String, key: Option<String> },
    /// A field of the master credentials that RDS manages.
    DatabaseUser { database: String, key: DatabaseKey },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DatabaseKey {
    Username,
    Password,
}

/// Within the ranges that ECS takes; times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthCheck {
    /// `["CMD", …]` or `["CMD-SHELL", text]`.
    pub command: Vec<String>,
    /// 5 to 300.
    pub interval: u32,
    /// 2 to 60.
    pub timeout: u32,
    /// 1 to 10.
    pub retries: u32,
    /// 0 to 300.
    pub start_period: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HealthPath {
    pub path: String,
    /// Another port than the service's own, e.g. Keycloak's 9000.
    pub port: Option<u16>,
    /// HTTP codes that count as healthy, e.g. `200-399`.
    pub codes: Option<String>,
}

/// What `landing smoke` asks of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Smoke {
    /// In place of the health check's path.
    pub path: Option<String>,
    /// HTTP codes that it may answer with, e.g. `200,302`.
    pub status: Option<String>,
    /// A text in the answer's body.
    pub contains: Option<String>,
    /// Its log must have entries.
    pub log: bool,
}

impl Default for Smoke {
    fn default() -> Self {
        Self { path: None, status: None, contains: None, log: true }
    }
}

impl Smoke {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    Started,
    Healthy,
    /// Ended with exit code 0.
    Completed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Nofile {
    pub soft: u32,
    pub hard: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    X86_64,
    Arm64,
}
