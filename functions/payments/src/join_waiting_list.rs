//! `PUT /v1/events/{eventId}/waiting-list`: waits for seats of an event that is sold out.

use api::{Answer, Body, Call, FieldFaults, Path, Problem};
use deserr::Deserr;
use domain::event::Quantity;
use sales::join;
use store::{Store, identity::session::SignedIn};
use utoipa::ToSchema;

use crate::{path::EventPath, view::WaitingView};

/// How one waits.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JoinWaitingList {
    /// For how many; all of them are offered at once. One buyer holds at most 4 of an event.
    pub quantity: Quantity,
}

/// Waits for seats of an event that is sold out
///
/// At the end of the line; who is in it stays where they are, for as many as they say now. Seats that come back are offered in the
/// order of joining, and kept for 30 minutes each time (`GET` tells, and so do a mail and the inbox); a purchase takes them with the
/// offer's id. A party that too few seats are free for is passed over, three times at most; then seats are gathered for it. While
/// somebody waits, nothing that comes back is on the open sale. Refused while there are seats for everybody (`SEATS_LEFT`).
#[utoipa::path(put, path = "/v1/events/{eventId}/waiting-list", request_body = JoinWaitingList,
    params(EventPath),
    responses((status = 200, description = "In the line", body = WaitingView)),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, (Path<EventPath>, Body<JoinWaitingList>)>,
) -> Result<Answer<WaitingView>, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Body(body)), context } = call;
    let (language, now) = (context.language, context.now);
    let place = join(&store, &who, event_id, body.quantity, language, now).await?;
    Ok(Answer::ok(place.into()))
}
