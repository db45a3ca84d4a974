//! The world that two machines share: a server that keeps objects and takes calls, and a network that is late, loses and doubles nothing, but forgets to
//! answer. Whatever reaches the server is checked there and then, by the server's clock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use landing_engine::store::{LEASE, Later, Object, Objects, Put, Seen, StoreError, When};
use landing_engine::{CallError, Class, NodeName, State};
use serde_json::Value;
use tokio::sync::oneshot;

/// Same seed, same numbers: SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// In so many of a thousand cases.
    pub(crate) fn chance(&mut self, of_a_thousand: u64) -> bool {
        self.next() % 1000 < of_a_thousand
    }
}

/// What a schedule came to, for the figures that are printed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) saves: u64,
    pub(crate) grants: u64,
    pub(crate) takeovers: u64,
    pub(crate) refused: u64,
    pub(crate) lost: u64,
    pub(crate) late: u64,
    pub(crate) crashes: u64,
    pub(crate) pauses: u64,
    pub(crate) held: u64,
    pub(crate) fenced: u64,
    pub(crate) done: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        let Self { calls, saves, grants, takeovers, refused, lost, late, crashes, pauses, held, fenced, done } = other;
        self.calls += calls;
        self.saves += saves;
        self.grants += grants;
        self.takeovers += takeovers;
        self.refused += refused;
        self.lost += lost;
        self.late += late;
        self.crashes += crashes;
        self.pauses += pauses;
        self.held += held;
        self.fenced += fenced;
        self.done += done;
    }
}

enum Request {
    Get(String),
    Put {
        key: String,
        bytes: Vec<u8>,
        fence: u64,
        write: String,
        when: When,
    },
    /// One that changes something in AWS.
    Change {
        process: usize,
        fence: u64,
    },
}

#[derive(Clone, Debug)]
enum Answer {
    Seen(Seen),
    Put(Put),
    Changed,
}

struct Flight {
    arrives: u64,
    number: u64,
    request: Request,
    /// When the answer is back; `None`: it is lost.
    answered_after: Option<u64>,
    sender: oneshot::Sender<Answer>,
}

struct Home {
    at: u64,
    number: u64,
    answer: Answer,
    sender: oneshot::Sender<Answer>,
}

pub(crate) struct World {
    /// Milliseconds by the server's clock.
    pub(crate) now: u64,
    pub(crate) dice: Dice,
    pub(crate) tally: Tally,
    /// Whether the network works; it does at the end, for the run that must succeed.
    pub(crate) calm: bool,
    objects: BTreeMap<String, Object>,
    flights: Vec<Flight>,
    homes: Vec<Home>,
    number: u64,
    /// Who wrote a serial.
    serials: BTreeMap<u64, String>,
    /// Every write that was taken: when, and by which run.
    writes: Vec<(u64, String)>,
    /// Processes that are gone; only what they sent before is still on its way.
    pub(crate) dead: BTreeSet<usize>,
    /// Where the lock is when it is a file.
    pub(crate) lock_file: Option<PathBuf>,
    last: Option<State>,
    pub(crate) broken: Vec<String>,
}

