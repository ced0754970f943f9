use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Patience with conflicts and throttling: random waits that grow, inside a time limit and the invocation's own.
pub(crate) struct Retry {
    until: Instant,
    longest: Duration,
}

impl Retry {
    const LIMIT: Duration = Duration::from_secs(8);

    pub(crate) fn start() -> Self {
        Self { until: Instant::now() + Self::LIMIT, longest: Duration::from_millis(20) }
    }

    /// Waits, unless the time is over: then it says `false`.
    pub(crate) async fn again(&mut self) -> bool {
        // Random from the very first: those who met once would meet again.
        let wait = self.longest.mul_f64(fastrand::f64());
        if Instant::now() + wait > self.until || wait > aws::deadline::left() {
            return false;
        }
        self.longest = (self.longest * 2).min(Duration::from_millis(640));
        sleep(wait).await;
        true
    }
}
