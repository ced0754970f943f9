//! The waiting room of a rush: who wants to buy takes a number, and numbers are let in one after the other, at a pace.
//!
//! A number is a moment: from then on, and for ten minutes, its holder may buy. Each is given the first moment that is free, so many
//! a minute apart, so that nobody is let in before who came earlier, and however many come, no more than the pace are let in.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{id::MemberId, time::Time};

/// How long who was let in may buy.
const STAYS: Duration = Duration::from_secs(600);

/// How long a queue that opened by itself stays open, and longer while somebody waits.
pub const CALMS_DOWN: Duration = Duration::from_secs(600);

/// The highest pace: an interval of 10 ms.
const MOST: u32 = 6_000;

number!(
    /// How many are let in a minute: 10 to 6,000.
    Pace(u32), 10..=6_000, example 600
);

impl Pace {
    /// So many, or as many as there can be.
    pub const fn at_most(admissions: u32) -> Self {
        Self(if admissions < MOST { admissions } else { MOST })
    }

    /// How long after one the next is let in, in whole milliseconds: rounded up, so that no minute has more.
    pub const fn interval(self) -> Duration {
        Duration::from_millis(60_000_u64.div_ceil(self.0 as u64))
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
    /// Its holder may buy.
    Admitted,
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

    /// Whether its time is over.
    pub fn is_over(self, now: Time) -> bool {
        now >= self.ends_at()
    }
}

/// A number, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueTicket {
    /// Whose.
    pub member_id: MemberId,
    /// Which.
    pub number: Number,
    /// The pace at which it was given.
    pub pace: Pace,
}

impl QueueTicket {
    /// How it stands at a time.
    pub fn standing(self, now: Time) -> Standing {
        if self.number.is_over(now) {
            return Standing::Over;
        }
        let wait = now.until(self.number.admitted_at());
        if wait.is_zero() {
            return Standing::Admitted;
        }
        let ahead = wait.as_millis() / self.pace.interval().as_millis().max(1);
        Standing::Waits { ahead: u32::try_from(ahead).unwrap_or(u32::MAX), wait }
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
        let (member_id, pace) = (MemberId::generate(), Pace::try_from(60).unwrap());
        let ticket = QueueTicket { member_id, number: Number::at(at(10_000)), pace };
        let wait = Duration::from_secs(10);
        assert_eq!(ticket.standing(at(0)), Standing::Waits { ahead: 10, wait });
        let wait = Duration::from_millis(1);
        assert_eq!(ticket.standing(at(9_999)), Standing::Waits { ahead: 0, wait });
        for moment in [10_000, 609_999] {
            assert_eq!(ticket.standing(at(moment)), Standing::Admitted);
        }
        assert_eq!(ticket.standing(at(610_000)), Standing::Over);
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
                prop_assert!(within <= pace.get() as usize, "{within} of {pace}");
            }
        }
    }
}
