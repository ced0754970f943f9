//! The business of 소극장 itself: its values, its rules and its arithmetic.
//!
//! Nothing here reads, writes or waits. A value is checked once, where it comes in (`TryFrom`), and is valid from then on.

#[macro_use]
mod schema;
#[macro_use]
mod newtype;
mod parsing;
mod text;

pub mod codes;
pub mod coupon;
pub mod device;
pub mod event;
pub mod fault;
pub mod id;
pub mod invalid;
pub mod language;
pub mod member;
pub mod notification;
pub mod payment;
pub mod points;
pub mod queue;
pub mod refund;
pub mod sponsorship;
pub mod stock;
pub mod ticket;
pub mod time;
pub mod waiting;
pub mod who;
pub mod won;
