use serde::{Deserialize, Serialize};

use crate::codes;
use crate::event::{Price, Quantity};
use crate::fault::{Code, Fault};
use crate::won::Won;

/// The least that KakaoPay takes in one payment. Its own documents name no limits; those who resell it do: 50 to 2,000,000 won
/// (PPRO's developer hub, read in November 2026; Stripe's says 100 at least). A shop's contract may say otherwise.
pub const LEAST_CASH: Won = Won::new(50);

/// The most that KakaoPay takes in one payment.
pub const MOST_CASH: Won = Won::new(2_000_000);

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

impl Amounts {
    /// What is paid in cash alone.
    pub const fn cash(cash: Won) -> Self {
        Self { list_price: cash, coupon: Won::ZERO, points: Won::ZERO, cash }
    }

    /// Whether KakaoPay takes what is left to pay. For nothing it is not asked.
    ///
    /// # Errors
    /// It is too little, or too much.
    pub fn payable(&self) -> Result<(), NotPayable> {
        if self.cash.is_zero() || (LEAST_CASH..=MOST_CASH).contains(&self.cash) {
            Ok(())
        } else {
            Err(NotPayable(self.cash))
        }
    }
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

/// KakaoPay does not take so little, or so much, in one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} won are no payment that KakaoPay takes")]
pub struct NotPayable(pub Won);

impl Fault for NotPayable {
    fn code(&self) -> Code {
        codes::AMOUNT_NOT_PAYABLE
    }
}

impl Fault for TooManyPoints {
    fn code(&self) -> Code {
        codes::POINTS_EXCEED_PRICE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(
        price: i64,
        quantity: i64,
        coupon: Option<u64>,
        points: u64,
    ) -> Result<[u64; 4], TooManyPoints> {
        let price = Price::try_from(price).unwrap();
        let quantity = Quantity::try_from(quantity).unwrap();
        let split = amounts(price, quantity, coupon.map(Won::new), Won::new(points))?;
        Ok([split.list_price, split.coupon, split.points, split.cash].map(Won::get))
    }

    #[test]
    fn the_coupon_comes_first_then_points_then_cash() {
        assert_eq!(split(10_000, 3, Some(5_000), 1_000), Ok([30_000, 5_000, 1_000, 24_000]));
        assert_eq!(split(10_000, 1, None, 0), Ok([10_000, 0, 0, 10_000]));
    }

    #[test]
    fn a_coupon_pays_no_more_than_the_price_and_its_rest_is_lost() {
        assert_eq!(split(3_000, 1, Some(5_000), 0), Ok([3_000, 3_000, 0, 0]));
        assert_eq!(split(0, 4, Some(5_000), 0), Ok([0, 0, 0, 0]));
    }

    #[test]
    fn more_points_than_remain_to_be_paid_are_refused() {
        let refused = split(10_000, 1, Some(4_000), 6_001).unwrap_err();
        assert_eq!(refused, TooManyPoints { points: Won::new(6_001), remaining: Won::new(6_000) });
        assert_eq!(refused.code(), codes::POINTS_EXCEED_PRICE);
        assert_eq!(split(10_000, 1, Some(4_000), 6_000), Ok([10_000, 4_000, 6_000, 0]));
    }

    #[test]
    fn what_kakaopay_does_not_take_is_not_payable_and_nothing_is_not_asked_for() {
        for (cash, payable) in
            [(0, true), (1, false), (49, false), (50, true), (2_000_000, true), (2_000_001, false)]
        {
            let cash = Won::new(cash);
            let amounts = Amounts::cash(cash);
            assert_eq!(amounts.payable(), if payable { Ok(()) } else { Err(NotPayable(cash)) });
        }
        assert_eq!(NotPayable(Won::new(49)).code(), codes::AMOUNT_NOT_PAYABLE);
    }

    proptest! {
        #[test]
        fn the_parts_are_the_list_price(
            price in 0..=10_000_000_i64,
            quantity in 1..=4_i64,
            coupon in prop::option::of(0..50_000_000_u64),
            points in 0..50_000_000_u64,
        ) {
            let remaining = (price * quantity).unsigned_abs().saturating_sub(coupon.unwrap_or(0));
            match split(price, quantity, coupon, points) {
                Ok([list_price, coupon, used, cash]) => {
                    prop_assert_eq!(list_price, coupon + used + cash);
                    prop_assert_eq!(used, points);
                    prop_assert!(points <= remaining);
                }
                Err(refused) => {
                    prop_assert!(points > remaining);
                    prop_assert_eq!(refused.remaining.get(), remaining);
                }
            }
        }
    }
}
