use domain::{id::PaymentId, refund::Cause, time::Time};
use gateways::{Kakaopay, kakaopay::OrderAmounts};
use store::{Rejected, Store, sales::payment::Payment, sales::points::BalanceKey};

use crate::{Asked, SalesFault, call_person, find, refund, settle::become_now};

/// Compares what is paid with KakaoPay's books, when it is due: somebody may have given money back at KakaoPay's own desk.
///
/// If all of it went back there, so do the tickets that are left. Of a part nobody knows which tickets it is for: a person is called,
/// once, until the books are equal again. What KakaoPay does not answer is asked tomorrow.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`, or the database's trouble.
pub async fn look(
    store: &Store,
    kakaopay: &Kakaopay,
    id: PaymentId,
    now: Time,
) -> Result<Payment, SalesFault> {
    let payment = find(store, id).await?;
    let Some(order) = payment.order.as_ref().filter(|_| payment.is_to_look_at(now)) else {
        return Ok(payment);
    };
    let answer = kakaopay.order(&order.tid, id).await.ok().and_then(|answer| answer.amounts);
    let Some(OrderAmounts { returned, left, .. }) = answer else {
        return become_now(store, &payment, payment.not_looked_at(now)).await;
    };
    let is_equal = returned == payment.refunded.cash;
    if !is_equal && left.is_zero() {
        let balance = store.get(&BalanceKey(payment.member_id)).await?.unwrap_or_default();
        let ticket_ids = payment.tickets_left().collect();
        let asked = Asked { ticket_ids, cause: Cause::WentBack, total: None };
        match refund(store, kakaopay, payment.clone(), balance, &asked, None, now).await {
            // It was used, or is not to be touched, and its money is back: what to do about that a person says.
            Err(
                SalesFault::TicketUsed
                | SalesFault::PointsSpent
                | SalesFault::UnderReview(_)
                | SalesFault::Settled,
            ) => {}
            // Somebody else gave it back, and that is what KakaoPay's books show.
            Err(
                SalesFault::RefundInProgress
                | SalesFault::NotRefundable
                | SalesFault::TicketsNotLeft { .. },
            ) => return find(store, id).await,
            done => return done,
        }
    }
    looked_at(store, payment, !is_equal, now).await
}

/// Writes that it was looked at. A person is called when it has come to that, and nobody moved the payment meanwhile: then the
/// books that were compared were not of one moment.
async fn looked_at(
    store: &Store,
    payment: Payment,
    needs_person: bool,
    now: Time,
) -> Result<Payment, SalesFault> {
    let next = payment.looked_at(needs_person, now);
    match store.write(payment.becomes(&next), ()).await {
        Ok(()) => {
            if needs_person && !payment.needs_person {
                call_person(payment.id, "WENT_BACK");
            }
            Ok(next)
        }
        Err(Rejected::Condition(())) => find(store, payment.id).await,
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}
