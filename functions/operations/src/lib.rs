//! What operators and callers of the API need besides the business: health, documents, public keys.

pub mod get_docs;
pub mod get_health;
pub mod get_jwks;
pub mod get_openapi;
pub mod get_ticket_keys;

api::routes! { get_docs, get_health, get_jwks, get_openapi, get_ticket_keys }

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
