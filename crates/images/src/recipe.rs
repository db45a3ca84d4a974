//! What an image is made from. Plain data: paths are relative to the project's folder, and a secret's value is never in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Recipe {
    pub base: Base,
    /// As `--platform` wants it: `linux/amd64`.
    pub platform: String,
    /// Files and folders of the project that are copied over the base.
    pub baked: Vec<Baked>,
    /// How paths of the project begin that no build sees, with slashes: what `landing` writes there itself. No part of the tag.
    pub hidden: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// An image that some registry has.
    Image(String),
    Build(Build),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Build {
    pub context: PathBuf,
    /// Relative to the project's folder too, not to the context. Not read when there is an inline one.
    pub dockerfile: PathBuf,
    pub dockerfile_inline: Option<String>,
    pub args: BTreeMap<String, String>,
    pub target: Option<String>,
    /// Further named contexts: a folder of the project, or what the builder understands (`docker-image://…`, a URL).
    pub contexts: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    /// By the id that the Dockerfile mounts.
    pub secrets: BTreeMap<String, SecretSource>,
}

/// Where the value of a build secret is when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// A variable of the process environment.
    Environment(String),
    /// A file of the project.
    File(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Baked {
    pub source: BakedSource,
    /// Absolute path in the image.
    pub target: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BakedSource {
    /// A file or a folder of the project.
    File(PathBuf),
    /// What is to be in the file.
    Text(String),
}

/// Whether a named context is a folder of the project and not something that the builder itself resolves.
pub(crate) fn is_folder(context: &str) -> bool {
    !["://", "docker-image:", "target:", "service:"].iter().any(|mark| context.contains(mark))
}
