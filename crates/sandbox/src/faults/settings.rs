//! What can be asked for. `docs/sandbox.md` has every field with an example; a mistake in a file is an error that names its line.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::pattern::{Pattern, known_service};
use crate::services;

/// All that goes wrong. The default is an AWS on its best day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Faults {
    /// The same seed and the same calls in the same order give the same faults.
    pub seed: u64,
    /// Reads that are late, and calls that do not know yet what was just made.
    pub consistency: Option<Consistency>,
    /// What happens to single calls; the first rule that fits a call decides.
    pub calls: Vec<CallFault>,
    pub throttle: Throttle,
    /// Actions that the caller has no permission for.
    pub deny: Vec<Pattern>,
    pub credentials: Credentials,
    /// How long objects take to become ready and to vanish.
    pub durations: Durations,
    /// Limits other than AWS's defaults, by the code that AWS answers when they are exceeded (`VpcLimitExceeded`) or by the quota's name in `docs/sandbox.md`.
    #[serde(deserialize_with = "quotas")]
    pub quotas: BTreeMap<String, u64>,
    /// Objects that end in a state from which there is no way back.
    #[serde(deserialize_with = "failures")]
    pub failures: Vec<Failure>,
    /// What containers do; of those that nobody wrote anything of, services run on and one-off tasks end with 0.
    #[serde(deserialize_with = "workloads")]
    pub workloads: Vec<Workload>,
}

impl Faults {
    /// # Errors
    /// When the text is not TOML, names what does not exist or gives a value out of its range; the error shows the line.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

/// Each call is answered by one of AWS's many copies of the truth, which lags behind it by a time that is drawn for each call. So readings flap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Consistency {
    /// The longest lag, in seconds.
    #[serde(deserialize_with = "seconds")]
    pub window: f64,
    /// The share of calls, 0 to 1, that meets no lag at all.
    #[serde(deserialize_with = "share")]
    pub fresh: f64,
    /// Only these services lag; all when there are none. S3's objects and STS never lag.
    #[serde(deserialize_with = "service_names")]
    pub services: Vec<String>,
    /// The longest lag of the Tagging API, in seconds; the shortest is 5.
    #[serde(deserialize_with = "seconds")]
    pub tagging: f64,
    /// How many seconds the Tagging API still lists what is deleted, at most.
    #[serde(deserialize_with = "seconds")]
    pub ghosts: f64,
    /// The longest lag of `ListSecrets`, in seconds; AWS says that 300 are possible.
    #[serde(deserialize_with = "seconds")]
    pub secrets_list: f64,
}

impl Default for Consistency {
    fn default() -> Self {
        Self { window: 60.0, fresh: 0.3, services: Vec::new(), tagging: 60.0, ghosts: 900.0, secrets_list: 0.0 }
    }
}

/// What happens to some calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct CallFault {
    pub on: Pattern,
    /// The first call that `on` fits is 1. Without `nth` and `share` it happens to every one.
    #[serde(default)]
    pub nth: Vec<u64>,
    /// The share of them, 0 to 1, to which it happens; drawn by seed.
    #[serde(default, deserialize_with = "maybe_share")]
    pub share: Option<f64>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// Acted on; the connection is closed without an answer.
    Lost,
    /// Not acted on; the connection is closed.
    Cut,
    /// Acted on; the answer's body ends in its middle.
    Garbled,
    /// Acted on; the answer takes so many seconds.
    Slow(#[serde(deserialize_with = "seconds")] f64),
    /// Lies about for so many seconds and is acted on then, even when the client has given up.
    Late(#[serde(deserialize_with = "seconds")] f64),
    Error(Refusal),
}

impl What {
    /// Its word in the call log.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Cut => "cut",
            Self::Garbled => "garbled",
            Self::Slow(_) => "slow",
            Self::Late(_) => "late",
            Self::Error(_) => "error",
        }
    }
}

/// An answer of the caller's choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Refusal {
    /// HTTP status, 400 to 599.
    #[serde(deserialize_with = "status")]
    pub status: u16,
    /// The wire code.
    pub code: String,
    #[serde(default)]
    pub message: String,
    /// The call is acted on all the same, as behind many an HTTP 500.
    #[serde(default)]
    pub acted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Throttle {
    /// AWS's token buckets.
    pub buckets: bool,
    /// A storm: the share of calls, 0 to 1, that is refused whatever the buckets say.
    #[serde(deserialize_with = "share")]
    pub refuse: f64,
}

/// When the caller's credentials end. Each access key counts from its own first call, so that new ones are good again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Credentials {
    pub expire_after_calls: Option<u64>,
    #[serde(deserialize_with = "maybe_seconds")]
    pub expire_after_seconds: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Durations {
    #[default]
    Typical,
    Shortest,
    Longest,
    /// Between shortest and longest, drawn for each object by seed.
    Drawn,
}

