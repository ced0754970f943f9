//! What every part asks the worker of refunds for.

use domain::{
    id::{EventId, PaymentId, TicketId},
    refund::Cause,
};
use serde::{Deserialize, Serialize};

use crate::Message;

/// Money that is to go back, though its buyer did not ask. It is laid out as what EventBridge brings, since that is how the worker
/// hears of a cancelled event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRequested {
    /// What is to go back.
    pub detail: Requested,
}

/// What is to go back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
pub enum Requested {
    /// Tickets of one purchase.
    Purchase {
        /// `refund:<payment>:<cause>`.
        id: String,
        /// The payment.
        payment_id: PaymentId,
        /// Why.
        cause: Cause,
        /// Which tickets; all that are left, if none are named.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ticket_ids: Vec<TicketId>,
    },
    /// Whatever was bought of an event that was cancelled.
    Event {
        /// The event.
        event_id: EventId,
    },
}

impl RefundRequested {
    /// Of all that is left of a purchase.
    pub fn purchase(payment_id: PaymentId, cause: Cause) -> Self {
        let id = format!("refund:{payment_id}:{cause}");
        Self { detail: Requested::Purchase { id, payment_id, cause, ticket_ids: Vec::new() } }
    }

    /// Of all that was bought of a cancelled event.
    pub fn event(event_id: EventId) -> Self {
        Self { detail: Requested::Event { event_id } }
    }
}

impl Message for RefundRequested {
    const QUEUE: &'static str = "REFUNDS_QUEUE_URL";
}
