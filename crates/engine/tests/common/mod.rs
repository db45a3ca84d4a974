//! A world of boxes in memory, for tests of the engine alone: no AWS, no network, paused time.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

pub mod ram;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use landing_engine::journal::Journal;
use landing_engine::lock::Permit;
use landing_engine::walk::{Options, Outcome};
use landing_engine::{
    CallError, Changed, Class, Clock, Disk, Door, Event, Files, Gone, Graph, Kind, Live, LiveSet, NodeName, Output, Plan, Ready,
    Ref, Registry, Scan, Stack, State, Stop, Tags, Traits, plan, scan, walk,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

#[derive(Clone, Default)]
pub struct World {
    pub boxes: BTreeMap<String, Stored>,
    pub calls: Vec<String>,
    /// `create a` → the class with which it fails, as often as given.
    pub refuse: BTreeMap<String, Vec<Class>>,
    /// `create a` → how often it is done and its answer gets lost.
    pub lose: BTreeMap<String, u32>,
    /// What is made shows only after this time.
    pub shows_after: Duration,
    /// What is removed is listed for so long.
    pub lists_after: Duration,
    /// Readings until what is made tells its key.
    pub keys_after: u32,
    /// A delete is taken and not yet done when its answer comes.
    pub goes_slowly: bool,
    /// Boxes that are gone, and when they went.
    ghosts: BTreeMap<String, (Stored, Instant)>,
    /// Kinds whose readings fail, with how.
    pub unreadable: BTreeMap<&'static str, Class>,
    serial: u32,
}

#[derive(Clone)]
pub struct Stored {
    pub kind: &'static str,
    pub tags: Tags,
    pub inside: Option<String>,
    pub size: u32,
    pub colour: String,
    pub ready_reads: u32,
    /// Readings until it tells its key.
    pub key_reads: u32,
    pub born: Instant,
}

pub type Shared = Mutex<World>;

macro_rules! boxes {
    ($name:ident, $kind:literal, $doubles:literal, $traits:expr) => {
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            pub inside: Option<Ref<String>>,
            pub size: u32,
            pub colour: String,
        }

        impl $name {
            pub const ID: Output<String> = Output::held("id");

            pub fn new(inside: Option<Ref<String>>, size: u32) -> Self {
                Self { inside, size, colour: "red".into() }
            }
        }

        impl Kind for $name {
            type Cx = Shared;
            const NAME: &'static str = $kind;
            const TRAITS: Traits = $traits;

            async fn scan(cx: &Shared, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
                let world = cx.lock().unwrap();
                world.readable(Self::NAME)?;
                Ok(world
                    .shown(Self::NAME)
                    .filter_map(|(id, stored)| {
                        let node = scan.stack.node_of(&stored.tags)?;
                        Some(Live { node, ..of(id, stored, |inside, size, colour| Self { inside, size, colour }) })
                    })
                    .collect())
            }

            async fn read(cx: &Shared, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
                let mut world = cx.lock().unwrap();
                world.readable(Self::NAME)?;
                if !world.shown(Self::NAME).any(|(shown, _)| shown == id) {
                    return Ok(None);
                }
                let Some(stored) = world.boxes.get_mut(id) else {
                    let live = of(id, &world.ghosts[id].0, |inside, size, colour| Self { inside, size, colour });
                    return Ok(Some(Live { node: node.clone(), ..live }));
                };
                stored.ready_reads = stored.ready_reads.saturating_sub(1);
                stored.key_reads = stored.key_reads.saturating_sub(1);
                let live = of(id, stored, |inside, size, colour| Self { inside, size, colour });
                Ok(Some(Live { node: node.clone(), ..live }))
            }

            async fn create(&self, cx: &Shared, door: &Door<'_>) -> Result<Live<Self>, CallError> {
                let inside = self.inside.as_ref().map(|id| id.get().clone());
                let (size, tags) = (self.size, door.tags());
                let send = || async {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let mut world = cx.lock().unwrap();
                    world.call("create", door.node())?;
                    if let Some(inside) = inside.as_ref().filter(|id| !world.boxes.contains_key(*id)) {
                        return Err(CallError::new(Class::NotFound, "test:Create", format!("no box {inside}")));
                    }
                    world.serial += 1;
                    let id = format!("box-{}", world.serial);
                    // Every box is born white: its colour is for update.
                    let stored = Stored {
                        kind: Self::NAME,
                        tags: tags.clone(),
                        inside: inside.clone(),
                        size,
                        colour: "white".into(),
                        ready_reads: 2,
                        key_reads: world.keys_after,
                        born: Instant::now(),
                    };
                    world.boxes.insert(id.clone(), stored);
                    world.answer("create", door.node())?;
                    let live = of(&id, &world.boxes[&id], |inside, size, colour| Self { inside, size, colour });
                    Ok(Live { node: door.node().clone(), ..live })
                };
                let find = || async {
                    let scan = Scan { stack: door.stack().clone(), known: BTreeMap::new(), wanted: Vec::new(), round: 0 };
                    let found = Self::scan(cx, &scan).await?;
                    Ok(found.into_iter().filter(|live| live.node == *door.node()).collect::<Vec<_>>())
                };
                if $doubles {
                    return door.call_once("test:Create", send, find).await;
                }
                let again = || async {
                    match find().await?.into_iter().find(|live| live.shape.size == self.size) {
                        Some(live) => Ok(live),
                        None => send().await,
                    }
                };
                door.call("test:Create", again).await
            }

            async fn update(
                &self,
                cx: &Shared,
                door: &Door<'_>,
                live: &Live<Self>,
                changed: &Changed,
            ) -> Result<Live<Self>, CallError> {
                door.call("test:Update", || async {
                    let mut world = cx.lock().unwrap();
                    world.call("update", door.node())?;
                    let stored = world.boxes.get_mut(&live.id).unwrap();
                    stored.colour = self.colour.clone();
                    stored.inside = self.inside.as_ref().map(|id| id.get().clone());
                    if changed.tags() {
                        stored.tags.extend(door.tags());
                    }
                    Ok(())
                })
                .await?;
                Ok(live.with(self))
            }

            async fn delete(cx: &Shared, door: &Door<'_>, live: &Live<Self>) -> Result<Gone, CallError> {
                let answer = door.call("test:Delete", || async {
                    let mut world = cx.lock().unwrap();
                    world.call("delete", door.node())?;
                    if !world.shown(Self::NAME).any(|(shown, _)| *shown == live.id) {
                        return Err(CallError::new(Class::NotFound, "test:Delete", "no such box"));
                    }
                    if world.boxes.values().any(|other| other.inside.as_ref() == Some(&live.id)) {
                        return Err(CallError::new(Class::InUse, "test:Delete", "something is inside"));
                    }
                    if let Some(stored) = world.boxes.remove(&live.id) {
                        world.ghosts.insert(live.id.clone(), (stored, Instant::now()));
                    }
                    world.answer("delete", door.node())?;
                    Ok(if world.goes_slowly { Gone::NotYet("going".into()) } else { Gone::Yes })
                });
                match answer.await {
                    Err(error) if error.class == Class::NotFound => Ok(Gone::Absent),
                    other => other,
                }
            }
        }
    };
}

