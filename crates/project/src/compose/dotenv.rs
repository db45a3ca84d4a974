//! `.env` and `env_file` files: `NAME=value` lines with quotes, comments, `export`, several lines in quotes.
//!
//! Source: Compose Specification, "Env_file format".

use std::collections::BTreeMap;

use super::interpolate::interpolate;

/// One line that is no assignment; the line from 1.
#[derive(Debug, PartialEq)]
pub(crate) struct BadLine {
    pub(crate) line: usize,
    pub(crate) why: &'static str,
}

/// `None` as value: the bare name, whose value comes from the environment.
pub(crate) type Assignments = Vec<(String, Option<String>)>;

/// Bytes of all values together, with their variables filled in; each line could be twice the one before.
const LONGEST: usize = 1024 * 1024;

/// In file order. Unquoted and double-quoted values are interpolated from earlier lines and `outer`, unset is blank.
pub(crate) fn parse(text: &str, raw: bool, outer: &dyn Fn(&str) -> Option<String>) -> Result<Assignments, BadLine> {
    let mut found: Assignments = Vec::new();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    let mut length = 0;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut rest = text.as_str();
    let (mut line_number, mut counted) = (1, rest);
    while !rest.is_empty() {
        line_number += counted[..counted.len() - rest.len()].matches('\n').count();
        counted = rest;
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        if raw {
            found.push(raw_assignment(trimmed));
            rest = after;
            continue;
        }
        let start = line.len() - line.trim_start().len();
        let (assignment, left) = assignment(&rest[start..], line_number)?;
        let value = assignment.value.map(|value| {
            if !assignment.interpolated {
                return value;
            }
            let find = |name: &str| outer(name).or_else(|| known.get(name).cloned());
            interpolate(&value, &find).0
        });
        length += value.as_ref().map_or(0, String::len);
        if length > LONGEST.max(text.len()) {
            return Err(BadLine { line: line_number, why: "the values so far are longer than any container takes" });
        }
        if let Some(value) = &value {
            known.insert(assignment.name.clone(), value.clone());
        }
        found.push((assignment.name, value));
        rest = left;
    }
    Ok(found)
}

fn raw_assignment(line: &str) -> (String, Option<String>) {
    match line.split_once('=') {
        Some((name, value)) => (name.trim().to_owned(), Some(value.to_owned())),
        None => (line.to_owned(), None),
    }
}

struct Assignment {
    name: String,
    value: Option<String>,
    interpolated: bool,
}

/// One assignment from the start of `rest`, and what follows it.
fn assignment(rest: &str, line: usize) -> Result<(Assignment, &str), BadLine> {
    let rest = rest.strip_prefix("export ").map_or(rest, str::trim_start);
    let name_end = rest.find(['=', ':', '\n']).unwrap_or(rest.len());
    let name = rest[..name_end].trim();
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with(|first: char| first.is_ascii_digit())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    if !is_name(name) {
        return Err(BadLine { line, why: "expected NAME=value" });
    }
    let after = &rest[name_end..];
    if !after.starts_with(['=', ':']) {
        let left = after.strip_prefix('\n').unwrap_or(after);
        return Ok((Assignment { name: name.to_owned(), value: None, interpolated: false }, left));
    }
    let value = after[1..].trim_start_matches([' ', '\t']);
    let (value, interpolated, left) = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let end = closing_quote(&value[1..], quote).ok_or(BadLine { line, why: "a quote is not closed" })?;
            let inner = &value[1..=end];
            let left = &value[end + 2..];
            let left = left.split_once('\n').map_or("", |(_, left)| left);
            let text = if quote == '"' { unescape(inner) } else { inner.to_owned() };
            (text, quote == '"', left)
        }
        _ => {
            let (text, left) = value.split_once('\n').unwrap_or((value, ""));
            (without_comment(text).trim_end().to_owned(), true, left)
        }
    };
    Ok((Assignment { name: name.to_owned(), value: Some(value), interpolated }, left))
}

fn closing_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == quote {
            return Some(at);
        }
    }
    None
}

/// An unquoted value ends at a `#` that follows white space.
fn without_comment(text: &str) -> &str {
    if text.starts_with('#') {
        return "";
    }
    text.find(" #").or_else(|| text.find("\t#")).map_or(text, |at| &text[..at])
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            // As interpolation wants it.
            Some('$') => out.push_str("$$"),
            Some(other @ ('"' | '\\' | '\'')) => out.push(other),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> String {
        let outer = |name: &str| (name == "OUTER").then(|| "outside".to_owned());
        match parse(text, false, &outer) {
            Ok(found) => found
                .iter()
                .map(|(name, value)| value.as_ref().map_or(name.clone(), |value| format!("{name}={value}")))
                .collect::<Vec<_>>()
                .join("|"),
            Err(bad) => format!("line {}: {}", bad.line, bad.why),
        }
    }

    #[test]
    fn every_rule_of_the_format() {
        let table = [
            ("A=1\nB=2", "A=1|B=2"),
            ("# c\n\nA=1 # comment\nB=x#y", "A=1|B=x#y"),
            ("A='single $OUTER # kept'", "A=single $OUTER # kept"),
            ("A=\"double $OUTER # kept\" # gone", "A=double outside # kept"),
            ("A=$OUTER\nB=${A}/b", "A=outside|B=outside/b"),
            ("A=${NOPE:-d}", "A=d"),
            ("A=${NOPE}", "A="),
            ("A=\nB=\"\"", "A=|B="),
            ("A=  spaced  ", "A=spaced"),
            ("export A=1", "A=1"),
            ("A: yaml", "A=yaml"),
            ("BARE", "BARE"),
            ("A=\"x\\ny\\t\\\"q\\\"\"", "A=x\ny\t\"q\""),
            ("A=\"x\\$OUTER\"", "A=x$OUTER"),
            ("A=\"two\nlines\"\nB=1", "A=two\nlines|B=1"),
            ("A='{\"k\": \"v\"}'", "A={\"k\": \"v\"}"),
            ("A=a=b=c", "A=a=b=c"),
            ("A='It\\'s'", "A=It\\'s"),
            ("A=1\r\nB=2\r\n", "A=1|B=2"),
            ("\u{feff}A=1", "A=1"),
            ("A=#none", "A="),
            ("A=1\n=2", "line 2: expected NAME=value"),
            ("A=1\nB=\"open", "line 2: a quote is not closed"),
            ("two words=1", "line 1: expected NAME=value"),
        ];
        for (text, expected) in table {
            assert_eq!(one(text), expected, "{text:?}");
        }
    }

    #[test]
    fn raw_files_are_taken_as_they_are() {
        let found = parse("A=\"$X # y\"\nB\n#c", true, &|_| None).unwrap();
        assert_eq!(found, [("A".to_owned(), Some("\"$X # y\"".to_owned())), ("B".to_owned(), None)]);
    }
}
