//! A payment as a state machine: every legal step has a name, and every other is refused.
//!
//! ```text
//! RESERVED ─ MAKE_READY → READY ─ START_APPROVAL → APPROVING ─ APPROVE → APPROVED ─ START_REFUND → REFUNDING
//!    │                      │                         │                                 ├ FINISH_REFUND → REFUNDED
//!    ├ APPROVE_FREE → APPROVED                        ├ DECLINE → FAILED                └ FINISH_PARTIAL_REFUND
//!    └──────────┬───────────┘                         └ REVERSE → REFUNDING                     → PARTIALLY_REFUNDED
//!        EXPIRE, CANCEL, FAIL → EXPIRED, CANCELLED, FAILED                                         (START_REFUND again)
//!        EXPIRED ─ START_LATE_APPROVAL → APPROVING
//!        FAILED ─ MONEY_CAME → REFUNDING
//! ```
//!
//! From a state that only a newer program knows no step is legal, so such a payment stays as it is.
//!
//! `APPROVING` and `REFUNDING` are written before KakaoPay is asked, so that a crash leaves a trace; `/order` settles them.

mod amounts;
mod lump;
mod unpaid;

pub use amounts::{Amounts, LEAST_CASH, MOST_CASH, NotPayable, TooManyPoints, amounts};
pub use lump::LumpSum;
pub use unpaid::{Paused, Unpaid};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{Time, millis};

/// Twice as long as KakaoPay keeps an order open that is not paid: what has not taken the money by then never will.
pub const ORDER_CLOSED_AFTER: Duration = Duration::from_mins(30);

choice!(
    /// What is paid for.
    Purpose {
        /// Tickets of an event.
        Tickets = "TICKETS",
        /// An artist is given something, for no ticket.
        Sponsorship = "SPONSORSHIP",
        /// Points are bought.
        Points = "POINTS",
    }
);

