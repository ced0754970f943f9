//! Worker on the queue of events that take place elsewhere, or at another time: tells all who bought before that, a page with each
//! message. Telling somebody twice changes nothing.

use std::collections::BTreeSet;

use api::Worker;
use domain::{
    event,
    id::{EventId, MemberId},
    notification::Kind,
    payment::State,
    time::Time,
};
use gateways::{Message, Queue};
use serde::{Deserialize, Serialize};
use store::{
    Start, Store, StoreFault,
    catalog::event::{Event, EventKey},
    inbox::notification::{self, Notification},
    sales::{
        by_event::SHARDS,
        payment::{Booking, Payment},
    },
};

use crate::{
    Failure,
    fan_out::{FanOut, PAGE},
};

/// A change of place or time, as EventBridge brings it, and how far the buyers were told.
pub type Moved = FanOut<Detail>;

/// What the bus says of the change. All else the table knows better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// The same, however often it is published.
    id: String,
    event_id: EventId,
    /// The terms since then: who bought on these knows.
    terms_version: u32,
    /// When it was.
    updated_at: Time,
}

impl Message for Moved {
    const QUEUE: &'static str = "BUYERS_QUEUE_URL";
}

/// Tells a page of buyers, and sends the rest on. Of an event that does not take place any more they are told otherwise.
///
/// # Errors
/// When somebody could not be told, or the rest not be sent: the message comes again.
pub async fn handle((store, queue): (Store, Queue<Moved>), moved: Moved) -> Result<(), Failure> {
    let event = store.get(&EventKey(moved.detail.event_id)).await?;
    // Also of one that is over by now: it may have been moved there.
    let takes_place = |it: &Event| it.state == event::State::Open && it.deleted_at.is_none();
    let Some(event) = event.filter(takes_place) else { return Ok(()) };
    let tell = |detail, shard, start| tell(&store, detail, event, shard, start);
    moved.go_on(&queue, SHARDS, tell).await
}

/// Tells one page, and answers where the next one starts.
async fn tell(
    store: &Store,
    detail: Detail,
    event: Event,
    shard: u8,
    start: Option<Start>,
) -> Result<Option<Start>, StoreFault> {
    let payments = store.payments_of_event(event.id, shard, PAGE, start).await?;
    let concerned = payments.items.iter().filter(|payment| concerns(payment, &detail));
    let members: BTreeSet<MemberId> = concerned.map(|payment| payment.member_id).collect();
    let it = notification::Event { id: event.id, title: event.title };
    let told = Notification::about(it, Kind::EventChanged, &detail.id, detail.updated_at);
    store.notify(&Vec::from_iter(members), &told).await?;
    Ok(payments.next)
}

