//! Waiting lists: the line of those who wait for an event's seats, what each of them is offered, and how the list stands.

use domain::{
    event::{Quantity, Title},
    id::{EventId, MemberId, OfferId, PaymentId, WaitingId},
    language::Language,
    time::Time,
    waiting::{Gathering, Party, Served, State},
};
use serde::{Deserialize, Serialize};

use super::{
    due::waiting_key,
    stock::{self, Seats},
};
use crate::{
    Compare, Index, Page, Query, Start, Store, StoreFault, Table, Transaction, Ttl, Write,
    catalog::on_sale::OnSale, identity::session::SignedIn, was_done,
};

/// How long after the end of its event it is known who waited.
const MEMORY: std::time::Duration = std::time::Duration::from_hours(90 * 24);

key!(
    /// Where it stands how a member waits for an event: one a pair.
    #[derive(Copy)]
    pub struct WaitingKey {
        /// Who.
        member_id: MemberId,
        /// For what.
        event_id: EventId,
    } => Waiting in Sales, pk("{}", partition(*member_id)), sk("EVT#{event_id}")
);

key!(
    /// A place in the line of an event.
    #[derive(Copy)]
    pub struct PlaceKey {
        /// Of which event.
        event_id: EventId,
        /// Which place.
        id: WaitingId,
    } => Place in Sales, pk("{}", line(*event_id)), sk("{id}")
);

key!(
    /// Where it stands how the list of an event does.
    #[derive(Copy)]
    pub struct WaitingListKey(event_id: EventId) => WaitingList in Sales, pk("EVT#{event_id}"), sk("WAITING_LIST")
);

/// How a member waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Their place in the line.
    pub id: WaitingId,
    /// Who.
    pub member_id: MemberId,
    /// For what.
    pub event_id: EventId,
    /// What that was called.
    pub event_title: Title,
    /// For how many.
    pub quantity: Quantity,
    /// In which language they are written to.
    pub language: Language,
    /// How it stands.
    pub state: State,
    /// What is kept for them, while it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<Offer>,
    /// The purchase that took it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_id: Option<PaymentId>,
    /// Rises with each change; every change checks it.
    pub version: u64,
    /// When they joined.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When nobody remembers it.
    pub expires_at: Ttl,
    /// The partition of the index of what is due, while an offer is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due_key: Option<String>,
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    due_at: Option<Time>,
}

/// Seats that are kept for somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// What a purchase names it by.
    pub id: OfferId,
    /// Which seats.
    pub seats: Vec<Seats>,
    /// When they were offered.
    #[serde(with = "domain::time::millis")]
    pub at: Time,
    /// Until when they are kept.
    #[serde(with = "domain::time::millis")]
    pub ends_at: Time,
}

/// Somebody in the line: there while they wait, and no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its id, by which the line is in order.
    pub id: WaitingId,
    /// Whose.
    pub member_id: MemberId,
    /// For how many.
    pub quantity: Quantity,
    /// When it is gone, at the latest.
    expires_at: Ttl,
}

/// How a list stands. There is none of an event for which nobody ever waited, and whose capacity never grew.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingList {
    /// Whether all free seats are the list's. It says the same as the shards.
    #[serde(default)]
    pub open: bool,
    /// Whom seats were offered to.
    #[serde(default)]
    pub served: Served,
    /// For whom seats are gathered, or were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gathering: Option<Gathering>,
    /// Rises with each change; every change checks it.
    #[serde(default)]
    pub version: u64,
}

/// Until when a worker has a list in hand.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    event_id: EventId,
    until: Time,
}

impl Lease {
    /// Takes a list in hand: it is due again at this time, should the worker die.
    pub const fn new(event_id: EventId, until: Time) -> Self {
        Self { event_id, until }
    }

    /// Takes it.
    pub fn take(&self) -> Write {
        look_at(self.event_id, self.until)
    }

    /// Gives it back: the list is due no more, or at this time. Not if it was made due meanwhile, or another has it in hand.
    pub fn end(&self, next: Option<Time>) -> Write {
        let write = Write::update(&WaitingListKey(self.event_id));
        let write = match next {
            Some(at) => write.set("dueAt", at.millis()),
            None => write.remove("dueKey").remove("dueAt"),
        };
        write.when("dueAt", Compare::Equal, self.until.millis())
    }
}

