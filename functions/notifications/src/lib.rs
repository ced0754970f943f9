//! Notifications: who is told what, and the inbox.

pub mod list_notifications;
pub mod tell_followers;
pub mod tell_sales;

mod failure;

pub use failure::Failure;

api::routes! {
    list_notifications,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["tell_followers", "tell_sales"];
