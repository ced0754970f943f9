//! The queues of payments to look at later. A message is a payment's id and nothing else: whoever gets it reads the truth.

use std::time::Duration;

use aws_sdk_sqs::{Client, types::SendMessageBatchRequestEntry};
use domain::id::PaymentId;

/// SQS delays a message by 15 minutes at most; whoever gets one early sends it again.
const LONGEST_DELAY: Duration = Duration::from_secs(900);

/// One queue.
#[derive(Clone)]
pub struct Queue {
    client: Client,
    url: String,
}

impl Queue {
    /// The queue that an environment variable names.
    ///
    /// # Errors
    /// When the variable is missing.
    pub async fn connect(variable: &'static str) -> Result<Self, Missing> {
        let url = std::env::var(variable).map_err(|_| Missing(variable))?;
        Ok(Self { client: Client::new(aws::config().await), url })
    }

    /// Sends a payment's id, to arrive after a while.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send(&self, payment: PaymentId, delay: Duration) -> Result<(), NotSent> {
        // Rounded up: a message that comes a moment too early is sent once more.
        let seconds = delay.min(LONGEST_DELAY).as_secs_f64().ceil() as i32;
        let message =
            self.client.send_message().queue_url(&self.url).message_body(payment.to_string());
        message.delay_seconds(seconds).send().await.map_err(|error| NotSent(Box::new(error)))?;
        Ok(())
    }

    /// Sends payments' ids, to arrive now. Ten go in one call; one that SQS does not take is found by the next sweep.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn send_at_once(&self, payments: &[PaymentId]) -> Result<(), NotSent> {
        for chunk in payments.chunks(10) {
            let entries = chunk.iter().map(|payment| {
                let id = payment.to_string();
                SendMessageBatchRequestEntry::builder().id(&id).message_body(&id).build()
            });
            let entries: Result<Vec<_>, _> = entries.collect();
            let entries = entries.map_err(|error| NotSent(Box::new(error)))?;
            let batch = self.client.send_message_batch().queue_url(&self.url);
            let sent = batch.set_entries(Some(entries)).send().await;
            let failed = sent.map_err(|error| NotSent(Box::new(error)))?.failed.len();
            if failed > 0 {
                tracing::warn!(failed, "SQS did not take some messages");
            }
        }
        Ok(())
    }
}

/// A queue's environment variable is not set.
#[derive(Debug, thiserror::Error)]
#[error("the environment variable {0} is missing")]
pub struct Missing(&'static str);

/// SQS did not take a message.
#[derive(Debug, thiserror::Error)]
#[error("a message was not sent")]
pub struct NotSent(#[source] Box<dyn std::error::Error + Send + Sync>);

/// The payment that a message names.
pub fn payment_of(message: Option<&str>) -> Result<PaymentId, Failure> {
    message.unwrap_or_default().parse().map_err(|_| Failure::NotAPayment)
}

/// Why a message could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It names no payment: a defect, and it ends in the dead-letter queue.
    #[error("the message names no payment")]
    NotAPayment,
    /// The payment could not be moved.
    #[error(transparent)]
    Sales(#[from] sales::SalesFault),
    /// It could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}
