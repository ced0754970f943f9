//! `POST /v1/events/{eventId}/queue-tickets`: takes a number of a rush's queue.

use api::{Answer, Call, Cursors, Path, Problem};
use sales::queue_up;
use store::{Store, identity::session::SignedIn};

use crate::{
    path::EventPath,
    queue_ticket::{QueueTicketView, seal},
};

/// Takes a number
///
/// While an event has a queue (`QUEUE_NUMBER_NEEDED`), numbers are let in one after the other, at a pace, and whoever is in buys with the
/// ticket that is answered here (header `Queue-Ticket`), for ten minutes. Who has a number that is not over is answered the same again. Where the
/// queue opens before the sale, numbers are given in the hour before, and let in as it begins. `GET` tells how it stands.
#[utoipa::path(post, path = "/v1/events/{eventId}/queue-tickets", params(EventPath),
    responses((status = 201, description = "A number", body = QueueTicketView, headers(("Location" = String)))),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<QueueTicketView>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    let (address, now) = (&context.address, context.now);
    let (ticket, line, seen) = queue_up(&store, &who, address, event_id, now).await?;
    let id = seal(&cursors, event_id, &ticket).await?;
    let location = format!("/v1/events/{event_id}/queue-tickets/{id}");
    let view = QueueTicketView::of(id, &ticket, Some(&line), seen, now);
    Ok(Answer::created(view, &location))
}
