//! `DELETE /v1/events/{eventId}/waiting-list`: waits no longer.

use api::{Answer, Call, Path, Problem};
use sales::leave;
use store::{Store, identity::session::SignedIn};

use crate::path::EventPath;

/// Leaves a waiting list
///
/// Or gives up what was offered: it goes to the next. Who joins again is at the end.
#[utoipa::path(delete, path = "/v1/events/{eventId}/waiting-list", params(EventPath),
    responses((status = 204, description = "Out of the line")),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    leave(&store, &who, event_id, context.now).await?;
    Ok(Answer::nothing())
}
