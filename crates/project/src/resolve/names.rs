//! Names that end in names of AWS objects.

use super::Cx;
use crate::{place::Place, problem::Problem};

/// So that `<project>-<env>-<kind>` fits the tightest limit, 32 characters of a load balancer.
const LONGEST_PROJECT: usize = 20;
/// So that `<project>-<env>-<service>` fits a task family and an IAM role name (64).
const LONGEST_SERVICE: usize = 40;
const LONGEST_ENV: usize = 12;
const LONGEST_PART: usize = 40;

pub(super) fn project(cx: &mut Cx<'_>) -> String {
    let Some(name) = cx.settings.name.clone() else {
        cx.problems.push(
            Problem::at(&cx.document.value(&[]), "missing-key", "landing.toml has no `name`").help(crate::settings::MINIMAL),
        );
        return String::new();
    };
    let place = cx.document.value(&["name"]);
    if name.len() > LONGEST_PROJECT {
        cx.problems.push(
            Problem::at(&place, "name-too-long", format!("the project's name has {} characters", name.len()))
                .label(format!("at most {LONGEST_PROJECT}, since every AWS name starts with it"))
                .help(format!(
                    "shorten it, e.g. \"{}\"",
                    name.chars().take(LONGEST_PROJECT).collect::<String>().trim_end_matches('-')
                )),
        );
    } else if !is_plain(&name) {
        cx.problems.push(not_plain(&place, "the project's name", &name));
    }
    name
}

/// Only its form: which regions there are is for AWS to say.
pub(super) fn region(cx: &mut Cx<'_>) {
    let Some(region) = &cx.settings.region else {
        return;
    };
    let parts: Vec<&str> = region.split('-').collect();
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_region = match &parts[..] {
        [words @ .., number] => words.len() >= 2 && words.iter().all(is_word) && number.parse::<u8>().is_ok(),
        [] => false,
    };
    if !is_region {
        cx.problems.push(
            Problem::at(&cx.document.value(&["region"]), "bad-value", format!("`{region}` is not a region of AWS"))
                .help("for example \"us-west-2\""),
        );
    }
}

pub(super) fn environment(cx: &mut Cx<'_>, env: &str) {
    let place = cx.document.key(&["env", env]);
    if env.len() > LONGEST_ENV {
        cx.problems.push(
            Problem::at(&place, "name-too-long", format!("the environment's name `{env}` has {} characters", env.len()))
                .label(format!("at most {LONGEST_ENV}"))
                .help("choose a shorter one, such as `dev`, `staging` or `prod`"),
        );
    } else if !is_plain(env) {
        cx.problems.push(not_plain(&place, "the environment's name", env));
    }
}

pub(super) fn service(name: &str, place: &Place) -> Option<Problem> {
    if name.len() > LONGEST_SERVICE {
        return Some(
            Problem::at(place, "name-too-long", format!("the service's name has {} characters", name.len()))
                .label(format!("at most {LONGEST_SERVICE}, since AWS names are made of it"))
                .help("give it a shorter name in the compose file"),
        );
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (name.is_empty() || !name.bytes().all(allowed)).then(|| {
        Problem::at(place, "bad-name", format!("`{name}` cannot name a container on ECS"))
            .label("letters, digits, `-` and `_` only")
            .help("rename the service in the compose file")
    })
}

/// A volume: it keeps its compose name.
pub(super) fn volume(name: &str, place: &Place) -> Option<Problem> {
    if name.len() > LONGEST_PART {
        return Some(
            Problem::at(place, "name-too-long", format!("the volume's name has {} characters", name.len()))
                .label(format!("at most {LONGEST_PART}, since AWS names are made of it"))
                .help("give it a shorter name in the compose file"),
        );
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (name.is_empty() || !name.bytes().all(allowed)).then(|| {
        Problem::at(place, "bad-name", format!("`{name}` cannot name a volume on ECS"))
            .label("letters, digits, `-` and `_` only")
            .help("rename the volume in the compose file")
    })
}

/// A secret or a database: `what` for the message.
pub(super) fn part(what: &str, name: &str, place: &Place) -> Option<Problem> {
    if name.len() > LONGEST_PART {
        return Some(
            Problem::at(place, "name-too-long", format!("the {what}'s name has {} characters", name.len()))
                .label(format!("at most {LONGEST_PART}, since AWS names are made of it"))
                .help("choose a shorter one; the key in landing.toml is the name"),
        );
    }
    (!is_plain(name)).then(|| not_plain(place, &format!("the {what}'s name"), name))
}

fn is_plain(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The nearest name that a secret or a database may have; empty when there is no letter in it.
pub(crate) fn plain(name: &str) -> String {
    let mut better = String::new();
    for character in name.to_ascii_lowercase().chars().take(LONGEST_PART) {
        let character = if character.is_ascii_alphanumeric() { character } else { '-' };
        let repeated = character == '-' && better.ends_with('-');
        let too_early = better.is_empty() && !character.is_ascii_lowercase();
        if !repeated && !too_early {
            better.push(character);
        }
    }
    better.trim_end_matches('-').to_owned()
}

fn not_plain(place: &Place, what: &str, name: &str) -> Problem {
    let better = plain(name);
    let problem = Problem::at(place, "bad-name", format!("{what} `{name}` has characters that AWS names cannot have"))
        .label("lower-case letters, digits and single hyphens, a letter first");
    let better = if better.is_empty() { "app" } else { &better };
    problem.help(format!("for example \"{better}\""))
}
