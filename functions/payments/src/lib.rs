//! Purchases: from the hold to the ticket, and what becomes of those that stop on the way.

pub mod approve_payment;
pub mod audit_payments;
pub mod call_off_payment;
pub mod cancel_payment;
pub mod close_queue;
pub mod create_payment;
pub mod create_queue_ticket;
pub mod expire_holds;
pub mod fail_payment;
pub mod get_event_refunds;
pub mod get_payment;
pub mod get_queue_ticket;
pub mod get_refund_quote;
pub mod get_waiting_list;
pub mod give_up_payment;
pub mod join_waiting_list;
pub mod leave_waiting_list;
pub mod list_my_payments;
pub mod list_my_sponsorships;
pub mod open_queue;
pub mod reconcile_payments;
pub mod refund_buyers;
pub mod refund_payment;
pub mod relay_sales;
pub mod serve_waiting_lists;
pub mod sweep_payments;

mod message;
mod path;
mod queue_ticket;
mod return_page;
mod view;

pub use path::{EventPath, PaymentPath};
pub use return_page::ReturnPath;

use domain::codes::{
    AFTER_START, AMOUNT_NOT_PAYABLE, EVENT_CANCELLED, EVENT_NOT_FOUND, POINTS_EXCEED_PRICE,
    POINTS_UNDER_REVIEW, REFUND_TERMS_UNKNOWN, SALE_CLOSED, SALE_ENDED, SALE_NOT_STARTED,
    UNPAID_TOO_OFTEN,
};
use gateways::codes::{KAKAOPAY_OUTCOME_UNKNOWN, KAKAOPAY_UNAVAILABLE};
use sales::codes::{
    ALREADY_PAID, COUPON_NOT_USABLE, NO_QUEUE, NOT_AS_OFFERED, NOT_ENOUGH_POINTS, NOT_ENOUGH_SEATS,
    NOT_REFUNDABLE, NOT_WAITING, NOT_YOUR_TURN, OFFER_OPEN, OFFER_OVER, PAYMENT_NOT_FOUND,
    PAYMENT_REFUSED, POINTS_SPENT, QUEUE_NUMBER_NEEDED, QUOTE_CHANGED, REFUND_IN_PROGRESS,
    SEATS_LEFT, SOLD_OUT, SPONSORS_ONESELF, SPONSORSHIP_SETTLED, TERMS_CHANGED, TICKET_LIMIT,
    TICKET_USED, TICKETS_NOT_LEFT,
};
use store::codes::{AGE_NEEDED, ARTIST_NOT_FOUND, EMAIL_NEEDED};

api::routes! {
    create_payment [
        ARTIST_NOT_FOUND, SPONSORS_ONESELF, AGE_NEEDED, EMAIL_NEEDED, EVENT_NOT_FOUND, SALE_NOT_STARTED, SALE_ENDED, SALE_CLOSED, EVENT_CANCELLED, SOLD_OUT, NOT_ENOUGH_SEATS, TICKET_LIMIT, TERMS_CHANGED,
        COUPON_NOT_USABLE, NOT_ENOUGH_POINTS, POINTS_UNDER_REVIEW, POINTS_EXCEED_PRICE, OFFER_OVER, NOT_AS_OFFERED, QUEUE_NUMBER_NEEDED, NOT_YOUR_TURN, PAYMENT_REFUSED, AMOUNT_NOT_PAYABLE, UNPAID_TOO_OFTEN, KAKAOPAY_UNAVAILABLE, KAKAOPAY_OUTCOME_UNKNOWN,
    ],
    approve_payment [PAYMENT_NOT_FOUND, TICKET_LIMIT, KAKAOPAY_UNAVAILABLE, KAKAOPAY_OUTCOME_UNKNOWN],
    cancel_payment [PAYMENT_NOT_FOUND],
    fail_payment [PAYMENT_NOT_FOUND],
    call_off_payment [PAYMENT_NOT_FOUND],
    get_payment [PAYMENT_NOT_FOUND],
    give_up_payment [PAYMENT_NOT_FOUND, ALREADY_PAID],
    list_my_payments,
    list_my_sponsorships,
    get_refund_quote [
        PAYMENT_NOT_FOUND, NOT_REFUNDABLE, REFUND_IN_PROGRESS, AFTER_START, REFUND_TERMS_UNKNOWN,
        POINTS_SPENT, POINTS_UNDER_REVIEW, SPONSORSHIP_SETTLED,
    ],
    refund_payment [
        PAYMENT_NOT_FOUND, NOT_REFUNDABLE, REFUND_IN_PROGRESS, AFTER_START, REFUND_TERMS_UNKNOWN, TICKETS_NOT_LEFT, TICKET_USED, QUOTE_CHANGED,
        POINTS_SPENT, POINTS_UNDER_REVIEW, SPONSORSHIP_SETTLED,
    ],
    get_event_refunds [EVENT_NOT_FOUND],
    join_waiting_list [
        EVENT_NOT_FOUND, AGE_NEEDED, EMAIL_NEEDED, SALE_NOT_STARTED, SALE_ENDED, SALE_CLOSED, EVENT_CANCELLED, SEATS_LEFT, TICKET_LIMIT, OFFER_OPEN, UNPAID_TOO_OFTEN,
    ],
    leave_waiting_list [EVENT_NOT_FOUND, NOT_WAITING],
    get_waiting_list [EVENT_NOT_FOUND, NOT_WAITING],
    open_queue [EVENT_NOT_FOUND, SALE_ENDED, SALE_CLOSED, EVENT_CANCELLED],
    close_queue [EVENT_NOT_FOUND, NO_QUEUE],
    create_queue_ticket [
        EVENT_NOT_FOUND, AGE_NEEDED, EMAIL_NEEDED, SALE_NOT_STARTED, SALE_ENDED, SALE_CLOSED, EVENT_CANCELLED, NO_QUEUE, SOLD_OUT,
    ],
    get_queue_ticket [EVENT_NOT_FOUND],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[
    "relay_sales",
    "expire_holds",
    "serve_waiting_lists",
    "sweep_payments",
    "reconcile_payments",
    "refund_buyers",
    "audit_payments",
];
