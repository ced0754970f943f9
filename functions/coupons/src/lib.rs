//! Coupons: what is offered, and what members have claimed of it.

pub mod claim_coupon;
pub mod claim_coupon_by_code;
pub mod list_coupons;
pub mod list_my_coupons;
pub mod manage_coupons;

mod claiming;
#[cfg(test)]
mod testing;
mod view;

use store::codes::{AGE_NEEDED, COUPON_EXPIRED, COUPON_GONE, COUPON_NOT_FOUND, EMAIL_NEEDED};

api::routes! {
    list_coupons,
    claim_coupon [AGE_NEEDED, COUPON_EXPIRED, COUPON_GONE, COUPON_NOT_FOUND, EMAIL_NEEDED],
    claim_coupon_by_code [AGE_NEEDED, COUPON_EXPIRED, COUPON_GONE, COUPON_NOT_FOUND, EMAIL_NEEDED],
    list_my_coupons,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["manage_coupons"];
