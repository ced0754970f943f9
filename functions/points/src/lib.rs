//! Points: what a member has to spend.

pub mod get_my_points;

api::routes! { get_my_points }

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
