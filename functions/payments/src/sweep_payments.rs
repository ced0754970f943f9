//! Worker on a schedule, each minute: finds what a lost message left behind, in the index of what is due.

use std::time::Duration;

use api::Worker;
use domain::{id::PaymentId, time::Time};
use gateways::{Message, Queue};
use serde::{Deserialize, Serialize};
use store::{
    Store,
    sales::due::{Due, SHARDS},
};

use crate::message::{HoldEnds, Reconcile};

/// The scheduler's event; nothing of it is needed.
#[derive(Debug, Deserialize)]
pub struct Tick {}

/// How many payments were sent to be looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Swept {
    holds: usize,
    reconciliations: usize,
}

/// So many of a shard are sent a minute, the longest waiting first.
const AT_ONCE: u32 = 100;

/// The queue's own message gets so much time before the sweeper sends a second one.
const GRACE: Duration = Duration::from_secs(30);

/// Sends every payment that is overdue to its queue.
///
/// # Errors
/// When the database or a queue does not answer; the next minute is the retry.
pub async fn handle(
    (store, holds, reconciliations): (Store, Queue<HoldEnds>, Queue<Reconcile>),
    _: Tick,
) -> Result<Swept, Box<dyn std::error::Error + Send + Sync>> {
    let overdue = Time::now().minus(GRACE);
    let reconcile = |payment_id| Reconcile { payment_id };
    let hold_ends = |payment_id| HoldEnds { payment_id };
    // Money first: should the time not do for both, seats wait.
    Ok(Swept {
        reconciliations: sweep(&store, Due::Reconcile, overdue, &reconciliations, reconcile)
            .await?,
        holds: sweep(&store, Due::Hold, overdue, &holds, hold_ends).await?,
    })
}

async fn sweep<M: Message>(
    store: &Store,
    due: Due,
    overdue: Time,
    queue: &Queue<M>,
    message: impl Fn(PaymentId) -> M,
) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let mut sent = 0;
    for shard in 0..SHARDS {
        let payments = store.due(due, shard, overdue, AT_ONCE).await?;
        let messages: Vec<_> =
            payments.into_iter().map(|id| (message(id), Duration::ZERO)).collect();
        for result in queue.send_all(&messages).await {
            result?;
            sent += 1;
        }
    }
    Ok(sent)
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}
