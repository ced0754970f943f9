//! How far the buyers of a cancelled event have their money back. It is also where the worker that gives it back goes on: whoever
//! dies over a page leaves it to be done again, and of two who are at one page, only one goes on from there.

use domain::{
    event::Progress,
    id::{EventId, MemberId, PaymentId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Start, Store, Write, was_done};

/// So many failures are named; all are counted.
const NAMED: usize = 50;

key!(
    /// Where it stands.
    #[derive(Copy)]
    pub struct EventRefundsKey(event_id: EventId) => EventRefunds in Sales, pk("EVT#{event_id}"), sk("REFUNDS")
);

/// How far the buyers of a cancelled event have their money back.
///
/// All payments of the event are walked round after round, until nothing is open any more. What a round finds is counted anew from
/// the payments, so that no count can drift from them, whoever dies and however often a page is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventRefunds {
    /// Which event.
    pub event_id: EventId,
    /// Whose event it is.
    pub artist_id: MemberId,
    /// How far it is.
    pub state: Progress,
    /// Which round it is. The first, 0, ends open holds and counts what there is to give back.
    pub round: u32,
    /// The shard of the event's payments that is walked next.
    pub shard: u8,
    /// The payment of it after which the next page starts; none at its beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// What this round has found so far.
    pub found: Tally,
    /// What the last whole round found.
    pub last: Tally,
    /// The purchases that a person has to look at, of this round: the first of them.
    pub failures: Vec<Failure>,
    /// Rises with each change; every change checks it.
    pub version: u64,
    /// When it began.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When it was changed last.
    #[serde(with = "domain::time::millis")]
    pub updated_at: Time,
}

/// How many purchases of a cancelled event there are. Unpaid ones are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Of which money is to go back, or went.
    pub total: u32,
    /// Of which all of it is back.
    pub done: u32,
    /// That a person has to look at.
    pub failed: u32,
}

/// A purchase that a person has to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Which.
    pub payment_id: PaymentId,
    /// Why.
    pub reason: String,
}

impl Tally {
    /// Of which money is still on its way.
    pub fn open(&self) -> u32 {
        self.total - self.done - self.failed
    }
}

impl EventRefunds {
    /// At its beginning.
    pub fn new(event_id: EventId, artist_id: MemberId, now: Time) -> Self {
        Self {
            event_id,
            artist_id,
            state: Progress::Running,
            round: 0,
            shard: 0,
            start: None,
            found: Tally::default(),
            last: Tally::default(),
            failures: Vec::new(),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// At the beginning of the next round, once this one is whole.
    pub fn next_round(&self) -> Self {
        Self {
            state: Progress::Running,
            round: self.round + 1,
            shard: 0,
            start: None,
            found: Tally::default(),
            last: self.found,
            failures: Vec::new(),
            ..self.clone()
        }
    }

    /// With one more failure.
    pub fn failed(&mut self, payment_id: PaymentId, reason: &str) {
        self.found.failed += 1;
        if self.failures.len() < NAMED {
            self.failures.push(Failure { payment_id, reason: reason.to_owned() });
        }
    }

    /// What is told of it: what the last whole round found, and what this one has found beyond that.
    pub fn told(&self) -> Tally {
        let Self { found, last, .. } = self;
        Tally {
            total: found.total.max(last.total),
            done: found.done.max(last.done),
            failed: found.failed.max(last.failed),
        }
    }
}

impl Store {
    /// Writes how far the refunds of an event have come, unless somebody else did meanwhile: then it says `false`. The first that
    /// is written is what `before` is none for.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn refunds_go_on(
        &self,
        before: Option<&EventRefunds>,
        after: &mut EventRefunds,
        now: Time,
    ) -> Result<bool, crate::StoreFault> {
        let key = EventRefundsKey(after.event_id);
        let write = match before {
            None => Write::create(&key, after),
            Some(before) => {
                after.version = before.version + 1;
                after.updated_at = now;
                let write = Write::change(&key, before, after);
                write.when("version", Compare::Equal, before.version)
            }
        };
        was_done(self.write(write, ()).await)
    }
}
