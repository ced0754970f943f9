//! The waiting room of a rush: who wants to buy takes a number, and numbers are let in one after the other, at a pace.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{id::MemberId, time::Time};

/// How long who was let in may buy.
pub const STAYS: Duration = Duration::from_secs(600);

/// How long a queue that opened by itself stays open, and longer while somebody waits.
pub const CALMS_DOWN: Duration = Duration::from_secs(600);

const MINUTE: u64 = 60_000;

number!(
    /// How many are let in a minute: 10 to 6,000.
    Pace(u32), 10..=6_000, example 600
);

impl Pace {
    /// So many, or as many as there can be.
    pub fn at_most(admissions: u32) -> Self {
        Self(admissions.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// How long after the first the next so many are let in.
    fn of(self, numbers: u64) -> Duration {
        Duration::from_millis(numbers * MINUTE / u64::from(self.0))
    }

    /// How many are let in within so long, the last of them at its end or a little after.
    fn within(self, time: Duration) -> u64 {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        millis.saturating_mul(u64::from(self.0)).div_ceil(MINUTE)
    }
}

/// So many changes of the pace are remembered, for those who were let in between them.
const REMEMBERED: usize = 16;

/// A change of the pace, for those who had their numbers before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Paced {
    /// The first number that it found waiting, or would have.
    base: u64,
    /// When that is let in.
    #[serde(with = "crate::time::millis")]
    since: Time,
    /// How many are let in a minute from then on.
    pace: Pace,
}

/// The line of a queue: which numbers were given, and which are let in when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// When it began, which tells it from one that was there before.
    #[serde(with = "crate::time::millis")]
    pub opened_at: Time,
    /// How many are let in a minute.
    pub pace: Pace,
    /// How many numbers were given: 1 is the first.
    pub given: u64,
    /// This number is let in at that moment, and those after it at the pace.
    pub base: u64,
    /// That moment.
    #[serde(with = "crate::time::millis")]
    pub since: Time,
    /// How often the pace was changed.
    pub changes: u32,
    /// The last changes.
    pub paced: Vec<Paced>,
}

impl Line {
    /// One in which nobody is yet. Nobody is let in before that moment.
    pub fn new(pace: Pace, now: Time, from: Time) -> Self {
        let (given, base, changes, paced) = (0, 1, 0, Vec::new());
        Self { opened_at: now, pace, given, base, since: from, changes, paced }
    }

    /// The first number that is let in at a moment or later.
    fn due(&self, now: Time) -> u64 {
        self.base + self.pace.within(self.since.until(now))
    }

    /// Whether the next number is let in at its turn, since others are before it or were just now. Else nobody waits.
    pub fn follows(&self, now: Time) -> bool {
        self.given + 1 >= self.due(now)
    }

    /// The next number follows the others.
    pub fn next(&self) -> Number {
        let nth = self.given + 1;
        let at = self.since.plus(self.pace.of(nth.saturating_sub(self.base)));
        Number { opened_at: self.opened_at, nth, at, changes: self.changes }
    }

    /// The line in which the next number is let in at that moment.
    pub fn anew(self, from: Time) -> Self {
        Self { base: self.given + 1, since: from, ..self }
    }

    /// The line at another pace, also for those who wait.
    pub fn at(self, pace: Pace, now: Time) -> Self {
        let base = self.first_waiting(now);
        let as_it_was = self.since.plus(self.pace.of(base - self.base));
        // Who is next waits no longer than they did, and no longer than the pace says.
        let soon = now.plus(pace.of(1));
        let since = if base > self.base { as_it_was.min(soon) } else { as_it_was };
        let mut paced = self.paced;
        paced.drain(..(paced.len() + 1).saturating_sub(REMEMBERED));
        paced.push(Paced { base, since, pace });
        Self { pace, base, since, changes: self.changes + 1, paced, ..self }
    }

