//! Worker on the queue of holds: ends those whose time is over.

use api::Worker;
use domain::time::Time;
use gateways::Queue;
use store::Store;

use crate::message::{Failure, HoldEnds};

/// Ends a hold, and everything with it. A message that came before its time is sent again.
///
/// # Errors
/// When the payment could not be moved, or the message not be sent.
pub async fn handle(
    (store, holds): (Store, Queue<HoldEnds>),
    message: HoldEnds,
) -> Result<(), Failure> {
    let now = Time::now();
    let payment = sales::expire(&store, message.payment_id, now).await?;
    if payment.state.can_expire() {
        holds.send(&message, now.until(payment.hold_ends_at)).await?;
    }
    Ok(())
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
