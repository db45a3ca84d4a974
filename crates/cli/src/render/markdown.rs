//! A plan and the end of a run as Markdown, for the page of a run on GitHub and for a comment on a pull request.
//!
//! Whatever is not ours stands in code, between more backticks than are in it: there it is no markup, no HTML, and calls nobody by name.

use std::time::Duration;

use landing_engine::NodeName;
use landing_engine::event::{Doing, Event};
use landing_engine::plan::Plan;

use super::{duration, plan as plain};

/// Bytes of a comment; GitHub takes 65,536 characters.
pub(crate) const COMMENT: usize = 60_000;
/// What headings and short lines take at most of the room of a page.
const OVERHEAD: usize = 4_000;
/// Steps whose time is told.
const LONGEST: usize = 10;
/// Lines that stand open; more are folded away.
const OPEN: usize = 40;

/// What the events of a run tell and its outcome does not.
#[derive(Debug, Default)]
pub(crate) struct Chronicle {
    took: Vec<(NodeName, Doing, Duration)>,
    trouble: Vec<(NodeName, String)>,
}

impl Chronicle {
    pub(crate) fn note(&mut self, event: &Event) {
        match event {
            Event::StepFinished { node, doing, elapsed } => self.took.push((node.clone(), *doing, *elapsed)),
            Event::StepTrouble { node, cause } => self.trouble.push((node.clone(), cause.to_string())),
            _ => {}
        }
    }

