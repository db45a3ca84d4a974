//! Reads `landing.toml`, lays one environment's table over it, and knows where every value stands.

use std::{ops::Range, sync::Arc};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Settings, landing_toml_schema,
    unknown::{self, remove_unknown},
};
use crate::{
    place::{Place, Source},
    problem::Problem,
    suggest::closest,
};

/// What a first `landing.toml` may look like, for errors.
pub(crate) const MINIMAL: &str = "a minimal landing.toml is one line: name = \"shop\"";

/// `landing.toml` as parsed, with the overlay laid over it.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    pub(crate) source: &'a Arc<Source>,
    table: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// The place of the value at the path, or of its nearest parent that is there. List items go by index.
    pub(crate) fn value(&self, path: &[&str]) -> Place {
        self.find(path).1
    }

    /// The place of the key at the path, or of its nearest parent that is there.
    pub(crate) fn key(&self, path: &[&str]) -> Place {
        self.find(path).0
    }

    fn find(&self, path: &[&str]) -> (Place, Place) {
        let top = Place::top(self.source);
        let mut found = (top.clone(), top);
        let mut table = Some(self.table.get_ref());
        let mut list: Option<&[Spanned<DeValue<'a>>]> = None;
        for step in path {
            let by_key = table.and_then(|table| table.get_key_value(*step));
            let by_index = list.and_then(|list| list.get(step.parse::<usize>().ok()?));
            let value = match (by_key, by_index) {
                (Some((key, value)), _) => {
                    found.0 = Place::new(self.source, key.span());
                    value
                }
                (None, Some(value)) => {
                    found.0 = Place::new(self.source, value.span());
                    value
                }
                (None, None) => return found,
            };
            found.1 = Place::new(self.source, value.span());
            table = value.get_ref().as_table();
            list = value.get_ref().as_array().map(|array| &array[..]);
        }
        found
    }
}

/// What can be read of the file, and everything that is wrong with its shape.
///
/// # Errors
/// When nothing can be read of it: it is no TOML, or a value has the wrong type.
pub(crate) fn read<'a>(source: &'a Arc<Source>, env_name: &str) -> Result<(Document<'a>, Settings, Vec<Problem>), Vec<Problem>> {
    let mut table = DeTable::parse(&source.text).map_err(|error| {
        let place = error.span().map_or_else(|| Place::top(source), |span| Place::new(source, span));
        vec![
            Problem::at(&place, "bad-toml", "landing.toml is not valid TOML")
                .label(error.message().lines().next().unwrap_or_default())
                .help(MINIMAL),
        ]
    })?;
    let mut problems = remove_unknown(source, table.get_mut(), &landing_toml_schema());
    overlay(source, table.get_mut(), env_name, &mut problems);
    let deserializer = toml::Deserializer::from(table.clone());
    match Settings::deserialize(deserializer) {
        Ok(settings) => Ok((Document { source, table }, settings, problems)),
        Err(error) => {
            let place = error.span().map_or_else(|| Place::top(source), |span| Place::new(source, span));
            let meaning = error.span().and_then(|span| meaning(table.get_ref(), &span, &landing_toml_schema()));
            problems.push(wrong_value(&place, error.message(), meaning));
            Err(problems)
        }
    }
}

/// `unknown variant` gets a suggestion, everything else is said as it is.
fn wrong_value(place: &Place, message: &str, meaning: Option<String>) -> Problem {
    let message = message.lines().next().unwrap_or_default();
    let help = meaning.unwrap_or_else(|| MINIMAL.to_owned());
    let problem = Problem::at(place, "bad-value", "a value of landing.toml is not what its key takes").label(message).help(help);
    let Some((typed, rest)) = message.strip_prefix("unknown variant `").and_then(|rest| rest.split_once("`, expected ")) else {
        return problem;
    };
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    match closest(typed, known) {
        Some(name) => problem.help(format!("did you mean `{name}`?")),
        None => problem,
    }
}

/// What the key is for whose value stands there, in the words of the schema.
fn meaning(table: &DeTable<'_>, span: &Range<usize>, schema: &serde_json::Value) -> Option<String> {
    let path = path_to(table, span)?;
    let known = (1..=path.len()).rev().find_map(|length| unknown::described(schema, &path[..length]));
    known.map(|words| format!("`{}`: {words}", path.join(".")))
}

/// The keys that lead to the value that stands there. A table's own span is only its header, so each is looked into.
fn path_to<'a>(table: &'a DeTable<'_>, span: &Range<usize>) -> Option<Vec<&'a str>> {
    table.iter().find_map(|(key, value)| {
        let deeper = value.get_ref().as_table().and_then(|table| path_to(table, span));
        let here = || (value.span().start <= span.start && span.end <= value.span().end).then(Vec::new);
        let mut path = deeper.or_else(here)?;
        path.insert(0, key.get_ref().as_ref());
        Some(path)
    })
}

/// Deep: tables are merged, everything else is replaced.
fn overlay<'a>(source: &'a Arc<Source>, table: &mut DeTable<'a>, env_name: &str, problems: &mut Vec<Problem>) {
    let Some(envs) = table.remove("env") else {
        return;
    };
    let DeValue::Table(mut envs) = envs.into_inner() else {
        return;
    };
    for (_, env) in envs.iter() {
        let nested = env.get_ref().as_table().and_then(|table| table.get_key_value("env"));
        if let Some((key, _)) = nested {
            problems.push(
                Problem::at(&Place::new(source, key.span()), "unknown-key", "an environment has no environments of its own")
                    .help("write one `[env.NAME]` table for each environment"),
            );
        }
    }
    let Some(over) = envs.remove(env_name) else {
        return;
    };
    if let DeValue::Table(mut over) = over.into_inner() {
        over.remove("env");
        merge(table, over);
    }
}

fn merge<'a>(under: &mut DeTable<'a>, over: DeTable<'a>) {
    for (key, value) in over {
        let is_table = value.get_ref().is_table();
        if let Some(DeValue::Table(below)) = under.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut)
            && is_table
        {
            if let DeValue::Table(above) = value.into_inner() {
                merge(below, above);
            }
            continue;
        }
        // The key too, so that its place is the overlay's.
        under.remove(key.get_ref().as_ref());
        under.insert(key, value);
    }
}
