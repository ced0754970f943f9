//! Purchases: from the hold to the ticket, and what becomes of those that stop on the way.

pub mod approve_payment;
pub mod call_off_payment;
pub mod cancel_payment;
pub mod create_payment;
pub mod expire_holds;
pub mod fail_payment;
pub mod get_payment;
pub mod give_up_payment;
pub mod list_my_payments;
pub mod reconcile_payments;
pub mod relay_sales;
pub mod sweep_payments;

mod message;
mod path;
mod return_page;
mod view;

pub use return_page::ReturnPath;

use domain::codes::{
    AMOUNT_NOT_PAYABLE, EVENT_CANCELLED, EVENT_NOT_FOUND, SALE_CLOSED, SALE_ENDED,
    SALE_NOT_STARTED, UNPAID_TOO_OFTEN,
};
use gateways::codes::{KAKAOPAY_OUTCOME_UNKNOWN, KAKAOPAY_UNAVAILABLE};
use sales::codes::{
    ALREADY_PAID, PAYMENT_NOT_FOUND, PAYMENT_REFUSED, SOLD_OUT, TERMS_CHANGED, TICKET_LIMIT,
};
use store::codes::{AGE_NEEDED, EMAIL_NEEDED};

api::routes! {
    create_payment [
        AGE_NEEDED, EMAIL_NEEDED, EVENT_NOT_FOUND, SALE_NOT_STARTED, SALE_ENDED, SALE_CLOSED, EVENT_CANCELLED, SOLD_OUT, TICKET_LIMIT, TERMS_CHANGED,
        PAYMENT_REFUSED, AMOUNT_NOT_PAYABLE, UNPAID_TOO_OFTEN, KAKAOPAY_UNAVAILABLE, KAKAOPAY_OUTCOME_UNKNOWN,
    ],
    approve_payment [PAYMENT_NOT_FOUND, TICKET_LIMIT, KAKAOPAY_UNAVAILABLE, KAKAOPAY_OUTCOME_UNKNOWN],
    cancel_payment [PAYMENT_NOT_FOUND],
    fail_payment [PAYMENT_NOT_FOUND],
    call_off_payment [PAYMENT_NOT_FOUND],
    get_payment [PAYMENT_NOT_FOUND],
    give_up_payment [PAYMENT_NOT_FOUND, ALREADY_PAID],
    list_my_payments,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] =
    &["relay_sales", "expire_holds", "sweep_payments", "reconcile_payments"];
