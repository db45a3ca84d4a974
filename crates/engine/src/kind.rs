//! The contract of a kind: one sort of AWS object, in one file.
//!
//! A kind's desired shape and live shape are the same struct; the engine compares them field by field in their serialised form, so a new field
//! of the struct is set, compared and repaired or it does not compile into anything. Promises a kind makes:
//! - `create` makes **one** durable change: the object itself, with its tags. What AWS lets one set only afterwards is left to `update`, which the
//!   engine calls at once for every field in which the new object differs from the desired one, and once more for its `late` fields when it is ready.
//! - `create`, `update` and `delete` may run again after a crash and then finish the job.
//! - every mutating call goes through the [`Door`]: with `call_once` when each such call makes another object, with `call` when repeating it has no second effect.
//! - `scan` and `read` answer `Err` when they cannot know. An absent object is `None`, never an error, and an error is never absence.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Moment;
use crate::door::Door;
use crate::error::{CallError, Cause, Class};
use crate::node::NodeName;
use crate::stack::{Stack, Tags};

/// What holds for all objects of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Traits {
    /// Fields that AWS cannot change after birth: a difference means replace.
    pub fixed: &'static [&'static str],
    /// Whether AWS lets the object carry tags.
    pub tagged: bool,
    /// Deleting it loses data that cannot be made again.
    pub holds_data: bool,
    /// Make the new one before the old one goes. Only for kinds whose AWS name changes with every fixed field.
    pub create_first: bool,
    /// Kinds whose nodes of the same stack must stand before one of these is made and must still stand while it is deleted, although no field
    /// names them (a NAT gateway needs the internet gateway of its VPC).
    pub needs: &'static [&'static str],
    /// Outputs that are new after every update (the ARN of a task definition's latest revision), so that whoever names them changes too.
    pub renews: &'static [&'static str],
    /// Outputs that others only mention: whoever names them does not keep the object from being deleted, so a slow delete need not wait for them (a
    /// database's endpoint, a load balancer's DNS name). Every other output holds.
    pub mentioned: &'static [&'static str],
    /// AWS may undo a change by itself (a deployment that is rolled back): what has become ready is compared with what was asked for.
    pub falls_back: bool,
    /// What has failed is tried again by an update, in place, instead of being made anew.
    pub tries_again: bool,
    /// Fields that can only be set on an object that is ready (the mark that a job is done): after the wait, and not right after the create.
    pub late: &'static [&'static str],
    /// Typical time from the create call to usable, and from the delete call to gone. Source: `aws-behaviours` section 16.
    pub typical_ready: Duration,
    pub typical_gone: Duration,
    /// Time between two readings while waiting.
    pub poll: Duration,
    /// How long to wait for ready, or gone, before giving up.
    pub patience: Duration,
}

impl Traits {
    pub const DEFAULT: Self = Self {
        fixed: &[],
        tagged: true,
        holds_data: false,
        create_first: false,
        needs: &[],
        renews: &[],
        mentioned: &[],
        falls_back: false,
        tries_again: false,
        late: &[],
        typical_ready: Duration::from_secs(1),
        typical_gone: Duration::from_secs(1),
        poll: Duration::from_secs(3),
        patience: Duration::from_secs(20 * 60),
    };
}

/// What AWS reports of one object.
#[derive(Clone, Debug)]
pub struct Live<K> {
    /// What AWS calls it: id, ARN or name, whatever `read` and the SDK's calls want.
    pub id: String,
    /// The node it belongs to: from its tag or, without tags, from its deterministic name.
    pub node: NodeName,
    pub shape: K,
    /// What other nodes may refer to; never a secret.
    pub outputs: BTreeMap<String, String>,
    pub ready: Ready,
    pub tags: Tags,
    /// False for what the account shares and somebody else owns (a GitHub OIDC provider): used, never changed, never deleted.
    pub owned: bool,
    /// Fields that the answer said nothing of, whatever stands in `shape`: nobody can compare them. Where AWS leaves a field out to say "none", it is told.
    pub untold: Vec<&'static str>,
}

impl<K> Live<K> {
    /// Whether it is usable: ready by AWS's word, and with all that others need of it.
    #[must_use]
    pub fn usable(&self, needed: &BTreeSet<String>) -> Ready {
        let withheld = needed.iter().find(|output| !self.outputs.contains_key(*output));
        match (&self.ready, withheld) {
            (Ready::Yes, Some(output)) => Ready::without(output),
            (ready, _) => ready.clone(),
        }
    }
}

impl<K: Clone> Live<K> {
    /// The same object after a call that made its shape `shape`.
    #[must_use]
    pub fn with(&self, shape: &K) -> Self {
        Self { shape: shape.clone(), ..self.clone() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    Yes,
    /// With AWS's own word for the state.
    NotYet(String),
    /// So far it has come.
    Rolling(Copies),
    /// It will never become ready; with AWS's reason.
    Failed(String),
}

impl Ready {
    /// Ready by AWS's word, and an output that others need is not told.
    pub fn without(output: &str) -> Self {
        Self::NotYet(format!("there, without its {output}"))
    }
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("ready"),
            Self::NotYet(text) | Self::Failed(text) => f.write_str(text),
            Self::Rolling(copies) => copies.fmt(f),
        }
    }
}

