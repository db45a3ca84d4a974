//! What a service's `secrets` and `environment` in landing.toml refer to.

use std::collections::BTreeMap;

use super::templates;
use crate::{
    place::Place,
    problem::Problem,
    project::{Database, Secret, SecretSource},
    service::{DatabaseAttribute, DatabaseKey, EnvValue, Piece, SecretRef},
    suggest::{closest, did_you_mean},
};

/// `"secret"`, `"secret:json-key"`, `"database:NAME.password"` or `"database:NAME.url"`.
pub(super) fn secret(
    text: &str,
    place: &Place,
    secrets: &BTreeMap<String, Secret>,
    databases: &BTreeMap<String, Database>,
) -> Result<SecretRef, Problem> {
    if let Some(rest) = text.strip_prefix("database:") {
        let (name, key) = rest.split_once('.').unwrap_or((rest, ""));
        known_database(name, place, databases)?;
        let field = match key {
            "username" => DatabaseKey::Username,
            "password" => DatabaseKey::Password,
            "url" => return Ok(SecretRef::Secret { name: templates::url_secret(name), key: None }),
            _ => {
                return Err(Problem::at(place, "unknown-reference", format!("a database has no secret `{key}`"))
                    .help(format!("\"database:{name}.username\", \"database:{name}.password\" or \"database:{name}.url\"")));
            }
        };
        return Ok(match &databases[name].password {
            Some(secret) => SecretRef::Secret { name: secret.clone(), key: Some(key.to_owned()) },
            None => SecretRef::DatabaseUser { database: name.to_owned(), key: field },
        });
    }
    let (name, key) = match text.split_once(':') {
        Some((name, key)) => (name, Some(key)),
        None => (text, None),
    };
    let Some(secret) = secrets.get(name) else {
        let help = closest(name, secrets.keys().map(String::as_str)).map_or_else(
            || format!("add `[secrets.{name}]` with `from = \"env:NAME\"` or `generate = true`"),
            |known| format!("did you mean `{known}`?"),
        );
        return Err(Problem::at(place, "unknown-reference", format!("there is no secret `{name}`")).help(help));
    };
    if let (SecretSource::Template(_), Some(key)) = (&secret.source, key) {
        return Err(Problem::at(place, "unknown-reference", format!("secret `{name}` has no `{key}`"))
            .label("it is a text, put together by its `template`")
            .help(format!("write \"{name}\"")));
    }
    if let SecretSource::Generate { username, .. } = &secret.source {
        let keys = "\"username\" and \"password\"";
        match (username, key) {
            (Some(_), None) => {
                return Err(Problem::at(place, "unknown-reference", format!("secret `{name}` is JSON with {keys}"))
                    .help(format!("name one of them: \"{name}:password\"")));
            }
            (Some(_), Some(key)) if key != "username" && key != "password" => {
                return Err(Problem::at(place, "unknown-reference", format!("secret `{name}` has no `{key}`"))
                    .help(format!("it is JSON with {keys}")));
            }
            (None, Some(key)) => {
                return Err(Problem::at(place, "unknown-reference", format!("secret `{name}` has no `{key}`"))
                    .label("it is a bare password")
                    .help(format!("write \"{name}\", or give the secret a `username`")));
            }
            _ => {}
        }
    }
    Ok(SecretRef::Secret { name: name.to_owned(), key: key.map(str::to_owned) })
}

/// Text with `${database.NAME.host}` and its kin and `${url}`, which needs something `public`; `$$` is a plain dollar sign.
pub(super) fn value(
    text: &str,
    place: &Place,
    databases: &BTreeMap<String, Database>,
    public: bool,
) -> Result<EnvValue, Problem> {
    let mut pieces = filled_in(text, place, Piece::Text, |inner, here| {
        Ok(vec![if inner == "url" { url_piece(here, public)? } else { database_piece(inner, here, databases)? }])
    })?;
    Ok(match &mut pieces[..] {
        [] => EnvValue::Plain(String::new()),
        [Piece::Text(plain)] => EnvValue::Plain(std::mem::take(plain)),
        [Piece::Database { database, attribute }] => {
            EnvValue::Database { database: std::mem::take(database), attribute: *attribute }
        }
        _ => EnvValue::Template(pieces),
    })
}

/// The parts of a text with `${…}`, each of which `read` makes something of; `$$` is a plain dollar sign.
pub(super) fn filled_in<P>(
    text: &str,
    place: &Place,
    plain_part: impl Fn(String) -> P,
    read: impl Fn(&str, &Place) -> Result<Vec<P>, Problem>,
) -> Result<Vec<P>, Problem> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        plain.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            plain.push('$');
            rest = after;
        } else if let Some((inner, after)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            let found = read(inner, &place.narrowed_to(&format!("${{{inner}}}")))?;
            if !plain.is_empty() {
                parts.push(plain_part(std::mem::take(&mut plain)));
            }
            parts.extend(found);
            rest = after;
        } else {
            plain.push('$');
        }
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(plain_part(plain));
    }
    Ok(parts)
}

pub(super) fn url_piece(place: &Place, public: bool) -> Result<Piece, Problem> {
    if public {
        return Ok(Piece::Url);
    }
    Err(Problem::at(place, "unknown-reference", "nothing here has a public address")
        .help("give a service `paths`, or add `[spa]`"))
}

pub(super) fn database_piece(inner: &str, place: &Place, databases: &BTreeMap<String, Database>) -> Result<Piece, Problem> {
    let Some((name, attribute)) = inner.strip_prefix("database.").and_then(|rest| rest.rsplit_once('.')) else {
        return Err(Problem::at(
            place,
            "unknown-reference",
            format!("landing.toml fills in databases and `${{url}}`, not `${{{inner}}}`"),
        )
        .help(
            "write `${database.NAME.host}`, or `$$` for a plain dollar sign; compose's variables belong into the compose file",
        ));
    };
    known_database(name, place, databases)?;
    let attribute = match attribute {
        "host" => DatabaseAttribute::Host,
        "port" => DatabaseAttribute::Port,
        "name" => DatabaseAttribute::Name,
        "username" => DatabaseAttribute::Username,
        "password" => {
            return Err(Problem::at(place, "plain-text-credential", "a database's password cannot stand in plain text")
                .help(format!("add it to the service's secrets: secrets = {{ NAME = \"database:{name}.password\" }}")));
        }
        other => {
            return Err(Problem::at(place, "unknown-reference", format!("a database has no `{other}`"))
                .help(did_you_mean(other, ["host", "port", "name", "username"])));
        }
    };
    Ok(Piece::Database { database: name.to_owned(), attribute })
}

pub(super) fn known_database(name: &str, place: &Place, databases: &BTreeMap<String, Database>) -> Result<(), Problem> {
    if databases.contains_key(name) {
        return Ok(());
    }
    let help = closest(name, databases.keys().map(String::as_str))
        .map_or_else(|| format!("add `[databases.{name}]`"), |known| format!("did you mean `{known}`?"));
    Err(Problem::at(place, "unknown-reference", format!("there is no database `{name}`")).help(help))
}
