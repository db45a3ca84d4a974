//! A world of boxes in memory, for tests of the engine alone: no AWS, no network, paused time.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

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

#[derive(Default)]
pub struct World {
    pub boxes: BTreeMap<String, Stored>,
    pub calls: Vec<String>,
    /// `create a` → the class with which it fails, as often as given.
    pub refuse: BTreeMap<String, Vec<Class>>,
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
}

pub type Shared = Mutex<World>;

macro_rules! boxes {
    ($name:ident, $kind:literal, $traits:expr) => {
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
                let mine = world.boxes.iter().filter(|(_, stored)| stored.kind == Self::NAME);
                Ok(mine
                    .filter_map(|(id, stored)| {
                        let node = scan.stack.node_of(&stored.tags)?;
                        Some(Live { node, ..of(id, stored, |inside, size, colour| Self { inside, size, colour }) })
                    })
                    .collect())
            }

            async fn read(cx: &Shared, _: &Stack, node: &NodeName, id: &str) -> Result<Option<Live<Self>>, CallError> {
                let mut world = cx.lock().unwrap();
                let Some(stored) = world.boxes.get_mut(id) else { return Ok(None) };
                stored.ready_reads = stored.ready_reads.saturating_sub(1);
                let live = of(id, stored, |inside, size, colour| Self { inside, size, colour });
                Ok(Some(Live { node: node.clone(), ..live }))
            }

            async fn create(&self, cx: &Shared, door: &Door<'_>) -> Result<Live<Self>, CallError> {
                let inside = self.inside.as_ref().map(|id| id.get().clone());
                let (size, tags) = (self.size, door.tags());
                let id = door
                    .call("test:Create", || async {
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
                        };
                        world.boxes.insert(id.clone(), stored);
                        Ok(id)
                    })
                    .await?;
                let world = cx.lock().unwrap();
                let live = of(&id, &world.boxes[&id], |inside, size, colour| Self { inside, size, colour });
                Ok(Live { node: door.node().clone(), ..live })
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
                door.call("test:Delete", || async {
                    let mut world = cx.lock().unwrap();
                    world.call("delete", door.node())?;
                    if world.boxes.values().any(|other| other.inside.as_ref() == Some(&live.id)) {
                        return Err(CallError::new(Class::InUse, "test:Delete", "something is inside"));
                    }
                    world.boxes.remove(&live.id);
                    Ok(Gone::Yes)
                })
                .await
            }
        }
    };
}

boxes!(Crate, "test.crate", Traits { fixed: &["size"], ..Traits::DEFAULT });
boxes!(Chest, "test.chest", Traits { fixed: &["size"], holds_data: true, ..Traits::DEFAULT });
boxes!(Bag, "test.bag", Traits { fixed: &["size"], create_first: true, ..Traits::DEFAULT });

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
}

fn of<K>(id: &str, stored: &Stored, shape: impl Fn(Option<Ref<String>>, u32, String) -> K) -> Live<K> {
    Live {
        node: NodeName::new("test", id),
        id: id.to_owned(),
        shape: shape(stored.inside.clone().map(Ref::value), stored.size, stored.colour.clone()),
        outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        ready: if stored.ready_reads == 0 { Ready::Yes } else { Ready::NotYet("drying".into()) },
        tags: stored.tags.clone(),
        owned: true,
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
    pub events: Mutex<Vec<Event>>,
}

impl Default for Bench {
    fn default() -> Self {
        let world = Arc::new(Shared::default());
        let registry = Registry::default().with::<Crate>(&world).with::<Chest>(&world).with::<Bag>(&world);
        let (stop, _) = watch::channel(Stop::No);
        let folder = tempfile::tempdir().unwrap();
        Self { world, registry, stack: Stack::new("shop", "dev"), folder, files: Arc::new(Disk), stop, events: Mutex::default() }
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
        let live = scan(&self.registry, &self.stack, graph, &state).await.unwrap();
        (plan(&self.registry, &self.stack, graph, &live, &state).unwrap(), live, state)
    }

    /// Plan, walk, save.
    pub async fn land(&self, graph: &Graph) -> Outcome {
        let (plan, live, mut state) = self.plan(graph).await;
        let journal = Journal::open(self.files.as_ref(), &self.path(), &state).unwrap();
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let (clock, stop) = (Clock::starting(0, 1.0), self.stop.subscribe());
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
