//! What a buyer gets back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codes;
use crate::event::{Quantity, RefundPolicy, Schedule};
use crate::fault::{Code, Fault};
use crate::time::Time;
use crate::won::{Percent, Won};

choice!(
    /// Why money goes back.
    Cause {
        /// The buyer asks.
        BuyerAsked = "BUYER_ASKED",
        /// The artist or an admin called the event off.
        EventCancelled = "EVENT_CANCELLED",
        /// The artist changed its time or place.
        EventChanged = "EVENT_CHANGED",
        /// The payment can't be kept: a wrong amount was taken.
        CannotBeKept = "CANNOT_BE_KEPT",
    }
);

/// How long after buying one may think again, if the event is far enough away.
const SECOND_THOUGHTS: Duration = Duration::from_hours(24);
const SECOND_THOUGHTS_DAYS: i64 = 3;

/// The part that goes back, by whole Korean days before the start.
///
/// From the performance section of Korea's consumer dispute standard (소비자분쟁해결기준, 공연업).
///
/// # Errors
/// [`Refused::AfterStart`] when the buyer asks too late; [`Refused::TermsUnknown`] when less than was promised could go back.
pub fn percent(
    policy: RefundPolicy,
    schedule: &Schedule,
    bought_at: Time,
    now: Time,
    cause: Cause,
) -> Result<Percent, Refused> {
    match (cause, policy) {
        (Cause::BuyerAsked, RefundPolicy::Standard) => {}
        (Cause::BuyerAsked, RefundPolicy::FullUntilSaleEnds) => {
            if now < schedule.sale_ends_at() {
                return Ok(Percent::ALL);
            }
        }
        (Cause::BuyerAsked, RefundPolicy::Unknown) | (Cause::Unknown, _) => {
            return Err(Refused::TermsUnknown);
        }
        (Cause::EventCancelled | Cause::EventChanged | Cause::CannotBeKept, _) => {
            return Ok(Percent::ALL);
        }
    }
    if now >= schedule.starts_at() {
        return Err(Refused::AfterStart);
    }
    let days = now.korean_day().days_until(schedule.starts_at().korean_day());
    if days >= SECOND_THOUGHTS_DAYS && now <= bought_at.plus(SECOND_THOUGHTS) {
        return Ok(Percent::ALL);
    }
    Ok(match days {
        10.. => Percent::ALL,
        7..=9 => NINETY,
        3..=6 => EIGHTY,
        1..=2 => SEVENTY,
        _ => TEN,
    })
}

const NINETY: Percent = Percent::of(90);
const EIGHTY: Percent = Percent::of(80);
const SEVENTY: Percent = Percent::of(70);
const TEN: Percent = Percent::of(10);

/// What was paid for a purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// For how many tickets.
    pub quantity: Quantity,
    /// In points.
    pub points: Won,
    /// Through KakaoPay.
    pub cash: Won,
}

/// What went back of a purchase so far. The default is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refunded {
    /// How many tickets were given back.
    pub tickets: u32,
    /// Points that went back.
    pub points: Won,
    /// Cash that went back.
    pub cash: Won,
    /// Whether all of it went back at 100 %.
    pub in_full: bool,
}

impl Default for Refunded {
    fn default() -> Self {
        Self { tickets: 0, points: Won::ZERO, cash: Won::ZERO, in_full: true }
    }
}

/// What goes back now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// To the balance.
    pub points: Won,
    /// Through KakaoPay.
    pub cash: Won,
    /// Whether the coupon goes back: with the last ticket, if all went back at 100 %.
    pub coupon: bool,
    /// What will have gone back then, to be kept for the next time.
    pub total: Refunded,
}

/// What goes back for some of the tickets: their share of what was paid, and of that the percent, rounded down to the won.
///
/// The share of the n-th ticket is what n tickets cost, rounded down, less what n − 1 do: the shares of all tickets are the
/// whole, to the won, in whatever parts they go back, and never more than was paid.
///
/// # Errors
/// [`Refused::TooManyTickets`] when there are not so many left, or none is asked for.
pub fn amounts(
    paid: &Paid,
    before: &Refunded,
    tickets: u32,
    percent: Percent,
) -> Result<Refund, Refused> {
    let quantity = paid.quantity.get();
    let left = quantity.saturating_sub(before.tickets);
    if tickets == 0 || tickets > left {
        return Err(Refused::TooManyTickets { left });
    }
    let first = before.tickets;
    let last = first + tickets;
    let part = |whole: Won| {
        let share = portion(whole, last, quantity) - portion(whole, first, quantity);
        Won::new(share).percent(percent)
    };
    let (points, cash) = (part(paid.points), part(paid.cash));
    let total = Refunded {
        tickets: last,
        points: sum(before.points, points),
        cash: sum(before.cash, cash),
        in_full: before.in_full && percent == Percent::ALL,
    };
    Ok(Refund { points, cash, coupon: total.in_full && last == quantity, total })
}

