//! Small pieces that many answers share: pages and times.

use crate::clock::Millis;

/// One page of `items`: at most `limit` of them after `token`, and the token of the next page.
/// `None` when the token is not one of ours (AWS's code for that differs by service).
pub(crate) fn page<T>(mut items: Vec<T>, limit: usize, token: Option<&str>) -> Option<(Vec<T>, Option<String>)> {
    let start: usize = match token {
        // A prefix keeps clients from taking the token for a number that they may compute.
        Some(token) => token.strip_prefix("page-")?.parse().ok()?,
        None => 0,
    };
    if start > items.len() {
        return None;
    }
    let mut rest = items.split_off(start);
    let more = rest.len() > limit;
    rest.truncate(limit);
    Some((rest, more.then(|| format!("page-{}", start + limit))))
}

/// ISO 8601, as the XML services write times.
pub(crate) fn iso(at: Millis) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|at| jiff::Timestamp::from_millisecond(at).ok())
        .map(|at| at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
        .unwrap_or_default()
}

/// Seconds since 1970 with a fraction, as the JSON services write times.
pub(crate) fn epoch(at: Millis) -> f64 {
    at as f64 / 1000.0
}
