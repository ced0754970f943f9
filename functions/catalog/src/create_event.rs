//! `POST /v1/events`: an artist publishes an event, with its stock.

use std::time::Duration;

use api::{Answer, Body, Call, FieldFaults, Idempotency, Problem};
use deserr::Deserr;
use domain::{
    event::{
        AskedPrice, Capacity, Category, Content, Place, RefundPolicy, Saved, Schedule, State, Title,
    },
    id::EventId,
    time::Time,
};
use http::header;
use store::{
    Rejected, Store, Transaction, Write,
    catalog::event::Event,
    ephemeral::{
        idempotency::{Begun, IdempotencyFault, LEASE, RecordKey},
        rate::Rule,
    },
    identity::{
        member::MemberKey,
        session::{Artist, SessionEnded},
    },
};
use utoipa::ToSchema;

use crate::view::{EventView, tag};

/// An event to be published.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateEvent {
    title: Title,
    place: Place,
    content: Content,
    category: Category,
    capacity: Capacity,
    price: AskedPrice,
    /// When it starts.
    starts_at: Time,
    /// When it ends: after the start.
    ends_at: Time,
    /// The first moment of the sale.
    sale_starts_at: Time,
    /// The first moment after the sale: after its start, and no later than the event's end.
    sale_ends_at: Time,
    #[deserr(default = RefundPolicy::Standard)]
    #[schema(required = false, default = "STANDARD")]
    refund_policy: RefundPolicy,
    /// `OPEN`, if it is not given.
    #[deserr(default = Saved::Open)]
    #[schema(required = false)]
    state: Saved,
}

/// Publishes an event, or begins a draft
///
/// Artists only, with a verified e-mail address (`EMAIL_NEEDED`) and of age (`AGE_NEEDED`). The same key with the same body answers the same event for 24 hours, so a double click publishes once.
/// A draft (`"state": "DRAFT"`) nobody but its artist knows of, and nothing of it is sold, until `PATCH` publishes it.
#[utoipa::path(post, path = "/v1/events", request_body = CreateEvent,
    params(Idempotency),
    responses((status = 201, description = "Published, or saved", body = EventView,
        headers(("Location" = String), ("ETag" = String)))),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    store: Store,
    call: Call<Artist, Body<CreateEvent>>,
) -> Result<Answer<EventView>, Problem> {
    let idempotency = call.idempotency()?;
    let Call { who, input: Body(body), context } = call;
    let now = context.now;
    let state = State::from(body.state);
    let schedule =
        Schedule::new(body.starts_at, body.ends_at, body.sale_starts_at, body.sale_ends_at)
            .and_then(|it| if state == State::Draft { Ok(it) } else { it.not_over(now) })
            .map_err(Problem::broken_rules)?;

    let artist = store.session(&who, now).await?.member;
    artist.may_deal(now)?;

    let key = RecordKey {
        account: artist.id.to_string(),
        operation: "create_event",
        key: idempotency.key,
    };
    let lease = match store.begin(key, &idempotency.fingerprint, now).await? {
        Begun::Run(lease) => lease,
        Begun::Finished(answer) => {
            return Ok(published(serde_json::from_str(&answer).map_err(|_| internal())?));
        }
    };
    if let Err(fault) = store.count(PUBLISHING, &artist.id.to_string(), now).await {
        store.give_up(&lease).await;
        return Err(fault.into());
    }

    let event = Event {
        id: EventId::generate(),
        artist_id: artist.id,
        artist_nickname: artist.nickname,
        title: body.title,
        place: body.place,
        content: body.content,
        category: body.category,
        capacity: body.capacity,
        price: body.price.into(),
        schedule,
        refund_policy: body.refund_policy,
        state,
        terms_version: 1,
        shards: 0,
        version: FIRST_VERSION,
        created_at: now,
        updated_at: now,
        deleted_at: None,
    };
    let event = event.spread();
    // The stock, the event and the memory of the answer are one: whatever dies before leaves nothing, and a retry makes it.
    let (writes, seats_left) = match state {
        State::Draft => (vec![Write::create(&event.draft(), &event)], 0),
        _ => (event.publication(), body.capacity.get()),
    };
    let publication = writes.into_iter().fold(Transaction::new(), Transaction::also);
    let view = EventView::of(event, seats_left);
    let answer = serde_json::to_string(&view).map_err(|_| internal())?;
    // Nobody who leaves at this moment leaves an event behind.
    let publication = publication.require(MemberKey(artist.id).is_here(), NotPublished::Left);
    let publication = publication.require(lease.finish(&answer), NotPublished::AnotherRun);
    match store.transact(publication).await {
        Ok(()) => Ok(published(view)),
        Err(Rejected::Condition(NotPublished::Left)) => Err(SessionEnded.into()),
        Err(Rejected::Condition(NotPublished::AnotherRun)) => {
            Err(IdempotencyFault::InProgress { retry_after: LEASE }.into())
        }
        Err(Rejected::Store(fault)) => {
            store.give_up(&lease).await;
            Err(fault.into())
        }
    }
}

