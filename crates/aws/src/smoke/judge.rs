//! What an answer means, and what to do about it. Pure.

use landing_engine::{CallError, Class};

use super::answer::Answer;
use super::check::Expect;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// With what came.
    Good(String),
    Bad {
        came: String,
        help: String,
        /// Asking again is of no use.
        for_good: bool,
    },
    Skipped(String),
}

impl Verdict {
    pub(super) fn bad(came: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Bad { came: came.into(), help: help.into(), for_good: false }
    }

    pub(super) fn for_good(self) -> Self {
        match self {
            Self::Bad { came, help, .. } => Self::Bad { came, help, for_good: true },
            other => other,
        }
    }
}

/// What the application load balancer writes into the answers that are its own.
const BALANCER: &str = "awselb/";

/// The answer to a question for a service.
pub(super) fn answer(expect: &Expect, service: Option<&str>, answer: &Answer) -> Verdict {
    let service = service.unwrap_or_default();
    if let Some(bad) = nobody(service, answer) {
        return bad;
    }
    let Expect::Codes { codes, contains } = expect else { return Verdict::Good(came(answer)) };
    let declare =
        format!("[services.{service}] smoke = {{ path = \"/…\", status = \"…\" }} in landing.toml says what to ask instead");
    if !fits(codes, answer.status) {
        return Verdict::bad(
            came(answer),
            format!("`landing status` shows what runs, and the log of {service} what it did; {declare}"),
        );
    }
    match contains {
        Some(text) if !answer.body.contains(text) => {
            Verdict::bad(format!("{}, without that text", came(answer)), format!("look at what {service} answers; {declare}"))
        }
        _ => Verdict::Good(came(answer)),
    }
}

/// An answer that the service did not give.
fn nobody(service: &str, answer: &Answer) -> Option<Verdict> {
    let own = answer.server.starts_with(BALANCER);
    let help = match answer.status {
        503 if own => {
            format!("no task of {service} is registered with the load balancer: `landing status` says how its roll-out stands")
        }
        502 => format!(
            "{service} ends connections, or nothing listens on its port: it must listen on 0.0.0.0, and on the port of landing.toml"
        ),
        504 => format!("{service} did not answer in time: look at what it waits for, such as its database"),
        503 => format!("{service} says that it cannot answer now: look at its log"),
        404 if own => "no rule of the load balancer takes this path: `landing up` puts the rules back".to_owned(),
        _ if own => {
            "the load balancer answered and not the service: `landing plan` shows what was changed about its rules".to_owned()
        }
        _ => return None,
    };
    let by = if own { ", of the load balancer itself" } else { "" };
    Some(Verdict::bad(format!("{}{by}", came(answer)), help))
}

/// The site, or an address inside it.
pub(super) fn page(answer: &Answer) -> Verdict {
    let is_html = answer.content_type.starts_with("text/html");
    match answer.status {
        200 if is_html => Verdict::Good(format!("200, {}", answer.content_type)),
        200 => {
            let kind = if answer.content_type.is_empty() { "no content type" } else { &answer.content_type };
            Verdict::bad(format!("200, {kind}"), "index.html must be published as text/html: publish the site again")
        }
        403 | 404 => Verdict::bad(
            came(answer),
            "CloudFront does not get index.html from the bucket: is it published? `landing plan` shows whether the bucket's policy was changed",
        ),
        _ => Verdict::bad(came(answer), "`landing plan` shows what was changed about the distribution"),
    }
}

pub(super) fn no_answer(why: &str) -> Verdict {
    Verdict::bad(
        format!("no answer: {why}"),
        "a new address may take minutes until every name server knows it; else look whether something between here and there is in the way",
    )
}

pub(super) fn connection(made: Result<(), String>, service: Option<&str>, must: bool) -> Verdict {
    let service = service.unwrap_or_default();
    match made {
        Ok(()) => Verdict::Good("connected".into()),
        Err(why) if !must => Verdict::Skipped(format!("{service} need not listen here ({why})")),
        Err(why) => Verdict::bad(
            why,
            format!("nothing of {service} listens there: `landing status` says how its roll-out stands, and its log why"),
        ),
    }
}

/// A reading that AWS did not answer. One that it denies, it will deny again.
pub(super) fn refused(error: &CallError) -> Verdict {
    let help = error.help.clone().unwrap_or_else(|| "run it again".into());
    let bad = Verdict::bad(error.to_string(), help);
    if matches!(error.class, Class::Denied | Class::Credentials) { bad.for_good() } else { bad }
}

fn came(answer: &Answer) -> String {
    match &answer.location {
        Some(to) if (300..400).contains(&answer.status) => format!("{} to {to}", answer.status),
        _ => answer.status.to_string(),
    }
}

/// `200`, `200,302`, `200-399`.
fn fits(codes: &str, status: u16) -> bool {
    codes.split(',').any(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().ok();
        number(from).zip(number(to)).is_some_and(|(from, to)| (from..=to).contains(&status))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, server: &str) -> Answer {
        Answer { status, server: server.into(), content_type: "text/html".into(), ..Answer::default() }
    }

    fn is_good(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Good(_))
    }

    #[test]
    fn codes_are_read_as_a_target_group_writes_them() {
        assert!(fits("200", 200) && fits("200,302", 302) && fits("200-399", 304) && fits("200-299,401", 401));
        assert!(!fits("200", 201) && !fits("200-399", 400) && !fits("", 200));
    }

    #[test]
    fn any_answer_of_the_service_is_one_and_none_of_the_load_balancer_is() {
        let any = |answer_: &Answer| answer(&Expect::Service, Some("web"), answer_);
        for status in [200, 204, 301, 302, 401, 403, 404, 405, 500] {
            assert!(is_good(&any(&of(status, "nginx"))), "{status}");
        }
        for status in [502, 503, 504] {
            assert!(!is_good(&any(&of(status, "nginx"))), "{status} of a service that cannot");
        }
        for status in [200, 301, 404, 503] {
            assert!(!is_good(&any(&of(status, "awselb/2.0"))), "{status} of the load balancer itself");
        }
    }

    #[test]
    fn what_is_declared_is_asked_for_exactly() {
        let expect = Expect::Codes { codes: "200".into(), contains: Some("ok".into()) };
        let with = |status, body: &str| Answer { body: body.into(), ..of(status, "nginx") };
        assert!(is_good(&answer(&expect, Some("web"), &with(200, "it is ok"))));
        assert!(!is_good(&answer(&expect, Some("web"), &with(200, "it is not"))));
        assert!(!is_good(&answer(&expect, Some("web"), &with(302, "it is ok"))));
    }

    #[test]
    fn a_page_is_html() {
        assert!(is_good(&page(&of(200, "AmazonS3"))));
        assert!(!is_good(&page(&Answer { content_type: "binary/octet-stream".into(), ..of(200, "AmazonS3") })));
        assert!(!is_good(&page(&of(403, "AmazonS3"))));
    }

    #[test]
    fn a_port_that_need_not_be_open_is_no_failure() {
        assert!(matches!(connection(Err("refused".into()), None, false), Verdict::Skipped(_)));
        assert!(matches!(connection(Err("refused".into()), None, true), Verdict::Bad { .. }));
    }
}