    /// How many wait.
    pub fn waiting(&self, now: Time) -> u64 {
        (self.given + 1).saturating_sub(self.first_waiting(now))
    }

    fn first_waiting(&self, now: Time) -> u64 {
        self.due(now.plus(Duration::from_millis(1)))
    }
}

/// A number of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Number {
    /// Of which line.
    #[serde(with = "crate::time::millis")]
    pub opened_at: Time,
    /// Which: 1 is the first.
    pub nth: u64,
    /// When its holder is let in, by the pace at which it was given.
    #[serde(with = "crate::time::millis")]
    pub at: Time,
    /// How often the pace had been changed before.
    pub changes: u32,
}

/// How a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Others are before it.
    Waits {
        /// How many.
        ahead: u64,
        /// For how long.
        wait: Duration,
    },
    /// Its holder may buy.
    Admitted,
    /// Its time is over, or its line.
    Over,
}

impl Number {
    /// When its holder is let in.
    pub fn admitted_at(&self, line: &Line) -> Time {
        let before = line.changes.saturating_sub(self.changes) as usize;
        // The last change of the pace that found them waiting.
        let mut since = line.paced.iter().rev().take(before);
        match since.find(|change| change.base <= self.nth) {
            Some(Paced { base, since, pace }) if self.opened_at == line.opened_at => {
                since.plus(pace.of(self.nth - base))
            }
            _ => self.at,
        }
    }

