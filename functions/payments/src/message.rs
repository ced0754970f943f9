//! What the payments' queues carry: a payment's id.

use domain::id::PaymentId;
use gateways::queue::NotSent;

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
