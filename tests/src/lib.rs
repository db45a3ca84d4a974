//! The whole program without its terminal: a project in a folder, an account in the sandbox, and the commands as functions.
//!
//! Every command connects anew and reads the state file anew, as a new process would. Nothing here waits on the wall clock: the tests pause tokio's.

pub mod small;
pub mod volumes;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use landing_aws::ecr::{Bench, Standing};
use landing_aws::leftovers::{Left, Sought};
use landing_aws::smoke::{Finding, Smoke};
use landing_aws::{Aws, Connection, InProcess, SecretValues, registry};
use landing_blueprint::{
    Blueprint, Facts, ImageFacts, NoBuilder, NoRenewal, Renewal, SiteFacts, draw, recipes, site_bucket, smoke,
};
use landing_engine::journal::{self, Journal};
use landing_engine::lock::Permit;
use landing_engine::plan::{Plan, Step, preflight};
use landing_engine::scan::ScanError;
use landing_engine::walk::{Options, Outcome};
use landing_engine::{
    CallError, Class, Clock, Disk, Event, Files, Graph, LiveSet, Moment, NodeName, Registry, State, Stop, plan, scan, unsettled,
    walk,
};
use landing_images::Tagger;
use landing_project::{AlbFrom, Input, Project, SecretSource, site};
use landing_sandbox::{Faults, Record, Sandbox, World};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

/// As many as the program itself allows.
const CALLS_AT_ONCE: usize = 16;

/// A project on disk and the account that it lands in.
pub struct Site {
    folder: Arc<TempDir>,
    /// Where state and journal are written.
    files: Arc<dyn Files>,
    pub sandbox: Sandbox,
    /// As without `--no-wait`.
    pub wait: bool,
    /// How long a stand-in for an image takes to be made; without it there is no builder.
    pub stand_ins: Option<Duration>,
}

/// What one `up` or `down` planned, did and asked of AWS.
pub struct Run {
    pub plan: Plan,
    pub outcome: Outcome,
    pub calls: Vec<Record>,
    pub events: Vec<Event>,
    pub notices: Vec<String>,
    /// What `down` found left.
    pub left: Option<Left>,
}

impl Run {
    /// Calls that change something, as `service:Operation`, refused ones too.
    pub fn mutations(&self) -> Vec<String> {
        self.calls.iter().filter(|call| !is_read(call)).map(|call| format!("{}:{}", call.service, call.operation)).collect()
    }

    /// The run, when everything in it went well.
    pub fn done(self) -> Self {
        assert!(self.outcome.is_complete(), "failed: {:#?}\nskipped: {:#?}", self.outcome.failed, self.outcome.skipped);
        self
    }
}

pub fn is_read(call: &Record) -> bool {
    landing_aws::is_read(&call.operation)
}

/// Why a command ended before it touched anything.
#[derive(Debug)]
pub struct Refused(pub Vec<CallError>);

impl Refused {
    /// What the exit code tells.
    pub fn classes(&self) -> BTreeSet<Class> {
        self.0.iter().map(|error| error.class).collect()
    }
}

impl From<CallError> for Refused {
    fn from(error: CallError) -> Self {
        Self(vec![error])
    }
}

impl From<ScanError> for Refused {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Calls(errors) => Self(errors.into_iter().map(|(_, error)| error).collect()),
            ScanError::Twice { .. } => panic!("{error}"),
        }
    }
}

/// What stands between the project and AWS, with all that it was made from.
pub struct Look {
    pub aws: Arc<Aws>,
    pub registry: Registry,
    pub blueprint: Blueprint,
    pub state: State,
    pub live: LiveSet,
    pub plan: Plan,
    /// What the plan leads to: the blueprint, or nothing.
    pub desired: Graph,
}

