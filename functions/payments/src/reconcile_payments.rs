//! Worker on the queue of reconciliations: settles payments whose outcome is unknown, by asking KakaoPay.

use api::{Batch, Worker};
use aws_lambda_events::event::sqs::SqsEvent;
use domain::{id::PaymentId, time::Time};
use gateways::{Kakaopay, Queue};
use store::Store;
use telemetry::Unit;

use crate::message::{Failure, payment_of};

/// What it needs; the queue is the one it reads.
#[derive(Clone)]
pub struct Clients {
    store: Store,
    kakaopay: Kakaopay,
    reconciliations: Queue<PaymentId>,
}

/// Settles the payments of a batch. One that stays open is sent again, to come when it is due.
///
/// # Errors
/// None: every failure is its message's.
pub async fn handle(clients: Clients, event: SqsEvent) -> Result<Batch, std::convert::Infallible> {
    let mut failed = Batch::default();
    for message in event.records {
        if let Err(error) = clients.settle(message.body.as_deref()).await {
            failed.failed(&message.message_id.unwrap_or_default(), error);
        }
    }
    Ok(failed)
}

impl Clients {
    async fn connect() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self {
            store: Store::connect().await?,
            kakaopay: Kakaopay::connect().await?,
            reconciliations: Queue::connect("RECONCILE_QUEUE_URL").await?,
        })
    }

    async fn settle(&self, message: Option<&str>) -> Result<(), Failure> {
        let now = Time::now();
        let payment =
            sales::reconcile(&self.store, &self.kakaopay, payment_of(message)?, now).await?;
        if payment.needs_person {
            telemetry::metric("NeedsPerson", payment.state.as_str(), Unit::Count, 1.0);
        }
        // Only the run that looked sends it on. The others' messages end here, or each would live as long as the payment.
        let looked = payment.updated_at == now && payment.state.is_in_between();
        if let Some(due) = payment.due_at.filter(|_| looked) {
            self.reconciliations.send(&payment.id, now.until(due)).await?;
        }
        Ok(())
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(Clients::connect, handle)
}
