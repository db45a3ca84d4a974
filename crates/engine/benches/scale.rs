//! How the engine grows: `cargo bench -p landing-engine --bench scale`.
//!
//! 100, 1,000 and 10,000 nodes, two references each, kinds that do nothing and take no time: plan, walk of a first `up`, plan and walk of a second one.
//! Prints seconds on the wall and the process's peak memory.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a bench prints")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use landing_engine::journal::Journal;
use landing_engine::lock::Permit;
use landing_engine::walk::Options;
use landing_engine::{
    CallError, Changed, Clock, Door, Gone, Graph, Kind, Live, NodeName, Output, Ready, Ref, Registry, Scan, Stack, State, Stop,
    Traits, plan, scan, walk,
};
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

type World = Mutex<BTreeMap<NodeName, Nothing>>;

#[derive(Clone, Serialize, Deserialize)]
struct Nothing {
    one: Option<Ref<String>>,
    two: Option<Ref<String>>,
}

impl Nothing {
    const ID: Output<String> = Output::held("id");

    fn live(&self, node: &NodeName, stack: &Stack) -> Live<Self> {
        let id = format!("id-{}", node.name());
        let outputs = BTreeMap::from([("id".to_owned(), id.clone())]);
        Live {
            id,
            node: node.clone(),
            shape: self.clone(),
            outputs,
            ready: Ready::Yes,
            tags: stack.tags(node),
            owned: true,
            untold: Vec::new(),
        }
    }
}

impl Kind for Nothing {
    type Cx = World;
    const NAME: &'static str = "bench.nothing";
    const TRAITS: Traits = Traits::DEFAULT;

    async fn scan(cx: &World, scan: &Scan) -> Result<Vec<Live<Self>>, CallError> {
        Ok(cx.lock().unwrap().iter().map(|(node, shape)| shape.live(node, &scan.stack)).collect())
    }

    async fn read(cx: &World, stack: &Stack, node: &NodeName, _: &str) -> Result<Option<Live<Self>>, CallError> {
        Ok(cx.lock().unwrap().get(node).map(|shape| shape.live(node, stack)))
    }

    async fn create(&self, cx: &World, door: &Door<'_>) -> Result<Live<Self>, CallError> {
        let insert = || async { Ok(cx.lock().unwrap().insert(door.node().clone(), self.clone())) };
        door.call("bench:Create", insert).await?;
        Ok(self.live(door.node(), door.stack()))
    }

    async fn update(&self, _: &World, _: &Door<'_>, live: &Live<Self>, _: &Changed) -> Result<Live<Self>, CallError> {
        Ok(live.clone())
    }

    async fn delete(cx: &World, door: &Door<'_>, _: &Live<Self>) -> Result<Gone, CallError> {
        door.call("bench:Delete", || async { Ok(cx.lock().unwrap().remove(door.node())) }).await?;
        Ok(Gone::Yes)
    }
}

/// Each node refers to two of the nodes before it, as the resources of a landing zone do.
fn graph(size: usize) -> Graph {
    let mut graph = Graph::default();
    let name = |index: usize| NodeName::new(Nothing::NAME, &format!("n{index:05}"));
    for index in 0..size {
        let earlier = |back: usize| (index >= back).then(|| Nothing::ID.of(&name(index - back)));
        graph.add(name(index).name(), &Nothing { one: earlier(7), two: earlier(31) });
    }
    graph
}

async fn run(size: usize) -> [f64; 4] {
    let world = Arc::new(World::default());
    let registry = Registry::default().with::<Nothing>(&world);
    let stack = Stack::new("bench", "dev");
    let mut state = State::new(&stack, "1", "here");
    let graph = graph(size);
    let mut seconds = [0.0; 4];
    for round in 0..2 {
        let started = Instant::now();
        let live = scan(&registry, &stack, &graph, &state, &Clock::starting(0, 1.0)).await.unwrap();
        let planned = plan(&registry, &stack, &graph, &live, &state).unwrap();
        seconds[round * 2] = started.elapsed().as_secs_f64();
        let started = Instant::now();
        let (sender, _events) = mpsc::unbounded_channel();
        let (_keep, stop) = watch::channel(Stop::No);
        let clock = Clock::starting(0, 1.0);
        let options = Options { clock, calls_at_once: 16, wait: true, stop, permit: Permit::default(), snapshots: None };
        let outcome = walk(&registry, &planned, &graph, &live, &mut state, Journal::none(), options, sender).await;
        seconds[round * 2 + 1] = started.elapsed().as_secs_f64();
        assert!(outcome.is_complete() && state.nodes.len() == size);
    }
    seconds
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmHWM")).map_or("unknown".into(), |line| line[6..].trim().to_owned())
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    println!(
        "{:>7} {:>10} {:>10} {:>12} {:>12} {:>14}",
        "nodes", "plan s", "walk s", "plan again s", "walk again s", "peak memory"
    );
    for size in [100, 1_000, 10_000] {
        let [plan, walk, again, nothing] = runtime.block_on(run(size));
        println!("{size:>7} {plan:>10.4} {walk:>10.4} {again:>12.4} {nothing:>12.4} {:>14}", peak_memory());
    }
}
