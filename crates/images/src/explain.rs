//! What a builder's failure means, and what to do about it. Builders say it in many words, in an order of their own; what is known is recognised, the last
//! lines are always shown.

use std::fmt;

use regex_lite::{Captures, Regex};

use crate::context::ContextError;
use crate::run::Died;

/// Lines of the builder's that are shown with a failure.
const SHOWN: usize = 12;

/// Why an image could not be built or pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Its files, or what `up` was asked to build.
    Sources,
    NoDaemon,
    BaseImage,
    MissingSource,
    RunFailed,
    Dockerfile,
    WrongArchitecture,
    NoSpace,
    /// The registry does not let us in.
    Denied,
    /// The repository is not there, or not yet.
    NoRepository,
    /// Nothing was decided: the network, or a registry that is busy. Trying again may help.
    Passing,
    Other,
}

#[derive(Clone, Debug, thiserror::Error)]
pub struct BuildError {
    pub cause: Cause,
    /// One line.
    pub message: String,
    pub help: String,
    /// The builder's last lines.
    pub said: Vec<String>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.said.iter().try_for_each(|line| write!(f, "\n    | {line}"))
    }
}

impl From<ContextError> for BuildError {
    fn from(error: ContextError) -> Self {
        let why = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Self { cause: Cause::Sources, message: format!("{error}{why}"), help: error.help(), said: Vec::new() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum During {
    Build,
    Push,
}

struct Known {
    during: &'static [During],
    cause: Cause,
    /// In any of the last lines; the first group is what the message names.
    pattern: &'static str,
    message: &'static str,
    help: &'static str,
}

const BUILD: &[During] = &[During::Build];
const PUSH: &[During] = &[During::Push];
const BOTH: &[During] = &[During::Build, During::Push];

/// The first that fits is taken, so what explains the others comes first.
const KNOWN: &[Known] = &[
    Known {
        during: BOTH,
        cause: Cause::NoSpace,
        pattern: "no space left on device()",
        message: "the disk is full",
        help: "free some room (`docker system prune`, `podman system prune` or `buildah rmi --prune`) and run again",
    },
    Known {
        during: BOTH,
        cause: Cause::NoDaemon,
        pattern: "(?i)cannot connect to the docker daemon|is the docker daemon running|failed to connect to the docker api|cannot connect to podman()",
        message: "the builder's daemon does not answer",
        help: "start it and run again",
    },
    Known {
        during: PUSH,
        cause: Cause::NoRepository,
        pattern: "(?i)name unknown|name_unknown|repository (?:with name )?'?(\\S+?)'? does not exist",
        message: "the repository is not there",
        help: "run again: it is made before the push",
    },
    Known {
        during: PUSH,
        cause: Cause::Denied,
        pattern: "(?i)no basic auth credentials|authorization token has expired|unauthorized|authentication required|denied|403 \\(?forbidden()",
        message: "the registry does not let us push",
        help: "whoever runs landing needs the push actions of docs/permissions.md on the repository",
    },
    Known {
        during: BUILD,
        cause: Cause::WrongArchitecture,
        pattern: "(?i)exec format error()",
        message: "the build runs programs of another processor than this machine's",
        help: "set `platform` in the compose file to this machine's (Fargate has linux/amd64 and linux/arm64), or install its emulation: `docker run --privileged --rm tonistiigi/binfmt --install all`",
    },
    Known {
        during: BUILD,
        cause: Cause::MissingSource,
        pattern: "(?i)(?:failed to (?:calculate checksum|compute cache key).*|copier: stat: |checking on sources under.*: )\"/?([^\"]+)\": (?:not found|no such file)",
        message: "a COPY or ADD names `{}`, which the build does not see",
        help: "paths are relative to the build context; look for a typing mistake, and for a pattern in .dockerignore that hides it",
    },
    Known {
        during: BUILD,
        cause: Cause::RunFailed,
        pattern: "process \"(?:/bin/sh -c )?(.+?)\" did not complete successfully",
        message: "`RUN {}` failed",
        help: "the lines above are what it said; the same command fails in a build by hand, too",
    },
    Known {
        during: BUILD,
        cause: Cause::RunFailed,
        pattern: "building at STEP \"RUN (.+?)\": (?:while running runtime|exit status)",
        message: "`RUN {}` failed",
        help: "the lines above are what it said; the same command fails in a build by hand, too",
    },
    Known {
        during: BUILD,
        cause: Cause::Passing,
        pattern: "(?i)(dial tcp.*|no such host|i/o timeout|tls handshake timeout|connection refused|connection reset|toomanyrequests)",
        message: "a registry or a server that the build needs cannot be reached: {}",
        help: "look at the network (a proxy?) and run again",
    },
    Known {
        during: BUILD,
        cause: Cause::BaseImage,
        pattern: "(?:pull access denied for |failed to resolve source metadata for |initializing source docker://|reading manifest \\S+ in |short-name \")([^\\s,\"]+?)[:,]?[\\s\"]",
        message: "there is no base image `{}`, or it may not be pulled",
        help: "look at the FROM line and the tag; for a private registry, log the builder in first",
    },
    Known {
        during: BUILD,
        cause: Cause::Dockerfile,
        pattern: "(?i)dockerfile parse error.*?: (.+)|unknown instruction: (\\S+)",
        message: "the Dockerfile cannot be read: {}",
        help: "correct the line",
    },
    Known {
        during: PUSH,
        cause: Cause::Passing,
        pattern: "(?i)(dial tcp.*|no such host|i/o timeout|timeout|connection refused|connection reset|unexpected eof|broken pipe|toomanyrequests|\\b50[0234]\\b)",
        message: "the registry cannot be reached: {}",
        help: "look at the network and run again; layers that have arrived are not sent again",
    },
];

/// What the failure is, from the builder's words.
pub(crate) fn explain(during: During, died: Died) -> BuildError {
    let found =
        KNOWN.iter().filter(|known| known.during.contains(&during)).find_map(|known| Some((known, named(known, &died.said)?)));
    let said = died.said[died.said.len().saturating_sub(SHOWN)..].to_vec();
    match found {
        Some((known, name)) => {
            BuildError { cause: known.cause, message: known.message.replace("{}", &name), help: known.help.to_owned(), said }
        }
        None => {
            let what = if during == During::Build { "build" } else { "push" };
            let help =
                if said.is_empty() { "run the builder by hand to see more" } else { "the lines above are the builder's own" };
            BuildError { cause: Cause::Other, message: format!("the {what} failed ({})", died.how), help: help.to_owned(), said }
        }
    }
}

/// What the pattern caught in the last line that fits; empty when it catches nothing.
fn named(known: &Known, said: &[String]) -> Option<String> {
    let pattern = Regex::new(known.pattern).ok()?;
    let captures: Captures<'_> = said.iter().rev().find_map(|line| pattern.captures(line))?;
    let group = (1..captures.len()).find_map(|group| captures.get(group));
    Some(group.map(|found| found.as_str().trim().to_owned()).unwrap_or_default())
}
