//! What may be lost after a day: codes that were mailed, idempotency of what is not a purchase, rate counters, from where members come.

pub mod code;
pub mod idempotency;
pub mod known;
pub mod rate;
