//! Tickets: one for each seat that is paid.

use domain::{
    event::{Place, Price, Schedule, Title},
    id::{EventId, MemberId, PaymentId, TicketId},
    ticket::State,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    by_event::shard_of_member,
    payment::{BY_MEMBER, Booking, Payment},
};
use crate::{Compare, Page, Query, Start, Store, StoreFault, Write};

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
    member_key: String,
    member_sort: String,
    #[serde(default)]
    event_key: String,
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
