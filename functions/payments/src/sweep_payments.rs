//! Worker on a schedule, each minute: finds what a lost message left behind, and which waiting lists have to be looked at, in the
//! index of what is due.

use std::time::Duration;

use api::Worker;
use domain::{id::PaymentId, time::Time};
use futures::future::join_all;
use gateways::{Message, Queue};
use serde::{Deserialize, Serialize};
use store::{
    Store,
    sales::due::{Due, DueWaiting, SHARDS},
};

use crate::message::{HoldEnds, Reconcile, Waited, Waits};

/// The scheduler's event; nothing of it is needed.
#[derive(Debug, Deserialize)]
pub struct Tick {}

/// How many payments, and waiting lists, were sent to be looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Swept {
    holds: usize,
    reconciliations: usize,
    waiting: usize,
}

/// So many of a shard are sent a minute, the longest waiting first.
const AT_ONCE: u32 = 100;

type Error = Box<dyn std::error::Error + Send + Sync>;

type Clients = (Store, Queue<HoldEnds>, Queue<Reconcile>, Queue<Waits>);

/// Sends every payment that is overdue to its queue, and every waiting list and offer that is due to theirs.
///
/// # Errors
/// When the database or a queue does not answer; the next minute is the retry.
pub async fn handle(
    (store, holds, reconciliations, waiting): Clients,
    _: Tick,
) -> Result<Swept, Error> {
    let reconcile = |payment_id| Reconcile { payment_id };
    let hold_ends = |payment_id| HoldEnds { payment_id };
    // Money first: should the time not do for all, seats wait. One that fails keeps no other from being swept.
    let reconciliations = sweep(&store, Due::Reconcile, &reconciliations, reconcile).await;
    let holds = sweep(&store, Due::Hold, &holds, hold_ends).await;
    let waiting = sweep_waiting(&store, &waiting).await;
    Ok(Swept { reconciliations: reconciliations?, holds: holds?, waiting: waiting? })
}

/// All shards at once. One that fails keeps no other from being swept.
async fn sweep<M: Message>(
    store: &Store,
    due: Due,
    queue: &Queue<M>,
    message: impl Fn(PaymentId) -> M,
) -> Result<usize, Error> {
    let shard = async |shard| -> Result<usize, Error> {
        let payments = sales::overdue(store, due, shard, AT_ONCE, Time::now()).await?;
        let messages: Vec<_> =
            payments.into_iter().map(|id| (message(id), Duration::ZERO)).collect();
        queue.send_all(&messages).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(messages.len())
    };
    join_all((0..SHARDS).map(shard)).await.into_iter().sum()
}

/// Each is made due again later, so that one of which nothing comes stands before no other.
async fn sweep_waiting(store: &Store, queue: &Queue<Waits>) -> Result<usize, Error> {
    let shard = async |shard| -> Result<usize, Error> {
        let now = Time::now();
        let due = store.due_waiting(shard, now, AT_ONCE).await?;
        let message = |DueWaiting { event_id, member_id }: &DueWaiting| Waits {
            detail: Waited { event_id: Some(*event_id), offered_to: *member_id },
        };
        let messages: Vec<_> = due.iter().map(|it| (message(it), Duration::ZERO)).collect();
        queue.send_all(&messages).await.into_iter().collect::<Result<Vec<()>, _>>()?;
        sales::look_again(store, &due, now).await?;
        Ok(messages.len())
    };
    join_all((0..SHARDS).map(shard)).await.into_iter().sum()
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}
