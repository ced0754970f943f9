//! How many tickets of an event one buyer has, held and sold together.

use domain::{
    event::{MAX_TICKETS_PER_BUYER, Quantity},
    id::{EventId, MemberId},
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Write};

key!(
    /// Where the counter of one buyer and one event stands.
    #[derive(Copy)]
    pub struct BuyerKey {
        /// The buyer.
        member_id: MemberId,
        /// The event.
        event_id: EventId,
    } => Buyer in Sales, pk("BUYER#{member_id}#EVT#{event_id}"), sk("BUYER")
);

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
pub fn release(key: &BuyerKey, tickets: u32) -> Write {
    let write = Write::update(key).add("tickets", -i64::from(tickets));
    write.when("tickets", Compare::AtLeast, tickets)
}