/// Whether its buyer has tickets, or is about to, that they bought before the change.
fn concerns(payment: &Payment, Detail { terms_version, .. }: &Detail) -> bool {
    let before = |booking: &Booking| booking.terms_version < *terms_version;
    let is_open = match payment.state {
        State::Reserved | State::Ready | State::Approving => true,
        State::Approved | State::PartiallyRefunded | State::Refunding => {
            payment.tickets_left().next().is_some()
        }
        _ => false,
    };
    is_open && payment.booking().is_some_and(before)
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::{
        event::{Place, Quantity},
        payment::Amounts,
        won::Won,
    };
    use serde_json::json;
    use stack::OwnQueue;
    use store::{
        Write,
        catalog::on_sale::OnSale,
        sales::payment::{PaymentKey, Secret},
    };

    use super::*;

    /// A queue of a test's own.
    struct Own {
        sqs: OwnQueue,
        queue: Queue<Moved>,
    }

    impl Own {
        async fn new() -> Self {
            let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
            let sqs = OwnQueue::new().await;
            Self { queue: Queue::new(&aws, sqs.url.clone()), sqs }
        }

        /// Brings a change as EventBridge does, and works until nothing is left.
        async fn brings(&self, store: &Store, moved: Moved) {
            let mut messages = vec![moved];
            while let Some(message) = messages.pop() {
                handle((store.clone(), self.queue.clone()), message).await.unwrap();
                let sent = self.sqs.take().await;
                messages.extend(sent.iter().map(|it| serde_json::from_str(it).unwrap()));
            }
        }
    }

    /// What EventBridge sends to a queue, as the relay says it.
    fn from_bus(event: &Event) -> Moved {
        let Event { id, version, terms_version, updated_at, .. } = event;
        let id = json!({ "id": format!("EventMoved:{id}:{version}"), "eventId": id });
        let mut detail = id;
        detail["termsVersion"] = json!(terms_version);
        detail["updatedAt"] = json!(updated_at);
        serde_json::from_value(json!({ "detail-type": "EventMoved", "detail": detail })).unwrap()
    }

    fn moved(event: &Event, place: &str) -> Event {
        let place: Place = place.parse().unwrap();
        let (version, terms_version) = (event.version + 1, event.terms_version + 1);
        let updated_at = event.updated_at.plus(Duration::from_secs(60));
        Event { place, version, terms_version, updated_at, ..event.clone() }
    }

    /// A purchase of two tickets of an event as it is.
    async fn bought(store: &Store, event: &Event, member_id: MemberId, state: State) -> Payment {
        let now = Time::now();
        let booking = Booking::of(&OnSale::from(event), Quantity::try_from(2).unwrap());
        let amounts = Amounts::cash(Won::new(60_000));
        let token = Secret("token".into());
        let mut payment = Payment::reserved(member_id, booking.into(), amounts, now, token, now);
        payment.state = state;
        if let store::sales::payment::Subject::Tickets(booking) = &mut payment.subject {
            booking.ticket_ids = vec![domain::id::TicketId::generate()];
        }
        store.write(payment.create(), ()).await.unwrap();
        assert!(store.get(&PaymentKey(payment.id)).await.unwrap().is_some());
        payment
    }

    /// What a member was told.
    async fn told(store: &Store, member: MemberId) -> Vec<(Kind, Option<EventId>)> {
        let page = store.notifications_of(member, Time::now(), 100, None).await.unwrap();
        let told: Vec<_> =
            page.items.iter().map(|(it, _)| (it.kind, it.event.as_ref().map(|it| it.id))).collect();
        assert_eq!(store.unread_of(member, Time::now()).await.unwrap(), told.len() as u64);
        told
    }

    #[test]
    fn whoever_bought_before_is_told_once_however_often_and_however_many_tickets() {
        stack::run(async {
            let (store, own) = (Store::new(stack::dynamo(), stack::prefix()), Own::new().await);
            let before = stack::event(500, Time::now());
            let [twice, holds, left, later] = [(); 4].map(|()| MemberId::generate());
            bought(&store, &before, twice, State::Approved).await;
            bought(&store, &before, twice, State::PartiallyRefunded).await;
            bought(&store, &before, holds, State::Ready).await;
            for over in [State::Expired, State::Refunded, State::Failed, State::Cancelled] {
                bought(&store, &before, left, over).await;
            }
            let crowd: Vec<_> = (0..60).map(|_| MemberId::generate()).collect();
            for &member in &crowd {
                bought(&store, &before, member, State::Approved).await;
            }
            let after = moved(&before, "다른 곳");
            store.write(Write::create(&EventKey(after.id), &after), ()).await.unwrap();
            bought(&store, &after, later, State::Approved).await;
            for _ in 0..2 {
                own.brings(&store, from_bus(&after)).await;
                for &member in crowd.iter().chain([&twice, &holds]) {
                    assert_eq!(told(&store, member).await, [(Kind::EventChanged, Some(after.id))]);
                }
                for member in [left, later] {
                    assert!(told(&store, member).await.is_empty());
                }
            }
            // And once more of the next change, as who bought in between is.
            let back = moved(&after, "홍대 소극장");
            store.put(&EventKey(back.id), &back).await.unwrap();
            own.brings(&store, from_bus(&back)).await;
            assert_eq!(told(&store, twice).await.len(), 2);
            assert_eq!(told(&store, later).await.len(), 1);
        });
    }

    #[test]
    fn of_what_does_not_take_place_nobody_is_told_that_it_moved() {
        stack::run(async {
            let (store, own) = (Store::new(stack::dynamo(), stack::prefix()), Own::new().await);
            let before = stack::event(500, Time::now());
            let buyer = MemberId::generate();
            bought(&store, &before, buyer, State::Approved).await;
            let cancelled = moved(&before, "다른 곳").cancelled(Time::now());
            own.brings(&store, from_bus(&cancelled)).await;
            store.write(Write::create(&EventKey(before.id), &cancelled), ()).await.unwrap();
            own.brings(&store, from_bus(&cancelled)).await;
            assert!(told(&store, buyer).await.is_empty());
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let (metered, own) = (Store::new(client, stack::prefix()), Own::new().await);
            let before = stack::event(500, Time::now());
            let buyer = MemberId::generate();
            bought(&metered, &before, buyer, State::Approved).await;
            let after = moved(&before, "다른 곳");
            metered.write(Write::create(&EventKey(after.id), &after), ()).await.unwrap();
            let mut operations = Vec::new();
            for _ in 0..2 {
                for shard in 0..SHARDS {
                    meter.take();
                    let next = Some(crate::fan_out::Next { shard, start: None });
                    let page = Moved { next, ..from_bus(&after) };
                    handle((metered.clone(), own.queue.clone()), page).await.unwrap();
                    let calls = meter.take();
                    // One of the shards has the buyer.
                    if calls.len() > 2 {
                        let again = if operations.is_empty() { "" } else { " again" };
                        operations.push(format!("tell_buyers, one of them{again}"));
                        stack::assert_operation(operations.last().unwrap(), &calls);
                    }
                }
            }
            assert_eq!(operations.len(), 2);
        });
    }
}
