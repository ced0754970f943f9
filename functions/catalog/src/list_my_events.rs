//! `GET /v1/me/events`: what an artist has published, with how each event sells.

use api::{Answer, Call, Cursors, List, Paging, Problem, Query};
use domain::{
    event::{Place, Price, State, Title},
    id::EventId,
    time::Time,
};
use serde::{Deserialize, Serialize};
use store::{
    Page, Start, Store,
    catalog::{event::Event, of_artist::Position, on_sale::OnSale},
    identity::session::Artist,
    sales::stock::Tally,
};
use utoipa::ToSchema;

/// An event, as its artist sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnEventView {
    /// Its id.
    id: EventId,
    /// What it is called.
    title: Title,
    /// Where it takes place.
    place: Place,
    /// What one ticket costs, in won.
    price: Price,
    /// When it starts.
    starts_at: Time,
    /// When it ends.
    ends_at: Time,
    /// The first moment of the sale.
    sale_starts_at: Time,
    /// The first moment after the sale.
    sale_ends_at: Time,
    /// Whether it takes place.
    state: State,
    /// Whether it has ended.
    over: bool,
    /// How it sells.
    seats: SeatsView,
    /// What the tickets that are sold cost at their list price, in won. Of what goes back it is none.
    #[schema(minimum = 0, example = 360_000)]
    takings: u64,
}

/// How many tickets of an event there are, each of them in one of these.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeatsView {
    /// That nobody has. While somebody waits for seats they are for those who wait.
    free: u32,
    /// That are kept for somebody who waited.
    offered: u32,
    /// Of purchases that are not paid yet.
    held: u32,
    /// That are paid.
    sold: u32,
}

impl OwnEventView {
    fn of(event: OnSale, tally: Tally, now: Time) -> Self {
        let OnSale { id, title, place, price, schedule, state, .. } = event;
        let Tally { free, offered, held, sold, takings } = tally;
        Self {
            id,
            title,
            place,
            price,
            starts_at: schedule.starts_at(),
            ends_at: schedule.ends_at(),
            sale_starts_at: schedule.sale_starts_at(),
            sale_ends_at: schedule.sale_ends_at(),
            state,
            over: schedule.not_over(now).is_err(),
            seats: SeatsView { free, offered, held, sold },
            takings: u64::try_from(takings).unwrap_or(0),
        }
    }
}

/// Lists one's own events
///
/// Artists only. First drafts, then those that are not over, the soonest to end first, then those that are, the latest first; each with how it
/// sells, which may be a second old. At most 20 are on a page.
#[utoipa::path(get, path = "/v1/me/events", params(Paging),
    responses((status = 200, description = "A page of events", body = List<OwnEventView>)),
    security(("bearer" = ["ARTIST"])),
)]
pub async fn handle(
    (store, cursors): (Store, Cursors),
    call: Call<Artist, Query<Paging>>,
) -> Result<Answer<List<OwnEventView>>, Problem> {
    let Call { who, input: Query(paging), context } = call;
    let artist = store.session(&who, context.now).await?.member.id;
    let scope = format!("list_my_events {artist}");
    let from = cursors.open(&scope, paging.cursor.as_deref()).await?;
    let mut from = from.unwrap_or(From::Drafts(None));
    let (limit, now) = (paging.limit().get().min(MOST), context.now);
    let mut items = Vec::new();
    if let From::Drafts(start) = from {
        let Page { items: drafts, next } = store.drafts_of(artist, limit, start).await?;
        let view = |draft: &Event| OwnEventView::of(draft.into(), Tally::default(), now);
        items.extend(drafts.iter().map(view));
        from = match next {
            Some(start) => From::Drafts(Some(start)),
            None => From::Events(Position::first(now)),
        };
    }
    let left = limit.saturating_sub(items.len() as u32);
    let next = match from {
        From::Events(position) if left > 0 => {
            let now = position.now();
            let (events, next) = store.events_of_artist(artist, left, position).await?;
            let tallies = store.tallies(&events).await?;
            let sold = events.into_iter().zip(tallies);
            items.extend(sold.map(|(event, tally)| OwnEventView::of(event, tally, now)));
            next.map(From::Events)
        }
        from => Some(from),
    };
    Ok(Answer::ok(List { items, next_cursor: cursors.seal(&scope, next).await? }))
}

