//! Stock, payments, tickets, points, coupons. What stands together in one transaction is put together in the crate `sales`.

pub mod buyer;
pub mod by_event;
pub mod claim;
pub mod coupon;
pub mod due;
pub mod event_refunds;
pub mod payment;
pub mod points;
pub mod proof;
pub mod purchase;
pub mod queue;
pub mod sold_out;
pub mod sponsorship;
pub mod stock;
pub mod ticket;
pub mod waiting;
