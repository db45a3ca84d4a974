//! What can go wrong with one call, in the classes that the door and the exit codes tell apart.

use std::fmt;
use std::time::Duration;

/// What a refused call means for what to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// The object is not there. While making or changing something this means "not visible yet" and is tried again.
    NotFound,
    /// AWS does not yet see, or does not yet trust, something that was just made. Tried again.
    NotVisibleYet,
    /// Something else still uses the object, or it is between two states. Tried again.
    InUse,
    Throttled,
    Denied,
    Credentials,
    Quota,
    /// An object with this name or setting is already there.
    AlreadyExists,
    /// No answer, or a server fault: the call may or may not have taken effect.
    Ambiguous,
    /// AWS will never accept this call as it stands.
    Invalid,
    /// What answers is no AWS and does not know the call.
    Unserved,
    /// A new release did not become healthy, and AWS has put the old one back.
    RolledBack,
    /// A new release did not become healthy and there was nothing to go back to, or a job failed.
    NeverHealthy,
}

/// Why something does not come up, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cause {
    /// In a few plain words.
    pub title: String,
    /// What AWS says of it, each with what it is: `exit code`, `1`.
    pub facts: Vec<(String, String)>,
    /// The last lines of its log.
    pub log: Vec<String>,
    /// What to do about it.
    pub help: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        self.facts.iter().try_for_each(|(what, words)| writeln!(f, "{what:>12}: {words}"))?;
        if !self.log.is_empty() {
            writeln!(f, "{:>12}:", "its log")?;
            self.log.iter().try_for_each(|line| writeln!(f, "{:>12}| {line}", ""))?;
        }
        write!(f, "{:>12}: {}", "help", self.help)
    }
}

const STOPPED: &str = "stopped";

/// One call that AWS, or the way to it, refused.
#[derive(Clone, Debug, thiserror::Error)]
pub struct CallError {
    pub class: Class,
    /// `service:Operation`, as in an IAM policy.
    pub operation: String,
    /// The code on the wire, when AWS answered.
    pub code: Option<String>,
    pub message: String,
    pub request_id: Option<String>,
    /// What to do about it, when there is more to say than the class implies.
    pub help: Option<String>,
    /// For how long it is worth trying again, where that differs from what the class says: what looks like a refusal for good may be a reading that lags.
    pub again_within: Option<Duration>,
    /// Why an object that was made did not come up.
    pub cause: Option<Box<Cause>>,
}

impl CallError {
    pub fn new(class: Class, operation: impl Into<String>, message: impl Into<String>) -> Self {
        let (operation, message) = (operation.into(), message.into());
        Self { class, operation, code: None, message, request_id: None, help: None, again_within: None, cause: None }
    }

    /// How a step ends whose waiting was cut short because the run is being stopped.
    pub(crate) fn stopped() -> Self {
        Self::new(Class::Ambiguous, STOPPED, "the run was stopped")
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.operation == STOPPED
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Trying again may help until `limit` has passed since the first attempt.
    #[must_use]
    pub fn again_within(mut self, limit: Duration) -> Self {
        self.again_within = Some(limit);
        self
    }

    /// Whether the same call may well be answered a moment later, as it stands.
    pub fn is_passing(&self) -> bool {
        matches!(self.class, Class::Throttled | Class::Ambiguous)
    }

    pub fn has_code(&self, codes: &[&str]) -> bool {
        self.code.as_deref().is_some_and(|code| codes.contains(&code))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.operation)?;
        match &self.code {
            Some(code) => write!(f, "{code}: {}", self.message)?,
            None => f.write_str(&self.message)?,
        }
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}