/// One object that fails for good. Without `node`, `name` and `nth` it is every one of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Failure {
    pub kind: FailureKind,
    /// The value of its tag `landing:node`.
    #[serde(default)]
    pub node: Option<String>,
    /// The name that AWS knows it by.
    #[serde(default)]
    pub name: Option<String>,
    /// The first of its kind that is made is 1.
    #[serde(default)]
    pub nth: Option<u64>,
    /// The state, code or text that AWS gives; each kind has one of its own.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What the container of a task definition's family does, in every task; the first one that fits counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Workload {
    pub family: String,
    /// Only of this revision.
    #[serde(default)]
    pub revision: Option<u32>,
    /// How it ends, in the words of a failing task.
    #[serde(default)]
    pub ends: Option<String>,
    /// Of one that ends by itself; 1 when nothing is said.
    #[serde(default)]
    pub exit_code: Option<i64>,
    /// After so many seconds.
    #[serde(default, deserialize_with = "maybe_seconds")]
    pub after: Option<f64>,
    /// The lines that it writes to its log.
    #[serde(default)]
    pub log: Vec<String>,
    /// What it answers over HTTP, the first path that fits; 200 with the path as the body, where nothing is said.
    #[serde(default)]
    pub answers: Vec<Answer>,
}

/// One answer of a container over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answer {
    /// With `*` and `?`.
    pub path: String,
    #[serde(default = "ok", deserialize_with = "any_status")]
    pub status: u16,
    #[serde(default = "plain")]
    pub content_type: String,
    #[serde(default)]
    pub body: String,
}

fn ok() -> u16 {
    200
}

fn plain() -> String {
    "text/plain; charset=utf-8".to_owned()
}

fn any_status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (200..600).contains(&status) { Ok(status) } else { Err(D::Error::custom(format!("{status} is no status: 200 to 599"))) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    NatGateway,
    LoadBalancer,
    DbInstance,
    Deployment,
    Task,
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, most: f64, what: &str) -> Result<f64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=most).contains(&number) { Ok(number) } else { Err(D::Error::custom(format!("{number} is not {what}"))) }
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, 1.0, "a share: 0 to 1")
}

fn maybe_share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    share(deserializer).map(Some)
}

/// A day at most: more is a mistake in the unit.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    number(deserializer, 86_400.0, "a time in seconds: 0 to 86400")
}

fn maybe_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    seconds(deserializer).map(Some)
}

fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if (400..600).contains(&status) {
        Ok(status)
    } else {
        Err(D::Error::custom(format!("{status} is no error status: 400 to 599")))
    }
}

fn service_names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| known_service(name).map(str::to_owned).map_err(D::Error::custom)).collect()
}

fn quotas<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, u64>, D::Error> {
    let quotas = BTreeMap::<String, u64>::deserialize(deserializer)?;
    match quotas.keys().find(|name| !services::quotas::names().any(|known| known == name.as_str())) {
        None => Ok(quotas),
        Some(name) => {
            let known: Vec<&str> = services::quotas::names().collect();
            Err(D::Error::custom(format!("`{name}` is no quota; there are {}", known.join(", "))))
        }
    }
}

fn failures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Failure>, D::Error> {
    let failures = Vec::<Failure>::deserialize(deserializer)?;
    failures.iter().try_for_each(services::failures::check).map_err(D::Error::custom)?;
    Ok(failures)
}

fn workloads<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Workload>, D::Error> {
    let workloads = Vec::<Workload>::deserialize(deserializer)?;
    let ends = workloads.iter().filter_map(|workload| workload.ends.as_deref());
    ends.into_iter().try_for_each(services::failures::check_end).map_err(D::Error::custom)?;
    Ok(workloads)
}

#[cfg(test)]
mod tests {
    use super::Faults;

    /// The indented lines of the documentation's example, from its seed to its last table.
    fn example() -> String {
        let text = include_str!("../../../../docs/sandbox.md");
        let from = text.find("    seed = 42").expect("the example begins with its seed");
        text[from..]
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with("    "))
            .fold(String::new(), |all, line| all + line + "\n")
    }

    #[test]
    fn the_documentation_s_example_has_every_field() {
        let faults = Faults::from_toml(&example()).unwrap_or_else(|error| panic!("{error}"));
        let Faults { seed, consistency, calls, throttle, deny, credentials, durations, quotas, failures, workloads } = &faults;
        let nothing = Faults::default();
        assert!(*seed != nothing.seed && consistency.is_some() && calls.len() == 2 && !deny.is_empty());
        assert!(*throttle != nothing.throttle && *credentials != nothing.credentials && *durations != nothing.durations);
        assert!(!quotas.is_empty() && !failures.is_empty() && !workloads.is_empty());
        let written = toml::to_string(&faults).unwrap();
        assert_eq!(Faults::from_toml(&written).unwrap(), faults, "what is written can be read");
    }
}