/// A call that was sent arrives within the margin that a holder leaves, or never.
const LATEST_CALL: u64 = 15_000;
/// A write may arrive when nobody waits for it any more.
const LATEST_WRITE: u64 = 150_000;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: 1_000_000,
            dice: Dice::new(seed),
            tally: Tally::default(),
            calm: false,
            objects: BTreeMap::new(),
            flights: Vec::new(),
            homes: Vec::new(),
            number: 0,
            serials: BTreeMap::new(),
            writes: Vec::new(),
            dead: BTreeSet::new(),
            lock_file: None,
            last: None,
            broken: Vec::new(),
        }
    }

    fn send(&mut self, request: Request) -> oneshot::Receiver<Answer> {
        let (sender, receiver) = oneshot::channel();
        let usual = self.dice.between(5, 400);
        let is_write = matches!(request, Request::Put { .. });
        let out = match () {
            () if self.calm => usual,
            () if is_write && self.dice.chance(40) => self.dice.between(400, LATEST_WRITE),
            () if self.dice.chance(60) => self.dice.between(400, LATEST_CALL),
            () => usual,
        };
        self.tally.late += u64::from(out > LATEST_CALL);
        self.number += 1;
        // Lost on the way there: nobody ever hears of it.
        if !self.calm && self.dice.chance(30) {
            self.tally.lost += 1;
            return receiver;
        }
        let answered_after = (self.calm || !self.dice.chance(50)).then(|| self.dice.between(5, 400));
        self.tally.lost += u64::from(answered_after.is_none());
        self.flights.push(Flight { arrives: self.now + out, number: self.number, request, answered_after, sender });
        receiver
    }

    /// Goes on to `until`: what arrives by then is acted on when it arrives, what is back by then is heard.
    pub(crate) fn go_on(&mut self, until: u64) {
        loop {
            let next = self.flights.iter().enumerate().filter(|(_, flight)| flight.arrives <= until);
            let Some(index) = next.min_by_key(|(_, flight)| (flight.arrives, flight.number)).map(|(index, _)| index) else {
                break;
            };
            let flight = self.flights.swap_remove(index);
            self.now = flight.arrives;
            let answer = self.act(flight.request);
            if let Some(after) = flight.answered_after {
                self.homes.push(Home { at: self.now + after, number: flight.number, answer, sender: flight.sender });
            }
        }
        self.now = until;
        let (mut due, later): (Vec<Home>, Vec<Home>) =
            std::mem::take(&mut self.homes).into_iter().partition(|home| home.at <= until);
        due.sort_by_key(|home| (home.at, home.number));
        self.homes = later;
        for home in due {
            // Nobody may wait for it any more.
            let _ = home.sender.send(home.answer);
        }
    }

    fn act(&mut self, request: Request) -> Answer {
        match request {
            Request::Get(key) => Answer::Seen(Seen { object: self.objects.get(&key).cloned(), now: self.now / 1000 }),
            Request::Put { key, bytes, fence, write, when } => {
                let present = self.objects.get(&key);
                let holds = match &when {
                    When::Absent => present.is_none(),
                    When::Is(etag) => present.is_some_and(|object| object.etag == *etag),
                };
                if !holds {
                    self.tally.refused += 1;
                    return Answer::Put(Put::Refused);
                }
                let run = write.split('-').next().unwrap_or_default().to_owned();
                match key.as_str() {
                    "lock.json" => self.see_lock(&bytes),
                    _ => self.see_state(&bytes, &run),
                }
                self.writes.push((self.now, run));
                self.number += 1;
                let etag = format!("\"{}\"", self.number);
                let object = Object { bytes, etag: etag.clone(), written: self.now / 1000, fence, write };
                self.objects.insert(key, object);
                Answer::Put(Put::Done { etag })
            }
            Request::Change { process, fence } => {
                self.tally.calls += 1;
                let lock = match &self.lock_file {
                    // The system frees the lock of a process that is gone, whatever it sent before.
                    Some(_) if self.dead.contains(&process) => return Answer::Changed,
                    Some(path) => std::fs::read(path).ok(),
                    None => self.objects.get("lock.json").map(|object| object.bytes.clone()),
                };
                self.arrived(process, fence, lock.as_deref());
                Answer::Changed
            }
        }
    }

    /// A call that changes something is there: whoever sent it must be the one that has the lock, whatever happened since.
    fn arrived(&mut self, process: usize, fence: u64, lock: Option<&[u8]>) {
        let record: Value = lock.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default();
        if record["fence"].as_u64() != Some(fence) || record["holder"].is_null() {
            let now = self.now;
            self.broken.push(format!("{now}: a call of process {process}, holder {fence}, arrives when the lock says {record}"));
        }
    }

    fn see_lock(&mut self, bytes: &[u8]) {
        let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
        let (new, old) = (read(bytes), self.objects.get("lock.json").map(|object| read(&object.bytes)).unwrap_or_default());
        if new["holder"].is_null() || new["fence"] == old["fence"] {
            return;
        }
        self.tally.grants += 1;
        if new["fence"].as_u64() <= old["fence"].as_u64() {
            self.broken.push(format!("{}: the lock's number goes from {} to {}", self.now, old["fence"], new["fence"]));
        }
        if !old["holder"].is_null() {
            self.tally.takeovers += 1;
            let written = self.objects["lock.json"].written;
            if self.now / 1000 <= written + LEASE.as_secs() {
                self.broken.push(format!("{}: a lock is taken from one that gave a sign of life at {written}", self.now));
            }
        }
    }

    /// Every state goes on from the one that it replaces.
    pub(crate) fn see_state(&mut self, bytes: &[u8], run: &str) {
        self.tally.saves += 1;
        let new = State::parse(bytes, Path::new("state")).expect("a run writes states");
        if let Some(other) = self.serials.insert(new.serial, run.to_owned()).filter(|other| other != run) {
            self.broken.push(format!("{}: serial {} is written by {other} and by {run}", self.now, new.serial));
        }
        if let Some(old) = &self.last {
            let missing: Vec<&NodeName> = old.nodes.keys().filter(|node| !new.nodes.contains_key(*node)).collect();
            if !missing.is_empty() || new.serial <= old.serial || new.lineage != old.lineage {
                let (from, to) = (old.serial, new.serial);
                self.broken.push(format!("{}: serial {to} by {run} loses {missing:?} of serial {from}", self.now));
            }
        }
        self.last = Some(new);
    }

    /// Whether more than one run wrote anything since then.
    pub(crate) fn several_wrote_since(&self, then: u64) -> bool {
        let runs: BTreeSet<&String> = self.writes.iter().filter(|(at, _)| *at >= then).map(|(_, run)| run).collect();
        runs.len() > 1
    }

    /// Nodes of the last state that was written.
    pub(crate) fn nodes(&self) -> BTreeSet<NodeName> {
        self.last.iter().flat_map(|state| state.nodes.keys().cloned()).collect()
    }

    /// When the holder of that number would have to be silent, by the server's clock; 0 when it is not the holder.
    fn lease_ends(&self, fence: u64) -> u64 {
        let Some(lock) = self.objects.get("lock.json").filter(|lock| lock.fence == fence) else { return 0 };
        (lock.written + LEASE.as_secs()) * 1000
    }
}

