//! The waiting room of a rush: who may buy without a number, who is given which, and what an artist says of it.

use std::time::Duration;

use domain::{
    event::SaleClosed,
    id::{EventId, MemberId},
    queue::{CALMS_DOWN, Line, Pace, QueueTicket, STAYS, Standing},
    time::Time,
};
use store::{
    Store,
    catalog::on_sale::{OnSale, OnSaleKey},
    ephemeral::rate::{self, RateFault, Rule},
    identity::session::SignedIn,
    sales::{
        queue::{Queue, QueueKey, Queued, QueuedKey},
        sold_out::{SoldOut, SoldOutKey},
    },
};

use crate::{SalesFault, on_sale, settle::ROUNDS};

/// How often one member may ask for another number than they have: each who asks twice at once uses up one that nobody has.
const BY_MEMBER: Rule = Rule { name: "queue", limit: 10, window: Duration::from_secs(60) };

/// How many all those behind one address may: carriers put many people behind one.
const FROM_ADDRESS: Rule = Rule { name: "queue_from", limit: 600, window: Duration::from_secs(60) };

/// How long before a sale begins numbers are given for it.
const EARLY: Duration = Duration::from_secs(3_600);

/// One attempt in so many is counted, by what its key happens to be: all of them would meet on one item. Whoever chooses keys can have a
/// queue opened; it costs everybody a call.
const SAMPLED: u32 = 16;

/// So many counted ones in ten seconds, for each shard of the event's stock, are a rush: 6,000 attempts a minute, several times what
/// a shard sells.
const RUSH: Rule = Rule { name: "rush", limit: 64, window: Duration::from_secs(10) };

/// Of how many shards at most: beyond 30,000 attempts a minute it is one in any hall.
const RUSH_SHARDS: u32 = 5;

/// How many a minute each shard lets in, where no artist said it: what it sells where DynamoDB is slow.
const USUAL: u32 = 600;

/// While an event has a queue, only who was let in buys.
///
/// # Errors
/// `QUEUE_NUMBER_NEEDED` or `NOT_YOUR_TURN`.
pub(crate) fn may_pass(
    queue: Option<&Queue>,
    buyer: MemberId,
    ticket: Option<QueueTicket>,
    now: Time,
) -> Result<(), SalesFault> {
    let Some(queue) = queue.filter(|queue| queue.is_open(now)) else { return Ok(()) };
    let own = ticket.filter(|ticket| ticket.member_id == buyer);
    match own.map_or(Standing::Over, |ticket| ticket.number.standing(&queue.line, now)) {
        Standing::Admitted => Ok(()),
        Standing::Waits { wait, .. } => Err(SalesFault::NotYet { wait }),
        Standing::Over => Err(SalesFault::Queued),
    }
}

/// Opens a queue where many come in a short while. Where that does not work, whoever buys just now does not suffer for it.
pub(crate) async fn look_out(
    store: &Store,
    event: &OnSale,
    queue: Option<&Queue>,
    key: &str,
    now: Time,
) {
    let drawn = key.bytes().map(u32::from).sum::<u32>() % SAMPLED == 0;
    if !drawn || queue.is_some_and(|queue| queue.is_open(now)) {
        return;
    }
    let shards = u32::from(event.shards);
    let rush = Rule { limit: RUSH.limit * shards.min(RUSH_SHARDS), ..RUSH };
    let seen = match store.count(rush, &event.id.to_string(), now).await {
        Err(RateFault::TooMany { .. }) => {
            let line = Line::new(Pace::at_most(USUAL * shards), now, now);
            let opened = Queue { line, open_until: now.plus(CALMS_DOWN) };
            store.open_queue(event.id, queue, &opened).await.map(drop).map_err(RateFault::from)
        }
        counted => counted,
    };
    if let Err(fault) = seen {
        tracing::warn!(event_id = %event.id, error = %fault, "whether there is a rush is not known");
    }
}

