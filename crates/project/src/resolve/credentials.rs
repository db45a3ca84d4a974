//! Credentials in plain text: in a task definition everybody with read access would see them.

use std::collections::BTreeMap;

use super::names;
use crate::{
    compose::Variable,
    mask::{holds_a_url_password, is_credential, names_a_credential},
    place::Place,
    problem::{Problem, toml_key},
};

/// What was found, by place: an anchor gives the same line to many services, and is one thing to fix.
#[derive(Default)]
pub(super) struct Plain {
    found: BTreeMap<(std::path::PathBuf, usize, String), Found>,
}

struct Found {
    place: Place,
    what: &'static str,
    services: Vec<String>,
}

impl Plain {
    /// A variable of a deployed service that landing.toml does not give as a secret.
    pub(super) fn look(&mut self, service: &str, name: &str, variable: &Variable) {
        if !is_credential(name, &variable.value) {
            return;
        }
        let what = match (names_a_credential(name), holds_a_url_password(&variable.value)) {
            (true, _) => "a credential",
            (false, true) => "a URL with a password",
            (false, false) => "a text with a password",
        };
        let place = variable.place.clone();
        let key = (place.source.path.clone(), place.span.start, name.to_owned());
        let found = self.found.entry(key).or_insert_with(|| Found { place, what, services: Vec::new() });
        found.services.push(service.to_owned());
    }

    /// The values are never shown.
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.found.iter().map(|((_, _, name), found)| found.problem(name)).collect()
    }
}

impl Found {
    fn problem(&self, name: &str) -> Problem {
        let list = self.services.iter().map(|service| format!("`{service}`")).collect::<Vec<_>>().join(", ");
        let plural = if self.services.len() > 1 { "services" } else { "service" };
        let what = self.what;
        let secret = names::plain(name);
        let secret = if secret.is_empty() { "credential" } else { &secret };
        let mut help = "add to landing.toml:".to_owned();
        for service in &self.services {
            help.push_str(&format!("\n  [services.{}]\n  secrets = {{ {} = \"{secret}\" }}", toml_key(service), toml_key(name)));
        }
        help.push_str(&format!("\n  [secrets.{secret}]\n  from = \"env:{name}\""));
        Problem::at(&self.place, "plain-text-credential", format!("`{name}` of {plural} {list} is {what} in plain text"))
            .label("everybody who may read the task definition could read it")
            .help(help)
    }
}
