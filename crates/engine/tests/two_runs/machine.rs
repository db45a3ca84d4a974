//! A machine with one process on it that runs `landing`, as far as lock and state are concerned, with clocks of its own.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use landing_engine::lock::{self, Lease, LockError};
use landing_engine::owner::{Owner, Process};
use landing_engine::state::Record;
use landing_engine::store::{Keeper, LocalStore, Notebook, NotebookError, ObjectStore, Store, StoreError};
use landing_engine::{Clock, Disk, Files, NodeName, Stack};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::model::{Bucket, Dice, Shared, change, locked};
use crate::ram::{Content, Ram};

thread_local! {
    /// The wall clock of the machine whose turn it is.
    static WALL: Cell<u64> = const { Cell::new(0) };
}

fn wall() -> u64 {
    WALL.get()
}

/// Where a schedule keeps its state.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Objects,
    /// In a folder.
    Files(PathBuf),
}

#[derive(Clone, Debug)]
pub(crate) enum End {
    Done,
    /// Another had the lock.
    Held,
    /// Another has it now, or wrote.
    Fenced(String),
    /// No answer from the store.
    Silence,
}

pub(crate) struct Machine {
    runtime: Runtime,
    run: JoinHandle<End>,
    /// A thousand is right.
    rate: u64,
    /// Seconds that the wall clock is ahead, or behind.
    skew: i64,
    /// Not polled until then.
    pub(crate) asleep_until: u64,
    /// Whether its monotonic clock stands still while it sleeps, as that of a laptop does.
    stands_still: bool,
    /// Its system counts the time since it was started, sleep and all, and nobody can set that clock. Of a machine without one that sleeps and whose wall
    /// clock is set back meanwhile no clock could tell, so those do not sleep here.
    counts_sleep: bool,
    behind: u64,
}

/// Polls of a turn: enough for every task to hear what another one has just said.
const POLLS: usize = 6;

impl Machine {
    pub(crate) fn start(world: &Shared, place: &Place, process: usize, patience: Duration, calls: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let (world, place) = (world.clone(), place.clone());
        let (rate, skew, counts_sleep, dice) = {
            let dice = &mut locked(&world).dice;
            let seed = dice.between(0, u64::MAX - 1);
            (dice.between(990, 1010), dice.between(0, 172_800).cast_signed() - 86_400, dice.chance(500), Dice::new(seed))
        };
        let run = runtime.spawn(life(world, place, process, patience, calls, dice));
        Self { runtime, run, rate, skew, asleep_until: 0, stands_still: false, counts_sleep, behind: 0 }
    }

    pub(crate) fn sleep(&mut self, until: u64, stands_still: bool) {
        self.asleep_until = until;
        self.stands_still = stands_still && self.counts_sleep;
    }

    /// Somebody sets the wall clock.
    pub(crate) fn set_wall(&mut self, by: i64) {
        if !self.counts_sleep {
            self.skew += by;
        }
    }

    /// Lets `passed` milliseconds of the server's go by; `now` is the server's time.
    pub(crate) fn turn(&mut self, now: u64, passed: u64) {
        if now < self.asleep_until {
            self.behind += if self.stands_still { 0 } else { passed };
            return;
        }
        let passed = (passed + std::mem::take(&mut self.behind)) * self.rate / 1000;
        WALL.set((now / 1000).saturating_add_signed(self.skew + 200_000));
        self.runtime.block_on(async {
            tokio::time::advance(Duration::from_millis(passed)).await;
            for _ in 0..POLLS {
                tokio::task::yield_now().await;
            }
        });
    }

    /// How its run ended, once it has.
    pub(crate) fn end(&mut self) -> Option<End> {
        self.run.is_finished().then(|| self.runtime.block_on(&mut self.run).expect("a run does not panic"))
    }
}

