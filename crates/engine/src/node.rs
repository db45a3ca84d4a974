//! Names of nodes, and how far along a node must be before another may read it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `kind.name`, such as `ec2.subnet.private-a`; the part after the last dot is the node's own name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// Dots in `name` become dashes, so that the kind can always be told from the name.
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}.{}", name.replace('.', "-")))
    }

    /// Reads a name back from a tag or a state file; `None` when it has no kind.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.rsplit_once('.')?;
        (!kind.is_empty() && !name.is_empty()).then(|| Self(text.to_owned()))
    }

    pub fn kind(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(kind, _)| kind)
    }

    /// The node's own name, without its kind.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('.').map_or(self.0.as_str(), |(_, name)| name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How far a node must be before a dependent may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Readiness {
    /// In the reply to create: an id, an ARN, a DNS name.
    Known,
    /// All fields are set and AWS reports the object ready: an endpoint, a NAT gateway that carries traffic, a steady service.
    Usable,
}
