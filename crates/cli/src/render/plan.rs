//! A plan for people: one line a step, changed fields only, why for every replacement and deletion.

use std::time::Duration;

use landing_engine::plan::{Action, Plan, Step};

use super::{duration, style, value};

/// The whole text; ends without a newline.
pub(crate) fn text(plan: &Plan, place: &str, typical: Duration) -> String {
    let mut lines = vec![format!("{} in {place}", style::bold(&plan.stack.prefix())), String::new()];
    let shown: Vec<&Step> = plan.steps.iter().filter(|step| step.action != Action::Unchanged).collect();
    let width = shown.iter().map(|step| step.node.as_str().len()).max().unwrap_or(0).min(60);
    for step in &shown {
        lines.extend(step_lines(step, width));
    }
    if shown.is_empty() {
        lines.push("  nothing to change".into());
    }
    lines.push(String::new());
    lines.push(summary(plan, typical));
    lines.join("\n")
}

fn step_lines(step: &Step, width: usize) -> Vec<String> {
    let word = match step.action {
        Action::Create => style::good("+ create "),
        Action::Update => style::change("~ update "),
        Action::Replace => style::bad("± replace"),
        Action::Delete => style::bad("- delete "),
        Action::Adopt => style::dim("= adopt  "),
        Action::Unchanged => style::dim("  keep   "),
    };
    let mut notes = Vec::new();
    let changes: Vec<String> = step.changes.iter().flat_map(value::lines).collect();
    if changes.len() == 1 && step.action == Action::Update {
        notes.push(changes[0].clone());
    }
    if step.loses_data {
        notes.push(style::bad("loses data"));
    }
    if let Some(reason) = &step.reason {
        notes.push(reason.clone());
    } else if step.action == Action::Adopt {
        notes.push("it is there and carries this stack's tags".into());
    }
    let head = format!("  {word} {:<width$}  {}", step.node.as_str(), notes.join(" · "));
    let mut lines = vec![head.trim_end().to_owned()];
    if changes.len() > 1 || step.action == Action::Replace {
        lines.extend(changes.iter().map(|change| format!("              {change}")));
    }
    lines
}

/// `91 to create, 1 to update, 0 to replace, 0 to delete, 4 unchanged · about 11m`.
pub(crate) fn summary(plan: &Plan, typical: Duration) -> String {
    let s = &plan.summary;
    let mut text = format!(
        "{} to create, {} to update, {} to replace, {} to delete, {} unchanged",
        s.create,
        s.update,
        s.replace,
        s.delete,
        s.unchanged + s.adopt
    );
    if s.adopt > 0 {
        text.push_str(&format!(" ({} of them adopted)", s.adopt));
    }
    if !plan.is_empty() {
        text.push_str(&format!(" · about {}", duration(typical)));
    }
    text
}

/// `91 created, 1 updated`: what a finished run did.
pub(crate) fn counts(plan: &Plan) -> String {
    let s = &plan.summary;
    let parts =
        [(s.create, "created"), (s.update, "updated"), (s.replace, "replaced"), (s.delete, "deleted"), (s.adopt, "adopted")];
    let done: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}")).collect();
    done.join(", ")
}
