//! Which other services a service calls: by their host names in what it is told.

use std::collections::BTreeSet;

use crate::service::{EnvValue, Piece, Service};

/// Names of `others` that the service mentions as a host.
pub(super) fn find(service: &Service, others: &BTreeSet<String>) -> BTreeSet<String> {
    let mut texts: Vec<&str> = Vec::new();
    for value in service.environment.values() {
        match value {
            EnvValue::Plain(text) => texts.push(text),
            EnvValue::Template(pieces) => texts.extend(pieces.iter().filter_map(|piece| match piece {
                Piece::Text(text) => Some(text.as_str()),
                Piece::Url | Piece::Database { .. } => None,
            })),
            EnvValue::Database { .. } => {}
        }
    }
    let lists = [&service.command, &service.entrypoint].into_iter().flatten();
    texts.extend(lists.flatten().map(String::as_str));
    texts.extend(service.healthcheck.iter().flat_map(|check| &check.command).map(String::as_str));
    others
        .iter()
        .filter(|name| **name != service.name)
        .filter(|name| service.depends_on.contains_key(*name) || texts.iter().any(|text| mentions(text, name)))
        .cloned()
        .collect()
}

/// Whether the text has the name as a whole host: alone, in a URL, with a port, in a list.
///
/// A path or a longer name is none: `/mqtt`, `mqtt-events`, `mqtt.example.com`, `mqtt=1`.
fn mentions(text: &str, name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let bytes = text.as_bytes();
    text.match_indices(name).any(|(at, _)| {
        let end = at + name.len();
        let before = at.checked_sub(1).map(|index| bytes[index]);
        let after = bytes.get(end).copied();
        let in_url = text[..at].ends_with("://");
        let starts = before.is_none_or(|byte| !inner(byte) && byte != b'/') || in_url;
        let ends = after.is_none_or(|byte| !inner(byte) && byte != b'=' && byte != b'(');
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_other_words() {
        for text in [
            "mqtt",
            "mqtt:1883",
            "tcp://mqtt:1883",
            "mqtt://mqtt/x",
            "http://u@mqtt:1/",
            "a,mqtt,b",
            "host=mqtt port=1",
            "nc -z mqtt 1883",
        ] {
            assert!(mentions(text, "mqtt"), "{text}");
        }
        for text in
            ["", "/mqtt", "http://h/mqtt", "mqtt-events", "my_mqtt", "mqtt.example.com", "mqtts://other", "mqtt=1", "mqtt2"]
        {
            assert!(!mentions(text, "mqtt"), "{text}");
        }
    }
}
