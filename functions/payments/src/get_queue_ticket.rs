//! `GET /v1/events/{eventId}/queue-tickets/{ticket}`: how a number stands.

use api::{Answer, Anyone, Call, Cursors, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::{codes::EVENT_NOT_FOUND, id::EventId};
use store::{
    Relaxed, Store,
    sales::{queue::QueueKey, sold_out::SoldOutKey},
};
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
/// Whoever has the ticket may ask: no token ends meanwhile. One that we never signed is of no event. `askAgainSeconds` says when it is worth it.
#[utoipa::path(get, path = "/v1/events/{eventId}/queue-tickets/{ticket}", params(TicketPath),
    responses((status = 200, description = "How it stands", body = QueueTicketView)),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Anyone, Path<TicketPath>>,
) -> Result<Answer<QueueTicketView>, Problem> {
    let Call { input: Path(TicketPath { event_id, ticket: id }), context, .. } = call;
    let ticket = open(&cursors, event_id, &id).await?;
    let ticket = ticket.ok_or_else(|| Problem::new(EVENT_NOT_FOUND))?;
    let keys = (Relaxed(QueueKey(event_id)), Relaxed(SoldOutKey(event_id)));
    let (queue, seen) = store.read(&keys).await?;
    let (seen, now) = (seen.unwrap_or_default(), context.now);
    let queue = queue.filter(|queue| queue.is_open(now));
    let line = queue.as_ref().map(|queue| &queue.line);
    Ok(Answer::ok(QueueTicketView::of(id, &ticket, line, seen, now)))
}
