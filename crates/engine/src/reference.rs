//! References: a field of one node that is filled from the output of another.
//!
//! A desired shape is serialised once into JSON. A reference travels in it as `{"$ref": node, "output": …, "at": …, "held": …}`, text around
//! references as `{"$join": [...]}`. The engine finds the edges of the graph by looking for them and puts the values in their place before a kind
//! sees the shape; so an edge is never declared a second time.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::node::{NodeName, Readiness};

/// What a kind publishes under `name`; declared as an associated constant of the kind.
#[derive(Debug)]
pub struct Output<T> {
    pub name: &'static str,
    pub at: Readiness,
    pub held: bool,
    value: PhantomData<fn() -> T>,
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Output<T> {}

impl<T> Output<T> {
    /// In the reply to create, and whoever names it keeps the object from being deleted (a subnet's VPC, a rule's group).
    pub const fn held(name: &'static str) -> Self {
        Self { name, at: Readiness::Known, held: true, value: PhantomData }
    }

    /// In the reply to create, and only mentioned by others (an ARN in a policy, a DNS name).
    pub const fn known(name: &'static str) -> Self {
        Self { name, at: Readiness::Known, held: false, value: PhantomData }
    }

    /// Readable only once the object is usable (a database's endpoint).
    pub const fn usable(name: &'static str) -> Self {
        Self { name, at: Readiness::Usable, held: false, value: PhantomData }
    }

    /// As [`Output::usable`], and whoever names it keeps the object from being deleted (a namespace whose ARN is known only when it is made).
    pub const fn held_when_usable(name: &'static str) -> Self {
        Self { name, at: Readiness::Usable, held: true, value: PhantomData }
    }

    /// The reference to this output of `node`.
    pub fn of(self, node: &NodeName) -> Ref<T> {
        Ref(Inner::Node(Pointer { node: node.clone(), output: self.name.to_owned(), at: self.at, held: self.held }))
    }
}

/// A value, or the output of another node that will give it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ref<T>(Inner<T>);

#[derive(Clone, Debug, PartialEq)]
enum Inner<T> {
    Value(T),
    Node(Pointer),
    Join(Vec<Ref<String>>),
}

/// Where a reference points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    #[serde(rename = "$ref")]
    pub node: NodeName,
    pub output: String,
    pub at: Readiness,
    /// Whoever holds an object must let go before it can be deleted.
    pub held: bool,
}

impl<T> Ref<T> {
    pub fn value(value: T) -> Self {
        Self(Inner::Value(value))
    }

    /// The same reference, read only when the other node is usable.
    #[must_use]
    pub fn when_usable(mut self) -> Self {
        if let Inner::Node(pointer) = &mut self.0 {
            pointer.at = Readiness::Usable;
        }
        self
    }

    /// The same, for who only begins with it: when the other node is replaced, nothing is to be made anew here.
    #[must_use]
    pub fn only_at_first(mut self) -> Self {
        if let Inner::Node(pointer) = &mut self.0 {
            pointer.held = false;
        }
        self
    }

    /// The value; kinds are only ever handed shapes whose references are resolved.
    pub fn get(&self) -> &T {
        match &self.0 {
            Inner::Value(value) => value,
            Inner::Node(_) | Inner::Join(_) => {
                unreachable!("the engine resolves every reference before it hands a shape to a kind")
            }
        }
    }

    /// Forgets the type of the output, for text that mixes several.
    pub fn text(self) -> Ref<String>
    where
        T: Into<String>,
    {
        Ref(match self.0 {
            Inner::Value(value) => Inner::Value(value.into()),
            Inner::Node(pointer) => Inner::Node(pointer),
            Inner::Join(parts) => Inner::Join(parts),
        })
    }
}

impl Ref<String> {
    /// Text around references, such as an ARN followed by a JSON key.
    pub fn join(parts: Vec<Ref<String>>) -> Self {
        Self(Inner::Join(parts))
    }
}

impl<T> From<T> for Ref<T> {
    fn from(value: T) -> Self {
        Self::value(value)
    }
}

impl From<&str> for Ref<String> {
    fn from(value: &str) -> Self {
        Self::value(value.to_owned())
    }
}

impl<T: Serialize> Serialize for Ref<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Inner::Value(value) => value.serialize(serializer),
            Inner::Node(pointer) => pointer.serialize(serializer),
            Inner::Join(parts) => json!({ "$join": parts }).serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Ref<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        let value = Value::deserialize(deserializer)?;
        if value.get("$ref").is_some() {
            return serde_json::from_value(value).map(|p| Self(Inner::Node(p))).map_err(D::Error::custom);
        }
        if let Some(parts) = value.get("$join") {
            return Vec::deserialize(parts).map(|parts| Self(Inner::Join(parts))).map_err(D::Error::custom);
        }
        serde_json::from_value(value).map(Self::value).map_err(D::Error::custom)
    }
}

/// Every reference in a serialised shape, in order of appearance.
pub fn pointers(shape: &Value) -> Vec<Pointer> {
    let mut found = Vec::new();
    collect(shape, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<Pointer>) {
    match value {
        Value::Object(map) if map.contains_key("$ref") => {
            found.extend(Pointer::deserialize(value));
        }
        Value::Object(map) => map.values().for_each(|v| collect(v, found)),
        Value::Array(items) => items.iter().for_each(|v| collect(v, found)),
        _ => {}
    }
}

/// The shape with every reference that `lookup` knows put in its place; the others stay as they are.
pub fn resolve(shape: &Value, lookup: &dyn Fn(&Pointer) -> Option<String>) -> Value {
    match shape {
        Value::Object(map) if map.contains_key("$ref") => {
            Pointer::deserialize(shape).ok().and_then(|p| lookup(&p)).map_or_else(|| shape.clone(), Value::String)
        }
        Value::Object(map) if map.contains_key("$join") => {
            let parts: Vec<Value> = map["$join"].as_array().into_iter().flatten().map(|part| resolve(part, lookup)).collect();
            if parts.iter().all(Value::is_string) {
                Value::String(parts.iter().filter_map(Value::as_str).collect())
            } else {
                json!({ "$join": parts })
            }
        }
        Value::Object(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), resolve(v, lookup))).collect::<Map<_, _>>()),
        Value::Array(items) => Value::Array(items.iter().map(|v| resolve(v, lookup)).collect()),
        other => other.clone(),
    }
}

/// Whether anything in it still waits for another node.
pub fn is_open(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.contains_key("$ref") || map.contains_key("$join") || map.values().any(is_open),
        Value::Array(items) => items.iter().any(is_open),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_survives_the_journey_through_json_and_resolves_inside_text() {
        let secret = NodeName::new("secretsmanager.secret", "admin");
        let arn: Ref<String> = Output::<String>::known("arn").of(&secret);
        let text = Ref::join(vec![arn, ":password::".into()]);
        let shape = json!({ "env": [{ "value_from": text }] });
        assert_eq!(pointers(&shape)[0].node, secret);
        assert!(is_open(&shape));
        let resolved = resolve(&shape, &|p| Some(format!("<{}>", p.node)));
        assert_eq!(resolved["env"][0]["value_from"], "<secretsmanager.secret.admin>:password::");
        let back: Ref<String> = serde_json::from_value(shape["env"][0]["value_from"].clone()).unwrap();
        assert_eq!(back, text);
    }
}
