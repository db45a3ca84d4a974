//! `state`: where the state lies.

use super::Cx;
use crate::{problem::Problem, project::StatePlace, settings::StateSetting};

pub(super) fn read(cx: &mut Cx<'_>) -> StatePlace {
    match &cx.settings.state {
        None => StatePlace::Local,
        Some(StateSetting::Word(word)) => match word.as_str() {
            "local" => StatePlace::Local,
            "s3" => StatePlace::S3 { bucket: None, prefix: String::new() },
            other => {
                cx.problems.push(unknown(cx, other));
                StatePlace::Local
            }
        },
        Some(StateSetting::Bucket(table)) => {
            let prefix = table.prefix.as_deref().unwrap_or_default().trim_matches('/');
            if !is_bucket(&table.s3) {
                let place = cx.document.value(&["state", "s3"]);
                cx.problems.push(
                    Problem::at(&place, "bad-name", format!("`{}` is not a name for a bucket", table.s3))
                        .label("3 to 63 lower-case letters, digits and hyphens; a dot would break HTTPS")
                        .help("state = \"s3\" lets landing choose the name and make the bucket"),
                );
            }
            if !is_prefix(prefix) {
                let place = cx.document.value(&["state", "prefix"]);
                cx.problems.push(
                    Problem::at(&place, "bad-value", format!("`{prefix}` cannot be the beginning of names in a bucket"))
                        .label("letters, digits, `-`, `_` and `.` in parts with one `/` between them")
                        .help("for example prefix = \"teams/shop\""),
                );
            }
            let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
            StatePlace::S3 { bucket: Some(table.s3.clone()), prefix }
        }
    }
}

fn unknown(cx: &Cx<'_>, word: &str) -> Problem {
    let place = cx.document.value(&["state"]);
    let problem = Problem::at(&place, "bad-value", format!("a state cannot lie in `{word}`"));
    // An address is what people know from other tools.
    let Some(address) = word.strip_prefix("s3://") else {
        return problem.help("state = \"local\", state = \"s3\", or state = { s3 = \"your-bucket\" }");
    };
    match address.trim_end_matches('/').split_once('/') {
        Some((bucket, prefix)) => problem.help(format!("write it as state = {{ s3 = \"{bucket}\", prefix = \"{prefix}\" }}")),
        None => problem.help(format!("write it as state = {{ s3 = \"{}\" }}", address.trim_end_matches('/'))),
    }
}

/// Source: S3 User Guide, "General purpose bucket naming rules".
fn is_bucket(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (3..=63).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

/// With the names below it, well under the 1,024 bytes that a key may have.
const LONGEST_PREFIX: usize = 512;

fn is_prefix(prefix: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    prefix.is_empty() || (prefix.len() <= LONGEST_PREFIX && prefix.split('/').all(is_part))
}
