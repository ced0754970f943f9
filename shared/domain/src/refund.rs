//! What a buyer gets back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::codes;
use crate::event::{Quantity, RefundPolicy, Schedule};
use crate::fault::{Code, Fault};
use crate::payment::Amounts;
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
        /// It went back at KakaoPay's own desk.
        WentBack = "WENT_BACK",
    }
);

/// How long after buying one may think again, if the event is far enough away.
const SECOND_THOUGHTS: Duration = Duration::from_hours(24);
const SECOND_THOUGHTS_DAYS: i64 = 3;

choice!(
    /// The rule that says which part goes back.
    Rule as "RefundRule" {
        /// Whoever did not choose it gets all back.
        NotTheBuyersChoice = "NOT_THE_BUYERS_CHOICE",
        /// The event promises all until its sale ends.
        UntilSaleEnds = "UNTIL_SALE_ENDS",
        /// Bought less than 24 hours ago, and the event is at least 3 days away.
        SecondThoughts = "SECOND_THOUGHTS",
        /// 10 days before the event or earlier.
        TenDays = "TEN_DAYS",
        /// 7 to 9 days before.
        SevenDays = "SEVEN_DAYS",
        /// 3 to 6 days before.
        ThreeDays = "THREE_DAYS",
        /// 1 or 2 days before.
        OneDay = "ONE_DAY",
        /// On the day of the event, before it starts.
        SameDay = "SAME_DAY",
        /// A sponsorship that was not paid out yet.
        NotSettled = "NOT_SETTLED",
        /// Bought points that were not spent.
        Unused = "UNUSED",
    }
);

/// The part that goes back, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Of what was paid for a ticket.
    pub percent: Percent,
    /// Why so much.
    pub rule: Rule,
}

impl Rate {
    /// All of it, since the buyer did not choose it.
    const NOT_CHOSEN: Self = Self { percent: Percent::ALL, rule: Rule::NotTheBuyersChoice };
}

/// The part that goes back, by whole Korean days before the start.
///
/// From the performance section of Korea's consumer dispute standard (소비자분쟁해결기준, 공연업).
///
/// # Errors
/// [`Refused::AfterStart`] when the buyer asks too late; [`Refused::TermsUnknown`] when less than was promised could go back.
pub fn rate(
    policy: RefundPolicy,
    schedule: &Schedule,
    bought_at: Time,
    now: Time,
    cause: Cause,
) -> Result<Rate, Refused> {
    // First of all: a sale may end after the start, and what was seen is not given back.
    if cause == Cause::BuyerAsked && now >= schedule.starts_at() {
        return Err(Refused::AfterStart);
    }
    match (cause, policy) {
        (Cause::BuyerAsked, RefundPolicy::Standard) => {}
        (Cause::BuyerAsked, RefundPolicy::FullUntilSaleEnds) => {
            if now < schedule.sale_ends_at() {
                return Ok(Rate { percent: Percent::ALL, rule: Rule::UntilSaleEnds });
            }
        }
        (Cause::BuyerAsked, RefundPolicy::Unknown) | (Cause::Unknown, _) => {
            return Err(Refused::TermsUnknown);
        }
        (
            Cause::EventCancelled | Cause::EventChanged | Cause::CannotBeKept | Cause::WentBack,
            _,
        ) => return Ok(Rate::NOT_CHOSEN),
    }
    let days = now.korean_day().days_until(schedule.starts_at().korean_day());
    if days >= SECOND_THOUGHTS_DAYS && now <= bought_at.plus(SECOND_THOUGHTS) {
        return Ok(Rate { percent: Percent::ALL, rule: Rule::SecondThoughts });
    }
    let (percent, rule) = match days {
        10.. => (100, Rule::TenDays),
        7..=9 => (90, Rule::SevenDays),
        3..=6 => (80, Rule::ThreeDays),
        1..=2 => (70, Rule::OneDay),
        _ => (10, Rule::SameDay),
    };
    Ok(Rate { percent: Percent::of(percent), rule })
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

impl Refunded {
    /// With so many more tickets.
    pub fn and(self, tickets: u32, share: Share, percent: Percent) -> Self {
        Self {
            tickets: self.tickets.saturating_add(tickets),
            points: sum(self.points, share.points),
            cash: sum(self.cash, share.cash),
            in_full: self.in_full && percent == Percent::ALL,
        }
    }
}

/// What one ticket cost its buyer, or what of that goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// In points.
    pub points: Won,
    /// Through KakaoPay.
    pub cash: Won,
}

