//! The shards of an event's stock. Each repeats the terms of the sale, so that a purchase looks at the shards it takes from
//! and never at the event.

use domain::{
    event::{Capacity, Sale},
    id::EventId,
    stock::{Shard, shards_for},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Write};

key!(
    /// Where a shard stands: each has a partition of its own.
    #[derive(Copy)]
    pub struct StockKey {
        /// Whose stock.
        event_id: EventId,
        /// Which shard, from 0.
        number: u16,
    } => Stock in Sales, pk("EVT#{event_id}#STOCK#{number}"), sk("STOCK")
);

/// A part of an event's tickets, and the terms they are sold on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stock {
    /// Whose.
    pub event_id: EventId,
    /// How many are free, held and sold.
    #[serde(flatten)]
    pub shard: Shard,
    /// The terms.
    #[serde(flatten)]
    pub sale: Sale,
    /// Whether somebody waits for the event's seats: then the free ones are on no open sale. All shards say the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waited_for: bool,
}

impl Stock {
    /// How many tickets anybody can buy.
    pub const fn on_sale(&self) -> u32 {
        if self.waited_for { 0 } else { self.shard.free }
    }
}

/// So many seats of one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// The shard.
    pub number: u16,
    /// How many.
    pub count: u32,
}

impl From<(u16, u32)> for Seats {
    /// As [`domain::stock::take`] answers them.
    fn from((number, count): (u16, u32)) -> Self {
        Self { number, count }
    }
}

/// The keys of an event's shards.
pub fn keys(event_id: EventId, shards: u16) -> Vec<StockKey> {
    (0..shards).map(|number| StockKey { event_id, number }).collect()
}

/// Makes the stock of a new event: pieces for the transaction that makes the event, one for each shard (at most 80).
pub fn create(event_id: EventId, capacity: Capacity, sale: Sale) -> Vec<Write> {
    let shard = |(number, free)| {
        let shard = Shard::of_free(number, free);
        let stock = Stock { event_id, shard, sale, waited_for: false };
        Write::create(&StockKey { event_id, number }, &stock)
    };
    (0..).zip(shards_for(capacity.get())).map(shard).collect()
}

/// Takes free seats for a purchase, on condition that the terms are still those that the buyer was shown, and that nobody waits
/// for them.
pub fn hold(event_id: EventId, seats: Seats, sale: &Sale, now: Time) -> Write {
    on_terms(moved(event_id, seats, "free", "held"), sale, now).when_absent("waitedFor")
}

/// Keeps free seats for somebody who waited for them.
pub fn offer(event_id: EventId, seats: Seats, sale: &Sale, now: Time) -> Write {
    on_terms(moved(event_id, seats, "free", "offered"), sale, now)
}

/// Takes seats that were offered for a purchase.
pub fn accept(event_id: EventId, seats: Seats, sale: &Sale, now: Time) -> Write {
    on_terms(moved(event_id, seats, "offered", "held"), sale, now)
}

/// Makes offered seats free again.
pub fn withdraw(event_id: EventId, seats: Seats) -> Write {
    moved(event_id, seats, "offered", "free")
}

fn on_terms(moved: Write, sale: &Sale, now: Time) -> Write {
    moved
        .when("termsVersion", Compare::Equal, sale.terms_version)
        .when("state", Compare::Equal, sale.state)
        .when("saleStartsAt", Compare::AtMost, now.millis())
        .when("saleEndsAt", Compare::Above, now.millis())
}

/// Takes all seats from the open sale, or puts them on it again: pieces for the transaction that opens or closes the waiting list.
pub fn wait_for(event_id: EventId, shards: u16, waits: bool) -> impl Iterator<Item = Write> {
    keys(event_id, shards).into_iter().map(move |key| {
        let write = Write::update(&key).when_present("pk");
        if waits { write.set("waitedFor", true) } else { write.remove("waitedFor") }
    })
}

/// Makes held seats free again.
pub fn release(event_id: EventId, seats: Seats) -> Write {
    moved(event_id, seats, "held", "free")
}

/// Makes held seats sold.
pub fn sell(event_id: EventId, seats: Seats) -> Write {
    moved(event_id, seats, "held", "sold")
}

/// Makes sold seats free again.
pub fn restore(event_id: EventId, seats: Seats) -> Write {
    moved(event_id, seats, "sold", "free")
}

/// Puts all shards on other terms: pieces for the transaction that changes the event. From then on no hold begins on the old ones.
pub fn change_terms(event_id: EventId, shards: u16, sale: Sale) -> impl Iterator<Item = Write> {
    keys(event_id, shards).into_iter().map(move |key| {
        let terms = Write::update(&key).set("state", sale.state).set("price", sale.price);
        let terms = terms.set("termsVersion", sale.terms_version);
        let terms = terms.set("saleStartsAt", sale.window.sale_starts_at.millis());
        let terms = terms.set("saleEndsAt", sale.window.sale_ends_at.millis());
        terms.when("termsVersion", Compare::Below, sale.terms_version)
    })
}

fn moved(event_id: EventId, Seats { number, count }: Seats, from: &str, to: &str) -> Write {
    Write::update(&StockKey { event_id, number })
        .add(from, -i64::from(count))
        .add(to, i64::from(count))
        .when(from, Compare::AtLeast, count)
}
