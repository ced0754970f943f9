//! `GET /v1/notifications`: the caller's inbox.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{
    event::Title,
    id::{EventId, MemberId, NotificationId, PaymentId},
    member::Nickname,
    notification::Kind,
    time::Time,
    won::Won,
};
use serde::Serialize;
use store::{
    Store,
    identity::session::SignedIn,
    inbox::notification::{Artist, Event, Names, Notification},
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
    /// The payment that it is about, if it is about one of the caller's own.
    #[schema(required)]
    payment_id: Option<PaymentId>,
    /// How many tickets it is about, if it is about tickets.
    #[schema(required)]
    tickets: Option<u32>,
    /// How much was given, in won, if it is about a sponsorship.
    #[schema(required)]
    amount: Option<Won>,
    /// What whoever gave it is called now.
    #[schema(required)]
    giver: Option<Nickname>,
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

/// An artist whom somebody is told of.
#[derive(Debug, Serialize, ToSchema)]
struct NotifiedArtist {
    /// Their id.
    id: MemberId,
    /// The name they are shown by.
    nickname: Nickname,
}

impl From<(Notification, Names)> for NotificationView {
    fn from((notification, Names { artist, giver }): (Notification, Names)) -> Self {
        let Notification { id, kind, event, payment_id, tickets, amount, .. } = notification;
        let Notification { created_at, read_at, .. } = notification;
        Self {
            id,
            kind,
            event: event.map(|Event { id, title }| NotifiedEvent { id, title }),
            artist: artist.map(|Artist { id, nickname }| NotifiedArtist { id, nickname }),
            payment_id,
            tickets,
            amount,
            giver,
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use api::{Context, FieldFaults, Response};
    use aws::Secret;
    use domain::{id::MailId, member::Role, who::Claims};
    use serde_json::{Value, json};
    use store::{
        Write,
        identity::member::{Member, MemberKey},
        inbox::notification::NotificationKey,
    };

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn store() -> Store {
        Store::new(stack::dynamo(), stack::prefix())
    }

    async fn cursors() -> Cursors {
        let (aws, id) = stack::cursor_secret().await;
        Cursors::new(Secret::new(&aws, &id))
    }

    async fn read(clients: (Store, Cursors), who: &Claims, paging: Value, now: Time) -> Value {
        let paging = deserr::deserialize::<_, _, FieldFaults>(paging).unwrap();
        let call =
            Call { who: stack::caller(who), input: Query(paging), context: Context::at(now) };
        let answer = Response::from(handle(clients, call).await.unwrap());
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// Something that happened then, by an artist who is gone.
    fn happened(at: Time) -> Notification {
        published_by(MemberId::generate(), at)
    }

    fn published_by(artist: MemberId, at: Time) -> Notification {
        let event = Event { id: EventId::generate(), title: "달빛 공연".parse().unwrap() };
        let publication = format!("EventPublished:{}:1", event.id);
        Notification::new_event(&publication, at, event, artist)
    }

    #[test]
    fn the_latest_is_first_on_every_page_and_each_page_says_how_much_is_not_read() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let (fan, other) = (
                stack::sign_in(&store, Role::User, now).await,
                stack::sign_in(&store, Role::User, now).await,
            );
            let clients = (store.clone(), cursors().await);
            let nothing = json!({ "items": [], "unreadCount": 0 });
            assert_eq!(read(clients.clone(), &fan, json!({}), now).await, nothing);
            // Told in another order than it happened, and the first of it twice.
            let told: Vec<_> = [2, 0, 1, 4, 3].map(|days| happened(now.minus(DAY * days))).into();
            for notification in told.iter().chain(&told[..1]) {
                store.notify(&[fan.member_id], notification).await.unwrap();
            }
            let (mut seen, mut paging) = (Vec::new(), json!({ "limit": "2" }));
            loop {
                let page = read(clients.clone(), &fan, paging.clone(), now).await;
                assert_eq!(page["unreadCount"], 5, "{page}");
                seen.extend(page["items"].as_array().unwrap().clone());
                if page["nextCursor"].is_null() {
                    break;
                }
                paging["cursor"] = page["nextCursor"].clone();
            }
            let expected = [1, 2, 0, 4, 3].map(|at: usize| {
                let Notification { id, event, artist_id, created_at, .. } = &told[at];
                let event = event.as_ref().unwrap();
                json!({
                    "id": id, "kind": "NEW_EVENT", "createdAt": created_at, "readAt": null,
                    "event": { "id": event.id, "title": event.title },
                    "artist": { "id": artist_id, "nickname": "탈퇴한 회원" },
                    "paymentId": null, "tickets": null, "amount": null, "giver": null,
                })
            });
            assert_eq!(seen, expected);
            assert_eq!(read(clients, &other, json!({}), now).await, nothing, "another's");
        });
    }

    #[test]
    fn an_artist_is_named_as_they_are_now_and_not_when_they_left() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let artist = stack::sign_in(&store, Role::Artist, now).await.member_id;
            let before = store.get(&MemberKey(artist)).await.unwrap().unwrap();
            store.notify(&[fan.member_id], &published_by(artist, now)).await.unwrap();
            let clients = (store.clone(), cursors().await);
            let named = async || {
                let page = read(clients.clone(), &fan, json!({}), now).await;
                page["items"][0]["artist"]["nickname"].as_str().unwrap().to_owned()
            };
            assert_eq!(named().await, before.nickname.as_str());
            let nickname = "새 이름".parse().unwrap();
            let renamed = Member { nickname, version: before.version + 1, ..before.clone() };
            store.change_member(&before, &renamed).await.unwrap();
            assert_eq!(named().await, "새 이름");
            store.change_member(&renamed, &renamed.leaving(MailId::generate(), now)).await.unwrap();
            assert_eq!(named().await, "탈퇴한 회원");
        });
    }

    #[test]
    fn what_is_gone_is_not_counted_for_all_the_time_that_anything_is_kept() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let mut all = 0;
            for days in (0..240).step_by(5) {
                let notification = happened(now.minus(DAY * days));
                let kept = !notification.expires_at.is_past(now);
                assert_eq!(
                    kept,
                    if (180..210).contains(&days) { kept } else { days < 180 },
                    "{days}"
                );
                store.notify(&[fan.member_id], &notification).await.unwrap();
                all += usize::from(kept);
            }
            let page = read((store, cursors().await), &fan, json!({ "limit": "100" }), now).await;
            assert_eq!(page["items"].as_array().unwrap().len(), all);
            assert_eq!(page["unreadCount"], all);
        });
    }

    #[test]
    fn what_a_newer_program_tells_is_listed_as_not_known_and_counted() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let fan = stack::sign_in(&store, Role::User, now).await;
            let notification = happened(now);
            store.notify(&[fan.member_id], &notification).await.unwrap();
            let key = NotificationKey { member_id: fan.member_id, id: notification.id };
            let newer =
                Write::update(&key).set("kind", "SETTLED").remove("event").remove("artistId");
            store.write(newer, ()).await.unwrap();
            let page = read((store, cursors().await), &fan, json!({}), now).await;
            let expected = json!({
                "id": notification.id, "kind": "UNKNOWN", "event": null, "artist": null,
                "paymentId": null, "tickets": null, "amount": null, "giver": null,
                "createdAt": now, "readAt": null,
            });
            assert_eq!(page, json!({ "items": [expected], "unreadCount": 1 }));
        });
    }

    #[test]
    fn an_artist_sees_what_they_were_given_and_what_whoever_gave_it_is_called_now() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = stack::sign_in(&store, Role::Artist, now).await;
            let mut giver = stack::member(Role::User, now);
            let given =
                Notification::sponsored(giver.id, Won::new(5_000), "Approved:1", now.minus(DAY));
            store.notify(&[artist.member_id], &given).await.unwrap();
            giver.nickname = "새 이름".parse().unwrap();
            store.put(&MemberKey(giver.id), &giver).await.unwrap();
            let page = read((store, cursors().await), &artist, json!({}), now).await;
            let item = &page["items"][0];
            assert_eq!((&item["kind"], &item["amount"]), (&json!("SPONSORED"), &json!(5_000)));
            assert_eq!((&item["giver"], &item["artist"]), (&json!("새 이름"), &Value::Null));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let now = Time::now();
            let fan = stack::sign_in(&store(), Role::User, now).await;
            let artist = stack::sign_in(&store(), Role::Artist, now).await.member_id;
            store().notify(&[fan.member_id], &published_by(artist, now)).await.unwrap();
            let (client, meter) = stack::metered();
            let clients = (Store::new(client, stack::prefix()), cursors().await);
            read(clients, &fan, json!({}), now).await;
            stack::assert_operation("list_notifications", &meter.take());
        });
    }
}
