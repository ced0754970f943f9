//! Waiting for seats of an event that is sold out: joining the line, leaving it, and what is offered to whom.
//!
//! While somebody waits, the free seats of all shards are on no open sale, so that nobody takes by chance what somebody waits for.
//! Whoever comes first opens the list, and the worker that finds nobody in the line closes it. One item of the list is in every
//! offer's transaction, so that two workers make one offer after the other.

use std::time::Duration;

use domain::{
    event::{MAX_TICKETS_PER_BUYER, Quantity, RefundPolicy, Sale},
    id::{EventId, MemberId, WaitingId},
    language::Language,
    notification::Kind,
    stock::Shard,
    time::Time,
    waiting::{Gathering, Next, State, next},
};
use gateways::{MailMessage, Queue};
use store::{
    Rejected, Relaxed, Store, StoreFault, Transaction,
    catalog::on_sale::{OnSale, OnSaleKey},
    ephemeral::rate::Rule,
    identity::session::SignedIn,
    inbox::{
        mail::{About, Mail},
        notification::{Event, Notification},
        telling::Telling,
    },
    sales::{
        buyer::BuyerKey,
        due::DueWaiting,
        stock::{self, Seats, Stock},
        waiting::{Lease, Waiting, WaitingKey, WaitingList, WaitingListKey, look_at, postpone},
    },
    was_done,
};

use crate::{Lack, SalesFault, Unmet, on_sale, settle::ROUNDS};

/// How often one member may join lists and leave them.
const BY_MEMBER: Rule = Rule { name: "waiting", limit: 30, window: Duration::from_secs(60) };

/// How long seats are kept for somebody, if the sale does not end before.
const OFFER: Duration = Duration::from_secs(30 * 60);

/// An offer's letter is announced before the offer is made, and looked for so much later: longer than who makes it lives.
const ANNOUNCED: Duration = Duration::from_secs(30);

/// When what is due is sent again, should nothing come of it.
const AGAIN: Duration = Duration::from_secs(900);

/// So many of a line are read at once.
const LINE: u32 = 100;

/// How far from the front a place is counted.
const COUNTED: u32 = 1_000;

/// So many offers are made with one message at most. What is left is looked at again.
const OFFERS: usize = 50;

/// How a member waits, as they see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// What there is of it.
    pub waiting: Waiting,
    /// How it stands now.
    pub state: State,
    /// Which one they are in the line, from 1, while they are in it; 1,001 is anywhere behind the first thousand.
    pub position: Option<u32>,
}

impl Place {
    async fn of(
        store: &Store,
        waiting: Waiting,
        sale: Sale,
        now: Time,
    ) -> Result<Self, StoreFault> {
        let state = match waiting.state_at(now) {
            State::Waiting | State::Offered if sale.open_at(now).is_err() => State::Closed,
            state => state,
        };
        let position = match state {
            State::Waiting => Some(store.ahead_of(waiting.place(), COUNTED).await? + 1),
            _ => None,
        };
        Ok(Self { waiting, state, position })
    }
}

