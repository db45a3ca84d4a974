//! A container of PostgreSQL whose data would be lost with every task: what landing.toml must say to have the database in RDS instead, for it and for everybody
//! who names it. It is proposed and not done: a person decides.

use std::collections::BTreeMap;

use super::{Cx, databases::is_name, names};
use crate::{
    compose::FIRST_START,
    mask::{is_credential, names_a_credential},
    problem::Problem,
    proposal::Line,
    service::{EnvValue, Service},
};

/// `lost`: by container, what is wrong with its volumes.
pub(super) fn propose(cx: &mut Cx<'_>, all: &BTreeMap<String, Service>, lost: BTreeMap<String, Vec<Problem>>) {
    for (name, mut problems) in lost {
        let has_scripts = has_scripts(&all[&name], &problems);
        if has_scripts && let Some(help) = &mut problems[0].help {
            help.push_str(&format!("; nobody runs what is in {FIRST_START} for a database in AWS: it would be a job of yours"));
        }
        if let Some(container) = Container::of(cx, &all[&name], all).filter(|_| !has_scripts) {
            cx.credentials.is_left_out(&name);
            problems.iter_mut().for_each(|problem| problem.lines.clear());
            problems[0].lines = container.lines(cx, all);
        }
        cx.problems.extend(problems);
    }
}

/// In the names of variables that hold a database's password.
const OF_DATABASES: [&str; 6] = ["DB", "DATABASE", "DATASOURCE", "POSTGRES", "PG", "SQL"];
/// In those that hold another one.
const OF_OTHERS: [&str; 12] =
    ["REDIS", "CACHE", "RABBIT", "AMQP", "MQ", "MINIO", "SMTP", "MAIL", "MONGO", "MYSQL", "MARIADB", "CLICKHOUSE"];

/// What a container says of its database.
struct Container<'a> {
    service: &'a str,
    /// Under `[databases.…]`.
    name: String,
    database: &'a str,
    user: &'a str,
    password: &'a str,
}

impl<'a> Container<'a> {
    /// `None` when RDS does not take its names, so that its clients would have to change too, and when its password is not to be seen here, so that nobody
    /// knows which of theirs it is.
    fn of(cx: &Cx<'_>, service: &'a Service, all: &'a BTreeMap<String, Service>) -> Option<Self> {
        let said = |variables: [&str; 2]| {
            variables.iter().find_map(|variable| match service.environment.get(*variable) {
                Some(EnvValue::Plain(value)) if !value.is_empty() => Some(value.as_str()),
                _ => None,
            })
        };
        let user = said(["POSTGRES_USER", "POSTGRESQL_USERNAME"]).unwrap_or("postgres");
        // Where it says nothing, a client's URL may.
        let asked_for = || all.values().flat_map(plain).find_map(|(_, value)| database_in(value, &service.name));
        let database = said(["POSTGRES_DB", "POSTGRESQL_DATABASE"]).or_else(asked_for).unwrap_or(user);
        let password = said(["POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD"])?;
        let known = cx.settings.databases.keys().next().filter(|_| cx.settings.databases.len() == 1);
        let name = known.cloned().unwrap_or_else(|| names::plain(&service.name));
        (is_name(database) && is_name(user) && !user.starts_with("rds") && !name.is_empty()).then_some(Self {
            service: &service.name,
            name,
            database,
            user,
            password,
        })
    }

