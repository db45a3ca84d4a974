//! Compose's small formats: booleans, numbers, durations, sizes, shell words, lists that may be one text.

use crate::{
    compose::yaml::{Entry, Node, Value},
    problem::Problem,
};

/// A value that is not what its key takes.
pub(crate) fn wrong(node: &Node, expected: &str) -> Problem {
    let found = match node.text() {
        Some("") => "an empty text".to_owned(),
        Some(_) => "this".to_owned(),
        None => node.kind().to_owned(),
    };
    Problem::at(&node.place, "bad-value", format!("expected {expected}")).label(format!("found {found}")).help(example(expected))
}

/// What to write instead, where the words alone do not show it.
fn example(expected: &str) -> String {
    match expected {
        "a list of ports" => "for example `ports: [\"8080:80\"]`".to_owned(),
        "a list of volumes" => "for example `volumes: [\"./site.conf:/etc/site.conf:ro\"]`".to_owned(),
        "a list of configs" => "for example `configs: [settings]`".to_owned(),
        "a map, or a list of KEY=VALUE" => "for example `{ MODE: fast }`, or `[MODE=fast]`".to_owned(),
        "a list" => "write it in brackets: `[first, second]`".to_owned(),
        "a single value" => "write one text or number; quote it if it has signs that mean something in YAML".to_owned(),
        "a text" => "quote it, if it has signs that mean something in YAML".to_owned(),
        _ => format!("write {expected}"),
    }
}

pub(crate) fn text(node: &Node) -> Result<String, Problem> {
    node.text().map(str::to_owned).ok_or_else(|| wrong(node, "a text"))
}

pub(crate) fn is_true(node: &Node) -> bool {
    boolean(node).unwrap_or(false)
}

pub(crate) fn boolean(node: &Node) -> Result<bool, Problem> {
    match node.text().map(str::to_ascii_lowercase).as_deref() {
        Some("true" | "yes" | "on" | "y" | "1") => Ok(true),
        Some("false" | "no" | "off" | "n" | "0") => Ok(false),
        _ => Err(wrong(node, "true or false")),
    }
}

pub(crate) fn number<T: std::str::FromStr>(node: &Node, expected: &str) -> Result<T, Problem> {
    node.text().and_then(|text| text.trim().replace('_', "").parse().ok()).ok_or_else(|| wrong(node, expected))
}

/// Whether a value is of this type of JSON, as far as can be told before variables are filled in.
pub(crate) fn seems(node: &Node, kind: &str) -> bool {
    let text = match &node.value {
        Value::Null => return kind == "null",
        Value::List(_) => return kind == "array",
        Value::Map(_) => return kind == "object",
        Value::Text(text) => text,
    };
    let written = node.place.text().trim();
    // What an anchor or a tag stands before is not looked at closely.
    if text.contains('$') || written.starts_with(['&', '!', '*']) {
        return !matches!(kind, "array" | "object");
    }
    let is_plain = written == text;
    let is_boolean = is_plain && matches!(text.as_str(), "true" | "false" | "True" | "False" | "TRUE" | "FALSE");
    let number = plain_number(text).filter(|_| is_plain);
    match kind {
        "string" => !is_boolean && number.is_none(),
        "boolean" => is_boolean,
        "number" => number.is_some(),
        "integer" => number.is_some_and(|number| number.fract() == 0.0),
        _ => false,
    }
}

/// A number as YAML has it without quotes.
fn plain_number(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['-', '+']);
    if let Some(hex) = digits.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).ok().map(|number| number as f64);
    }
    if let Some(octal) = digits.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok().map(|number| number as f64);
    }
    digits.starts_with(|first: char| first.is_ascii_digit() || first == '.').then(|| text.parse().ok())?
}

/// The texts of a list, or of a single text.
pub(crate) fn text_items(node: &Node) -> impl Iterator<Item = &str> {
    node.list().into_iter().flatten().filter_map(Node::text).chain(node.text())
}

/// A list of texts or one text.
pub(crate) fn texts(node: &Node) -> Result<Vec<&Node>, Problem> {
    match &node.value {
        Value::Null => Ok(Vec::new()),
        Value::Text(_) => Ok(vec![node]),
        Value::List(list) => {
            list.iter().find(|item| item.text().is_none()).map_or(Ok(()), |item| Err(wrong(item, "a text")))?;
            Ok(list.iter().collect())
        }
        Value::Map(_) => Err(wrong(node, "a list")),
    }
}

/// A map, or a list of `KEY=VALUE`; a bare `KEY` has no value. Values are texts or nothing.
pub(crate) fn pairs(node: &Node, separator: char) -> Result<Vec<Entry>, Problem> {
    let entries = match &node.value {
        Value::Null => Vec::new(),
        Value::Map(map) => map.clone(),
        Value::List(list) => list.iter().map(|item| pair(item, separator)).collect::<Result<_, _>>()?,
        Value::Text(_) => return Err(wrong(node, "a map, or a list of KEY=VALUE")),
    };
    let nested = entries.iter().find(|entry| entry.value.text().is_none() && !entry.value.is_null());
    nested.map_or(Ok(()), |entry| Err(wrong(&entry.value, "a single value")))?;
    Ok(entries)
}

