//! `DELETE /v1/events/{eventId}`: an artist takes an event of their own away.

use std::time::Duration;

use api::{Answer, Call, Path, Problem};
use domain::{
    codes::EVENT_NOT_FOUND,
    event::{Ending, SaleClosed, State},
    id::EventId,
};
use serde::Serialize;
use store::{
    Rejected, Store,
    catalog::{
        change::{NoEvent, NotDeleted},
        draft::DraftKey,
        event::EventKey,
    },
    ephemeral::rate::Rule,
    identity::session::{Session, SignedIn},
};
use utoipa::ToSchema;

use crate::{
    codes,
    path::{EventPath, own},
};

/// How an event ended.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventEnded {
    /// The event.
    event_id: EventId,
    /// What became of it.
    became: Ending,
}

/// Deletes or calls off an event
///
/// Its artist only; for everybody else the event does not exist. One of which nobody has a ticket, or is about to, and a draft, is deleted. Any other
/// is called off, until it starts: its buyers are told, and have everything back (`GET /v1/events/{eventId}/refunds` says how far that
/// is). What was called off before stays so.
#[utoipa::path(delete, path = "/v1/events/{eventId}", params(EventPath),
    responses((status = 200, description = "What became of it", body = EventEnded)),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<EventPath>>,
) -> Result<Answer<EventEnded>, Problem> {
    let Call { who, input: Path(EventPath { event_id }), context } = call;
    let now = context.now;
    let keys = (EventKey(event_id), DraftKey::of(&who, event_id));
    let (Session { member: artist, .. }, (event, draft)) = store.read_for(&who, keys, now).await?;
    let event = own(event.or(draft), artist.id)?;
    let became = |became| Ok(Answer::ok(EventEnded { event_id, became }));
    match event.state {
        State::Open => {}
        State::Draft => {
            store.write(event.draft().delete(), NoEvent).await?;
            return became(Ending::Deleted);
        }
        State::Cancelled => return became(Ending::Cancelled),
        State::Unknown => return Err(SaleClosed::Unknown.into()),
    }
    store.count(ENDING, &artist.id.to_string(), now).await?;
    match store.delete_event(event_id, now).await {
        Ok(()) => return became(Ending::Deleted),
        Err(Rejected::Condition(NotDeleted::Gone)) => return Err(Problem::new(EVENT_NOT_FOUND)),
        Err(Rejected::Condition(NotDeleted::Taken)) => {}
        Err(Rejected::Store(fault)) => return Err(fault.into()),
    }
    if event.schedule.starts_at() <= now {
        return Err(Problem::new(codes::EVENT_STARTED));
    }
    match store.cancel_event(event_id, now).await {
        Ok(_) => became(Ending::Cancelled),
        Err(Rejected::Condition(_)) => Err(Problem::new(EVENT_NOT_FOUND)),
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}

/// How often one artist may end events.
const ENDING: Rule = Rule { name: "delete_event", limit: 100, window: Duration::from_hours(1) };

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::{id::MemberId, time::Time, who::Claims};
    use serde_json::{Value, json};
    use store::{
        Transaction,
        catalog::{
            event::Event,
            on_sale::{OnSale, OnSaleKey},
        },
        sales::stock::{self, Seats},
    };

    use super::*;
    use crate::samples::{DAY, artist, seen, store};

    async fn on_sale(artist_id: MemberId, at: Time) -> Event {
        let event = Event { artist_id, ..stack::event(600, at) };
        let stock = stock::create(event.id, event.capacity, event.sale());
        let writes = event.create().into_iter().chain(stock);
        store().transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        event
    }

    /// Somebody holds a seat of it.
    async fn held(event: &Event, at: Time) {
        let hold = stock::hold(event.id, Seats { number: 1, count: 1 }, &event.sale(), at);
        store().write(hold, ()).await.unwrap();
    }

    async fn delete(store: Store, artist: &Claims, event: &Event) -> (u16, Value) {
        let input = Path(EventPath { event_id: event.id });
        let context = Context::at(Time::now());
        let call = Call { who: stack::caller(artist), input, context };
        let (status, answer, _) = seen(handle(store, call).await);
        (status, answer)
    }

    async fn now_is(event: &Event) -> Event {
        store().get(&EventKey(event.id)).await.unwrap().unwrap()
    }

    fn became(event: &Event, what: &str) -> (u16, Value) {
        (200, json!({ "eventId": event.id, "became": what }))
    }

    #[test]
    fn what_nobody_has_a_ticket_of_is_deleted_and_nothing_of_it_is_sold_any_more() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let event = on_sale(artist.member_id, now).await;
            assert_eq!(delete(store(), &artist, &event).await, became(&event, "DELETED"));
            let after = now_is(&event).await;
            assert!(after.deleted_at.is_some() && after.version == 2);
            let on_sale = store().get(&OnSaleKey(event.id)).await.unwrap();
            assert_eq!(on_sale, Some(OnSale::from(&after)));
            let hold = stock::hold(event.id, Seats { number: 0, count: 1 }, &event.sale(), now);
            assert!(store().write(hold, ()).await.is_err());
            let (status, again) = delete(store(), &artist, &event).await;
            assert_eq!((status, &again["code"]), (404, &json!("EVENT_NOT_FOUND")));
        });
    }

    #[test]
    fn what_somebody_has_a_ticket_of_is_called_off_until_it_starts() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let event = on_sale(artist.member_id, now).await;
            held(&event, now).await;
            for _ in 0..2 {
                assert_eq!(delete(store(), &artist, &event).await, became(&event, "CANCELLED"));
                let after = now_is(&event).await;
                assert_eq!((after.state, after.version), (State::Cancelled, 2));
                assert_eq!(after.deleted_at, None);
            }

            let began = now.minus(DAY * 30 + DAY / 2);
            let started = on_sale(artist.member_id, began).await;
            held(&started, began).await;
            let (status, refusal) = delete(store(), &artist, &started).await;
            assert_eq!((status, &refusal["code"]), (409, &json!("EVENT_STARTED")));
            assert_eq!(now_is(&started).await, started);
            let unsold = on_sale(artist.member_id, began).await;
            assert_eq!(delete(store(), &artist, &unsold).await, became(&unsold, "DELETED"));
        });
    }

    #[test]
    fn what_is_held_in_the_moment_in_which_it_is_deleted_is_called_off_instead() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let event = on_sale(artist.member_id, now).await;
            let buyer = event.clone();
            let buys = move || {
                let event = buyer.clone();
                async move { held(&event, Time::now()).await }
            };
            let meanwhile =
                Store::new(stack::meanwhile("TransactWriteItems", buys), stack::prefix());
            assert_eq!(delete(meanwhile, &artist, &event).await, became(&event, "CANCELLED"));
            assert_eq!(now_is(&event).await.deleted_at, None);
        });
    }

    #[test]
    fn without_the_condition_on_held_seats_whoever_buys_meanwhile_loses_them() {
        stack::run(async {
            let now = Time::now();
            let artist = artist(&store(), now).await;
            let event = on_sale(artist.member_id, now).await;
            held(&event, now).await;
            let careless = Store::new(stack::without("held"), stack::prefix());
            assert_eq!(delete(careless, &artist, &event).await, became(&event, "DELETED"));
        });
    }

    #[test]
    fn nobody_deletes_anothers_event_nor_what_only_a_newer_program_knows() {
        stack::run(async {
            let now = Time::now();
            let [artist, other] = [artist(&store(), now).await, artist(&store(), now).await];
            let event = on_sale(artist.member_id, now).await;
            let (status, refusal) = delete(store(), &other, &event).await;
            assert_eq!((status, &refusal["code"]), (404, &json!("EVENT_NOT_FOUND")));
            let newer = Event { state: State::Unknown, ..event.clone() };
            store().put(&EventKey(event.id), &newer).await.unwrap();
            assert_eq!(delete(store(), &artist, &event).await.1["code"], "SALE_CLOSED");
            assert_eq!(now_is(&event).await, newer);
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let (metered, now) = (Store::new(client, stack::prefix()), Time::now());
            let artist = artist(&store(), now).await;
            for (operation, is_held) in
                [("delete_event", false), ("delete_event, a seat is held", true)]
            {
                let event = on_sale(artist.member_id, now).await;
                if is_held {
                    held(&event, now).await;
                }
                delete(metered.clone(), &artist, &event).await;
                stack::assert_operation(operation, &meter.take());
            }
        });
    }
}
