//! The waiting room of an event: which moment is the next that is free.

use domain::{
    id::{EventId, MemberId},
    queue::{Number, Pace, Standing},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Rejected, Store, StoreFault, Ttl, Write, identity::session::SignedIn};

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

key!(
    /// Where it stands which number a member has: one of an event at a time.
    #[derive(Copy)]
    pub struct QueuedKey {
        /// Who.
        member_id: MemberId,
        /// For what.
        event_id: EventId,
    } => Queued in Ephemeral, pk("MEM#{member_id}#QUEUE"), sk("EVT#{event_id}")
);

/// Somebody's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queued {
    /// Which.
    pub number: Number,
    /// The pace at which it was given.
    pub pace: Pace,
    expires_at: Ttl,
}

impl Queued {
    /// How it stands.
    pub fn standing(&self, now: Time) -> Standing {
        self.number.standing(self.pace, now)
    }
}

impl QueuedKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn, event_id: EventId) -> Self {
        Self { member_id: caller.member_id(), event_id }
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

    /// Gives a member the next number, in place of the one that was read, which is over. None if somebody else did meanwhile.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn queue_up(
        &self,
        key: QueuedKey,
        before: Option<Queued>,
        pace: Pace,
        now: Time,
    ) -> Result<Option<Queued>, StoreFault> {
        let number = self.next_number(key.event_id, pace, now).await?;
        let expires_at = Ttl::at(number.ends_at());
        let queued = Queued { number, pace, expires_at };
        let put = Write::put(&key, &queued);
        let put = match before {
            None => put.when_absent("pk"),
            Some(before) => put.when("number", Compare::Equal, before.number),
        };
        Ok(crate::was_done(self.write(put, ()).await)?.then_some(queued))
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
