//! The shards of an event's stock. Each repeats the terms of the sale, so that a purchase looks at the shards it takes from
//! and never at the event.

use std::collections::BTreeMap;

use domain::{
    event::{Capacity, Price, Sale},
    id::EventId,
    stock::{Shard, shards_for},
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Relaxed, Store, StoreFault, Write, catalog::on_sale::OnSale};

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
    /// What the tickets that are sold of it cost at their list price, in won, whatever each of them cost. Below zero only where some
    /// went back that were sold before it was counted.
    #[serde(default)]
    pub takings: i64,
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
    let shards = (0..).zip(shards_for(capacity.get()));
    shards.map(|(number, free)| add(event_id, number, free, sale, false)).collect()
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

/// Makes held seats sold, at a price.
pub fn sell(event_id: EventId, seats: Seats, price: Price) -> Write {
    moved(event_id, seats, "held", "sold").add("takings", cost(seats, price))
}

/// Makes sold seats free again, that were sold at this price.
pub fn restore(event_id: EventId, seats: Seats, price: Price) -> Write {
    moved(event_id, seats, "sold", "free").add("takings", -cost(seats, price))
}

/// What so many seats cost, in won.
fn cost(seats: Seats, price: Price) -> i64 {
    i64::from(seats.count) * price.get() as i64
}

/// Puts all shards on other terms: pieces for the transaction that changes the event. From then on no hold begins on the old ones.
pub fn change_terms(event_id: EventId, shards: u16, sale: Sale) -> impl Iterator<Item = Write> {
    keys(event_id, shards).into_iter().map(move |key| change(&key, 0, Some(sale)))
}

/// Gives a shard so many free seats more, or takes them away if they are free, and puts it on other terms, if there are some.
pub fn change(key: &StockKey, free: i64, terms: Option<Sale>) -> Write {
    let write = Write::update(key).when_present("pk");
    let write = match free {
        0 => write,
        more @ 1.. => write.add("free", more),
        fewer => write.add("free", fewer).when("free", Compare::AtLeast, -fewer),
    };
    let Some(sale) = terms else { return write };
    let write = write.set("state", sale.state).set("price", sale.price);
    let write = write.set("termsVersion", sale.terms_version);
    let write = write.set("saleStartsAt", sale.window.sale_starts_at.millis());
    let write = write.set("saleEndsAt", sale.window.sale_ends_at.millis());
    write.when("termsVersion", Compare::Below, sale.terms_version)
}

/// The same where nobody has a seat, or is about to.
pub fn close_untaken(key: &StockKey, terms: Sale) -> Write {
    let write = change(key, 0, Some(terms)).when_absent_or("offered", Compare::Equal, 0);
    write.when("held", Compare::Equal, 0).when("sold", Compare::Equal, 0)
}

/// Makes a shard.
pub fn add(event_id: EventId, number: u16, free: u32, sale: Sale, waited_for: bool) -> Write {
    let shard = Shard::of_free(number, free);
    let stock = Stock { event_id, shard, sale, takings: 0, waited_for };
    Write::create(&StockKey { event_id, number }, &stock)
}

fn moved(event_id: EventId, Seats { number, count }: Seats, from: &str, to: &str) -> Write {
    Write::update(&StockKey { event_id, number })
        .add(from, -i64::from(count))
        .add(to, i64::from(count))
        .when(from, Compare::AtLeast, count)
}

/// What all shards of an event have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tickets that can be bought.
    pub free: u32,
    /// That are kept for somebody who waited for them.
    pub offered: u32,
    /// Of purchases that are not paid yet.
    pub held: u32,
    /// That are paid.
    pub sold: u32,
    /// What these cost at their list price, in won.
    pub takings: i64,
}

/// So many items are read in one call.
const AT_ONCE: usize = 100;

impl Store {
    /// How several events sell, in their order. It may be a second old.
    ///
    /// # Errors
    /// When the database does not answer, or a shard can't be read.
    pub async fn tallies(&self, events: &[OnSale]) -> Result<Vec<Tally>, StoreFault> {
        let keys = events.iter().flat_map(|event| keys(event.id, event.shards.max(1)));
        let keys: Vec<_> = keys.map(Relaxed).collect();
        let mut tallies: BTreeMap<EventId, Tally> = BTreeMap::new();
        for keys in keys.chunks(AT_ONCE) {
            for Stock { event_id, shard, takings, .. } in
                self.read_all(keys).await?.into_iter().flatten()
            {
                let tally = tallies.entry(event_id).or_default();
                tally.free += shard.free;
                tally.offered += shard.offered;
                tally.held += shard.held;
                tally.sold += shard.sold;
                tally.takings += takings;
            }
        }
        Ok(events.iter().map(|it| tallies.remove(&it.id).unwrap_or_default()).collect())
    }
}
