//! What a purchase takes of its buyer's besides seats: a claimed coupon and points. They are held in the transaction that takes the
//! seats, spent in the one that makes the tickets, and given back in the one that gives the seats back.

use domain::time::Time;
use store::{
    Transaction,
    sales::{
        payment::Payment,
        points::{self, Balance},
    },
};

use crate::{Lack, SalesFault, Unmet};

/// Holds what the payment says, and sets its points aside from a balance as it was read.
///
/// # Errors
/// When there are not so many, or none of them is to be spent.
pub(crate) fn hold(
    mut payment: Payment,
    balance: Balance,
    now: Time,
) -> Result<(Payment, Transaction<Unmet>), SalesFault> {
    let coupon = payment.claim().map(|claim| claim.hold(payment.id, now));
    let mut whole = coupon
        .into_iter()
        .fold(Transaction::new(), |whole, hold| whole.require(hold, Unmet::Coupon));
    let points = payment.amounts.points;
    if !points.is_zero() {
        balance.may_be_spent()?;
        let set_aside = points::set_aside(payment.member_id, payment.id, points, balance, now);
        let (set_aside, moves) = set_aside.ok_or(SalesFault::Lacks(Lack::Points, None))?;
        payment.set_aside = Some(set_aside);
        whole = moves.into_iter().fold(whole, |whole, it| whole.require(it, Unmet::Points));
    }
    Ok((payment, whole))
}

/// Spends it: the purchase is paid.
pub(crate) fn spend(payment: &Payment) -> Transaction<Unmet> {
    let coupon = payment.claim().map(|claim| claim.spend(payment.id));
    let points = payment.set_aside.map(|set_aside| set_aside.post());
    coupon.into_iter().chain(points).fold(Transaction::new(), Transaction::also)
}

/// Gives it back: the purchase ended unpaid.
pub(crate) fn release(payment: &Payment) -> Transaction<Unmet> {
    let coupon = payment.claim().map(|claim| claim.release(payment.id));
    let points = payment.set_aside.map(|it| it.void(payment.member_id, payment.amounts.points));
    coupon
        .into_iter()
        .chain(points.into_iter().flatten())
        .fold(Transaction::new(), Transaction::also)
}
