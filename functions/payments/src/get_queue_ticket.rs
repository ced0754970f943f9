//! `GET /v1/events/{eventId}/queue-tickets/{ticket}`: how a number stands.

use api::{Answer, Anyone, Call, Cursors, FieldFaults, Path, Place, Problem};
use deserr::Deserr;
use domain::id::EventId;
use store::{Relaxed, Store, sales::sold_out::SoldOutKey};
use utoipa::IntoParams;

use crate::queue_ticket::{QueueTicketView, open};

/// Which ticket.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults, rename_all = camelCase)]
#[into_params(parameter_in = Path, rename_all = "camelCase")]
pub struct TicketPath {
    /// The event's id.
    #[param(inline)]
    pub event_id: EventId,
    /// The ticket.
    pub ticket: String,
}

/// Tells how a number stands
///
/// Whoever has the ticket may ask: no token ends meanwhile. `askAgainSeconds` says when it is worth it.
#[utoipa::path(get, path = "/v1/events/{eventId}/queue-tickets/{ticket}", params(TicketPath),
    responses((status = 200, description = "How it stands", body = QueueTicketView)),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Anyone, Path<TicketPath>>,
) -> Result<Answer<QueueTicketView>, Problem> {
    let Call { input: Path(TicketPath { event_id, ticket: id }), context, .. } = call;
    let ticket = open(&cursors, event_id, &id, (Place::Path, "ticket")).await?;
    let seen = store.read(&Relaxed(SoldOutKey(event_id))).await?.unwrap_or_default();
    Ok(Answer::ok(QueueTicketView::of(id, &ticket, seen, context.now)))
}