/// Joins the line of an event that is sold out, at its end; who is in it stays where they are, for as many as they say now.
///
/// # Errors
/// `SEATS_LEFT` while there are some for everybody, `TICKET_LIMIT`, `OFFER_OPEN`, that the sale is not open, or the database's
/// trouble.
pub async fn join(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    quantity: Quantity,
    language: Language,
    now: Time,
) -> Result<Place, SalesFault> {
    let key = WaitingKey::of(caller, event_id);
    let event = Relaxed(OnSaleKey(event_id));
    let keys = (event, BuyerKey::of(caller, event_id), (key, WaitingListKey(event_id)));
    let (session, (event, counter, (mut waits, list))) = store.read_for(caller, keys, now).await?;
    session.member.may_deal(now)?;
    store.count(BY_MEMBER, &session.member.id.to_string(), now).await?;
    let event = on_sale(store, event_id, event).await?.ok_or(SalesFault::EventNotFound)?;
    event.sale().open_at(now)?;
    let counter = counter.unwrap_or_default();
    counter.unpaid.may_hold(now)?;
    if waits.as_ref().is_some_and(|it| it.open_offer(now).is_some()) {
        return Err(SalesFault::OfferOpen);
    }
    if counter.tickets + quantity.get() > MAX_TICKETS_PER_BUYER {
        return Err(SalesFault::Lacks(Lack::Tickets, None));
    }
    let mut is_open = list.is_some_and(|list| list.open);
    for _ in 0..ROUNDS {
        if !is_open {
            let stock = shards(store, &event).await?;
            match stock.iter().map(Stock::on_sale).sum() {
                0 => {}
                left => return Err(SalesFault::SeatsLeft { left }),
            }
        }
        let (next, whole) = match &waits {
            // Who joined before may have died on the way to open the list.
            Some(waiting) if waiting.state == State::Waiting && waiting.quantity == quantity => {
                (waiting.clone(), Transaction::new())
            }
            Some(waiting) if waiting.state == State::Waiting => {
                let next = waiting.for_others(quantity);
                let changed = Transaction::new().require(waiting.becomes(&next), Unmet::Offer);
                (next, changed.require(waiting.place().wait_for(quantity), Unmet::Offer))
            }
            Some(waiting) if waiting.open_offer(now).is_some() => {
                return Err(SalesFault::OfferOpen);
            }
            Some(waiting) if waiting.state == State::Offered => {
                withdraw(store, waiting.member_id, event_id, now).await?;
                waits = store.get(&key).await?;
                continue;
            }
            // A newer program is at it.
            Some(waiting) if waiting.state == State::Unknown => return Err(SalesFault::Contended),
            over => {
                let id = session.member.id;
                let next = Waiting::joining(id, &event, quantity, language, now);
                let put = Transaction::new().require(next.instead_of(over.as_ref()), Unmet::Offer);
                let put = put.also(next.enters());
                // Should it not be opened below, whoever looks at it opens it.
                let due = (!is_open).then(|| look_at(event_id, now));
                (next, due.into_iter().fold(put, Transaction::also))
            }
        };
        let written = if whole.is_empty() { Ok(()) } else { store.transact(whole).await };
        match written {
            Ok(()) => {
                open(store, &event).await?;
                was_done(store.write(look_at(event_id, now), ()).await)?;
                return Ok(Place::of(store, next, event.sale(), now).await?);
            }
            Err(Rejected::Condition(_)) => {
                let list;
                (waits, list) = store.read(&(key, WaitingListKey(event_id))).await?;
                is_open = list.is_some_and(|list| list.open);
            }
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Err(SalesFault::Contended)
}

/// How the caller waits for an event.
///
/// # Errors
/// `NOT_WAITING`, `EVENT_NOT_FOUND`, or the database's trouble.
pub async fn place(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<Place, SalesFault> {
    let keys = (WaitingKey::of(caller, event_id), Relaxed(OnSaleKey(event_id)));
    let (_, (waits, event)) = store.read_for(caller, keys, now).await?;
    let event = event.filter(|it| it.deleted_at.is_none()).ok_or(SalesFault::EventNotFound)?;
    Ok(Place::of(store, waits.ok_or(SalesFault::NotWaiting)?, event.sale(), now).await?)
}

/// Leaves the line, or gives up what was offered.
///
/// # Errors
/// `NOT_WAITING`, `EVENT_NOT_FOUND`, or the database's trouble.
pub async fn leave(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<(), SalesFault> {
    let key = WaitingKey::of(caller, event_id);
    let keys = (key, Relaxed(OnSaleKey(event_id)));
    let (session, (mut waits, event)) = store.read_for(caller, keys, now).await?;
    if event.is_none_or(|event| event.deleted_at.is_some()) {
        return Err(SalesFault::EventNotFound);
    }
    if waits.is_none() {
        return Err(SalesFault::NotWaiting);
    }
    store.count(BY_MEMBER, &session.member.id.to_string(), now).await?;
    for _ in 0..ROUNDS {
        let waiting = waits.ok_or(SalesFault::NotWaiting)?;
        // A newer program is at it.
        if waiting.state == State::Unknown {
            return Err(SalesFault::Contended);
        }
        if store.leave_line(&waiting, now).await? {
            return Ok(());
        }
        (_, waits) = store.read_for(caller, key, now).await?;
    }
    Err(SalesFault::Contended)
}

/// Ends an offer that its member let pass: they are out of the line. One that is open, or was taken, stays as it is.
///
/// # Errors
/// The database's trouble.
pub async fn withdraw(
    store: &Store,
    member_id: MemberId,
    event_id: EventId,
    now: Time,
) -> Result<(), SalesFault> {
    let found = store.get(&WaitingKey { member_id, event_id }).await?;
    let Some(waiting) = found.filter(|it| it.state == State::Offered) else { return Ok(()) };
    if waiting.open_offer(now).is_some() {
        return Ok(());
    }
    // Whoever was faster took it, or did this.
    store.end_offer(&waiting, now).await?;
    Ok(())
}

/// Makes what was sent to be looked at due again later, should nothing come of it: so that it stands before no other.
///
/// # Errors
/// The database's trouble.
pub async fn look_again(store: &Store, due: &[DueWaiting], now: Time) -> Result<(), SalesFault> {
    for due in due {
        was_done(store.write(postpone(*due, now.plus(AGAIN)), ()).await)?;
    }
    Ok(())
}

/// Offers the free seats of an event to those who wait, in their order, and opens or closes the list as there is somebody.
///
/// # Errors
/// The database's trouble, or the queue's.
pub async fn serve(
    store: &Store,
    mail: &Queue<MailMessage>,
    event_id: EventId,
    now: Time,
) -> Result<(), SalesFault> {
    // Most events have none.
    if store.get(&WaitingListKey(event_id)).await?.is_none() {
        return Ok(());
    }
    let lease = Lease::new(event_id, now.plus(AGAIN));
    was_done(store.write(lease.take(), ()).await)?;
    let next = offer_all(store, mail, event_id, now).await?;
    // What happened meanwhile has made it due again.
    was_done(store.write(lease.end(next), ()).await)?;
    Ok(())
}

/// The same, and when it has to be looked at again.
async fn offer_all(
    store: &Store,
    mail: &Queue<MailMessage>,
    event_id: EventId,
    now: Time,
) -> Result<Option<Time>, SalesFault> {
    for _ in 0..OFFERS {
        let keys = (OnSaleKey(event_id), WaitingListKey(event_id));
        let (event, list) = store.read(&keys).await?;
        let Some(event) = on_sale(store, event_id, event).await? else { return Ok(None) };
        let sale = event.sale();
        if sale.open_at(now).is_err() || event.refund_policy == RefundPolicy::Unknown {
            return Ok(None);
        }
        let list = list.unwrap_or_default();
        let line = store.line(event_id, 1, None).await?;
        match (line.items.is_empty(), list.open) {
            (true, false) => return Ok(None),
            (true, true) => close(store, &event, &list).await?,
            (false, false) => open(store, &event).await?,
            (false, true) => match offer(store, mail, &event, &sale, &list, now).await? {
                Offered::Next => {}
                Offered::Until(time) => return Ok(time),
            },
        }
    }
    Ok(Some(now))
}

/// What came of it that seats were to be offered.
enum Offered {
    /// There may be another.
    Next,
    /// Nothing is to be offered until somebody comes or goes, or until then.
    Until(Option<Time>),
}

/// Makes the next offer.
async fn offer(
    store: &Store,
    mail: &Queue<MailMessage>,
    event: &OnSale,
    sale: &Sale,
    list: &WaitingList,
    now: Time,
) -> Result<Offered, SalesFault> {
    let shards: Vec<Shard> = shards(store, event).await?.iter().map(|it| it.shard).collect();
    let free = shards.iter().map(|shard| shard.free).sum();
    if free == 0 {
        return Ok(Offered::Until(None));
    }
    let mut start = None;
    loop {
        let line = store.line(event.id, LINE, start).await?;
        let parties: Vec<_> = line.items.iter().map(|place| place.party()).collect();
        let party = match next(&parties, &list.served, list.gathering, free, now) {
            Next::Offer(party) => party,
            Next::Gather(id) => {
                let until = gather(store, event, sale, list, id, now).await?;
                return Ok(Offered::Until(Some(until)));
            }
            Next::None if line.next.is_some() => {
                start = line.next;
                continue;
            }
            Next::None => return Ok(Offered::Until(None)),
        };
        let Some(place) = line.items.into_iter().find(|it| it.id == party.id) else {
            return Ok(Offered::Next);
        };
        let key = WaitingKey { member_id: place.member_id, event_id: event.id };
        let (waits, now_there) = store.read(&(key, place.key(event.id))).await?;
        let is_it = |it: &Waiting| {
            (it.id, it.quantity, it.state) == (party.id, party.quantity, State::Waiting)
        };
        let Some(waiting) = waits.filter(is_it) else {
            // Who left, or changed their mind, since the line was read; else it is one that nobody has, and stands before others.
            if now_there == Some(place) {
                tracing::error!(waiting_id = %party.id, "a place in a line is nobody's");
                was_done(store.write(place.key(event.id).leave(), ()).await)?;
            }
            return Ok(Offered::Next);
        };
        let taken = domain::stock::take(&shards, party.quantity.get(), fastrand::usize(..));
        let seats = taken.into_iter().flatten().map(Seats::from);
        let ends_at = now.plus(OFFER).min(sale.window.sale_ends_at);
        let offered = waiting.offered(seats.collect(), ends_at, now);
        let served = WaitingList { served: list.served.and(party.id), ..list.clone() };
        let whole = Transaction::new()
            .require(list.becomes(event.id, served), Unmet::Offer)
            .require(waiting.becomes(&offered), Unmet::Offer)
            .require(waiting.place().leave(), Unmet::Offer);
        let seats = offered.offer.iter().flat_map(|offer| &offer.seats);
        let whole = seats.fold(whole, |whole, seats| {
            whole.require(stock::offer(event.id, *seats, sale, now), Unmet::Offer)
        });
        let telling = telling(&offered, now);
        mail.send(&MailMessage::Mail(telling.mail.id), ANNOUNCED).await?;
        let whole = whole.and(telling.writing().map(|()| Unmet::Offer));
        // Whatever was not as it was read is read again.
        was_done(store.transact(whole).await)?;
        return Ok(Offered::Next);
    }
}

/// Keeps the free seats for one party, until there are enough for it or its time is over, which it answers.
async fn gather(
    store: &Store,
    event: &OnSale,
    sale: &Sale,
    list: &WaitingList,
    id: WaitingId,
    now: Time,
) -> Result<Time, SalesFault> {
    Ok(match list.gathering.filter(|it| it.id == id) {
        Some(gathering) => gathering.until,
        None => {
            let gathering = Gathering::beginning(id, sale.window.sale_ends_at, now);
            let next = WaitingList { gathering: Some(gathering), ..list.clone() };
            // Whoever was faster looks at the list, too.
            was_done(store.write(list.becomes(event.id, next), ()).await)?;
            gathering.until
        }
    })
}

/// What its member is told of an offer: by mail, and in their inbox.
fn telling(offered: &Waiting, now: Time) -> Telling {
    let Waiting { id, member_id, event_id, language, .. } = *offered;
    let name = format!("Offered:{id}");
    let event = Event { id: event_id, title: offered.event_title.clone() };
    let mut notification = Notification::about(event, Kind::WaitingListOffer, &name, now);
    notification.tickets = Some(offered.quantity.get());
    Telling {
        mail: Mail::named(&name, member_id, About::WaitingListOffer { event_id }, language, now),
        notifications: vec![(member_id, notification)],
    }
}

/// Takes all free seats from the open sale, if they are not.
async fn open(store: &Store, event: &OnSale) -> Result<(), SalesFault> {
    for _ in 0..ROUNDS {
        let list = store.get(&WaitingListKey(event.id)).await?.unwrap_or_default();
        if list.open || turn(store, event, &list, true).await? {
            return Ok(());
        }
    }
    Err(SalesFault::Contended)
}

/// Puts all free seats on the open sale: nobody waits. Who joins in between opens it again, or is seen in the line after this.
async fn close(store: &Store, event: &OnSale, list: &WaitingList) -> Result<(), SalesFault> {
    if turn(store, event, list, false).await? {
        store.seats_are_back(event.id).await;
    }
    Ok(())
}

async fn turn(
    store: &Store,
    event: &OnSale,
    list: &WaitingList,
    waits: bool,
) -> Result<bool, StoreFault> {
    let turned = WaitingList { open: waits, ..list.clone() };
    let whole = Transaction::new().require(list.becomes(event.id, turned), ());
    // As many as there are by now: whoever makes more changes the list, too, which was read before.
    let now = store.read(&OnSaleKey(event.id)).await?;
    let shards = now.map_or(event.shards, |now| now.shards).max(1);
    let shards = stock::wait_for(event.id, shards, waits);
    was_done(store.transact(shards.fold(whole, Transaction::also)).await)
}

async fn shards(store: &Store, event: &OnSale) -> Result<Vec<Stock>, StoreFault> {
    let keys = stock::keys(event.id, event.shards.max(1));
    Ok(store.read_all(&keys).await?.into_iter().flatten().collect())
}
