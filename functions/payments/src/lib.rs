//! Purchases: from the hold to the ticket, and what becomes of those that stop on the way.

pub mod approve_payment;
pub mod cancel_payment;
pub mod create_payment;
pub mod expire_holds;
pub mod fail_payment;
pub mod get_payment;
pub mod list_my_payments;
pub mod reconcile_payments;
pub mod relay_sales;
pub mod sweep_payments;

mod message;
mod return_page;
mod view;

pub use return_page::ReturnPath;

api::routes! {
    create_payment, approve_payment, cancel_payment, fail_payment, get_payment, list_my_payments,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] =
    &["relay_sales", "expire_holds", "sweep_payments", "reconcile_payments"];
