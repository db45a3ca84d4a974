//! What every command that speaks to AWS begins with: the project, the connection, the facts, the blueprint, the state.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use landing_aws::leftovers::Sought;
use landing_aws::state::StateBucket;
use landing_aws::{Aws, Connection, InProcess, SecretString, SecretValues, registry};
use landing_blueprint::{Blueprint, Facts, SiteFacts, draw};
use landing_engine::lock::Lease;
use landing_engine::store::{LocalStore, Notebook, ObjectStore, Store};
use landing_engine::walk::Outcome;
use landing_engine::{Clock, Disk, LiveSet, Moment, Plan, Registry, Stack, State, plan, scan, unsettled};
use landing_project::{AlbFrom, Input, Project, SecretSource, StatePlace};

use crate::args::{Common, Locking};
use crate::commands::say;
use crate::failure::{Exit, Failure};
use crate::images::Images;
use crate::lock;
use crate::render::style;
use crate::site::Site;
use crate::world::{self, KeptWorld};

pub(crate) struct Session {
    pub(crate) project: Project,
    pub(crate) stack: Stack,
    pub(crate) aws: Arc<Aws>,
    pub(crate) registry: Registry,
    pub(crate) blueprint: Blueprint,
    pub(crate) state_path: PathBuf,
    pub(crate) clock: Clock,
    /// Where the state lies.
    pub(crate) store: Arc<dyn Store>,
    /// The lock of the world of `--sandbox`, when the state's own is inside it.
    guard: Option<Arc<Lease>>,
    /// Dropped last, when nothing can change the world any more.
    _world: Option<KeptWorld>,
}

/// What a command connects for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wants {
    Look,
    Change,
    /// To change something, after the application has been built.
    ChangeAndBuild,
    /// To change something that no image and no file is needed for.
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
        Failure::problems(&common.dir, &problems, color)
    })
}

pub(crate) fn state_path(common: &Common, project: &Project) -> PathBuf {
    let name = format!("{}-{}.json", project.name, project.env);
    common.state.clone().unwrap_or_else(|| common.dir.join("state").join(name))
}

/// Where the state lies: a file that is named on the command line goes before what `landing.toml` says.
fn place(common: &Common, project: &Project) -> StatePlace {
    if common.state.is_some() { StatePlace::Local } else { project.state.clone() }
}

/// A secret's value in the place of what its variable holds; it cannot be printed.
pub(crate) struct Given {
    pub(crate) variable: String,
    pub(crate) value: SecretString,
}

/// A connection, and the state's place in it.
struct Link {
    aws: Arc<Aws>,
    store: Arc<dyn Store>,
    clock: Clock,
    world: Option<KeptWorld>,
}

/// The file, wherever the state lies: the journal is beside it.
fn local(common: &Common, project: &Project) -> Arc<LocalStore> {
    Arc::new(LocalStore::new(Arc::new(Disk), &state_path(common, project)))
}

