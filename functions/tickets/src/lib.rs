//! Tickets: one for each seat that is paid.

pub mod list_my_tickets;

api::routes! { list_my_tickets }

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
