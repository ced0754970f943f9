use domain::{
    event::{Place, Price, Title},
    id::{EventId, PaymentId, TicketId},
    ticket::State,
    time::Time,
};
use serde::Serialize;
use store::sales::ticket::Ticket;
use utoipa::ToSchema;

/// One seat for one person.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketView {
    /// Its id.
    id: TicketId,
    /// How it was paid.
    payment_id: PaymentId,
    /// Whether it lets somebody in.
    state: State,
    /// The event, as it was when the ticket was bought.
    event: TicketEvent,
    /// The list price, in won.
    price: Price,
    /// When it was paid.
    created_at: Time,
    /// When it let somebody in, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    checked_in_at: Option<Time>,
    /// What lets somebody in, as the QR code has it: only where one ticket is read, and never of one that was given back. It is a
    /// JSON Web Signature in its compact form, which `/.well-known/ticket-keys.json` verifies: `sub` is the ticket, `evt` the
    /// event.
    #[schema(
        example = "eyJhbGciOiJFZERTQSIsImtpZCI6IkI3bEtfN2I0In0.eyJzdWIiOiJ0a3RfMDFLQjRaWEozVjhRNVc3TjJNNlQ5UkhDREUifQ.c2lnbmVk"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
}

/// What a ticket is for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketEvent {
    id: EventId,
    title: Title,
    place: Place,
    starts_at: Time,
    ends_at: Time,
}

impl From<Ticket> for TicketView {
    fn from(ticket: Ticket) -> Self {
        let event = TicketEvent {
            id: ticket.event_id,
            title: ticket.event_title,
            place: ticket.place,
            starts_at: ticket.schedule.starts_at(),
            ends_at: ticket.schedule.ends_at(),
        };
        Self {
            id: ticket.id,
            payment_id: ticket.payment_id,
            state: ticket.state,
            event,
            price: ticket.price,
            created_at: ticket.created_at,
            checked_in_at: ticket.check_in.map(|check_in| check_in.scanned_at),
            payload: None,
        }
    }
}

impl TicketView {
    /// With what lets somebody in.
    pub(crate) fn with(self, payload: Option<String>) -> Self {
        Self { payload, ..self }
    }
}
