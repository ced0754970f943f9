//! The waiting room of an event: which number is the next.

use domain::{
    id::{EventId, MemberId},
    queue::{Line, Number},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Store, StoreFault, Ttl, Write, identity::session::SignedIn};

key!(
    /// Where the queue of an event stands: alone, for everybody who buys reads it, and everybody who waits writes it.
    #[derive(Copy)]
    pub struct QueueKey(event_id: EventId) => Queue in Sales, pk("EVT#{event_id}#QUEUE"), sk("QUEUE")
);

/// How a queue stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Which numbers were given, and which are let in when.
    #[serde(flatten)]
    pub line: Line,
    /// Until when nobody buys without a number.
    #[serde(with = "domain::time::millis")]
    pub open_until: Time,
}

impl Queue {
    /// Whether nobody buys without a number: until it closes, and longer while somebody waits.
    pub fn is_open(&self, now: Time) -> bool {
        now < self.open_until || self.line.waiting(now) > 0
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
    #[serde(flatten)]
    pub number: Number,
    expires_at: Ttl,
}

impl QueuedKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn, event_id: EventId) -> Self {
        Self { member_id: caller.member_id(), event_id }
    }
}

/// What is seen of the item when a number was taken.
#[derive(Deserialize)]
struct Given {
    given: u64,
}

impl Store {
    /// Opens a queue in the place of what was read, which is not open any more. Answers whether nobody else did meanwhile.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn open_queue(
        &self,
        event_id: EventId,
        before: Option<&Queue>,
        queue: &Queue,
    ) -> Result<bool, StoreFault> {
        let put = Write::put(&QueueKey(event_id), queue);
        let put = match before {
            None => put.when_absent("pk"),
            Some(before) => as_read(put, &before.line),
        };
        crate::was_done(self.write(put, ()).await)
    }

    /// Changes the pace and the end of the queue that was read. Answers whether nobody else did meanwhile; who takes a number is in
    /// nobody's way.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn change_queue(
        &self,
        event_id: EventId,
        before: &Queue,
        after: &Queue,
    ) -> Result<bool, StoreFault> {
        let Queue { line, open_until } = after;
        let write = Write::update(&QueueKey(event_id)).set("openUntil", open_until.millis());
        let write = write.set("pace", line.pace).set("base", line.base);
        let write = write.set("since", line.since.millis()).set("changes", line.changes);
        let write = write.set("paced", &line.paced);
        crate::was_done(self.write(as_read(write, &before.line), ()).await)
    }

    /// Ends a queue at once: nobody needs a number any more.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn close_queue(&self, event_id: EventId) -> Result<(), StoreFault> {
        crate::was_done(self.write(Write::delete(&QueueKey(event_id)), ()).await)?;
        Ok(())
    }

    /// The next number of the line that was read, let in at that moment or later: nobody else is given it. One whose answer is lost is nobody's.
    /// None if the line has moved on otherwise.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn next_number(
        &self,
        event_id: EventId,
        line: &Line,
        from: Time,
    ) -> Result<Option<Number>, StoreFault> {
        let write = as_read(Write::update(&QueueKey(event_id)), line);
        if line.follows(from) {
            // However many were given since: it follows them.
            let given: Option<Given> = self.write_and_see(&write.add("given", 1)).await?;
            let before = |Given { given }| Line { given: given - 1, ..line.clone() };
            return Ok(given.map(|given| before(given).next()));
        }
        let anew = line.clone().anew(from);
        let write = write.when("given", Compare::Equal, line.given).set("given", line.given + 1);
        let write = write.set("base", anew.base).set("since", from.millis());
        Ok(crate::was_done(self.write(write, ()).await)?.then(|| anew.next()))
    }

    /// Remembers a member's number until then, in place of the one that was read. Answers whether nobody else did meanwhile.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn remember_number(
        &self,
        key: QueuedKey,
        before: Option<Queued>,
        number: Number,
        until: Time,
    ) -> Result<bool, StoreFault> {
        let queued = Queued { number, expires_at: Ttl::at(until) };
        let put = Write::put(&key, &queued);
        let put = match before {
            None => put.when_absent("pk"),
            Some(Queued { number, .. }) => put
                .when_absent_or("nth", Compare::Equal, number.nth)
                .when_absent_or("openedAt", Compare::Equal, number.opened_at.millis()),
        };
        crate::was_done(self.write(put, ()).await)
    }
}

/// If the line is the one that was read, but for how many numbers were given.
fn as_read(write: Write, line: &Line) -> Write {
    let write = write.when("openedAt", Compare::Equal, line.opened_at.millis());
    let write = write.when("changes", Compare::Equal, line.changes);
    let write = write.when("base", Compare::Equal, line.base);
    write.when("since", Compare::Equal, line.since.millis())
}
