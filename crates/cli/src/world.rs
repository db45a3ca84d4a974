//! The in-process AWS of `--sandbox`: its world lives in a file beside the state, so that separate commands see the same AWS.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use landing_sandbox::{Faults, Sandbox, World, serve_registry};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::failure::{Exit, Failure};

/// What `--time-scale` says when it is not given: ten AWS minutes in ten seconds, so that one can watch.
pub(crate) const SCALE: f64 = 60.0;

/// Where it is when nobody says a region.
pub(crate) const REGION: &str = "us-west-2";

/// What a command does with the world. Many may look at one world, and one may change it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Look,
    /// The lock of the state beside it is held, so nobody else writes the world.
    Change,
}

pub(crate) struct KeptWorld {
    pub(crate) sandbox: Sandbox,
    path: PathBuf,
    how: Use,
    /// As it was read.
    before: Option<String>,
    /// The layers that were pushed into it.
    registry: OnceLock<TempDir>,
}

impl KeptWorld {
    pub(crate) fn beside(state: &Path) -> PathBuf {
        state.with_extension("sandbox.json")
    }

    /// The world of `path`, or a fresh account.
    pub(crate) fn open(path: &Path, region: &str, scale: f64, how: Use, faults: Faults) -> Result<Self, Failure> {
        let before = std::fs::read_to_string(path);
        let world = match &before {
            Ok(text) => World::load(text).map_err(|error| {
                Failure::new(Exit::Failed, format!("{} is not a saved sandbox", path.display()))
                    .because(error.to_string())
                    .help("delete it to begin with an empty account")
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => World::new(region),
            Err(error) => return Err(Failure::new(Exit::Failed, format!("cannot read {}: {error}", path.display()))),
        };
        if world.region != region {
            return Err(Failure::new(
                Exit::Configuration,
                format!("the sandbox in {} is in {}, not {region}", path.display(), world.region),
            )
            .help("delete the file, or use the other region"));
        }
        let sandbox = Sandbox::with_faults(world, scale, faults);
        Ok(Self { sandbox, path: path.to_owned(), how, before: before.ok(), registry: OnceLock::new() })
    }

    /// Lets images be pushed into it, on a port of this machine that is free, until the process ends.
    pub(crate) async fn open_registry(&self) -> Result<(), Failure> {
        let failed = |error| Failure::new(Exit::Failed, format!("cannot open a registry on this machine: {error}"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let folder = registry_folder().map_err(failed)?;
        tokio::spawn(serve_registry(self.sandbox.clone(), listener, folder.path()).map_err(failed)?);
        // It goes with this world, which opens its registry once.
        let _ = self.registry.set(folder);
        Ok(())
    }

    pub(crate) fn save(&self) -> Result<(), Failure> {
        let write = || {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            // It holds what Secrets Manager holds, so it is for its owner alone.
            let mut file = tempfile::NamedTempFile::new_in(self.path.parent().unwrap_or(Path::new(".")))?;
            std::io::Write::write_all(&mut file, self.sandbox.save().as_bytes())?;
            file.persist(&self.path).map(|_| ()).map_err(|error| error.error)
        };
        write()
            .map_err(|error: std::io::Error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", self.path.display())))
    }
}

/// For layers that are pushed while this process lives.
pub(crate) fn registry_folder() -> std::io::Result<TempDir> {
    tempfile::Builder::new().prefix("landing-registry-").tempdir()
}

/// What is to go wrong; nothing, when no file says so.
pub(crate) fn faults(path: Option<&Path>) -> Result<Faults, Failure> {
    let Some(path) = path else {
        return Ok(Faults::default());
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::new(Exit::Configuration, format!("cannot read {}: {error}", path.display())))?;
    Faults::from_toml(&text).map_err(|error| {
        Failure::new(Exit::Configuration, format!("{} does not say what faults the sandbox is to have", path.display()))
            .because(error.to_string().trim_end())
            .help("docs/sandbox.md has every field with an example")
    })
}

impl Drop for KeptWorld {
    /// Whatever way a command ends, the world stays as it was left. One that only looked writes nothing over what another command wrote meanwhile: all
    /// that it has to say is that time went by.
    fn drop(&mut self) {
        if self.how == Use::Look && std::fs::read_to_string(&self.path).ok() != self.before {
            return;
        }
        if let Err(failure) = self.save() {
            failure.report(false);
        }
    }
}