/// How many copies of something there should be, and how many there are, while it comes up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    pub failed: u32,
    /// Of those that a load balancer looks after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Targets {
    pub healthy: u32,
    pub registered: u32,
}

impl fmt::Display for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { desired, running, pending, failed, targets } = self;
        write!(f, "desired {desired}, running {running}, pending {pending}, failed {failed}")?;
        targets.map_or(Ok(()), |Targets { healthy, registered }| write!(f, ", healthy {healthy} of {registered}"))
    }
}

/// How a delete call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    Yes,
    /// AWS says that it is not there. Of something that was made a moment ago this may only mean "not visible yet", so it is asked again.
    Absent,
    /// Under way, or not possible yet: read again and, while it is still there, call `delete` again with what was read. The text says what is waited
    /// for, in AWS's own words where it has any.
    NotYet(String),
    /// The same, because something that is not ours to delete uses it.
    Held(Holder),
}

/// What keeps an object from going, in words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// What it is and whose: `network interface eni-1 of the load balancer shop-dev-alb`.
    pub by: String,
    /// Since when it is there, as AWS writes times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// What frees it.
    pub help: String,
}

/// What is wrong with an object that is waited for, or that has failed.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub cause: Cause,
    /// How the step ends, once waiting is of no use.
    pub ends: Option<Class>,
}

/// What one scan is about.
#[derive(Clone, Debug)]
pub struct Scan {
    pub stack: Stack,
    /// Ids that the state knows for nodes of this kind, so that an object that lost its tag is not taken for gone.
    pub known: BTreeMap<NodeName, String>,
    /// Nodes of this kind in the desired graph: for kinds that are found by name one by one.
    pub wanted: Vec<(NodeName, Value)>,
    /// A number that is the same for all kinds of one scan and never repeats in a process: for readings that several kinds share.
    pub round: u64,
}

/// Names of the fields in which live differs from desired; `"tags"` when a tag of ours is missing or changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed(pub Vec<String>);

impl Changed {
    pub fn has(&self, field: &str) -> bool {
        self.0.iter().any(|changed| changed == field)
    }

    pub fn any(&self, fields: &[&str]) -> bool {
        fields.iter().any(|field| self.has(field))
    }

    pub fn tags(&self) -> bool {
        self.has("tags")
    }
}

/// One kind; see the module's text for what it promises.
pub trait Kind: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Clients and caches that the kind's calls need.
    type Cx: Send + Sync + 'static;
    /// `service.thing`, such as `ec2.subnet`.
    const NAME: &'static str;
    const TRAITS: Traits = Traits::DEFAULT;

    /// Every object of this kind that the stack owns, in as few calls as AWS allows.
    fn scan(cx: &Self::Cx, scan: &Scan) -> impl Future<Output = Result<Vec<Live<Self>>, CallError>> + Send;

    /// This one again, while waiting for it or after it was not found by its tags.
    fn read(
        cx: &Self::Cx,
        stack: &Stack,
        node: &NodeName,
        id: &str,
    ) -> impl Future<Output = Result<Option<Live<Self>>, CallError>> + Send;

    fn create(&self, cx: &Self::Cx, door: &Door<'_>) -> impl Future<Output = Result<Live<Self>, CallError>> + Send;

    /// Makes the `changed` fields of `live` equal to `self`; answers with what the object is now.
    fn update(
        &self,
        cx: &Self::Cx,
        door: &Door<'_>,
        live: &Live<Self>,
        changed: &Changed,
    ) -> impl Future<Output = Result<Live<Self>, CallError>> + Send;

    /// Already gone is success.
    fn delete(cx: &Self::Cx, door: &Door<'_>, live: &Live<Self>) -> impl Future<Output = Result<Gone, CallError>> + Send;

    /// A closer look at an object that is not ready, or has failed. `live` is the last reading; since `since` it is waited for.
    fn diagnose(
        _cx: &Self::Cx,
        _stack: &Stack,
        _live: &Live<Self>,
        _since: Moment,
    ) -> impl Future<Output = Result<Option<Trouble>, CallError>> + Send {
        std::future::ready(Ok(None))
    }

    /// What must hold before anything is touched, such as a value that must be at hand; an `Err` says what is missing and how to give it. `changed` is what
    /// will be set: every field for an object that is to be made.
    fn preflight(&self, _cx: &Self::Cx, _changed: &Changed) -> Result<(), String> {
        Ok(())
    }

    /// Whether two values of one field mean the same to AWS, where equality is too strict (`16` and `16.4`).
    fn same(_field: &str, desired: &Value, live: &Value) -> bool {
        desired == live
    }
}
