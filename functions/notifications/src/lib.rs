//! Notifications: who is told what, and the inbox.

pub mod list_notifications;
pub mod tell_buyers;
pub mod tell_followers;
pub mod tell_sales;

mod failure;
mod fan_out;

pub use failure::Failure;
pub use fan_out::FanOut;

api::routes! {
    list_notifications,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["tell_buyers", "tell_followers", "tell_sales"];
