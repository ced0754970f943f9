//! Tickets: one for each seat that is paid.

use domain::{
    event::{Place, Price, Schedule, Title},
    id::{EventId, MemberId, PaymentId, TicketId},
    ticket::{ScannerName, State},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    by_event::shard_of_member,
    payment::{BY_MEMBER, Booking, Payment},
};
use crate::{
    Compare, Index, Page, Query, Rejected, Start, Store, StoreFault, Table, Transaction, Write,
    shard::shard_of,
};

/// Over how many items it is counted who was let in: as many scanners as that meet on none.
const SHARDS: u8 = 8;

key!(
    /// Where a ticket stands.
    #[derive(Copy)]
    pub struct TicketKey(id: TicketId) => Ticket in Sales, pk("TKT#{id}"), sk("TICKET")
);

/// One seat for one person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// Its id.
    pub id: TicketId,
    /// How it was paid.
    pub payment_id: PaymentId,
    /// Whose it is.
    pub member_id: MemberId,
    /// For what.
    pub event_id: EventId,
    /// Whose event it is.
    pub artist_id: MemberId,
    /// What that was called when it was bought.
    pub event_title: Title,
    /// Where it takes place, as known when it was bought.
    pub place: Place,
    /// When it takes place, as known when it was bought.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The list price.
    pub price: Price,
    /// Whether it lets somebody in.
    pub state: State,
    /// When it was paid.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// How it let somebody in, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_in: Option<CheckIn>,
    member_key: String,
    member_sort: String,
    #[serde(default)]
    event_key: String,
}

/// How somebody was let in: by the scan that was written first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckIn {
    /// When, by the scanner's clock.
    #[serde(with = "domain::time::millis")]
    pub scanned_at: Time,
    /// What the scanner is called.
    pub device: ScannerName,
    /// When we heard of it.
    #[serde(with = "domain::time::millis")]
    pub recorded_at: Time,
}

key!(
    /// Where it is counted how many of an event's tickets let somebody in.
    #[derive(Copy)]
    struct CheckedInKey {
        /// The event.
        event_id: EventId,
        /// The shard.
        shard: u8,
    } => CheckedIn in Sales, pk("EVT#{event_id}#CHECKED_IN"), sk("COUNT#{shard}")
);

/// How many there are in a shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CheckedIn {
    count: u64,
}

impl Ticket {
    /// A ticket of a payment for what is booked.
    pub fn of(payment: &Payment, booking: &Booking, id: TicketId, now: Time) -> Self {
        Self {
            id,
            payment_id: payment.id,
            member_id: payment.member_id,
            event_id: booking.event_id,
            artist_id: booking.artist_id,
            event_title: booking.event_title.clone(),
            place: booking.place.clone(),
            schedule: booking.schedule,
            price: booking.price,
            state: State::Valid,
            created_at: now,
            check_in: None,
            member_key: partition(payment.member_id),
            member_sort: id.to_string(),
            event_key: partition_of_event(booking.event_id, shard_of_member(payment.member_id)),
        }
    }

    /// Puts the ticket: a piece for the transaction that approves its payment.
    pub fn create(&self) -> Write {
        Write::create(&TicketKey(self.id), self)
    }
}

/// Gives a ticket back, if it still lets somebody in: a piece for the transaction that refunds it.
pub fn give_back(id: TicketId) -> Write {
    let write = Write::update(&TicketKey(id)).set("state", State::Refunded);
    write.when("state", Compare::Equal, State::Valid)
}

/// Lets somebody in with a ticket of an event, if it still does, and counts it.
fn let_in(event_id: EventId, id: TicketId, check_in: &CheckIn) -> Transaction<()> {
    let ticket = Write::update(&TicketKey(id))
        .set("state", State::CheckedIn)
        .set("checkIn", check_in)
        .when("state", Compare::Equal, State::Valid)
        .when("eventId", Compare::Equal, event_id);
    let count = CheckedInKey { event_id, shard: shard_of(id, SHARDS) };
    Transaction::new().require(ticket, ()).also(Write::update(&count).add("count", 1))
}

/// A member's tickets, the newest first.
pub(crate) fn of_member(member_id: MemberId, limit: u32) -> Query {
    Query::new(BY_MEMBER, partition(member_id), limit).backwards()
}

fn partition(member_id: MemberId) -> String {
    format!("MEM#{member_id}#TKT")
}

fn partition_of_event(event_id: EventId, shard: u8) -> String {
    format!("EVT#{event_id}#TKT#{shard}")
}

impl Store {
    /// Lets somebody in with a ticket of an event.
    ///
    /// # Errors
    /// The ticket, if there is one, that lets nobody in, or not any more; or the database's trouble.
    pub async fn check_in(
        &self,
        event_id: EventId,
        id: TicketId,
        check_in: &CheckIn,
    ) -> Result<(), Rejected<Option<Ticket>>> {
        match self.transact(let_in(event_id, id, check_in)).await {
            Ok(()) => Ok(()),
            Err(Rejected::Condition(())) => {
                Err(Rejected::Condition(self.get(&TicketKey(id)).await?))
            }
            Err(Rejected::Store(fault)) => Err(fault.into()),
        }
    }

    /// How many of an event's tickets let somebody in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn checked_in(&self, event_id: EventId) -> Result<u64, StoreFault> {
        let counts = format!("EVT#{event_id}#CHECKED_IN");
        let counts = Query::new(Index::of(Table::Sales), counts, SHARDS.into());
        let counts = self.query::<CheckedIn>(counts).await?.items;
        Ok(counts.iter().map(|shard| shard.count).sum())
    }

    /// A member's tickets, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tickets_of(
        &self,
        member_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Ticket>, StoreFault> {
        self.query(of_member(member_id, limit).after(start)).await
    }

    /// The tickets of one shard (0 to 7) of an event, at most 100, each member's together.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tickets_of_event(
        &self,
        event_id: EventId,
        shard: u8,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Ticket>, StoreFault> {
        self.of_event::<TicketKey>(partition_of_event(event_id, shard), limit, start).await
    }
}
