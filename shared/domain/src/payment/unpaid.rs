use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codes;
use crate::fault::{Code, Fault};
use crate::time::{Time, optional_millis};

/// How long nothing more is held for somebody after their second, third… hold of one event that ended unpaid: whoever takes seats,
/// lets them go and takes them again would keep them from everybody else for nothing. The first costs nothing, for everybody goes
/// back from a payment page some time.
const PAUSES: [Duration; 4] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_mins(60),
];

/// So long after the last pause all of it is forgotten.
const REMEMBERED: Duration = Duration::from_mins(60);

/// What is remembered of one member's holds of one event that ended unpaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unpaid {
    /// How many.
    #[serde(default)]
    pub unpaid: u32,
    /// When the last one ended.
    #[serde(default, with = "optional_millis", skip_serializing_if = "Option::is_none")]
    pub unpaid_at: Option<Time>,
}

impl Unpaid {
    /// Whether seats may be held again.
    ///
    /// # Errors
    /// Not yet, and when.
    pub fn may_hold(&self, now: Time) -> Result<(), Paused> {
        match self.pause_ends_at() {
            // The first costs nothing, whosever clock is ahead.
            Some(end) if self.unpaid > 1 && end > now => Err(Paused { wait: now.until(end) }),
            _ => Ok(()),
        }
    }

    /// Whether it was so long ago that it counts no more.
    pub fn is_forgotten(&self, now: Time) -> bool {
        self.pause_ends_at().is_none_or(|end| end.plus(REMEMBERED) <= now)
    }

    fn pause_ends_at(&self) -> Option<Time> {
        let pause = match self.unpaid {
            0 | 1 => Duration::ZERO,
            more => PAUSES[PAUSES.len().min(more as usize - 1) - 1],
        };
        self.unpaid_at.map(|last| last.plus(pause))
    }
}

/// Somebody let too many holds of an event go unpaid, and waits while others may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many holds went unpaid")]
pub struct Paused {
    /// How long.
    pub wait: Duration,
}

impl Fault for Paused {
    fn code(&self) -> Code {
        codes::UNPAID_TOO_OFTEN
    }

    fn retry_after(&self) -> Option<Duration> {
        Some(self.wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn after(unpaid: u32) -> (Unpaid, Time) {
        let last = Time::from_millis(1_800_000_000_000);
        (Unpaid { unpaid, unpaid_at: Some(last) }, last)
    }

    #[test]
    fn the_pause_grows_with_each_hold_that_goes_unpaid_and_the_first_costs_nothing() {
        for (unpaid, minutes) in [(0, 0), (1, 0), (2, 1), (3, 5), (4, 15), (5, 60), (99, 60)] {
            let (unpaid, last) = after(unpaid);
            let end = last.plus(MINUTE * minutes);
            assert_eq!(unpaid.may_hold(end), Ok(()), "{unpaid:?}");
            let before = end.minus(Duration::from_millis(1));
            let wait = Duration::from_millis(1);
            let refused = if minutes == 0 { Ok(()) } else { Err(Paused { wait }) };
            assert_eq!(unpaid.may_hold(before), refused, "{unpaid:?}");
        }
        assert_eq!(Unpaid::default().may_hold(Time::from_millis(0)), Ok(()));
    }

    #[test]
    fn an_hour_after_the_pause_it_is_forgotten() {
        for (unpaid, minutes) in [(1, 60), (2, 61), (5, 120)] {
            let (unpaid, last) = after(unpaid);
            let end = last.plus(MINUTE * minutes);
            assert!(unpaid.is_forgotten(end), "{unpaid:?}");
            assert!(!unpaid.is_forgotten(end.minus(Duration::from_millis(1))), "{unpaid:?}");
        }
        assert!(Unpaid::default().is_forgotten(Time::from_millis(0)), "there is nothing");
    }

    #[test]
    fn who_waits_is_told_how_long() {
        let (unpaid, last) = after(3);
        let paused = unpaid.may_hold(last.plus(MINUTE)).unwrap_err();
        assert_eq!(
            (paused.code().name, paused.retry_after()),
            ("UNPAID_TOO_OFTEN", Some(MINUTE * 4))
        );
    }
}
