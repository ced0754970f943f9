//! The events of an artist, in the order of their ends: entries under the artist's key. One names its event and no more, so that it
//! is right whatever becomes of the event, but for another end.

use domain::{
    id::{EventId, MemberId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    draft::of,
    event::Event,
    on_sale::{OnSale, OnSaleKey},
};
use crate::{Index, Key, Page, Query, Relaxed, Start, Store, StoreFault, Table, Write};

const EVENT: &str = "EVT#";

key!(
    /// Where an event stands among its artist's.
    #[derive(Copy)]
    struct OfArtistKey {
        /// The artist.
        artist_id: MemberId,
        /// When it ends, in milliseconds.
        ends_at: i64,
        /// The event.
        event_id: EventId,
    } => OfArtist in Catalog, pk("{}", of(*artist_id)), sk("{EVENT}{ends_at:015}#{event_id}")
);

/// Names an event of an artist. Whoever changes when it ends deletes this one and makes another, in the same transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OfArtist {
    artist_id: MemberId,
    event_id: EventId,
    #[serde(with = "domain::time::millis")]
    ends_at: Time,
}

impl OfArtist {
    /// The entry of an event.
    pub fn of(event: &Event) -> Self {
        Self { artist_id: event.artist_id, event_id: event.id, ends_at: event.schedule.ends_at() }
    }

    /// Makes it: a piece for the transaction that makes the event.
    pub fn create(&self) -> Write {
        Write::create(&self.key(), self)
    }

    /// Takes it away: a piece for the transaction in which the event gets another end.
    pub fn delete(&self) -> Write {
        Write::delete(&self.key())
    }

    const fn key(&self) -> OfArtistKey {
        let Self { artist_id, event_id, ends_at } = *self;
        OfArtistKey { artist_id, ends_at: ends_at.millis(), event_id }
    }
}

/// Where a list of an artist's events goes on: first come those that are not over at its `now`, the soonest to end first, then
/// those that are, the latest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    #[serde(with = "domain::time::millis")]
    now: Time,
    past: bool,
    start: Option<Start>,
}

impl Position {
    /// The beginning of the list, at this moment.
    pub fn first(now: Time) -> Self {
        Self { now, past: false, start: None }
    }

    /// When the list was begun: what is over by then is over on all of its pages, so that each event is on one.
    pub fn now(&self) -> Time {
        self.now
    }

    fn query(&self, artist: MemberId, limit: usize) -> Query {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let query = Query::new(Index::of(Table::Catalog), of(artist), limit);
        let query = query.after(self.start.clone());
        // An entry's key goes on after the time, so it is beyond the bare time of its own end.
        let over = |millis: i64| format!("EVT#{millis:015}");
        let until = over(self.now.millis() + 1);
        match self.past {
            false => query.between(until, "EVT#~".into()),
            true => query.between("EVT#".into(), until).backwards(),
        }
    }
}

impl Store {
    /// What there is of all the events that an artist published, deleted ones included, the first to end first; as it is now.
    ///
    /// # Errors
    /// When the database does not answer, or one can't be read.
    pub(crate) async fn of_own<K: Key>(
        &self,
        artist: MemberId,
        key: impl Fn(EventId) -> K,
        limit: u32,
        start: Option<Start>,
    ) -> Result<Page<K::Item>, StoreFault> {
        let query = Query::new(Index::of(Table::Catalog), of(artist), limit).beginning(EVENT);
        let Page { items: entries, next } = self.query::<OfArtist>(query.after(start)).await?;
        let keys: Vec<_> = entries.iter().map(|entry| key(entry.event_id)).collect();
        Ok(Page { items: self.read_all(&keys).await?.into_iter().flatten().collect(), next })
    }

    /// Some of an artist's events that are on public view, and where the list goes on. They may be a second old. A page is shorter
    /// for each event on it that was deleted, and the last may be empty.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events_of_artist(
        &self,
        artist: MemberId,
        limit: u32,
        mut position: Position,
    ) -> Result<(Vec<OnSale>, Option<Position>), StoreFault> {
        let limit = limit as usize;
        let mut entries: Vec<OfArtist> = Vec::new();
        let next = loop {
            let query = position.query(artist, limit - entries.len());
            let page = self.query::<OfArtist>(query).await?;
            entries.extend(page.items);
            let next = match (page.next, position.past) {
                (None, true) => break None,
                (None, false) => Position { past: true, start: None, ..position },
                (start, _) => Position { start, ..position },
            };
            if entries.len() >= limit {
                break Some(next);
            }
            position = next;
        };
        let keys: Vec<_> = entries.iter().map(|entry| Relaxed(OnSaleKey(entry.event_id))).collect();
        let mut events = self.list(&keys).await?;
        events.retain(|event| event.deleted_at.is_none());
        Ok((events, next))
    }
}
