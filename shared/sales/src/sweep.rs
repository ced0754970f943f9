use std::time::Duration;

use domain::{
    fault::{Fault, Kind},
    id::PaymentId,
    payment::State,
    time::Time,
};
use store::{
    Rejected, Store, StoreFault,
    sales::{
        due::Due,
        payment::{Payment, postpone},
    },
};

use crate::{
    SalesFault, call_person, find,
    reconcile::{LONGEST_WAIT, take_in_hand},
};

/// A queue's own message gets so much time before a payment counts as overdue.
const GRACE: Duration = Duration::from_secs(30);

/// The overdue payments of one shard of the index, at most `limit`, the longest waiting first: they are to be sent to their queue.
///
/// A hold is made due again later before it is told, ever later each time, and comes to a person in the end: one that cannot be ended
/// neither fills the queue of dead letters nor stands before the others. What is to be reconciled is made so by [`crate::reconcile`].
///
/// # Errors
/// The database's trouble. What is wrong with one payment alone calls a person, and the others are told.
pub async fn overdue(
    store: &Store,
    due: Due,
    shard: u8,
    limit: u32,
    now: Time,
) -> Result<Vec<PaymentId>, SalesFault> {
    let mut overdue = Vec::new();
    for id in store.due(due, shard, now.minus(GRACE), limit).await? {
        match still_overdue(store, due, id, now).await {
            Ok(payment) => overdue.extend(payment.map(|payment| payment.id)),
            Err(fault) if matches!(fault.code().kind, Kind::Unavailable | Kind::Unknown) => {
                return Err(fault);
            }
            Err(_) => {
                call_person(id, "UNREADABLE");
                let_by(store, id, now).await?;
            }
        }
    }
    Ok(overdue)
}

/// The payment, unless the index is behind, or somebody else took it in hand.
async fn still_overdue(
    store: &Store,
    due: Due,
    id: PaymentId,
    now: Time,
) -> Result<Option<Payment>, SalesFault> {
    let payment = find(store, id).await?;
    if payment.due_at.is_none_or(|due| due > now.minus(GRACE)) {
        return Ok(None);
    }
    match due {
        // What only a newer program knows how to move is its own to sweep.
        _ if payment.state == State::Unknown => {
            let_by(store, id, now).await?;
            Ok(None)
        }
        Due::Hold => take_in_hand(store, &payment, now).await,
        Due::Reconcile | Due::Look => Ok(Some(payment)),
    }
}

/// Makes a payment that we can do nothing for due later, so that it stands before no other.
async fn let_by(store: &Store, id: PaymentId, now: Time) -> Result<(), StoreFault> {
    match store.write(postpone(id, now.plus(LONGEST_WAIT)), ()).await {
        Err(Rejected::Store(fault)) => Err(fault),
        // It is due no more: somebody moved it meanwhile.
        Ok(()) | Err(_) => Ok(()),
    }
}
