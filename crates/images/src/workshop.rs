//! Where images are built and pushed: the project's folder, its recipes by tag, the builder, and how many builds it does at a time.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::builder::{Builder, Tool};
use crate::explain::{BuildError, Cause, During, explain};
use crate::login::{Login, write_private};
use crate::recipe::{Base, Recipe, SecretSource};
use crate::run::{Died, Invocation, run};
use crate::stage::{Staged, stage};
use crate::tag::Tagger;

/// Builds at a time: one alone leaves the processor idle while it loads, more of them only share it.
const AT_ONCE: usize = 2;

/// Names that mean something to the builder itself: an argument of the build that is called so is not put into the builder's environment.
const BUILDERS_OWN: [&str; 12] =
    ["PATH", "HOME", "USER", "SHELL", "PWD", "TMPDIR", "LANG", "LD_", "DOCKER_", "BUILD", "STORAGE_", "CONTAINER"];

#[derive(Debug)]
pub struct Workshop {
    dir: PathBuf,
    builder: Builder,
    recipes: BTreeMap<String, Recipe>,
    /// Values of build secrets, by variable.
    secrets: BTreeMap<String, SecretString>,
    /// Docker's configuration of the user.
    docker_config: Option<PathBuf>,
    benches: Semaphore,
}

/// An image in the builder's own store.
#[derive(Debug)]
pub struct Built {
    /// Under this name.
    pub local: String,
}

impl Workshop {
    /// `dir` is the project's folder, `recipes` what may be asked for by tag; `environment` is the process's: build secrets come from it, and it says where the
    /// user's docker configuration is.
    pub fn new(
        dir: PathBuf,
        builder: Builder,
        recipes: BTreeMap<String, Recipe>,
        environment: &BTreeMap<String, String>,
    ) -> Self {
        let sources = recipes.values().flat_map(|recipe| match &recipe.base {
            Base::Build(build) => build.secrets.values().collect::<Vec<_>>(),
            Base::Image(_) => Vec::new(),
        });
        let variables = sources.filter_map(|source| match source {
            SecretSource::Environment(name) => Some(name),
            SecretSource::File(_) => None,
        });
        let secrets = variables.filter_map(|name| Some((name.clone(), environment.get(name)?.clone().into()))).collect();
        let home = environment.get("HOME").map(|home| PathBuf::from(home).join(".docker"));
        let docker_config = environment.get("DOCKER_CONFIG").map(PathBuf::from).or(home);
        Self { dir, builder, recipes, secrets, docker_config, benches: Semaphore::new(AT_ONCE) }
    }

    pub fn tool(&self) -> Tool {
        self.builder.tool
    }

    /// What the build of `tag` needs and is not there, in words; found before anything is begun.
    pub fn lacks(&self, tag: &str) -> Option<String> {
        let Base::Build(build) = &self.recipes.get(tag)?.base else {
            return None;
        };
        build.secrets.iter().find_map(|(id, source)| self.secret(id, source).err()).map(|error| error.message)
    }

    /// Builds the image of `tag`; `name` is what its repository is called. `tell` hears what the builder is at. Waits until a bench is free.
    ///
    /// # Errors
    /// When it cannot be built, or the sources are not those of the tag any more.
    pub async fn build(&self, name: &str, tag: &str, tell: &(dyn Fn(&str) + Send + Sync)) -> Result<Built, BuildError> {
        let recipe = self.recipes.get(tag).ok_or_else(|| changed("nothing of this project has the tag"))?;
        let _bench = match self.benches.try_acquire() {
            Ok(free) => Ok(free),
            Err(_) => {
                tell("waiting for its turn to be built");
                self.benches.acquire().await
            }
        };
        tell("collecting its files");
        let staged = self.staged(recipe, tag).await?;
        let local = format!("localhost/{name}:{tag}");
        let invocation = self.build_command(recipe, &staged, &local)?;
        run(invocation, &|line| progress(line).into_iter().for_each(tell)).await.map_err(|died| explain(During::Build, died))?;
        Ok(Built { local })
    }