impl Site {
    /// An empty account and these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let site = Self::empty();
        files.iter().for_each(|(path, text)| site.write(path, text));
        site
    }

    /// An empty account and the reference stack.
    pub fn pulse() -> Self {
        let site = Self::empty();
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/pulse"), site.folder.path());
        site
    }

    fn empty() -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for the test"));
        let sandbox = Sandbox::new(World::new("us-west-2"), 1.0);
        Self { folder, files: Arc::new(Disk), sandbox, wait: true, stand_ins: None }
    }

    /// The same project and account as they are now, in a folder of its own and with these faults.
    pub fn fork(&self, faults: Faults) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder for the test"));
        copy(self.folder.path(), folder.path());
        let world = self.sandbox.with_world(|world| world.fork());
        let (files, sandbox) = (self.files.clone(), Sandbox::with_faults(world, 1.0, faults));
        Self { folder, files, sandbox, wait: self.wait, stand_ins: self.stand_ins }
    }

    /// The same project, as a process finds it that starts with this account and these files. The folder is shared: an edit is seen by all.
    pub fn at(&self, world: World, files: Arc<dyn Files>, faults: Faults) -> Self {
        let (folder, sandbox) = (self.folder.clone(), Sandbox::with_faults(world, 1.0, faults));
        Self { folder, files, sandbox, wait: self.wait, stand_ins: self.stand_ins }
    }

    /// The sandbox's time, as the engine counts it.
    fn clock(&self) -> Clock {
        Clock::starting(self.sandbox.with_world(|world| world.now) / 1000, 1.0)
    }

    /// Where a file of the project is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
    }

    /// Puts `new` in the place of the one `old` in a file of the project.
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(path)).expect("the file is there");
        assert_eq!(text.matches(old).count(), 1, "{old:?} must stand once in {path}");
        self.write(path, &text.replace(old, new));
    }

    pub fn state_path(&self) -> PathBuf {
        self.path("state/state.json")
    }

    pub fn state(&self) -> Option<State> {
        State::read(self.files.as_ref(), &self.state_path()).expect("the state file is whole")
    }

    pub fn forget_state(&self) {
        self.files.remove(&self.state_path()).expect("there is a state file");
    }

    /// Every object in the account.
    pub fn objects(&self) -> BTreeSet<String> {
        self.sandbox.with_world(|world| world.objects())
    }

    /// The account as data.
    ///
    /// # Panics
    /// Never: a world is plain data.
    pub fn world(&self) -> Value {
        self.sandbox.with_world(|world| serde_json::to_value(world).expect("a world is plain data"))
    }

    /// Carries on with the same account, after `change` was made in its saved form.
    pub fn tamper(&mut self, change: impl FnOnce(&mut Value)) {
        let mut world = serde_json::from_str(&self.sandbox.save()).expect("a saved world is JSON");
        change(&mut world);
        self.sandbox = Sandbox::new(World::load(&world.to_string()).expect("a world that somebody changed is still one"), 1.0);
    }

    pub fn project(&self) -> Project {
        landing_project::load(&Input { dir: self.folder.path(), environment: &BTreeMap::new(), env_name: "dev", region: None })
            .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
    }

    pub async fn connect(&self, project: &Project) -> Aws {
        self.try_connect(project).await.expect("the sandbox lets everybody in")
    }

    async fn try_connect(&self, project: &Project) -> Result<Aws, CallError> {
        self.connect_with(project, None).await
    }

    /// `given`: a variable, and another value for it.
    async fn connect_with(&self, project: &Project, given: Option<(&str, &str)>) -> Result<Aws, CallError> {
        let variables = project.secrets.values().filter_map(|secret| match &secret.source {
            SecretSource::Environment { variable } => Some((variable.clone(), format!("a value for {variable}"))),
            SecretSource::Generate { .. } | SecretSource::Template(_) => None,
        });
        let connection = Connection {
            region: Some("us-west-2".into()),
            in_process: Some(InProcess { api: self.sandbox.http_client(), public: self.sandbox.public() }),
            ..Connection::default()
        };
        let values = SecretValues::new(variables);
        let values = match given {
            Some((variable, value)) => values.with(variable, value.into()),
            None => values,
        };
        Aws::connect(connection, values).await
    }

    /// The path that all commands share, up to the plan.
    pub async fn look(&self, down: bool) -> Look {
        self.try_look(down).await.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// The same on a day on which AWS may not even be read.
    ///
    /// # Errors
    /// When a command would end here, having touched nothing.
    pub async fn try_look(&self, down: bool) -> Result<Look, Refused> {
        self.look_with(down, None).await
    }

    async fn look_with(&self, down: bool, given: Option<(&str, &str)>) -> Result<Look, Refused> {
        let project = self.project();
        let aws = Arc::new(self.connect_with(&project, given).await?);
        let facts = facts(&project, &aws, self.stand_ins).await?;
        let blueprint = draw(&project, &facts).expect("the region has zones enough");
        let registry = registry(&aws);
        let state = State::open(self.files.as_ref(), &self.state_path(), &blueprint.stack, &aws.account, &aws.region)
            .expect("the state is ours");
        self.clock().sleep(unsettled(&state, &self.clock())).await;
        let live = scan(&registry, &blueprint.stack, &blueprint.graph, &state, &self.clock()).await?;
        let desired = if down { Graph::default() } else { blueprint.graph.clone() };
        let plan = plan(&registry, &blueprint.stack, &desired, &live, &state).expect("the blueprint draws whole graphs");
        Ok(Look { aws, registry, blueprint, state, live, plan, desired })
    }

    pub async fn plan(&self) -> Plan {
        self.look(false).await.plan
    }

    pub async fn up(&self) -> Run {
        self.run(false).await.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    pub async fn down(&self) -> Run {
        self.run(true).await.unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// # Errors
    /// As [`Site::try_look`].
    pub async fn try_up(&self) -> Result<Run, Refused> {
        self.run(false).await
    }

    /// # Errors
    /// As [`Site::try_look`].
    pub async fn try_down(&self) -> Result<Run, Refused> {
        self.run(true).await
    }

    /// `landing smoke`, which goes by the state and draws anew.
    pub async fn smoke(&self, within: Duration) -> Vec<Finding> {
        let project = self.project();
        let aws = self.connect(&project).await;
        let facts = facts(&project, &aws, self.stand_ins).await.expect("the sandbox lets everybody read");
        let blueprint = draw(&project, &facts).expect("the region has zones enough");
        let state = self.state().expect("something was built");
        Smoke { aws: &aws, clock: self.clock(), within }.run(smoke(&project, &blueprint), &state, |_| {}).await
    }

    /// Gives every repository of the stack an image under the tag of its content, as a build elsewhere would leave it.
    pub async fn push_images(&self) -> usize {
        let project = self.project();
        let config = aws_sdk_ecr::Config::builder()
            .behavior_version_latest()
            .region(aws_sdk_ecr::config::Region::new("us-west-2"))
            .credentials_provider(aws_sdk_ecr::config::Credentials::new("SOMEBODY", "else", None, None, "tests"))
            .http_client(self.sandbox.http_client())
            .build();
        let ecr = aws_sdk_ecr::Client::from_conf(config);
        let tags = image_tags(&project);
        for (name, tag) in &tags {
            let manifest = format!(
                r#"{{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{{"size":7023,"digest":"sha256:{name}"}},"layers":[]}}"#
            );
            let put = ecr.put_image().repository_name(name).image_tag(tag).image_manifest(manifest);
            put.send().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        tags.len()
    }

    /// `landing secrets set` or `rotate`; `given` is a variable and the value that somebody gives in its place.
    ///
    /// # Errors
    /// When the command would refuse.
    pub async fn renew(&self, renewal: &Renewal, given: Option<(&str, &str)>) -> Result<Run, NoRenewal> {
        self.sandbox.with_world(|world| world.calls.clear());
        let mut look = self.look_with(false, given).await.unwrap_or_else(|refused| panic!("{refused:?}"));
        renewal.mark(&self.project(), &mut look.live);
        let Look { registry, blueprint, state, live, desired, .. } = &look;
        let all = plan(registry, &blueprint.stack, desired, live, state).expect("the blueprint draws whole graphs");
        look.plan = renewal.narrow(&self.project(), all)?;
        Ok(self.carry_out(look, false).await)
    }

    async fn run(&self, down: bool) -> Result<Run, Refused> {
        self.sandbox.with_world(|world| world.calls.clear());
        let look = self.try_look(down).await?;
        Ok(self.carry_out(look, down).await)
    }

    async fn carry_out(&self, mut look: Look, down: bool) -> Run {
        let missing = preflight(&look.registry, &look.plan, &look.desired);
        assert!(missing.is_empty(), "not at hand: {missing:?}");
        if !look.plan.is_empty() {
            // As the program does: what a killed run left in its journal is folded in before a new one begins.
            look.state.save(self.files.as_ref(), &self.state_path()).expect("the folder is writable");
        }
        let journal = match look.plan.is_empty() {
            true => Journal::none(),
            false => Journal::open(self.files.as_ref(), &self.state_path(), &look.state).expect("the folder is writable"),
        };
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let (_stay, stop) = watch::channel(Stop::No);
        let options = Options {
            clock: self.clock(),
            calls_at_once: CALLS_AT_ONCE,
            wait: self.wait,
            stop,
            permit: Permit::default(),
            snapshots: None,
        };
        let has_history = look.state.has_history();
        let began = self.clock().now();
        let Look { registry, plan, desired, live, state, .. } = &mut look;
        let outcome = walk(registry, plan, desired, live, state, journal, options, sender).await;
        self.keep(&mut look.state);
        let left = match down {
            true => Some(self.look_for_leftovers(&look, &outcome, began, has_history).await),
            false => None,
        };
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        let calls = self.sandbox.with_world(|world| world.calls.clone());
        Run { plan: look.plan, outcome, calls, events, notices: look.blueprint.notices, left }
    }
}

impl Site {
    /// The end of a `down` that found nothing to do, on a day with these faults, and its calls.
    pub async fn look_after(&self, look: &Look, faults: Faults) -> (Left, Vec<Record>) {
        let day = self.fork(faults);
        let aws = Arc::new(day.connect(&self.project()).await);
        let (registry, nothing) = (registry(&aws), Outcome::default());
        let sought = Sought {
            aws: &aws,
            registry: &registry,
            stack: &look.blueprint.stack,
            project: &look.blueprint.graph,
            before: &look.live,
            state: &look.state,
            outcome: &nothing,
            clock: day.clock(),
            began: day.clock().now(),
            has_history: true,
        };
        let left = sought.look_until_settled(|_| {}).await;
        (left, day.sandbox.with_world(|world| world.calls.clone()))
    }

    /// Writes the state, unless the run changed nothing.
    fn keep(&self, state: &mut State) {
        let journal = self.files.look(&journal::beside(&self.state_path())).expect("the folder can be read");
        if journal.is_some() || self.state().is_none_or(|saved| saved.nodes != state.nodes) {
            state.save(self.files.as_ref(), &self.state_path()).expect("the folder is writable");
        }
    }

    /// The end of `down`.
    async fn look_for_leftovers(&self, look: &Look, outcome: &Outcome, began: Moment, has_history: bool) -> Left {
        let sought = Sought {
            aws: &look.aws,
            registry: &look.registry,
            stack: &look.blueprint.stack,
            project: &look.blueprint.graph,
            before: &look.live,
            state: &look.state,
            outcome,
            clock: self.clock(),
            began,
            has_history,
        };
        sought.look_until_settled(|_| {}).await
    }
}

/// Repository to the tag of what its files say now.
fn image_tags(project: &Project) -> BTreeMap<String, String> {
    let mut tagger = Tagger::new(&project.dir);
    let tags = recipes(project).into_iter().map(|(name, recipe)| (name, tagger.tag(&recipe).expect("the files can be read")));
    tags.collect()
}

async fn facts(project: &Project, aws: &Aws, stand_ins: Option<Duration>) -> Result<Facts, CallError> {
    let tags = image_tags(project);
    let repositories: Vec<String> = tags.keys().cloned().collect();
    let standing = aws.standing_images(&repositories).await?;
    let images = tags.into_iter().map(|(name, tag)| {
        let standing = Standing::best(&standing[&name], Some(&tag)).map(|image| image.tag.clone());
        (name, ImageFacts { tag, standing })
    });
    let nothing = || NoBuilder { why: "no test has a builder".into(), help: "Build them".into() };
    if let Some(takes) = stand_ins {
        aws.equip(Bench::StandIns { takes });
    }
    let site = site_facts(project, aws).await?;
    let cloudfront_prefix_list = match project.alb.from {
        AlbFrom::CloudFront => Some(aws.cloudfront_prefix_list().await?),
        AlbFrom::Internet => None,
    };
    Ok(Facts {
        account: aws.account.clone(),
        region: aws.region.clone(),
        partition: aws.partition.clone(),
        zones: aws.zones().await?,
        images: images.collect(),
        no_builder: stand_ins.is_none().then(nothing),
        site,
        cloudfront_prefix_list,
    })
}

async fn site_facts(project: &Project, aws: &Aws) -> Result<Option<SiteFacts>, CallError> {
    let (Some(spa), Some(bucket)) = (&project.spa, site_bucket(project, &aws.account)) else { return Ok(None) };
    let files = site::read(&project.dir, &spa.dist, &[]).unwrap_or_else(|refused| panic!("{refused:?}"));
    let standing = match &files {
        Some(_) => None,
        None => aws.standing_site(&bucket).await?,
    };
    aws.publish_from(project.dir.join(&spa.dist));
    Ok(Some(SiteFacts { files, standing }))
}

/// A plan for snapshots: `action node field: old → new` for every step that changes AWS.
pub fn shown(plan: &Plan) -> String {
    let lines: Vec<String> = plan.steps.iter().filter(|step| step.changes_aws()).flat_map(step_lines).collect();
    if lines.is_empty() { "nothing to change".into() } else { lines.join("\n") }
}

fn step_lines(step: &Step) -> Vec<String> {
    let action = serde_json::to_value(step.action).expect("an action is a word");
    let mut head = format!("{} {}", action.as_str().unwrap_or_default(), step.node);
    if let Some(reason) = &step.reason {
        head.push_str(&format!(" · {reason}"));
    }
    if step.loses_data {
        head.push_str(" · loses data");
    }
    let mut lines = vec![head];
    for change in &step.changes {
        match &change.from {
            Some(node) => lines.push(format!("    {}: (of {node})", change.field)),
            None => differences(&change.field, &change.old, &change.new, &mut lines),
        }
    }
    lines
}

/// Only what differs, so that a snapshot stays readable and says nothing about ids.
fn differences(path: &str, old: &Value, new: &Value, lines: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(before), Value::Object(after)) => {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys.into_iter().filter(|key| before.get(*key) != after.get(*key)) {
                let (old, new) = (before.get(key).unwrap_or(&Value::Null), after.get(key).unwrap_or(&Value::Null));
                differences(&format!("{path}.{key}"), old, new, lines);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() && after.iter().any(Value::is_object) => {
            for (index, (old, new)) in before.iter().zip(after).enumerate().filter(|(_, (old, new))| old != new) {
                differences(&format!("{path}[{index}]"), old, new, lines);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            lines.extend(before.iter().filter(|item| !after.contains(item)).map(|item| format!("    {path}: - {item}")));
            lines.extend(after.iter().filter(|item| !before.contains(item)).map(|item| format!("    {path}: + {item}")));
        }
        // To IAM a text and a list of only that text are the same.
        (Value::String(_), Value::Array(list)) | (Value::Array(list), Value::String(_))
            if list.len() == 1 && (list[0] == *old || list[0] == *new) => {}
        _ => lines.push(format!("    {path}: {old} → {new}")),
    }
}

/// Every step that changes AWS: `action node`, in the plan's order.
pub fn steps(plan: &Plan) -> Vec<String> {
    let word = |step: &Step| serde_json::to_value(step.action).ok().and_then(|word| word.as_str().map(str::to_owned));
    plan.steps
        .iter()
        .filter(|step| step.changes_aws())
        .map(|step| format!("{} {}", word(step).unwrap_or_default(), step.node))
        .collect()
}

pub fn node(text: &str) -> NodeName {
    NodeName::parse(text).expect("a node has a kind and a name")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the folder can be made");
    for entry in fs::read_dir(from).expect("the folder is there").map(|entry| entry.expect("it can be read")) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("the file can be copied");
        }
    }
}
