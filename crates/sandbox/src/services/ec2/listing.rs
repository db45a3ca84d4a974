//! What all `Describe*` share: ids, filters, pages.
//!
//! An item is filtered in the form it is answered in, so a filter is nothing but a path into that form.

use serde_json::{Value, json};

use crate::call::{Call, strings, text};
use crate::fault::Fault;
use crate::wire::Reply;

pub(super) struct Listing {
    /// The element that holds the items.
    pub(super) set: &'static str,
    /// The parameter with ids, and the items' element that it names.
    pub(super) ids: (&'static str, &'static str),
    pub(super) not_found: fn(&str) -> Fault,
    /// Filter name → dotted path into an item; lists on the way are entered. `tag:KEY` and `tag-key` need no line.
    pub(super) filters: &'static [(&'static str, &'static str)],
}

impl Listing {
    /// # Errors
    /// The whole call fails when one id is unknown (catalogue, 1.1); filters that match nothing give an empty list.
    pub(super) fn answer(&self, call: &Call, items: Vec<Value>) -> Result<Reply, Fault> {
        self.page(call, self.select(call, items)?)
    }

    pub(super) fn select(&self, call: &Call, mut items: Vec<Value>) -> Result<Vec<Value>, Fault> {
        let (parameter, field) = self.ids;
        let ids = call.strings(parameter);
        if let Some(unknown) = ids.iter().find(|id| !items.iter().any(|item| item[field] == id.as_str())) {
            return Err((self.not_found)(unknown));
        }
        if !ids.is_empty() {
            items.retain(|item| ids.iter().any(|id| item[field] == id.as_str()));
        }
        for filter in call.list("Filter") {
            let name = text(&filter["Name"]).unwrap_or_default();
            let wanted = strings(&filter["Value"]);
            if wanted.is_empty() {
                return Err(Fault::new("InvalidParameterValue", format!("The filter '{name}' has no values")));
            }
            if let Some(key) = name.strip_prefix("tag:") {
                items.retain(|item| tags(item).any(|(k, v)| k == key && matches_any(&wanted, v)));
            } else if name == "tag-key" {
                items.retain(|item| tags(item).any(|(k, _)| matches_any(&wanted, k)));
            } else {
                let unknown = || Fault::new("InvalidParameterValue", format!("The filter '{name}' is invalid"));
                let (_, path) = self.filters.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
                items.retain(|item| values(item, path).iter().any(|value| matches_any(&wanted, value)));
            }
        }
        Ok(items)
    }

    /// The page that the call asks for.
    pub(super) fn page(&self, call: &Call, items: Vec<Value>) -> Result<Reply, Fault> {
        let start = match call.opt("NextToken") {
            Some(token) => parse_token(&token)?,
            None => 0,
        };
        let limit = match call.opt("MaxResults") {
            Some(given) => limit(&given)?,
            None => items.len(),
        };
        let rest = items.len().saturating_sub(start);
        let page: Vec<Value> = items.into_iter().skip(start).take(limit).collect();
        let next = (rest > limit).then(|| format!("page-{:08}", start + limit));
        Ok(json!({ self.set: page, "nextToken": next }).into())
    }
}

fn limit(given: &str) -> Result<usize, Fault> {
    given.parse().ok().filter(|limit| (5..=1000).contains(limit)).ok_or_else(|| {
        Fault::new(
            "InvalidParameterValue",
            format!("Value ( {given} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000."),
        )
    })
}

fn parse_token(token: &str) -> Result<usize, Fault> {
    let start = token.strip_prefix("page-").and_then(|start| start.parse().ok());
    start.ok_or_else(|| Fault::new("InvalidNextToken", "The specified pagination token is not valid."))
}

fn tags(item: &Value) -> impl Iterator<Item = (&str, &str)> {
    let list = item["tagSet"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    list.iter().filter_map(|tag| Some((tag["key"].as_str()?, tag["value"].as_str()?)))
}

fn values(item: &Value, path: &str) -> Vec<String> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let below: Vec<&Value> = match &item[first] {
        Value::Array(list) => list.iter().collect(),
        value => vec![value],
    };
    match rest {
        Some(rest) => below.into_iter().flat_map(|value| values(value, rest)).collect(),
        None => below.into_iter().filter_map(text).collect(),
    }
}

fn matches_any(patterns: &[String], value: &str) -> bool {
    patterns.iter().any(|pattern| like(pattern.as_bytes(), value.as_bytes()))
}

/// `*` stands for any text, `?` for one character; a backslash takes their meaning away.
fn like(pattern: &[u8], value: &[u8]) -> bool {
    match pattern {
        [] => value.is_empty(),
        [b'*', rest @ ..] => (0..=value.len()).any(|skip| like(rest, &value[skip..])),
        [b'?', rest @ ..] => !value.is_empty() && like(rest, &value[1..]),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => value.first() == Some(literal) && like(rest, &value[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::like;

    #[test]
    fn wildcards_match_as_in_ec2() {
        assert!(like(b"pulse-*", b"pulse-dev"));
        assert!(like(b"a?c", b"abc"));
        assert!(like(b"a\\*c", b"a*c"));
        assert!(!like(b"a\\*c", b"abc"));
        assert!(!like(b"pulse", b"pulse-dev"));
    }
}
