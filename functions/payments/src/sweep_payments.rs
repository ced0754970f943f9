//! Worker on a schedule, each minute: finds what a lost message left behind, in the index of what is due.

use std::time::Duration;

use api::Worker;
use domain::{id::PaymentId, time::Time};
use gateways::Queue;
use serde::{Deserialize, Serialize};
use store::{
    Store,
    sales::due::{Due, SHARDS},
};

/// Where it looks, and where it tells.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    holds: Queue<PaymentId>,
    reconciliations: Queue<PaymentId>,
}

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
    clients: Clients,
    _: Tick,
) -> Result<Swept, Box<dyn std::error::Error + Send + Sync>> {
    let overdue = Time::now().minus(GRACE);
    let Clients { store, holds, reconciliations } = clients;
    // Money first: should the time not do for both, seats wait.
    let reconciliations = sweep(&store, Due::Reconcile, overdue, &reconciliations).await?;
    Ok(Swept { reconciliations, holds: sweep(&store, Due::Hold, overdue, &holds).await? })
}

async fn sweep(
    store: &Store,
    due: Due,
    overdue: Time,
    queue: &Queue<PaymentId>,
) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let mut sent = 0;
    for shard in 0..SHARDS {
        let payments = store.due(due, shard, overdue, AT_ONCE).await?;
        let messages: Vec<_> = payments.into_iter().map(|id| (id, Duration::ZERO)).collect();
        for result in queue.send_all(&messages).await {
            result?;
            sent += 1;
        }
    }
    Ok(sent)
}

impl Clients {
    async fn connect() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self {
            store: Store::connect().await?,
            holds: Queue::connect("HOLD_QUEUE_URL").await?,
            reconciliations: Queue::connect("RECONCILE_QUEUE_URL").await?,
        })
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(Clients::connect, handle)
}
