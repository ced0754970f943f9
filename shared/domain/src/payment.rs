//! A payment as a state machine: every legal step has a name, and every other is refused.
//!
//! ```text
//! RESERVED ─ MAKE_READY → READY ─ START_APPROVAL → APPROVING ─ APPROVE → APPROVED ─ START_REFUND → REFUNDING
//!    │                      │                         │                                 ├ FINISH_REFUND → REFUNDED
//!    ├ APPROVE_FREE → APPROVED                        ├ DECLINE → FAILED                └ FINISH_PARTIAL_REFUND
//!    └──────────┬───────────┘                         └ REVERSE → REFUNDING                     → PARTIALLY_REFUNDED
//!        EXPIRE, CANCEL, FAIL → EXPIRED, CANCELLED, FAILED                                         (START_REFUND again)
//!        EXPIRED ─ START_LATE_APPROVAL → APPROVING
//! ```
//!
//! `APPROVING` and `REFUNDING` are written before KakaoPay is asked, so that a crash leaves a trace; `/order` settles them.

mod amounts;

pub use amounts::{Amounts, TooManyPoints, amounts};

use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Kind};
use crate::time::{Time, millis};

choice!(
    /// What is paid for.
    Purpose {
        /// Tickets of an event.
        Tickets = "TICKETS",
    }
);

choice!(
    /// Where a payment stands.
    State {
        /// Stock, coupon and points are held; KakaoPay does not know of it yet.
        Reserved = "RESERVED",
        /// KakaoPay waits for the buyer, and so does the hold.
        Ready = "READY",
        /// KakaoPay was, or is about to be, told to take the money. Only `/order` knows whether it has.
        Approving = "APPROVING",
        /// Paid. There are tickets.
        Approved = "APPROVED",
        /// KakaoPay was, or is about to be, told to give money back.
        Refunding = "REFUNDING",
        /// Some of the tickets were given back.
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        /// All was given back.
        Refunded = "REFUNDED",
        /// KakaoPay refused. Nothing was taken.
        Failed = "FAILED",
        /// The hold ended unpaid. Nothing was taken.
        Expired = "EXPIRED",
        /// The buyer called it off. Nothing was taken.
        Cancelled = "CANCELLED",
    }
);

choice!(
    /// What happens to a payment; its history is made of these.
    Step {
        /// Stock, coupon and points are taken. The first of every history, and legal nowhere else.
        Reserve = "RESERVE",
        /// KakaoPay gave a transaction and the addresses to pay at.
        MakeReady = "MAKE_READY",
        /// There is nothing to pay, so KakaoPay is not asked.
        ApproveFree = "APPROVE_FREE",
        /// The buyer agreed, and the hold still lives.
        StartApproval = "START_APPROVAL",
        /// The buyer agreed after the hold ended, and the stock was taken again in the same transaction.
        StartLateApproval = "START_LATE_APPROVAL",
        /// The money is taken, and it is the right amount: the held stock is sold.
        Approve = "APPROVE",
        /// The money was not taken, and will not be: the held stock is free.
        Decline = "DECLINE",
        /// The money is taken but can't be kept, being the wrong amount: the held stock is free, the money goes back.
        Reverse = "REVERSE",
        /// The hold ended unpaid.
        Expire = "EXPIRE",
        /// The buyer called it off on KakaoPay's page.
        Cancel = "CANCEL",
        /// KakaoPay refused before the buyer agreed.
        Fail = "FAIL",
        /// Some or all tickets are being given back.
        StartRefund = "START_REFUND",
        /// The money is back, and no ticket is left.
        FinishRefund = "FINISH_REFUND",
        /// The money is back, and some tickets are left.
        FinishPartialRefund = "FINISH_PARTIAL_REFUND",
    }
);

impl State {
    /// The state after a step.
    ///
    /// # Errors
    /// When the step is not legal here. Whoever runs a step twice finds it illegal the second time, and changes nothing.
    pub fn after(self, step: Step) -> Result<Self, IllegalStep> {
        match (self, step) {
            (Self::Reserved, Step::MakeReady) => Ok(Self::Ready),
            (Self::Reserved, Step::ApproveFree) => Ok(Self::Approved),
            (Self::Reserved | Self::Ready, Step::Expire) => Ok(Self::Expired),
            (Self::Reserved | Self::Ready, Step::Cancel) => Ok(Self::Cancelled),
            (Self::Reserved | Self::Ready, Step::Fail) => Ok(Self::Failed),
            (Self::Ready, Step::StartApproval) => Ok(Self::Approving),
            (Self::Expired, Step::StartLateApproval) => Ok(Self::Approving),
            (Self::Approving, Step::Approve) => Ok(Self::Approved),
            (Self::Approving, Step::Decline) => Ok(Self::Failed),
            (Self::Approving, Step::Reverse) => Ok(Self::Refunding),
            (Self::Approved | Self::PartiallyRefunded, Step::StartRefund) => Ok(Self::Refunding),
            (Self::Refunding, Step::FinishRefund) => Ok(Self::Refunded),
            (Self::Refunding, Step::FinishPartialRefund) => Ok(Self::PartiallyRefunded),
            (state, step) => Err(IllegalStep { state, step }),
        }
    }

    /// Whether the stock counts its tickets as held: neither free nor sold.
    pub const fn holds_stock(self) -> bool {
        matches!(self, Self::Reserved | Self::Ready | Self::Approving)
    }

    /// Whether the end of its hold ends it. An approval under way keeps its stock until it is settled.
    pub const fn can_expire(self) -> bool {
        matches!(self, Self::Reserved | Self::Ready)
    }

    /// Whether only KakaoPay's `/order` can tell how it went: the reconciler's work.
    pub const fn is_in_between(self) -> bool {
        matches!(self, Self::Approving | Self::Refunding)
    }

    /// Whether no step leads on from here. An expired one may still be approved late.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Refunded | Self::Failed | Self::Cancelled)
    }
}

/// A step that is not legal in the state a payment is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step} is not possible while the payment is {state}")]
pub struct IllegalStep {
    /// Where the payment stands.
    pub state: State,
    /// What was tried.
    pub step: Step,
}

impl Fault for IllegalStep {
    fn kind(&self) -> Kind {
        Kind::Conflict
    }

    fn code(&self) -> &'static str {
        "PAYMENT_STATE"
    }
}

/// A line of a payment's history, as items keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// What happened.
    pub step: Step,
    /// When, in milliseconds.
    #[serde(with = "millis")]
    pub at: Time,
}
