//! What a purchase reads of an event: an item of its own beside it, since an event's content alone may cost as much to read as
//! everything else that a purchase reads, several times over.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    event::{Place, Price, RefundPolicy, Sale, Schedule, State, Title},
    id::{EventId, MemberId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::event::Event;
use crate::{Relaxed, Store, StoreFault};

key!(
    /// Where it stands: beside the event.
    #[derive(Copy)]
    pub struct OnSaleKey(event_id: EventId) => OnSale in Catalog, pk("EVT#{event_id}"), sk("SALE")
);

/// An event as it is sold. Whatever writes the event writes this with it ([`Event::create`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OnSale {
    /// The event.
    pub id: EventId,
    /// Whose it is.
    pub artist_id: MemberId,
    /// What it is called.
    pub title: Title,
    /// Where it takes place.
    pub place: Place,
    /// What one ticket costs.
    pub price: Price,
    /// When it takes place, and when it is sold.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// What a buyer gets back.
    pub refund_policy: RefundPolicy,
    /// Whether it takes place.
    pub state: State,
    /// Rises with each change of the terms.
    pub terms_version: u32,
    /// Over how many shards its stock is spread.
    pub shards: u16,
    /// When it was deleted, if it was.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub deleted_at: Option<Time>,
}

impl OnSale {
    /// The terms of its sale, as its stock carries them.
    pub fn sale(&self) -> Sale {
        Sale {
            state: self.state,
            terms_version: self.terms_version,
            window: self.schedule.sale_window(),
            price: self.price,
        }
    }
}

impl From<&Event> for OnSale {
    fn from(event: &Event) -> Self {
        Self {
            id: event.id,
            artist_id: event.artist_id,
            title: event.title.clone(),
            place: event.place.clone(),
            price: event.price,
            schedule: event.schedule,
            refund_policy: event.refund_policy,
            state: event.state,
            terms_version: event.terms_version,
            shards: event.shards,
            deleted_at: event.deleted_at,
        }
    }
}

impl Store {
    /// Events by their ids, at most 100, as they are sold. They may be a second old; one that is not there is left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn events_on_sale(
        &self,
        ids: impl IntoIterator<Item = EventId>,
    ) -> Result<BTreeMap<EventId, OnSale>, StoreFault> {
        let ids: BTreeSet<_> = ids.into_iter().collect();
        let keys: Vec<_> = ids.into_iter().map(|id| Relaxed(OnSaleKey(id))).collect();
        let found = self.list(&keys).await?.into_iter();
        Ok(found.map(|event| (event.id, event)).collect())
    }
}
