//! How many tickets of an event one buyer has, held and sold together.

use domain::{
    event::{MAX_TICKETS_PER_BUYER, Quantity},
    id::{EventId, MemberId},
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Key, Table, Write};

/// Where the counter of one buyer and one event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuyerKey {
    /// The buyer.
    pub member_id: MemberId,
    /// The event.
    pub event_id: EventId,
}

impl Key for BuyerKey {
    type Item = Buyer;
    const TABLE: Table = Table::Sales;

    fn pk(&self) -> String {
        format!("BUYER#{}#EVT#{}", self.member_id, self.event_id)
    }

    fn sk(&self) -> String {
        "BUYER".to_owned()
    }
}

/// A buyer's tickets of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Held and sold ones; at most 4.
    pub tickets: u32,
}

/// Counts tickets that are held, unless they would be too many.
pub fn hold(key: &BuyerKey, quantity: Quantity) -> Write {
    let most = MAX_TICKETS_PER_BUYER.saturating_sub(quantity.get());
    let write = Write::update(key).add("tickets", i64::from(quantity.get()));
    write.when_absent_or("tickets", Compare::AtMost, most)
}

/// Counts tickets that are given back.
pub fn release(key: &BuyerKey, quantity: Quantity) -> Write {
    let write = Write::update(key).add("tickets", -i64::from(quantity.get()));
    write.when("tickets", Compare::AtLeast, quantity.get())
}
