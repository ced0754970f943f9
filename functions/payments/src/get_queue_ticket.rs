//! `GET /v1/events/{eventId}/queue-tickets/{ticket}`: how a number stands.

use api::{Answer, Anyone, Call, Cursors, FieldFaults, Path, Place, Problem};
use deserr::Deserr;
use domain::id::EventId;
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
/// Whoever has the ticket may ask; it costs nothing, and no token ends meanwhile. `askAgainSeconds` says when it is worth it.
#[utoipa::path(get, path = "/v1/events/{eventId}/queue-tickets/{ticket}", params(TicketPath),
    responses((status = 200, description = "How it stands", body = QueueTicketView)),
)]
pub async fn handle(
    cursors: Cursors,
    call: Call<Anyone, Path<TicketPath>>,
) -> Result<Answer<QueueTicketView>, Problem> {
    let Call { input: Path(TicketPath { event_id, ticket: id }), context, .. } = call;
    let ticket = open(&cursors, event_id, &id, (Place::Path, "ticket")).await?;
    Ok(Answer::ok(QueueTicketView::of(id, &ticket, context.now)))
}