    /// Copies the files and checks that they are the ones that the tag was made from, on a thread that may block.
    async fn staged(&self, recipe: &Recipe, tag: &str) -> Result<Staged, BuildError> {
        let (dir, recipe, tag) = (self.dir.clone(), recipe.clone(), tag.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            let staged = stage(&dir, &recipe)?;
            // After the copy: a file that was changed in between shows.
            match Tagger::new(&dir).tag(&recipe)? == tag {
                true => Ok(staged),
                false => Err(changed("its files were changed after the plan was made")),
            }
        });
        work.await.unwrap_or_else(|error| Err(changed(&format!("its files could not be collected: {error}"))))
    }

    fn build_command(&self, recipe: &Recipe, staged: &Staged, local: &str) -> Result<Invocation, BuildError> {
        let mut command = Invocation::new(&self.builder.program);
        match self.builder.tool {
            Tool::Docker if self.builder.buildx => command.args(["buildx", "build", "--load"]),
            // Layers are a cache to docker and podman by themselves.
            Tool::Buildah => command.args(["build", "--layers"]),
            Tool::Docker | Tool::Podman => command.arg("build"),
        };
        command.args(["--platform", &recipe.platform, "--tag", local]).arg("--file").arg(staged.dockerfile());
        if let Some(target) = &staged.target {
            command.args(["--target", target]);
        }
        for (name, place) in &staged.contexts {
            command.args(["--build-context", &format!("{name}={place}")]);
        }
        if let Base::Build(build) = &recipe.base {
            for (name, value) in &build.args {
                // The value may be a token: not for everybody who can list processes.
                if BUILDERS_OWN.iter().any(|own| name.starts_with(own)) {
                    command.args(["--build-arg", &format!("{name}={value}")]);
                } else {
                    command.args(["--build-arg", name]).env(name, value);
                }
            }
            for (name, value) in &build.labels {
                command.args(["--label", &format!("{name}={value}")]);
            }
            for (index, (id, source)) in build.secrets.iter().enumerate() {
                let file = staged.folder().join(format!("secret-{index}"));
                let value = self.secret(id, source)?;
                write_private(&file, value.expose_secret())
                    .map_err(|error| changed(&format!("secret `{id}` cannot be written: {error}")))?;
                command.arg("--secret").arg(format!("id={id},src={}", file.display())).hide(value);
            }
        }
        command.arg(staged.context());
        Ok(command)
    }

    fn secret(&self, id: &str, source: &SecretSource) -> Result<SecretString, BuildError> {
        let missing = |why: String| BuildError {
            cause: Cause::Sources,
            message: format!("the build secret `{id}` {why}"),
            help: "give it and run again".into(),
            said: Vec::new(),
        };
        match source {
            SecretSource::Environment(name) => self
                .secrets
                .get(name)
                .cloned()
                .ok_or_else(|| missing(format!("comes from the environment variable {name}, which is not set"))),
            SecretSource::File(path) => {
                let read = std::fs::read_to_string(self.dir.join(path)).map(SecretString::from);
                read.map_err(|error| missing(format!("is in {}: {error}", path.display())))
            }
        }
    }

    /// Pushes it as `repository:tag`. Pushing again is harmless: layers that are there are not sent.
    ///
    /// # Errors
    /// When the registry refuses it or cannot be reached.
    pub async fn push(
        &self,
        built: &Built,
        repository: &str,
        tag: &str,
        login: &Login,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), BuildError> {
        let remote = format!("{}/{repository}:{tag}", login.host());
        tell("pushing");
        let pushed = match self.builder.tool {
            Tool::Docker => self.push_by_docker(built, &remote, login, tell).await,
            Tool::Podman | Tool::Buildah => self.push_by_podman(built, &remote, login, tell).await,
        };
        pushed.map_err(|died| explain(During::Push, died))
    }

    async fn push_by_podman(
        &self,
        built: &Built,
        remote: &str,
        login: &Login,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), Died> {
        let folder = login.auth_folder().map_err(no_login)?;
        let mut command = Invocation::new(&self.builder.program);
        command.arg("push").arg("--authfile").arg(folder.path().join("auth.json"));
        if login.is_plain_http() {
            command.arg("--tls-verify=false");
        }
        command.arg(&built.local).arg(format!("docker://{remote}")).hide(login.password.clone());
        run(command, &|line| progress(line).into_iter().for_each(tell)).await
    }

    /// Docker pushes an image under its own name only.
    async fn push_by_docker(
        &self,
        built: &Built,
        remote: &str,
        login: &Login,
        tell: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), Died> {
        let folder = login.docker_folder(self.docker_config.as_deref()).map_err(no_login)?;
        let docker = |args: [&OsStr; 2]| {
            let mut command = Invocation::new(&self.builder.program);
            command.args(args).env("DOCKER_CONFIG", folder.path()).hide(login.password.clone());
            command
        };
        let mut tag = docker(["tag".as_ref(), built.local.as_ref()]);
        tag.arg(remote);
        run(tag, &|_| {}).await?;
        run(docker(["push".as_ref(), remote.as_ref()]), &|line| progress(line).into_iter().for_each(tell)).await?;
        // The second name has served its purpose; the image stays under the first.
        let _ = run(docker(["rmi".as_ref(), remote.as_ref()]), &|_| {}).await;
        Ok(())
    }
}

fn no_login(error: std::io::Error) -> Died {
    Died { said: vec![error.to_string()], how: "the login could not be written to a temporary folder".into() }
}

fn changed(what: &str) -> BuildError {
    BuildError { cause: Cause::Sources, message: what.to_owned(), help: "run again".into(), said: Vec::new() }
}

/// The lines that say how far a builder is: steps, layers. Everything else is kept for when it fails.
fn progress(line: &str) -> Option<&str> {
    let line = line.trim();
    let buildkit = line.strip_prefix('#').and_then(|rest| rest.split_once(' ')).map(|(_, rest)| rest);
    if let Some(step) = buildkit.filter(|rest| rest.starts_with('[') && !rest.starts_with("[internal]")) {
        return Some(step);
    }
    let starts = ["STEP ", "Step ", "COMMIT ", "Copying blob", "Writing manifest"];
    starts.iter().any(|start| line.starts_with(start)).then_some(line)
}
