//! Secrets that are put together from others: a database's URL with the password in it.
//!
//! A password that stands in such a text must not change behind it, as one does that RDS keeps (every seven days). So the project keeps it instead, in a secret
//! `NAME-password`.

use std::collections::BTreeMap;

use super::{Cx, references};
use crate::{
    mask::is_credential,
    place::Place,
    problem::Problem,
    project::{Database, Ingredient, Secret, SecretSource},
    service::{DatabaseAttribute, Piece},
    suggest::{closest, did_you_mean},
};

/// What a secret is put together from stands in its description, which has 2,048 characters; a version is 200 of them. Source: Secrets Manager API
/// Reference, `CreateSecret`.
const LONGEST: usize = 1000;
const MOST: usize = 4;

/// What `"database:NAME.url"` stands for.
pub(super) fn url_secret(database: &str) -> String {
    format!("{database}-url")
}

fn password_secret(database: &str) -> String {
    format!("{database}-password")
}

/// Fills in the templates, and adds the secrets that they and `"database:NAME.url"` need.
pub(super) fn read(cx: &mut Cx<'_>, secrets: &mut BTreeMap<String, Secret>, databases: &mut BTreeMap<String, Database>) {
    let mut made: BTreeMap<String, Vec<Ingredient>> = BTreeMap::new();
    let settings = cx.settings;
    for (name, text) in settings.secrets.iter().filter_map(|(name, it)| Some((name, it.template.as_ref()?))) {
        if !matches!(secrets[name].source, SecretSource::Template(_)) {
            continue;
        }
        let place = cx.document.value(&["secrets", name, "template"]);
        match template(cx, name, text, &place, secrets, databases) {
            Ok(ingredients) => {
                made.insert(name.clone(), ingredients);
            }
            Err(problem) => cx.problems.push(problem),
        }
    }
    for database in asked_for_by_url(cx, databases) {
        let name = url_secret(&database);
        if is_free(cx, &name, &database, "URL") {
            made.insert(name, url(&databases[&database]));
        }
    }
    for database in databases.values_mut() {
        let password = password_secret(&database.name);
        let names = |ingredient: &Ingredient| matches!(ingredient, Ingredient::Secret { name, .. } if *name == password);
        if made.values().flatten().any(names) && is_free(cx, &password, &database.name, "password") {
            let source = SecretSource::Generate { length: 32, username: Some(database.master_user.clone()) };
            secrets.insert(password.clone(), Secret { name: password.clone(), source });
            database.password = Some(password);
        }
    }
    for (name, ingredients) in made {
        secrets.insert(name.clone(), Secret { name, source: SecretSource::Template(ingredients) });
    }
}

/// Whether the user has left us the name.
fn is_free(cx: &mut Cx<'_>, name: &str, database: &str, what: &str) -> bool {
    let taken = cx.settings.secrets.contains_key(name);
    if taken {
        let place = cx.document.key(&["secrets", name]);
        let message = format!("secret `{name}` has the name of the one that keeps the {what} of database `{database}`");
        cx.problems.push(Problem::at(&place, "bad-secret", message).help("give it another name"));
    }
    !taken
}

fn asked_for_by_url(cx: &Cx<'_>, databases: &BTreeMap<String, Database>) -> Vec<String> {
    let services = cx.settings.services.iter().filter(|(name, _)| !cx.settings.skip.contains(name));
    let texts: Vec<&String> = services.flat_map(|(_, service)| service.secrets.values()).collect();
    let asked = |name: &&String| texts.iter().any(|text| **text == format!("database:{name}.url"));
    databases.keys().filter(asked).cloned().collect()
}

/// `postgresql://user:password@host:port/name`.
fn url(database: &Database) -> Vec<Ingredient> {
    let text = |text: &str| Ingredient::Plain(Piece::Text(text.to_owned()));
    let told = |attribute| Ingredient::Plain(Piece::Database { database: database.name.clone(), attribute });
    vec![
        text("postgresql://"),
        told(DatabaseAttribute::Username),
        text(":"),
        password(&database.name),
        text("@"),
        told(DatabaseAttribute::Host),
        text(":"),
        told(DatabaseAttribute::Port),
        text("/"),
        told(DatabaseAttribute::Name),
    ]
}

