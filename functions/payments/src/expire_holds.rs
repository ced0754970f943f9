//! Worker on the queue of holds: ends those whose time is over.

use api::{Batch, Worker};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::{id::PaymentId, time::Time};
use gateways::Queue;
use store::Store;

use crate::message::{Failure, payment_of};

/// What it needs; the queue is the one it reads.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    holds: Queue<PaymentId>,
}

/// Ends the holds of a batch. A message that came before its time is sent again; one that failed comes again.
///
/// # Errors
/// None: every failure is its message's.
pub async fn handle(clients: Clients, event: SqsEvent) -> Result<Batch, std::convert::Infallible> {
    let mut failed = Batch::default();
    for message in event.records {
        if let Err(error) = clients.end(message.body.as_deref()).await {
            failed.failed(&message.message_id.unwrap_or_default(), error);
        }
    }
    Ok(failed)
}

impl Clients {
    async fn connect() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self { store: Store::connect().await?, holds: Queue::connect("HOLD_QUEUE_URL").await? })
    }

    async fn end(&self, message: Option<&str>) -> Result<(), Failure> {
        let now = Time::now();
        let payment = sales::expire(&self.store, payment_of(message)?, now).await?;
        if payment.state.can_expire() {
            self.holds.send(&payment.id, now.until(payment.hold_ends_at)).await?;
        }
        Ok(())
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(Clients::connect, handle)
}
