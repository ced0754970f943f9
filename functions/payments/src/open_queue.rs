//! `PUT /v1/events/{eventId}/queue`: an artist's own event gets a queue, or another pace of it.

use api::{Answer, Body, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::{queue::Pace, time::Time};
use serde::Serialize;
use store::{Store, identity::session::SignedIn};
use utoipa::ToSchema;

use crate::path::EventPath;

/// How fast a queue moves.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenQueue {
    /// How many are let in a minute.
    pub admissions_per_minute: Pace,
}

/// A queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueView {
    /// How many are let in a minute.
    admissions_per_minute: Pace,
    /// How many wait.
    waiting: u64,
    /// Until when nobody buys without a number: the end of the sale.
    open_until: Time,
}

/// Opens a queue for the sale of an event, or sets its pace
///
/// Its artist only; for everybody else the event does not exist. From now on nobody buys without a number. Another pace is also that of
/// those who wait. Where many come at once, a queue opens by itself, at a pace that goes by the capacity, for ten minutes and as long as
/// somebody waits.
#[utoipa::path(put, path = "/v1/events/{eventId}/queue", request_body = OpenQueue, params(EventPath),
    responses((status = 200, description = "The queue", body = QueueView)),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, (Path<EventPath>, Body<OpenQueue>)>,
) -> Result<Answer<QueueView>, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Body(body)), context } = call;
    let (pace, now) = (body.admissions_per_minute, context.now);
    let queue = sales::open_queue(&store, &who, event_id, pace, now).await?;
    Ok(Answer::ok(QueueView {
        admissions_per_minute: queue.line.pace,
        waiting: queue.line.waiting(now),
        open_until: queue.open_until,
    }))
}
