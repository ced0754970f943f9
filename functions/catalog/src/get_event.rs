//! `GET /v1/events/{eventId}`: an event with the seats that are left.

use api::{Answer, Anyone, Call, Path, Problem};
use domain::codes;
use store::{
    Relaxed, Store,
    sales::stock::{self, Stock},
};

use crate::{
    path::EventPath,
    view::{EventView, tag},
};

/// Reads an event
///
/// Everybody may. The entity tag changes with the event and with the seats that are left, which may be a second old.
#[utoipa::path(get, path = "/v1/events/{eventId}",
    params(
        EventPath,
        ("If-None-Match" = Option<String>, Header, description = "Entity tags that the caller has"),
    ),
    responses(
        (status = 200, description = "The event", body = EventView, headers(("ETag" = String))),
        (status = 304, description = "The caller has it already"),
    ),
)]
pub async fn handle(
    store: Store,
    call: Call<Anyone, Path<EventPath>>,
) -> Result<Answer<EventView>, Problem> {
    let Call { input: Path(EventPath { event_id }), context, .. } = call;
    let event = store.event(event_id).await?;
    let event = event.ok_or_else(|| Problem::new(codes::EVENT_NOT_FOUND))?;

    let shards: Vec<_> = stock::keys(event.id, event.shards).into_iter().map(Relaxed).collect();
    let stock = store.read_all(&shards).await?;
    let seats_left = stock.iter().flatten().map(Stock::on_sale).sum();
    let tag = tag(event.version, seats_left);
    Ok(Answer::ok(EventView::of(event, seats_left)).tagged(&tag, &context).public())
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::{id::EventId, time::Time};
    use serde_json::json;
    use store::{
        Transaction, Write,
        catalog::event::{Event, EventKey},
    };

    use super::*;
    use crate::{
        create_event,
        samples::{artist, body, event, publish, seen, store},
    };

    fn asked(event_id: EventId, known: &str) -> Call<Anyone, Path<EventPath>> {
        let mut context = Context::at(Time::now());
        context.headers.insert("If-None-Match", known.parse().unwrap());
        Call { who: Anyone, input: Path(EventPath { event_id }), context }
    }

    #[test]
    fn what_was_published_is_read_by_anybody() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            let artist = artist(&store, now).await;
            let call = publish(&artist, "key", body(now), now);
            let (_, published, headers) = seen(create_event::handle(store.clone(), call).await);
            let id = published["id"].as_str().unwrap().parse().unwrap();

            let (status, read, read_headers) = seen(handle(store, asked(id, "")).await);
            assert_eq!((status, &read), (200, &published));
            assert_eq!(read_headers["etag"], headers["etag"]);
            assert_eq!(read["refundPolicy"], "STANDARD");
            assert_eq!(read["seatsLeft"], 50);
            assert_eq!(
                read["artist"],
                json!({ "id": artist.member_id, "nickname": "새벽의 기타" })
            );
        });
    }

    #[test]
    fn reading_costs_what_the_data_model_says() {
        stack::run(async {
            let (store, now) = (store(), Time::now());
            for (capacity, operation) in [(50, "get_event"), (40_000, "get_event_of_80_shards")] {
                let artist = artist(&store, now).await;
                let mut body = body(now);
                body["capacity"] = capacity.into();
                let call = publish(&artist, "key", body, now);
                let published = create_event::handle(store.clone(), call).await.unwrap().value;

                let (client, meter) = stack::metered();
                let metered = Store::new(client, stack::prefix());
                handle(metered, asked(published.id, "")).await.unwrap();
                stack::assert_operation(operation, &meter.take());
            }
        });
    }

    #[test]
    fn who_has_it_is_told_so_until_it_or_its_seats_change() {
        stack::run(async {
            let store = store();
            let mut event = event(Time::now());
            let stock = stock::create(event.id, event.capacity, event.sale());
            let making = stock.into_iter().fold(Transaction::<()>::new(), Transaction::also);
            let making = making.also(Write::create(&EventKey(event.id), &event));
            store.transact(making).await.unwrap();
            let ask = |known: &str| handle(store.clone(), asked(event.id, known));
            let first = seen(ask("").await).2["etag"].to_str().unwrap().to_owned();
            let (status, body, headers) = seen(ask(&first).await);
            assert_eq!(
                (status, body.is_null(), headers["etag"].as_bytes()),
                (304, true, first.as_bytes())
            );

            let seats = stock::Seats { number: 0, count: 2 };
            let hold = stock::hold(event.id, seats, &event.sale(), Time::now());
            store.write(hold, ()).await.unwrap();
            let (status, body, headers) = seen(ask(&first).await);
            assert_eq!((status, &body["seatsLeft"]), (200, &json!(48)));

            let second = headers["etag"].to_str().unwrap();
            event.version += 1;
            store.write(Write::put(&EventKey(event.id), &event), ()).await.unwrap();
            assert_eq!(seen(ask(second).await).0, 200);
        });
    }

    #[test]
    fn what_is_unknown_or_deleted_is_not_found() {
        stack::run(async {
            let store = store();
            let unknown = handle(store.clone(), asked(EventId::generate(), "")).await;
            assert_eq!(unknown.unwrap_err().code(), "EVENT_NOT_FOUND");

            let now = Time::now();
            let deleted = Event { deleted_at: Some(now), ..event(now) };
            store.write(Write::put(&EventKey(deleted.id), &deleted), ()).await.unwrap();
            let (status, problem, _) = seen(handle(store, asked(deleted.id, "")).await);
            assert_eq!((status, &problem["code"]), (404, &json!("EVENT_NOT_FOUND")));
        });
    }
}
