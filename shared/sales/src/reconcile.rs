use std::time::Duration;

use domain::{id::PaymentId, payment::State, time::Time};
use gateways::Kakaopay;
use store::{Rejected, Store, sales::payment::Payment};

use crate::{
    SalesFault, call_person, find,
    settle::{self, Outcome},
};

/// The first wait; each is twice the one before.
const FIRST_WAIT: Duration = Duration::from_secs(60);
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// After so many attempts, an hour after the first, a person is called. They go on each hour.
const PERSON_AFTER: u32 = 7;

/// Settles a payment that stays in between, by what KakaoPay says of its order.
///
/// Money taken in the right amount: approved. In another: given back. Not taken and never to be: failed, and everything given
/// back. Not taken yet: the process that was to approve it died before it asked, so it is asked for again with what the buyer
/// brought back; KakaoPay takes the money of an order once. Not taken half an hour after the buyer agreed: it never will be, and the
/// payment has failed. Still unclear: `due_at` says when to look again.
///
/// One that has failed is looked at for the last time: money that KakaoPay took in spite of its refusal is given back. A payment
/// that is not due stays as it is.
///
/// # Errors
/// `PAYMENT_NOT_FOUND`, or the database's trouble. Not KakaoPay's: its trouble is another attempt.
pub async fn reconcile(
    store: &Store,
    kakaopay: &Kakaopay,
    id: PaymentId,
    now: Time,
) -> Result<Payment, SalesFault> {
    let payment = find(store, id).await?;
    let early = payment.due_at.is_some_and(|due| due > now);
    let Some(order) = payment.order.clone().filter(|_| payment.is_unsettled() && !early) else {
        return Ok(payment);
    };
    let Some(payment) = take_in_hand(store, &payment, now).await? else {
        return find(store, id).await;
    };
    if payment.state == State::Refunding {
        return settle::give_money_back(store, kakaopay, payment, &order, now).await;
    }
    let last_look = payment.state == State::Failed;
    match settle::by_order(store, kakaopay, payment, &order, now).await? {
        Outcome::Settled(payment) if last_look && payment.state == State::Failed => {
            settle::close(store, payment, now).await
        }
        Outcome::Settled(payment) | Outcome::Unclear(payment) => Ok(payment),
        Outcome::StillOpen(payment) => match payment.pg_token.clone() {
            Some(token) => {
                settle::take_money(store, kakaopay, payment, &order, &token.0, now).await
            }
            None => Ok(payment),
        },
    }
}

/// Makes the payment due again later before anything is done about it: nobody else works on it meanwhile, and if this process dies
/// somebody does afterwards. At last a person is called. `None` if somebody else was faster.
pub(crate) async fn take_in_hand(
    store: &Store,
    payment: &Payment,
    now: Time,
) -> Result<Option<Payment>, SalesFault> {
    let wait = FIRST_WAIT.saturating_mul(1 << payment.attempts.min(6)).min(LONGEST_WAIT);
    let needs_person = payment.attempts + 1 >= PERSON_AFTER;
    if needs_person {
        call_person(payment.id, "UNSETTLED");
    }
    let next = payment.attempted(wait, needs_person, now);
    match store.write(payment.becomes(&next), ()).await {
        Ok(()) => Ok(Some(next)),
        Err(Rejected::Condition(())) => Ok(None),
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}
