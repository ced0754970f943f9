use domain::{id::PaymentId, payment::Step, time::Time};
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

/// The buyer called the payment off on KakaoPay's page. One that is past that point stays as it is.
///
/// # Errors
/// `PAYMENT_NOT_FOUND` (also for a wrong token), or the database's trouble.
pub async fn cancel(
    store: &Store,
    id: PaymentId,
    token: &str,
    now: Time,
) -> Result<Payment, SalesFault> {
    give_back(store, returning(store, id, token).await?, Step::Cancel, now).await
}

/// KakaoPay sent the buyer back as failed. A payment that is past that point stays as it is.
///
/// # Errors
/// `PAYMENT_NOT_FOUND` (also for a wrong token), or the database's trouble.
pub async fn fail(
    store: &Store,
    id: PaymentId,
    token: &str,
    now: Time,
) -> Result<Payment, SalesFault> {
    give_back(store, returning(store, id, token).await?, Step::Fail, now).await
}
