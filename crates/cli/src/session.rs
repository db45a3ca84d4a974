//! What every command that speaks to AWS begins with: the project, the connection, the facts, the blueprint, the state.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landing_aws::leftovers::Sought;
use landing_aws::{Aws, Connection, SecretValues, registry};
use landing_blueprint::{Blueprint, Facts, draw};
use landing_engine::lock::Lease;
use landing_engine::store::{LocalStore, Notebook, Store};
use landing_engine::walk::Outcome;
use landing_engine::{Clock, Disk, LiveSet, Moment, Plan, Registry, Stack, State, plan, scan};
use landing_project::{AlbFrom, Input, Project, SecretSource};

use crate::args::{Common, Locking};
use crate::commands::say;
use crate::failure::{Exit, Failure};
use crate::images::Images;
use crate::lock;
use crate::render::style;
use crate::world::{self, KeptWorld};

pub(crate) struct Session {
    pub(crate) stack: Stack,
    pub(crate) aws: Arc<Aws>,
    pub(crate) registry: Registry,
    pub(crate) blueprint: Blueprint,
    pub(crate) state_path: PathBuf,
    pub(crate) clock: Clock,
    /// Where the state lies.
    pub(crate) store: Arc<dyn Store>,
    /// Dropped last, when nothing can change the world any more.
    _world: Option<KeptWorld>,
}

/// What a command connects for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Look,
    Change,
    /// To change something that no image is needed for.
    NoImages,
}

impl Wants {
    fn of_the_world(self) -> world::Use {
        if self == Self::Look { world::Use::Look } else { world::Use::Change }
    }
}

/// The process environment; what is not UTF-8 cannot be meant for us.
pub(crate) fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?))).collect()
}

/// The project, or every problem in it drawn with its source line.
pub(crate) fn load(common: &Common) -> Result<Project, Failure> {
    let environment = environment();
    let input = Input { dir: &common.dir, environment: &environment, env_name: &common.env, region: common.region.as_deref() };
    landing_project::load(&input).map_err(|problems| {
        let color = !matches!(anstream::AutoStream::choice(&std::io::stderr()), anstream::ColorChoice::Never);
        Failure::drawn(Exit::Configuration, problems.to_string(), problems.render(color))
    })
}

pub(crate) fn state_path(common: &Common, project: &Project) -> PathBuf {
    let name = format!("{}-{}.json", project.name, project.env);
    common.state.clone().unwrap_or_else(|| common.dir.join("state").join(name))
}

impl Session {
    /// For a command that only reads: it takes no lock, and is never kept out.
    pub(crate) async fn open(common: &Common) -> Result<Self, Failure> {
        let project = load(common)?;
        let store = Arc::new(LocalStore::new(Arc::new(Disk), &state_path(common, &project)));
        Self::connect(common, &project, store, Wants::Look).await
    }

    /// For a command that changes something: the lock is ours when it begins to read. Let it go with [`Session::end`], however the command ends.
    pub(crate) async fn begin(common: &Common, command: &str, locking: Locking) -> Result<(Self, Arc<Lease>), Failure> {
        let project = load(common)?;
        let store = Arc::new(LocalStore::new(Arc::new(Disk), &state_path(common, &project)));
        let wants = if command == "down" { Wants::NoImages } else { Wants::Change };
        // The world of `--sandbox` is read whole and written whole, so it must not be read before the last run has written it.
        if common.sandbox {
            let lease = lock::take(store.clone(), command, locking, Clock::starting(0, 1.0)).await?;
            let session = Self::connect(common, &project, store, wants).await;
            if session.is_err() {
                lock::release(&lease).await;
            }
            return Ok((session?, lease));
        }
        let session = Self::connect(common, &project, store, wants).await?;
        // A lock on this machine lives by this machine's clock, however fast the AWS is.
        let clock = if session.store.is_remote() { session.clock } else { Clock::starting(0, 1.0) };
        let lease = lock::take(session.store.clone(), command, locking, clock).await?;
        Ok((session, lease))
    }

    /// Writes the world of `--sandbox` and lets the lock go, in this order.
    pub(crate) async fn end(self, lease: &Lease) {
        drop(self);
        lock::release(lease).await;
    }

    async fn connect(common: &Common, project: &Project, store: Arc<dyn Store>, how: Wants) -> Result<Self, Failure> {
        let state_path = state_path(common, project);
        let region = common.region.clone().or_else(|| project.region.clone());
        let scale = time_scale(common)?;
        let world = match common.sandbox {
            true => {
                let faults = world::faults(common.sandbox_faults.as_deref())?;
                let region = region.as_deref().unwrap_or(world::REGION);
                Some(KeptWorld::open(&KeptWorld::beside(&state_path), region, scale, how.of_the_world(), faults)?)
            }
            false => None,
        };
        let connection = Connection {
            region: region.or_else(|| world.as_ref().map(|_| world::REGION.to_owned())),
            profile: common.profile.clone(),
            endpoint_url: common.endpoint_url.clone(),
            in_process: world.as_ref().map(|world| world.sandbox.http_client()),
            time_scale: world.as_ref().map(|_| world::SCALE),
        };
        let secrets = SecretValues::new(secret_values(project, world.is_some()));
        let aws = Arc::new(Aws::connect(connection, secrets).await?);
        let images = match how {
            Wants::NoImages => Images::default(),
            _ => Images::look(project, &aws, world.as_ref()).await?,
        };
        let facts = facts(project, &aws, &images).await?;
        let mut blueprint = draw(project, &facts).map_err(|error| {
            Failure::new(Exit::Configuration, error.to_string()).help("lower `zones` under [network], or choose another region")
        })?;
        blueprint.notices.extend(images.notice);
        let clock = match &world {
            Some(world) => Clock::starting(world.sandbox.with_world(|world| world.now) / 1000, scale),
            None => Clock::starting(present(scale), scale),
        };
        Ok(Self {
            stack: blueprint.stack.clone(),
            registry: registry(&aws),
            aws,
            blueprint,
            state_path,
            clock,
            store,
            _world: world,
        })
    }

