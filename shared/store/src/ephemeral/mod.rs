//! What may be lost after a day: codes that were mailed, idempotency of what is not a purchase, rate counters, from where members come, what is
//! good once, what waits to be linked.

pub mod code;
pub mod export;
pub mod idempotency;
pub mod known;
pub mod link;
pub mod rate;
mod spent;
