//! A plan for people: changed fields only, why for every replacement and deletion; what needs no explanation shares a line with its kind.

use std::time::Duration;

use landing_engine::plan::{Action, NOT_ASKED_FOR, Plan, Step};

use super::{duration, style, value};

/// Columns before a line of names is broken.
const WIDTH: usize = 118;
const INDENT: usize = 46;

/// The whole text; ends without a newline.
pub(crate) fn text(plan: &Plan, place: &str, typical: Duration) -> String {
    let mut lines = vec![format!("{} in {place}", style::bold(&plan.stack.prefix())), String::new()];
    for action in [Action::Adopt, Action::Create, Action::Update, Action::Replace, Action::Delete] {
        let steps: Vec<&Step> = plan.steps.iter().filter(|step| step.action == action).collect();
        let (plain, telling): (Vec<&Step>, Vec<&Step>) = steps.into_iter().partition(|step| is_plain(step));
        lines.extend(grouped(action, &plain));
        lines.extend(telling.into_iter().flat_map(step_lines));
    }
    if lines.len() == 2 {
        lines.push("  nothing to change".into());
    }
    lines.push(String::new());
    lines.push(summary(plan, typical));
    lines.join("\n")
}

/// Nothing to say but its name.
fn is_plain(step: &Step) -> bool {
    let expected = matches!(step.action, Action::Create | Action::Adopt | Action::Delete);
    let explained = step.reason.as_deref().is_some_and(|reason| reason != NOT_ASKED_FOR);
    expected && !explained && !step.loses_data && step.changes.is_empty()
}

fn word(action: Action) -> String {
    match action {
        Action::Create => style::good("+ create "),
        Action::Update => style::change("~ update "),
        Action::Replace => style::bad("± replace"),
        Action::Delete => style::bad("- delete "),
        Action::Adopt => style::dim("= adopt  "),
        Action::Unchanged => style::dim("  keep   "),
    }
}

/// `+ create  ec2.subnet  private-a, private-b, public-a, public-b`, kinds in the order of the plan.
fn grouped(action: Action, steps: &[&Step]) -> Vec<String> {
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for step in steps {
        let name = step.node.name();
        match kinds.iter_mut().find(|(kind, _)| *kind == step.kind) {
            Some((_, names)) => names.push(name),
            None => kinds.push((&step.kind, vec![name])),
        }
    }
    let mut lines = Vec::new();
    for (kind, mut names) in kinds {
        names.sort_unstable();
        let mut line = format!("  {} {kind:<34}", word(action));
        let mut column = INDENT;
        for (index, name) in names.iter().enumerate() {
            let comma = if index + 1 < names.len() { "," } else { "" };
            if column + name.len() + 2 > WIDTH && column > INDENT {
                lines.push(std::mem::take(&mut line));
                line.push_str(&" ".repeat(INDENT));
                column = INDENT;
            }
            line.push_str(&format!(" {name}{comma}"));
            column += name.len() + 2;
        }
        lines.push(line);
    }
    lines
}

fn step_lines(step: &Step) -> Vec<String> {
    let changes: Vec<String> = step.changes.iter().flat_map(value::lines).collect();
    let mut notes = Vec::new();
    if changes.len() == 1 && step.action == Action::Update {
        notes.push(changes[0].clone());
    }
    if step.loses_data {
        notes.push(style::bad("loses data"));
    }
    notes.extend(step.reason.clone().filter(|reason| reason != NOT_ASKED_FOR));
    let mut lines = vec![format!("  {} {}  {}", word(step.action), step.node, notes.join(" · ")).trim_end().to_owned()];
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
        text.push_str(&format!(" ({} of them adopted: there already, with this stack's tags)", s.adopt));
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
