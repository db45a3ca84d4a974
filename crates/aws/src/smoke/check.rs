//! What must be true of a stack that works, with references to what was built.

use landing_engine::Ref;
use landing_engine::reference::{Pointer, is_open, resolve};
use serde::{Deserialize, Serialize};

use crate::{ClusterName, LogGroupName, ServiceName, TargetGroupArn, TaskDefinitionArn};

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// For people.
    pub name: String,
    /// The compose service that it is about.
    pub service: Option<String>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    Http {
        url: Ref<String>,
        expect: Expect,
    },
    /// Of the site.
    Page {
        url: Ref<String>,
    },
    Tcp {
        host: Ref<String>,
        port: u16,
        /// A service need not listen on all its ports.
        must: bool,
    },
    /// As many as asked for, of one release, each healthy where a load balancer looks.
    Tasks {
        cluster: Ref<ClusterName>,
        service: Ref<ServiceName>,
        groups: Vec<Ref<TargetGroupArn>>,
    },
    Log {
        group: Ref<LogGroupName>,
    },
    Job {
        task_definition: Ref<TaskDefinitionArn>,
    },
    /// Not asked, and why.
    Left(String),
    /// What it names was not built.
    Unknown,
}

/// What an answer has to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expect {
    /// Codes as a target group's matcher writes them (`200`, `200,302`, `200-399`), and a text that is in the body.
    Codes { codes: String, contains: Option<String> },
    /// Any, if only the service itself gives it.
    Service,
}

impl Expect {
    pub(super) fn reads_the_body(&self) -> bool {
        matches!(self, Self::Codes { contains: Some(_), .. })
    }
}

impl Check {
    /// With what `lookup` knows in the place of the references.
    pub(super) fn resolved(self, lookup: &dyn Fn(&Pointer) -> Option<String>) -> Self {
        let shape = serde_json::to_value(&self.what).expect("a check is plain data with string keys");
        let shape = resolve(&shape, lookup);
        let what = if is_open(&shape) { None } else { serde_json::from_value(shape).ok() };
        Self { what: what.unwrap_or(What::Unknown), ..self }
    }

    pub(super) fn url(&self) -> Option<String> {
        match &self.what {
            What::Http { url, .. } | What::Page { url } => Some(url.get().clone()),
            _ => None,
        }
    }

    /// In words.
    pub fn expected(&self) -> String {
        match &self.what {
            What::Http { expect: Expect::Codes { codes, contains: None }, .. } => codes.clone(),
            What::Http { expect: Expect::Codes { codes, contains: Some(text) }, .. } => format!("{codes}, with `{text}` in it"),
            What::Http { expect: Expect::Service, .. } => "an answer of the service".into(),
            What::Page { .. } => "200, HTML".into(),
            What::Tcp { .. } => "a connection".into(),
            What::Tasks { .. } => "all tasks running, of one release, healthy".into(),
            What::Log { .. } => "entries".into(),
            What::Job { .. } => "it has ended with 0".into(),
            What::Left(_) => "nothing".into(),
            What::Unknown => "that it is there".into(),
        }
    }
}
