//! `PATCH /v1/events/{eventId}`: an artist changes an event of their own.

use std::time::Duration;

use api::{Answer, Body, Call, Change, FieldFaults, Path, Precondition, Problem};
use deserr::Deserr;
use domain::{
    codes::ARTISTS_ONLY,
    event::{
        AskedPrice, Capacity, Category, Content, Place, RefundPolicy, SaleClosed, Saved, Schedule,
        State, Title,
    },
    invalid::Invalid,
    time::Time,
};
use http::header;
use serde::Serialize;
use store::{
    Rejected, Store,
    catalog::{
        change::NotChanged,
        draft::DraftKey,
        event::{Event, EventKey},
    },
    ephemeral::rate::Rule,
    identity::session::{Session, SignedIn},
    sales::queue::QueueKey,
};
use utoipa::ToSchema;

use crate::{
    codes,
    create_event::PUBLISHING,
    path::{EventPath, own},
    view::{EventView, tag},
};

/// What becomes of an event. What is not named stays.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeEvent {
    #[deserr(default)]
    #[schema(value_type = Title, required = false)]
    title: Change<Title>,
    #[deserr(default)]
    #[schema(value_type = Place, required = false)]
    place: Change<Place>,
    #[deserr(default)]
    #[schema(value_type = Content, required = false)]
    content: Change<Content>,
    #[deserr(default)]
    #[schema(value_type = Category, required = false)]
    category: Change<Category>,
    /// No fewer than are sold, held or offered.
    #[deserr(default)]
    #[schema(value_type = Capacity, required = false)]
    capacity: Change<Capacity>,
    /// For whoever buys from now on.
    #[deserr(default)]
    #[schema(value_type = AskedPrice, required = false)]
    price: Change<AskedPrice>,
    /// When it starts: not earlier than in a day, if it is to be earlier than it was, and no other once it has started.
    #[deserr(default)]
    #[schema(value_type = Time, required = false)]
    starts_at: Change<Time>,
    /// When it ends: after the start.
    #[deserr(default)]
    #[schema(value_type = Time, required = false)]
    ends_at: Change<Time>,
    /// The first moment of the sale.
    #[deserr(default)]
    #[schema(value_type = Time, required = false)]
    sale_starts_at: Change<Time>,
    /// The first moment after the sale: after its start, and no later than the event's end.
    #[deserr(default)]
    #[schema(value_type = Time, required = false)]
    sale_ends_at: Change<Time>,
    /// It can only become more generous.
    #[deserr(default)]
    #[schema(value_type = RefundPolicy, required = false)]
    refund_policy: Change<RefundPolicy>,
    /// `OPEN` publishes a draft. What is published stays so.
    #[deserr(default)]
    #[schema(value_type = Saved, required = false)]
    state: Change<Saved>,
}

/// What a refusal tells besides.
#[derive(Debug, Serialize, ToSchema)]
pub struct CapacityTaken {
    /// Of `CAPACITY_TAKEN`: how many tickets are sold, held or offered.
    #[schema(example = 42)]
    #[serde(skip_serializing_if = "Option::is_none")]
    taken: Option<u32>,
}