    /// The steps that took longest, one a line.
    fn longest(&self) -> String {
        let mut took: Vec<&(NodeName, Doing, Duration)> = self.took.iter().filter(|(_, _, took)| took.as_secs() > 0).collect();
        took.sort_by(|(one, _, long), (other, _, short)| short.cmp(long).then_with(|| one.cmp(other)));
        let line = |(node, doing, took): &&(NodeName, Doing, Duration)| {
            let word = match doing {
                Doing::Creating => "created",
                Doing::Updating => "updated",
                Doing::Deleting => "deleted",
                Doing::Checking => "ready",
            };
            format!("{:>8}  {word}  {node}", duration(*took))
        };
        took.iter().take(LONGEST).map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What would change.
pub(crate) fn plan(plan: &Plan, place: &str, typical: Duration, down: bool, notices: &[String], room: usize) -> String {
    let what = if down { "landing plan --down" } else { "landing plan" };
    let mut parts = vec![format!("### `{what}`: {} in {place}", plan.stack.prefix())];
    let losing: Vec<String> = plan.losing_data().map(|step| code(step.node.as_str())).collect();
    if !losing.is_empty() {
        parts.push(format!("**This deletes data for good**, and `landing up --yes` refuses it: {}", limited(losing, room)));
    }
    if plan.is_empty() {
        parts.push("**Nothing to change.**".to_owned());
    } else {
        parts.push(format!("**{}**", plain::summary(plan, typical)));
        parts.push(section("Every step", &stripped(&plain::text(plan, place, typical)), room));
    }
    parts.extend(notes(notices, room / 4));
    parts.join("\n\n")
}

/// How a command ended that began a run.
pub(crate) struct Ran<'a> {
    /// `up`.
    pub(crate) command: &'a str,
    pub(crate) stack: String,
    pub(crate) place: String,
    /// The name of the exit code.
    pub(crate) end: &'a str,
    pub(crate) done: String,
    pub(crate) cost: String,
    /// What failed, was left behind, or is in the way; each with what to do.
    pub(crate) failures: Vec<String>,
    pub(crate) skipped: Vec<String>,
    pub(crate) chronicle: &'a Chronicle,
    pub(crate) outputs: &'a [(String, String)],
    pub(crate) notices: &'a [String],
}

pub(crate) fn ran(ran: &Ran<'_>, room: usize) -> String {
    let Ran { command, stack, place, end, done, cost, failures, skipped, chronicle, outputs, notices } = ran;
    // The parts get less and less: the failure itself is never what is cut.
    let room = room.saturating_sub(OVERHEAD);
    let done = if done.is_empty() { "nothing to change" } else { done.as_str() };
    let mut parts = vec![format!("### `landing {command}`: {end}, {stack} in {place}"), format!("**{done}** · {cost}")];
    let addresses: Vec<String> = outputs.iter().map(|(name, value)| format!("- {}: {}", code(name), address(value))).collect();
    if !addresses.is_empty() {
        parts.push(addresses.join("\n"));
    }
    if !failures.is_empty() {
        parts.push(format!("**What failed**\n\n{}", fence(&stripped(&failures.join("\n\n")), room / 2)));
    }
    let trouble: Vec<String> = chronicle.trouble.iter().map(|(node, cause)| format!("{node}: {cause}")).collect();
    for (title, text) in [
        ("Trouble on the way", trouble.join("\n\n")),
        ("Not reached", skipped.join("\n")),
        ("What took longest", chronicle.longest()),
    ] {
        if !text.is_empty() {
            parts.push(section(title, &stripped(&text), room / 8));
        }
    }
    parts.extend(notes(notices, room / 8));
    parts.join("\n\n")
}

/// Why there is nothing more to tell.
pub(crate) fn failed(command: &str, text: &str, room: usize) -> String {
    format!("### `landing {command}` failed\n\n{}", fence(&stripped(text), room.saturating_sub(OVERHEAD)))
}

fn notes(notices: &[String], room: usize) -> Option<String> {
    (!notices.is_empty()).then(|| section("Notes", &stripped(&notices.join("\n")), room))
}

fn section(title: &str, text: &str, room: usize) -> String {
    let block = fence(text, room);
    if text.lines().count() <= OPEN {
        return format!("**{title}**\n\n{block}");
    }
    format!("<details><summary>{title}</summary>\n\n{block}\n\n</details>")
}

/// A block of code whose end nothing in it can be; what does not fit is counted.
fn fence(text: &str, room: usize) -> String {
    let text = visible(text);
    let mut kept = String::new();
    let mut left_out = 0_usize;
    for line in text.lines() {
        if left_out > 0 || kept.len() + line.len() + 1 > room {
            left_out += 1;
            continue;
        }
        kept.push_str(line);
        kept.push('\n');
    }
    if left_out > 0 {
        kept.push_str(&format!("… and {left_out} lines more: the log has them\n"));
    }
    let ticks = "`".repeat(longest_run(&kept).max(2) + 1);
    format!("{ticks}text\n{kept}{ticks}")
}

/// Code within a line.
fn code(text: &str) -> String {
    let text: String = visible(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let ticks = "`".repeat(longest_run(&text) + 1);
    let edge = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{edge}{text}{edge}{ticks}")
}

/// A link where the value is an address and nothing else.
fn address(value: &str) -> String {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let is_plain = rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/?=%".contains(c)));
    if is_plain { format!("<{value}>") } else { code(value) }
}

fn limited(names: Vec<String>, room: usize) -> String {
    let all = names.len();
    let mut text = String::new();
    for (index, name) in names.into_iter().enumerate() {
        if text.len() + name.len() > room / 4 {
            return format!("{text} and {} more", all - index);
        }
        text.push_str(if index == 0 { "" } else { ", " });
        text.push_str(&name);
    }
    text
}

/// Without colours.
fn stripped(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// What steers a screen or the direction of reading is shown as something that cannot be shown.
fn visible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let steers =
        |c: char| (c.is_control() && !"\n\t".contains(c)) || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_block_ends_it_and_what_does_not_fit_is_counted() {
        let hostile = "``` </details>\n````\n@everyone <img src=x onerror=y>\r\n~~~\n\u{1b}]0;x\u{7}";
        let block = fence(hostile, 10_000);
        let (first, last) = (block.lines().next().unwrap(), block.lines().last().unwrap());
        assert_eq!((first, last), ("`````text", "`````"));
        assert_eq!(block.matches("`````").count(), 2);
        assert!(!block.contains('\u{1b}') && !block.contains('\r'));
        let long = "x".repeat(99) + "\n";
        let cut = fence(&long.repeat(50), 1000);
        assert!(cut.len() < 1100 && cut.contains("… and 40 lines more"), "{cut}");
        // One line that is longer than all the room is no way around it.
        assert!(fence(&"y".repeat(5000), 1000).len() < 100);
    }

    #[test]
    fn code_in_a_line_stays_in_its_line() {
        assert_eq!(code("a\n# b"), "`a # b`");
        assert_eq!(code("`a``b"), "``` `a``b ```");
        assert_eq!(address("https://d1.cloudfront.net"), "<https://d1.cloudfront.net>");
        assert_eq!(address("https://x> @everyone <b"), "`https://x> @everyone <b`");
    }
}