    /// How it stands.
    pub fn standing(&self, line: &Line, now: Time) -> Standing {
        let at = self.admitted_at(line);
        let wait = now.until(at);
        if self.opened_at != line.opened_at || now >= at.plus(STAYS) {
            Standing::Over
        } else if wait.is_zero() {
            Standing::Admitted
        } else {
            Standing::Waits { ahead: self.nth.saturating_sub(line.first_waiting(now)), wait }
        }
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Time {
        Time::from_millis(millis)
    }

    fn pace(pace: i64) -> Pace {
        Pace::try_from(pace).unwrap()
    }

    /// What a line answers who comes at that moment.
    fn give(line: &mut Line, now: Time) -> Number {
        if !line.follows(now) {
            *line = line.clone().anew(now);
        }
        let number = line.next();
        line.given += 1;
        number
    }

    #[test]
    fn a_number_waits_for_its_moment_is_good_for_ten_minutes_and_then_over() {
        let mut line = Line::new(pace(60), at(0), at(0));
        for _ in 0..10 {
            give(&mut line, at(0));
        }
        let number = give(&mut line, at(0));
        let waits = |ahead, wait| Standing::Waits { ahead, wait: Duration::from_millis(wait) };
        assert_eq!(number.standing(&line, at(0)), waits(9, 10_000));
        assert_eq!(number.standing(&line, at(9_999)), waits(0, 1));
        for moment in [10_000, 609_999] {
            assert_eq!(number.standing(&line, at(moment)), Standing::Admitted);
        }
        assert_eq!(number.standing(&line, at(610_000)), Standing::Over);
        let other = Line::new(pace(60), at(1), at(1));
        assert_eq!(number.standing(&other, at(10_000)), Standing::Over, "of a line that is gone");
    }

    #[test]
    fn before_the_sale_those_before_one_are_counted_and_not_the_time() {
        let mut line = Line::new(pace(600), at(0), at(86_400_000));
        assert_eq!(give(&mut line, at(0)).at, at(86_400_000));
        let second = give(&mut line, at(5));
        let wait = Duration::from_millis(86_400_100);
        assert_eq!(second.standing(&line, at(0)), Standing::Waits { ahead: 1, wait });
    }

    #[test]
    fn another_pace_is_also_that_of_those_who_wait_and_nobody_who_was_let_in_loses_their_time() {
        let mut line = Line::new(pace(60), at(0), at(0));
        let numbers: Vec<_> = (0..100).map(|_| give(&mut line, at(0))).collect();
        let changed = line.clone().at(pace(600), at(10_500));
        let admitted = |line: &Line, nth: usize| numbers[nth].admitted_at(line);
        assert_eq!(admitted(&changed, 10), at(10_000), "let in before");
        assert_eq!([admitted(&changed, 11), admitted(&changed, 12)], [at(10_600), at(10_700)]);
        assert_eq!(changed.waiting(at(10_500)), 89);
        let slower = changed.at(pace(60), at(10_750));
        let inside = [10, 11, 12].map(|nth| admitted(&slower, nth));
        assert_eq!(inside, [at(10_000), at(10_600), at(10_700)], "where they were let in");
        assert_eq!([admitted(&slower, 13), admitted(&slower, 14)], [at(10_800), at(11_800)]);
        let mut slower = slower;
        assert_eq!(give(&mut slower, at(10_750)).at, at(10_800 + 87_000), "behind all others");
    }

    #[derive(Clone, Copy, Debug)]
    enum Happens {
        Comes,
        Paced(i64),
    }

    fn story() -> impl Strategy<Value = Vec<(i64, Happens)>> {
        let pause = prop_oneof![9 => 0..20_i64, 1 => 0..90_000_i64];
        let happens = prop_oneof![299 => Just(Happens::Comes), 1 => (10..=6_000_i64).prop_map(Happens::Paced)];
        prop::collection::vec((pause, happens), 1..1_500)
    }

    proptest! {
        /// Whoever comes when, at one pace: no minute has more than the pace, and the order is kept.
        #[test]
        fn no_minute_lets_more_in_than_the_pace(admissions in 10..=6_000_i64, story in story()) {
            let (mut now, mut line) = (0, Line::new(pace(admissions), at(0), at(0)));
            let mut admitted = Vec::new();
            for (pause, _) in story {
                now += pause;
                admitted.push(give(&mut line, at(now)).at.millis());
                prop_assert!(admitted[admitted.len() - 1] >= now);
            }
            prop_assert!(admitted.is_sorted());
            for (first, number) in admitted.iter().enumerate() {
                let within = admitted[first..].iter().take_while(|it| **it < number + 60_000).count();
                prop_assert!(within <= admissions as usize, "{within} of {admissions}");
            }
        }

        /// However the pace changes: whoever came first is let in first, and at no moment more than the paces since allow.
        #[test]
        fn however_the_pace_changes_the_order_is_kept_and_no_pace_passed(story in story()) {
            let (mut now, mut line) = (0, Line::new(pace(600), at(0), at(0)));
            let (mut waiting, mut inside) = (Vec::<Number>::new(), Vec::new());
            let mut last = (at(0), false);
            for (pause, happens) in story {
                let before = now;
                now += pause;
                let (in_time, late): (Vec<Number>, Vec<Number>) =
                    waiting.iter().partition(|it| it.admitted_at(&line) <= at(now));
                let moments: Vec<_> = in_time.iter().map(|it| it.admitted_at(&line)).collect();
                prop_assert!(moments.is_sorted());
                prop_assert!(moments.iter().all(|it| *it >= last.0 || !last.1));
                // One more for the moment at which it begins.
                let most = (now - before) as u64 * u64::from(line.pace.get()) / 60_000 + 2;
                let queued = moments.iter().filter(|it| **it > at(before)).count() as u64;
                prop_assert!(queued <= most, "{queued} of {most}");
                inside.extend(in_time.into_iter().zip(moments.iter().copied()));
                inside.retain(|(_, moment)| at(now) < moment.plus(STAYS));
                for (number, moment) in &inside {
                    prop_assert_eq!(number.admitted_at(&line), *moment, "it was let in then");
                }
                if let Some(moment) = moments.last() {
                    last = (*moment, true);
                }
                waiting = late;
                match happens {
                    Happens::Comes => waiting.push(give(&mut line, at(now))),
                    Happens::Paced(other) => line = line.at(pace(other), at(now)),
                }
            }
        }
    }
}