/// Changes or publishes an event
///
/// Its artist only; for everybody else the event does not exist. What was bought stays as it was bought; of another place, start or
/// end all buyers are told, and may have everything back until the event starts. A capacity of fewer seats than are taken is refused
/// with `CAPACITY_TAKEN`; new seats are first of all for whoever waits for some. The tag may be an older one as long as only the
/// seats that are left changed since. Of a draft anything may be changed; what publishes it is checked as by `POST /v1/events`, and
/// followers hear of it once.
#[utoipa::path(patch, path = "/v1/events/{eventId}", request_body = ChangeEvent, params(EventPath, Precondition),
    responses(
        (status = 200, description = "The event", body = EventView, headers(("ETag" = String))),
        (status = 409, description = "Refused", body = CapacityTaken, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, (Path<EventPath>, Body<ChangeEvent>)>,
) -> Result<Answer<EventView>, Problem> {
    let precondition = call.precondition()?;
    let Call { who, input: (Path(EventPath { event_id }), Body(body)), context } = call;
    let now = context.now;
    let keys = (EventKey(event_id), DraftKey::of(&who, event_id), QueueKey(event_id));
    let (Session { member: artist, .. }, (event, draft, queue)) =
        store.read_for(&who, keys, now).await?;
    let before = own(event.or(draft), artist.id)?;
    precondition.require(before.version)?;
    match before.state {
        State::Open if before.schedule.not_over(now).is_err() => {
            return Err(Problem::new(codes::EVENT_OVER));
        }
        State::Draft | State::Open => {}
        State::Cancelled => return Err(SaleClosed::Cancelled.into()),
        State::Unknown => return Err(SaleClosed::Unknown.into()),
    }
    let wanted = body.of(&before, now).map_err(Problem::broken_rules)?;
    // Its numbers are let in from the start of the sale to its end, as these were when it was opened.
    let is_queued = queue.is_some_and(|queue| queue.is_open(now));
    if is_queued && wanted.schedule.sale_window() != before.schedule.sale_window() {
        return Err(Problem::new(codes::QUEUE_OPEN));
    }
    let changed = match (before.state, wanted.state) {
        (State::Draft, State::Draft) => {
            store.change_draft(&before, wanted, now).await.map(|draft| (draft, 0))
        }
        (State::Draft, _) => {
            if !artist.is_artist() {
                return Err(Problem::new(ARTISTS_ONLY));
            }
            artist.may_deal(now)?;
            store.count(PUBLISHING, &artist.id.to_string(), now).await?;
            let published = store.publish(&before, wanted, &artist, now).await;
            let seats = |event: Event| (event.clone(), event.capacity.get());
            published.map(seats)
        }
        _ => {
            if wanted != before {
                store.count(CHANGING, &artist.id.to_string(), now).await?;
            }
            if wanted.is_moved_from(&before) {
                store.count(MOVING, &event_id.to_string(), now).await?;
            }
            store.change_event(&before, wanted, now).await
        }
    };
    let (event, seats_left) = changed.map_err(|rejected| match rejected {
        Rejected::Condition(NotChanged::Taken { taken }) => {
            let told = CapacityTaken { taken: Some(taken) };
            Problem::from(NotChanged::Taken { taken }).telling(&told)
        }
        rejected => rejected.into(),
    })?;
    let tag = tag(event.version, seats_left);
    Ok(Answer::ok(EventView::of(event, seats_left)).with(header::ETAG, &format!("\"{tag}\"")))
}

/// How often one event may be moved: all its buyers are told each time.
const MOVING: Rule = Rule { name: "move_event", limit: 5, window: Duration::from_hours(24) };

/// How often one artist may change events.
const CHANGING: Rule = Rule { name: "change_event", limit: 100, window: Duration::from_hours(1) };

impl ChangeEvent {
    /// The event as it is to be.
    ///
    /// # Errors
    /// Every rule that is broken, with the field to be changed.
    fn of(self, before: &Event, now: Time) -> Result<Event, Vec<(&'static str, Invalid)>> {
        let mut broken = Vec::new();
        let was = before.clone();
        let is = &mut broken;
        let is_draft = before.state == State::Draft;
        let state = match self.state {
            Change::Keep => was.state,
            Change::Set(saved) => saved.into(),
            Change::Clear => {
                is.push(("state", Invalid::Missing));
                was.state
            }
        };
        if state == State::Draft && !is_draft {
            is.push(("state", Invalid::Choice { allowed: const { &[Saved::Open.as_str()] } }));
        }
        let starts_at = self.starts_at.of_needed(was.schedule.starts_at(), "startsAt", is);
        let ends_at = self.ends_at.of_needed(was.schedule.ends_at(), "endsAt", is);
        let sale_starts_at =
            self.sale_starts_at.of_needed(was.schedule.sale_starts_at(), "saleStartsAt", is);
        let sale_ends_at =
            self.sale_ends_at.of_needed(was.schedule.sale_ends_at(), "saleEndsAt", is);
        let price = match self.price {
            Change::Keep => was.price,
            Change::Set(asked) => asked.into(),
            Change::Clear => {
                is.push(("price", Invalid::Missing));
                was.price
            }
        };
        let after = Event {
            title: self.title.of_needed(was.title, "title", is),
            place: self.place.of_needed(was.place, "place", is),
            content: self.content.of_needed(was.content, "content", is),
            category: self.category.of_needed(was.category, "category", is),
            capacity: self.capacity.of_needed(was.capacity, "capacity", is),
            refund_policy: self.refund_policy.of_needed(was.refund_policy, "refundPolicy", is),
            price,
            state,
            ..before.clone()
        };
        if !is_draft && !after.refund_policy.is_as_generous_as(before.refund_policy) {
            is.push(("refundPolicy", Invalid::Stricter));
        }
        if let Some(Err(invalid)) =
            (!is_draft).then(|| before.schedule.may_start_at(starts_at, now))
        {
            is.push(("startsAt", invalid));
        }
        let schedule = Schedule::new(starts_at, ends_at, sale_starts_at, sale_ends_at);
        let in_time = |it: Schedule| if state == State::Draft { Ok(it) } else { it.not_over(now) };
        match schedule.and_then(in_time) {
            Ok(schedule) if broken.is_empty() => Ok(Event { schedule, ..after }),
            Ok(_) => Err(broken),
            Err(more) => {
                broken.extend(more);
                Err(broken)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::{
        id::MemberId,
        queue::{Line, Pace},
        stock::Shard,
        who::Claims,
    };
    use futures::{future::join_all, join};
    use http::HeaderMap;
    use serde_json::{Value, json};
    use store::{
        Client, Transaction, Write,
        catalog::{
            of_artist::Position,
            on_sale::{OnSale, OnSaleKey},
        },
        sales::{
            queue::Queue,
            sold_out::{SoldOut, SoldOutKey},
            stock::{self, Seats, Stock},
            waiting::{WaitingList, WaitingListKey},
        },
    };

    use super::*;
    use crate::samples::{DAY, artist, parse, seen, store};

    /// An event of an artist, on sale.
    async fn on_sale(capacity: i64) -> (Claims, Event) {
        let now = Time::now();
        let artist = artist(&store(), now).await;
        (artist.clone(), event_of(artist.member_id, capacity, now).await)
    }

    async fn event_of(artist_id: MemberId, capacity: i64, now: Time) -> Event {
        let event = Event { artist_id, ..stack::event(capacity, now) };
        let stock = stock::create(event.id, event.capacity, event.sale());
        let writes = event.create().into_iter().chain(stock);
        store().transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        event
    }

    async fn change_by(
        store: Store,
        artist: &Claims,
        event: &Event,
        seen_tag: &str,
        body: Value,
    ) -> (u16, Value, HeaderMap) {
        let mut context = Context::at(Time::now());
        context.headers.insert("If-Match", seen_tag.parse().unwrap());
        let input = (Path(EventPath { event_id: event.id }), Body(parse(body).unwrap()));
        seen(handle(store, Call { who: stack::caller(artist), input, context }).await)
    }

    async fn change(artist: &Claims, event: &Event, body: Value) -> (u16, Value, HeaderMap) {
        change_by(store(), artist, event, "*", body).await
    }

    async fn now_is(event: &Event) -> Event {
        store().get(&EventKey(event.id)).await.unwrap().unwrap()
    }

    async fn stock_of(event: &Event) -> Vec<Stock> {
        let keys = stock::keys(event.id, now_is(event).await.shards);
        store().read_all(&keys).await.unwrap().into_iter().map(Option::unwrap).collect()
    }

    /// That a capacity is what all shards have together, and how much of it is free.
    async fn balanced(event: &Event) -> u32 {
        let stock = stock_of(event).await;
        let all: u32 = stock.iter().map(|it| it.shard.free + it.shard.taken()).sum();
        assert_eq!(all, now_is(event).await.capacity.get());
        stock.iter().map(|it| it.shard.free).sum()
    }

    /// Somebody takes so many seats of the first shard, if they are there.
    async fn takes(event: &Event, count: u32) -> bool {
        let hold = stock::hold(event.id, Seats { number: 0, count }, &event.sale(), Time::now());
        store().write(hold, ()).await.is_ok()
    }

    #[test]
    fn what_is_named_changes_wherever_the_event_is_sold_by_and_all_else_stays() {
        stack::run(async {
            let (artist, before) = on_sale(50).await;
            let ends = before.schedule.ends_at().plus(DAY);
            let body = json!({ "title": "다른 이름", "place": "다른 곳", "endsAt": ends, "price": 0, "refundPolicy": "FULL_UNTIL_SALE_ENDS" });
            let (status, view, headers) =
                change_by(store(), &artist, &before, "\"1.50\"", body).await;
            assert_eq!(status, 200, "{view}");
            assert_eq!(headers["etag"], "\"2.50\"");
            assert_eq!((&view["title"], &view["price"]), (&json!("다른 이름"), &json!(0)));
            assert_eq!(view["content"], json!(before.content));

            let after = now_is(&before).await;
            assert_eq!((after.version, after.terms_version), (2, 2));
            let on_sale = store().get(&OnSaleKey(before.id)).await.unwrap();
            assert_eq!(on_sale, Some(OnSale::from(&after)));
            assert!(stock_of(&before).await.iter().all(|stock| stock.sale == after.sale()));
            let position = Position::first(Time::now());
            let (listed, _) =
                store().events_of_artist(artist.member_id, 10, position).await.unwrap();
            assert_eq!(listed.len(), 1, "at its new end, and no longer at the old one");
            assert!(!takes(&before, 1).await, "nobody buys on terms that are no longer");
            assert!(takes(&after, 1).await);
        });
    }

    #[test]
    fn what_nobody_buys_by_changes_no_terms_and_what_is_the_same_changes_nothing() {
        stack::run(async {
            let (artist, before) = on_sale(50).await;
            let body = json!({ "content": "새 내용", "category": "ART" });
            assert_eq!(change(&artist, &before, body.clone()).await.0, 200);
            let after = now_is(&before).await;
            assert_eq!((after.version, after.terms_version), (2, 1));
            assert!(takes(&before, 1).await, "a purchase that has begun goes on");
            let (status, _, headers) = change(&artist, &before, body).await;
            assert_eq!((status, headers["etag"].to_str().unwrap()), (200, "\"2.49\""));
            assert_eq!(now_is(&before).await, after);
        });
    }

    #[test]
    fn the_stock_follows_the_capacity_and_new_seats_are_seen_at_once() {
        stack::run(async {
            let (artist, event) = on_sale(100).await;
            assert!(takes(&event, 100).await);
            let sold_out = SoldOut { sold_out_at: Some(Time::now()), ..SoldOut::default() };
            store().put(&SoldOutKey(event.id), &sold_out).await.unwrap();

            let (status, view, _) = change(&artist, &event, json!({ "capacity": 1_200 })).await;
            assert_eq!((status, &view["seatsLeft"]), (200, &json!(1_100)), "{view}");
            assert_eq!(now_is(&event).await.shards, 3);
            assert_eq!(balanced(&event).await, 1_100);
            let mark = store().get(&SoldOutKey(event.id)).await.unwrap().unwrap();
            assert!(!mark.is_fresh(Time::now()));
            assert!(takes(&event, 1).await, "by whoever read the event a moment ago, too");

            let (status, refusal, _) = change(&artist, &event, json!({ "capacity": 100 })).await;
            assert_eq!((status, &refusal["code"]), (409, &json!("CAPACITY_TAKEN")));
            assert_eq!(refusal["taken"], 101);
            assert_eq!(change(&artist, &event, json!({ "capacity": 101 })).await.0, 200);
            assert_eq!(balanced(&event).await, 0);
            assert!(!takes(&event, 1).await);
        });
    }

    #[test]
    fn new_seats_are_first_of_all_for_those_who_wait() {
        stack::run(async {
            let (artist, event) = on_sale(500).await;
            let list = WaitingList { open: true, version: 7, ..WaitingList::default() };
            let waiting = stock::wait_for(event.id, 1, true)
                .fold(Transaction::<()>::new(), Transaction::also);
            let waiting = waiting.also(Write::put(&WaitingListKey(event.id), &list));
            store().transact(waiting).await.unwrap();
            let (status, view, _) = change(&artist, &event, json!({ "capacity": 1_000 })).await;
            assert_eq!((status, &view["seatsLeft"]), (200, &json!(0)), "{view}");
            let stock = stock_of(&event).await;
            assert_eq!(stock.len(), 2);
            assert!(stock.iter().all(|stock| stock.waited_for), "the new shard, too");
            let now = store().get(&WaitingListKey(event.id)).await.unwrap().unwrap();
            assert_eq!(now, WaitingList { version: 8, ..list });
            let item = stack::items(&format!("{}-sales", stack::prefix())).await;
            let due = item
                .iter()
                .find(|it| it["pk"] == format!("EVT#{}", event.id) && it["sk"] == "WAITING_LIST");
            assert!(due.unwrap()["dueAt"].is_i64(), "it is looked at");
        });
    }

    /// Buyers and the artist, who makes the hall smaller by a client of its own, at the same moment; whether all is right afterwards.
    async fn smaller_while_they_buy(client: impl Fn() -> Client) -> bool {
        let (artist, event) = on_sale(60).await;
        // Each one seat after the other, so that some of it comes between two calls of the artist.
        let one = async || {
            let mut bought = 0;
            while bought < 6 && takes(&event, 1).await {
                bought += 1;
            }
            bought
        };
        let buying = join_all((0..8).map(|_| one()));
        // How many are taken when it is asked for nobody knows.
        let wanted = fastrand::u32(10..40);
        let smaller = async {
            let body = json!({ "capacity": wanted });
            change_by(Store::new(client(), stack::prefix()), &artist, &event, "*", body).await
        };
        let (bought, (status, answer, _)) = join!(buying, smaller);
        let bought: u32 = bought.into_iter().sum();
        let stock = store().read_all(&stock::keys(event.id, 1)).await;
        let Ok([Some(Stock { shard, .. })]) = stock.as_deref() else { return false };
        let capacity = now_is(&event).await.capacity.get();
        let told = match status {
            200 => capacity == wanted,
            409 => answer["code"] == "CAPACITY_TAKEN" && capacity == 60,
            _ => false,
        };
        told && shard.held == bought && shard.free + shard.taken() == capacity
    }

    #[test]
    fn no_seat_is_taken_away_from_whoever_buys_it_meanwhile() {
        stack::run(async {
            for _ in 0..5 {
                assert!(smaller_while_they_buy(stack::dynamo).await);
            }
        });
    }

    #[test]
    fn without_the_condition_on_free_seats_a_smaller_hall_takes_them_away() {
        stack::run(async {
            let broken = async || !smaller_while_they_buy(|| stack::without("free")).await;
            assert!(stack::happens(broken).await);
        });
    }

    /// Two changes by who has seen the same; how many are done.
    async fn twice_with_one_tag(client: impl Fn() -> Client) -> usize {
        let (artist, event) = on_sale(50).await;
        let store = || Store::new(client(), stack::prefix());
        let change = |title: &'static str| {
            change_by(store(), &artist, &event, "\"1.50\"", json!({ "title": title }))
        };
        let (one, other) = join!(change("하나"), change("둘"));
        for (status, answer, _) in [&one, &other] {
            assert!(*status == 200 || answer["code"] == "CHANGED_SINCE", "{answer}");
        }
        [one, other].iter().filter(|(status, ..)| *status == 200).count()
    }

    #[test]
    fn of_two_changes_of_the_same_one_is_done() {
        stack::run(async {
            for _ in 0..5 {
                assert_eq!(twice_with_one_tag(stack::dynamo).await, 1);
            }
        });
    }

    #[test]
    fn without_the_condition_on_the_version_one_change_undoes_the_other() {
        stack::run(async {
            let lost = async || twice_with_one_tag(|| stack::without("version")).await == 2;
            assert!(stack::happens(lost).await);
        });
    }

    #[test]
    fn every_rule_that_a_change_breaks_is_told_at_once_and_nothing_changes() {
        stack::run(async {
            let (artist, event) = on_sale(50).await;
            let generous =
                Event { refund_policy: RefundPolicy::FullUntilSaleEnds, ..event.clone() };
            store().put(&EventKey(event.id), &generous).await.unwrap();
            let ago = Time::now().minus(DAY);
            let body = json!({ "title": null, "price": null, "startsAt": ago, "saleEndsAt": event.schedule.ends_at().plus(DAY), "refundPolicy": "STANDARD" });
            let (status, problem, _) = change(&artist, &event, body).await;
            assert_eq!((status, &problem["code"]), (422, &json!("INVALID_FIELDS")));
            let told = problem["errors"].as_array().unwrap().iter();
            let told: Vec<_> = told.map(|it| format!("{} {}", it["pointer"], it["code"])).collect();
            assert_eq!(
                told,
                [
                    r#""/price" "MISSING""#,
                    r#""/title" "MISSING""#,
                    r#""/refundPolicy" "STRICTER""#,
                    r#""/startsAt" "NOTICE""#,
                    r#""/saleEndsAt" "NOT_AFTER""#
                ]
            );
            assert_eq!(now_is(&event).await, generous);
        });
    }

    #[test]
    fn what_has_started_keeps_its_start_and_what_is_over_or_called_off_stays_as_it_is() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let of = async |event: Event| {
                let event = Event { artist_id: artist.member_id, ..event };
                let stock = stock::create(event.id, event.capacity, event.sale());
                let writes = event.create().into_iter().chain(stock);
                let made = writes.fold(Transaction::<()>::new(), Transaction::also);
                store().transact(made).await.unwrap();
                event
            };
            let running = of(stack::event(50, now.minus(DAY * 30 + DAY / 2))).await;
            let later = json!({ "endsAt": now.plus(DAY * 2) });
            assert_eq!(change(&artist, &running, later).await.0, 200, "it goes on for longer");
            let again = json!({ "startsAt": now.plus(DAY) });
            let (status, problem, _) = change(&artist, &running, again).await;
            assert_eq!((status, &problem["errors"][0]["code"]), (422, &json!("STARTED")));
            let over = of(stack::event(50, now.minus(DAY * 40))).await;
            let cancelled = of(stack::event(50, now).cancelled(now)).await;
            let unknown = of(Event { state: State::Unknown, ..stack::event(50, now) }).await;
            for (event, status, code) in [
                (over, 409, "EVENT_OVER"),
                (cancelled, 400, "EVENT_CANCELLED"),
                (unknown, 400, "SALE_CLOSED"),
            ] {
                let (told, problem, _) = change(&artist, &event, json!({ "title": "x" })).await;
                assert_eq!((told, problem["code"].as_str().unwrap()), (status, code));
            }
        });
    }

    #[test]
    fn while_a_queue_is_open_the_times_of_the_sale_stay() {
        stack::run(async {
            let (artist, event) = on_sale(50).await;
            let now = Time::now();
            let line = Line::new(Pace::try_from(10).unwrap(), now, now);
            let queue = Queue { line, open_until: now.plus(DAY) };
            assert!(store().open_queue(event.id, None, &queue).await.unwrap());
            let later = json!({ "saleEndsAt": event.schedule.sale_ends_at().plus(DAY) });
            let (status, refusal, _) = change(&artist, &event, later.clone()).await;
            assert_eq!((status, &refusal["code"]), (409, &json!("QUEUE_OPEN")));
            assert_eq!(change(&artist, &event, json!({ "capacity": 60 })).await.0, 200);
            store().close_queue(event.id).await.unwrap();
            assert_eq!(change(&artist, &event, later).await.0, 200);
        });
    }

    #[test]
    fn other_times_of_the_sale_have_the_waiting_list_looked_at() {
        stack::run(async {
            let (artist, event) = on_sale(50).await;
            let list = WaitingList { version: 3, ..WaitingList::default() };
            store().put(&WaitingListKey(event.id), &list).await.unwrap();
            let later = json!({ "saleEndsAt": event.schedule.sale_ends_at().plus(DAY) });
            assert_eq!(change(&artist, &event, later).await.0, 200);
            let now = store().get(&WaitingListKey(event.id)).await.unwrap();
            assert_eq!(now, Some(WaitingList { version: 4, ..list }));
        });
    }

    #[test]
    fn an_event_moves_five_times_a_day_at_most() {
        stack::run(async {
            let (artist, event) = on_sale(50).await;
            for number in 0..MOVING.limit {
                let body = json!({ "place": format!("장소 {number}") });
                assert_eq!(change(&artist, &event, body).await.0, 200, "{number}");
            }
            let (status, refusal, headers) =
                change(&artist, &event, json!({ "place": "어디든" })).await;
            assert_eq!((status, &refusal["code"]), (429, &json!("TOO_MANY_REQUESTS")));
            assert!(headers.contains_key("retry-after"));
            assert_eq!(change(&artist, &event, json!({ "price": 0 })).await.0, 200);
        });
    }

    #[test]
    fn nobody_changes_anothers_event_nor_what_is_gone() {
        stack::run(async {
            let (artist, event) = on_sale(50).await;
            let (other, others) = on_sale(50).await;
            let body = json!({ "title": "내 것" });
            assert_eq!(change(&other, &event, body.clone()).await.1["code"], "EVENT_NOT_FOUND");
            assert_eq!(now_is(&event).await, event);
            let gone = Event { deleted_at: Some(Time::now()), ..others };
            store().put(&EventKey(gone.id), &gone).await.unwrap();
            assert_eq!(change(&other, &gone, body.clone()).await.1["code"], "EVENT_NOT_FOUND");
            let stale = change_by(store(), &artist, &event, "\"2.50\"", body).await;
            assert_eq!((stale.0, &stale.1["code"]), (412, &json!("CHANGED_SINCE")));
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let metered = Store::new(client, stack::prefix());
            for (operation, body) in [
                ("change_event", json!({ "content": "새 내용" })),
                ("change_event's price", json!({ "price": 10_000 })),
                ("change_event's end", json!({ "endsAt": Time::now().plus(DAY * 40) })),
                ("change_event to more seats", json!({ "capacity": 51 })),
                ("change_event to fewer seats", json!({ "capacity": 49 })),
            ] {
                let (artist, event) = on_sale(50).await;
                meter.take();
                let done = change_by(metered.clone(), &artist, &event, "*", body).await;
                assert_eq!(done.0, 200, "{}", done.1);
                stack::assert_operation(operation, &meter.take());
            }
        });
    }

    #[test]
    fn one_shard_more_is_made_where_it_is_needed_and_the_largest_hall_fits_a_transaction() {
        stack::run(async {
            let (artist, event) = on_sale(1).await;
            let body = json!({ "capacity": 100_000, "place": "더 넓은 곳", "endsAt": Time::now().plus(DAY * 40) });
            let (status, view, _) = change(&artist, &event, body).await;
            assert_eq!((status, &view["seatsLeft"]), (200, &json!(100_000)), "{view}");
            assert_eq!(balanced(&event).await, 100_000);
            let shards: Vec<Shard> = stock_of(&event).await.iter().map(|it| it.shard).collect();
            assert_eq!((shards.len(), shards[1].number), (80, 1));
        });
    }
}