/// So many are on a page at most: the largest events have 80 shards each, and all are read.
const MOST: u32 = 20;

/// Where a page begins.
#[derive(Serialize, Deserialize)]
enum From {
    Drafts(Option<Start>),
    Events(Position),
}

#[cfg(test)]
mod tests {
    use api::{Context, Response};
    use domain::{id::MemberId, who::Claims};
    use serde_json::{Value, json};
    use store::{
        Transaction, Write,
        sales::stock::{self, Seats},
    };

    use super::*;
    use crate::samples::{DAY, artist, parse, store};

    async fn page(store: Store, artist: &Claims, paging: Value) -> Value {
        let (aws, secret) = stack::cursor_secret().await;
        let cursors = Cursors::new(aws::Secret::new(&aws, &secret));
        let input = Query(parse(paging).unwrap());
        let call = Call { who: stack::caller(artist), input, context: Context::at(Time::now()) };
        let answer = Response::from(handle((store, cursors), call).await.unwrap());
        serde_json::from_slice(answer.body()).unwrap()
    }

    async fn published(artist_id: MemberId, event: Event) -> Event {
        let event = Event { artist_id, ..event };
        let stock = stock::create(event.id, event.capacity, event.sale());
        let writes = event.create().into_iter().chain(stock);
        store().transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        event
    }

    #[test]
    fn an_artist_sees_how_each_of_their_events_sells_page_by_page() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let first = published(artist.member_id, stack::event(1_000, now)).await;
            let over = published(artist.member_id, stack::event(5, now.minus(DAY * 40))).await;
            published(artist.member_id, Event { deleted_at: Some(now), ..stack::event(5, now) })
                .await;
            let seats = |number, count| Seats { number, count };
            for write in [
                stock::hold(first.id, seats(0, 4), &first.sale(), now),
                stock::sell(first.id, seats(0, 3), first.price),
                stock::hold(first.id, seats(1, 2), &first.sale(), now),
                stock::sell(first.id, seats(1, 2), 1_000.try_into().unwrap()),
                stock::restore(first.id, seats(0, 1), first.price),
                stock::offer(first.id, seats(1, 6), &first.sale(), now),
            ] {
                store().write(write, ()).await.unwrap();
            }
            let all = page(store(), &artist, json!({ "limit": "3" })).await;
            let [one, other] = all["items"].as_array().unwrap().as_slice() else { panic!("{all}") };
            assert_eq!((&one["id"], &one["over"]), (&json!(first.id), &json!(false)));
            let seats = json!({ "free": 989, "offered": 6, "held": 1, "sold": 4 });
            assert_eq!((&one["seats"], &one["takings"]), (&seats, &json!(62_000)));
            assert_eq!((&other["id"], &other["over"]), (&json!(over.id), &json!(true)));
            assert_eq!(other["seats"]["free"], 5);

            let drafts = [5, 6].map(|capacity| Event {
                artist_id: artist.member_id,
                state: State::Draft,
                ..stack::event(capacity, now)
            });
            for draft in &drafts {
                store().write(Write::create(&draft.draft(), draft), ()).await.unwrap();
            }
            let (mut seen, mut next) = (Vec::new(), json!({ "limit": "1" }));
            loop {
                let one = page(store(), &artist, next).await;
                seen.extend(one["items"].as_array().unwrap().clone());
                let Some(cursor) = one["nextCursor"].as_str() else { break };
                next = json!({ "limit": "1", "cursor": cursor });
            }
            let states: Vec<_> = seen.iter().map(|it| it["state"].as_str().unwrap()).collect();
            assert_eq!(states, ["DRAFT", "DRAFT", "OPEN", "OPEN"]);
            let ids =
                |seen: &[Value]| -> Vec<Value> { seen.iter().map(|it| it["id"].clone()).collect() };
            assert_eq!(ids(&seen[2..]), ids(all["items"].as_array().unwrap()));
            let whole = page(store(), &artist, json!({ "limit": "3" })).await;
            assert_eq!(whole["items"], json!(seen[..3]));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            published(artist.member_id, stack::event(50, now)).await;
            let (client, meter) = stack::metered();
            page(Store::new(client, stack::prefix()), &artist, json!({})).await;
            stack::assert_operation("list_my_events", &meter.take());
        });
    }
}
