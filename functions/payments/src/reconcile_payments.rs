//! Worker on the queue of reconciliations: settles payments whose outcome is unknown, by asking KakaoPay.

use api::Worker;
use domain::time::Time;
use gateways::{Kakaopay, Queue};
use store::Store;

use crate::message::{Failure, Reconcile};

/// Settles a payment. One that stays open is sent again, to come when it is due.
///
/// # Errors
/// When the payment could not be moved, or the message not be sent.
pub async fn handle(
    (store, kakaopay, reconciliations): (Store, Kakaopay, Queue<Reconcile>),
    message: Reconcile,
) -> Result<(), Failure> {
    let now = Time::now();
    let payment = sales::reconcile(&store, &kakaopay, message.payment_id, now).await?;
    // Only the run that looked sends it on. The others' messages end here, or each would live as long as the payment.
    let looked = payment.updated_at == now && payment.state.is_in_between();
    if let Some(due) = payment.due_at.filter(|_| looked) {
        reconciliations.send(&message, now.until(due)).await?;
    }
    Ok(())
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
