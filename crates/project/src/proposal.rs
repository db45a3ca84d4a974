//! What problems ask for in landing.toml, as one text to paste: many of them want a line in the same table, which TOML allows only once.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::{problem::toml_key, resolve::plain};

/// Entries of an inline table that are still read well on one line.
const ON_A_LINE: usize = 3;

/// One thing to say in landing.toml. What has no good default is no line: it is for a person to choose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// `secrets` of a service, and where its value comes from.
    Secret {
        service: String,
        variable: String,
        secret: String,
        from: String,
    },
    /// A mount that is left out.
    Scratch {
        service: String,
        path: String,
    },
    /// A mount that is only read.
    ReadOnly {
        service: String,
        path: String,
    },
    /// A volume that is kept: a named one, or a bind mount that becomes one; `uid` as which its program is known to run.
    Efs {
        volume: String,
        bind: Option<String>,
        uid: Option<u32>,
    },
    /// A service that is not deployed.
    Skip {
        service: String,
    },
    /// A database in RDS, with what it calls itself where it is not the default.
    Database {
        name: String,
        database: Option<String>,
        user: Option<String>,
    },
    /// `secrets` of a service from what is there already.
    Reference {
        service: String,
        variable: String,
        secret: String,
    },
    /// A secret that is put together.
    Template {
        secret: String,
        text: String,
    },
    Environment {
        service: String,
        variable: String,
        text: String,
    },
}

impl Line {
    /// The variable as a secret that has its name.
    pub(crate) fn secret(service: &str, variable: &str) -> Self {
        let secret = Some(plain(variable)).filter(|name| !name.is_empty()).unwrap_or_else(|| "credential".to_owned());
        Self::Secret { service: service.to_owned(), variable: variable.to_owned(), secret, from: variable.to_owned() }
    }

    fn left_out(&self) -> Option<&String> {
        match self {
            Self::Skip { service } => Some(service),
            _ => None,
        }
    }

    /// Whose table the line is in.
    fn service(&self) -> Option<&String> {
        match self {
            Self::Secret { service, .. }
            | Self::Scratch { service, .. }
            | Self::ReadOnly { service, .. }
            | Self::Reference { service, .. }
            | Self::Environment { service, .. } => Some(service),
            Self::Skip { .. } | Self::Efs { .. } | Self::Database { .. } | Self::Template { .. } => None,
        }
    }

    fn add_to(&self, file: &mut Table) {
        match self {
            Self::Secret { service, variable, secret, from } => {
                let known = table(file, &["services", service, "secrets"]);
                known.entry(variable).or_insert_with(|| Value::String(secret.clone()));
                let source = table(file, &["secrets", secret]);
                if source.is_empty() {
                    source.insert("from".to_owned(), Value::String(format!("env:{from}")));
                }
            }
            Self::Scratch { service, path } => list_with(table(file, &["services", service]), "scratch", path),
            Self::ReadOnly { service, path } => list_with(table(file, &["services", service]), "read-only", path),
            Self::Skip { service } => list_with(file, "skip", service),
            Self::Database { name, database, user } => {
                let known = table(file, &["databases", name]);
                for (key, value) in [("database", database), ("user", user)] {
                    if let Some(value) = value {
                        known.entry(key).or_insert_with(|| Value::String(value.clone()));
                    }
                }
            }
            Self::Reference { service, variable, secret } => {
                table(file, &["services", service, "secrets"]).insert(variable.clone(), Value::String(secret.clone()));
            }
            Self::Template { secret, text } => {
                table(file, &["secrets", secret]).entry("template").or_insert_with(|| Value::String(text.clone()));
            }
            Self::Environment { service, variable, text } => {
                let known = table(file, &["services", service, "environment"]);
                known.entry(variable).or_insert_with(|| Value::String(text.clone()));
            }
            Self::Efs { volume, bind, uid } => {
                let table = table(file, &["volumes", volume]);
                table.entry("storage").or_insert_with(|| Value::String("efs".to_owned()));
                if let Some(path) = bind {
                    table.entry("bind").or_insert_with(|| Value::String(path.clone()));
                }
                if let Some(uid) = uid {
                    table.entry("uid").or_insert_with(|| Value::Integer((*uid).into()));
                }
            }
        }
    }
}

fn list_with(table: &mut Table, key: &str, item: &str) {
    // Whatever is in the list already asks for nothing.
    let list = table.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(items) = list {
        items.push(Value::String(item.to_owned()));
    }
}

/// The table at the path, made where it is not there. What is no table there is a problem of its own by now, and gives way.
fn table<'t>(file: &'t mut Table, path: &[&str]) -> &'t mut Table {
    let [first, rest @ ..] = path else { return file };
    let value = file.entry(*first).or_insert_with(|| Value::Table(Table::new()));
    if !value.is_table() {
        *value = Value::Table(Table::new());
    }
    match value {
        Value::Table(inner) => table(inner, rest),
        _ => unreachable!("it was made a table above"),
    }
}

