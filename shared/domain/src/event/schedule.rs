use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::time::{Time, millis};

/// When an event takes place and when it is sold. The start is before the end, and the sale ends no later than the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Schedule {
    starts_at: Time,
    ends_at: Time,
    sale: SaleWindow,
}

/// From when until when tickets are sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SaleWindow {
    /// The first moment.
    #[serde(with = "millis")]
    pub sale_starts_at: Time,
    /// The first moment after.
    #[serde(with = "millis")]
    pub sale_ends_at: Time,
}

/// Who is to come earlier than they were told hears of it so many hours before.
const NOTICE_HOURS: u32 = 24;

impl Schedule {
    /// Checks the four moments against each other.
    ///
    /// # Errors
    /// Every rule that is broken, with the field (as in JSON) to be changed.
    pub fn new(
        starts_at: Time,
        ends_at: Time,
        sale_starts_at: Time,
        sale_ends_at: Time,
    ) -> Result<Self, Vec<(&'static str, Invalid)>> {
        let mut broken = Vec::new();
        if ends_at <= starts_at {
            broken.push(("endsAt", Invalid::After { field: "startsAt" }));
        }
        if sale_ends_at <= sale_starts_at {
            broken.push(("saleEndsAt", Invalid::After { field: "saleStartsAt" }));
        }
        if sale_ends_at > ends_at {
            broken.push(("saleEndsAt", Invalid::NotAfter { field: "endsAt" }));
        }
        if !broken.is_empty() {
            return Err(broken);
        }
        let sale = SaleWindow { sale_starts_at, sale_ends_at };
        Ok(Self { starts_at, ends_at, sale })
    }

    /// The same for an event that is still to come, or at least to end: one that is over can't be published.
    ///
    /// # Errors
    /// The end, and the sale's end, which is no later.
    pub fn not_over(self, now: Time) -> Result<Self, Vec<(&'static str, Invalid)>> {
        if self.ends_at <= now {
            return Err(vec![("endsAt", Invalid::Past), ("saleEndsAt", Invalid::Past)]);
        }
        Ok(self)
    }

    /// Whether what takes place then may begin at another moment instead: later, or earlier so that people hear of it; but not once
    /// it has begun.
    ///
    /// # Errors
    /// Why it may not.
    pub fn may_start_at(&self, other: Time, now: Time) -> Result<(), Invalid> {
        if other != self.starts_at && self.starts_at <= now {
            return Err(Invalid::Started);
        }
        let notice = Duration::from_hours(NOTICE_HOURS.into());
        if other < self.starts_at && other < now.plus(notice) {
            return Err(Invalid::Notice { hours: NOTICE_HOURS });
        }
        Ok(())
    }

    /// When it starts.
    pub const fn starts_at(&self) -> Time {
        self.starts_at
    }

    /// When it ends.
    pub const fn ends_at(&self) -> Time {
        self.ends_at
    }

    /// The first moment of the sale.
    pub const fn sale_starts_at(&self) -> Time {
        self.sale.sale_starts_at
    }

    /// The first moment after the sale.
    pub const fn sale_ends_at(&self) -> Time {
        self.sale.sale_ends_at
    }

    /// The time of the sale.
    pub const fn sale_window(&self) -> SaleWindow {
        self.sale
    }
}

/// As it is written in items: four numbers of milliseconds.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(with = "millis")]
    starts_at: Time,
    #[serde(with = "millis")]
    ends_at: Time,
    #[serde(flatten)]
    sale: SaleWindow,
}

impl From<Schedule> for Stored {
    fn from(schedule: Schedule) -> Self {
        let Schedule { starts_at, ends_at, sale } = schedule;
        Self { starts_at, ends_at, sale }
    }
}

impl TryFrom<Stored> for Schedule {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { starts_at, ends_at, sale } = stored;
        Self::new(starts_at, ends_at, sale.sale_starts_at, sale.sale_ends_at)
            .map_err(|_| "the moments of a schedule are out of order")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn schedule(moments: [i64; 4]) -> Result<Schedule, Vec<(&'static str, Invalid)>> {
        let [starts, ends, sale_starts, sale_ends] = moments.map(Time::from_millis);
        Schedule::new(starts, ends, sale_starts, sale_ends)
    }

    #[test]
    fn what_begins_earlier_gives_a_days_notice_and_what_has_begun_stays() {
        let day = 24 * 3_600_000;
        let it = schedule([3 * day, 5 * day, 0, 2 * day]).unwrap();
        let may = |other: i64, now: i64| {
            let (other, now) = (Time::from_millis(other), Time::from_millis(now));
            it.may_start_at(other, now).map_err(|invalid| invalid.code())
        };
        assert_eq!(may(4 * day, day), Ok(()), "later");
        assert_eq!(may(4 * day, 3 * day - 1), Ok(()), "later, at the last moment");
        assert_eq!(may(2 * day, day), Ok(()), "earlier, in a day");
        assert_eq!(may(2 * day - 1, day), Err("NOTICE"));
        assert_eq!(may(3 * day, 3 * day - 1), Ok(()), "as it was");
        for other in [0, 3 * day + 1, 4 * day] {
            assert_eq!(may(other, 3 * day), Err("STARTED"), "{other}");
        }
        assert_eq!(may(3 * day, 4 * day), Ok(()));
    }

    #[test]
    fn every_broken_rule_is_told_at_once() {
        assert_eq!(
            schedule([5, 5, 9, 9]).unwrap_err(),
            [
                ("endsAt", Invalid::After { field: "startsAt" }),
                ("saleEndsAt", Invalid::After { field: "saleStartsAt" }),
                ("saleEndsAt", Invalid::NotAfter { field: "endsAt" }),
            ]
        );
    }

    #[test]
    fn a_sale_may_last_to_the_very_end() {
        let schedule = schedule([50, 90, 10, 90]).unwrap();
        assert_eq!(schedule.sale_ends_at(), schedule.ends_at());
    }

    #[test]
    fn what_is_over_is_not_to_come() {
        let schedule = schedule([50, 90, 10, 40]).unwrap();
        assert_eq!(schedule.not_over(Time::from_millis(89)), Ok(schedule));
        let over = schedule.not_over(Time::from_millis(90)).unwrap_err();
        assert_eq!(over, [("endsAt", Invalid::Past), ("saleEndsAt", Invalid::Past)]);
    }

    #[test]
    fn items_keep_four_numbers() {
        let schedule = schedule([50, 90, 10, 40]).unwrap();
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(json, r#"{"startsAt":50,"endsAt":90,"saleStartsAt":10,"saleEndsAt":40}"#);
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
        assert!(serde_json::from_str::<Schedule>(&json.replace("90", "30")).is_err());
    }

    proptest! {
        #[test]
        fn a_schedule_is_in_order_or_refused(moments in [0..9_i64, 0..9, 0..9, 0..9]) {
            let [starts, ends, sale_starts, sale_ends] = moments;
            let in_order = starts < ends && sale_starts < sale_ends && sale_ends <= ends;
            prop_assert_eq!(schedule(moments).is_ok(), in_order);
        }
    }
}
