//! `DELETE /v1/events/{eventId}/door-keys/{doorKeyId}`: a door key of one's own event is good no more.

use api::{Answer, Call, Path, Problem};
use store::{
    Store,
    catalog::on_sale::OnSaleKey,
    identity::{door_key::DoorKeyKey, session::Artist},
};

use crate::{door::own, path::DoorKeyPath};

/// Revokes a door key
///
/// From now on its holder checks nothing in. What they checked in stays so.
#[utoipa::path(delete, path = "/v1/events/{eventId}/door-keys/{doorKeyId}", params(DoorKeyPath),
    responses((status = 204, description = "Revoked")),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    store: Store,
    call: Call<Artist, Path<DoorKeyPath>>,
) -> Result<Answer<()>, Problem> {
    let Call { who, input: Path(DoorKeyPath { event_id, door_key_id }), context } = call;
    let (session, event) = store.read_for(&who, OnSaleKey(event_id), context.now).await?;
    own(event, &session)?;
    store.revoke_door_key(DoorKeyKey { event_id, id: door_key_id }).await?;
    Ok(Answer::nothing())
}
