//! The waiting room of an event: which moment is the next that is free.

use domain::{
    id::EventId,
    queue::{Number, Pace},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Rejected, Store, StoreFault, Write};

key!(
    /// Where the queue of an event stands. There is none of an event that never had one.
    #[derive(Copy)]
    pub struct QueueKey(event_id: EventId) => Queue in Sales, pk("EVT#{event_id}"), sk("QUEUE")
);

/// How a queue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// How many are let in a minute.
    pub pace: Pace,
    /// Until when nobody buys without a number.
    #[serde(with = "domain::time::millis")]
    pub open_until: Time,
}

impl Queue {
    /// Whether nobody buys without a number.
    pub fn is_open(&self, now: Time) -> bool {
        now < self.open_until
    }
}

/// What is left of the item after a number was taken.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Next {
    #[serde(with = "domain::time::millis")]
    next_at: Time,
}

impl Store {
    /// Opens a queue, or another pace of it.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn open_queue(&self, event_id: EventId, queue: Queue) -> Result<(), StoreFault> {
        let write = Write::update(&QueueKey(event_id)).set("pace", queue.pace);
        let opened: Result<(), Rejected<()>> =
            self.write(write.set("openUntil", queue.open_until.millis()), ()).await;
        crate::was_done(opened)?;
        Ok(())
    }

    /// The next moment that is free: nobody else is given it. One whose answer is lost is nobody's.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn next_number(
        &self,
        event_id: EventId,
        pace: Pace,
        now: Time,
    ) -> Result<Number, StoreFault> {
        let interval = i64::try_from(pace.interval().as_millis()).unwrap_or(i64::MAX);
        loop {
            let behind = Write::update(&QueueKey(event_id)).add("nextAt", interval);
            let behind = behind.when("nextAt", Compare::AtLeast, now.millis());
            if let Some(Next { next_at }) = self.write_and_see(&behind).await? {
                return Ok(Number::at(next_at.minus(pace.interval())));
            }
            // Nobody waits: it is free now.
            let first = Write::update(&QueueKey(event_id)).set("nextAt", now.millis() + interval);
            let first = first.when_absent_or("nextAt", Compare::Below, now.millis());
            if crate::was_done(self.write(first, ()).await)? {
                return Ok(Number::at(now));
            }
        }
    }
}