/// A ticket's share of what was paid for all of them, the first being 0.
///
/// The share of the n-th is what n tickets cost, rounded down, less what n − 1 do: the shares of all are the whole, to the won.
/// It is made of what never changes after the approval, so it never changes either.
pub fn share(paid: &Amounts, quantity: Quantity, ticket: u32) -> Share {
    let part = |whole: Won| {
        let upto = |tickets: u32| portion(whole, tickets, quantity.get());
        Won::new(upto(ticket + 1) - upto(ticket))
    };
    Share { points: part(paid.points), cash: part(paid.cash) }
}

impl Share {
    /// What of it goes back, each part rounded down to the won: for each ticket by itself, so that going back one by one is the
    /// same as going back together.
    pub fn at(self, percent: Percent) -> Self {
        Self { points: self.points.percent(percent), cash: self.cash.percent(percent) }
    }
}

/// What goes back now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// To the balance, and through KakaoPay.
    pub share: Share,
    /// Whether the coupon goes back: with the last ticket, if all went back at 100 %.
    pub coupon: bool,
    /// What will have gone back then, to be kept for the next time.
    pub total: Refunded,
}

/// What goes back for some of the tickets, named by their places: of each one's share the percent. None of them went back before.
pub fn amounts(
    paid: &Amounts,
    quantity: Quantity,
    before: &Refunded,
    tickets: &[u32],
    percent: Percent,
) -> Refund {
    let shares = tickets.iter().map(|ticket| share(paid, quantity, *ticket).at(percent));
    let share = shares.fold(Share::default(), |all, one| Share {
        points: sum(all.points, one.points),
        cash: sum(all.cash, one.cash),
    });
    let total = before.and(tickets.len() as u32, share, percent);
    Refund { share, coupon: total.in_full && total.tickets == quantity.get(), total }
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
}

