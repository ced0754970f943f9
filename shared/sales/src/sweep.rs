use std::time::Duration;

use domain::{
    fault::{Fault, Kind},
    id::PaymentId,
    payment::State,
    time::Time,
};
use store::{
    Rejected, Store,
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
                let later = postpone(id, now.plus(LONGEST_WAIT));
                if let Err(Rejected::Store(fault)) = store.write(later, ()).await {
                    return Err(fault.into());
                }
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
    // What only a newer program knows how to move is its own to sweep.
    let ours = payment.state != State::Unknown;
    if !ours || payment.due_at.is_none_or(|due| due > now.minus(GRACE)) {
        return Ok(None);
    }
    match due {
        Due::Hold => take_in_hand(store, &payment, now).await,
        Due::Reconcile => Ok(Some(payment)),
    }
}
