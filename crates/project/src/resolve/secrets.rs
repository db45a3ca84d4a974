//! `[secrets.…]`: where each value comes from.

use std::collections::BTreeMap;

use super::{Cx, names, templates};
use crate::{
    problem::Problem,
    project::{Database, Secret, SecretSource},
    settings::{Generate, SecretSettings},
};

/// With those that databases need; a database whose password stands in a template is told which secret keeps it.
pub(super) fn read(cx: &mut Cx<'_>, databases: &mut BTreeMap<String, Database>) -> BTreeMap<String, Secret> {
    let mut secrets = BTreeMap::new();
    let settings = cx.settings;
    for (name, settings) in &settings.secrets {
        let key = cx.document.key(&["secrets", name]);
        cx.problems.extend(names::part("secret", name, &key));
        match source(cx, name, settings) {
            Ok(source) => {
                secrets.insert(name.clone(), Secret { name: name.clone(), source });
            }
            Err(problem) => {
                cx.problems.push(problem);
                // References to it are not wrong as well.
                let source = SecretSource::Generate { length: 32, username: None };
                secrets.insert(name.clone(), Secret { name: name.clone(), source });
            }
        }
    }
    templates::read(cx, &mut secrets, databases);
    secrets
}

fn source(cx: &Cx<'_>, name: &str, settings: &SecretSettings) -> Result<SecretSource, Problem> {
    let key = cx.document.key(&["secrets", name]);
    let given =
        [("from", settings.from.is_some()), ("generate", settings.generate.is_some()), ("template", settings.template.is_some())];
    let given: Vec<&str> = given.iter().filter(|(_, is)| *is).map(|(key, _)| *key).collect();
    if let [first, second, ..] = given[..] {
        return Err(Problem::at(&key, "bad-secret", format!("secret `{name}` has both `{first}` and `{second}`"))
            .help("keep one of them"));
    }
    if settings.template.is_some() {
        // Filled in when all the others are known.
        return Ok(SecretSource::Template(Vec::new()));
    }
    match (&settings.from, &settings.generate) {
        (None, None | Some(Generate::Plain(false))) => {
            Err(Problem::at(&key, "bad-secret", format!("secret `{name}` does not say where its value comes from"))
                .help("write `from = \"env:NAME\"`, `generate = true` or a `template`"))
        }
        (Some(from), _) => {
            let place = cx.document.value(&["secrets", name, "from"]);
            // The text may be the secret itself, so it is not shown.
            let variable = from.strip_prefix("env:").ok_or_else(|| {
                Problem::at(&place, "bad-secret", format!("`from` of secret `{name}` names no environment variable"))
                    .label("expected \"env:NAME\"")
                    .help("put the value into an environment variable, never into this file")
            })?;
            let is_name = !variable.is_empty()
                && !variable.starts_with(|first: char| first.is_ascii_digit())
                && variable.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name {
                return Err(Problem::at(
                    &place,
                    "bad-secret",
                    format!("`from` of secret `{name}` names no environment variable"),
                )
                .label("expected \"env:NAME\" with letters, digits and `_`")
                .help("put the value into an environment variable, and write the variable's name here"));
            }
            Ok(SecretSource::Environment { variable: variable.to_owned() })
        }
        (None, Some(Generate::Plain(true))) => Ok(SecretSource::Generate { length: 32, username: None }),
        (None, Some(Generate::With(table))) => {
            let length = table.length.unwrap_or(32);
            if !(16..=128).contains(&length) {
                let place = cx.document.value(&["secrets", name, "generate", "length"]);
                return Err(Problem::at(&place, "bad-secret", format!("a password of {length} characters cannot be generated"))
                    .label("16 to 128")
                    .help("leave `length` out for 32 characters"));
            }
            Ok(SecretSource::Generate { length, username: table.username.clone() })
        }
    }
}
