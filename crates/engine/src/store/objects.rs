//! A store on objects with conditional writes, such as S3's: state and lock are one object each.
//!
//! All time is the server's: an object tells when it was written, every answer tells what time it is. So it does not matter what the clocks of the
//! machines show that share the lock. Nothing is ever deleted: a lock that was let go stays as an object without a holder and keeps the number of
//! holders, so that the next number is greater.

use std::sync::Arc;

use tokio::time::Instant;

use super::record::{Record, new_run};
use super::{Grant, Held, LEASE, Later, Locked, Saved, Store, StoreError, Version};
use crate::clock::Moment;
use crate::owner::Owner;

/// An object as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub bytes: Vec<u8>,
    pub etag: String,
    /// When it was written, by the server's clock.
    pub written: Moment,
    /// Of the lock's holder that wrote it.
    pub fence: u64,
    /// Which write it was: a write whose answer was lost is known by it.
    pub write: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub object: Option<Object>,
    /// What time it was, by the server's clock.
    pub now: Moment,
}

/// On which condition an object is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    Absent,
    Is(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Put {
    Done {
        etag: String,
    },
    /// The condition did not hold.
    Refused,
}

/// The least that is asked of whatever keeps the objects.
pub trait Objects: Send + Sync {
    fn place(&self, key: &str) -> String;
    fn prepare(&self) -> Later<'_, Option<String>>;
    fn get<'a>(&'a self, key: &'a str) -> Later<'a, Seen>;
    fn put<'a>(&'a self, key: &'a str, bytes: Vec<u8>, fence: u64, write: &'a str, when: When) -> Later<'a, Put>;
}

pub struct ObjectStore {
    objects: Arc<dyn Objects>,
    state: String,
    lock: String,
    run: String,
}

/// A lock changes hands between a reading and a writing of ours at most this often before we say that somebody else has it.
const ROUNDS: usize = 4;

impl ObjectStore {
    /// State and lock of one stack below `folder`, which is empty or ends in a slash.
    pub fn new(objects: Arc<dyn Objects>, folder: &str) -> Self {
        Self { objects, state: format!("{folder}state.json"), lock: format!("{folder}lock.json"), run: new_run() }
    }

    /// The lock as it stands: its record, its object, and whether its lease has run out.
    async fn look(&self) -> Result<Option<(Record, Object, bool)>, StoreError> {
        let seen = self.objects.get(&self.lock).await?;
        let Some(object) = seen.object else { return Ok(None) };
        let record =
            Record::read(&object.bytes).ok_or_else(|| StoreError::Unreadable { place: self.objects.place(&self.lock) })?;
        // Both times are cut to whole seconds: one more and the lease is over, however they were cut.
        let lapsed = seen.now > object.written + LEASE.as_secs();
        Ok(Some((record, object, lapsed)))
    }

    async fn write(&self, record: &Record, when: When) -> Result<Put, StoreError> {
        let write = format!("{}-{}-{}", record.run, record.fence, record.beat);
        self.objects.put(&self.lock, record.bytes(), record.fence, &write, when).await
    }

    /// Tries to become the holder after number `before`; `None` when somebody was faster.
    async fn claim(&self, owner: &Owner, before: u64, after: Option<Owner>, when: When) -> Result<Option<Grant>, StoreError> {
        let asked = Instant::now();
        let record = Record::held(before + 1, 1, &self.run, owner);
        let grant =
            |mark| Grant { fence: record.fence, mark, beat: 1, owner: owner.clone(), asked, wall: None, after: after.clone() };
        if let Put::Done { etag } = self.write(&record, when).await? {
            return Ok(Some(grant(etag)));
        }
        // A first attempt may have got through without an answer: then it is our own record that is in the way.
        let found = self.look().await?.filter(|(found, ..)| found.is_of(&self.run, record.fence));
        Ok(found.map(|(_, object, _)| grant(object.etag)))
    }

    async fn try_lock(&self, owner: &Owner) -> Result<Locked, StoreError> {
        for _ in 0..ROUNDS {
            let claimed = match self.look().await? {
                None => self.claim(owner, 0, None, When::Absent).await?,
                Some((Record { holder: None, fence, .. }, object, _)) => {
                    self.claim(owner, fence, None, When::Is(object.etag)).await?
                }
                Some((record, object, lapsed)) => {
                    let held = Held { owner: record.holder, fence: record.fence, mark: object.etag, lapsed };
                    return Ok(Locked::Theirs(Box::new(held)));
                }
            };
            if let Some(grant) = claimed {
                return Ok(Locked::Ours(Box::new(grant)));
            }
        }
        Ok(Locked::Theirs(Box::new(Held { owner: None, fence: 0, mark: String::new(), lapsed: false })))
    }

