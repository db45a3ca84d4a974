//! Whether it works, for people: a line a check, and of what is not well what was expected, what came, and what to do.

use landing_aws::smoke::{Finding, Status};

use super::{count, style};

fn line(finding: &Finding) -> String {
    let Finding { check, url, status, expected, came, help, .. } = finding;
    match status {
        Status::Ok => format!("{}       {check}  {}", style::good("ok"), style::dim(came)),
        Status::Skipped => format!("{}  {check}: {came}", style::change("skipped")),
        Status::Failed => {
            let mut lines = vec![format!("{}   {check}", style::error("failed"))];
            lines.extend(url.as_ref().map(|url| format!("     asked: {url}")));
            lines.push(format!("  expected: {expected}"));
            lines.push(format!("      came: {came}"));
            lines.extend(help.as_ref().map(|help| format!("      {}: {help}", style::good("help"))));
            lines.join("\n")
        }
    }
}

/// A text for each; those that are skipped for one reason have one together, in the place of the first.
pub(crate) fn lines<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Vec<String> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings {
        let alike = |group: &&mut Vec<&Finding>| {
            group[0].status == Status::Skipped && finding.status == Status::Skipped && group[0].came == finding.came
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups.iter().map(|group| together(group)).collect()
}

fn together(group: &[&Finding]) -> String {
    let names: Vec<&str> = group.iter().map(|finding| finding.check.as_str()).collect();
    line(&Finding { check: names.join(", "), ..group[0].clone() })
}

/// `40 checks ok, 2 skipped`.
pub(crate) fn counts(findings: &[Finding]) -> String {
    let of = |status: Status| findings.iter().filter(|finding| finding.status == status).count();
    let mut words = vec![format!("{} ok", count(of(Status::Ok), "check"))];
    for (status, word) in [(Status::Failed, "failed"), (Status::Skipped, "skipped")] {
        words.extend(Some(of(status)).filter(|number| *number > 0).map(|number| format!("{number} {word}")));
    }
    words.join(", ")
}

/// What is waited for, in one line.
pub(crate) fn pending(open: &[&Finding]) -> String {
    const NAMED: usize = 3;
    let names: Vec<String> = open.iter().take(NAMED).map(|finding| format!("{} ({})", finding.check, finding.came)).collect();
    match open.len() {
        all if all <= NAMED => names.join(", "),
        all => format!("{} and {} more", names.join(", "), all - NAMED),
    }
}