fn owner(process: usize) -> Owner {
    let text = |text: &str| text.to_owned();
    // No two on one running system: nobody is known to be dead.
    let boot = format!("boot {process}");
    Owner {
        pid: u32::try_from(process).expect("few processes"),
        host: text("host"),
        user: text("ada"),
        command: text("landing up"),
        since: text("2026-01-01T00:00:00Z"),
        page: None,
        process: Some(Process { boot, space: text("pid:[1]"), started: 1 }),
    }
}

async fn life(world: Shared, place: Place, process: usize, patience: Duration, calls: u64, dice: Dice) -> End {
    let clock = Clock::starting(0, 1.0);
    let (store, files, path): (Arc<dyn Store>, Arc<dyn Files>, PathBuf) = match &place {
        Place::Objects => {
            let store = Arc::new(ObjectStore::new(Arc::new(Bucket(world.clone())), ""));
            (store, Arc::new(Ram::of(Content::default())), PathBuf::from("state.json"))
        }
        Place::Files(path) => (Arc::new(LocalStore::new(Arc::new(Disk), path)), Arc::new(Disk), path.clone()),
    };
    // All processes on one running system share the locks of its files.
    let owner = match place {
        Place::Objects => owner(process),
        Place::Files(_) => owner(0),
    };
    let grant = match lock::take(store.as_ref(), &owner, patience, clock, Some(wall), &mut |_| {}).await {
        Ok(grant) => grant,
        Err(LockError::Held { .. }) => return End::Held,
        Err(LockError::Store(error)) => return ended(error),
    };
    let lease = Arc::new(Lease::keep(store.clone(), grant, clock, Some(wall)));
    let end = match work(&world, &place, store, files, &path, process, calls, clock, dice, &lease).await {
        Ok(()) => End::Done,
        Err(NotebookError::Store(error)) => ended(error),
        Err(NotebookError::State(error)) => panic!("{error}"),
    };
    // What cannot be let go lapses.
    let _ = lease.release().await;
    end
}

fn ended(error: StoreError) -> End {
    match error {
        StoreError::Changed { .. } | StoreError::Lost { .. } => End::Fenced(error.to_string()),
        StoreError::Call(_) => End::Silence,
        other => panic!("{other}"),
    }
}

#[expect(clippy::too_many_arguments, reason = "all that a run has at hand")]
async fn work(
    world: &Shared,
    place: &Place,
    store: Arc<dyn Store>,
    files: Arc<dyn Files>,
    path: &Path,
    process: usize,
    calls: u64,
    clock: Clock,
    mut dice: Dice,
    lease: &Arc<Lease>,
) -> Result<(), NotebookError> {
    let stack = Stack { project: "shop".into(), env: "dev".into() };
    let mut notebook = Notebook::open(store, files, path).await?;
    let mut state = notebook.state(&stack, "123456789012", "us-west-2")?;
    notebook.fold(&mut state, lease).await?;
    let (snapshots, keeper) = Keeper::start(notebook, lease.clone());
    let refused = keeper.refused();
    tokio::pin!(refused);
    for call in 0..calls {
        // As the door does: asked, and sent at once.
        tokio::select! {
            biased;
            error = &mut refused => return Err(error.into()),
            granted = async { lease.permit().granted().await } => granted?,
        }
        if change(world, process, lease.grant().fence, matches!(place, Place::Objects)).await.is_ok() {
            let node = NodeName::parse(&format!("box.p{process}-{call}")).expect("a name");
            let record = Record { id: node.to_string(), outputs: Default::default(), generation: 0, leaving: Vec::new() };
            state.nodes.insert(node, record);
        }
        if dice.chance(500) {
            snapshots.send_replace(Some(state.clone()));
        }
        clock.sleep(Duration::from_millis(dice.between(100, 20_000))).await;
    }
    drop(snapshots);
    let mut notebook = keeper.end().await.expect("the keeper does not panic");
    notebook.fold(&mut state, lease).await
}
