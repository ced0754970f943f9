//! The waiting room of a rush: who wants to buy takes a number, and numbers are let in one after the other, at a pace.
//!
//! A number is a moment: from then on, and for ten minutes, its holder may buy. Each is given the first moment that is free, so many
//! a minute apart, so that nobody is let in before who came earlier, and however many come, no more than the pace are let in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Time;

/// How long who was let in may buy.
const STAYS: Duration = Duration::from_secs(600);

/// How long a queue that opened by itself stays open after the last who came too quickly.
pub const CALMS_DOWN: Duration = Duration::from_secs(600);

number!(
    /// How many are let in a minute: 10 to 6,000.
    Pace(u32), 10..=6_000, example 600
);

impl Pace {
    /// That of a queue that opens by itself: what an event of one shard sells, at DynamoDB's usual pace.
    pub const USUAL: Self = Self(600);

    /// How long after one the next is let in.
    pub fn interval(self) -> Duration {
        Duration::from_secs(60) / self.0
    }
}

/// A number: when its holder is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Number(#[serde(with = "crate::time::millis")] Time);

/// How a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// So many are before it, as far as the pace tells, and so long it takes.
    Waits {
        /// How many.
        ahead: u32,
        /// How long.
        wait: Duration,
    },
    /// Its holder may buy until then.
    Admitted {
        /// Until when.
        until: Time,
    },
    /// Its time is over.
    Over,
}

impl Number {
    /// The one of a moment.
    pub const fn at(time: Time) -> Self {
        Self(time)
    }

    /// When its holder is let in.
    pub const fn admitted_at(self) -> Time {
        self.0
    }

    /// When it is over.
    pub fn ends_at(self) -> Time {
        self.0.plus(STAYS)
    }

    /// How it stands at a time.
    pub fn standing(self, pace: Pace, now: Time) -> Standing {
        let until = self.ends_at();
        if now >= until {
            return Standing::Over;
        }
        let wait = now.until(self.0);
        if wait.is_zero() {
            return Standing::Admitted { until };
        }
        let ahead = wait.as_millis() / pace.interval().as_millis().max(1);
        Standing::Waits { ahead: u32::try_from(ahead).unwrap_or(u32::MAX), wait }
    }

    /// Whether its holder may buy.
    pub fn is_admitted(self, now: Time) -> bool {
        self.0 <= now && now < self.ends_at()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn a_number_waits_for_its_moment_is_good_for_ten_minutes_and_then_over() {
        let pace = Pace::try_from(60).unwrap();
        let number = Number::at(at(10_000));
        let wait = Duration::from_secs(10);
        assert_eq!(number.standing(pace, at(0)), Standing::Waits { ahead: 10, wait });
        assert!(!number.is_admitted(at(9_999)));
        let until = at(610_000);
        assert_eq!(number.standing(pace, at(10_000)), Standing::Admitted { until });
        assert!(number.is_admitted(at(609_999)));
        assert_eq!(number.standing(pace, at(610_000)), Standing::Over);
        assert!(!number.is_admitted(at(610_000)));
    }

    proptest! {
        /// Whoever comes when: no window of a minute has more than the pace, and the order is kept.
        #[test]
        fn no_minute_lets_more_in_than_the_pace(
            pace in 10..=6_000_i64,
            pauses in prop::collection::vec(prop_oneof![9 => 0..20_i64, 1 => 0..90_000_i64], 1..3_000),
        ) {
            let pace = Pace::try_from(pace).unwrap();
            let (mut now, mut next) = (0, i64::MIN);
            let interval = i64::try_from(pace.interval().as_millis()).unwrap();
            let mut admitted = Vec::new();
            for pause in pauses {
                now += pause;
                let number = next.max(now);
                next = number + interval;
                admitted.push(number);
            }
            prop_assert!(admitted.is_sorted());
            for (first, number) in admitted.iter().enumerate() {
                let within = admitted[first..].iter().take_while(|it| **it < number + 60_000).count();
                prop_assert!(within as f64 <= f64::from(pace.get()) * 1.1 + 1.0, "{within} of {pace}");
            }
        }
    }
}
