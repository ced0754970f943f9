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
