//! `DELETE /v1/events/{eventId}/queue`: an artist's own event needs none any more.

use api::{Answer, Call, Path, Problem};
use store::{Store, identity::session::SignedIn};

use crate::path::EventPath;

/// Closes the queue of an event
///
/// Its artist only. Everybody buys without a number at once, who waits, too. A rush opens another.
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
