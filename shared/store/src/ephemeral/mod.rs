//! What may be lost after a day: idempotency of what is not a purchase, rate counters, from where members come.

pub mod idempotency;
pub mod known;
pub mod rate;