impl Fault for Refused {
    fn code(&self) -> Code {
        match self {
            Self::AfterStart => codes::AFTER_START,
            Self::TermsUnknown => codes::REFUND_TERMS_UNKNOWN,
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
        rate(policy, &christmas_eve(), at(bought_at), at(now), Cause::BuyerAsked)
            .map(|rate| rate.percent.get())
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

    /// The days are counted by hours since 1970 in Korea, which knows no summer time: another way than the calendar's.
    #[test]
    fn the_schedule_holds_for_a_start_at_any_hour_of_a_year_to_the_first_and_last_millisecond_of_each_day()
     {
        const HOUR: i64 = 3_600_000;
        let first = at("2027-01-01T00:00:00+09:00").millis();
        for hour in 0..365 * 24 {
            let start = first + hour * HOUR;
            let day = (start + 9 * HOUR).div_euclid(24 * HOUR);
            let schedule = {
                let [starts, ends] = [start, start + HOUR].map(Time::from_millis);
                Schedule::new(starts, ends, Time::from_millis(0), starts).unwrap()
            };
            for (days, back) in [
                (11, 100),
                (10, 100),
                (9, 90),
                (7, 90),
                (6, 80),
                (3, 80),
                (2, 70),
                (1, 70),
                (0, 10),
            ] {
                let begins = (day - days) * 24 * HOUR - 9 * HOUR;
                let ends = (begins + 24 * HOUR).min(start) - 1;
                for now in [begins, ends].into_iter().filter(|now| (begins..start).contains(now)) {
                    let now = Time::from_millis(now);
                    let told = rate(
                        RefundPolicy::Standard,
                        &schedule,
                        Time::from_millis(0),
                        now,
                        Cause::BuyerAsked,
                    );
                    assert_eq!(told.unwrap().percent.get(), back, "{now} of {start}");
                }
            }
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
    fn after_the_start_a_buyer_gets_nothing_though_tickets_are_still_sold() {
        let [starts, ends, sale_starts] =
            ["2026-12-24T19:30:00+09:00", "2026-12-24T21:00:00+09:00", "2026-11-01T00:00:00+09:00"]
                .map(at);
        let schedule = Schedule::new(starts, ends, sale_starts, ends).unwrap();
        let policy = RefundPolicy::FullUntilSaleEnds;
        for (now, back) in [
            ("2026-12-24T19:29:59+09:00", Ok(Rule::UntilSaleEnds)),
            ("2026-12-24T19:30:00+09:00", Err(Refused::AfterStart)),
            ("2026-12-24T20:59:00+09:00", Err(Refused::AfterStart)),
        ] {
            let told = rate(policy, &schedule, sale_starts, at(now), Cause::BuyerAsked);
            assert_eq!(told.map(|rate| rate.rule), back, "{now}");
        }
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
            let back = rate(RefundPolicy::Standard, &christmas_eve(), after, after, cause);
            assert_eq!(back, Ok(Rate::NOT_CHOSEN), "{cause}");
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

    /// What was paid for so many tickets.
    fn paid(quantity: i64, points: u64, cash: u64) -> (Amounts, Quantity) {
        let (points, cash, coupon) = (Won::new(points), Won::new(cash), Won::ZERO);
        let amounts = Amounts { list_price: sum(points, cash), coupon, points, cash };
        (amounts, Quantity::try_from(quantity).unwrap())
    }

    fn back(paid: &(Amounts, Quantity), before: &Refunded, tickets: &[u32], percent: u8) -> Refund {
        amounts(&paid.0, paid.1, before, tickets, Percent::of(percent))
    }

    #[test]
    fn each_rule_is_named_with_the_part_that_it_gives_back() {
        let bought_at = "2026-12-01T00:00:00+09:00";
        for (policy, now, rule) in [
            (RefundPolicy::FullUntilSaleEnds, "2026-12-19T00:00:00+09:00", Rule::UntilSaleEnds),
            (RefundPolicy::Standard, "2026-12-01T12:00:00+09:00", Rule::SecondThoughts),
            (RefundPolicy::Standard, "2026-12-14T00:00:00+09:00", Rule::TenDays),
            (RefundPolicy::Standard, "2026-12-15T00:00:00+09:00", Rule::SevenDays),
            (RefundPolicy::Standard, "2026-12-18T00:00:00+09:00", Rule::ThreeDays),
            (RefundPolicy::Standard, "2026-12-22T00:00:00+09:00", Rule::OneDay),
            (RefundPolicy::Standard, "2026-12-24T00:00:00+09:00", Rule::SameDay),
        ] {
            let told = rate(policy, &christmas_eve(), at(bought_at), at(now), Cause::BuyerAsked);
            assert_eq!(told.unwrap().rule, rule, "{now}");
        }
    }

    #[test]
    fn each_tickets_part_is_rounded_down_to_the_won() {
        let paid = paid(3, 100, 1_000);
        let shares: Vec<_> = (0..3).map(|ticket| share(&paid.0, paid.1, ticket)).collect();
        let shares: Vec<_> = shares.iter().map(|it| (it.points.get(), it.cash.get())).collect();
        assert_eq!(shares, [(33, 333), (33, 333), (34, 334)]);
        let first = back(&paid, &Refunded::default(), &[0], 90);
        assert_eq!((first.share.points.get(), first.share.cash.get()), (29, 299));
        let last = back(&paid, &Refunded::default(), &[2], 90);
        assert_eq!((last.share.points.get(), last.share.cash.get()), (30, 300));
    }

    #[test]
    fn the_coupon_comes_back_only_with_everything_at_100_percent() {
        let paid = paid(2, 0, 0);
        let nothing = Refunded::default();
        let half = back(&paid, &nothing, &[1], 100);
        assert!(!half.coupon, "a ticket is left");
        assert!(back(&paid, &half.total, &[0], 100).coupon);
        assert!(!back(&paid, &half.total, &[0], 90).coupon);
        let cheap = back(&paid, &nothing, &[0], 90);
        assert!(!back(&paid, &cheap.total, &[1], 100).coupon, "the first went at 90 %");
        assert!(back(&paid, &nothing, &[0, 1], 100).coupon);
    }

    #[test]
    fn what_went_back_is_kept_flat() {
        let json = serde_json::to_string(&Refunded::default()).unwrap();
        assert_eq!(json, r#"{"tickets":0,"points":0,"cash":0,"inFull":true}"#);
        assert_eq!(serde_json::from_str::<Refunded>(&json).unwrap(), Refunded::default());
    }

    fn one_by_one(paid: &(Amounts, Quantity), percents: [u8; 4], order: &[u32]) -> Refunded {
        let parts = order.iter().zip(percents);
        parts.fold(Refunded::default(), |before, (ticket, percent)| {
            back(paid, &before, &[*ticket], percent).total
        })
    }

    /// What was paid, and the tickets in an order in which they go back.
    fn any_paid() -> impl Strategy<Value = ((Amounts, Quantity), Vec<u32>)> {
        let paid = (1..=4_i64, 0..=40_000_000_u64, 0..=40_000_000_u64)
            .prop_map(|(quantity, points, cash)| paid(quantity, points, cash));
        paid.prop_flat_map(|paid| {
            let tickets: Vec<_> = (0..paid.1.get()).collect();
            (Just(paid), Just(tickets).prop_shuffle())
        })
    }

    proptest! {
        #[test]
        fn in_whatever_parts_and_order_they_go_back_it_is_the_same_to_the_won((paid, order) in any_paid(), percent in 0..=100_u8) {
            let at_once = back(&paid, &Refunded::default(), &order, percent).total;
            prop_assert_eq!(one_by_one(&paid, [percent; 4], &order), at_once);
            let (one, rest) = order.split_at(1);
            let first = back(&paid, &Refunded::default(), one, percent).total;
            if !rest.is_empty() {
                prop_assert_eq!(back(&paid, &first, rest, percent).total, at_once);
            }
        }

        #[test]
        fn all_at_100_percent_is_the_whole_to_the_won((paid, order) in any_paid()) {
            let all = one_by_one(&paid, [100; 4], &order);
            prop_assert_eq!((all.points, all.cash), (paid.0.points, paid.0.cash));
            prop_assert!(all.in_full);
        }

        #[test]
        fn more_never_goes_back_than_was_paid((paid, order) in any_paid(), percents in [0..=100_u8, 0..=100, 0..=100, 0..=100]) {
            let all = one_by_one(&paid, percents, &order);
            prop_assert!(all.points <= paid.0.points && all.cash <= paid.0.cash);
            let full = percents.iter().take(order.len()).all(|percent| *percent == 100);
            prop_assert_eq!(all.in_full, full);
        }

        #[test]
        fn waiting_never_gives_more_back(earlier in 0..30 * 24 * 60_u64, later in 0..30 * 24 * 60_u64) {
            let minute = Duration::from_secs(60);
            let schedule = christmas_eve();
            let day_one = schedule.starts_at().minus(minute * (30 * 24 * 60));
            let ask = |minutes: u64| {
                let now = day_one.plus(Duration::from_secs(60 * minutes));
                let rate = rate(RefundPolicy::Standard, &schedule, day_one, now, Cause::BuyerAsked);
                rate.unwrap().percent
            };
            prop_assert!(ask(earlier.min(later)) >= ask(earlier.max(later)));
        }
    }
}
