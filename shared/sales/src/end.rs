use domain::{
    id::{MemberId, PaymentId},
    payment::{State, Step},
    time::Time,
};
use gateways::{Kakaopay, kakaopay::Status};
use store::{Store, sales::payment::Payment};

use crate::{SalesFault, find, returning, settle::give_back};

/// Ends a hold whose time is over and gives everything back. Acts on `RESERVED` and `READY` payments only: the stock of one that
/// is `APPROVING` stays until KakaoPay has told how it went. Anything else, and a hold that still lives, stays as it is.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`, or the database's trouble.
pub async fn expire(store: &Store, id: PaymentId, now: Time) -> Result<Payment, SalesFault> {
    let payment = find(store, id).await?;
    if payment.hold_ends_at > now {
        return Ok(payment);
    }
    give_back(store, payment, Step::Expire, now).await
}

/// The payment as its buyer is told of it: a hold that is past is ended first. So nobody is told `EXPIRED` whose seats are not back,
/// and who hears it can buy again at once; the worker, whose message may be late, finds it done.
///
/// # Errors
/// The database's trouble.
pub async fn as_told(store: &Store, payment: Payment, now: Time) -> Result<Payment, SalesFault> {
    if payment.state_at(now) == payment.state {
        return Ok(payment);
    }
    expire(store, payment.id, now).await
}

/// The buyer gives an unpaid hold up. One that is over already stays as it is, so that twice is once.
///
/// # Errors
/// `PAYMENT_NOT_FOUND` (also for another's), `ALREADY_PAID`, or the database's trouble.
pub async fn give_up(
    store: &Store,
    id: PaymentId,
    buyer: MemberId,
    now: Time,
) -> Result<Payment, SalesFault> {
    let payment = find(store, id).await?;
    if payment.member_id != buyer {
        return Err(SalesFault::PaymentNotFound);
    }
    let payment = give_back(store, payment, Step::Cancel, now).await?;
    match payment.state {
        State::Cancelled | State::Expired | State::Failed => Ok(payment),
        _ => Err(SalesFault::AlreadyPaid),
    }
}

/// The same by whoever came back from KakaoPay, on the page that they are shown. A payment that is past that point stays as it is.
///
/// # Errors
/// `PAYMENT_NOT_FOUND` (also for a wrong token), or the database's trouble.
pub async fn call_off(
    store: &Store,
    id: PaymentId,
    token: &str,
    now: Time,
) -> Result<Payment, SalesFault> {
    give_back(store, returning(store, id, token).await?, Step::Cancel, now).await
}

/// Somebody is at one of the addresses to which KakaoPay sends back who did not pay.
///
/// That alone says nothing: a link preview follows addresses too, while the buyer is about to pay. The hold is given back when
/// KakaoPay says of the order that it is over, and whoever came is asked otherwise; so they are when KakaoPay does not answer.
///
/// # Errors
/// `PAYMENT_NOT_FOUND` (also for a wrong token), or the database's trouble.
pub async fn come_back_unpaid(
    store: &Store,
    kakaopay: &Kakaopay,
    id: PaymentId,
    token: &str,
    now: Time,
) -> Result<Payment, SalesFault> {
    let payment = as_told(store, returning(store, id, token).await?, now).await?;
    let Some(order) = payment.order.as_ref().filter(|_| payment.state == State::Ready) else {
        return Ok(payment);
    };
    let Ok(order) = kakaopay.order(&order.tid, id).await else { return Ok(payment) };
    match order.status {
        Status::QuitPayment | Status::CancelPayment => {
            give_back(store, payment, Step::Cancel, now).await
        }
        Status::FailPayment | Status::FailAuthPassword => {
            give_back(store, payment, Step::Fail, now).await
        }
        _ => Ok(payment),
    }
}
