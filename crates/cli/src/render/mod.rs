//! How things look: a plan, a running walk, tables.

pub(crate) mod leftovers;
pub(crate) mod lines;
pub(crate) mod live;
pub(crate) mod markdown;
pub(crate) mod plain;
pub(crate) mod plan;
pub(crate) mod smoke;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod value;

use std::time::Duration;

/// `12s`, `3m 20s`: never more than two units.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().round() as u64;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 step`, `2 steps`.
pub(crate) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
