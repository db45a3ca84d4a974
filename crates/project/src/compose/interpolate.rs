//! `$VAR` and its kin, scalar by scalar after parsing, so that places hold.
//!
//! Source: Compose Specification, "Interpolation".

use std::collections::BTreeMap;

/// Where variables get their values: the process environment, then `.env` beside the compose file.
/// Not to be printed: the environment and `.env` hold secrets.
#[derive(Clone)]
pub(crate) struct Variables<'a> {
    pub(crate) environment: &'a BTreeMap<String, String>,
    pub(crate) dot_env: BTreeMap<String, String>,
}

impl Variables<'_> {
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.environment.get(name).or_else(|| self.dot_env.get(name)).map(String::as_str)
    }
}

/// Why a text could not be interpolated.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trouble {
    /// `$VAR` or `${VAR}`; compose would take a blank.
    Unset { variable: String },
    /// `${VAR:?message}` or `${VAR?message}`.
    Required { variable: String, message: String },
    /// `${`, `${}`, `${VAR!}`, a lone `$`.
    Malformed { at: String },
    /// Defaults in defaults without end, or a text that grows without end.
    Endless { at: String },
}

/// Defaults in defaults in defaults; people write two or three.
const DEEPEST: usize = 32;
/// Bytes of one text with its variables filled in. A whole task definition has at most 64 KiB.
const LONGEST: usize = 1024 * 1024;
/// What is shown of a text that is not understood.
const SHOWN: usize = 40;

/// The text with every variable filled in, and all that went wrong; an unset one is blank in the text.
pub(crate) fn interpolate(text: &str, find: &dyn Fn(&str) -> Option<String>) -> (String, Vec<Trouble>) {
    let mut troubles = Vec::new();
    let out = expand(text, find, &mut troubles, 0);
    troubles.dedup();
    (out, troubles)
}

fn expand(text: &str, find: &dyn Fn(&str) -> Option<String>, troubles: &mut Vec<Trouble>, depth: usize) -> String {
    let mut out = String::with_capacity(text.len());
    if depth > DEEPEST {
        troubles.push(Trouble::Endless { at: shown(text) });
        return out;
    }
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if out.len() > LONGEST.max(text.len()) {
            troubles.push(Trouble::Endless { at: shown(text) });
            return String::new();
        }
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some(end) = closing_brace(after) else {
                troubles.push(Trouble::Malformed { at: shown(&format!("${rest}")) });
                return out;
            };
            out.push_str(&braced(&after[..end], find, troubles, depth));
            rest = &after[end + 1..];
        } else {
            let length = name_length(rest);
            if length == 0 {
                troubles.push(Trouble::Malformed { at: format!("${}", rest.chars().take(1).collect::<String>()) });
                out.push('$');
                continue;
            }
            let name = &rest[..length];
            match find(name) {
                Some(value) => out.push_str(&value),
                None => troubles.push(Trouble::Unset { variable: name.to_owned() }),
            }
            rest = &rest[length..];
        }
    }
    out.push_str(rest);
    out
}

/// What stands between `${` and its `}`.
fn braced(inner: &str, find: &dyn Fn(&str) -> Option<String>, troubles: &mut Vec<Trouble>, depth: usize) -> String {
    let length = name_length(inner);
    let (name, operator) = inner.split_at(length);
    if name.is_empty() {
        troubles.push(Trouble::Malformed { at: shown(&format!("${{{inner}}}")) });
        return String::new();
    }
    let value = find(name);
    let filled = value.clone().filter(|value| !value.is_empty());
    if operator.is_empty() {
        return value.unwrap_or_else(|| {
            troubles.push(Trouble::Unset { variable: name.to_owned() });
            String::new()
        });
    }
    // With the colon an empty value counts as unset.
    let (chosen, sign) = match operator.strip_prefix(':') {
        Some(after) => (filled, after),
        None => (value, operator),
    };
    let word = sign.get(1..).unwrap_or_default();
    match sign.chars().next() {
        Some('-') => chosen.unwrap_or_else(|| expand(word, find, troubles, depth + 1)),
        Some('+') => chosen.map_or_else(String::new, |_| expand(word, find, troubles, depth + 1)),
        Some('?') => chosen.unwrap_or_else(|| {
            let message = expand(word, find, troubles, depth + 1);
            troubles.push(Trouble::Required { variable: name.to_owned(), message });
            String::new()
        }),
        _ => {
            troubles.push(Trouble::Malformed { at: shown(&format!("${{{inner}}}")) });
            String::new()
        }
    }
}

/// Up to the brace that closes the one already open, past nested `${…}`.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        match character {
            '{' if before == '$' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
        before = character;
    }
    None
}

/// The beginning, which is enough to find it by.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

fn name_length(text: &str) -> usize {
    if !text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        return 0;
    }
    text.find(|character: char| !character.is_ascii_alphanumeric() && character != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str) -> String {
        let find = |name: &str| match name {
            "SET" => Some("value".to_owned()),
            "EMPTY" => Some(String::new()),
            "OTHER" => Some("other".to_owned()),
            _ => None,
        };
        let (out, troubles) = interpolate(text, &find);
        if troubles.is_empty() { out } else { format!("{out:?} {troubles:?}") }
    }

    #[test]
    fn every_form_of_the_specification() {
        let table = [
            ("plain", "plain"),
            ("$SET", "value"),
            ("${SET}", "value"),
            ("a-$SET.b", "a-value.b"),
            ("$SET$OTHER", "valueother"),
            ("${EMPTY}", ""),
            ("$$SET", "$SET"),
            ("$$$SET", "$value"),
            ("$${SET}", "${SET}"),
            ("${SET:-default}", "value"),
            ("${UNSET:-default}", "default"),
            ("${EMPTY:-default}", "default"),
            ("${SET-default}", "value"),
            ("${UNSET-default}", "default"),
            ("${EMPTY-default}", ""),
            ("${UNSET:-}", ""),
            ("${UNSET-}", ""),
            ("${SET:?must}", "value"),
            ("${EMPTY?must}", ""),
            ("${SET:+there}", "there"),
            ("${EMPTY:+there}", ""),
            ("${UNSET:+there}", ""),
            ("${SET+there}", "there"),
            ("${EMPTY+there}", "there"),
            ("${UNSET+there}", ""),
            ("${UNSET:-${OTHER}}", "other"),
            ("${UNSET:-${ALSO-deep}}", "deep"),
            ("${UNSET:-${ALSO:-${OTHER}/x}}/y", "other/x/y"),
            ("${UNSET:-http://h:1/?a=b}", "http://h:1/?a=b"),
            ("${UNSET:-{\"json\"}", "{\"json\""),
            ("${UNSET:-a$$b}", "a$b"),
            ("${SET:+${OTHER}}", "other"),
        ];
        for (text, expected) in table {
            assert_eq!(show(text), expected, "{text}");
        }
    }

    #[test]
    fn what_goes_wrong_is_named() {
        let table = [
            "$UNSET",
            "${UNSET}",
            "${UNSET:?}",
            "${UNSET:?set me}",
            "${EMPTY:?set $OTHER}",
            "${UNSET?set me}",
            "${UNSET:-${ALSO}}",
            "${SET:-${ALSO}}",
            "${}",
            "${SET",
            "$",
            "cost: 5$",
            "$1",
            "${SET!x}",
            "${1A}",
        ];
        let shown: Vec<String> = table.iter().map(|text| format!("{text} => {}", show(text))).collect();
        insta::assert_snapshot!(shown.join("\n"));
    }
}
