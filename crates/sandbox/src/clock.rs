//! The world's time: milliseconds since 1970, driven by tokio's clock (paused in tests, sped up for people).

use tokio::time::{Duration, Instant};

/// Milliseconds since 1970 in the world's time.
pub type Millis = u64;

#[derive(Debug)]
pub(crate) struct WorldClock {
    base: Millis,
    start: Instant,
    scale: f64,
}

impl WorldClock {
    pub(crate) fn new(base: Millis, scale: f64) -> Self {
        Self { base, start: Instant::now(), scale }
    }

    pub(crate) fn now(&self) -> Millis {
        self.base + (self.start.elapsed().as_secs_f64() * self.scale * 1000.0) as Millis
    }

    pub(crate) async fn sleep(&self, world_time: Millis) {
        tokio::time::sleep(Duration::from_millis(world_time).div_f64(self.scale)).await;
    }
}

/// ISO 8601, as the XML services write times.
pub(crate) fn iso(at: Millis) -> String {
    i64::try_from(at)
        .ok()
        .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map(|time| time.to_string())
        .unwrap_or_default()
}

/// Seconds since 1970, as the JSON services write times.
pub(crate) fn epoch(at: Millis) -> serde_json::Value {
    serde_json::Value::from(at as f64 / 1000.0)
}

/// As HTTP writes times, cut to whole seconds.
pub(crate) fn http_date(at: Millis) -> String {
    let time = i64::try_from(at).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
