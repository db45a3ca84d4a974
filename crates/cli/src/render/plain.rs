//! A running walk as lines, for pipes and CI: one line a change of state, and at most every 30 seconds one for what is waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use landing_engine::NodeName;
use landing_engine::event::{Doing, Event};

use super::{duration, style};

const HEARTBEAT: Duration = Duration::from_secs(30);

/// The line of an event that ends a step, also used above the live view.
pub(crate) fn ended(event: &Event) -> Option<String> {
    Some(match event {
        Event::StepFinished { node, doing, elapsed } => {
            let word = match doing {
                Doing::Creating => style::good("created"),
                Doing::Updating => style::change("updated"),
                Doing::Deleting => style::bad("deleted"),
                Doing::Checking => style::dim("ready  "),
            };
            format!("{word}  {node} {}", style::dim(&format!("({})", duration(*elapsed))))
        }
        Event::StepFailed { node, message, help, .. } => {
            let help = help.as_ref().map(|help| format!("\n   {}: {help}", style::good("help"))).unwrap_or_default();
            format!("{}   {node}: {message}{help}", style::error("failed"))
        }
        Event::StepTrouble { node, cause } => format!("{} {}", style::change("trouble"), format_args!("{node}: {cause}")),
        Event::StepSkipped { node, because } => format!("{}  {node}: {because}", style::change("skipped")),
        Event::StopRequested { running } => {
            format!("{}: {running} calls in flight are let finish; again to leave at once", style::change("stopping"))
        }
        _ => return None,
    })
}

#[derive(Default)]
pub(crate) struct Lines {
    /// When a waiting line was last written for a node, and with which state.
    said: BTreeMap<NodeName, (Duration, String)>,
}

impl Lines {
    /// The lines for one event, each after the time since the start.
    pub(crate) fn of(&mut self, event: &Event, since_start: Duration) -> Option<String> {
        let text = match event {
            Event::StepWaiting { node, state, elapsed, .. } => {
                let before = self.said.get(node);
                if before.is_some_and(|(at, said)| said == state && elapsed.saturating_sub(*at) < HEARTBEAT) {
                    return None;
                }
                self.said.insert(node.clone(), (*elapsed, state.clone()));
                format!("{}  {node}: {state} {}", style::dim("waiting"), style::dim(&format!("(for {})", duration(*elapsed))))
            }
            Event::StepRetrying { node, attempt, wait, why } => {
                format!("{} {node}: {why}; attempt {} in {}", style::change("retrying"), attempt + 1, duration(*wait))
            }
            other => ended(other)?,
        };
        Some(format!("{} {text}", style::dim(&format!("[{:>7}]", duration(since_start)))))
    }
}
