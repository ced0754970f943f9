//! The whole system, proven from outside. `make test` starts what it needs.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on ends there")]

mod answers;
mod authorization;
mod bad_input;
mod called_off;
mod coupons;
mod deadlines;
mod document;
mod documents;
mod door;
mod exports;
mod faults;
mod followers;
mod helpers;
mod idempotency;
mod journey;
mod killed;
mod kills;
mod leaving;
mod mail;
mod newer;
mod odd_input;
mod parts;
mod policies;
mod races;
mod refunds;
mod refusals;
mod releases;
mod routes;
mod rush;
mod shop;
mod social;
mod storms;
mod streams;
mod workers;
mod world;
