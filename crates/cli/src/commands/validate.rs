//! `landing validate`: what becomes of every compose key.

use std::collections::{BTreeMap, BTreeSet};

use landing_project::{KeyOutcome, Outcome, Project};
use serde_json::json;

use super::{print, print_json, say};
use crate::args::Common;
use crate::failure::{Exit, Failure};
use crate::render::{self, style};
use crate::session::load;

/// Stands for the top level of the compose file.
const FILE: &str = "the compose file";

pub(crate) fn run(common: &Common) -> Result<Exit, Failure> {
    let project = load(common)?;
    if common.json {
        print_json(&json!({
            "project": project.name,
            "env": project.env,
            "services": project.services.iter().map(|s| &s.name).collect::<Vec<_>>(),
            "jobs": project.jobs.iter().map(|s| &s.name).collect::<Vec<_>>(),
            "skipped": project.skipped,
            "warnings": project.warnings(),
            "keys": project.keys,
        }));
        return Ok(Exit::Done);
    }
    deployed(&project).iter().chain(&table(&project)).for_each(|line| print(line));
    if let Some(notice) = project.closed() {
        say(&format!("{}: {notice}", style::change("note")));
    }
    project.warnings().iter().for_each(|warning| say(&format!("{}: {warning}", style::change("warning"))));
    let services = render::count(project.services.len(), "service");
    let jobs = render::count(project.jobs.len(), "job");
    say(&format!("{}: {services}, {jobs}, {} not deployed", style::good("valid"), project.skipped.len()));
    Ok(Exit::Done)
}

/// What each service comes to: its size, who reaches it, whom it calls.
fn deployed(project: &Project) -> Vec<String> {
    let mut lines = vec![style::bold("deployed")];
    for service in project.services.iter().chain(&project.jobs) {
        let job = project.jobs.iter().any(|job| job.name == service.name);
        let mut notes = vec![format!("{} cpu, {} MiB", service.cpu, service.memory)];
        let list = |items: Vec<String>| items.join(", ");
        if job {
            notes.push("one-off job".to_owned());
        } else if service.replicas != 1 {
            notes.push(render::count(service.replicas as usize, "task"));
        }
        if !service.paths.is_empty() || service.default {
            let paths = service.paths.iter().cloned().chain(service.default.then(|| "all other paths".to_owned()));
            notes.push(format!("serves {} on port {}", list(paths.collect()), service.port.unwrap_or_default()));
        }
        if !service.tcp.is_empty() {
            notes.push(format!("open to the internet on {}", list(service.tcp.iter().map(ToString::to_string).collect())));
        }
        if !service.calls.is_empty() {
            notes.push(format!("calls {}", list(service.calls.iter().cloned().collect())));
        }
        if !service.baked_files.is_empty() {
            let files = service.baked_files.iter().map(|file| file.source.to_string());
            notes.push(format!("its image has {}", list(files.collect())));
        }
        if !service.volumes.is_empty() {
            notes.push(format!("keeps {} on EFS", list(service.volumes.iter().map(|mount| mount.target.clone()).collect())));
        }
        lines.push(format!("  {:<20} {}", service.name, notes.join(" · ")));
    }
    lines
}

/// Mapped keys by service; what is ignored once a reason; what is skipped at the end.
fn table(project: &Project) -> Vec<String> {
    let mut lines = Vec::new();
    let mut ignored: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    let mut service = None;
    for row in &project.keys {
        let KeyOutcome { service: of, key, file, line, outcome } = row;
        let name = of.as_deref().unwrap_or(FILE);
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
            // A service that is not deployed stands in a list of its own.
            Outcome::Ignored { .. } if key == "*" => {}
            Outcome::Ignored { reason } => {
                let (keys, services) = ignored.entry(reason).or_default();
                keys.insert(key);
                services.insert(name);
            }
            Outcome::Refused { fix } => {
                heading(&mut lines, &mut service);
                lines.push(format!("  {key:<20} {} {fix}  {}", style::bad("refused:"), style::dim(&place)));
            }
        }
    }
    if !ignored.is_empty() {
        lines.push(style::bold("ignored on AWS"));
        for (reason, (keys, services)) in ignored {
            let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
            let services = services.into_iter().filter(|name| *name != FILE).collect::<Vec<_>>().join(", ");
            let of = if services.is_empty() { String::new() } else { style::dim(&format!("  ({services})")) };
            lines.push(format!("  {keys:<20} {reason}{of}"));
        }
    }
    if !project.skipped.is_empty() {
        lines.push(style::bold("not deployed"));
        lines.extend(project.skipped.iter().map(|skipped| format!("  {:<20} {}", skipped.name, skipped.reason)));
    }
    lines
}
