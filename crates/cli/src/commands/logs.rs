//! `landing logs`: what services and jobs write, merged by time; what they write from now on; what the last one wrote before it ended.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use landing_aws::ecs::{Ended, last_ended};
use landing_aws::logs::{Line, Reader, Source};
use landing_blueprint::whereabouts;

use super::say;
use crate::args::{Common, LogsOptions};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::render::lines::Lines;
use crate::render::{self, style};
use crate::session::Enquiry;
use crate::since::Since;

/// What a person looks for was mostly written a moment ago, and all that a group keeps may be gigabytes.
const RECENT: Duration = Duration::from_secs(10 * 60);
/// Between two readings of whoever follows, in AWS's time; and what each service adds, so that half of the account's rate is left to others.
const PAUSE: Duration = Duration::from_secs(2);
const PAUSE_FOR_EACH: Duration = Duration::from_millis(400);

pub(crate) async fn run(common: &Common, options: &LogsOptions, interrupts: &Interrupts) -> Result<Exit, Failure> {
    let enquiry = interrupts.or(Enquiry::open(common)).await?;
    let services = services(&enquiry, &options.services)?;
    let mut printer = Printer {
        lines: Lines::new(services.iter().map(String::as_str), common.json),
        tail: options.tail.map(|most| (most, BTreeMap::new())),
        any: false,
        ended: None,
    };
    let sources = interrupts.or(sources(&enquiry, &services, options.previous)).await?;
    let now = enquiry.now();
    let since = match options.since {
        None if options.previous => Since::At(0),
        None => Since::Ago(RECENT),
        Some(since) => since,
    };
    let mut reader = Reader::new(sources, since.from(now));
    let first = async { Ok(reader.read(&enquiry.aws, now, |line| printer.take(line)).await?) };
    let missing = interrupts.or(first).await?;
    printer.flush();
    if !missing.is_empty() && !options.previous {
        tell_missing(&enquiry, &missing, services.len())?;
    }
    if options.follow {
        let follow = follow(&enquiry, &mut reader, &mut printer, services.len());
        tokio::select! {
            ended = follow => ended?,
            // That is how it ends, and nothing to remark upon.
            () = interrupts.first() => return Ok(Exit::Interrupted),
        }
    }
    if !printer.any && !options.previous {
        let further = "`--since 1h` looks further back, `--previous` at a task that has ended";
        let when = match since {
            Since::Ago(ago) => format!("in the last {}", render::duration(ago)),
            Since::At(_) => "since then".to_owned(),
        };
        say(&format!("{}: nothing was written {when}; {further}", style::change("note")));
    }
    match printer.ended {
        // `| head` has seen enough, which is no failure.
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Exit::Failed, format!("the lines cannot be written: {error}")))
        }
        _ => Ok(Exit::Done),
    }
}

/// Those that are meant, in the order of the compose file.
fn services(enquiry: &Enquiry, named: &[String]) -> Result<Vec<String>, Failure> {
    let project = &enquiry.project;
    if let Some(unknown) = named.iter().find(|name| project.find(name).is_none()) {
        let title = format!("there is no service or job `{unknown}` among those that are deployed");
        return Err(Failure::new(Exit::Configuration, title).help(project.instead_of(unknown)));
    }
    let all = project.services.iter().chain(&project.jobs).map(|service| service.name.clone());
    Ok(all.filter(|name| named.is_empty() || named.contains(name)).collect())
}

/// Where they write; of those whose last task is asked for, where that one wrote.
async fn sources(enquiry: &Enquiry, services: &[String], previous: bool) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for service in services {
        let place = whereabouts(&enquiry.stack, service);
        let source = Source { service: service.clone(), group: place.log_group, task: None };
        if !previous {
            sources.push(source);
            continue;
        }
        match last_ended(&enquiry.aws, &place.cluster, &place.family, &source.group).await? {
            Some(ended) => {
                say(&format!("{}: {service}: {}", style::change("note"), told(&ended)));
                sources.push(Source { task: Some(ended.task), ..source });
            }
            None => say(&format!("{}: {service}: no task of it has ended yet", style::change("note"))),
        }
    }
    Ok(sources)
}

fn told(ended: &Ended) -> String {
    let at = ended.at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let when = at.map(|at| format!(" ended at {}", at.strftime("%Y-%m-%dT%H:%M:%SZ")));
    let code = ended.exit_code.map(|code| format!(", exit code {code}"));
    let reason = ended.reason.as_ref().map(|reason| format!(" ({reason})"));
    format!("task {}{}{}{}", ended.task, when.unwrap_or_default(), code.unwrap_or_default(), reason.unwrap_or_default())
}

fn tell_missing(enquiry: &Enquiry, missing: &[String], all: usize) -> Result<(), Failure> {
    if missing.len() == all {
        let stack = enquiry.stack.prefix();
        return Err(Failure::new(Exit::Failed, format!("nothing of {stack} has a log yet"))
            .because(format!("there is no log group of {}", missing.join(", ")))
            .help("`landing up` makes them; check --env, --region and the AWS account if they should be there"));
    }
    say(&format!("{}: no log group yet: {}", style::change("note"), missing.join(", ")));
    Ok(())
}

/// Until somebody ends it, or AWS refuses.
async fn follow(enquiry: &Enquiry, reader: &mut Reader, printer: &mut Printer, services: usize) -> Result<(), Failure> {
    let pause = PAUSE + PAUSE_FOR_EACH * u32::try_from(services).unwrap_or(u32::MAX);
    let mut silent = false;
    while printer.ended.is_none() {
        enquiry.clock.sleep(pause).await;
        match reader.read(&enquiry.aws, enquiry.now(), |line| printer.take(line)).await {
            Ok(_) => silent = false,
            // What was not read is read the next time.
            Err(error) if error.is_passing() => {
                if !silent {
                    say(&format!("{}: AWS does not answer, trying on ({error})", style::change("note")));
                }
                silent = true;
            }
            Err(error) => return Err(error.into()),
        }
        printer.flush();
    }
    Ok(())
}

struct Printer {
    lines: Lines,
    /// Most lines of a service, and those that are kept until all have been read. `None` when each is written as it comes.
    tail: Option<(usize, BTreeMap<String, VecDeque<Line>>)>,
    any: bool,
    /// Why nothing more can be written.
    ended: Option<io::Error>,
}

impl Printer {
    fn take(&mut self, line: Line) -> ControlFlow<()> {
        self.any = true;
        let Some((most, kept)) = &mut self.tail else { return self.write(&line) };
        let kept = kept.entry(line.service.clone()).or_default();
        kept.push_back(line);
        if kept.len() > *most {
            kept.pop_front();
        }
        ControlFlow::Continue(())
    }

    fn write(&mut self, line: &Line) -> ControlFlow<()> {
        match self.lines.write(line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.ended = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Writes what was kept and lets the reader see it; from now on each line is written as it comes.
    fn flush(&mut self) {
        let kept = self.tail.take().map(|(_, kept)| kept).unwrap_or_default();
        let mut lines: Vec<Line> = kept.into_values().flatten().collect();
        lines.sort_by_key(|line| line.at);
        for line in &lines {
            if self.write(line).is_break() {
                return;
            }
        }
        if let Err(error) = self.lines.flush() {
            self.ended = Some(error);
        }
    }
}
