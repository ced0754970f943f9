//! Worker that an operator starts, with the id of an event: calls it off, and has its buyers' money given back. Artists and admins
//! will do the same by routes.

use std::{error::Error, time::Duration};

use api::Worker;
use domain::{event::State, id::EventId, time::Time};
use gateways::{Queue, RefundRequested};
use serde::{Deserialize, Serialize};
use store::{Rejected, Store};

/// Which event is called off.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Order {
    event_id: EventId,
}

/// How it stands then.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CalledOff {
    event_id: EventId,
    state: State,
    version: u64,
}

/// Calls an event off. Said again it goes on with what of its refunds had come to a person, and changes nothing else.
///
/// # Errors
/// That there is no such event, or the database's or the queue's trouble.
pub async fn handle(
    (store, refunds): (Store, Queue<RefundRequested>),
    Order { event_id }: Order,
) -> Result<CalledOff, Box<dyn Error + Send + Sync>> {
    let now = Time::now();
    let event = match store.cancel_event(event_id, now).await {
        Ok(event) => event,
        Err(Rejected::Condition(none)) => return Err(none.into()),
        Err(Rejected::Store(fault)) => return Err(fault.into()),
    };
    // The first time the bus tells it, and loses nothing if this function dies.
    if event.updated_at != now {
        refunds.send(&RefundRequested::event(event_id), Duration::ZERO).await?;
    }
    Ok(CalledOff { event_id, state: event.state, version: event.version })
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use domain::stock::Shard;
    use stack::OwnQueue;
    use store::{
        Transaction,
        catalog::{
            event::{Event, EventKey},
            on_sale::OnSaleKey,
        },
        sales::stock,
    };

    use super::*;

    async fn on_sale(store: &Store, capacity: i64) -> Event {
        let event = stack::event(capacity, Time::now());
        let stock = stock::create(event.id, event.capacity, event.sale());
        let writes = event.create().into_iter().chain(stock);
        store.transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        event
    }

    fn queue(own: &OwnQueue) -> Queue<RefundRequested> {
        Queue::new(&stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap()), own.url.clone())
    }

    #[test]
    fn a_cancelled_event_is_so_wherever_it_is_sold_by_and_said_again_its_refunds_go_on() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let own = OwnQueue::new().await;
            let event = on_sale(&store, 40_000).await;
            let cancel = || handle((store.clone(), queue(&own)), Order { event_id: event.id });
            let first = cancel().await.unwrap();
            assert_eq!((first.state, first.version), (State::Cancelled, 2));
            assert!(own.take().await.is_empty(), "the bus tells of it");

            let is = store.get(&EventKey(event.id)).await.unwrap().unwrap();
            assert_eq!(is, Event { updated_at: is.updated_at, ..event.cancelled(is.updated_at) });
            assert_eq!(store.get(&OnSaleKey(event.id)).await.unwrap(), Some((&is).into()));
            let stock = store.read_all(&stock::keys(event.id, event.shards)).await.unwrap();
            assert_eq!(stock.len(), 80);
            for (number, shard) in (0..).zip(stock) {
                let shard = shard.unwrap();
                assert_eq!(shard.sale, is.sale());
                assert_eq!(shard.shard, Shard::of_free(number, 500));
            }

            let again = cancel().await.unwrap();
            assert_eq!((again.state, again.version), (State::Cancelled, 2));
            let told = serde_json::to_string(&RefundRequested::event(event.id)).unwrap();
            assert_eq!(own.take().await, [told]);
        });
    }

    #[test]
    fn what_is_not_there_can_not_be_cancelled() {
        stack::run(async {
            let store = Store::new(stack::dynamo(), stack::prefix());
            let own = OwnQueue::new().await;
            let event_id = EventId::generate();
            let refused = handle((store, queue(&own)), Order { event_id }).await.unwrap_err();
            assert_eq!(refused.to_string(), "there is no such event");
            assert!(own.take().await.is_empty());
        });
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (client, meter) = stack::metered();
            let store = Store::new(client, stack::prefix());
            let event = on_sale(&store, 50).await;
            meter.take();
            let own = OwnQueue::new().await;
            handle((store, queue(&own)), Order { event_id: event.id }).await.unwrap();
            stack::assert_operation("cancel_event", &meter.take());
        });
    }
}