async fn link(
    common: &Common,
    project: &Project,
    local: Arc<LocalStore>,
    how: world::Use,
    given: Option<Given>,
) -> Result<Link, Failure> {
    let region = common.region.clone().or_else(|| project.region.clone());
    let scale = time_scale(common)?;
    let world = match common.sandbox {
        true => {
            let faults = world::faults(common.sandbox_faults.as_deref())?;
            let region = region.as_deref().unwrap_or(world::REGION);
            Some(KeptWorld::open(&KeptWorld::beside(&state_path(common, project)), region, scale, how, faults)?)
        }
        false => None,
    };
    let connection = Connection {
        region: region.or_else(|| world.as_ref().map(|_| world::REGION.to_owned())),
        profile: common.profile.clone(),
        endpoint_url: common.endpoint_url.clone(),
        in_process: world.as_ref().map(|world| InProcess { api: world.sandbox.http_client(), public: world.sandbox.public() }),
        time_scale: Some(scale),
    };
    let mut secrets = SecretValues::new(secret_values(project));
    if world.is_some() {
        secrets = secrets.or_else("made up by landing for the sandbox");
    }
    if let Some(Given { variable, value }) = given {
        secrets = secrets.with(&variable, value);
    }
    let aws = Arc::new(Aws::connect(connection, secrets).await?);
    let clock = match &world {
        Some(world) => Clock::starting(world.sandbox.with_world(|world| world.now) / 1000, scale),
        None => Clock::starting(present(scale), scale),
    };
    let store: Arc<dyn Store> = match place(common, project) {
        StatePlace::Local => local,
        StatePlace::S3 { bucket, prefix } => {
            let bucket = match bucket {
                Some(name) => StateBucket::named(aws.clone(), &name, clock),
                None => StateBucket::of_landing(aws.clone(), clock),
            };
            Arc::new(ObjectStore::new(Arc::new(bucket), &format!("{prefix}{}/{}/", project.name, project.env)))
        }
    };
    Ok(Link { aws, store, clock, world })
}

/// What lies there, as bytes, and where; without asking AWS when it is a file.
pub(crate) async fn stored(common: &Common, project: &Project) -> Result<(Option<Vec<u8>>, String), Failure> {
    let file = local(common, project);
    let (store, _world): (Arc<dyn Store>, _) = match place(common, project) {
        StatePlace::Local => {
            // Refuses what is no file of ours before it is read.
            State::read(&Disk, &state_path(common, project))?;
            (file, None)
        }
        StatePlace::S3 { .. } => {
            let link = link(common, project, file, world::Use::Look, None).await?;
            (link.store, link.world)
        }
    };
    let found = store.load().await?;
    Ok((found.map(|found| found.bytes).filter(|bytes| !bytes.is_empty()), store.place()))
}

/// The state as it was written last, without the journal; and where it lies.
pub(crate) async fn stored_state(common: &Common, project: &Project) -> Result<(Option<State>, String), Failure> {
    let (bytes, place) = stored(common, project).await?;
    let state = bytes.map(|bytes| State::parse(&bytes, Path::new(&place))).transpose()?;
    Ok((state, place))
}

/// For a command that asks AWS about a few things whose names it knows: no graph, no state, no lock.
pub(crate) struct Enquiry {
    pub(crate) project: Project,
    pub(crate) stack: Stack,
    pub(crate) aws: Arc<Aws>,
    pub(crate) clock: Clock,
    _world: Option<KeptWorld>,
}

impl Enquiry {
    pub(crate) async fn open(common: &Common) -> Result<Self, Failure> {
        let project = load(common)?;
        let Link { aws, clock, world, .. } = link(common, &project, local(common, &project), world::Use::Look, None).await?;
        Ok(Self { stack: Stack::new(&project.name, &project.env), project, aws, clock, _world: world })
    }

    /// AWS's time in milliseconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        let by_our_clock = || i64::try_from(self.clock.now().saturating_mul(1000)).unwrap_or(i64::MAX);
        self.aws.now().unwrap_or_else(by_our_clock)
    }
}

impl Session {
    /// For a command that only reads: it takes no lock, and is never kept out.
    pub(crate) async fn open(common: &Common) -> Result<Self, Failure> {
        let project = load(common)?;
        Self::connect(common, &project, local(common, &project), Wants::Look, None).await
    }

    /// For a command that changes something: the lock is ours when it begins to read. Let it go with [`Session::end`], however the command ends.
    pub(crate) async fn begin(
        common: &Common,
        command: &str,
        wants: Wants,
        locking: Locking,
    ) -> Result<(Self, Arc<Lease>), Failure> {
        Self::begin_with(common, command, wants, locking, None).await
    }