    async fn beat(&self, grant: &Grant) -> Result<Grant, StoreError> {
        let mut mark = grant.mark.clone();
        let mut beat = grant.beat + 1;
        for _ in 0..ROUNDS {
            let asked = Instant::now();
            let record = Record::held(grant.fence, beat, &self.run, &grant.owner);
            if let Put::Done { etag } = self.write(&record, When::Is(mark)).await? {
                return Ok(Grant { mark: etag, beat, asked, ..grant.clone() });
            }
            match self.look().await? {
                // An earlier sign of life got through and its answer did not: go on from there.
                Some((found, object, _)) if found.is_of(&self.run, grant.fence) => {
                    mark = object.etag;
                    beat = found.beat + 1;
                }
                other => return Err(self.lost(other.and_then(|(record, ..)| record.holder))),
            }
        }
        Err(self.lost(None))
    }

    async fn let_go(&self, grant: &Grant) -> Result<(), StoreError> {
        let mut mark = grant.mark.clone();
        for _ in 0..ROUNDS {
            let free = Record::free(grant.fence, &self.run);
            if let Put::Done { .. } = self.write(&free, When::Is(mark)).await? {
                return Ok(());
            }
            match self.look().await? {
                Some((found, object, _)) if found.is_of(&self.run, grant.fence) => mark = object.etag,
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    async fn replace(&self, bytes: Vec<u8>, on: Option<&Version>, grant: &Grant) -> Result<Version, StoreError> {
        let mut when = on.map_or(When::Absent, |version| When::Is(version.0.clone()));
        for _ in 0..ROUNDS {
            let write = format!("{}-{:016x}", self.run, rand::random::<u64>());
            if let Put::Done { etag } = self.objects.put(&self.state, bytes.clone(), grant.fence, &write, when).await? {
                return Ok(Version(etag));
            }
            match self.objects.get(&self.state).await?.object {
                Some(found) if found.write == write => return Ok(Version(found.etag)),
                // One of our own that we gave up waiting for: it was refused or it got through, and here it is.
                Some(found) if self.is_ours(&found) => when = When::Is(found.etag),
                Some(found) if found.fence > grant.fence => return Err(self.lost(None)),
                _ => return Err(StoreError::Changed { place: self.place() }),
            }
        }
        Err(StoreError::Changed { place: self.place() })
    }

    fn is_ours(&self, object: &Object) -> bool {
        object.write.split_once('-').is_some_and(|(run, _)| run == self.run)
    }

    fn lost(&self, by: Option<Owner>) -> StoreError {
        StoreError::Lost { place: self.place(), by: by.map(Box::new) }
    }
}

impl Store for ObjectStore {
    fn place(&self) -> String {
        self.objects.place(&self.state)
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn load(&self) -> Later<'_, Option<Saved>> {
        Box::pin(async {
            let object = self.objects.get(&self.state).await?.object;
            Ok(object.map(|object| Saved { bytes: object.bytes, version: Version(object.etag), fence: object.fence }))
        })
    }

    fn save<'a>(&'a self, bytes: Vec<u8>, on: Option<&'a Version>, grant: &'a Grant) -> Later<'a, Version> {
        Box::pin(self.replace(bytes, on, grant))
    }

    fn prepare(&self) -> Later<'_, Option<String>> {
        self.objects.prepare()
    }

    fn lock<'a>(&'a self, owner: &'a Owner) -> Later<'a, Locked> {
        Box::pin(self.try_lock(owner))
    }

    fn take_over<'a>(&'a self, owner: &'a Owner, held: &'a Held) -> Later<'a, Option<Grant>> {
        Box::pin(self.claim(owner, held.fence, held.owner.clone(), When::Is(held.mark.clone())))
    }

    fn renew<'a>(&'a self, grant: &'a Grant) -> Later<'a, Grant> {
        Box::pin(self.beat(grant))
    }

    fn release<'a>(&'a self, grant: &'a Grant) -> Later<'a, ()> {
        Box::pin(self.let_go(grant))
    }
}
