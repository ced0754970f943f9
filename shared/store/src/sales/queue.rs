//! The waiting room of an event: which moment is the next that is free.

use domain::{
    id::{EventId, MemberId},
    queue::{CALMS_DOWN, Number, Pace},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Store, StoreFault, Ttl, Write, identity::session::SignedIn};

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
    #[serde(with = "domain::time::millis")]
    open_until: Time,
    /// The next moment that is free, if anybody ever took a number.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    next_at: Option<Time>,
}

impl Queue {
    /// Whether nobody buys without a number: until it closes, and longer while somebody waits.
    pub fn is_open(&self, now: Time) -> bool {
        now < self.open_until || self.next_at.is_some_and(|next| now < next)
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

fn open(event_id: EventId, pace: Pace, until: Time) -> Write {
    Write::update(&QueueKey(event_id)).set("pace", pace).set("openUntil", until.millis())
}

impl Store {
    /// Opens a queue until then, or sets the pace and the end of an open one.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn open_queue(
        &self,
        event_id: EventId,
        pace: Pace,
        until: Time,
    ) -> Result<(), StoreFault> {
        crate::was_done(self.write(open(event_id, pace, until), ()).await)?;
        Ok(())
    }

    /// Opens one for a rush, unless there is one.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn open_queue_for_a_rush(
        &self,
        event_id: EventId,
        pace: Pace,
        now: Time,
    ) -> Result<(), StoreFault> {
        let write = open(event_id, pace, now.plus(CALMS_DOWN));
        let write = write.when_absent_or("openUntil", Compare::AtMost, now.millis());
        crate::was_done(self.write(write, ()).await)?;
        Ok(())
    }

    /// Closes one that is open, once nobody waits any more. Answers whether there was one.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn close_queue(&self, event_id: EventId, now: Time) -> Result<bool, StoreFault> {
        let write = Write::update(&QueueKey(event_id)).set("openUntil", now.millis());
        let write = write.when("openUntil", Compare::Above, now.millis());
        crate::was_done(self.write(write, ()).await)
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
        from: Time,
    ) -> Result<Option<Queued>, StoreFault> {
        let number = self.next_number(key.event_id, pace, from).await?;
        let expires_at = Ttl::at(number.ends_at());
        let queued = Queued { number, pace, expires_at };
        let put = Write::put(&key, &queued);
        let put = match before {
            None => put.when_absent("pk"),
            Some(before) => put.when("number", Compare::Equal, before.number),
        };
        Ok(crate::was_done(self.write(put, ()).await)?.then_some(queued))
    }

    /// The next moment from then on that is free: nobody else is given it. One whose answer is lost is nobody's.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn next_number(
        &self,
        event_id: EventId,
        pace: Pace,
        from: Time,
    ) -> Result<Number, StoreFault> {
        let interval = i64::try_from(pace.interval().as_millis()).unwrap_or(i64::MAX);
        loop {
            let behind = Write::update(&QueueKey(event_id)).add("nextAt", interval);
            let behind = behind.when("nextAt", Compare::AtLeast, from.millis());
            if let Some(Next { next_at }) = self.write_and_see(&behind).await? {
                return Ok(Number::at(next_at.minus(pace.interval())));
            }
            // Nobody waits: it is free.
            let first = Write::update(&QueueKey(event_id)).set("nextAt", from.millis() + interval);
            let first = first.when_absent_or("nextAt", Compare::Below, from.millis());
            if crate::was_done(self.write(first, ()).await)? {
                return Ok(Number::at(from));
            }
        }
    }
}
