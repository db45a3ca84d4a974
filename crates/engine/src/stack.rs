//! A stack: one project in one environment, and the marks that its objects carry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::node::NodeName;

pub type Tags = BTreeMap<String, String>;

pub const TAG_PROJECT: &str = "landing:project";
pub const TAG_ENV: &str = "landing:env";
pub const TAG_NODE: &str = "landing:node";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    pub project: String,
    pub env: String,
}

impl Stack {
    pub fn new(project: &str, env: &str) -> Self {
        Self { project: project.to_owned(), env: env.to_owned() }
    }

    /// What every AWS name of the stack starts with: `pulse-dev`.
    pub fn prefix(&self) -> String {
        format!("{}-{}", self.project, self.env)
    }

    /// The four tags that an object of the stack is born with.
    pub fn tags(&self, node: &NodeName) -> Tags {
        Tags::from([
            (TAG_PROJECT.to_owned(), self.project.clone()),
            (TAG_ENV.to_owned(), self.env.clone()),
            (TAG_NODE.to_owned(), node.to_string()),
            ("Name".to_owned(), format!("{}-{}", self.prefix(), node.name())),
        ])
    }

    /// The node that `tags` name, when they are this stack's.
    pub fn node_of(&self, tags: &Tags) -> Option<NodeName> {
        let ours = tags.get(TAG_PROJECT) == Some(&self.project) && tags.get(TAG_ENV) == Some(&self.env);
        if ours { tags.get(TAG_NODE).and_then(|node| NodeName::parse(node)) } else { None }
    }

    /// Idempotency token of one life of a node: 32 hex digits, which every AWS service with tokens accepts.
    ///
    /// `shape` is the resolved shape: after `down` and `up` the ids in it are new, so that a token which AWS still remembers is never met again, state file
    /// or not.
    pub fn token(&self, node: &NodeName, generation: u64, shape: &serde_json::Value) -> String {
        let text = format!("{}\n{}\n{node}\n{generation}\n{shape}", self.project, self.env);
        hex(&Sha256::digest(text.as_bytes()))[..32].to_owned()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