fn partition(member_id: MemberId) -> String {
    format!("MEM#{member_id}#WTG")
}

fn line(event_id: EventId) -> String {
    format!("EVT#{event_id}#LINE")
}

impl WaitingKey {
    /// Of a caller whose session is read together with it.
    pub fn of(caller: &SignedIn, event_id: EventId) -> Self {
        Self { member_id: caller.member_id(), event_id }
    }
}

impl Waiting {
    /// At the end of the line.
    pub fn joining(
        member_id: MemberId,
        event: &OnSale,
        quantity: Quantity,
        language: Language,
        now: Time,
    ) -> Self {
        Self {
            id: WaitingId::generate(),
            member_id,
            event_id: event.id,
            event_title: event.title.clone(),
            quantity,
            language,
            state: State::Waiting,
            offer: None,
            payment_id: None,
            version: 1,
            created_at: now,
            expires_at: Ttl::at(event.schedule.ends_at().plus(MEMORY)),
            due_key: None,
            due_at: None,
        }
    }

    /// For another number, at the same place.
    pub fn for_others(&self, quantity: Quantity) -> Self {
        Self { quantity, version: self.version + 1, ..self.clone() }
    }

    /// With these seats kept for them.
    pub fn offered(&self, seats: Vec<Seats>, ends_at: Time, now: Time) -> Self {
        Self {
            state: State::Offered,
            offer: Some(Offer { id: OfferId::generate(), seats, at: now, ends_at }),
            version: self.version + 1,
            due_key: Some(waiting_key(self.member_id)),
            due_at: Some(ends_at),
            ..self.clone()
        }
    }

    /// Out of the line: with what was offered taken by a purchase, or not.
    pub fn over(&self, taken_by: Option<PaymentId>) -> Self {
        Self {
            state: if taken_by.is_some() { State::Taken } else { State::Passed },
            offer: None,
            payment_id: taken_by,
            version: self.version + 1,
            due_key: None,
            due_at: None,
            ..self.clone()
        }
    }

    /// The offer that is open at a time. At the moment in which it ends it is over.
    pub fn open_offer(&self, now: Time) -> Option<&Offer> {
        let is_offered = self.state == State::Offered;
        self.offer.as_ref().filter(|offer| is_offered && offer.ends_at > now)
    }

    /// Its key.
    pub const fn key(&self) -> WaitingKey {
        WaitingKey { member_id: self.member_id, event_id: self.event_id }
    }

    /// Its place in the line.
    pub const fn place(&self) -> PlaceKey {
        PlaceKey { event_id: self.event_id, id: self.id }
    }

    /// Puts it where `before` was read: nothing, or what is over.
    pub fn instead_of(&self, before: Option<&Self>) -> Write {
        match before {
            None => Write::create(&self.key(), self),
            Some(before) => {
                Write::put(&self.key(), self).when("version", Compare::Equal, before.version)
            }
        }
    }

    /// Puts it into the line.
    pub fn enters(&self) -> Write {
        let Self { id, member_id, quantity, expires_at, .. } = *self;
        Write::create(&self.place(), &Place { id, member_id, quantity, expires_at })
    }

    /// Becomes what it is next, if it is as it was read.
    pub fn becomes(&self, next: &Self) -> Write {
        let write = Write::change(&self.key(), self, next);
        write.when("version", Compare::Equal, self.version)
    }

    /// How it stands at a time: an offer that has ended was let pass, though nobody has come to it yet.
    pub fn state_at(&self, now: Time) -> State {
        match self.state {
            State::Offered if self.open_offer(now).is_none() => State::Passed,
            state => state,
        }
    }

    /// With what gives back the seats that are kept for it, and has the list looked at.
    fn giving_back(&self, write: Write, now: Time) -> Transaction<()> {
        let seats = self.offer.iter().flat_map(|offer| &offer.seats);
        let back = seats.map(|seats| stock::withdraw(self.event_id, *seats));
        let all = Transaction::new().require(write, ()).also(look_at(self.event_id, now));
        back.fold(all, |all, write| all.require(write, ()))
    }
}

impl PlaceKey {
    /// Takes it out of the line, if it is there.
    pub fn leave(&self) -> Write {
        Write::delete(self).when_present("pk")
    }

