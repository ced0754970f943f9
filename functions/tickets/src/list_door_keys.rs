//! `GET /v1/events/{eventId}/door-keys`: the door keys of one's own event.

use api::{Answer, Call, Cursors, List, Paging, Path, Problem, Query};
use domain::{
    id::DoorKeyId,
    ticket::{ScannerName, door_keys_end_at},
    time::Time,
};
use serde::Serialize;
use store::{
    Store,
    catalog::on_sale::OnSaleKey,
    identity::{door_key::DoorKey, session::Artist},
};
use utoipa::ToSchema;

use crate::{door::own, path::EventPath};

/// A door key: not what its holder shows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoorKeyView {
    /// Its id.
    id: DoorKeyId,
    /// Whom or what it is for.
    name: ScannerName,
    /// When it was made.
    created_at: Time,
    /// Until when it is good.
    ends_at: Time,
}

/// Lists the door keys of one's own event
///
/// Those that were not revoked, the newest first.
#[utoipa::path(get, path = "/v1/events/{eventId}/door-keys", params(EventPath, Paging),
    responses((status = 200, description = "A page of door keys", body = List<DoorKeyView>)),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Artist, (Path<EventPath>, Query<Paging>)>,
) -> Result<Answer<List<DoorKeyView>>, Problem> {
    let Call { who, input: (Path(EventPath { event_id }), Query(paging)), context } = call;
    let (session, event) = store.read_for(&who, OnSaleKey(event_id), context.now).await?;
    let ends_at = door_keys_end_at(&own(event, &session)?.schedule);
    let view = |key: DoorKey| {
        let DoorKey { id, name, created_at, .. } = key;
        DoorKeyView { id, name, created_at, ends_at }
    };
    let scope = format!("list_door_keys {event_id}");
    let query = |limit, start| store.door_keys_of(event_id, limit, start);
    cursors.list(&scope, paging, query, view).await
}