    /// The state with what a killed run left in its journal.
    pub(crate) async fn state(&self) -> Result<State, Failure> {
        Ok(self.notebook().await?.1)
    }

    /// The same, with the hold on it that is needed to write it.
    pub(crate) async fn notebook(&self) -> Result<(Notebook, State), Failure> {
        let notebook = Notebook::open(self.store.clone(), Arc::new(Disk), &self.state_path).await?;
        let state = notebook.state(&self.stack, &self.aws.account, &self.aws.region)?;
        state.notes.iter().for_each(|note| say(&format!("{}: {note}", style::change("note"))));
        Ok((notebook, state))
    }

    pub(crate) async fn scan(&self, state: &State) -> Result<LiveSet, Failure> {
        Ok(scan(&self.registry, &self.stack, &self.blueprint.graph, state, &self.clock).await?)
    }

    /// The plan to reach the blueprint, or to reach nothing.
    pub(crate) fn plan(&self, down: bool, live: &LiveSet, state: &State) -> Result<Plan, Failure> {
        let nothing = landing_engine::Graph::default();
        let desired = if down { &nothing } else { &self.blueprint.graph };
        plan(&self.registry, &self.stack, desired, live, state)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()).help("this is a mistake in landing, please report it"))
    }

    /// What `down` looks for when its walk is over.
    pub(crate) fn sought<'a>(
        &'a self,
        before: &'a LiveSet,
        state: &'a State,
        outcome: &'a Outcome,
        began: Moment,
        has_history: bool,
    ) -> Sought<'a> {
        Sought {
            aws: &self.aws,
            registry: &self.registry,
            stack: &self.stack,
            project: &self.blueprint.graph,
            before,
            state,
            outcome,
            clock: self.clock,
            began,
            has_history,
        }
    }

    /// Where this run works, in words.
    pub(crate) fn place(&self) -> String {
        format!("{}, account {}", self.aws.region, self.aws.account)
    }
}

/// How fast the AWS is that this run speaks to; 1 for the real one.
fn time_scale(common: &Common) -> Result<f64, Failure> {
    match common.time_scale {
        Some(_) if !common.sandbox && common.endpoint_url.is_none() => {
            Err(Failure::new(Exit::Configuration, "--time-scale is for a sandbox, and AWS keeps its own time")
                .help("add --sandbox, or the --endpoint-url of `landing sandbox serve`; or leave --time-scale out"))
        }
        Some(scale) => Ok(scale),
        None if common.sandbox => Ok(world::SCALE),
        None => Ok(1.0),
    }
}

/// AWS time in seconds since 1970. A sandbox's seconds are counted from 2026 on, so that the time which one run wrote down is never ahead of the next run's.
fn present(scale: f64) -> u64 {
    const YEAR_2026: f64 = 1_767_225_600.0;
    let wall = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
    (YEAR_2026 + (wall - YEAR_2026) * scale) as u64
}

/// Only the variables that the project's secrets name are ever read as secrets. A rehearsal in the sandbox goes on without them.
fn secret_values(project: &Project, rehearsal: bool) -> Vec<(String, String)> {
    let variables = project.secrets.values().filter_map(|secret| match &secret.source {
        SecretSource::Environment { variable } => Some(variable),
        SecretSource::Generate { .. } => None,
    });
    let made_up = rehearsal.then(|| "made up by landing for the sandbox".to_owned());
    variables.filter_map(|variable| Some((variable.clone(), std::env::var(variable).ok().or(made_up.clone())?))).collect()
}

async fn facts(project: &Project, aws: &Aws, images: &Images) -> Result<Facts, Failure> {
    let prefix_list = async {
        match project.alb.from {
            AlbFrom::CloudFront => aws.cloudfront_prefix_list().await.map(Some),
            AlbFrom::Internet => Ok(None),
        }
    };
    let (zones, cloudfront_prefix_list) = tokio::try_join!(aws.zones(), prefix_list)?;
    Ok(Facts {
        account: aws.account.clone(),
        region: aws.region.clone(),
        partition: aws.partition.clone(),
        zones,
        images: images.facts.clone(),
        no_builder: images.no_builder.clone(),
        cloudfront_prefix_list,
    })
}

/// Facts for commands that only read the state file: enough to know which outputs there are.
pub(crate) fn facts_of(state: &State) -> Facts {
    Facts {
        account: state.account.clone(),
        region: state.region.clone(),
        partition: "aws".into(),
        zones: ["a", "b", "c", "d", "e", "f"].map(|letter| format!("{}{letter}", state.region)).to_vec(),
        ..Facts::default()
    }
}

/// A path as people write it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
