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
    let told = texts.into_iter().flat_map(hosts).chain(service.depends_on.keys().map(String::as_str));
    told.filter(|name| *name != service.name && others.contains(*name)).map(str::to_owned).collect()
}

/// Every word of the text that may be a whole host: alone, in a URL, with a port, in a list.
///
/// A path is none, nor a variable or a function: `/mqtt`, `mqtt=1`, `mqtt(`.
fn hosts(text: &str) -> impl Iterator<Item = &str> {
    let inner = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.');
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(inner)?;
        let end = text[start..].find(|character| !inner(character)).map_or(text.len(), |length| start + length);
        from = end;
        let starts = !text[..start].ends_with('/') || text[..start].ends_with("://");
        let ends = !text[end..].starts_with(['=', '(']);
        Some((starts && ends).then_some(&text[start..end]))
    })
    .flatten()
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
            assert!(hosts(text).any(|host| host == "mqtt"), "{text}");
        }
        for text in
            ["", "/mqtt", "http://h/mqtt", "mqtt-events", "my_mqtt", "mqtt.example.com", "mqtts://other", "mqtt=1", "mqtt2"]
        {
            assert!(!hosts(text).any(|host| host == "mqtt"), "{text}");
        }
    }
}
