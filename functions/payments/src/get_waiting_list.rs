//! `GET /v1/events/{eventId}/waiting-list`: how one waits.

use api::{Answer, Call, Path, Problem};
use sales::place;
use store::{Store, identity::session::SignedIn};

use crate::{path::EventPath, view::WaitingView};

/// Tells where the caller is in a waiting list
///
/// And what is kept for them, until when. The position may be a second old.
#[utoipa::path(get, path = "/v1/events/{eventId}/waiting-list", params(EventPath),
    responses((status = 200, description = "How they wait", body = WaitingView)),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<WaitingView>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    let place = place(&store, &who, event_id, context.now).await?;
    Ok(Answer::ok(place.into()))
}
