use serde::{Deserialize, Serialize};

use crate::event::{Price, Quantity};
use crate::fault::{Fault, Kind};
use crate::won::Won;

/// What a purchase costs and who pays it: `coupon + points + cash = list_price`, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Amounts {
    /// The list price of all tickets: what the artist is paid.
    pub list_price: Won,
    /// What the coupon pays. What it could pay beyond the list price is lost.
    pub coupon: Won,
    /// What the points pay.
    pub points: Won,
    /// What is left to pay through KakaoPay.
    pub cash: Won,
}

/// Splits the price of a purchase: the coupon first, never below zero, then the points, then cash.
///
/// # Errors
/// When more points are given than remain to be paid.
pub fn amounts(
    price: Price,
    quantity: Quantity,
    coupon: Option<Won>,
    points: Won,
) -> Result<Amounts, TooManyPoints> {
    let list_price = price.of(quantity);
    let coupon = coupon.unwrap_or_default().min(list_price);
    let remaining = Won::new(list_price.get() - coupon.get());
    let cash = remaining.checked_sub(points).ok_or(TooManyPoints { points, remaining })?;
    Ok(Amounts { list_price, coupon, points, cash })
}

/// More points were given than remain to be paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{points} points are more than the {remaining} won that remain to be paid")]
pub struct TooManyPoints {
    /// What was given.
    pub points: Won,
    /// What could be used.
    pub remaining: Won,
}

impl Fault for TooManyPoints {
    fn kind(&self) -> Kind {
        Kind::Refused
    }

    fn code(&self) -> &'static str {
        "POINTS_EXCEED_PRICE"
    }
}
