//! What a buyer gets back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::event::{Quantity, RefundPolicy, Schedule};
use crate::fault::{Fault, Kind};
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
/// [`Refused::AfterStart`] when the buyer asks too late.
pub fn percent(
    policy: RefundPolicy,
    schedule: &Schedule,
    bought_at: Time,
    now: Time,
    cause: Cause,
) -> Result<Percent, Refused> {
    if cause != Cause::BuyerAsked {
        return Ok(Percent::ALL);
    }
    if policy == RefundPolicy::FullUntilSaleEnds && now < schedule.sale_ends_at() {
        return Ok(Percent::ALL);
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
/// The share of the n-th ticket is what n tickets cost, rounded down, less what n − 1 do. So giving back one by one comes to
/// the same, to the won, as giving back all at once, and can't exceed what was paid.
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
    /// Not so many tickets can be given back.
    #[error("between 1 and {left} tickets can be given back")]
    TooManyTickets {
        /// How many are left.
        left: u32,
    },
}

impl Fault for Refused {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn code(&self) -> &'static str {
        match self {
            Self::AfterStart => "AFTER_START",
            Self::TooManyTickets { .. } => "TICKETS_NOT_LEFT",
        }
    }
}