fn pair(item: &Node, separator: char) -> Result<Entry, Problem> {
    let text = item.text().ok_or_else(|| wrong(item, "KEY=VALUE"))?;
    let (key, value) = match text.split_once(separator) {
        Some((key, value)) => (key, Value::Text(value.to_owned())),
        None => (text, Value::Null),
    };
    Ok(Entry { key: key.trim().to_owned(), place: item.place.clone(), value: Node { value, place: item.place.clone() } })
}

/// Whole seconds, rounded up: `1m30s`, `1.5s`, `500ms`; a lone number is refused as in compose.
pub(crate) fn seconds(node: &Node) -> Result<u32, Problem> {
    node.text().and_then(seconds_of).ok_or_else(|| wrong(node, "a duration such as `30s` or `1m30s`"))
}

fn seconds_of(text: &str) -> Option<u32> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let amount: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        total += amount
            * match &rest[..unit] {
                "d" => 86_400.0,
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    // Far above any limit of ECS, and within u32.
    (!text.trim().is_empty() && total < 1e9).then_some(total.ceil() as u32)
}

/// Bytes: `64m`, `1.5G`, `512MiB`, `1048576`. As in Docker, every unit is binary.
pub(crate) fn bytes_of(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let amount: f64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "" | "b" => 1.0,
        "k" | "kb" | "kib" => 1024.0,
        "m" | "mb" | "mib" => 1024.0 * 1024.0,
        "g" | "gb" | "gib" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tb" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    let bytes = amount * factor;
    (bytes.is_finite() && bytes < 1e18).then_some(bytes.ceil() as u64)
}

pub(crate) fn bytes(node: &Node) -> Result<u64, Problem> {
    node.text().and_then(bytes_of).ok_or_else(|| wrong(node, "a size such as `512m` or `1.5g`"))
}

/// A command: a list as it is, a text split like a shell does. `None` for nothing, which keeps the image's own.
pub(crate) fn command(node: &Node) -> Result<Option<Vec<String>>, Problem> {
    match &node.value {
        Value::Null => Ok(None),
        Value::Text(text) => {
            let words = shell_words(text).ok_or_else(|| {
                Problem::at(&node.place, "bad-value", "a quote in this command is not closed")
                    .help("close it, or write the command as a list")
            })?;
            Ok(Some(words))
        }
        Value::List(_) => Ok(Some(texts(node)?.into_iter().filter_map(Node::text).map(str::to_owned).collect())),
        Value::Map(_) => Err(wrong(node, "a text or a list")),
    }
}

/// POSIX quoting: single quotes are literal, `\` escapes outside of them. `None` when a quote stays open.
pub(crate) fn shell_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        other => word.push(other),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '"' => break,
                        '\\' => match characters.next()? {
                            escaped @ ('"' | '\\' | '$' | '`') => word.push(escaped),
                            '\n' => {}
                            other => word.extend(['\\', other]),
                        },
                        other => word.push(other),
                    }
                }
            }
            '\\' => match characters.next()? {
                // A backslash at the end of a line joins it with the next.
                '\n' => {}
                escaped => word.get_or_insert_default().push(escaped),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_like_a_shell_does() {
        let split = |text: &str| shell_words(text).map(|words| words.join("|"));
        let table = [
            ("a b  c", "a|b|c"),
            ("sh -c 'echo \"$X\" && ls'", "sh|-c|echo \"$X\" && ls"),
            ("a \"b c\"d e\\ f", "a|b cd|e f"),
            ("a '' \"\"", "a||"),
            ("\"a\\\"b\" \"c\\d\"", "a\"b|c\\d"),
            ("one\n  two", "one|two"),
            ("--x='a b' --y=\"c\"", "--x=a b|--y=c"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(split(text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(split("a 'open"), None);
        assert_eq!(split("a \"open"), None);
    }

    #[test]
    fn durations_and_sizes() {
        let times = [("30s", 30), ("1m30s", 90), ("1.5s", 2), ("500ms", 1), ("1h", 3600), ("0", 0), ("0s", 0), ("2m", 120)];
        for (text, expected) in times {
            assert_eq!(seconds_of(text), Some(expected), "{text}");
        }
        for text in ["", "5", "s", "5 s", "1x", "-3s", "99999999999999h"] {
            assert_eq!(seconds_of(text), None, "{text}");
        }
        let sizes = [("64m", 64 << 20), ("1.5G", 3 << 29), ("512MiB", 512 << 20), ("1048576", 1 << 20), ("2kb", 2048)];
        for (text, expected) in sizes {
            assert_eq!(bytes_of(text), Some(expected), "{text}");
        }
        for text in ["", "m", "1x", "-1", "1e400"] {
            assert_eq!(bytes_of(text), None, "{text}");
        }
    }
}
