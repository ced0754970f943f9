use domain::{
    event::{Place, Price, Title},
    id::{EventId, PaymentId, TicketId},
    ticket::State,
    time::Time,
};
use serde::Serialize;
use store::{catalog::on_sale::OnSale, sales::ticket::Ticket};
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
    /// Where and when it takes place now, if that is elsewhere or at another time. Then all that was paid goes back to whoever asks
    /// for it before it starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<TicketMoved>,
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

/// Where and when an event takes place.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketMoved {
    place: Place,
    starts_at: Time,
    ends_at: Time,
}

impl TicketMoved {
    /// As a ticket was bought.
    fn bought(ticket: &Ticket) -> Self {
        let (place, schedule) = (ticket.place.clone(), ticket.schedule);
        Self { place, starts_at: schedule.starts_at(), ends_at: schedule.ends_at() }
    }

    fn now(event: &OnSale) -> Self {
        let (place, schedule) = (event.place.clone(), event.schedule);
        Self { place, starts_at: schedule.starts_at(), ends_at: schedule.ends_at() }
    }
}

impl TicketView {
    /// Of a ticket, with the event as it is now, if it is there.
    pub(crate) fn of(ticket: Ticket, now: Option<&OnSale>) -> Self {
        let bought = TicketMoved::bought(&ticket);
        let moved = now.map(TicketMoved::now).filter(|now| *now != bought);
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
            moved,
            price: ticket.price,
            created_at: ticket.created_at,
            checked_in_at: ticket.check_in.map(|check_in| check_in.scanned_at),
            payload: None,
        }
    }

    /// With what lets somebody in.
    pub(crate) fn with(self, payload: Option<String>) -> Self {
        Self { payload, ..self }
    }
}
