//! What may be lost after a day: idempotency of what is not a purchase, rate counters.

pub mod idempotency;
pub mod rate;
