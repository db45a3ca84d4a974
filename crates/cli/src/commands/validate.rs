//! `landing validate`: what becomes of every compose key.

use std::collections::BTreeMap;

use landing_project::{KeyOutcome, Outcome, Project};
use serde_json::json;

use super::{print, print_json, say};
use crate::args::Common;
use crate::failure::{Exit, Failure};
use crate::render::{self, style};
use crate::session::load;

pub(crate) fn run(common: &Common) -> Result<Exit, Failure> {
    let project = load(common)?;
    if common.json {
        print_json(&json!({
            "project": project.name,
            "env": project.env,
            "services": project.services.iter().map(|s| &s.name).collect::<Vec<_>>(),
            "jobs": project.jobs.iter().map(|s| &s.name).collect::<Vec<_>>(),
            "skipped": project.skipped,
            "keys": project.keys,
        }));
        return Ok(Exit::Done);
    }
    table(&project).iter().for_each(|line| print(line));
    let services = render::count(project.services.len(), "service");
    let jobs = render::count(project.jobs.len(), "job");
    say(&format!("{}: {services}, {jobs}, {} not deployed", style::good("valid"), project.skipped.len()));
    Ok(Exit::Done)
}

/// Mapped keys by service; what is ignored once a reason; what is skipped at the end.
fn table(project: &Project) -> Vec<String> {
    let mut lines = Vec::new();
    let mut ignored: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    let mut service = None;
    for row in &project.keys {
        let KeyOutcome { service: of, key, file, line, outcome } = row;
        let name = of.as_deref().unwrap_or("(file)");
        let heading = |lines: &mut Vec<String>, service: &mut Option<String>| {
            if service.as_deref() != Some(name) {
                lines.push(style::bold(name));
                *service = Some(name.to_owned());
            }
        };
        let place = format!("{}:{line}", file.display());
        match outcome {
            Outcome::Mapped { to } => {
                heading(&mut lines, &mut service);
                lines.push(format!("  {key:<20} {} {to}  {}", style::good("→"), style::dim(&place)));
            }
            Outcome::Ignored { reason } => ignored.entry((key, reason)).or_default().push(name),
            Outcome::Refused { fix } => {
                heading(&mut lines, &mut service);
                lines.push(format!("  {key:<20} {} {fix}  {}", style::bad("refused:"), style::dim(&place)));
            }
        }
    }
    if !ignored.is_empty() {
        lines.push(style::bold("ignored on AWS"));
        for ((key, reason), services) in ignored {
            lines.push(format!("  {key:<20} {reason}  {}", style::dim(&format!("({})", services.join(", ")))));
        }
    }
    if !project.skipped.is_empty() {
        lines.push(style::bold("not deployed"));
        lines.extend(project.skipped.iter().map(|skipped| format!("  {:<20} {}", skipped.name, skipped.reason)));
    }
    lines
}
