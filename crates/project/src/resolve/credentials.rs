//! Credentials in plain text: in a task definition everybody with read access would see them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    compose::Variable,
    mask::{holds_a_url_password, is_credential, names_a_credential},
    place::Place,
    problem::{Problem, toml_key},
    proposal::Line,
};

/// What was found, by place: an anchor gives the same line to many services, and is one thing to fix.
#[derive(Default)]
pub(super) struct Plain {
    found: BTreeMap<(std::path::PathBuf, usize, String), Found>,
    /// Services that a proposal leaves out.
    left_out: BTreeSet<String>,
    /// What a proposal gives in place of a value of somebody's own, by service and variable.
    answers: BTreeMap<(String, String), String>,
}

struct Found {
    place: Place,
    what: &'static str,
    /// Never shown: whether two are the same.
    value: String,
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
        let value = variable.value.clone();
        let found = self.found.entry(key).or_insert_with(|| Found { place, what, value, services: Vec::new() });
        found.services.push(service.to_owned());
    }

    pub(super) fn is_left_out(&mut self, service: &str) {
        self.left_out.insert(service.to_owned());
    }

    /// `secret` is what the variable is to be, and stands in the proposal already.
    pub(super) fn is_answered(&mut self, service: &str, variable: &str, secret: &str) {
        self.answers.insert((service.to_owned(), variable.to_owned()), secret.to_owned());
    }

    /// The values are never shown.
    pub(super) fn problems(&self) -> Vec<Problem> {
        self.found.iter().map(|((_, _, name), found)| found.problem(name, self)).collect()
    }

    /// Two databases have two passwords, though their variables have one name.
    fn has_other_value(&self, name: &str, value: &str) -> bool {
        self.found.iter().any(|((_, _, other), found)| other == name && found.value != value)
    }
}

impl Found {
    fn problem(&self, name: &str, all: &Plain) -> Problem {
        let list = |form: &dyn Fn(&String) -> String| self.services.iter().map(form).collect::<Vec<_>>().join(", ");
        let plural = if self.services.len() > 1 { "services" } else { "service" };
        let what = self.what;
        let owner = self.services.first().filter(|_| all.has_other_value(name, &self.value));
        let lines: Vec<Line> = self.services.iter().map(|service| self.line(service, name, owner)).collect();
        let Some(Line::Secret { secret, from, .. }) = lines.first() else { unreachable!("it was found in a service") };
        let help = format!(
            "make it a secret in landing.toml: `secrets = {{ {} = \"{secret}\" }}` in {}, and `from = \"env:{from}\"` in [secrets.{secret}]",
            toml_key(name),
            list(&|service| format!("[services.{}]", toml_key(service))),
        );
        let of = list(&|service| format!("`{service}`"));
        let answer = |service: &String| all.answers.get(&(service.clone(), name.to_owned()));
        let help = match self.services.first().and_then(answer) {
            Some(secret) => {
                let variable = toml_key(name);
                format!("with the database in RDS, as proposed below: `secrets = {{ {variable} = \"{secret}\" }}`; else {help}")
            }
            None if self.services.iter().all(|service| all.left_out.contains(service)) => {
                format!("not needed with the database in RDS, as proposed below; else {help}")
            }
            None => help,
        };
        let is_open = |line: &Line| {
            let Line::Secret { service, .. } = line else { return true };
            answer(service).is_none()
        };
        let lines: Vec<Line> = lines.into_iter().filter(is_open).collect();
        Problem::at(&self.place, "plain-text-credential", format!("`{name}` of {plural} {of} is {what} in plain text"))
            .label("everybody who may read the task definition could read it")
            .help(help)
            .lines(lines)
    }

    fn line(&self, service: &str, name: &str, owner: Option<&String>) -> Line {
        let Some(owner) = owner else { return Line::secret(service, name) };
        let Line::Secret { secret, from, .. } = Line::secret(service, &format!("{owner}_{name}")) else {
            unreachable!("a secret is asked for")
        };
        let from =
            from.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '_' }).collect::<String>();
        Line::Secret { service: service.to_owned(), variable: name.to_owned(), secret, from: from.to_ascii_uppercase() }
    }
}