/// Gives a member a number, or tells the one that they have, with the line and what was seen of the event's stock.
///
/// In the hour before the sale begins numbers are let in from its beginning on.
///
/// # Errors
/// `NO_QUEUE` while anybody may buy at once, `SOLD_OUT`, that nothing is sold yet or any more, that the caller may not buy, or the
/// database's trouble.
pub async fn queue_up(
    store: &Store,
    caller: &SignedIn,
    address: &str,
    event_id: EventId,
    now: Time,
) -> Result<(QueueTicket, Line, SoldOut), SalesFault> {
    let key = QueuedKey::of(caller, event_id);
    let keys = (OnSaleKey(event_id), QueueKey(event_id), SoldOutKey(event_id), key);
    let (session, (event, queue, mark, before)) = store.read_for(caller, keys, now).await?;
    let member_id = session.member.id;
    let event = on_sale(store, event_id, event).await?.ok_or(SalesFault::EventNotFound)?;
    let mut queue = queue.filter(|queue| queue.is_open(now)).ok_or(SalesFault::NoQueue)?;
    let mark = mark.unwrap_or_default();
    let is_good = |queued: &Queued| queued.number.standing(&queue.line, now) != Standing::Over;
    if let Some(Queued { number, .. }) = before.filter(is_good) {
        return Ok((QueueTicket { member_id, number }, queue.line, mark));
    }
    session.member.may_deal(now)?;
    let sale = event.sale();
    let begins = sale.window.sale_starts_at;
    match sale.open_at(now) {
        Err(SaleClosed::NotYet) if now.until(begins) <= EARLY => {}
        open => open?,
    }
    if mark.is_fresh(now) {
        return Err(SalesFault::SoldOut { waited_for: mark.waited_for });
    }
    store.count(BY_MEMBER, &member_id.to_string(), now).await?;
    store.count(FROM_ADDRESS, &rate::address(address), now).await?;
    let until = sale.window.sale_ends_at.plus(STAYS);
    for _ in 0..ROUNDS {
        let next = store.next_number(event_id, &queue.line, now.max(begins)).await?;
        let Some(number) = next else {
            queue = store.read(&QueueKey(event_id)).await?.ok_or(SalesFault::NoQueue)?;
            continue;
        };
        let number = match store.remember_number(key, before, number, until).await? {
            true => number,
            false => store.read(&key).await?.ok_or(SalesFault::Contended)?.number,
        };
        return Ok((QueueTicket { member_id, number }, queue.line, mark));
    }
    Err(SalesFault::Contended)
}

/// Whoever wants to buy an event's tickets from now on needs a number, until its sale ends; so many are let in a minute, also of those who
/// wait already.
///
/// # Errors
/// `EVENT_NOT_FOUND` for all but its artist, that nothing is sold any more, or the database's trouble.
pub async fn open_queue(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    pace: Pace,
    now: Time,
) -> Result<Queue, SalesFault> {
    let (event, mut before) = own(store, caller, event_id, now).await?;
    let sale = event.sale();
    match sale.open_at(now) {
        Err(SaleClosed::NotYet) | Ok(()) => {}
        over => over?,
    }
    let (open_until, from) = (sale.window.sale_ends_at, now.max(sale.window.sale_starts_at));
    for _ in 0..ROUNDS {
        let (after, done) = match before.as_ref().filter(|queue| queue.is_open(now)) {
            Some(open) => {
                let line = open.line.clone();
                // Said again it changes nothing.
                let line = if line.pace == pace { line } else { line.at(pace, now) };
                let after = Queue { line, open_until };
                let done = store.change_queue(event_id, open, &after).await?;
                (after, done)
            }
            None => {
                let new = Queue { line: Line::new(pace, now, from), open_until };
                let done = store.open_queue(event_id, before.as_ref(), &new).await?;
                (new, done)
            }
        };
        if done {
            return Ok(after);
        }
        before = store.read(&QueueKey(event_id)).await?;
    }
    Err(SalesFault::Contended)
}

/// Nobody needs a number any more, who waits neither.
///
/// # Errors
/// `EVENT_NOT_FOUND` for all but its artist, `NO_QUEUE`, or the database's trouble.
pub async fn close_queue(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<(), SalesFault> {
    let (_, queue) = own(store, caller, event_id, now).await?;
    queue.filter(|queue| queue.is_open(now)).ok_or(SalesFault::NoQueue)?;
    Ok(store.close_queue(event_id).await?)
}

/// The artist's event, and its queue.
async fn own(
    store: &Store,
    caller: &SignedIn,
    event_id: EventId,
    now: Time,
) -> Result<(OnSale, Option<Queue>), SalesFault> {
    let keys = (OnSaleKey(event_id), QueueKey(event_id));
    let (session, (event, queue)) = store.read_for(caller, keys, now).await?;
    let event = on_sale(store, event_id, event).await?;
    let own = event.filter(|event| event.artist_id == session.member.id);
    Ok((own.ok_or(SalesFault::EventNotFound)?, queue))
}
