//! What a validated project is. A secret's value is never in it, only where the value comes from.

use std::{collections::BTreeMap, path::PathBuf};

use ipnet::Ipv4Net;
use serde::Serialize;

use crate::pattern::matches;
use crate::problem::toml_key;
use crate::service::{Piece, Service};
use crate::suggest::did_you_mean;

/// One environment of one project, ready for the blueprint.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Project {
    /// Lower case, at most 20 characters, so that every derived AWS name fits.
    pub name: String,
    pub env: String,
    /// `None` leaves the choice to the command line and the AWS profile.
    pub region: Option<String>,
    /// The folder of `landing.toml`, as it was given to `load`.
    pub dir: PathBuf,
    /// The compose file and every file that it took in, relative to `dir`.
    pub files: Vec<PathBuf>,
    pub state: StatePlace,
    pub network: Network,
    /// Long-running services, by name.
    pub services: Vec<Service>,
    /// One-off tasks, by name: `restart: "no"`, or somebody waits for their completion.
    pub jobs: Vec<Service>,
    pub skipped: Vec<Skipped>,
    pub secrets: BTreeMap<String, Secret>,
    pub databases: BTreeMap<String, Database>,
    /// Named volumes whose data is kept.
    pub volumes: BTreeMap<String, Volume>,
    pub spa: Option<Spa>,
    pub github: Option<Github>,
    pub alb: AlbSettings,
    pub logs: Logs,
    pub registry: Registry,
    /// What became of every compose key, for `landing validate`. Sorted by service, then key.
    pub keys: Vec<KeyOutcome>,
}

impl Project {
    /// A service or a job by its compose name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Service> {
        self.services.iter().chain(&self.jobs).find(|service| service.name == name)
    }

    /// What to say to somebody who names a service or a job that there is not: why it is not deployed, what was meant, or what there is.
    #[must_use]
    pub fn instead_of(&self, name: &str) -> String {
        if let Some(skipped) = self.skipped.iter().find(|skipped| skipped.name == name) {
            return format!("it is not deployed: {}", skipped.reason);
        }
        did_you_mean(name, self.services.iter().chain(&self.jobs).map(|service| service.name.as_str()))
    }

    /// What is allowed and hardly meant: a path of a service behind which nobody sees the site. CloudFront asks the API's patterns first.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        // The first page, and an address of which only the application in the browser knows.
        let hides = |pattern: &&String| ["/", "/landing/smoke"].iter().any(|path| matches(pattern, path));
        let hidden = self.services.iter().filter(|_| self.spa.is_some()).filter_map(|service| {
            let pattern = service.paths.iter().find(hides)?;
            Some(format!(
                "`{pattern}` in `paths` of [services.{0}] takes the addresses of the site, so nobody sees what [spa] publishes; give {0} paths of its own, such as \"/api/*\"",
                service.name
            ))
        });
        hidden.collect()
    }
}

/// Where the state lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatePlace {
    /// A file in the project's folder.
    Local,
    S3 {
        /// `None`: one that `landing` names and makes.
        bucket: Option<String>,
        /// Empty, or ends in a slash.
        prefix: String,
    },
}

/// In compose, not in AWS.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Skipped {
    pub name: String,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    pub cidr: Ipv4Net,
    /// Availability zones, each with a public and a private subnet.
    pub zones: u8,
    pub nat: Nat,
}

/// How private subnets reach the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nat {
    /// One gateway for all zones: cheap, and what an unset `nat` means.
    Single,
    PerZone,
    /// No gateway; tasks run in public subnets.
    None,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Secret {
    pub name: String,
    pub source: SecretSource,
}

/// Where a secret's value comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// The variable of the process environment, read when the secret is written.
    Environment { variable: String },
    /// With a `username` the secret is JSON with `username` and `password`, else the bare password.
    Generate { length: u32, username: Option<String> },
    /// Put together from other values, secret and plain; made anew when one of them changes.
    Template(Vec<Ingredient>),
}