    fn lines(&self, cx: &mut Cx<'_>, all: &BTreeMap<String, Service>) -> Vec<Line> {
        let other = |value: &str, default: &str| (value != default).then(|| value.to_owned());
        let mut lines = vec![
            Line::Skip { service: self.service.to_owned() },
            Line::Database {
                name: self.name.clone(),
                database: other(self.database, &self.name.replace('-', "_")),
                user: other(self.user, "postgres"),
            },
        ];
        let mut texts = BTreeMap::new();
        for service in all.values().filter(|service| service.name != self.service) {
            let names_it = plain(service).any(|(variable, value)| self.host_in(variable, value).is_some());
            let passwords = if names_it { self.passwords_of(service) } else { Vec::new() };
            for (variable, value) in plain(service) {
                let is_password = passwords.contains(&variable);
                let (service, variable) = (service.name.clone(), variable.clone());
                if is_password {
                    let secret = format!("database:{}.password", self.name);
                    cx.credentials.is_answered(&service, &variable, &secret);
                    lines.push(Line::Reference { service, variable, secret });
                } else if let Some(text) = self.host_in(&variable, value) {
                    if is_credential(&variable, value) {
                        lines.extend(self.whole(cx, &mut texts, service, variable, &text));
                    } else {
                        lines.push(Line::Environment { service, variable, text });
                    }
                }
            }
        }
        lines
    }

    /// Where a client has the password: many a stack has one for the queue and the cache too, so the variable's name decides.
    fn passwords_of<'s>(&self, service: &'s Service) -> Vec<&'s String> {
        let names = |variable: &String, words: &[&str]| {
            let variable = variable.to_ascii_uppercase();
            words.iter().any(|word| variable.contains(word))
        };
        let same = plain(service).filter(|(variable, value)| names_a_credential(variable) && self.password == value.as_str());
        let same = same.map(|(variable, _)| variable).filter(|variable| !names(variable, &OF_OTHERS));
        let (of_database, other): (Vec<&String>, Vec<&String>) = same.partition(|variable| names(variable, &OF_DATABASES));
        if of_database.is_empty() { other } else { of_database }
    }

    /// A text with the password in it. `texts`: those that are secrets already, by name.
    fn whole(
        &self,
        cx: &mut Cx<'_>,
        texts: &mut BTreeMap<String, String>,
        service: String,
        variable: String,
        text: &str,
    ) -> Vec<Line> {
        let Some(text) = self.with_password(text) else { return Vec::new() };
        let of = |field: &str| format!("${{database.{}.{field}}}", self.name);
        let before = format!("postgresql://{}:{}@{}", of("username"), of("password"), of("host"));
        let is_url = [":5432", ""].iter().any(|port| text == format!("{before}{port}/{}", self.database));
        let secret = if is_url {
            format!("database:{}.url", self.name)
        } else {
            let names = [names::plain(&variable), names::plain(&format!("{service}-{variable}"))];
            let free = names.iter().find(|name| texts.get(*name).is_none_or(|known| *known == text));
            let name = free.unwrap_or(&names[1]).clone();
            texts.insert(name.clone(), text.clone());
            name
        };
        cx.credentials.is_answered(&service, &variable, &secret);
        let mut lines = vec![Line::Reference { service, variable, secret: secret.clone() }];
        if !is_url {
            lines.push(Line::Template { secret, text });
        }
        lines
    }

    /// As [`Self::with_host`], of a variable that may mean a host: `KC_DB=postgres` is the name of a driver.
    fn host_in(&self, variable: &str, value: &str) -> Option<String> {
        let name = variable.to_ascii_uppercase();
        let is_about_hosts = ["HOST", "SERVER", "ADDR", "URL", "URI", "ENDPOINT"].iter().any(|word| name.contains(word));
        if value == self.service && !is_about_hosts { None } else { self.with_host(value) }
    }

    /// The text with the database's host in place of the container's, ready for landing.toml; `None` when it does not name it.
    fn with_host(&self, value: &str) -> Option<String> {
        let is_edge = |character: Option<char>| character.is_none_or(|it| !it.is_ascii_alphanumeric() && !"-_.$".contains(it));
        let mut text = String::new();
        let mut rest = value;
        let mut before = None;
        let mut found = false;
        while let Some(at) = rest.find(self.service) {
            let after = &rest[at + self.service.len()..];
            let edge = rest[..at].chars().next_back().or(before);
            // A name of a host stands alone, after `@`, `//` or `=`, and before a port, a path or the end; `/db` is a path, and `//db:…@` a user.
            let is_user = after.split(['/', ' ', ',']).next().is_some_and(|rest| rest.contains('@'));
            let follows = edge.is_none_or(|it| "@=,; ".contains(it)) || (rest[..at].ends_with("//") && !is_user);
            let is_host = follows && is_edge(after.chars().next());
            text.push_str(&rest[..at].replace('$', "$$"));
            text.push_str(&if is_host { format!("${{database.{}.host}}", self.name) } else { self.service.to_owned() });
            found |= is_host;
            before = self.service.chars().next_back();
            rest = after;
        }
        text.push_str(&rest.replace('$', "$$"));
        found.then_some(text)
    }

    /// The text with user and password of the database in place of the container's; `None` when they are not in it.
    fn with_password(&self, text: &str) -> Option<String> {
        let (user, password) = (self.user, self.password.replace('$', "$$"));
        let of = |field: &str| format!("${{database.{}.{field}}}", self.name);
        let url = format!("://{user}:{password}@");
        if text.contains(&url) {
            return Some(text.replace(&url, &format!("://{}:{}@", of("username"), of("password"))));
        }
        let lower = text.to_ascii_lowercase();
        let key = ["password=", "pwd="].iter().find_map(|key| Some(lower.find(key)? + key.len()))?;
        let rest = text[key..].strip_prefix(password.as_str())?;
        let ends = rest.is_empty() || rest.starts_with([';', '&', ' ']);
        ends.then(|| format!("{}{}{rest}", &text[..key], of("password")))
    }
}

