//! Values to XML and XML to values.

use serde_json::{Map, Value};

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Writes the members of `value`; `item` is the element name of list members.
pub(crate) fn write(value: &Value, item: &str, out: &mut String) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => out.push_str(&escape(text)),
        Value::Array(items) => items.iter().for_each(|value| element(item, value, item, out)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.strip_suffix("[]"), value) {
                    (Some(name), Value::Array(items)) => items.iter().for_each(|v| element(name, v, item, out)),
                    _ if value.is_null() => {}
                    _ => element(key, value, item, out),
                }
            }
        }
    }
}

pub(crate) fn element(name: &str, value: &Value, item: &str, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    write(value, item, out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// `{child: text | {…} | [repeated]}`; the root element's own name is dropped.
pub(crate) fn read(text: &str) -> Value {
    roxmltree::Document::parse(text).map_or(Value::Null, |document| node(document.root_element()))
}

fn node(element: roxmltree::Node<'_, '_>) -> Value {
    if !element.children().any(|child| child.is_element()) {
        return Value::String(element.text().unwrap_or_default().to_owned());
    }
    let mut map = Map::new();
    for child in element.children().filter(roxmltree::Node::is_element) {
        let value = node(child);
        match map.get_mut(child.tag_name().name()) {
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => {
                map.insert(child.tag_name().name().to_owned(), value);
            }
        }
    }
    Value::Object(map)
}
