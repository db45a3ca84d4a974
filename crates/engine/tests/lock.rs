//! The lock of a state file: who is kept out, what a dead owner leaves, and what a folder that machines share needs.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use landing_engine::lock::{self, Lease, LockError, Waiting};
use landing_engine::owner::{Owner, Process};
use landing_engine::store::{LocalStore, Store, StoreError, Version};
use landing_engine::{Clock, Disk};
use tempfile::TempDir;

const NEVER: Duration = Duration::ZERO;

fn owner(command: &str, boot: &str) -> Owner {
    Owner {
        pid: 7,
        host: "host".into(),
        user: "ada".into(),
        command: command.into(),
        since: "2026-01-01T00:00:00Z".into(),
        page: None,
        process: Some(Process { boot: boot.into(), space: "pid:[1]".into(), started: 1 }),
    }
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn state(&self) -> PathBuf {
        self.0.path().join("x.json")
    }

    fn lock(&self) -> PathBuf {
        self.0.path().join("x.json.lock")
    }

    fn store(&self) -> Arc<LocalStore> {
        Arc::new(LocalStore::new(Arc::new(Disk), &self.state()))
    }

    /// As if the lock's file had been written so long ago.
    fn age(&self, by: Duration) {
        let file = std::fs::File::options().write(true).open(self.lock()).unwrap();
        let written = file.metadata().unwrap().modified().unwrap();
        file.set_modified(written - by).unwrap();
    }
}

async fn take(store: &LocalStore, owner: &Owner, patience: Duration) -> Result<landing_engine::store::Grant, LockError> {
    lock::take(store, owner, patience, Clock::starting(0, 1.0), None, &mut |_| {}).await
}

/// A process that dies leaves its file as it was, and the system lets go of it.
async fn died(folder: &Folder, owner: &Owner) {
    let store = folder.store();
    take(&store, owner, NEVER).await.unwrap();
    drop(store);
}

#[tokio::test(start_paused = true)]
async fn a_second_run_is_kept_out_and_told_by_whom() {
    let folder = Folder::new();
    let (first, second) = (folder.store(), folder.store());
    let grant = take(&first, &owner("landing up", "here"), NEVER).await.unwrap();
    let error = take(&second, &owner("landing down", "here"), NEVER).await.unwrap_err();
    insta::assert_snapshot!(error, @"another run holds the lock: `landing up` of ada on host, process 7, since 2026-01-01T00:00:00Z");
    first.release(&grant).await.unwrap();
    let next = take(&second, &owner("landing down", "here"), NEVER).await.unwrap();
    assert_eq!((next.fence, next.after), (2, None), "the next one, and nobody died");
}

/// Whatever number the dead one had, and whoever has it now: the system's own lock says that nobody holds it.
#[tokio::test(start_paused = true)]
async fn a_dead_owners_lock_is_free_at_once_and_names_him() {
    let folder = Folder::new();
    let us = Owner { pid: std::process::id(), process: Process::this(), ..owner("landing up", "here") };
    died(&folder, &us).await;
    let next = take(&folder.store(), &us, NEVER).await.unwrap();
    assert_eq!((next.fence, next.after.unwrap().pid), (2, us.pid));
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_once_and_goes_on_when_the_other_ends() {
    let folder = Folder::new();
    let (first, second) = (folder.store(), folder.store());
    let grant = take(&first, &owner("landing up", "here"), NEVER).await.unwrap();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(100)).await;
        first.release(&grant).await.unwrap();
    });
    let mut told = Vec::new();
    let clock = Clock::starting(0, 1.0);
    let patience = Duration::from_secs(900);
    let waiter = owner("landing down", "here");
    lock::take(second.as_ref(), &waiter, patience, clock, None, &mut |waiting| told.push(waiting)).await.unwrap();
    assert_eq!(told, [Waiting::For { owner: Some(owner("landing up", "here")), at_most: patience }]);
    assert!((100..104).contains(&clock.elapsed().as_secs()), "{:?}", clock.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_ends_when_it_was_said() {
    let folder = Folder::new();
    let (first, second) = (folder.store(), folder.store());
    take(&first, &owner("landing up", "here"), NEVER).await.unwrap();
    let clock = Clock::starting(0, 1.0);
    let patience = Duration::from_secs(90);
    let error =
        lock::take(second.as_ref(), &owner("landing down", "here"), patience, clock, None, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, LockError::Held { .. }), "{error}");
    assert_eq!(clock.elapsed().as_secs(), 90);
}

/// Network file systems do not all carry locks from one machine to the other, so a holder elsewhere counts as alive for the time of its lease.
#[tokio::test(start_paused = true)]
async fn another_machines_lock_is_taken_only_after_its_lease_and_a_look() {
    let folder = Folder::new();
    died(&folder, &owner("landing up", "there")).await;
    let here = owner("landing down", "here");
    let error = take(&folder.store(), &here, NEVER).await.unwrap_err();
    assert!(matches!(error, LockError::Held { .. }), "its lease may not have run out: {error}");
    folder.age(Duration::from_secs(90));
    let mut told = Vec::new();
    let clock = Clock::starting(0, 1.0);
    let next = lock::take(folder.store().as_ref(), &here, NEVER, clock, None, &mut |waiting| told.push(waiting)).await.unwrap();
    assert_eq!(next.after.unwrap(), owner("landing up", "there"));
    assert!(matches!(told[..], [Waiting::Watching { .. }]), "{told:?}");
    assert!((20..23).contains(&clock.elapsed().as_secs()), "{:?}", clock.elapsed());
}

