//! One scenario: where it begins, what is run, how it ends when nothing goes wrong, and how it must end whatever went wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use landing_engine::NodeName;
use landing_engine::state::Lately;
use landing_sandbox::{Faults, World};
use landing_tests::{Run, Site, shown};
use serde_json::Value;

use crate::disk::Memory;
use crate::points::Left;
use crate::portrait::{Portrait, differences, portrait};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    Up,
    Down,
}

impl Going {
    pub(crate) async fn run(self, site: &Site) -> Run {
        match self {
            Self::Up => site.up().await,
            Self::Down => site.down().await,
        }
    }
}

pub(crate) struct Story {
    pub(crate) name: &'static str,
    pub(crate) site: Site,
    pub(crate) going: Going,
    pub(crate) begin: Left,
    /// What stood in the account before anything of the stack did.
    before: BTreeSet<String>,
    end: End,
    /// Notebooks that ends of this story had, without ids and times: what comes after is tried once from each.
    notebooks: Mutex<BTreeSet<String>>,
}

/// How a run leaves account and state.
#[derive(Debug, PartialEq)]
struct End {
    portrait: Portrait,
    nodes: BTreeSet<NodeName>,
}

impl End {
    fn of(site: &Site) -> Self {
        let nodes = site.state().map(|state| state.nodes.into_keys().collect()).unwrap_or_default();
        Self { portrait: site.sandbox.with_world(|world| portrait(world)), nodes }
    }
}

/// All there is to try, where somebody has the time.
pub(crate) fn deep() -> bool {
    std::env::var_os("LANDING_DEEP").is_some()
}

/// AWS shows everybody what was changed within a minute.
const SHOWN: std::time::Duration = std::time::Duration::from_secs(65);

impl Story {
    /// `prepare` brings the account to where the scenario begins, and edits the project.
    pub(crate) async fn new(name: &'static str, site: Site, going: Going, prepare: impl AsyncFnOnce(&Site)) -> Self {
        let disk = Memory::default();
        let site = site.at(World::new("us-west-2"), Arc::new(disk.clone()), Faults::default());
        let before = site.objects();
        prepare(&site).await;
        let begin = Left {
            place: "the beginning".to_owned(),
            at_a_call: true,
            world: Arc::new(site.sandbox.with_world(|world| world.fork())),
            disk: disk.content(),
        };
        let undisturbed = site.at(begin.world.fork(), Arc::new(Memory::of(begin.disk.clone())), Faults::default());
        going.run(&undisturbed).await.done();
        let end = End::of(&undisturbed);
        Self { name, site, going, begin, before, end, notebooks: Mutex::default() }
    }

    /// Runs again from what a crash left, undisturbed but for `faults`.
    ///
    /// # Errors
    /// Everything that is not as it would be without the crash.
    pub(crate) async fn goes_on_from(&self, left: &Left, faults: &Faults) -> Result<(), String> {
        let wrong = |what: String| format!("{}, killed {}: {what}", self.name, left.place);
        let site = self.site.at(left.world.fork(), Arc::new(Memory::of(left.disk.clone())), faults.clone());
        let run = self.going.run(&site).await;
        if !run.outcome.is_complete() {
            return Err(wrong(format!("failed: {:#?}", run.outcome.failed)));
        }
        let end = End::of(&site);
        if end != self.end {
            let nodes: Vec<_> = end.nodes.symmetric_difference(&self.end.nodes).collect();
            let objects = differences(&end.portrait, &self.end.portrait);
            return Err(wrong(format!("it ends otherwise; nodes {nodes:?}, objects:\n{objects}")));
        }
        self.knows_all_of(&site).map_err(&wrong)?;
        no_job_was_done_twice(&site).map_err(&wrong)?;
        one_password(&site).map_err(&wrong)?;
        if !self.is_new(&site) && !deep() {
            return Ok(());
        }
        if faults.consistency.is_some() {
            // A reading that lags shows the old value of what was just changed, and it is set again.
            tokio::time::sleep(SHOWN).await;
        }
        let next = self.going.run(&site).await;
        if !next.mutations().is_empty() {
            return Err(wrong(format!("the next run calls {:?}: {}", next.mutations(), shown(&next.plan))));
        }
        if self.going == Going::Up {
            let down = site.down().await;
            if !down.outcome.is_complete() {
                return Err(wrong(format!("down failed: {:#?}", down.outcome.failed)));
            }
        }
        let left_over: Vec<String> = site.objects().symmetric_difference(&self.before).cloned().collect();
        match left_over.is_empty() {
            true => Ok(()),
            false => Err(wrong(format!("after down there is more or less than before: {left_over:?}"))),
        }
    }

