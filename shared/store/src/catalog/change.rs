//! Changing an event that is on sale, and taking it away: with the stock, and with all that repeats what it says.

use std::time::Duration;

use domain::{
    event::State,
    fault::{Code, Fault},
    id::EventId,
    stock::{Shard, resized},
    time::Time,
};

use super::{
    event::{Event, EventKey},
    of_artist::OfArtist,
    on_sale::{OnSale, OnSaleKey},
};
use crate::{
    Rejected, Store, StoreFault, Transaction, Write, codes,
    sales::{
        stock::{self, Stock, StockKey},
        waiting::{WaitingList, WaitingListKey},
    },
    was_done,
};

/// How often the stock is read anew, since seats were taken in between.
const ROUNDS: usize = 20;

/// Why an event is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// Somebody else changed it since it was read.
    #[error("the event was changed since it was read")]
    Since,
    /// More tickets are sold, held or offered than there were to be.
    #[error("{taken} tickets are taken")]
    Taken {
        /// How many.
        taken: u32,
    },
    /// Its artist is gone.
    #[error("the artist has left")]
    Left,
    /// Seats are taken and given back faster than they can be looked at.
    #[error("the seats are contended")]
    Contended,
}

impl Fault for NotChanged {
    fn code(&self) -> Code {
        match self {
            Self::Since => domain::codes::CHANGED_SINCE,
            Self::Taken { .. } => codes::CAPACITY_TAKEN,
            Self::Left => codes::SESSION_ENDED,
            Self::Contended => codes::STORE_UNAVAILABLE,
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        matches!(self, Self::Contended).then_some(Duration::from_secs(1))
    }
}

/// Why an event can't be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotDeleted {
    /// There is none that could be.
    Gone,
    /// Tickets of it are sold, held or offered, or it was called off because some were.
    Taken,
}

/// There is no such event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such event")]
pub struct NoEvent;

impl Fault for NoEvent {
    fn code(&self) -> Code {
        domain::codes::EVENT_NOT_FOUND
    }
}

/// What did not hold of what was read.
#[derive(Clone, Copy)]
enum Unmet {
    Event,
    Stock,
}

impl Event {
    /// Whether what it is sold on is the same: whoever was shown the one may buy the other.
    fn is_sold_as(&self, other: &Self) -> bool {
        let terms = |event: &Self| {
            let Self { place, price, schedule, refund_policy, state, .. } = event.clone();
            (place, price, schedule, refund_policy, state)
        };
        terms(self) == terms(other)
    }
}

impl Store {
    /// An event, unless it was deleted.
    ///
    /// # Errors
    /// When the database does not answer, or the event can't be read.
    pub async fn event(&self, id: EventId) -> Result<Option<Event>, StoreFault> {
        let event = self.get(&EventKey(id)).await?;
        Ok(event.filter(|event| event.deleted_at.is_none()))
    }

    /// Writes what becomes of an event, in one transaction: the event, if it is as it was read; what a purchase reads of it; its place
    /// among its artist's, if it has another end; and all shards of its stock, if it is sold on other terms, after which no hold
    /// begins on the old ones, or if its capacity is another. New seats are those of whoever waits for some. Answers the event as it
    /// is then, with how many seats anybody can buy.
    ///
    /// # Errors
    /// [`NotChanged`], or the database's trouble.
    pub async fn change_event(
        &self,
        before: &Event,
        wanted: Event,
        now: Time,
    ) -> Result<(Event, u32), Rejected<NotChanged>> {
        let id = before.id;
        let is_same = wanted == *before;
        for _ in 0..ROUNDS {
            let stock = self.read_all(&stock::keys(id, before.shards.max(1))).await?;
            let stock: Vec<Stock> = stock.into_iter().flatten().collect();
            let on_sale: u32 = stock.iter().map(Stock::on_sale).sum();
            if is_same {
                return Ok((wanted, on_sale));
            }
            let shards: Vec<Shard> = stock.iter().map(|stock| stock.shard).collect();
            let taken = || NotChanged::Taken { taken: shards.iter().map(Shard::taken).sum() };
            let free = resized(&shards, wanted.capacity.get());
            let free = free.ok_or_else(|| Rejected::Condition(taken()))?;

            let other_terms = !wanted.is_sold_as(before);
            let after = Event {
                terms_version: before.terms_version + u32::from(other_terms),
                shards: free.len() as u16,
                version: before.version + 1,
                updated_at: now,
                ..wanted.clone()
            };
            let mut whole = before.turning_into(&after);
            let grows = free.iter().any(|more| *more > 0);
            let resumes = after.schedule.sale_window() != before.schedule.sale_window();
            let mut waits = false;
            if grows || resumes {
                let list = self.get(&WaitingListKey(id)).await?;
                waits = list.as_ref().is_some_and(|list| list.open);
                if let Some(list) = list.or_else(|| grows.then(WaitingList::default)) {
                    whole = whole.require(list.is_looked_at(id, now), Unmet::Stock);
                }
            }
            let terms = other_terms.then(|| after.sale());
            for (number, free) in (0..).zip(&free) {
                let key = StockKey { event_id: id, number };
                let write = match (shards.get(usize::from(number)), free) {
                    (Some(_), 0) if terms.is_none() => continue,
                    (Some(_), free) => stock::change(&key, *free, terms),
                    (None, free) => stock::add(id, number, *free as u32, after.sale(), waits),
                };
                whole = whole.require(write, Unmet::Stock);
            }
            match self.transact(whole).await {
                Ok(()) => {
                    let more: i64 = free.iter().sum();
                    if more > 0 {
                        self.seats_are_back(id).await;
                    }
                    let waits = waits || stock.iter().any(|stock| stock.waited_for);
                    let left = if waits { 0 } else { i64::from(on_sale) + more };
                    return Ok((after, left as u32));
                }
                Err(Rejected::Condition(Unmet::Event)) => {
                    return Err(Rejected::Condition(NotChanged::Since));
                }
                Err(Rejected::Condition(Unmet::Stock)) => {}
                Err(Rejected::Store(fault)) => return Err(fault.into()),
            }
        }
        Err(Rejected::Condition(NotChanged::Contended))
    }