choice!(
    /// Where a payment stands.
    State as "PaymentState" {
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
        /// KakaoPay refused. Nothing was taken; should it be all the same, it goes back.
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
        /// The money is taken although KakaoPay had said that it would not be. The stock is free already; the money goes back.
        MoneyCame = "MONEY_CAME",
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
            (Self::Failed, Step::MoneyCame) => Ok(Self::Refunding),
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

    /// Whether no step leads on from here. An expired one may still be approved late, and a failed one charged.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Refunded | Self::Cancelled)
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

/// A line of a payment's history, as items keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// What happened.
    pub step: Step,
    /// When, in milliseconds.
    #[serde(with = "millis")]
    pub at: Time,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// The whole machine once more, as a table.
    const LEGAL: [(State, Step, State); 18] = [
        (State::Reserved, Step::MakeReady, State::Ready),
        (State::Reserved, Step::ApproveFree, State::Approved),
        (State::Reserved, Step::Expire, State::Expired),
        (State::Reserved, Step::Cancel, State::Cancelled),
        (State::Reserved, Step::Fail, State::Failed),
        (State::Ready, Step::StartApproval, State::Approving),
        (State::Ready, Step::Expire, State::Expired),
        (State::Ready, Step::Cancel, State::Cancelled),
        (State::Ready, Step::Fail, State::Failed),
        (State::Approving, Step::Approve, State::Approved),
        (State::Approving, Step::Decline, State::Failed),
        (State::Approving, Step::Reverse, State::Refunding),
        (State::Failed, Step::MoneyCame, State::Refunding),
        (State::Approved, Step::StartRefund, State::Refunding),
        (State::Refunding, Step::FinishRefund, State::Refunded),
        (State::Refunding, Step::FinishPartialRefund, State::PartiallyRefunded),
        (State::PartiallyRefunded, Step::StartRefund, State::Refunding),
        (State::Expired, Step::StartLateApproval, State::Approving),
    ];

    #[test]
    fn every_legal_step_is_named_and_every_other_refused() {
        for &state in State::ALL {
            for &step in Step::ALL {
                let legal = LEGAL.iter().find(|(from, named, _)| (*from, *named) == (state, step));
                let expected = legal.map(|(_, _, to)| *to).ok_or(IllegalStep { state, step });
                assert_eq!(state.after(step), expected, "{state} {step}");
            }
        }
    }

    #[test]
    fn from_a_state_that_is_not_known_no_step_leads_on_and_no_step_that_is_not_known_is_taken() {
        let newer: State = serde_json::from_str("\"DISPUTED\"").unwrap();
        assert_eq!((newer, newer.as_str()), (State::Unknown, "UNKNOWN"));
        assert!(Step::ALL.iter().all(|step| newer.after(*step).is_err()));
        assert!(!newer.can_expire() && !newer.is_in_between() && !newer.holds_stock());
        assert!(!newer.is_final(), "a newer program may lead on");
        assert!(State::ALL.iter().all(|state| state.after(Step::Unknown).is_err()));
    }

    #[test]
    fn a_refused_step_names_both() {
        let refused = State::Approving.after(Step::Expire).unwrap_err();
        assert_eq!(refused.to_string(), "EXPIRE is not possible while the payment is APPROVING");
    }

    #[test]
    fn a_hold_ends_only_while_kakaopay_was_not_told_to_take_money() {
        for &state in State::ALL {
            for step in [Step::Expire, Step::Cancel, Step::Fail] {
                assert_eq!(state.after(step).is_ok(), state.can_expire(), "{state} {step}");
            }
        }
    }

    #[test]
    fn from_a_final_state_nothing_leads_on_and_from_any_other_something_does() {
        for &state in State::ALL {
            let leads_on = Step::ALL.iter().any(|step| state.after(*step).is_ok());
            assert_eq!(leads_on, !state.is_final(), "{state}");
        }
    }

    #[test]
    fn every_state_can_be_reached() {
        let mut reached = vec![State::Reserved];
        let mut next = 0;
        while let Some(&state) = reached.get(next) {
            for after in Step::ALL.iter().filter_map(|step| state.after(*step).ok()) {
                if !reached.contains(&after) {
                    reached.push(after);
                }
            }
            next += 1;
        }
        reached.sort();
        assert_eq!(reached, State::ALL);
    }

    #[test]
    fn a_line_of_history_is_a_step_and_a_moment() {
        let entry = HistoryEntry { step: Step::MakeReady, at: Time::from_millis(5) };
        let json = serde_json::to_string(&entry).unwrap();
        assert_eq!(json, r#"{"step":"MAKE_READY","at":5}"#);
        assert_eq!(serde_json::from_str::<HistoryEntry>(&json).unwrap(), entry);
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        prop::collection::vec(select(Step::ALL), 0..40)
    }

    proptest! {
        /// Walks at random and keeps the books of one ticket and its money beside the machine.
        #[test]
        fn whatever_is_tried_the_books_agree(steps in steps()) {
            let mut state = State::Reserved;
            let (mut held, mut sold, mut taken, mut given_back) = (true, false, false, false);
            for step in steps {
                let Ok(next) = state.after(step) else { continue };
                prop_assert!(!state.is_final(), "{} led on by {}", state, step);
                prop_assert!(next.after(step).is_err(), "{} could be run twice", step);
                match step {
                    Step::Reserve => prop_assert!(false, "reserved twice"),
                    Step::MakeReady | Step::StartApproval => prop_assert!(held),
                    Step::StartLateApproval => { prop_assert!(!held); held = true; }
                    Step::ApproveFree | Step::Approve => {
                        prop_assert!(held && !sold);
                        (held, sold) = (false, true);
                        taken = step == Step::Approve;
                    }
                    Step::Reverse => { prop_assert!(held); (held, taken) = (false, true); }
                    Step::MoneyCame => { prop_assert!(!held && !sold && !taken); taken = true; }
                    Step::Expire | Step::Cancel | Step::Fail | Step::Decline => {
                        prop_assert!(held && !taken, "{} gives back what is not held", step);
                        held = false;
                    }
                    Step::StartRefund => prop_assert!(sold),
                    Step::FinishPartialRefund => sold = true,
                    Step::FinishRefund => (sold, given_back) = (false, true),
                    Step::Unknown => prop_assert!(false, "a step of nobody"),
                }
                state = next;
                prop_assert_eq!(state.holds_stock(), held, "{}", state);
            }
            // Money taken is a ticket, money given back, or a payment that is still being settled.
            prop_assert!(!taken || sold || given_back || state.is_in_between());
        }
    }
}
