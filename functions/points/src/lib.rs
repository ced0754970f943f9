//! Points: what a member has to spend.

pub mod get_my_points;
pub mod list_my_transfers;
pub mod prove_ledger;

api::routes! {
    get_my_points,
    list_my_transfers,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["prove_ledger"];
