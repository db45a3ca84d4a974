//! `landing.toml` and a compose file become one validated [`Project`], or every problem at once.
//!
//! Nothing here calls AWS, prints, or reads more than it is told: the process environment and the project folder are
//! parameters. Resource names, CIDRs of subnets and security rules are chosen by the blueprint, not here.

#![expect(clippy::result_large_err, reason = "a problem is built once, ends in a list, and is never on a hot path")]

mod compose;
mod files;
mod mask;
pub mod pattern;
mod place;
mod problem;
mod project;
mod proposal;
mod resolve;
mod service;
mod settings;
pub mod site;
mod suggest;

use std::{collections::BTreeMap, path::Path};

pub use crate::{
    compose::{ComposeKey, compose_keys},
    problem::{Problem, Problems},
    project::{
        AlbFrom, AlbSettings, Database, Github, Ingredient, KeyOutcome, Logs, Nat, Network, Outcome, Project, Registry, Secret,
        SecretSource, Skipped, Spa, SpaBuild, StatePlace, Volume,
    },
    service::{
        BakedFile, BakedSource, Build, BuildSecret, Condition, DatabaseAttribute, DatabaseKey, EnvValue, HealthCheck, HealthPath,
        Image, Nofile, Piece, Platform, SecretRef, Service, Smoke, VolumeMount,
    },
    settings::landing_toml_schema,
};

/// All that [`load`] may look at. The environment holds secrets, so it cannot be printed:
///
/// ```compile_fail,E0277
/// fn shown(input: landing_project::Input<'_>) -> String {
///     format!("{input:?}")
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Input<'a> {
    /// The folder of `landing.toml`; no file reference may lead out of it.
    pub dir: &'a Path,
    /// The process environment, for interpolation and for variables without a value.
    pub environment: &'a BTreeMap<String, String>,
    /// The environment to land, e.g. `dev`: chooses the `[env.…]` overlay.
    pub env_name: &'a str,
    /// Stronger than the file's `region`.
    pub region: Option<&'a str>,
}

/// What to say to somebody who names something that there is not: `did you mean …?`, or what there is.
#[must_use]
pub fn instead_of<'a>(typed: &str, names: impl IntoIterator<Item = &'a str> + Clone) -> String {
    suggest::did_you_mean(typed, names)
}

/// Reads `landing.toml` and the compose file that it names.
///
/// # Errors
/// Everything that is wrong, in file order, never just the first: [`Problems`].
pub fn load(input: &Input<'_>) -> Result<Project, Problems> {
    resolve::project(input)
}
