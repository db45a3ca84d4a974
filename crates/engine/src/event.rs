//! All that the engine says. The CLI prints it, tests assert on it, `--json` writes it out.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::{Cause, Class};
use crate::kind::{Copies, Holder};
use crate::node::NodeName;

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 10.0).round() / 10.0)
}

/// Refused when no clock could have said it.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(deserializer)?).map_err(D::Error::custom)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    Creating,
    Updating,
    Deleting,
    /// Nothing to change, but others wait until it is usable.
    Checking,
}

/// Times are AWS time, which runs faster than the wall when the sandbox does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Always first; carries the plan's size, so that a reader can draw progress.
    RunStarted {
        steps: usize,
    },
    StepStarted {
        node: NodeName,
        doing: Doing,
    },
    /// The id AWS gave, as soon as it is in the journal.
    StepKnown {
        node: NodeName,
        id: String,
    },
    /// The call is tried again after `wait`: throttled, still in use, or AWS does not yet see what was just made.
    StepRetrying {
        node: NodeName,
        attempt: u32,
        #[serde(serialize_with = "seconds", deserialize_with = "duration")]
        wait: Duration,
        why: String,
    },
    /// Made and not usable yet, with AWS's own word for the state; or what a step is at that works long by itself, such as the build of an image.
    StepWaiting {
        node: NodeName,
        state: String,
        #[serde(serialize_with = "seconds", deserialize_with = "duration")]
        elapsed: Duration,
        /// What is in the way of a delete, when it is not ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        holder: Option<Holder>,
        /// What `state` says of a service's copies, as numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copies: Option<Copies>,
    },
    /// Something that is waited for has trouble to come up: told once for each sort of trouble, as soon as it is seen.
    StepTrouble {
        node: NodeName,
        cause: Cause,
    },
    StepFinished {
        node: NodeName,
        doing: Doing,
        #[serde(serialize_with = "seconds", deserialize_with = "duration")]
        elapsed: Duration,
    },
    StepFailed {
        node: NodeName,
        class: Class,
        message: String,
        help: Option<String>,
    },
    /// Something that it needs failed, or the run was stopped before its turn.
    StepSkipped {
        node: NodeName,
        because: String,
    },
    /// A signal: nothing new starts, `running` steps are let finish.
    StopRequested {
        running: usize,
    },
    /// Always last.
    RunFinished {
        done: usize,
        failed: usize,
        skipped: usize,
        #[serde(serialize_with = "seconds", deserialize_with = "duration")]
        elapsed: Duration,
    },
}
