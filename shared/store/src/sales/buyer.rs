//! How many tickets of an event one buyer has, held and sold together.

use domain::{
    event::{MAX_TICKETS_PER_BUYER, Quantity},
    id::{EventId, MemberId},
    payment::Unpaid,
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Compare, Write, identity::session::SignedIn};

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

impl BuyerKey {
    /// Of a caller whose session is read together with it.
    pub fn of(buyer: &SignedIn, event_id: EventId) -> Self {
        Self { member_id: buyer.member_id(), event_id }
    }
}

/// A buyer's tickets of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// Held and sold ones; at most 4.
    pub tickets: u32,
    /// The holds that ended unpaid.
    #[serde(flatten)]
    pub unpaid: Unpaid,
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

/// With one more hold that ended unpaid.
pub fn unpaid(release: Write, now: Time) -> Write {
    release.add("unpaid", 1).set("unpaidAt", now.millis())
}

/// With all that ended unpaid forgotten.
pub fn forgotten(write: Write) -> Write {
    write.set("unpaid", 0)
}
