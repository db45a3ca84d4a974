//! Mount targets that this process has seen while they were made, until their names can be looked up everywhere.
//!
//! A mount target is `available` before the name that tasks mount by is known to the VPC's name server, for up to 90 seconds, and nothing in EFS tells
//! when it is. A task that starts in between dies. So what was still `creating` is taken for usable that much later; what is found standing is old
//! enough, or ECS's own second try is. Source: `aws-behaviours` 14.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use landing_engine::Ready;
use tokio::time::Instant;

/// EFS's word.
const CREATING: &str = "creating";
const NAME_KNOWN_WITHIN: Duration = Duration::from_secs(90);

#[derive(Debug)]
pub(crate) struct Young {
    /// AWS seconds in one on the wall.
    scale: f64,
    /// Id → when it was first seen available.
    made: Mutex<BTreeMap<String, Option<Instant>>>,
}

impl Young {
    pub(crate) fn new(scale: f64) -> Self {
        Self { scale, made: Mutex::default() }
    }

    /// What `state` means for who mounts by name.
    pub(super) fn ready(&self, id: &str, state: Ready) -> Ready {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if state == Ready::NotYet(CREATING.into()) {
            made.insert(id.to_owned(), None);
        }
        let Some(since) = made.get_mut(id).filter(|_| state == Ready::Yes) else { return state };
        let since = *since.get_or_insert_with(Instant::now);
        if since.elapsed().mul_f64(self.scale) < NAME_KNOWN_WITHIN {
            return Ready::NotYet("available, its name is not known everywhere yet".into());
        }
        made.remove(id);
        Ready::Yes
    }
}
