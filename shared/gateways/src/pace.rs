//! Keeping below what somebody else takes of us in a second.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How many runs of a queue's reader there are at once: `MaximumConcurrency` of every queue's reader (`infra/generate`).
pub const READERS: u32 = 5;

/// A turn after the other, evenly. A clone keeps the same pace.
#[derive(Clone)]
pub struct Pace {
    gap: Duration,
    next: Arc<Mutex<Instant>>,
}

impl Pace {
    /// So many turns in a second.
    pub fn of(rate: f64) -> Self {
        let gap = Duration::from_secs_f64(1.0 / rate.max(0.02));
        Self { gap, next: Arc::new(Mutex::new(Instant::now())) }
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        tokio::time::sleep_until(self.book(Instant::now()).into()).await;
    }

    /// When the next may go.
    fn book(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = now.max(*next);
        *next = turn + self.gap;
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_evenly_and_nobody_saves_them_up() {
        let pace = Pace::of(2.0);
        let now = Instant::now() + Duration::from_secs(1);
        let turns: Vec<_> = (0..4).map(|_| pace.book(now) - now).collect();
        assert_eq!(turns, [0, 500, 1_000, 1_500].map(Duration::from_millis));
        let later = now + Duration::from_secs(60);
        assert_eq!(pace.clone().book(later), later);
        assert_eq!(pace.book(later), later + Duration::from_millis(500), "a clone's turn is one");
    }
}
