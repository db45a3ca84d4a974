//! `landing.toml`: its shape (the serde types below are the only description of it) and how it is read.
//!
//! The types hold plain values; the place of a value is asked of the [`Document`] by its path, so that the
//! types stay as simple as the file and the JSON schema comes from them unchanged.

mod document;
mod schema;
mod unknown;

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::Deserialize;

pub(crate) use document::{Document, MINIMAL, read};
pub use schema::landing_toml_schema;

/// What compose cannot say: everything has a default except the name.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Starts every AWS name: lower-case letters, digits and hyphens, a letter first, at most 20 characters.
    pub(crate) name: Option<String>,
    /// The compose file, or several, each laid over those before it. Default: docker-compose.yml, compose.yaml, compose.yml or docker-compose.yaml.
    pub(crate) compose: Option<ComposeFiles>,
    /// The AWS region, e.g. us-west-2.
    pub(crate) region: Option<String>,
    /// Where the state lies. `"local"` (the default): a file beside this one. `"s3"`: a bucket that `landing` makes, for teams and CI.
    pub(crate) state: Option<StateSetting>,
    /// Compose services that are not deployed.
    pub(crate) skip: Vec<String>,
    /// Active compose profiles.
    pub(crate) profiles: Vec<String>,
    /// What compose cannot say about its services, by service name.
    pub(crate) services: BTreeMap<String, ServiceSettings>,
    /// Secrets in AWS Secrets Manager.
    pub(crate) secrets: BTreeMap<String, SecretSettings>,
    /// Databases in Amazon RDS.
    pub(crate) databases: BTreeMap<String, DatabaseSettings>,
    /// Where the data of compose's named volumes is kept, by volume name.
    pub(crate) volumes: BTreeMap<String, VolumeSettings>,
    /// A single-page application behind CloudFront.
    pub(crate) spa: Option<SpaSettings>,
    /// The repository whose GitHub Actions may deploy.
    pub(crate) github: Option<GithubSettings>,
    /// The VPC.
    pub(crate) network: NetworkSettings,
    /// The load balancer.
    pub(crate) alb: AlbFileSettings,
    /// CloudWatch Logs.
    pub(crate) logs: LogsSettings,
    /// The image registry.
    pub(crate) registry: RegistrySettings,
    /// Any key again, for one environment: `[env.staging]`.
    pub(crate) env: BTreeMap<String, Settings>,
}

