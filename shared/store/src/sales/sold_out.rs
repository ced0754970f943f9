//! The sold-out mark: a hint that spares the shards the crowd that comes too late. It is never older than 5 s, and does not
//! outlive the return of a seat.

use std::time::Duration;

use domain::{id::EventId, time::Time};
use serde::{Deserialize, Serialize};

use crate::{Compare, Rejected, Store, Write};

/// How long the hint is believed.
const BELIEVED: Duration = Duration::from_secs(5);

key!(
    /// Where the mark of an event stands.
    #[derive(Copy)]
    pub struct SoldOutKey(event_id: EventId) => SoldOut in Sales, pk("EVT#{event_id}"), sk("SOLD_OUT")
);

/// What was seen of an event's stock. There is none for an event to which no seat ever came back, and that never sold out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SoldOut {
    /// How many times seats came back.
    #[serde(default)]
    pub epoch: u64,
    /// When no shard had a seat left.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub sold_out_at: Option<Time>,
    /// Whether seats that come back are for those who wait for them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited_for: bool,
}

impl SoldOut {
    /// Whether the event need not be looked at any closer.
    pub fn is_fresh(&self, now: Time) -> bool {
        self.sold_out_at.is_some_and(|seen| seen <= now && now < seen.plus(BELIEVED))
    }
}

/// Marks the event as sold out, unless a seat came back since `seen` was read. It must have been read before the shards.
pub fn mark(event_id: EventId, seen: SoldOut, waited_for: bool, now: Time) -> Write {
    let write = Write::update(&SoldOutKey(event_id)).set("soldOutAt", now.millis());
    let write = write.set("waitedFor", waited_for);
    match seen.epoch {
        0 => write.when_absent("epoch"),
        epoch => write.when("epoch", Compare::Equal, epoch),
    }
}

/// Takes the mark away, and keeps one from being set that was decided on before: what follows each transaction that gives seats back.
fn clear(event_id: EventId) -> Write {
    Write::update(&SoldOutKey(event_id)).add("epoch", 1).remove("soldOutAt")
}

impl Store {
    /// Takes the mark away, after the transaction that gave seats back. Where that fails, it ends by itself.
    pub async fn seats_are_back(&self, event_id: EventId) {
        if let Err(Rejected::Store(fault)) = self.write(clear(event_id), ()).await {
            tracing::warn!(%event_id, error = %fault, "the sold-out mark stays until its time is over");
        }
    }
}
