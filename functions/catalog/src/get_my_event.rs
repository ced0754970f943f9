//! `GET /v1/me/events/{eventId}`: an event of one's own, which may be a draft.

use api::{Answer, Call, Path, Problem};
use domain::event::State;
use store::{
    Relaxed, Store,
    catalog::{draft::DraftKey, event::EventKey},
    identity::session::SignedIn,
    sales::stock::{self, Stock},
};

use crate::{
    path::{EventPath, own},
    view::{EventView, tag},
};

/// Reads an event of one's own
///
/// Its artist only; for everybody else it does not exist. Of a draft no seat is there. Its `ETag` is what a change names.
#[utoipa::path(get, path = "/v1/me/events/{eventId}",
    params(
        EventPath,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has"),
    ),
    responses(
        (status = 200, description = "The event", body = EventView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it already"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<EventView>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    let keys = (EventKey(event_id), DraftKey::of(&who, event_id));
    let (session, (event, draft)) = store.read_for(&who, keys, context.now).await?;
    let event = own(event.or(draft), session.member.id)?;
    let shards = if event.state == State::Draft { 0 } else { event.shards.max(1) };
    let shards: Vec<_> = stock::keys(event.id, shards).into_iter().map(Relaxed).collect();
    let seats_left = store.read_all(&shards).await?.iter().flatten().map(Stock::on_sale).sum();
    let tag = tag(event.version, seats_left);
    Ok(Answer::ok(EventView::of(event, seats_left)).tagged(&tag, &context))
}

#[cfg(test)]
mod tests {
    use api::{Body, Context};
    use domain::{
        id::{EventId, MailId},
        member::Role,
        time::Time,
        who::{Claims, Who},
    };
    use http::HeaderMap;
    use serde_json::{Value, json};
    use store::{
        Client, Write,
        catalog::{event::Event, of_artist::Position, on_sale::OnSaleKey},
        identity::member::MemberKey,
    };

    use super::*;
    use crate::{
        change_event, create_event, delete_event, get_event,
        samples::{DAY, artist, body, parse, publish, seen, store},
    };

    type Seen = (u16, Value, HeaderMap);

    fn call<W: Who, I>(artist: &Claims, input: I) -> Call<W, I> {
        let mut context = Context::at(Time::now());
        context.headers.insert("If-Match", "*".parse().unwrap());
        Call { who: stack::caller(artist), input, context }
    }

    fn id(view: &Value) -> EventPath {
        EventPath { event_id: view["id"].as_str().unwrap().parse().unwrap() }
    }

    /// A draft that an artist begins, of what is over.
    async fn draft(artist: &Claims) -> Value {
        let mut draft = body(Time::now().minus(DAY * 100));
        draft["state"] = "DRAFT".into();
        let call = publish(artist, "draft", draft, Time::now());
        let (status, view, headers) = seen(create_event::handle(store(), call).await);
        assert_eq!((status, &view["state"], &view["seatsLeft"]), (201, &json!("DRAFT"), &json!(0)));
        let own = format!("/v1/me/events/{}", view["id"].as_str().unwrap());
        assert_eq!(headers["location"], own);
        assert_eq!(headers["etag"], "\"1.0\"");
        view
    }

    async fn change_by(store: Store, artist: &Claims, draft: &Value, body: Value) -> Seen {
        let input = (Path(id(draft)), Body(parse(body).unwrap()));
        seen(change_event::handle(store, call(artist, input)).await)
    }

    async fn read(artist: &Claims, draft: &Value) -> Seen {
        seen(handle(store(), call(artist, Path(id(draft)))).await)
    }

    async fn public(draft: &Value) -> u16 {
        let context = Context::at(Time::now());
        let call = Call { who: api::Anyone, input: Path(id(draft)), context };
        seen(get_event::handle(store(), call).await).0
    }

    async fn is_event(id: EventId) -> Option<Event> {
        store().get(&EventKey(id)).await.unwrap()
    }

    /// In time.
    fn to_come() -> Value {
        let now = Time::now();
        let good = body(now);
        let mut times = json!({ "state": "OPEN" });
        for field in ["startsAt", "endsAt", "saleStartsAt", "saleEndsAt"] {
            times[field] = good[field].clone();
        }
        times
    }

    #[test]
    fn a_draft_is_its_artists_alone_and_whatever_it_says() {
        stack::run(async {
            let now = Time::now();
            let [artist, other] = [artist(&store(), now).await, artist(&store(), now).await];
            let draft = draft(&artist).await;
            assert_eq!((public(&draft).await, read(&other, &draft).await.0), (404, 404));
            assert_eq!(read(&artist, &draft).await.1, draft);
            let (status, changed, headers) =
                change_by(store(), &artist, &draft, json!({ "capacity": 9, "state": "DRAFT" }))
                    .await;
            assert_eq!((status, &headers["etag"]), (200, &"\"2.0\"".parse().unwrap()));
            assert_eq!(read(&artist, &draft).await.1, changed);
            let stolen = change_by(store(), &other, &draft, json!({ "capacity": 9 })).await;
            assert_eq!(stolen.1["code"], "EVENT_NOT_FOUND");

            let id = id(&draft).event_id;
            let own = Position::first(now);
            let (listed, _) = store().events_of_artist(artist.member_id, 10, own).await.unwrap();
            assert!(listed.is_empty() && is_event(id).await.is_none());
            assert_eq!(store().get(&OnSaleKey(id)).await.unwrap(), None);
            assert_eq!(store().get(&stock::keys(id, 1)[0]).await.unwrap(), None);

            let deleted = seen(
                delete_event::handle(store(), call(&artist, Path(EventPath { event_id: id })))
                    .await,
            );
            assert_eq!(deleted.1["became"], "DELETED");
            assert_eq!(read(&artist, &draft).await.0, 404);
        });
    }

    #[test]
    fn what_publishes_a_draft_is_checked_and_makes_all_that_an_event_is_sold_by() {
        stack::run(async {
            let artist = artist(&store(), Time::now()).await;
            let draft = draft(&artist).await;
            let (status, problem, _) =
                change_by(store(), &artist, &draft, json!({ "state": "OPEN" })).await;
            assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("PAST")));
            assert_eq!(is_event(id(&draft).event_id).await, None);

            let (status, event, headers) = change_by(store(), &artist, &draft, to_come()).await;
            assert_eq!((status, &event["state"]), (200, &json!("OPEN")), "{event}");
            assert_eq!(headers["etag"], "\"2.50\"");
            assert_eq!((public(&draft).await, &read(&artist, &draft).await.1), (200, &event));
            assert_ne!(event["createdAt"], draft["createdAt"], "it was published just now");
            let is = is_event(id(&draft).event_id).await.unwrap();
            assert!(store().get(&is.draft()).await.unwrap().is_none());
            let back = change_by(store(), &artist, &draft, json!({ "state": "DRAFT" })).await;
            assert_eq!((back.0, &back.1["errors"][0]["code"]), (422, &json!("CHOICE")));
        });
    }

    /// Publishes a draft that was read once two times, by a client of its own; whether the second time did anything.
    async fn twice(client: Client) -> bool {
        let now = Time::now();
        let artist = artist(&store(), now).await;
        let id = id(&draft(&artist).await).event_id;
        let keys = (DraftKey::of(&stack::caller(&artist), id), MemberKey(artist.member_id));
        let (draft, member) = store().read(&keys).await.unwrap();
        let (draft, member) = (draft.unwrap(), member.unwrap());
        let publishing = Store::new(client, stack::prefix());
        let publish = || {
            let wanted = Event { state: State::Open, ..stack::event(50, now) };
            let wanted = Event { id, artist_id: artist.member_id, ..wanted };
            publishing.publish(&draft, wanted, &member, now)
        };
        publish().await.unwrap();
        publish().await.is_ok()
    }

    #[test]
    fn who_publishes_twice_publishes_once_and_without_the_conditions_twice() {
        stack::run(async {
            assert!(!twice(stack::dynamo()).await);
            assert!(twice(stack::without_all(&["version", "pk"])).await);
        });
    }

    #[test]
    fn who_publishes_twice_at_once_makes_one_event() {
        stack::run(async {
            let artist = artist(&store(), Time::now()).await;
            let draft = draft(&artist).await;
            let publish = || change_by(store(), &artist, &draft, to_come());
            for (status, answer, _) in futures::future::join_all([publish(), publish()]).await {
                assert!(status == 200 || answer["code"] == "CHANGED_SINCE", "{answer}");
            }
            assert_eq!(is_event(id(&draft).event_id).await.unwrap().version, 2);
        });
    }

    #[test]
    fn who_is_no_artist_any_more_publishes_nothing() {
        stack::run(async {
            let artist = artist(&store(), Time::now()).await;
            let draft = draft(&artist).await;
            let other_role = Write::update(&MemberKey(artist.member_id)).set("role", Role::User);
            store().write(other_role, ()).await.unwrap();
            let (status, problem, _) = change_by(store(), &artist, &draft, to_come()).await;
            assert_eq!((status, &problem["code"]), (403, &json!("ARTISTS_ONLY")));
            assert_eq!(is_event(id(&draft).event_id).await, None);
        });
    }

    #[test]
    fn whoever_leaves_meanwhile_publishes_nothing() {
        stack::run(async {
            let artist = artist(&store(), Time::now()).await;
            let (draft, key) = (draft(&artist).await, MemberKey(artist.member_id));
            let leaves = move || async move {
                let member = store().get(&key).await.unwrap().unwrap();
                let leaving = member.leaving(MailId::generate(), Time::now());
                store().change_member(&member, &leaving).await.unwrap();
            };
            let client = stack::meanwhile("TransactWriteItems", leaves);
            let store = Store::new(client, stack::prefix());
            let (status, problem, _) = change_by(store, &artist, &draft, to_come()).await;
            assert_eq!((status, &problem["code"]), (401, &json!("SESSION_ENDED")));
            assert_eq!(is_event(id(&draft).event_id).await, None);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let metered = Store::new(client, stack::prefix());
            let artist = artist(&store(), Time::now()).await;
            let draft = draft(&artist).await;
            let read = async |operation| {
                meter.take();
                let path = Path(id(&draft));
                handle(metered.clone(), call(&artist, path)).await.unwrap();
                stack::assert_operation(operation, &meter.take());
            };
            read("get_my_event, a draft").await;
            meter.take();
            change_by(metered.clone(), &artist, &draft, json!({ "price": 0 })).await;
            stack::assert_operation("change_event, a draft", &meter.take());
            change_by(metered.clone(), &artist, &draft, to_come()).await;
            stack::assert_operation("change_event publishes a draft", &meter.take());
            read("get_my_event").await;
        });
    }
}