/// Why there is no event.
#[derive(Clone, Copy)]
enum NotPublished {
    /// Its artist is gone.
    Left,
    /// Another run has the key.
    AnotherRun,
}

const FIRST_VERSION: u64 = 1;

/// What one artist may publish: a season at once, but not a flood of the search.
pub(crate) const PUBLISHING: Rule =
    Rule { name: "publish", limit: 50, window: Duration::from_hours(1) };

fn published(event: EventView) -> Answer<EventView> {
    let of_its_own = if event.state == State::Draft { "/me" } else { "" };
    let location = format!("/v1{of_its_own}/events/{}", event.id);
    let tag = tag(FIRST_VERSION, event.seats_left);
    Answer::created(event, &location).with(header::ETAG, &format!("\"{tag}\""))
}

fn internal() -> Problem {
    Problem::new(domain::codes::INTERNAL)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::{
        id::{MailId, MemberId, SessionId},
        member::Role,
        who::{Claims, NotAllowed, Who},
    };
    use futures::future::join_all;
    use serde_json::{Value, json};
    use store::{
        catalog::{
            event::EventKey,
            on_sale::{OnSale, OnSaleKey},
        },
        identity::{member::MemberKey, session::SessionKey},
        sales::stock,
    };

    use super::*;
    use crate::samples::{DAY, artist, body, parse, publish, seen, store};

    /// How many events of an artist are in the table.
    async fn published_by(artist: MemberId) -> usize {
        let items = stack::items(&format!("{}-catalog", stack::prefix())).await;
        let published = |item: &&Value| item["sk"] == "EVENT" && item["artistId"] == json!(artist);
        items.iter().filter(published).count()
    }

    #[test]
    fn whoever_leaves_while_they_publish_leaves_no_event_behind() {
        stack::run(async {
            let now = Time::now();
            let claims = artist(&store(), now).await;
            let key = MemberKey(claims.member_id);
            let leaves = move || async move {
                let member = store().get(&key).await.unwrap().unwrap();
                let leaving = member.leaving(MailId::generate(), now);
                store().change_member(&member, &leaving).await.unwrap();
            };
            let meanwhile = stack::meanwhile("TransactWriteItems", leaves);
            let publishing = publish(&claims, "key", body(now), now);
            let answer = handle(Store::new(meanwhile, stack::prefix()), publishing).await;
            let (status, refusal, _) = seen(answer);
            assert_eq!((status, &refusal["code"]), (401, &json!("SESSION_ENDED")));
            assert_eq!(published_by(claims.member_id).await, 0);
            assert!(store().get(&key).await.unwrap().unwrap().left.is_some());
        });
    }

    #[test]
    fn is_here_means_there_and_not_left() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let key = MemberKey(artist(&store, now).await.member_id);
            let is_here = async || {
                let guarded = Transaction::new().require(key.is_here(), ());
                store.transact(guarded).await.is_ok()
            };
            assert!(is_here().await);
            let member = store.get(&key).await.unwrap().unwrap();
            let leaving = member.leaving(MailId::generate(), now);
            store.change_member(&member, &leaving).await.unwrap();
            assert!(!is_here().await);
            store.write(Write::delete(&key), ()).await.unwrap();
            assert!(!is_here().await);
        });
    }

    #[test]
    fn a_double_click_publishes_one_event_and_is_answered_the_same() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let click = |now| handle(store.clone(), publish(&artist, "click", body(now), now));
            let first = seen(click(now).await);
            assert_eq!(first.0, 201, "{}", first.1);
            assert_eq!(
                first.2["location"],
                format!("/v1/events/{}", first.1["id"].as_str().unwrap())
            );
            assert_eq!(first.2["etag"], "\"1.50\"");
            assert_eq!(seen(click(now).await), first);
            assert_eq!(published_by(artist.member_id).await, 1);
        });
    }

    #[test]
    fn who_says_neither_how_old_they_are_nor_where_mail_reaches_them_publishes_nothing() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let key = MemberKey(artist.member_id);
            for (lacking, needed) in [("email", "EMAIL_NEEDED"), ("declaredOfAgeAt", "AGE_NEEDED")]
            {
                store.write(Write::update(&key).remove(lacking), ()).await.unwrap();
                let publishing = publish(&artist, lacking, body(now), now);
                let (status, problem, _) = seen(handle(store.clone(), publishing).await);
                assert_eq!((status, &problem["code"]), (403, &json!(needed)));
            }
            assert_eq!(published_by(artist.member_id).await, 0);
        });
    }

    #[test]
    fn clicks_at_the_same_moment_publish_one_event() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let click = || handle(store.clone(), publish(&artist, "clicks", body(now), now));
            let answers = join_all((0..20).map(|_| click())).await.into_iter().map(seen);
            let mut ids = BTreeSet::new();
            for (status, answer, headers) in answers {
                if status == 201 {
                    ids.insert(answer["id"].to_string());
                } else {
                    assert_eq!((status, &answer["code"]), (409, &json!("IDEMPOTENCY_IN_PROGRESS")));
                    assert!(headers.contains_key("retry-after"));
                }
            }
            let (status, answer, _) = seen(click().await);
            assert_eq!(status, 201, "the retry is told what was published");
            assert_eq!(ids, BTreeSet::from([answer["id"].to_string()]));
            assert_eq!(published_by(artist.member_id).await, 1);
        });
    }

    #[test]
    fn a_key_stands_for_one_body_for_a_day_and_for_one_artist() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let (first, second) = (artist(&store, now).await, artist(&store, now).await);
            let body = body(now);
            let ask = |artist: &Claims, body: &Value, now| {
                handle(store.clone(), publish(artist, "key", body.clone(), now))
            };
            let id = seen(ask(&first, &body, now).await).1["id"].clone();

            let mut other = body.clone();
            other["title"] = "다른 공연".into();
            let (status, problem, _) = seen(ask(&first, &other, now).await);
            assert_eq!((status, &problem["code"]), (422, &json!("IDEMPOTENCY_KEY_REUSED")));

            assert_ne!(seen(ask(&second, &body, now).await).1["id"], id, "another artist's key");
            let hours = |hours| now.plus(Duration::from_hours(hours));
            assert_eq!(seen(ask(&first, &body, hours(23)).await).1["id"], id);
            assert_ne!(seen(ask(&first, &body, hours(25)).await).1["id"], id, "forgotten");
        });
    }

    #[test]
    fn what_died_before_it_published_is_resumed_by_a_retry_when_its_lease_is_over() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let retry = |at| handle(store.clone(), publish(&artist, "died", body(now), at));
            // As the handler does, up to where the process dies.
            let key = RecordKey {
                account: artist.member_id.to_string(),
                operation: "create_event",
                key: "died".into(),
            };
            store.begin(key, &body(now).to_string(), now).await.unwrap();

            let (status, problem, _) = seen(retry(now).await);
            assert_eq!((status, &problem["code"]), (409, &json!("IDEMPOTENCY_IN_PROGRESS")));
            let first = seen(retry(now.plus(LEASE)).await);
            assert_eq!(first.0, 201, "{}", first.1);
            assert_eq!(seen(retry(now.plus(LEASE)).await), first);
            assert_eq!(published_by(artist.member_id).await, 1);
        });
    }

    #[test]
    fn an_artist_publishes_so_many_in_an_hour_and_is_told_when_to_go_on() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let ask = |key: &str, at| handle(store.clone(), publish(&artist, key, body(now), at));
            assert_eq!(seen(ask("first", now).await).0, 201);
            for _ in 1..PUBLISHING.limit {
                store.count(PUBLISHING, &artist.member_id.to_string(), now).await.unwrap();
            }
            let (status, problem, headers) = seen(ask("next", now).await);
            assert_eq!((status, &problem["code"]), (429, &json!("TOO_MANY_REQUESTS")));
            let wait: u64 = headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=3600).contains(&wait), "{wait}");
            // From another session, at another address, it is still the same artist.
            let again = Claims { session_id: SessionId::generate(), ..artist };
            let key = SessionKey { member_id: again.member_id, session_id: again.session_id };
            store.write(Write::create(&key, &stack::session(&key, now)), ()).await.unwrap();
            let refused = handle(store.clone(), publish(&again, "again", body(now), now)).await;
            assert_eq!(seen(refused).0, 429);
            let another = crate::samples::artist(&store, now).await;
            let taken = handle(store.clone(), publish(&another, "next", body(now), now)).await;
            assert_eq!(seen(taken).0, 201, "another artist");
            assert_eq!(seen(ask("first", now).await).0, 201, "what was published is told again");
            assert_eq!(seen(ask("next", now.plus(Duration::from_secs(wait))).await).0, 201);
            assert_eq!(published_by(artist.member_id).await, 2);
        });
    }

    #[test]
    fn an_event_that_is_over_is_not_published() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let end = now.plus(DAY * 31);
            // It ended a moment ago, just now, a year ago.
            for at in [end.plus(Duration::from_millis(1)), end, now.plus(DAY * 365)] {
                let answer = handle(store.clone(), publish(&artist, "key", body(now), at)).await;
                let (status, problem, _) = seen(answer);
                assert_eq!((status, &problem["code"]), (422, &json!("INVALID_FIELDS")));
                let told: Vec<_> = problem["errors"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|it| (&it["pointer"], &it["code"]))
                    .collect();
                assert_eq!(
                    told,
                    [(&json!("/endsAt"), &json!("PAST")), (&json!("/saleEndsAt"), &json!("PAST"))]
                );
            }
            assert_eq!(published_by(artist.member_id).await, 0);
        });
    }

    #[test]
    fn an_event_that_goes_on_is_published_and_one_that_is_sold_no_more() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let ends = now.plus(DAY * 31);
            // The last millisecond; while it goes on; when only the sale is over, for somebody sold it elsewhere.
            for at in [ends.minus(Duration::from_millis(1)), now.plus(DAY * 30), now.plus(DAY * 29)]
            {
                let artist = artist(&store, at).await;
                let answer = handle(store.clone(), publish(&artist, "key", body(now), at)).await;
                assert_eq!(seen(answer).0, 201, "{at:?}");
            }
        });
    }

    #[test]
    fn the_stock_is_the_capacity_over_however_many_shards() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            for (capacity, shards) in [(1, 1), (500, 1), (501, 2), (100_000, 80)] {
                let mut body = body(now);
                body["capacity"] = capacity.into();
                let call = publish(&artist, &format!("capacity-{capacity}"), body, now);
                let view = handle(store.clone(), call).await.unwrap().value;
                assert_eq!(view.seats_left, capacity);

                let event = store.get(&EventKey(view.id)).await.unwrap().unwrap();
                assert_eq!(event.shards, shards, "of {capacity}");
                let stock = store.read_all(&stock::keys(view.id, shards)).await.unwrap();
                let stock: Vec<_> = stock.into_iter().map(Option::unwrap).collect();
                let free: u32 = stock.iter().map(|stock| stock.shard.free).sum();
                assert_eq!(free, capacity);
                assert!(stock.iter().all(|stock| stock.sale == event.sale()));
                let on_sale = store.get(&OnSaleKey(view.id)).await.unwrap();
                assert_eq!(on_sale, Some(OnSale::from(&event)), "what a purchase reads");
            }
        });
    }

    #[test]
    fn publishing_costs_what_the_data_model_says() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            handle(store, publish(&artist, "key", body(now), now)).await.unwrap();
            stack::assert_operation("create_event", &meter.take());
        });
    }

    #[test]
    fn fans_may_not_publish() {
        let fan = Claims {
            member_id: MemberId::generate(),
            session_id: SessionId::generate(),
            role: Role::User,
        };
        assert_eq!(Artist::identify(Some(fan)).unwrap_err(), NotAllowed::ArtistsOnly);
        assert_eq!(Artist::identify(None).unwrap_err(), NotAllowed::SignInRequired);
    }

    #[test]
    fn an_artist_who_signed_out_publishes_nothing() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            store.sign_out(&stack::caller::<Artist>(&artist), now).await.unwrap();
            let answer = handle(store, publish(&artist, "key", body(now), now)).await;
            assert_eq!(seen(answer).1["code"], "SESSION_ENDED");
            assert_eq!(published_by(artist.member_id).await, 0);
        });
    }

    #[test]
    fn every_bad_field_and_then_every_broken_rule_is_told_at_once() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let mut bad = body(now);
            bad["title"] = " ".into();
            bad["capacity"] = 100_001.into();
            bad["price"] = 49.into();
            bad["category"] = "OPERA".into();
            bad["startsAt"] = "2026-12-24T19:30:00".into();
            bad["refundPolicy"] = "NEVER".into();
            let faults = format!("{:?}", parse::<CreateEvent>(bad).unwrap_err());
            for field in ["title", "capacity", "price", "category", "startsAt", "refundPolicy"] {
                assert!(faults.contains(&format!("\"/{field}\"")), "{field}: {faults}");
            }

            let mut broken = body(now);
            broken["endsAt"] = broken["startsAt"].clone();
            broken["saleStartsAt"] = json!(now.plus(Duration::from_hours(24 * 40)));
            broken["saleEndsAt"] = broken["saleStartsAt"].clone();
            let (status, problem, _) =
                seen(handle(store, publish(&artist, "k", broken, now)).await);
            assert_eq!(status, 422);
            let told: Vec<_> = problem["errors"]
                .as_array()
                .unwrap()
                .iter()
                .map(|error| (error["pointer"].as_str().unwrap(), error["code"].as_str().unwrap()))
                .collect();
            let rules =
                [("/endsAt", "AFTER"), ("/saleEndsAt", "AFTER"), ("/saleEndsAt", "NOT_AFTER")];
            assert_eq!(told, rules);
            assert_eq!(published_by(artist.member_id).await, 0);
        });
    }
}
