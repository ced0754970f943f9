//! Mail: what is sent, how it looks, and which addresses take none.

mod letter;
mod letters;

pub mod block_addresses;
pub mod send_mail;

/// The part's functions without a route. It has no others.
pub const WORKERS: &[&str] = &["block_addresses", "send_mail"];
