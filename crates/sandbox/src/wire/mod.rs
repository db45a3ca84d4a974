//! The wire: requests in four protocols in, one [`Call`] out; and back.

mod parse;
mod query;
mod render;
pub(crate) mod xml;

use serde_json::Value;

pub(crate) use parse::call_of;
pub(crate) use render::{render, render_fault, render_unknown};

/// A request as it came, from the SDK's hook or from a socket.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// What a service module answers.
///
/// `body` becomes JSON for JSON services. For XML an object's keys become elements; an array under a key becomes `<key><item>…</item></key>` in EC2 and
/// `<key><member>…</member></key>` in the query services; a key that ends in `[]` is written as that element repeated without a wrapper
/// (`{"DBInstances": {"DBInstance[]": […]}}`); `null` is left out.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) body: Value,
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// REST services: name of the root element, and raw bytes in place of XML.
    pub(crate) root: Option<&'static str>,
    pub(crate) raw: Option<Vec<u8>>,
}

impl From<Value> for Reply {
    fn from(body: Value) -> Self {
        Self { body, status: 200, headers: Vec::new(), root: None, raw: None }
    }
}

impl Reply {
    pub(crate) fn empty(status: u16) -> Self {
        Self { body: Value::Null, status, headers: Vec::new(), root: None, raw: Some(Vec::new()) }
    }

    pub(crate) fn xml(root: &'static str, body: Value) -> Self {
        Self { root: Some(root), ..Self::from(body) }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// How a service talks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Ec2,
    Query,
    Json,
    RestJson,
    RestXml,
}

/// Name in the signature's scope → our name, protocol, XML namespace.
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) signed_as: &'static [&'static str],
    pub(crate) protocol: Protocol,
    pub(crate) namespace: &'static str,
}

pub(crate) const SERVICES: &[Service] = &[
    Service { name: "ec2", signed_as: &["ec2"], protocol: Protocol::Ec2, namespace: "http://ec2.amazonaws.com/doc/2016-11-15/" },
    Service {
        name: "iam",
        signed_as: &["iam"],
        protocol: Protocol::Query,
        namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    },
    Service {
        name: "sts",
        signed_as: &["sts"],
        protocol: Protocol::Query,
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    },
    Service {
        name: "elbv2",
        signed_as: &["elasticloadbalancing"],
        protocol: Protocol::Query,
        namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    },
    Service {
        name: "rds",
        signed_as: &["rds"],
        protocol: Protocol::Query,
        namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
    },
    Service { name: "ecs", signed_as: &["ecs"], protocol: Protocol::Json, namespace: "" },
    Service { name: "ecr", signed_as: &["ecr"], protocol: Protocol::Json, namespace: "" },
    Service { name: "efs", signed_as: &["elasticfilesystem"], protocol: Protocol::RestJson, namespace: "" },
    Service { name: "secretsmanager", signed_as: &["secretsmanager"], protocol: Protocol::Json, namespace: "" },
    Service { name: "logs", signed_as: &["logs"], protocol: Protocol::Json, namespace: "" },
    Service { name: "servicediscovery", signed_as: &["servicediscovery"], protocol: Protocol::Json, namespace: "" },
    Service { name: "tagging", signed_as: &["tagging"], protocol: Protocol::Json, namespace: "" },
    Service { name: "s3", signed_as: &["s3"], protocol: Protocol::RestXml, namespace: "http://s3.amazonaws.com/doc/2006-03-01/" },
    Service {
        name: "cloudfront",
        signed_as: &["cloudfront"],
        protocol: Protocol::RestXml,
        namespace: "http://cloudfront.amazonaws.com/doc/2020-05-31/",
    },
];