/// Even if its clock, or the file server's, is far off: it lives, and gives signs of life.
#[tokio::test(start_paused = true)]
async fn another_machines_lock_is_not_taken_while_it_lives() {
    let folder = Folder::new();
    let (there, here) = (folder.store(), folder.store());
    let mut grant = take(&there, &owner("landing up", "there"), NEVER).await.unwrap();
    // The lock of the system is not seen from the other machine.
    drop(there);
    let record = std::fs::read(folder.lock()).unwrap();
    let path = folder.lock();
    let beats = tokio::spawn(async move {
        loop {
            grant.beat += 1;
            let text = String::from_utf8(record.clone()).unwrap().replace("\"beat\":1", &format!("\"beat\":{}", grant.beat));
            std::fs::write(&path, text).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            let now = file.metadata().unwrap().modified().unwrap();
            file.set_modified(now - Duration::from_secs(86_400)).unwrap();
            tokio::time::sleep(Duration::from_secs(15)).await;
        }
    });
    tokio::task::yield_now().await;
    let error = take(&here, &owner("landing down", "here"), Duration::from_secs(300)).await.unwrap_err();
    assert!(matches!(error, LockError::Held { .. }), "{error}");
    beats.abort();
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lock_file_is_made_again_unless_another_run_has_made_one() {
    let folder = Folder::new();
    let (first, second) = (folder.store(), folder.store());
    let grant = take(&first, &owner("landing up", "here"), NEVER).await.unwrap();
    std::fs::remove_file(folder.lock()).unwrap();
    let grant = first.renew(&grant).await.unwrap();
    let error = take(&second, &owner("landing down", "here"), NEVER).await.unwrap_err();
    assert!(matches!(error, LockError::Held { .. }), "{error}");

    std::fs::remove_file(folder.lock()).unwrap();
    take(&second, &owner("landing down", "here"), NEVER).await.unwrap();
    let lost = first.renew(&grant).await.unwrap_err();
    insta::assert_snapshot!(lost.to_string().replace(&folder.state().display().to_string(), "STATE"),
        @"the lock of STATE was taken over by `landing down` of ada on host, process 7, since 2026-01-01T00:00:00Z");
    assert!(matches!(first.save(b"{}".to_vec(), None, &grant).await, Err(StoreError::Lost { .. })), "and it may not write");
    first.release(&grant).await.unwrap();
    assert!(
        matches!(take(&first, &owner("landing up", "here"), NEVER).await, Err(LockError::Held { .. })),
        "the other's lock stands"
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_changed_since_it_was_read_is_not_written_over() {
    let folder = Folder::new();
    let store = folder.store();
    let grant = take(&store, &owner("landing up", "here"), NEVER).await.unwrap();
    let first = store.save(b"one".to_vec(), None, &grant).await.unwrap();
    let second = store.save(b"two".to_vec(), Some(&first), &grant).await.unwrap();
    let again = store.save(b"three".to_vec(), Some(&first), &grant).await.unwrap_err();
    assert!(matches!(again, StoreError::Changed { .. }), "{again}");
    assert!(matches!(store.save(b"three".to_vec(), None, &grant).await, Err(StoreError::Changed { .. })));
    let found = store.load().await.unwrap().unwrap();
    assert_eq!((found.bytes.as_slice(), &found.version), (b"two".as_slice(), &second));
    std::fs::write(folder.state(), "restored by hand").unwrap();
    assert!(matches!(store.save(b"three".to_vec(), Some(&second), &grant).await, Err(StoreError::Changed { .. })));
    assert_ne!(first, Version(String::new()));
}

/// What an older version of the program, or somebody's editor, left there is nobody's lock.
#[tokio::test(start_paused = true)]
async fn a_lock_file_that_says_nothing_is_free() {
    for text in ["", "{}", "{\"pid\":7,\"host\":\"h\"}", "\u{0}\u{0}"] {
        let folder = Folder::new();
        std::fs::write(folder.lock(), text).unwrap();
        assert_eq!(take(&folder.store(), &owner("landing up", "here"), NEVER).await.unwrap().fence, 1, "{text:?}");
    }
}

/// A laptop that slept: tokio's clock stood still, the wall's went on. Nothing is sent until the lock is renewed.
#[tokio::test(start_paused = true)]
async fn after_a_sleep_nothing_is_sent_before_the_lock_is_renewed() {
    use std::sync::atomic::{AtomicU64, Ordering};
    static WALL: AtomicU64 = AtomicU64::new(1000);
    let folder = Folder::new();
    let store = folder.store();
    let (clock, wall): (_, lock::Wall) = (Clock::starting(0, 1.0), || WALL.load(Ordering::Relaxed));
    let us = owner("landing up", "here");
    let grant = lock::take(store.as_ref(), &us, NEVER, clock, Some(wall), &mut |_| {}).await.unwrap();
    let lease = Lease::keep(store, grant, clock, Some(wall));
    lease.permit().granted().await.unwrap();
    assert_eq!(lease.grant().beat, 1, "nobody had to renew it");
    WALL.store(1600, Ordering::Relaxed);
    lease.permit().granted().await.unwrap();
    assert_eq!(lease.grant().beat, 2, "it was renewed first");

    WALL.store(2600, Ordering::Relaxed);
    std::fs::write(folder.lock(), br#"{"format":1,"fence":9,"beat":1,"run":"other","holder":null}"#).unwrap();
    assert!(matches!(lease.permit().granted().await, Err(StoreError::Lost { .. })));
    assert!(matches!(lease.permit().is_lost(), Some(StoreError::Lost { .. })));
}
