//! Time as the engine sees it: tokio's clock, sped up when the sandbox plays minutes in seconds.

use std::time::Duration;

use tokio::time::Instant;

/// All waiting of the engine goes through one of these; in tests tokio's clock is paused and `scale` is 1.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    scale: f64,
}

impl Clock {
    /// `scale` AWS seconds pass in one second on the wall.
    pub fn new(scale: f64) -> Self {
        Self { start: Instant::now(), scale }
    }

    /// AWS time since the clock was made.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed().mul_f64(self.scale)
    }

    pub async fn sleep(&self, aws_time: Duration) {
        tokio::time::sleep(aws_time.div_f64(self.scale)).await;
    }
}
