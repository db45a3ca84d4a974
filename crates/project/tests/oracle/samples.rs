//! Documents made from the schema: each form of each key once, and each with something wrong in it.

use serde_json::{Map, Value, json};

/// Deeper than any form that differs in kind.
const DEEPEST: usize = 9;

pub(crate) fn documents(schema: &Value) -> Vec<Value> {
    let maker = Maker { root: schema };
    let mut documents = Vec::new();
    for part in ["container_spec", "workload_spec", "service"] {
        for (key, form) in properties(&schema["$defs"][part]) {
            for value in maker.values(form, key, 0) {
                documents.push(json!({"services": {"web": {"image": "nginx", key: value}, "other": {"image": "nginx"}}}));
            }
        }
    }
    for (key, form) in properties(schema).filter(|(key, _)| !["services", "include", "jobs"].contains(&key.as_str())) {
        for value in maker.values(form, key, 0) {
            documents.push(json!({"services": {"web": {"image": "nginx"}}, key: value}));
        }
    }
    documents
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

struct Maker<'a> {
    root: &'a Value,
}

impl Maker<'_> {
    /// A value in each form that the schema has for a key.
    fn values(&self, schema: &Value, key: &str, depth: usize) -> Vec<Value> {
        if depth > DEEPEST {
            return Vec::new();
        }
        if let Some(target) = schema["$ref"].as_str() {
            return self.values(
                self.root.pointer(target.trim_start_matches('#')).expect("the fixtures are as they should be"),
                key,
                depth + 1,
            );
        }
        let alternatives =
            [&schema["oneOf"], &schema["anyOf"], &schema["allOf"]].into_iter().filter_map(Value::as_array).flatten();
        let mut values: Vec<Value> = alternatives
            .filter(|form| !form["required"].is_array() || form["type"].is_string())
            .flat_map(|form| self.values(form, key, depth + 1))
            .collect();
        if let Some(words) = schema["enum"].as_array() {
            values.extend(words.iter().cloned());
            return values;
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for kind in kinds {
            match kind {
                "string" => values.push(json!(text(key))),
                "integer" | "number" => values.push(json!(schema["minimum"].as_i64().unwrap_or(0).max(number(key)))),
                "boolean" => values.extend([json!(true), json!(false)]),
                "null" => values.push(Value::Null),
                "array" => values.extend(self.values(&schema["items"], key, depth + 1).into_iter().map(|item| json!([item]))),
                _ => values.extend(self.objects(schema, key, depth)),
            }
        }
        values
    }

    /// What is required, alone and with each other property in each of its forms.
    fn objects(&self, schema: &Value, key: &str, depth: usize) -> Vec<Value> {
        let first = |name: &str| self.values(&schema["properties"][name], name, depth + 1).into_iter().next();
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let least: Option<Map<String, Value>> = required.map(|name| Some((name.to_owned(), first(name)?))).collect();
        let Some(least) = least else { return Vec::new() };
        let mut objects = vec![Value::Object(least.clone())];
        let with = |name: &str, value: Value| {
            let mut object = least.clone();
            object.insert(name.to_owned(), value);
            Value::Object(object)
        };
        for (name, form) in properties(schema) {
            objects.extend(self.values(form, name, depth + 1).into_iter().map(|value| with(name, value)));
        }
        for (pattern, form) in schema["patternProperties"].as_object().into_iter().flatten() {
            let name = if pattern == "^x-" { "x-any" } else { named(key) };
            objects.extend(self.values(form, key, depth + 1).into_iter().map(|value| with(name, value)));
        }
        if schema["additionalProperties"].is_object() {
            let values = self.values(&schema["additionalProperties"], key, depth + 1);
            objects.extend(values.into_iter().map(|value| with(named(key), value)));
        }
        objects
    }
}

/// A name that means something to a map.
fn named(key: &str) -> &'static str {
    match key {
        "depends_on" => "other",
        "ulimits" => "nofile",
        "sysctls" => "net",
        _ => "named",
    }
}

fn number(key: &str) -> i64 {
    match key {
        "target" | "ports" | "expose" => 80,
        "memory" | "mem_limit" | "mem_reservation" | "shm_size" => 64 << 20,
        _ => 1,
    }
}

/// A text in the form that a key wants beyond the schema.
fn text(key: &str) -> &'static str {
    match key {
        "interval" | "timeout" | "start_period" | "start_interval" | "stop_grace_period" | "delay" | "window" | "monitor" => {
            "10s"
        }
        "mem_limit" | "mem_reservation" | "memswap_limit" | "memory" | "shm_size" | "size" | "rate" => "64m",
        "cpus" | "cpu_count" | "cpu_percent" | "cpu_shares" | "replicas" | "scale" | "retries" | "max_attempts"
        | "parallelism" => "1",
        "required" | "init" | "tty" | "read_only" | "privileged" | "stdin_open" | "disable" | "restart_policy" | "no_cache"
        | "pull" => "true",
        "ports" => "8080:80",
        "expose" | "target_port" => "80",
        "pull_policy" => "always",
        "depends_on" | "service" => "other",
        "env_file" | "label_file" | "file" | "path" => "text",
        "context" => ".",
        "dockerfile" => "Dockerfile",
        "volumes" => "./text:/text:ro",
        "protocol" => "tcp",
        "test" => "NONE",
        "platform" | "platforms" => "linux/amd64",
        "extends" => "other",
        "ulimits" | "nofile" | "soft" | "hard" => "1024",
        "target" => "80",
        _ => "word",
    }
}

/// The document with each part of it replaced by what is of another kind, and with a key too many in each map.
pub(crate) fn broken(document: &Value) -> Vec<Value> {
    let mut paths = Vec::new();
    walk(document, String::new(), &mut paths);
    let wrong = [
        json!(null),
        json!(true),
        json!(3),
        json!(1.5),
        json!("word"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"nope": 1}),
        json!([1, 1]),
    ];
    let mut all = Vec::new();
    for path in paths {
        for value in &wrong {
            let mut broken = document.clone();
            *broken.pointer_mut(&path).expect("the fixtures are as they should be") = value.clone();
            if broken != *document {
                all.push(broken);
            }
        }
        let mut broken = document.clone();
        if let Some(map) = broken.pointer_mut(&path).expect("the fixtures are as they should be").as_object_mut() {
            map.insert("nope".to_owned(), json!(1));
            all.push(broken);
        }
    }
    all
}

fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| walk(inner, format!("{path}/{}", escaped(key)), paths)),
        Value::Array(list) => list.iter().enumerate().for_each(|(index, inner)| walk(inner, format!("{path}/{index}"), paths)),
        _ => {}
    }
    paths.push(path);
}