impl SecretSource {
    /// Databases whose addresses are in it.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.ingredients().iter().filter_map(|ingredient| match ingredient {
            Ingredient::Plain(piece) => piece.database(),
            Ingredient::Secret { .. } => None,
        })
    }

    /// Names of the secrets whose values are in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.ingredients().iter().filter_map(|ingredient| match ingredient {
            Ingredient::Secret { name, .. } => Some(name.as_str()),
            Ingredient::Plain(_) => None,
        })
    }

    fn ingredients(&self) -> &[Ingredient] {
        if let Self::Template(ingredients) = self { ingredients } else { &[] }
    }
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ingredient {
    Plain(Piece),
    /// A `[secrets.…]` of the project that is no template itself; `key` picks a field of a JSON secret.
    Secret {
        name: String,
        key: Option<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Database {
    pub name: String,
    /// `postgres`; others are refused for now.
    pub engine: String,
    pub version: String,
    pub class: String,
    pub storage_gib: u32,
    /// Equal to `storage_gib` when it may not grow.
    pub max_storage_gib: u32,
    pub database_name: String,
    pub master_user: String,
    /// Services and jobs that may reach it, by name.
    pub used_by: Vec<String>,
    pub backup_days: u32,
    pub multi_az: bool,
    pub deletion_protection: bool,
    /// The secret of the project that keeps the master password. `None`: RDS makes it, keeps it and changes it every seven days.
    pub password: Option<String>,
}

/// A named volume of compose on a file system of its own, so that it can go without touching another one's data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Volume {
    /// The compose name, at most 40 characters of `[A-Za-z0-9_-]`.
    pub name: String,
    /// As whom everybody reads and writes, whoever a container runs as; never 0.
    pub uid: u32,
    pub gid: u32,
    pub backup: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Spa {
    /// Relative to the project's folder; it may not exist yet.
    pub dist: PathBuf,
    pub build: Option<SpaBuild>,
    pub price_class: String,
}

/// What makes the files of a single-page application.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SpaBuild {
    /// For a shell.
    pub command: String,
    /// Where it runs, relative to the project's folder.
    pub dir: PathBuf,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Github {
    /// `org/repo`.
    pub repository: String,
    /// One of `branch` and `environment` is given, and both may be.
    pub branch: Option<String>,
    pub environment: Option<String>,
    /// Whether pull requests have a role that lets them plan.
    pub plan: bool,
    /// ARN of a role that may do all that `up` does.
    pub up_role: Option<String>,
    /// Twelve digits.
    pub account: Option<String>,
    /// Shell lines that install `landing`.
    pub install: Option<String>,
    /// What the steps in which `landing` runs find in their environment, as the workflow's own expressions.
    pub env: BTreeMap<String, String>,
}

impl Github {
    /// The branch whose pushes deploy.
    pub fn deploys_from(&self) -> &str {
        self.branch.as_deref().unwrap_or("main")
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AlbSettings {
    pub from: AlbFrom,
}

/// Who may connect to the load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlbFrom {
    Internet,
    CloudFront,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Logs {
    /// One of the values that CloudWatch Logs allows.
    pub retention_days: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Registry {
    pub keep_images: u32,
    /// What builds images: `docker`, `podman`, `buildah`, the path of one, `auto` or `none`.
    pub builder: Option<String>,
}

impl Project {
    /// What to say when compose publishes ports and landing.toml lets nobody in, with the lines that would.
    #[must_use]
    pub fn closed(&self) -> Option<String> {
        let is_open =
            |service: &Service| !service.paths.is_empty() || service.default || !service.tcp.is_empty() || service.public_ip;
        if self.spa.is_some() || self.services.iter().any(is_open) {
            return None;
        }
        let publishes = |service: &&Service| {
            let is_of_it = |row: &&KeyOutcome| row.service.as_deref() == Some(&service.name) && row.key == "ports";
            // Behind Traefik no port is published.
            let is_routed = service.labels.keys().any(|label| label.starts_with("traefik.http."));
            (is_routed || self.keys.iter().any(|row| is_of_it(&row)))
                && service.ports.iter().any(|port| !OF_NO_BROWSER.contains(port))
        };
        let found: Vec<&Service> = self.services.iter().filter(publishes).collect();
        let table = |service: &Service| {
            let port = service.port.or_else(|| service.ports.iter().copied().find(|port| !OF_NO_BROWSER.contains(port)));
            let port = port.filter(|_| service.port.is_none()).map(|port| format!(", `port = {port}`"));
            format!("[services.{}]{}", toml_key(&service.name), port.unwrap_or_default())
        };
        let words = match found[..] {
            [] => return None,
            [one] => format!("`default = true` in {} opens it", table(one)),
            _ => {
                let tables = found.iter().map(|service| table(service)).collect::<Vec<_>>().join(", ");
                format!("`default = true` for one and `paths = [\"/api/*\"]` for others open them: {tables}")
            }
        };
        Some(format!("nothing here can be reached from the internet, whatever ports compose publishes; in landing.toml {words}"))
    }
}

/// Databases, queues and shells: nobody asks them over HTTP.
const OF_NO_BROWSER: [u16; 14] = [22, 25, 53, 1433, 2181, 3306, 5432, 5672, 6379, 9092, 9300, 11211, 27017, 50051];

/// What became of one compose key of one service (`None`: a key of the file's top level).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeyOutcome {
    pub service: Option<String>,
    pub key: String,
    pub file: PathBuf,
    pub line: usize,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Mapped {
        to: String,
    },
    Ignored {
        reason: String,
    },
    /// Only on services that are not deployed: on a deployed one it is a problem.
    Refused {
        fix: String,
    },
}
