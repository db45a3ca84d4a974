//! What is left of a stack after `down`, looked for by every way there is.
//!
//! The walk believes what the calls answered; here AWS is asked anew: the kinds' own scans, the Tagging API at home and in us-east-1 (each hit is confirmed by
//! the owning service, because what is deleted stays listed), names where there are no tags, what AWS itself makes for a stack, and what somebody else put
//! into our VPC, cluster or namespace. A reading that fails is told as such: it is never "nothing left".
//!
//! Not looked for, because the account shares it and it is kept on purpose: service-linked roles, an OIDC provider without our tags, the bucket that holds
//! state files. Source: `aws-behaviours` 1.6, 13, 15.

mod arn;
mod finds;
mod index;
mod kinds;
mod made;
mod names;
mod steps;
mod strangers;

use std::time::Duration;

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use landing_engine::clock::SHOWN_WITHIN;
use landing_engine::state::Lately;
use landing_engine::walk::Outcome;
use landing_engine::{CallError, Class, Clock, Graph, LiveSet, Moment, NodeName, Registry, Stack, State, scan};
use serde::{Serialize, Serializer};

use crate::Aws;
use finds::Finds;

/// One object, and why it is still there.
#[derive(Clone, Debug, Serialize)]
pub struct Leftover {
    /// As in a node's name; `service.thing` for what landing makes no nodes of.
    pub kind: String,
    /// Id, ARN or name: what AWS's own tools take.
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    #[serde(flatten)]
    pub reason: Reason,
    /// The command or step that removes it.
    pub remove: String,
    /// Until when it may go, or no longer be listed, by itself.
    #[serde(skip)]
    until: Option<Moment>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
pub enum Reason {
    /// Kept on purpose, and how that came.
    Kept { why: String },
    /// Not this stack's, and in the way of something that is.
    InTheWay { why: String },
    /// AWS is at it.
    Unfinished {
        why: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// AWS would not delete it: its words.
    Refused { why: String, class: Class },
    /// Ours, and nobody tried to delete it or AWS said that it was gone; how it was found.
    Stands { why: String },
    /// Named like this stack's objects, without a mark that makes it this stack's. A name alone proves nothing.
    Alike { why: String },
}

impl Leftover {
    fn new(kind: impl Into<String>, id: impl Into<String>, reason: Reason, remove: String) -> Self {
        Self { kind: kind.into(), id: id.into(), node: None, reason, remove, until: None }
    }

    /// Whether it should not be there.
    pub fn is_wrong(&self) -> bool {
        !matches!(self.reason, Reason::Kept { .. } | Reason::Alike { .. })
    }
}

impl Reason {
    /// In words, without what removes it.
    pub fn why(&self) -> &str {
        match self {
            Self::Kept { why }
            | Self::InTheWay { why }
            | Self::Unfinished { why, .. }
            | Self::Refused { why, .. }
            | Self::Stands { why }
            | Self::Alike { why } => why,
        }
    }
}

/// A place where nobody could look.
#[derive(Clone, Debug, Serialize)]
pub struct Unchecked {
    pub what: String,
    #[serde(serialize_with = "in_words")]
    pub error: CallError,
}

fn in_words<S: Serializer>(error: &CallError, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(error)
}

/// What a look brought: what is left, by kind and id, and where nobody could look.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Left {
    pub objects: Vec<Leftover>,
    pub unchecked: Vec<Unchecked>,
    /// Places that what answers has not got: an emulator that knows no call about a thing keeps none of it.
    pub unserved: Vec<Unchecked>,
}

impl Left {
    /// Whether nothing is there that should not be, as far as anybody can know.
    pub fn is_nothing(&self) -> bool {
        self.unchecked.is_empty() && !self.objects.iter().any(Leftover::is_wrong)
    }

    /// What stands behind it not being nothing, for the exit code: a denied call before all others.
    pub fn class(&self) -> Option<Class> {
        let refused = self.objects.iter().filter_map(|left| match left.reason {
            Reason::Refused { class, .. } => Some(class),
            _ => None,
        });
        let all: Vec<Class> = refused.chain(self.unchecked.iter().map(|place| place.error.class)).collect();
        [Class::Credentials, Class::Denied].into_iter().find(|class| all.contains(class))
    }
}

/// What is looked for, and what the run that came before knows about it.
#[derive(Clone, Copy)]
pub struct Sought<'a> {
    pub aws: &'a Aws,
    pub registry: &'a Registry,
    pub stack: &'a Stack,
    /// Names that the project's objects have.
    pub project: &'a Graph,
    /// What stood when the run began.
    pub before: &'a LiveSet,
    /// As the walk left it.
    pub state: &'a State,
    pub outcome: &'a Outcome,
    pub clock: Clock,
    /// When the run began.
    pub began: Moment,
    /// False when there was no state file: then nobody knows how young the stack is, and AWS may not show yet what was made a moment ago.
    pub has_history: bool,
}

const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

impl Sought<'_> {
    /// Looks until nothing is left, or until what is left will not go by itself. `waiting` is told what is waited for after each look that is not the last.
    pub async fn look_until_settled(&self, waiting: impl Fn(&Left)) -> Left {
        let asked = self.clock.now();
        let mut pause = FIRST_PAUSE;
        loop {
            let left = self.look().await;
            let now = self.clock.now();
            let mut until: Vec<Moment> = left.objects.iter().filter_map(|object| object.until).collect();
            if !self.has_history {
                until.push(self.began + SHOWN_WITHIN);
            }
            if !left.unchecked.is_empty() {
                // A server that does not answer may do so in a minute; a permission does not come by itself.
                let passing = |place: &Unchecked| matches!(place.error.class, Class::Throttled | Class::Ambiguous);
                until = if left.unchecked.iter().all(passing) { vec![asked + SHOWN_WITHIN] } else { Vec::new() };
            }
            if until.into_iter().all(|until| until <= now) {
                return left;
            }
            waiting(&left);
            self.clock.sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    /// One look.
    pub async fn look(&self) -> Left {
        let round = scan::next_round();
        let mut finds = Finds::default();
        kinds::look(self, round, &mut finds).await;
        index::look(self, round, &mut finds).await;
        names::look(self, &mut finds).await;
        made::look(self, &mut finds).await;
        strangers::look(self, &mut finds).await;
        finds.left()
    }

    /// What the run heard of its deletion. Ids of several kinds are names, and a cluster may be called like a namespace.
    fn departed(&self, kind: &str, id: &str) -> impl Iterator<Item = &Lately> {
        self.state.departed.iter().filter(move |gone| gone.id == id && gone.node.kind() == kind)
    }

    /// Until when something that AWS deleted may still be listed; `None` when that time is over, or when nobody deleted it.
    fn listed_until(&self, kind: &str, id: &str) -> Option<Moment> {
        let gone = self.departed(kind, id).map(|gone| gone.at + SHOWN_WITHIN).max();
        gone.filter(|until| *until > self.clock.now())
    }
}

/// As AWS writes times.
fn time(at: Moment) -> Option<String> {
    DateTime::from_secs(i64::try_from(at).ok()?).fmt(Format::DateTime).ok()
}
