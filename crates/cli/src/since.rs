//! A moment in the past, as people write it.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::args::duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(Duration),
    /// Milliseconds since 1970.
    At(i64),
}

impl Since {
    /// `15m`, `2026-11-27T12:00:00Z`, with another offset in place of `Z`, or without one: then it is a time, or a day, of this machine's time zone.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mistake =
            || format!("`{text}` is neither a duration (90s, 15m, 1h30m, 2d) nor a time (2026-11-27T12:00:00Z, 2026-11-27)");
        if let Ok(ago) = duration(text) {
            return Ok(Self::Ago(ago));
        }
        let here = |at: DateTime| at.to_zoned_datetime(TimeZone::system()).ok().map(|at| at.timestamp());
        let day = || text.parse::<Date>().ok().and_then(|day| here(day.at(0, 0, 0, 0)));
        let local = || text.parse::<DateTime>().ok().and_then(here);
        let at = text.parse::<Timestamp>().ok().or_else(day).or_else(local);
        at.map(|at| Self::At(at.as_millisecond())).ok_or_else(mistake)
    }

    /// In milliseconds since 1970, when it is `now`.
    pub(crate) fn from(self, now: i64) -> i64 {
        match self {
            Self::Ago(ago) => now.saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)).max(0),
            Self::At(at) => at.max(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_as_people_write_them() {
        let parsed = |text: &str| Since::parse(text).ok();
        assert_eq!(parsed("1h30m"), Some(Since::Ago(Duration::from_secs(5400))));
        assert_eq!(parsed("2026-01-01T00:00:01Z"), Some(Since::At(1_767_225_601_000)));
        assert_eq!(parsed("2026-01-01T02:00:00+02:00"), Some(Since::At(1_767_225_600_000)));
        assert!(matches!(parsed("2026-01-01"), Some(Since::At(_))) && matches!(parsed("2026-01-01T12:00"), Some(Since::At(_))));
        for wrong in ["", "yesterday", "2026-13-01", "5x", "-1h"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
        assert_eq!(Since::Ago(Duration::from_secs(2)).from(5000), 3000);
        assert_eq!(Since::Ago(Duration::MAX).from(5000), 0);
    }
}