fn plain(service: &Service) -> impl Iterator<Item = (&String, &String)> {
    service.environment.iter().filter_map(|(variable, value)| match value {
        EnvValue::Plain(value) => Some((variable, value)),
        _ => None,
    })
}

/// `app` in `postgres://…@db:5432/app?x=1`.
fn database_in<'v>(value: &'v str, host: &str) -> Option<&'v str> {
    let (_, rest) = value.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let at = authority.rsplit('@').next()?;
    let name = path.split('?').next().filter(|name| is_name(name))?;
    (at.split(':').next() == Some(host)).then_some(name)
}

/// Whether it makes itself ready by scripts of its own, which nobody runs in RDS.
fn has_scripts(container: &Service, lost: &[Problem]) -> bool {
    let baked = container.baked_files.iter().any(|file| file.target.starts_with(FIRST_START));
    baked || lost.iter().flat_map(|problem| &problem.help).any(|help| help.contains(FIRST_START))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_told_from_a_path_a_user_and_a_longer_name() {
        let container = Container { service: "db", name: "db".into(), database: "app", user: "app", password: "pa$s" };
        let host = |value: &str| container.with_host(value);
        let table = [
            ("db", Some("${database.db.host}")),
            ("db:5432", Some("${database.db.host}:5432")),
            ("jdbc:postgresql://db/app", Some("jdbc:postgresql://${database.db.host}/app")),
            ("host=db dbname=app", Some("host=${database.db.host} dbname=app")),
            ("postgresql://db:x@db/db", Some("postgresql://db:x@${database.db.host}/db")),
            ("a$b@db", Some("a$$b@${database.db.host}")),
            ("mydb", None),
            ("db-2:5432", None),
            ("db.example.org", None),
            ("/var/db", None),
            ("adb,dbb", None),
        ];
        for (value, expected) in table {
            assert_eq!(host(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn a_password_is_taken_out_of_urls_and_settings() {
        let container = Container { service: "db", name: "main".into(), database: "app", user: "app", password: "pa$s" };
        let text = |value: &str| container.with_host(value).and_then(|text| container.with_password(&text));
        assert_eq!(
            text("postgres://app:pa$s@db:5432/app?x=1").as_deref(),
            Some("postgres://${database.main.username}:${database.main.password}@${database.main.host}:5432/app?x=1")
        );
        assert_eq!(
            text("Host=db;Username=app;Password=pa$s;Pooling=true").as_deref(),
            Some("Host=${database.main.host};Username=app;Password=${database.main.password};Pooling=true")
        );
        assert_eq!(text("postgres://app:other@db/app"), None);
        assert_eq!(text("Host=db;Password=pa$store"), None);
    }
}
