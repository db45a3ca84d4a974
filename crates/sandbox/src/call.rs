//! One request as the service modules see it: the same tree of values whatever the protocol was.

use serde_json::Value;

use crate::fault::Fault;

/// Query parameters become a tree (`Filter.1.Value.2` → `Filter[0].Value[1]`, `Tags.member.1.Key` → `Tags[0].Key`, all leaves strings), JSON is taken as it is,
/// XML bodies become `{element: text | {children}}` with repeated elements as arrays.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: &'static str,
    pub operation: String,
    pub input: Value,
    /// REST services only: what the operation needs of the request besides the body.
    pub path: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The region the caller signed for.
    pub region: String,
}

impl Call {
    /// A top-level string (or number, as text).
    pub fn opt(&self, key: &str) -> Option<String> {
        text(&self.input[key])
    }

    /// # Errors
    /// `missing` as the code when the parameter is absent.
    pub(crate) fn need(&self, key: &str, missing: &str) -> Result<String, Fault> {
        self.opt(key).ok_or_else(|| Fault::new(missing, format!("The request must contain the parameter {key}")))
    }

    pub fn flag(&self, key: &str) -> Option<bool> {
        flag(&self.input[key])
    }

    pub fn number(&self, key: &str) -> Option<i64> {
        number(&self.input[key])
    }

    pub fn list(&self, key: &str) -> &[Value] {
        self.input[key].as_array().map_or(&[], Vec::as_slice)
    }

    /// A top-level list of strings.
    pub fn strings(&self, key: &str) -> Vec<String> {
        strings(&self.input[key])
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().filter_map(text).collect(),
        other => text(other).into_iter().collect(),
    }
}
