//! Coupons as callers see them.

use domain::{
    coupon::{ClaimState, Discount},
    id::{ClaimId, CouponId},
    time::{Day, Time},
};
use serde::{Deserialize, Serialize};
use store::sales::{claim::Claim, coupon::Coupon};
use utoipa::ToSchema;

/// A coupon that can be claimed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CouponView {
    /// Its id.
    id: CouponId,
    /// What it takes off a purchase, in won.
    discount: Discount,
    /// The last day on which it is claimed and spent.
    expires_on: Day,
}

impl From<Coupon> for CouponView {
    fn from(Coupon { id, discount, expires_on, .. }: Coupon) -> Self {
        Self { id, discount, expires_on }
    }
}

/// A coupon that a member has claimed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClaimView {
    /// The claim's id: what is spent.
    id: ClaimId,
    /// The coupon's id.
    coupon_id: CouponId,
    /// What it takes off a purchase, in won.
    discount: Discount,
    /// The last day on which it is spent.
    expires_on: Day,
    /// Whether it can be spent.
    status: ClaimState,
}

impl ClaimView {
    pub(crate) fn of(claim: &Claim, now: Time) -> Self {
        Self {
            id: claim.id,
            coupon_id: claim.coupon_id,
            discount: claim.discount,
            expires_on: claim.expires_on,
            status: claim.state_at(now),
        }
    }
}
