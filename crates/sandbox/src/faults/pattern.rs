//! Which calls: `ec2:CreateVpc`, `iam:Put*`, `ec2:*`, `reads`, `mutating`, `*`.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::services::is_read;
use crate::wire::SERVICES;

/// Some of all calls, told by service (IAM's name for it) and operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    Every,
    Reads,
    Mutating,
    Named {
        service: String,
        /// A `*` at its end stands for the rest.
        operation: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern(String);

impl std::error::Error for BadPattern {}

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    pub(crate) fn matches(&self, service: &str, operation: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Reads => is_read(operation),
            Self::Mutating => !is_read(operation),
            Self::Named { service: wanted, operation: pattern } => {
                wanted == service
                    && match pattern.strip_suffix('*') {
                        Some(start) => operation.starts_with(start),
                        None => pattern == operation,
                    }
            }
        }
    }
}

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        match text {
            "*" => return Ok(Self::Every),
            "reads" => return Ok(Self::Reads),
            "mutating" => return Ok(Self::Mutating),
            _ => {}
        }
        let Some((service, operation)) = text.split_once(':') else {
            return Err(BadPattern(format!(
                "`{text}` names no calls: write `service:Operation`, `service:*`, `reads`, `mutating` or `*`"
            )));
        };
        let service = known_service(service)?;
        let name = operation.strip_suffix('*').unwrap_or(operation);
        if operation.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(BadPattern(format!("`{operation}` is no operation: letters, and perhaps a `*` at the end")));
        }
        Ok(Self::Named { service: service.to_owned(), operation: operation.to_owned() })
    }
}

/// The name under which the call log has the service.
pub(super) fn known_service(name: &str) -> Result<&'static str, BadPattern> {
    // IAM calls the actions of the Tagging API `tag:…`, its signature says `tagging`.
    let wanted = if name == "tag" { "tagging" } else { name };
    let mut names: Vec<&'static str> = SERVICES.iter().map(|service| service.signed_as[0]).collect();
    names.sort_unstable();
    names.dedup();
    names
        .iter()
        .find(|known| **known == wanted)
        .copied()
        .ok_or_else(|| BadPattern(format!("the sandbox has no service `{name}`; it has {}", names.join(", "))))
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every => f.write_str("*"),
            Self::Reads => f.write_str("reads"),
            Self::Mutating => f.write_str("mutating"),
            Self::Named { service, operation } => write!(f, "{service}:{operation}"),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