boxes!(Crate, "test.crate", false, Traits { fixed: &["size"], ..Traits::DEFAULT });
boxes!(Chest, "test.chest", false, Traits { fixed: &["size"], holds_data: true, ..Traits::DEFAULT });
boxes!(Bag, "test.bag", false, Traits { fixed: &["size"], create_first: true, ..Traits::DEFAULT });
// Each call makes another one.
boxes!(Coin, "test.coin", true, Traits { fixed: &["size"], ..Traits::DEFAULT });

impl World {
    fn call(&mut self, what: &str, node: &NodeName) -> Result<(), CallError> {
        let line = format!("{what} {}", node.name());
        if let Some(class) = self.refuse.get_mut(&line).and_then(Vec::pop) {
            self.calls.push(format!("{line} refused"));
            return Err(CallError::new(class, "test:Call", "refused by the test"));
        }
        self.calls.push(line);
        Ok(())
    }

    /// What was done is answered, unless the answer gets lost.
    fn answer(&mut self, what: &str, node: &NodeName) -> Result<(), CallError> {
        match self.lose.get_mut(&format!("{what} {}", node.name())).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                Err(CallError::new(Class::Ambiguous, "test:Call", "connection reset"))
            }
            None => Ok(()),
        }
    }

    fn readable(&self, kind: &str) -> Result<(), CallError> {
        match self.unreadable.get(kind) {
            Some(class) => Err(CallError::new(*class, "test:DescribeBoxes", "refused by the test")),
            None => Ok(()),
        }
    }

    /// What a reading shows of a kind: not yet what is new, and still what has just gone.
    fn shown(&self, kind: &'static str) -> impl Iterator<Item = (&String, &Stored)> {
        let standing = self.boxes.iter().filter(|(_, stored)| stored.born.elapsed() >= self.shows_after);
        let ghosts = self.ghosts.iter().filter(|(_, (_, went))| went.elapsed() < self.lists_after);
        standing.chain(ghosts.map(|(id, (stored, _))| (id, stored))).filter(move |(_, stored)| stored.kind == kind)
    }
}