    /// The same, with a secret's value that somebody has given.
    pub(crate) async fn begin_with(
        common: &Common,
        command: &str,
        wants: Wants,
        locking: Locking,
        given: Option<Given>,
    ) -> Result<(Self, Arc<Lease>), Failure> {
        let project = load(common)?;
        let file = local(common, &project);
        if !common.sandbox {
            let session = Self::connect(common, &project, file, wants, given).await?;
            let lease = session.lock(command, locking).await?;
            return Ok((session, lease));
        }
        // The world of `--sandbox` is read whole and written whole, so it must not be read before the last run has written it.
        let guard = lock::take(file.clone(), command, locking, Clock::starting(0, 1.0)).await?;
        let begun = async {
            let mut session = Self::connect(common, &project, file, wants, given).await?;
            if !session.store.is_remote() {
                return Ok((session, guard.clone()));
            }
            let lease = session.lock(command, locking).await?;
            session.guard = Some(guard.clone());
            Ok((session, lease))
        };
        let begun = begun.await;
        if begun.is_err() {
            lock::release(&guard).await;
        }
        begun
    }

    async fn lock(&self, command: &str, locking: Locking) -> Result<Arc<Lease>, Failure> {
        if let Some(made) = self.store.prepare().await? {
            say(&format!("{}: {made}", style::change("note")));
        }
        // A lock on this machine lives by this machine's clock, however fast the AWS is.
        let clock = if self.store.is_remote() { self.clock } else { Clock::starting(0, 1.0) };
        lock::take(self.store.clone(), command, locking, clock).await
    }

    /// Writes the world of `--sandbox` and lets the lock go, in this order; a lock that is in that world goes first.
    pub(crate) async fn end(self, lease: &Lease) {
        let guard = self.guard.clone();
        if guard.is_some() {
            lock::release(lease).await;
        }
        drop(self);
        lock::release(guard.as_deref().unwrap_or(lease)).await;
    }

    async fn connect(
        common: &Common,
        project: &Project,
        local: Arc<LocalStore>,
        how: Wants,
        given: Option<Given>,
    ) -> Result<Self, Failure> {
        let Link { aws, store, clock, world } = link(common, project, local, how.of_the_world(), given).await?;
        let (site, images) = match how {
            Wants::NoImages => (Site::default(), Images::default()),
            _ => {
                let site = Site::look(project, &aws, how == Wants::ChangeAndBuild).await?;
                (site, Images::look(project, &aws, world.as_ref()).await?)
            }
        };
        let facts = facts(project, &aws, &images, site.facts).await?;
        let mut blueprint = draw(project, &facts).map_err(|error| {
            Failure::new(Exit::Configuration, error.to_string()).help("lower `zones` under [network], or choose another region")
        })?;
        blueprint.notices.extend(images.notice.into_iter().chain(site.notice).chain(project.closed()));
        Ok(Self {
            project: project.clone(),
            stack: blueprint.stack.clone(),
            registry: registry(&aws),
            aws,
            blueprint,
            state_path: state_path(common, project),
            clock,
            store,
            guard: None,
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
        if self.store.is_remote() {
            self.look_for_a_file(notebook.saved())?;
        }
        let state = notebook.state(&self.stack, &self.aws.account, &self.aws.region)?;
        state.notes.iter().for_each(|note| say(&format!("{}: {note}", style::change("note"))));
        Ok((notebook, state))
    }

    /// A file of the time when the state lay here. One that says more than what lies in S3 is not passed over.
    fn look_for_a_file(&self, saved: Option<&State>) -> Result<(), Failure> {
        let (path, place) = (shown(&self.state_path), self.store.place());
        let unused = |why: &str| say(&format!("{}: {path} is not used{why}: the state lies in {place}", style::change("note")));
        let file = match State::read(&Disk, &self.state_path) {
            Ok(None) => return Ok(()),
            Ok(Some(file)) => file,
            Err(error) => {
                unused(&format!(" ({error})"));
                return Ok(());
            }
        };
        let why = match saved {
            _ if !self.is_about_this(&file) => None,
            None => Some("where there is none yet".to_owned()),
            Some(saved) if saved.lineage == file.lineage && file.serial > saved.serial => {
                Some(format!("where the one of serial {} is older", saved.serial))
            }
            Some(_) => None,
        };
        let Some(why) = why else {
            unused("");
            return Ok(());
        };
        let title = format!("{path} holds a state of serial {}, and landing.toml lets it lie in {place}, {why}", file.serial);
        Err(Failure::new(Exit::StateNeedsRepair, title)
            .help("`landing state push` moves it there; rename the file if it is not to count. Nothing was touched"))
    }

    /// Whether a state is this stack's, in this account and region.
    pub(crate) fn is_about_this(&self, state: &State) -> bool {
        let (stack, aws) = (&self.stack, &self.aws);
        [&state.project, &state.env, &state.account, &state.region] == [&stack.project, &stack.env, &aws.account, &aws.region]
    }

    pub(crate) async fn scan(&self, state: &State) -> Result<LiveSet, Failure> {
        Ok(scan(&self.registry, &self.stack, &self.blueprint.graph, state, &self.clock).await?)
    }

    /// The same for whoever is going to change what it finds.
    pub(crate) async fn settled_scan(&self, state: &State) -> Result<LiveSet, Failure> {
        let wait = unsettled(state, &self.clock);
        if !wait.is_zero() {
            let seconds = wait.as_secs();
            say(&format!("{}: the run before was cut off; AWS shows all that it did in {seconds} s", style::change("note")));
            self.clock.sleep(wait).await;
        }
        self.scan(state).await
    }

    /// The plan to reach the blueprint, or to reach nothing.
    pub(crate) fn plan(&self, down: bool, live: &LiveSet, state: &State) -> Result<Plan, Failure> {
        let nothing = landing_engine::Graph::default();
        let desired = if down { &nothing } else { &self.blueprint.graph };
        plan(&self.registry, &self.stack, desired, live, state)
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()).help("this is a mistake in landing, please report it"))
    }