pub(crate) type Shared = Arc<Mutex<World>>;

pub(crate) fn locked(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For how long a machine waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(15);

async fn answer(receiver: oneshot::Receiver<Answer>) -> Result<Answer, CallError> {
    let silence = || CallError::new(Class::Ambiguous, "test:Call", "no answer");
    let waited = async {
        match receiver.await {
            Ok(answer) => answer,
            // The network forgot it; the one that waits does not know.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::time::timeout(TIMEOUT, waited).await.map_err(|_| silence())
}

/// Changes something in AWS.
pub(crate) async fn change(world: &Shared, process: usize, fence: u64, by_lease: bool) -> Result<(), CallError> {
    let receiver = {
        let mut world = locked(world);
        if by_lease && world.now > world.lease_ends(fence) {
            let (now, ends) = (world.now, world.lease_ends(fence));
            world.broken.push(format!("{now}: process {process}, holder {fence}, sends a call though its lease ended at {ends}"));
        }
        world.send(Request::Change { process, fence })
    };
    answer(receiver).await.map(|_| ())
}

/// The server as one machine sees it.
pub(crate) struct Bucket(pub(crate) Shared);

impl Bucket {
    async fn ask(&self, request: Request) -> Result<Answer, StoreError> {
        let receiver = locked(&self.0).send(request);
        Ok(answer(receiver).await?)
    }
}

impl Objects for Bucket {
    fn place(&self, key: &str) -> String {
        format!("s3://bucket/{key}")
    }

    fn prepare(&self) -> Later<'_, Option<String>> {
        Box::pin(async { Ok(None) })
    }

    fn get<'a>(&'a self, key: &'a str) -> Later<'a, Seen> {
        Box::pin(async move {
            match self.ask(Request::Get(key.to_owned())).await? {
                Answer::Seen(seen) => Ok(seen),
                other => unreachable!("a get is answered by {other:?}"),
            }
        })
    }

    fn put<'a>(&'a self, key: &'a str, bytes: Vec<u8>, fence: u64, write: &'a str, when: When) -> Later<'a, Put> {
        Box::pin(async move {
            let request = Request::Put { key: key.to_owned(), bytes, fence, write: write.to_owned(), when };
            match self.ask(request).await? {
                Answer::Put(put) => Ok(put),
                other => unreachable!("a put is answered by {other:?}"),
            }
        })
    }
}
