//! `landing smoke`, and the end of `up` and `deploy`: does it work?

use std::cell::RefCell;
use std::time::Duration;

use landing_aws::smoke::{Finding, Smoke, Status};
use landing_blueprint::smoke as checks;
use landing_engine::State;
use serde_json::{Value, json};

use super::{print, print_json, say};
use crate::args::{Common, SmokeOptions};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::render::{self, style};
use crate::session::Session;

/// What `up` and `deploy` give a fresh stack to come to work.
const AFTER_A_RUN: Duration = Duration::from_secs(5 * 60);

pub(crate) async fn run(common: &Common, options: &SmokeOptions) -> Result<Exit, Failure> {
    let session = Session::open(common).await?;
    let state = session.state().await?;
    if state.nodes.is_empty() {
        return Err(Failure::new(Exit::Failed, format!("nothing of {} is known to stand", session.stack.prefix()))
            .help("`landing up` builds it, or finds by its tags what stands"));
    }
    let findings = ask(&session, common, &state, options.timeout).await;
    let exit = exit_of(&findings);
    if common.json {
        print_json(&record(&findings, exit));
        return Ok(exit);
    }
    render::smoke::lines(&findings).iter().for_each(|text| print(text));
    let word = if exit == Exit::Done { style::good("it works") } else { style::error("smoke failed") };
    say(&format!("\n{word}: {} of {} in {}", render::smoke::counts(&findings), session.stack.prefix(), session.place()));
    Ok(exit)
}

/// What was found at the end of a run; nothing when nobody asked.
#[derive(Default)]
pub(super) struct AfterSmoke {
    findings: Option<Vec<Finding>>,
    interrupted: bool,
}

/// Asks at the end of a run that went well.
pub(super) async fn after(session: &Session, common: &Common, state: &State, interrupts: &Interrupts) -> AfterSmoke {
    let asked = async {
        if !session.aws.runs_applications() {
            say(&format!(
                "{}: smoke is left out: the endpoint is neither AWS nor a sandbox of landing, so nothing runs there; `landing smoke` asks all the same",
                style::change("note")
            ));
            return None;
        }
        Some(ask(session, common, state, AFTER_A_RUN).await)
    };
    let findings = tokio::select! {
        findings = asked => findings,
        () = interrupts.first() => return AfterSmoke { findings: None, interrupted: true },
    };
    let smoke = AfterSmoke { findings, interrupted: false };
    let findings = smoke.findings.as_deref().unwrap_or_default();
    if common.json && smoke.findings.is_some() {
        print_json(&record(findings, exit_of(findings)));
    }
    // What is well needs one line; `landing smoke` has all of them.
    if !common.json {
        let telling = findings.iter().filter(|finding| finding.status != Status::Ok);
        render::smoke::lines(telling).iter().for_each(|text| say(text));
        if !findings.is_empty() {
            say(&format!("{}: {}", style::dim("smoke"), render::smoke::counts(findings)));
        }
    }
    smoke
}

impl AfterSmoke {
    /// Of a run in which everything went well so far.
    pub(super) fn exit(&self) -> Exit {
        match &self.findings {
            _ if self.interrupted => Exit::Interrupted,
            Some(findings) => exit_of(findings),
            None => Exit::Done,
        }
    }

    /// For the summary of the run.
    pub(super) fn counts(&self) -> Option<Value> {
        let findings = self.findings.as_ref()?;
        let of = |status: Status| findings.iter().filter(|finding| finding.status == status).count();
        Some(json!({ "ok": of(Status::Ok), "failed": of(Status::Failed), "skipped": of(Status::Skipped) }))
    }

    /// What does not work, one line each.
    pub(super) fn failed(&self) -> Vec<String> {
        render::smoke::lines(self.findings.iter().flatten().filter(|finding| finding.status == Status::Failed))
    }

    pub(super) fn sum_up(&self, done: &str, place: &str, cost: &str) {
        if self.interrupted {
            let word = style::error("interrupted");
            return say(&format!("{word}: {done} in {place}; whether it works was not asked to the end ({cost})"));
        }
        say(&format!("{}: {done} in {place}, and it does not work ({cost})", style::error("smoke failed")));
        say(&format!(" {}: when that is put right, `landing smoke` asks again", style::good("help")));
    }
}

async fn ask(session: &Session, common: &Common, state: &State, within: Duration) -> Vec<Finding> {
    let said = RefCell::new(String::new());
    let waiting = |open: &[&Finding]| {
        let text = render::smoke::pending(open);
        // Only what changed is news.
        if !common.json && *said.borrow() != text {
            say(&format!("{} {text}", style::dim("asking again:")));
            said.replace(text);
        }
    };
    let checks = checks(&session.project, &session.blueprint);
    Smoke { aws: &session.aws, clock: session.clock, within }.run(checks, state, waiting).await
}

fn exit_of(findings: &[Finding]) -> Exit {
    let failed = findings.iter().any(|finding| finding.status == Status::Failed);
    if failed { Exit::SmokeFailed } else { Exit::Done }
}

fn record(findings: &[Finding], exit: Exit) -> Value {
    json!({ "event": "smoke", "checks": findings, "exit": { "code": exit as u8, "name": exit.name() } })
}