impl Settings {
    /// Whether anything has a public address.
    pub(crate) fn is_public(&self) -> bool {
        self.spa.is_some() || self.services.values().any(|service| service.default || !service.paths.is_empty())
    }
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum ComposeFiles {
    One(String),
    Many(#[schemars(length(min = 1))] Vec<String>),
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum StateSetting {
    Word(#[schemars(extend("enum" = ["local", "s3"]))] String),
    Bucket(StateBucket),
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct StateBucket {
    /// A bucket of your own, in the stack's account and region.
    pub(crate) s3: String,
    /// Where in the bucket, e.g. `"teams/shop"`.
    pub(crate) prefix: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct ServiceSettings {
    /// Fargate CPU units; 1024 is one vCPU.
    pub(crate) cpu: Option<u32>,
    /// MiB.
    pub(crate) memory: Option<u32>,
    /// The container port that speaks HTTP.
    pub(crate) port: Option<u16>,
    /// Path patterns of the load balancer, e.g. `/api/*`.
    pub(crate) paths: Vec<String>,
    /// Takes the requests that no path matches.
    pub(crate) default: bool,
    /// The load balancer's health check: `"/health"`, `"9000/health"` or a table.
    pub(crate) health: Option<Health>,
    /// Environment variables that come from secrets: `"secret"`, `"secret:json-key"` or `"database:NAME.password"`.
    pub(crate) secrets: BTreeMap<String, String>,
    /// Environment variables; `${database.NAME.host}` (or port, name, username) is filled in.
    pub(crate) environment: BTreeMap<String, Scalar>,
    /// Ports open to the internet through a network load balancer.
    pub(crate) tcp: Vec<u16>,
    /// Paths in the container whose volumes are left out: what is written there is on the task's own disk, and is lost with it.
    pub(crate) scratch: Vec<String>,
    /// Paths in the container whose mounts are only read, as if compose said `:ro`: files of the project are put into the image.
    pub(crate) read_only: Vec<String>,
    /// Gives each task a public IP address.
    pub(crate) public_ip: bool,
    /// Running copies.
    pub(crate) replicas: Option<u32>,
    /// Seconds in which a starting task's failed checks do not count.
    pub(crate) grace: Option<u32>,
    /// What `landing smoke` asks of it, e.g. `{ path = "/api/ping", status = "200", contains = "ok" }`.
    pub(crate) smoke: Option<SmokeSettings>,
}

#[derive(Debug, Default, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct SmokeSettings {
    /// Starts with `/`, and one of the service's `paths` matches it. Default: the health check's path, where the load balancer sends it to the service.
    pub(crate) path: Option<String>,
    /// HTTP codes, e.g. `"200"`, `"200,302"` or `"200-399"`. Default: 200.
    pub(crate) status: Option<Scalar>,
    /// A text that is in the answer.
    pub(crate) contains: Option<String>,
    /// `false`: a service that writes nothing to its log is well, too.
    pub(crate) log: Option<bool>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Health {
    Short(String),
    Long(HealthTable),
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct HealthTable {
    /// Starts with `/`.
    pub(crate) path: String,
    /// Another port than the service's own.
    pub(crate) port: Option<u16>,
    /// HTTP codes that count as healthy, e.g. `200-399`.
    pub(crate) codes: Option<String>,
}

/// A value that is text in the end, so that `version = 16` is as good as `version = "16"`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Scalar {
    Text(String),
    Boolean(bool),
    Integer(i64),
    Float(f64),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
        }
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct SecretSettings {
    /// `"env:NAME"`: the value of an environment variable at deploy time.
    pub(crate) from: Option<String>,
    /// `true`, or a table with a length and a user name.
    pub(crate) generate: Option<Generate>,
    /// A text around other values: `"postgresql://${database.main.username}:${database.main.password}@${database.main.host}/app"`.
    pub(crate) template: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Generate {
    Plain(bool),
    With(GenerateTable),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct GenerateTable {
    /// Characters, 16 to 128; 32 when unset.
    pub(crate) length: Option<u32>,
    /// Makes the secret JSON with `username` and `password`.
    pub(crate) username: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct DatabaseSettings {
    /// `postgres`.
    pub(crate) engine: Option<String>,
    /// E.g. `"16"`.
    pub(crate) version: Option<Scalar>,
    /// E.g. `db.t3.micro`.
    pub(crate) class: Option<String>,
    /// GiB.
    pub(crate) storage: Option<u32>,
    /// GiB that it may grow to.
    pub(crate) max_storage: Option<u32>,
    /// The database inside the server.
    pub(crate) database: Option<String>,
    /// The master user.
    pub(crate) user: Option<String>,
    /// Services that may reach it.
    pub(crate) used_by: Vec<String>,
    /// Days of backups, 0 to 35.
    pub(crate) backup_days: Option<u32>,
    pub(crate) multi_az: bool,
    pub(crate) deletion_protection: bool,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct VolumeSettings {
    /// `"efs"`: a file system of its own in Amazon EFS.
    pub(crate) storage: Option<VolumeStorage>,
    /// A bind mount of compose that is to be this volume, e.g. `"./data"`.
    pub(crate) bind: Option<String>,
    /// The user who owns the files, whoever writes them; not 0. Default: the number in the services' `user`, else 1000.
    pub(crate) uid: Option<u32>,
    /// Their group. Default: that of the services' `user`, else as `uid`.
    pub(crate) gid: Option<u32>,
    /// Daily backups by AWS Backup, which outlive the volume.
    pub(crate) backup: bool,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VolumeStorage {
    Efs,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct SpaSettings {
    /// The folder with the built files.
    pub(crate) dist: Option<String>,
    /// The command that makes them, e.g. `npm ci && npm run build`; `up` and `deploy` run it first.
    pub(crate) build: Option<String>,
    /// Where the build runs. Default: the folder that `dist` is in.
    pub(crate) dir: Option<String>,
    /// `PriceClass_100`, `PriceClass_200` or `PriceClass_All`.
    pub(crate) price_class: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct GithubSettings {
    /// `org/repo`.
    pub(crate) repository: Option<String>,
    /// The branch that may deploy.
    pub(crate) branch: Option<String>,
    /// The GitHub environment that may deploy.
    pub(crate) environment: Option<String>,
    /// Makes a role that only reads, for the plan of pull requests.
    pub(crate) plan: bool,
    /// A role of your own that may do all that `landing up` does; the workflow then runs `up` in place of `deploy`.
    pub(crate) up_role: Option<String>,
    /// The AWS account's number; the workflow asks the repository's variable `AWS_ACCOUNT_ID` when it is not given.
    pub(crate) account: Option<String>,
    /// Shell lines that put `landing` into `~/.cargo/bin` where the workflow runs.
    pub(crate) install: Option<String>,
    /// Environment variables of the workflow's steps in which `landing` runs, e.g. `NPM_TOKEN = "${{ secrets.NPM_TOKEN }}"`.
    pub(crate) env: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct NetworkSettings {
    /// The VPC's addresses, /16 to /24. Default 10.0.0.0/16.
    pub(crate) cidr: Option<String>,
    /// Availability zones, 2 to 4. Default 2.
    pub(crate) zones: Option<u8>,
    /// `auto` (the default) is one gateway.
    pub(crate) nat: Option<NatSetting>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NatSetting {
    Auto,
    Single,
    PerZone,
    None,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct AlbFileSettings {
    /// Who may connect. Default internet.
    pub(crate) from: Option<AlbFromSetting>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AlbFromSetting {
    Internet,
    CloudFront,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct LogsSettings {
    /// One of the values that CloudWatch Logs allows. Default 7.
    pub(crate) retention_days: Option<u32>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct RegistrySettings {
    /// Images kept in each repository. Default 10.
    pub(crate) keep_images: Option<u32>,
    /// What builds images: docker, podman, buildah, the path of one, or none. Default: the first of the three that works. LANDING_BUILDER is stronger.
    pub(crate) builder: Option<String>,
}
