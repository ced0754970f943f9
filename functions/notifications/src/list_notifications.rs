//! `GET /v1/notifications`: the caller's inbox.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{
    event::Title,
    id::{EventId, MemberId, NotificationId},
    member::Nickname,
    notification::Kind,
    time::Time,
};
use serde::Serialize;
use store::{
    Store,
    identity::session::SignedIn,
    inbox::notification::{Artist, Event, Notification},
};
use utoipa::ToSchema;

/// One page of an inbox.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Inbox {
    /// The items; none is an empty inbox, or the rest of one that is over.
    items: Vec<NotificationView>,
    /// Where the next page starts; absent after the last.
    #[schema(example = "AQc0w9rT8Lk2n5Pz")]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// How many notifications are not read, on all pages together.
    unread_count: u64,
}

/// Something that a member is told.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    /// Its id.
    id: NotificationId,
    /// What is told.
    kind: Kind,
    /// The event that it is about, if it is about one.
    #[schema(required)]
    event: Option<NotifiedEvent>,
    /// The artist whom it is about, if it is about one.
    #[schema(required)]
    artist: Option<NotifiedArtist>,
    /// When it happened.
    created_at: Time,
    /// When it was read; null as long as it is not.
    #[schema(required)]
    read_at: Option<Time>,
}

/// An event that somebody is told of, as it was then.
#[derive(Debug, Serialize, ToSchema)]
struct NotifiedEvent {
    /// Its id.
    id: EventId,
    /// What it was called.
    title: Title,
}

/// An artist whom somebody is told of, as they were then.
#[derive(Debug, Serialize, ToSchema)]
struct NotifiedArtist {
    /// Their id.
    id: MemberId,
    /// The name they were shown by.
    nickname: Nickname,
}

impl From<Notification> for NotificationView {
    fn from(notification: Notification) -> Self {
        let Notification { id, kind, event, artist, created_at, read_at, .. } = notification;
        Self {
            id,
            kind,
            event: event.map(|Event { id, title }| NotifiedEvent { id, title }),
            artist: artist.map(|Artist { id, nickname }| NotifiedArtist { id, nickname }),
            created_at,
            read_at,
        }
    }
}

/// Reads one's own inbox
///
/// The latest first. A notification is kept for 180 days or a little longer.
#[utoipa::path(get, path = "/v1/notifications", params(Paging),
    responses((status = 200, description = "A page of the inbox", body = Inbox)),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<SignedIn, Query<Paging>>,
) -> Result<Answer<Inbox>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let member = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_notifications {member}");
    let query = |limit, start| store.notifications_of(member, context.now, limit, start);
    let page = cursors.list(&scope, paging, query, NotificationView::from).await?;
    let List { items, next_cursor } = page.value;
    let unread_count = store.unread_of(member, context.now).await?;
    Ok(Answer::ok(Inbox { items, next_cursor, unread_count }))
}
