//! Time as the engine sees it: tokio's clock, sped up when the sandbox plays minutes in seconds.

use std::time::Duration;

use tokio::time::Instant;

/// AWS time in whole seconds since 1970, as the state and the journal write it.
pub type Moment = u64;

/// AWS shows everybody what it made, changed or removed within this many seconds: up to 60, and two for clocks that count whole ones. Source: `aws-behaviours` 1.4,
/// 1.5.
pub const SHOWN_WITHIN: Moment = 62;

/// All waiting of the engine goes through one of these; in tests tokio's clock is paused and `scale` is 1.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    scale: f64,
    base: Moment,
}

impl Clock {
    /// It is `base` now, and `scale` AWS seconds pass in one second on the wall.
    pub fn starting(base: Moment, scale: f64) -> Self {
        Self { start: Instant::now(), scale, base }
    }

    /// AWS seconds in one second on the wall.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// AWS time since the clock was made.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed().mul_f64(self.scale)
    }

    /// What AWS's own clocks show, as far as the clock that it was made from was right.
    pub fn now(&self) -> Moment {
        self.base + self.elapsed().as_secs()
    }

    /// AWS time between two moments of tokio's clock.
    pub fn between(&self, from: Instant, to: Instant) -> Duration {
        to.saturating_duration_since(from).mul_f64(self.scale)
    }

    pub async fn sleep(&self, aws_time: Duration) {
        tokio::time::sleep(aws_time.div_f64(self.scale)).await;
    }
}