/// All lines together, for the landing.toml that is there: new tables, and those that it has already with what they say now.
pub(crate) fn text<'l>(lines: impl IntoIterator<Item = &'l Line>, landing_toml: &str) -> Option<String> {
    let mut lines: BTreeSet<&Line> = lines.into_iter().collect();
    // What is not deployed needs nothing.
    let left_out: BTreeSet<&String> = lines.iter().filter_map(|line| line.left_out()).collect();
    lines.retain(|line| line.service().is_none_or(|service| !left_out.contains(service)));
    if lines.is_empty() {
        return None;
    }
    let before: Table = landing_toml.parse().unwrap_or_default();
    let mut after = before.clone();
    lines.iter().for_each(|line| line.add_to(&mut after));
    let skip = after.get("skip").filter(|skip| before.get("skip") != Some(skip)).map(inline);
    let changed = changed(&before, after);
    let is_there = |(key, tables): (&String, &Value)| {
        let names = tables.as_table().into_iter().flat_map(Table::keys);
        let known = before.get(key).and_then(Value::as_table);
        names.into_iter().any(|name| known.is_some_and(|known| known.contains_key(name)))
    };
    let heading = if changed.iter().any(is_there) {
        "for landing.toml, where a table that it has already is to be replaced by the one here:"
    } else {
        "for landing.toml, at its end:"
    };
    let (skip, tables) = (skip.map(|skip| format!("skip = {skip}\n")), written(&changed));
    let mut text = match skip {
        None => format!("{heading}\n\n{tables}"),
        // One text for one place.
        Some(skip) if !before.values().any(Value::is_table) && !before.contains_key("skip") => {
            format!("{heading}\n\n{skip}\n{tables}")
        }
        Some(skip) => {
            let place = if before.contains_key("skip") { "in place of its `skip`" } else { "above its tables" };
            format!("for landing.toml, {place}:\n\n{skip}\n{heading}\n\n{tables}")
        }
    };
    let new: BTreeSet<&str> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Secret { from, .. } => Some(from.as_str()),
            _ => None,
        })
        .collect();
    if !new.is_empty() {
        let names = new.into_iter().collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\nset in the environment of `landing up` (a rehearsal makes them up): {names}\n"));
    }
    Some(text)
}

/// The tables of the second level that are not what they were: all that lines are in.
fn changed(before: &Table, after: Table) -> Table {
    let mut changed = Table::new();
    for (key, value) in after {
        let Value::Table(named) = value else { continue };
        let known = before.get(&key);
        let new = named.into_iter().filter(|(name, table)| known.and_then(|known| known.get(name)) != Some(table));
        let new: Table = new.collect();
        if !new.is_empty() {
            changed.insert(key, Value::Table(new));
        }
    }
    changed
}

fn written(tables: &Table) -> String {
    let mut text = String::new();
    // What is for a service first, and what it needs below.
    for key in ["services", "databases", "volumes", "secrets"] {
        let named = tables.get(key).and_then(Value::as_table).into_iter().flatten();
        let named = named.filter_map(|(name, value)| Some((name, value.as_table()?)));
        named.for_each(|(name, table)| write_table(&mut text, &[key, name], table));
    }
    text
}

fn write_table(text: &mut String, path: &[&str], table: &Table) {
    let path: Vec<String> = path.iter().map(|part| toml_key(part)).collect();
    let path = path.join(".");
    if !text.is_empty() {
        text.push('\n');
    }
    let is_long = |value: &&Value| value.as_table().is_some_and(|table| table.len() > ON_A_LINE);
    if table.is_empty() || table.values().any(|value| !is_long(&value)) {
        text.push_str(&format!("[{path}]\n"));
    }
    for (key, value) in table.iter().filter(|(_, value)| !is_long(value)) {
        text.push_str(&format!("{} = {}\n", toml_key(key), inline(value)));
    }
    for (key, value) in table.iter().filter(|(_, value)| is_long(value)) {
        text.push_str(&format!("[{path}.{}]\n", toml_key(key)));
        for (key, value) in value.as_table().into_iter().flatten() {
            text.push_str(&format!("{} = {}\n", toml_key(key), inline(value)));
        }
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let entries: Vec<String> =
                table.iter().map(|(key, value)| format!("{} = {}", toml_key(key), inline(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        let path = |path: &str| ("web".to_owned(), path.to_owned());
        let (service, at) = path("/code");
        vec![
            Line::secret("web", "DATABASE_URL"),
            Line::secret("web", "A"),
            Line::secret("db", "A"),
            Line::Scratch { service: service.clone(), path: at.clone() },
            Line::Scratch { service: service.clone(), path: at },
            Line::Scratch { service: service.clone(), path: "/a \"b\"".to_owned() },
            Line::ReadOnly { service, path: "/etc/x.conf".to_owned() },
            Line::Efs { volume: "data.1".to_owned(), bind: None, uid: None },
            Line::Efs { volume: "pg".to_owned(), bind: Some("./pg".to_owned()), uid: Some(999) },
        ]
    }

    #[test]
    fn each_table_stands_once_whoever_asks_for_it() {
        let text = text(&lines(), "name = \"shop\"\nregion = \"us-west-2\"\n").unwrap();
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_landing_toml_says_already_stays() {
        let given = "name = \"shop\"\nskip = [\"x\"]\n[services.web]\nport = 80\nsecrets = { A = \"mine\", B = \"b\", C = \"c\" }\nscratch = [\"/old\"]\n[secrets.mine]\ngenerate = true\n[services.db]\n[spa]\ndist = \"d\"\n[secrets.a]\ngenerate = { length = 20 }\n";
        let text = text(&lines(), given).unwrap();
        insta::assert_snapshot!(text);
        let tables = text.split_once("\n\n").unwrap().1.split_once("\nset in").unwrap().0;
        let after: Table = tables.parse().unwrap();
        assert_eq!(after["services"]["web"]["secrets"]["A"].as_str(), Some("mine"), "{tables}");
        assert!(after["secrets"].get("a").is_none(), "it says already where its value comes from: {tables}");
    }
}
