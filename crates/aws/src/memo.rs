//! Readings that several kinds share within one scan.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use landing_engine::CallError;
use tokio::sync::OnceCell;

type Slot = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// Keyed by the scan's round and a name; a new round forgets the last one.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    slots: Mutex<BTreeMap<(u64, &'static str), Slot>>,
}

impl Memo {
    /// The value made by `read` the first time somebody asked in this round.
    pub(crate) async fn get<T, F, Fut>(&self, round: u64, name: &'static str, read: F) -> Result<Arc<T>, CallError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, CallError>>,
    {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.retain(|(of, _), _| *of == round);
            slots.entry((round, name)).or_default().clone()
        };
        let value =
            slot.get_or_try_init(|| async { read().await.map(|value| Arc::new(value) as Arc<dyn Any + Send + Sync>) }).await?;
        Ok(value.clone().downcast::<T>().expect("one name is used for one type"))
    }
}