fn of<K>(id: &str, stored: &Stored, shape: impl Fn(Option<Ref<String>>, u32, String) -> K) -> Live<K> {
    Live {
        node: NodeName::new("test", id),
        id: id.to_owned(),
        shape: shape(stored.inside.clone().map(Ref::value), stored.size, stored.colour.clone()),
        outputs: [("id", id), ("key", "a key")]
            .into_iter()
            .filter(|(output, _)| *output == "id" || stored.key_reads == 0)
            .map(|(output, value)| (output.to_owned(), value.to_owned()))
            .collect(),
        ready: if stored.ready_reads == 0 { Ready::Yes } else { Ready::NotYet("drying".into()) },
        tags: stored.tags.clone(),
        owned: true,
        untold: Vec::new(),
    }
}

/// A stack on a world, with a state folder of its own.
pub struct Bench {
    pub world: Arc<Shared>,
    pub registry: Registry,
    pub stack: Stack,
    pub folder: tempfile::TempDir,
    pub files: Arc<dyn Files>,
    pub stop: watch::Sender<Stop>,
    pub clock: Clock,
    pub events: Mutex<Vec<Event>>,
}

impl Default for Bench {
    fn default() -> Self {
        let world = Arc::new(Shared::default());
        let registry = Registry::default().with::<Crate>(&world).with::<Chest>(&world).with::<Bag>(&world).with::<Coin>(&world);
        let (stop, _) = watch::channel(Stop::No);
        let folder = tempfile::tempdir().unwrap();
        let (stack, files) = (Stack::new("shop", "dev"), Arc::new(Disk));
        let clock = Clock::starting(1_000_000, 1.0);
        Self { world, registry, stack, folder, files, stop, clock, events: Mutex::default() }
    }
}

impl Bench {
    pub fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("shop-dev.json")
    }

    pub fn state(&self) -> State {
        State::open(self.files.as_ref(), &self.path(), &self.stack, "1", "here").unwrap()
    }

    pub async fn plan(&self, graph: &Graph) -> (Plan, LiveSet, State) {
        let state = self.state();
        let live = scan(&self.registry, &self.stack, graph, &state, &self.clock).await.unwrap();
        (plan(&self.registry, &self.stack, graph, &live, &state).unwrap(), live, state)
    }

    /// Plan, walk, save.
    pub async fn land(&self, graph: &Graph) -> Outcome {
        let planned = self.plan(graph).await;
        self.walk(graph, planned).await
    }

    /// The second half of [`Bench::land`].
    pub async fn walk(&self, graph: &Graph, (plan, live, mut state): (Plan, LiveSet, State)) -> Outcome {
        let journal = Journal::open(self.files.as_ref(), &self.path(), &state).unwrap();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let (clock, stop) = (self.clock, self.stop.subscribe());
        let options = Options { clock, calls_at_once: 16, wait: true, stop, permit: Permit::default(), snapshots: None };
        let outcome = walk(&self.registry, &plan, graph, &live, &mut state, journal, options, sender).await;
        while let Ok(event) = receiver.try_recv() {
            self.events.lock().unwrap().push(event);
        }
        state.save(self.files.as_ref(), &self.path()).unwrap();
        outcome
    }

    /// Calls since the last time somebody asked.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.world.lock().unwrap().calls)
    }

    pub fn refuse(&self, call: &str, classes: &[Class]) {
        self.world.lock().unwrap().refuse.insert(call.to_owned(), classes.to_vec());
    }

    pub fn lose(&self, call: &str, times: u32) {
        self.world.lock().unwrap().lose.insert(call.to_owned(), times);
    }

    pub fn names(&self) -> BTreeSet<String> {
        self.world.lock().unwrap().boxes.values().map(|stored| stored.tags["landing:node"].clone()).collect()
    }
}

/// The steps that change something, a line each.
pub fn lines(plan: &Plan) -> String {
    let steps = plan.steps.iter().filter(|step| step.changes_aws());
    let line = |step: &landing_engine::plan::Step| {
        let fields: Vec<&str> = step.changes.iter().map(|change| change.field.as_str()).collect();
        let reason = step.reason.as_deref().map(|reason| format!(" because {reason}")).unwrap_or_default();
        let data = if step.loses_data { " LOSES DATA" } else { "" };
        format!("{:?} {} [{}]{reason}{data}", step.action, step.node, fields.join(" "))
    };
    steps.map(line).collect::<Vec<_>>().join("\n")
}

/// house ⊃ room ⊃ shelf, and a chest in the house.
pub fn house(size: u32) -> Graph {
    let mut graph = Graph::default();
    let house = graph.add("house", &Crate::new(None, size));
    let room = graph.add("room", &Crate::new(Some(Crate::ID.of(&house)), 5));
    graph.add("shelf", &Crate::new(Some(Crate::ID.of(&room).when_usable()), 1));
    graph.add("gold", &Chest::new(Some(Crate::ID.of(&house)), 2));
    graph
}
