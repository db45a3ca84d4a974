//! The builder on this machine: docker, podman or buildah.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::timeout;

use crate::run::{Invocation, run};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Docker,
    Podman,
    Buildah,
}

impl Tool {
    /// In the order in which they are looked for.
    const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Buildah];

    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Buildah => "buildah",
        }
    }

    /// Ends well only when it can build: docker needs its daemon, podman on some systems its machine.
    fn probe(self) -> &'static [&'static str] {
        match self {
            Self::Docker => &["version", "--format", "{{.Server.Version}}"],
            Self::Podman => &["info", "--format", "{{.Host.Os}}"],
            Self::Buildah => &["version"],
        }
    }

    fn start_it(self) -> &'static str {
        match self {
            Self::Docker => "start Docker",
            Self::Podman => "run `podman machine start`",
            Self::Buildah => "run `buildah version` to see why",
        }
    }
}

/// One that works.
#[derive(Clone, Debug)]
pub struct Builder {
    pub tool: Tool,
    pub(crate) program: PathBuf,
    /// Docker with BuildKit's own command.
    pub(crate) buildx: bool,
}

/// Why nothing can be built here, and what to do about it, each in one line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Unavailable {
    pub why: String,
    pub help: String,
}

/// A daemon that does not answer in this time does not build either.
const PROBE: Duration = Duration::from_secs(10);

impl Builder {
    /// The first of docker, podman and buildah that is on `path` (the variable `PATH`) and works; only `wanted` when it names one, or is the path of one.
    ///
    /// # Errors
    /// When there is none, none works, or the wanted one does not.
    pub async fn find(wanted: Option<&str>, path: &OsStr) -> Result<Self, Unavailable> {
        let candidates = match wanted {
            Some(wanted) => vec![named(wanted, path)?],
            None => Tool::ALL.into_iter().filter_map(|tool| Some((tool, on_path(tool.name(), path)?))).collect(),
        };
        let mut broken = None;
        for (tool, program) in candidates {
            match probe(tool, &program).await {
                Ok(()) => {
                    let buildx = tool == Tool::Docker && answers(&program, &["buildx", "version"]).await.is_ok();
                    return Ok(Self { tool, program, buildx });
                }
                Err(error) => broken = broken.or(Some(error)),
            }
        }
        Err(broken.unwrap_or_else(|| Unavailable {
            why: "there is no docker, podman or buildah on this machine".into(),
            help: "install one of them".into(),
        }))
    }
}

fn named(wanted: &str, path: &OsStr) -> Result<(Tool, PathBuf), Unavailable> {
    let file = Path::new(wanted).file_name().and_then(OsStr::to_str).unwrap_or(wanted);
    let tool = Tool::ALL.into_iter().find(|tool| tool.name() == file).ok_or_else(|| Unavailable {
        why: format!("`{wanted}` is no builder"),
        help: "name docker, podman, buildah or the path of one of them; `none` builds nothing".into(),
    })?;
    let program = if wanted.contains('/') { Some(PathBuf::from(wanted)) } else { on_path(wanted, path) };
    let program = program.filter(|program| program.is_file()).ok_or_else(|| Unavailable {
        why: format!("there is no `{wanted}` on this machine"),
        help: "install it, or name another builder".into(),
    })?;
    Ok((tool, program))
}

fn on_path(name: &str, path: &OsStr) -> Option<PathBuf> {
    std::env::split_paths(path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

async fn probe(tool: Tool, program: &Path) -> Result<(), Unavailable> {
    let name = tool.name();
    answers(program, tool.probe()).await.map_err(|said| Unavailable {
        why: match said {
            Some(said) => format!("{name} is here and cannot build: {said}"),
            None => format!("{name} is here and does not answer"),
        },
        help: format!("{}, or name another builder in LANDING_BUILDER", tool.start_it()),
    })
}

/// # Errors
/// The last line that it said; `None` when it said nothing in time.
async fn answers(program: &Path, args: &[&str]) -> Result<(), Option<String>> {
    let mut invocation = Invocation::new(program);
    invocation.args(args.iter().copied());
    match timeout(PROBE, run(invocation, &|_| {})).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(died)) => Err(died.said.into_iter().rev().find(|line| !line.trim().is_empty())),
        Err(_) => Err(None),
    }
}
