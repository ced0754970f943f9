//! `POST /v1/events/{eventId}/queue-tickets`: takes a number of a rush's queue.

use api::{Answer, Call, Cursors, Path, Problem};
use domain::codes::EVENT_NOT_FOUND;
use sales::codes::NO_QUEUE;
use store::{
    Relaxed, Store,
    catalog::on_sale::OnSaleKey,
    identity::session::SignedIn,
    sales::queue::{QueueKey, QueuedKey},
};

use crate::{path::EventPath, queue_ticket::QueueTicketView};

/// Takes a number
///
/// While an event has a queue (`QUEUE_NUMBER_NEEDED`), numbers are let in one after the other, at a pace, and whoever is in buys with
/// the id that is answered here (`queueTicket`). Asking again answers the same number until it is over. Ask for it as often as its
/// `Retry-After` says: that costs nothing.
#[utoipa::path(post, path = "/v1/events/{eventId}/queue-tickets", params(EventPath),
    responses((status = 201, description = "A number", body = QueueTicketView)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<QueueTicketView>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    let (key, now) = (QueuedKey::of(&who, event_id), context.now);
    let keys = (Relaxed(OnSaleKey(event_id)), Relaxed(QueueKey(event_id)), key);
    let (_, (event, queue, mut queued)) = store.read_for(&who, keys, now).await?;
    if event.is_none_or(|event| event.deleted_at.is_some()) {
        return Err(Problem::new(EVENT_NOT_FOUND));
    }
    let queue = queue.filter(|queue| queue.is_open(now)).ok_or_else(|| Problem::new(NO_QUEUE))?;
    if queued.is_none_or(|queued| queued.is_over(now)) {
        queued = match store.queue_up(key, queued, queue.pace, now).await? {
            Some(queued) => Some(queued),
            None => store.get(&key).await?,
        };
    }
    let queued = queued.ok_or_else(|| Problem::new(NO_QUEUE))?;
    let ticket = QueueTicketView::of(&cursors, &who, event_id, queued.into(), now).await?;
    Ok(Answer::created(ticket.1, &ticket.0))
}
