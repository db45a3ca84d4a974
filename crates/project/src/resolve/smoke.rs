//! What `landing smoke` asks of a service, where landing.toml says it.

use std::ops::RangeInclusive;

use super::Cx;
use crate::{problem::Problem, service::Smoke, settings::ServiceSettings};

pub(super) fn read(cx: &mut Cx<'_>, name: &str, settings: &ServiceSettings) -> Smoke {
    let Some(given) = &settings.smoke else { return Smoke::default() };
    let place = |key: &str| cx.document.value(&["services", name, "smoke", key]);
    let mut problems = Vec::new();
    let mut wrong = |key: &str, what: String, help: &str| {
        problems.push(Problem::at(&place(key), "bad-value", what).help(help.to_owned()));
    };
    let asked = [("path", given.path.is_some()), ("status", given.status.is_some()), ("contains", given.contains.is_some())];
    if let Some((key, _)) = asked.iter().find(|(_, given)| *given && settings.paths.is_empty() && !settings.default) {
        wrong(key, format!("nobody can ask `{name}` from outside: it has no `paths`"), "give it `paths`, or leave this out");
    } else if let Some(path) = &given.path {
        if !path.starts_with('/') || path.contains(char::is_whitespace) {
            wrong("path", format!("`{path}` is not a path"), "for example path = \"/api/ping\"");
        } else if !settings.default && !settings.paths.iter().any(|pattern| takes(pattern, path)) {
            wrong("path", format!("no path of `{name}` takes `{path}`"), "ask for one that its `paths` match, or add it to them");
        }
    }
    let status = given.status.as_ref().map(ToString::to_string);
    if let Some(status) = status.as_ref().filter(|status| !is_codes(status, 100..=599)) {
        wrong("status", format!("`{status}` are no HTTP codes"), "for example \"200\", \"200,302\" or \"200-399\"");
    }
    cx.problems.extend(problems);
    Smoke { path: given.path.clone(), status, contains: given.contains.clone(), log: given.log.unwrap_or(true) }
}

/// `200`, `200,302`, `200-399`.
pub(super) fn is_codes(text: &str, range: RangeInclusive<u16>) -> bool {
    text.split([',', '-']).all(|code| code.len() == 3 && code.parse::<u16>().is_ok_and(|code| range.contains(&code)))
}

/// Whether a pattern of the load balancer matches a path; `/auth/*` stands for `/auth` too.
fn takes(pattern: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    pattern.strip_suffix("/*") == Some(path) || crate::pattern::matches(pattern, path)
}
