//! Names that fit AWS's limits: deterministic, never with a random part; what is too long is cut and ends in a hash of the whole.

use landing_engine::Stack;
use sha2::{Digest, Sha256};

/// Where a service or a job is in AWS, for whoever looks for it there without a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    pub cluster: String,
    pub family: String,
    pub log_group: String,
}

/// By its compose name.
pub fn whereabouts(stack: &Stack, service: &str) -> Whereabouts {
    let prefix = stack.prefix();
    Whereabouts { family: format!("{prefix}-{service}"), log_group: format!("/ecs/{prefix}/{service}"), cluster: prefix }
}

/// What Secrets Manager calls a secret of `landing.toml`.
pub fn secret_name(stack: &Stack, name: &str) -> String {
    format!("{}/{name}", stack.prefix())
}

/// What RDS calls a database of `landing.toml`.
pub fn database_name(stack: &Stack, name: &str) -> String {
    fit(&dashed(&format!("{}-{name}", stack.prefix())).to_lowercase(), 63)
}

/// `name` when it fits into `limit` characters, else its beginning and eight hex digits of its hash.
pub(crate) fn fit(name: &str, limit: usize) -> String {
    if name.chars().count() <= limit {
        return name.to_owned();
    }
    let kept: String = name.chars().take(limit - 9).collect();
    format!("{}-{}", kept.trim_end_matches(['-', '_']), hash(name, 8))
}

/// The first `digits` hex digits of the hash of `text`.
pub(crate) fn hash(text: &str, digits: usize) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..digits].to_owned()
}

/// Only letters, digits and single inner dashes, as load balancers, target groups and databases want their names.
pub(crate) fn dashed(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' => text.push(c),
            _ if !text.ends_with('-') => text.push('-'),
            _ => {}
        }
    }
    text.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_keeps_its_beginning_and_stays_unique() {
        assert_eq!(fit("pulse-dev-alb", 32), "pulse-dev-alb");
        let (one, two) =
            (fit("pulse-dev-subscription-worker-with-a-tail", 32), fit("pulse-dev-subscription-worker-with-a-tale", 32));
        assert!(one.len() <= 32 && one.starts_with("pulse-dev-subscription"), "{one}");
        assert_ne!(one, two);
        assert_eq!(dashed("ui_iot__x."), "ui-iot-x");
    }
}