    /// Calls an event off: it, what a purchase reads of it and all shards of its stock in one transaction, after which no hold of it
    /// begins. The stream brings it to all others: to the search, and, by the bus, to who gives its buyers their money back. It
    /// changes nothing to say it again.
    ///
    /// # Errors
    /// [`NoEvent`], or the database's trouble.
    pub async fn cancel_event(&self, id: EventId, now: Time) -> Result<Event, Rejected<NoEvent>> {
        loop {
            let event = self.event(id).await?.ok_or(Rejected::Condition(NoEvent))?;
            if event.state == State::Cancelled {
                return Ok(event);
            }
            let cancelled = event.cancelled(now);
            let whole = event.turning_into(&cancelled).map(|_| ());
            let stock = stock::change_terms(id, cancelled.shards.max(1), cancelled.sale());
            if was_done(self.transact(stock.fold(whole, Transaction::also)).await)? {
                return Ok(cancelled);
            }
        }
    }

    /// Deletes an event of which nobody has a ticket, or is about to: from then on it is nowhere to be found. It says so itself, so
    /// that nothing that comes late brings it back.
    ///
    /// # Errors
    /// [`NotDeleted`], or the database's trouble.
    pub async fn delete_event(&self, id: EventId, now: Time) -> Result<(), Rejected<NotDeleted>> {
        loop {
            let event = self.event(id).await?.ok_or(Rejected::Condition(NotDeleted::Gone))?;
            if event.state == State::Cancelled {
                return Err(Rejected::Condition(NotDeleted::Taken));
            }
            let deleted = Event { deleted_at: Some(now), ..event.cancelled(now) };
            let whole = stock::keys(id, event.shards.max(1))
                .iter()
                .fold(event.turning_into(&deleted), |whole, key| {
                    whole.require(stock::close_untaken(key, deleted.sale()), Unmet::Stock)
                });
            match self.transact(whole).await {
                Ok(()) => return Ok(()),
                Err(Rejected::Condition(Unmet::Event)) => {}
                Err(Rejected::Condition(Unmet::Stock)) => {
                    return Err(Rejected::Condition(NotDeleted::Taken));
                }
                Err(Rejected::Store(fault)) => return Err(fault.into()),
            }
        }
    }
}

impl Event {
    /// Writes what becomes of it, unless it was changed meanwhile, and with it what repeats what it says; but for the stock.
    fn turning_into(&self, after: &Self) -> Transaction<Unmet> {
        let mut whole = Transaction::new().require(self.becoming(after), Unmet::Event);
        let (old, new) = (OnSale::from(self), OnSale::from(after));
        if new != old {
            whole = whole.also(Write::put(&OnSaleKey(self.id), &new));
        }
        let (old, new) = (OfArtist::of(self), OfArtist::of(after));
        if new != old {
            whole = whole.also(old.delete()).also(new.create());
        }
        whole
    }
}