    /// What there is to say besides what is done.
    pub(crate) fn notices(&self, live: &LiveSet, outcome: Option<&Outcome>) -> Vec<String> {
        self.blueprint.notices.iter().cloned().chain(self.untold(live, outcome)).collect()
    }

    /// What an emulator leaves out of its answers. (AWS leaves out only what it tells a moment later.)
    pub(crate) fn untold(&self, live: &LiveSet, outcome: Option<&Outcome>) -> Option<String> {
        let url = self.aws.far_end.emulator()?;
        let mut untold = self.registry.untold(live.nodes.values());
        for (kind, fields) in outcome.into_iter().flat_map(|outcome| &outcome.untold) {
            untold.entry(kind.clone()).or_default().extend(fields.iter().cloned());
        }
        let of_kind = |(kind, fields): (&String, &BTreeSet<String>)| {
            format!("{} of {kind}", fields.iter().map(String::as_str).collect::<Vec<_>>().join(" and "))
        };
        let fields: Vec<String> = untold.iter().map(of_kind).collect();
        let fields = (!fields.is_empty()).then(|| fields.join(", "))?;
        Some(format!("{url} is no AWS and does not tell {fields}: whether that is as it should be is not seen there"))
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

/// Only the variables that the project's secrets name are ever read as secrets.
fn secret_values(project: &Project) -> Vec<(String, String)> {
    let variables = project.secrets.values().filter_map(|secret| match &secret.source {
        SecretSource::Environment { variable } => Some(variable),
        SecretSource::Generate { .. } | SecretSource::Template(_) => None,
    });
    variables.filter_map(|variable| Some((variable.clone(), std::env::var(variable).ok()?))).collect()
}

async fn facts(project: &Project, aws: &Aws, images: &Images, site: Option<SiteFacts>) -> Result<Facts, Failure> {
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
        site,
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
