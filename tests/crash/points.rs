//! Where a process can die: at every call and at every change of its files, with all that it leaves behind.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use landing_sandbox::{Faults, Moment, Sandbox, Sight, Then, Watcher, World};
use landing_tests::Site;

use crate::disk::{Content, Memory};
use crate::story::Going;

/// What a process that was killed there leaves behind: an account and files. Nothing else of it is left.
#[derive(Clone)]
pub(crate) struct Left {
    /// The first moment of the run that leaves this.
    pub(crate) place: String,
    /// It is seen at a call too, and not only at a change of a file.
    pub(crate) at_a_call: bool,
    pub(crate) world: Arc<World>,
    pub(crate) disk: Content,
}

/// How many moments there were, and how many of them leave something different behind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) calls: usize,
    pub(crate) changes_of_files: usize,
    pub(crate) different: usize,
}

impl Count {
    /// Before a call is sent, acted on without an answer, and answered with nothing written yet.
    pub(crate) fn points(&self) -> usize {
        3 * self.calls
    }
}

impl std::ops::AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.calls += other.calls;
        self.changes_of_files += other.changes_of_files;
        self.different += other.different;
    }
}

/// Everything that a run could have left behind.
#[derive(Default)]
pub(crate) struct Points {
    pub(crate) left: Vec<Left>,
    pub(crate) count: Count,
}

#[derive(Default)]
struct Notes {
    points: Points,
    /// What was left at some moment before.
    seen: BTreeMap<(String, u64), usize>,
    numbers: BTreeMap<String, usize>,
}

impl Notes {
    fn take(&mut self, at_a_call: bool, place: impl FnOnce() -> String, world: &World, disk: Content) {
        let mut hash = DefaultHasher::new();
        disk.hash(&mut hash);
        let key = (world.essence(), hash.finish());
        if let Some(known) = self.seen.get(&key) {
            self.points.left[*known].at_a_call |= at_a_call;
            return;
        }
        self.seen.insert(key, self.points.left.len());
        self.points.left.push(Left { place: place(), at_a_call, world: Arc::new(world.fork()), disk });
        self.points.count.different += 1;
    }
}

/// Looks at every call before it has an effect and after, and at every file before it changes.
///
/// What is between the answer and the first line that is written about it leaves the same as what is just before that line; and an answer about which
/// nothing is ever written leaves the same as one that never came. So both are seen here without the process being asked.
#[derive(Clone)]
struct Observer {
    disk: Memory,
    notes: Arc<Mutex<Notes>>,
}

impl Observer {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }
}

impl Watcher for Observer {
    fn see(&self, moment: Moment, call: Sight<'_>, world: &World) -> Then {
        // A reading leaves what was there before it.
        if moment == Moment::Acted && call.read {
            return Then::Go;
        }
        let mut notes = self.notes();
        let name = format!("{}:{}", call.service, call.operation);
        if moment == Moment::Received {
            notes.points.count.calls += 1;
            *notes.numbers.entry(name.clone()).or_default() += 1;
        }
        let number = notes.numbers.get(&name).copied().unwrap_or_default();
        let when = if moment == Moment::Received { "before" } else { "after" };
        notes.take(true, || format!("{when} {name} ({number})"), world, self.disk.content());
        Then::Go
    }
}

/// Runs once from what is in `left`, and returns all that a crash could leave of that run.
pub(crate) async fn of_a_run(site: &Site, going: Going, left: &Left, faults: &Faults) -> Points {
    let disk = Memory::of(left.disk.clone());
    let observer = Observer { disk: disk.clone(), notes: Arc::default() };
    let sandbox: Arc<Mutex<Option<Sandbox>>> = Arc::default();
    let (seen, account) = (observer.clone(), sandbox.clone());
    let watched = disk.watched(Arc::new(move |content: &Content| {
        let account = account.lock().unwrap().clone().expect("a run has an account");
        let world = account.with_world(|world| world.fork());
        let mut notes = seen.notes();
        notes.points.count.changes_of_files += 1;
        let number = notes.points.count.changes_of_files;
        notes.take(false, || format!("before change {number} of its files"), &world, content.clone());
    }));
    let site = site.at(left.world.fork(), Arc::new(watched), faults.clone());
    *sandbox.lock().unwrap() = Some(site.sandbox.clone());
    site.sandbox.watch(Arc::new(observer.clone()));
    going.run(&site).await.done();
    let mut notes = observer.notes();
    std::mem::take(&mut notes.points)
}
