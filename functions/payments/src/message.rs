//! What the payments' queues carry: a payment to look at, when its time has come.

use domain::id::PaymentId;
use gateways::{Message, queue::NotSent};
use serde::{Deserialize, Serialize};

/// A payment whose hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldEnds {
    /// The payment.
    pub payment_id: PaymentId,
}

impl Message for HoldEnds {
    const QUEUE: &'static str = "HOLD_QUEUE_URL";
}

/// A payment whose outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reconcile {
    /// The payment.
    pub payment_id: PaymentId,
}

impl Message for Reconcile {
    const QUEUE: &'static str = "RECONCILE_QUEUE_URL";
}

/// Why a message could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The payment could not be moved.
    #[error(transparent)]
    Sales(#[from] sales::SalesFault),
    /// It could not be sent on.
    #[error(transparent)]
    NotSent(#[from] NotSent),
}