    /// Whether no end before had an account and a notebook like these. The accounts are alike, or we would not be here.
    fn is_new(&self, site: &Site) -> bool {
        let notebook = site.state().map(|state| {
            let lives: Vec<_> =
                state.nodes.iter().map(|(node, record)| (node, record.generation, record.outputs.len())).collect();
            let nodes = |lately: &[Lately]| lately.iter().map(|one| one.node.clone()).collect::<BTreeSet<_>>();
            // Of what was sent and not answered, only what may have made another object decides anything later.
            let open: Vec<_> =
                state.unanswered.iter().filter(|open| open.doubles).map(|open| (&open.node, &open.operation)).collect();
            format!("{lives:?} {:?} {:?} {open:?} {:?}", nodes(&state.born), nodes(&state.departed), state.ended)
        });
        self.notebooks.lock().unwrap().insert(notebook.unwrap_or_default())
    }

    /// Whether every object in the account that bears our tags is the one that the state has for its node, and the other way round.
    fn knows_all_of(&self, site: &Site) -> Result<(), String> {
        let Some(state) = site.state() else { return Ok(()) };
        let leaving: Vec<_> = state.nodes.iter().filter(|(_, record)| !record.leaving.is_empty()).collect();
        if !leaving.is_empty() {
            return Err(format!("still leaving: {leaving:?}"));
        }
        let world = site.sandbox.with_world(|world| serde_json::to_string(world).expect("a world is plain data"));
        let unknown: Vec<_> = state.nodes.iter().filter(|(_, record)| !world.contains(record.id.as_str())).collect();
        if unknown.is_empty() { Ok(()) } else { Err(format!("the state has what is not there: {unknown:?}")) }
    }
}

/// Of each revision at most one run may end well. What ended within the last hour is still there to be counted.
fn no_job_was_done_twice(site: &Site) -> Result<(), String> {
    let world = site.world();
    let tasks = world["ecs"]["tasks"].as_object().expect("tasks are kept by ARN");
    let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
    for task in tasks.values().filter(|task| task["deployment"].is_null() && task["exit_code"] == 0) {
        *runs.entry(task["definition"].as_str().expect("a task has a revision")).or_default() += 1;
    }
    runs.retain(|_, count| *count > 1);
    if runs.is_empty() { Ok(()) } else { Err(format!("done more than once: {runs:?}")) }
}

/// A password that the stack keeps is the same in its secret, in the database and in the URL.
fn one_password(site: &Site) -> Result<(), String> {
    let world = site.world();
    let Some(password) = world["rds"]["instances"]["small-dev-things"]["password"].as_str() else { return Ok(()) };
    let secrets = world["secrets"]["secrets"].as_object().expect("secrets are kept by ARN");
    let current = |name: &str| {
        let (_, secret) = secrets.iter().find(|(key, _)| key.starts_with(name))?;
        let current = |version: &&Value| version["stages"].to_string().contains("AWSCURRENT");
        secret["versions"].as_object()?.values().find(current)?["string"].as_str()
    };
    for name in ["small-dev/things-password", "small-dev/things-url"] {
        if !current(name).is_some_and(|value| value.contains(password)) {
            return Err(format!("{name} has another password than the database"));
        }
    }
    Ok(())
}
