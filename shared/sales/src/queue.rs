//! The waiting room of a rush: who may buy without a number, who is given which, and what an artist says of it.

use std::time::Duration;

use domain::{
    event::SaleClosed,
    id::{EventId, MemberId},
    queue::{Pace, Standing, QueueTicket},
    time::Time,
};
use store::{
    Relaxed, Store,
    catalog::on_sale::{OnSale, OnSaleKey},
    ephemeral::rate::{RateFault, Rule},
    identity::session::SignedIn,
    sales::{
        queue::{Queue, QueueKey, Queued, QueuedKey},
        sold_out::{SoldOut, SoldOutKey},
    },
};

use crate::{SalesFault, on_sale};

/// How often one member may ask for another number than they have.
const BY_MEMBER: Rule = Rule { name: "queue", limit: 10, window: Duration::from_secs(60) };

/// One attempt in so many is counted, by what its key happens to be: all of them would meet on one item.
const SAMPLED: u32 = 16;

/// So many counted ones in ten seconds, for each shard of the event's stock, are a rush: 6,000 attempts a minute, several times what
/// a shard sells.
const RUSH: Rule = Rule { name: "rush", limit: 64, window: Duration::from_secs(10) };

/// How many a minute each shard lets in, where no artist said it: what it sells where DynamoDB is slow.
const USUAL: u32 = 600;

/// While an event has a queue, only who was let in buys.
///
/// # Errors
/// `QUEUE_NUMBER_NEEDED` or `NOT_YOUR_TURN`.
pub(crate) fn may_pass(
    queue: Option<Queue>,
    buyer: MemberId,
    ticket: Option<QueueTicket>,
    now: Time,
) -> Result<(), SalesFault> {
    if !queue.is_some_and(|queue| queue.is_open(now)) {
        return Ok(());
    }
    let own = ticket.filter(|ticket| ticket.member_id == buyer);
    match own.map_or(Standing::Over, |ticket| ticket.standing(now)) {
        Standing::Admitted => Ok(()),
        Standing::Waits { wait, .. } => Err(SalesFault::NotYet { wait }),
        Standing::Over => Err(SalesFault::Queued),
    }
}

/// Opens a queue where many come in a short while.
///
/// # Errors
/// The database's trouble.
pub(crate) async fn look_out(
    store: &Store,
    event: &OnSale,
    queue: Option<Queue>,
    key: &str,
    now: Time,
) -> Result<(), SalesFault> {
    let drawn = key.bytes().map(u32::from).sum::<u32>() % SAMPLED == 0;
    if !drawn || queue.is_some_and(|queue| queue.is_open(now)) {
        return Ok(());
    }
    let shards = u32::from(event.shards);
    let rush = Rule { limit: RUSH.limit * shards, ..RUSH };
    match store.count(rush, &event.id.to_string(), now).await {
        Err(RateFault::TooMany { .. }) => {
            let pace = queue.map_or(Pace::at_most(USUAL * shards), |queue| queue.pace);
            Ok(store.open_queue_for_a_rush(event.id, pace, now).await?)
        }
        counted => Ok(counted?),
    }
}

/// Gives a member a number, or tells the one that they have, with what was seen of the event's stock.
///
/// Before the sale begins numbers are let in from its beginning on.
///
/// # Errors
/// `NO_QUEUE` while anybody may buy at once, `SOLD_OUT`, that nothing is sold any more, or the database's trouble.
pub async fn queue_up(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<(QueueTicket, SoldOut), SalesFault> {
    let key = QueuedKey::of(caller, event_id);
    let event = Relaxed(OnSaleKey(event_id));
    let keys = (event, Relaxed(QueueKey(event_id)), SoldOutKey(event_id), key);
    let (session, (event, queue, mark, before)) = store.read_for(caller, keys, now).await?;
    let member_id = session.member.id;
    let ticket = |Queued { number, pace, .. }| QueueTicket { member_id, number, pace };
    let event = on_sale(store, event_id, event).await?.ok_or(SalesFault::EventNotFound)?;
    let sale = event.sale();
    let first = match sale.open_at(now) {
        Err(SaleClosed::NotYet) => sale.window.sale_starts_at,
        open => open.map(|()| now)?,
    };
    let queue = queue.filter(|queue| queue.is_open(now)).ok_or(SalesFault::NoQueue)?;
    let mark = mark.unwrap_or_default();
    if mark.is_fresh(now) {
        return Err(SalesFault::SoldOut { waited_for: mark.waited_for });
    }
    if let Some(queued) = before.filter(|queued| !queued.number.is_over(now)) {
        return Ok((ticket(queued), mark));
    }
    // Each who asks twice at once uses up a number that nobody has.
    store.count(BY_MEMBER, &member_id.to_string(), now).await?;
    let queued = match store.queue_up(key, before, queue.pace, first).await? {
        Some(queued) => Some(queued),
        None => store.get(&key).await?,
    };
    let queued = queued.ok_or(SalesFault::Contended)?;
    Ok((ticket(queued), mark))
}

/// Whoever wants to buy an event's tickets from now on needs a number, until its sale ends; so many are let in a minute.
///
/// Who has a number keeps it.
///
/// # Errors
/// `EVENT_NOT_FOUND` for all but its artist, that nothing is sold any more, or the database's trouble.
pub async fn open_queue(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    pace: Pace,
    now: Time,
) -> Result<Time, SalesFault> {
    let event = own(store, caller, event_id, now).await?;
    match event.sale().open_at(now) {
        Err(SaleClosed::NotYet) | Ok(()) => {}
        over => over?,
    }
    let until = event.schedule.sale_window().sale_ends_at;
    store.open_queue(event_id, pace, until).await?;
    Ok(until)
}

/// Nobody else needs a number, once all who wait are in.
///
/// # Errors
/// `EVENT_NOT_FOUND` for all but its artist, `NO_QUEUE`, or the database's trouble.
pub async fn close_queue(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<(), SalesFault> {
    own(store, caller, event_id, now).await?;
    if store.close_queue(event_id, now).await? { Ok(()) } else { Err(SalesFault::NoQueue) }
}

async fn own(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<OnSale, SalesFault> {
    let (session, event) = store.read_for(caller, OnSaleKey(event_id), now).await?;
    let event = on_sale(store, event_id, event).await?;
    event.filter(|event| event.artist_id == session.member.id).ok_or(SalesFault::EventNotFound)
}
