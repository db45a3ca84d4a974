//! What GitHub is told of a run that is over: a note for each failure, and the page of the step.

use landing_engine::State;
use landing_engine::plan::Plan;
use landing_engine::walk::Outcome;

use super::leftovers::AfterLook;
use super::outputs;
use super::run::Goal;
use super::smoke::AfterSmoke;
use crate::actions::{self, Note};
use crate::failure::{Exit, help_of};
use crate::render::{self, markdown, markdown::Chronicle};
use crate::session::Session;

pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) plan: &'a Plan,
    pub(super) outcome: &'a Outcome,
    pub(super) chronicle: &'a Chronicle,
    pub(super) goal: Goal<'a>,
    pub(super) exit: Exit,
}

impl Run<'_> {
    /// `trouble`: what went wrong beside the run itself, such as a lost lock.
    pub(super) fn show(&self, trouble: Option<String>, looked: &AfterLook, smoke: &AfterSmoke, state: &State) {
        if !actions::are_around() {
            return;
        }
        let Self { session, plan, outcome, chronicle, goal, exit } = *self;
        let told = |error| help_of(error).map_or_else(|| format!("{error}"), |help| format!("{error}\nhelp: {help}"));
        let unanswered = outcome
            .unknown
            .iter()
            .map(|(node, call)| (node.as_str(), format!("{call} was sent and not answered; the next run looks")));
        let failed = outcome.failed.iter().map(|(node, error)| (node.as_str(), told(error)));
        let mut failures: Vec<(&str, String)> = failed.chain(unanswered).chain(trouble.map(|text| (exit.name(), text))).collect();
        failures.extend(smoke.failed().into_iter().map(|text| ("smoke", text)));
        let mut notices = if is_down(goal) { Vec::new() } else { session.blueprint.notices.clone() };
        let left = looked.left.as_ref().and_then(|left| render::leftovers::text(left, &plan.stack.prefix()));
        match exit {
            Exit::Done => notices.extend(left),
            _ => failures.extend(left.map(|text| ("left", text))),
        }
        let note = |(what, text): &(&str, String)| Note {
            title: format!("landing {}: {what}", goal.word()),
            message: text.clone(),
            place: None,
        };
        actions::annotate(&failures.iter().map(note).collect::<Vec<_>>());
        if actions::room() == 0 {
            return;
        }
        let calls = session.aws.call_counts().values().sum::<u64>() as usize;
        let done = match outcome.is_complete() {
            true => render::plan::counts(plan),
            false => {
                format!("{} done, {} failed, {} not reached", outcome.done.len(), outcome.failed.len(), outcome.skipped.len())
            }
        };
        let page = markdown::Ran {
            command: goal.word(),
            stack: plan.stack.prefix(),
            place: session.place(),
            end: exit.name(),
            done,
            cost: format!("{} in {}", render::count(calls, "AWS call"), render::duration(outcome.elapsed)),
            failures: failures.into_iter().map(|(what, text)| format!("{what}: {text}")).collect(),
            skipped: outcome.skipped.iter().map(|(node, because)| format!("{node}: {because}")).collect(),
            chronicle,
            outputs: &if is_down(goal) { Vec::new() } else { outputs::resolve(&session.blueprint, state) },
            notices: &notices,
        };
        actions::add_to_page(&markdown::ran(&page, actions::room()));
    }
}

fn is_down(goal: Goal<'_>) -> bool {
    matches!(goal, Goal::Down)
}
