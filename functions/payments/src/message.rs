//! What the payments' queues carry: a payment to look at, when its time has come.

use domain::id::{EventId, MemberId, PaymentId};
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

/// A waiting list to look at: what the bus says of a payment, or a message of our own that is like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// What it says.
    pub detail: Waited,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waited {
    /// The event; none of what was paid for no tickets.
    #[serde(default)]
    pub event_id: Option<EventId>,
    /// Whose offer ends, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offered_to: Option<MemberId>,
}

impl Message for Waits {
    const QUEUE: &'static str = "WAITING_QUEUE_URL";
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
