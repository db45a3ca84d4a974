//! Does it work? The checks of a stack, asked until each is well or the time is over. They only read.
//!
//! What is to be asked is the blueprint's to say; here is how it is asked, and what an answer means.

mod answer;
mod check;
mod judge;
mod readings;
mod visitor;

use std::time::Duration;

use futures_util::future::join_all;
use landing_engine::reference::Pointer;
use landing_engine::{Clock, State};
use serde::Serialize;

pub use check::{Check, Expect, What};
pub(crate) use visitor::Visitor;

use crate::Aws;
use judge::Verdict;
use readings::Services;

/// Between two rounds, in AWS's time.
const PAUSE: Duration = Duration::from_secs(5);

/// What became of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Ok,
    Failed,
    /// There is nothing to ask.
    Skipped,
}

/// A check with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: String,
    pub service: Option<String>,
    pub url: Option<String>,
    pub status: Status,
    pub expected: String,
    pub came: String,
    pub help: Option<String>,
    /// AWS's seconds from the start to the last answer.
    pub seconds: u64,
}

/// Who asks, and for how long.
pub struct Smoke<'a> {
    pub aws: &'a Aws,
    pub clock: Clock,
    /// AWS's time, from the first question to the last round.
    pub within: Duration,
}

impl Smoke<'_> {
    /// Asks all that `checks` say, and again what is not well yet. Findings come in the order of the checks; `waiting` is told after every round what is not
    /// well.
    pub async fn run(&self, checks: Vec<Check>, state: &State, waiting: impl Fn(&[&Finding])) -> Vec<Finding> {
        let known =
            |pointer: &Pointer| state.nodes.get(&pointer.node).and_then(|record| record.outputs.get(&pointer.output)).cloned();
        let checks: Vec<Check> = checks.into_iter().map(|check| check.resolved(&known)).collect();
        let began = self.clock.elapsed();
        let since = || self.clock.elapsed().saturating_sub(began);
        let mut found: Vec<Option<(Finding, bool)>> = checks.iter().map(|_| None).collect();
        loop {
            let open: Vec<usize> = (0..checks.len()).filter(|at| found[*at].as_ref().is_none_or(|(_, again)| *again)).collect();
            let services = readings::services(self.aws, open.iter().map(|at| &checks[*at])).await;
            let looks = open.iter().map(|at| async { (*at, self.look(&checks[*at], &services).await) });
            for (at, verdict) in join_all(looks).await {
                found[at] = Some(finding(&checks[at], verdict, since().as_secs()));
            }
            let bad: Vec<&Finding> = found.iter().flatten().filter(|(_, again)| *again).map(|(finding, _)| finding).collect();
            if bad.is_empty() || since() + PAUSE > self.within {
                return found.into_iter().flatten().map(|(finding, _)| finding).collect();
            }
            waiting(&bad);
            self.clock.sleep(PAUSE).await;
        }
    }

    async fn look(&self, check: &Check, services: &Services) -> Verdict {
        let service = check.service.as_deref();
        let visitor = &self.aws.visitor;
        match &check.what {
            What::Unknown => Verdict::bad("it is not built", "`landing up` builds it").for_good(),
            What::Left(why) => Verdict::Skipped(why.clone()),
            What::Http { url, expect } => match visitor.get(url.get(), expect.reads_the_body()).await {
                Ok(answer) => judge::answer(expect, service, &answer),
                Err(why) => judge::no_answer(&why),
            },
            What::Page { url } => match visitor.get(url.get(), false).await {
                Ok(answer) => judge::page(&answer),
                Err(why) => judge::no_answer(&why),
            },
            What::Tcp { host, port, must } => judge::connection(visitor.connects(host.get(), *port).await, service, *must),
            What::Tasks { service, groups, .. } => readings::tasks(self.aws, services, service.get().as_str(), groups).await,
            What::Log { group } => readings::log(self.aws, group.get().as_str(), service).await,
            What::Job { task_definition } => readings::job(self.aws, task_definition.get().as_str(), service).await,
        }
    }
}

impl Aws {
    /// Whether something runs behind it: AWS itself, or a sandbox of `landing`. An emulator keeps records and runs no application.
    pub fn runs_applications(&self) -> bool {
        !self.far_end.is_emulator()
    }
}

/// And whether it may still become well.
fn finding(check: &Check, verdict: Verdict, seconds: u64) -> (Finding, bool) {
    let (status, came, help, again) = match verdict {
        Verdict::Good(came) => (Status::Ok, came, None, false),
        Verdict::Skipped(why) => (Status::Skipped, why, None, false),
        Verdict::Bad { came, help, for_good } => (Status::Failed, came, Some(help), !for_good),
    };
    let (name, service) = (check.name.clone(), check.service.clone());
    let finding = Finding { check: name, service, url: check.url(), status, expected: check.expected(), came, help, seconds };
    (finding, again)
}