fn password(database: &str) -> Ingredient {
    Ingredient::Secret { name: password_secret(database), key: Some("password".to_owned()) }
}

fn template(
    cx: &Cx<'_>,
    name: &str,
    text: &str,
    place: &Place,
    secrets: &BTreeMap<String, Secret>,
    databases: &BTreeMap<String, Database>,
) -> Result<Vec<Ingredient>, Problem> {
    let public = cx.settings.is_public();
    let plain = |text| Ingredient::Plain(Piece::Text(text));
    let ingredients = references::filled_in(text, place, plain, |inner, here| {
        if inner == "url" {
            return Ok(vec![Ingredient::Plain(references::url_piece(here, public)?)]);
        }
        if let Some(secret) = inner.strip_prefix("secret.") {
            return Ok(vec![of_secret(secret, here, secrets, databases)?]);
        }
        match inner.strip_prefix("database.").and_then(|rest| rest.rsplit_once('.')) {
            Some((database, "password")) => {
                references::known_database(database, here, databases)?;
                Ok(vec![password(database)])
            }
            Some((database, "url")) => {
                references::known_database(database, here, databases)?;
                Ok(url(&databases[database]))
            }
            Some(_) => Ok(vec![Ingredient::Plain(references::database_piece(inner, here, databases)?)]),
            None => Err(Problem::at(here, "unknown-reference", format!("a template has no `${{{inner}}}`")).help(
                "`${secret.NAME}`, `${secret.NAME:key}`, `${database.NAME.url}` or its `username`, `password`, `host`, `port`, `name`, \
                 or `${url}`; `$$` for a plain dollar sign",
            )),
        }
    })?;
    let secret = ingredients.iter().filter(|ingredient| matches!(ingredient, Ingredient::Secret { .. })).count();
    if text.len() > LONGEST || secret > MOST {
        return Err(Problem::at(place, "bad-secret", format!("the template of secret `{name}` is too long"))
            .label(format!("at most {LONGEST} characters and {MOST} secrets"))
            .help("give the whole text as one secret: from = \"env:NAME\""));
    }
    if shows_a_credential(&ingredients) {
        return Err(Problem::at(
            place,
            "plain-text-credential",
            format!("the template of secret `{name}` has a password in plain text"),
        )
        .help("make it a secret of its own and name it here: `${secret.NAME}`"));
    }
    if secret == 0 {
        return Err(Problem::at(place, "bad-secret", format!("nothing in the template of secret `{name}` is secret"))
            .help("put the text into the service's `environment`, or name a secret in it: `${secret.NAME}`"));
    }
    Ok(ingredients)
}

fn of_secret(
    text: &str,
    place: &Place,
    secrets: &BTreeMap<String, Secret>,
    databases: &BTreeMap<String, Database>,
) -> Result<Ingredient, Problem> {
    let (name, _) = text.split_once(':').unwrap_or((text, ""));
    match secrets.get(name).map(|secret| &secret.source) {
        Some(SecretSource::Template(_)) => {
            Err(Problem::at(place, "unknown-reference", format!("secret `{name}` is a template itself"))
                .help("write here what is written there"))
        }
        Some(_) => match references::secret(text, place, secrets, databases)? {
            crate::service::SecretRef::Secret { name, key } => Ok(Ingredient::Secret { name, key }),
            crate::service::SecretRef::DatabaseUser { .. } => unreachable!("the text names a secret"),
        },
        None => Err(Problem::at(place, "unknown-reference", format!("there is no secret `{name}`")).help(
            closest(name, secrets.keys().map(String::as_str)).map_or_else(
                || format!("add `[secrets.{name}]` with `from = \"env:NAME\"` or `generate = true`"),
                |_| did_you_mean(name, secrets.keys().map(String::as_str)),
            ),
        )),
    }
}

/// Whether the text around the secrets has a password of its own.
fn shows_a_credential(ingredients: &[Ingredient]) -> bool {
    let around: String = ingredients
        .iter()
        .map(|ingredient| match ingredient {
            Ingredient::Plain(Piece::Text(text)) => text,
            Ingredient::Plain(_) => "x",
            Ingredient::Secret { .. } => "",
        })
        .collect();
    is_credential("TEMPLATE", &around)
}