    /// Waits there for another number.
    pub fn wait_for(&self, quantity: Quantity) -> Write {
        Write::update(self).set("quantity", quantity).when_present("pk")
    }
}

impl Place {
    /// Where it stands.
    pub const fn key(&self, event_id: EventId) -> PlaceKey {
        PlaceKey { event_id, id: self.id }
    }

    /// Who waits there.
    pub const fn party(&self) -> Party {
        Party { id: self.id, quantity: self.quantity }
    }
}

impl WaitingList {
    /// Becomes what it is next, if it is as it was read; it may not be there yet.
    pub fn becomes(&self, event_id: EventId, mut next: Self) -> Write {
        next.version = self.version + 1;
        let write = Write::change(&WaitingListKey(event_id), self, &next);
        match self.version {
            0 => write.when_absent("version"),
            version => write.when("version", Compare::Equal, version),
        }
    }

    /// Is looked at, since the event has more seats or another time of sale: a piece for the transaction that changes these, so that
    /// nobody opens or closes the list in between.
    pub fn is_looked_at(&self, event_id: EventId, now: Time) -> Write {
        due(self.becomes(event_id, self.clone()), event_id, now)
    }
}

/// Has the list looked at then, whenever it was to be before.
pub fn look_at(event_id: EventId, at: Time) -> Write {
    due(Write::update(&WaitingListKey(event_id)), event_id, at)
}

fn due(list: Write, event_id: EventId, at: Time) -> Write {
    list.set("dueKey", waiting_key(event_id)).set("dueAt", at.millis())
}

/// Makes a list or an offer that is due so later, should nothing come of it.
pub fn postpone(due: super::due::DueWaiting, until: Time) -> Write {
    let write = match due.member_id {
        Some(member_id) => Write::update(&WaitingKey { member_id, event_id: due.event_id }),
        None => Write::update(&WaitingListKey(due.event_id)),
    };
    write.set("dueAt", until.millis()).when_present("dueKey")
}

impl Store {
    /// Takes somebody out of the line, or what is kept for them from them, if they stand as they were read; and whether they did.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn leave_line(&self, waiting: &Waiting, now: Time) -> Result<bool, StoreFault> {
        let gone = Write::delete(&waiting.key()).when("version", Compare::Equal, waiting.version);
        let whole = waiting.giving_back(gone, now);
        let place = (waiting.state == State::Waiting).then(|| waiting.place().leave());
        let whole = place.into_iter().fold(whole, |whole, place| whole.require(place, ()));
        self.give_back(waiting, whole).await
    }

    /// Ends an offer that was let pass, if it stands as it was read; and whether it did.
    ///
    /// # Errors
    /// The database's trouble.
    pub async fn end_offer(&self, waiting: &Waiting, now: Time) -> Result<bool, StoreFault> {
        let ended = waiting.becomes(&waiting.over(None));
        self.give_back(waiting, waiting.giving_back(ended, now)).await
    }

    /// Seats that come back may be for everybody: no sold-out mark outlives that.
    async fn give_back(
        &self,
        waiting: &Waiting,
        whole: Transaction<()>,
    ) -> Result<bool, StoreFault> {
        let done = was_done(self.transact(whole).await)?;
        if done && waiting.offer.is_some() {
            self.seats_are_back(waiting.event_id).await;
        }
        Ok(done)
    }

    /// Who waits for an event, in their order, and up to now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn line(
        &self,
        event_id: EventId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Place>, StoreFault> {
        let query = Query::new(Index::of(Table::Sales), line(event_id), limit);
        self.query(query.consistent().after(start)).await
    }

    /// How many wait before a place, counted up to `most`. It may be a second old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ahead_of(&self, place: PlaceKey, most: u32) -> Result<u32, StoreFault> {
        let query = Query::new(Index::of(Table::Sales), line(place.event_id), most);
        let before = query.between("wtg_".into(), place.id.to_string());
        let found = self.query::<Place>(before).await?.items;
        Ok(found.iter().filter(|found| found.id < place.id).count() as u32)
    }

    /// What a member waits for, or waited. It may be a second old.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waits_of(
        &self,
        member_id: MemberId,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<Waiting>, StoreFault> {
        let query = Query::new(Index::of(Table::Sales), partition(member_id), limit);
        self.query(query.after(start)).await
    }
}
