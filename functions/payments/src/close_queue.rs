//! `DELETE /v1/events/{eventId}/queue`: an artist's own event needs none any more.

use api::{Answer, Call, Path, Problem};
use store::{Store, identity::session::SignedIn};

use crate::path::EventPath;

/// Closes the queue of an event
///
/// Its artist only. Who waits is let in at their moment; once nobody waits any more, everybody buys without a number.
#[utoipa::path(delete, path = "/v1/events/{eventId}/queue", params(EventPath),
    responses((status = 204, description = "Closed")),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    sales::close_queue(&store, &who, event_id, context.now).await?;
    Ok(Answer::nothing())
}
