//! The end of `down`: is anything left?

use std::cell::Cell;

use landing_aws::leftovers::{Left, Sought};
use landing_engine::{Plan, Stop};
use serde_json::json;
use tokio::sync::watch;

use super::{print_json, say};
use crate::args::Common;
use crate::failure::Exit;
use crate::render::{self, style};
use crate::session::Session;

/// What the look brought; nothing when nobody looked.
#[derive(Default)]
pub(super) struct AfterLook {
    pub(super) left: Option<Left>,
    interrupted: bool,
}

/// Looks until what is left will not go by itself. A signal ends the waiting, and then nobody knows.
pub(super) async fn look(session: &Session, common: &Common, sought: &Sought<'_>, stop: &mut watch::Receiver<Stop>) -> AfterLook {
    if sought.outcome.stopped {
        return AfterLook::default();
    }
    let said = Cell::new(usize::MAX);
    let waiting = |left: &Left| {
        let elapsed = session.clock.now().saturating_sub(sought.began);
        if common.json {
            let nodes: Vec<&str> = left.objects.iter().map(|object| object.id.as_str()).collect();
            print_json(
                &json!({ "event": "looking-again", "left": nodes, "unchecked": left.unchecked.len(), "elapsed": elapsed }),
            );
        // Only what changed is news.
        } else if said.replace(left.objects.len()) != left.objects.len() {
            say(&format!("{} {}", style::dim("looking again:"), render::leftovers::pending(left)));
        }
    };
    tokio::select! {
        left = sought.look_until_settled(waiting) => AfterLook { left: Some(left), interrupted: false },
        Ok(_) = stop.wait_for(|level| *level > Stop::No) => AfterLook { left: None, interrupted: true },
    }
}

impl AfterLook {
    /// Of a run in which everything went well so far.
    pub(super) fn exit(&self) -> Exit {
        match &self.left {
            _ if self.interrupted => Exit::Interrupted,
            Some(left) if !left.is_nothing() => left.class().map_or(Exit::Failed, Exit::of_class),
            _ => Exit::Done,
        }
    }

    pub(super) fn sum_up(&self, plan: &Plan, place: &str, cost: &str) {
        let gone = render::count(plan.summary.delete, "object");
        let Some(left) = &self.left else {
            let word = style::error("interrupted");
            return say(&format!("{word}: {gone} deleted in {place}; whether anything is left was not looked for ({cost})"));
        };
        let wrong = left.objects.iter().filter(|object| object.is_wrong()).count();
        let unchecked = match left.unchecked.len() {
            0 => String::new(),
            places => format!(", {} could not be checked", render::count(places, "place")),
        };
        say(&format!("{}: {gone} deleted, {wrong} left{unchecked} in {place} ({cost})", style::error("not finished")));
    }
}