/// What so many of all tickets cost, rounded down.
fn portion(whole: Won, tickets: u32, quantity: u32) -> u64 {
    let (tickets, quantity) = (u64::from(tickets), u64::from(quantity));
    whole.get() / quantity * tickets + whole.get() % quantity * tickets / quantity
}

/// Both are parts of one amount, so their sum can always be written down.
fn sum(before: Won, now: Won) -> Won {
    Won::new(before.get().saturating_add(now.get()))
}

/// Why nothing goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The event has started.
    #[error("the event has started")]
    AfterStart,
    /// Only a newer program knows what was promised.
    #[error("the terms of the refund are not known here")]
    TermsUnknown,
    /// Not so many tickets can be given back.
    #[error("between 1 and {left} tickets can be given back")]
    TooManyTickets {
        /// How many are left.
        left: u32,
    },
}

impl Fault for Refused {
    fn code(&self) -> Code {
        match self {
            Self::AfterStart => codes::AFTER_START,
            Self::TermsUnknown => codes::REFUND_TERMS_UNKNOWN,
            Self::TooManyTickets { .. } => codes::TICKETS_NOT_LEFT,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fault::Kind;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn christmas_eve() -> Schedule {
        let [starts, ends] = ["2026-12-24T19:30:00+09:00", "2026-12-24T21:00:00+09:00"].map(at);
        let [sale_starts, sale_ends] =
            ["2026-11-01T00:00:00+09:00", "2026-12-20T00:00:00+09:00"].map(at);
        Schedule::new(starts, ends, sale_starts, sale_ends).unwrap()
    }

    fn asked(policy: RefundPolicy, bought_at: &str, now: &str) -> Result<u8, Refused> {
        percent(policy, &christmas_eve(), at(bought_at), at(now), Cause::BuyerAsked)
            .map(Percent::get)
    }

    #[test]
    fn the_standard_goes_by_whole_korean_days_before_the_start() {
        for (now, back) in [
            ("2026-11-10T00:00:00+09:00", 100),
            ("2026-12-14T23:59:59+09:00", 100),
            ("2026-12-15T00:00:00+09:00", 90),
            ("2026-12-17T23:59:59+09:00", 90),
            ("2026-12-18T00:00:00+09:00", 80),
            ("2026-12-21T23:59:59+09:00", 80),
            ("2026-12-22T00:00:00+09:00", 70),
            ("2026-12-23T23:59:59+09:00", 70),
            ("2026-12-23T14:59:59Z", 70),
            ("2026-12-23T15:00:00Z", 10),
            ("2026-12-24T19:29:59.999+09:00", 10),
        ] {
            assert_eq!(
                asked(RefundPolicy::Standard, "2026-11-01T00:00:00+09:00", now),
                Ok(back),
                "{now}"
            );
        }
    }

    #[test]
    fn after_the_start_a_buyer_gets_nothing() {
        let late =
            asked(RefundPolicy::Standard, "2026-11-01T00:00:00+09:00", "2026-12-24T19:30:00+09:00");
        assert_eq!(late, Err(Refused::AfterStart));
        assert_eq!(Refused::AfterStart.code(), codes::AFTER_START);
    }

    #[test]
    fn within_24_hours_of_buying_all_goes_back_if_three_days_are_left() {
        for (bought_at, now, back) in [
            ("2026-12-20T10:00:00+09:00", "2026-12-21T10:00:00+09:00", 100),
            ("2026-12-20T10:00:00+09:00", "2026-12-21T10:00:00.001+09:00", 80),
            ("2026-12-21T22:00:00+09:00", "2026-12-21T23:59:59+09:00", 100),
            ("2026-12-21T22:00:00+09:00", "2026-12-22T00:00:00+09:00", 70),
            ("2026-12-24T19:00:00+09:00", "2026-12-24T19:01:00+09:00", 10),
        ] {
            assert_eq!(
                asked(RefundPolicy::Standard, bought_at, now),
                Ok(back),
                "{bought_at} {now}"
            );
        }
    }

    #[test]
    fn the_generous_policy_gives_all_back_until_the_sale_ends_then_the_standard() {
        let bought_at = "2026-11-01T00:00:00+09:00";
        let policy = RefundPolicy::FullUntilSaleEnds;
        assert_eq!(asked(policy, bought_at, "2026-12-19T23:59:59+09:00"), Ok(100));
        assert_eq!(asked(policy, bought_at, "2026-12-20T00:00:00+09:00"), Ok(80));
    }

    #[test]
    fn whoever_did_not_choose_it_gets_all_back_whenever() {
        for &cause in Cause::ALL.iter().filter(|cause| **cause != Cause::BuyerAsked) {
            let after = at("2027-01-01T00:00:00+09:00");
            let back = percent(RefundPolicy::Standard, &christmas_eve(), after, after, cause);
            assert_eq!(back, Ok(Percent::ALL), "{cause}");
        }
    }

    #[test]
    fn on_terms_that_are_not_known_the_buyer_is_not_given_too_little() {
        let bought_at = "2026-11-01T00:00:00+09:00";
        let back = asked(RefundPolicy::Unknown, bought_at, "2026-12-19T23:59:59+09:00");
        assert_eq!(back, Err(Refused::TermsUnknown));
        let kind = Refused::TermsUnknown.code().kind;
        assert_eq!(kind, Kind::Unavailable, "a newer program may know them");
    }

    fn paid(quantity: i64, points: u64, cash: u64) -> Paid {
        let quantity = Quantity::try_from(quantity).unwrap();
        Paid { quantity, points: Won::new(points), cash: Won::new(cash) }
    }

    #[test]
    fn each_part_is_rounded_down_to_the_won() {
        let back = amounts(&paid(3, 100, 1_000), &Refunded::default(), 1, NINETY).unwrap();
        assert_eq!((back.points.get(), back.cash.get()), (29, 299));
        assert!(!back.coupon);
    }

    #[test]
    fn the_coupon_comes_back_only_with_everything_at_100_percent() {
        let paid = paid(2, 0, 0);
        let half = amounts(&paid, &Refunded::default(), 1, Percent::ALL).unwrap();
        assert!(!half.coupon, "a ticket is left");
        assert!(amounts(&paid, &half.total, 1, Percent::ALL).unwrap().coupon);
        assert!(!amounts(&paid, &half.total, 1, NINETY).unwrap().coupon);
        let cheap = amounts(&paid, &Refunded::default(), 1, NINETY).unwrap();
        assert!(
            !amounts(&paid, &cheap.total, 1, Percent::ALL).unwrap().coupon,
            "the first went at 90 %"
        );
        assert!(amounts(&paid, &Refunded::default(), 2, Percent::ALL).unwrap().coupon);
    }

    #[test]
    fn no_more_tickets_are_given_back_than_are_left() {
        let once = amounts(&paid(3, 0, 900), &Refunded::default(), 2, SEVENTY).unwrap().total;
        for tickets in [0, 2, u32::MAX] {
            let refused = amounts(&paid(3, 0, 900), &once, tickets, SEVENTY).unwrap_err();
            assert_eq!(refused, Refused::TooManyTickets { left: 1 });
            assert_eq!(refused.code(), codes::TICKETS_NOT_LEFT);
        }
    }

    #[test]
    fn what_went_back_is_kept_flat() {
        let json = serde_json::to_string(&Refunded::default()).unwrap();
        assert_eq!(json, r#"{"tickets":0,"points":0,"cash":0,"inFull":true}"#);
        assert_eq!(serde_json::from_str::<Refunded>(&json).unwrap(), Refunded::default());
    }

    fn one_by_one(paid: &Paid, percents: impl IntoIterator<Item = Percent>) -> Refunded {
        let percents = percents.into_iter().take(paid.quantity.get() as usize);
        percents.fold(Refunded::default(), |before, percent| {
            amounts(paid, &before, 1, percent).unwrap().total
        })
    }

    fn any_paid() -> impl Strategy<Value = Paid> {
        (1..=4_i64, 0..=40_000_000_u64, 0..=40_000_000_u64)
            .prop_map(|(quantity, points, cash)| paid(quantity, points, cash))
    }

    proptest! {
        #[test]
        fn one_by_one_at_100_percent_is_the_whole_to_the_won(paid in any_paid()) {
            let back = one_by_one(&paid, [Percent::ALL; 4]);
            prop_assert_eq!((back.points, back.cash), (paid.points, paid.cash));
            prop_assert!(back.in_full);
        }

        #[test]
        fn more_never_goes_back_than_was_paid(paid in any_paid(), percents in [0..=100_u8, 0..=100, 0..=100, 0..=100]) {
            let back = one_by_one(&paid, percents.map(Percent::of));
            prop_assert!(back.points <= paid.points && back.cash <= paid.cash);
            let full = percents.iter().take(paid.quantity.get() as usize).all(|percent| *percent == 100);
            prop_assert_eq!(back.in_full, full);
        }

        #[test]
        fn going_back_in_parts_is_never_better_and_at_most_a_won_a_ticket_worse(paid in any_paid(), percent in 0..=100_u8) {
            let percent = Percent::of(percent);
            let at_once = amounts(&paid, &Refunded::default(), paid.quantity.get(), percent).unwrap();
            let in_parts = one_by_one(&paid, [percent; 4]);
            prop_assert!(in_parts.cash <= at_once.cash);
            prop_assert!(at_once.cash.get() - in_parts.cash.get() < u64::from(paid.quantity.get()));
        }

        #[test]
        fn waiting_never_gives_more_back(earlier in 0..30 * 24 * 60_u64, later in 0..30 * 24 * 60_u64) {
            let minute = Duration::from_secs(60);
            let schedule = christmas_eve();
            let day_one = schedule.starts_at().minus(minute * (30 * 24 * 60));
            let ask = |minutes: u64| {
                let now = day_one.plus(Duration::from_secs(60 * minutes));
                percent(RefundPolicy::Standard, &schedule, day_one, now, Cause::BuyerAsked)
            };
            prop_assert!(ask(earlier.min(later)).unwrap() >= ask(earlier.max(later)).unwrap());
        }
    }
}
