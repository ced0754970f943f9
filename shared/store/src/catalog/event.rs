//! Events. Their stock is not here: each sale would run the catalog's stream.

use domain::{
    event::{
        Capacity, Category, Content, Place, Price, RefundPolicy, Sale, Schedule, State, Title,
    },
    id::{EventId, MemberId},
    member::Nickname,
    time::Time,
};
use serde::{Deserialize, Serialize};

use crate::{Key, Table};

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKey(pub EventId);

impl Key for EventKey {
    type Item = Event;
    const TABLE: Table = Table::Catalog;

    fn pk(&self) -> String {
        format!("EVT#{}", self.0)
    }

    fn sk(&self) -> String {
        "EVENT".to_owned()
    }
}

/// What an artist publishes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Whose it is.
    pub artist_id: MemberId,
    /// What the artist was called when the event was written last.
    pub artist_nickname: Nickname,
    /// What it is called.
    pub title: Title,
    /// Where it takes place.
    pub place: Place,
    /// What is to be seen.
    pub content: Content,
    /// What kind it is.
    pub category: Category,
    /// How many tickets there are.
    pub capacity: Capacity,
    /// What one costs.
    pub price: Price,
    /// When it takes place, and when it is sold.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// What a buyer gets back.
    pub refund_policy: RefundPolicy,
    /// Whether it takes place.
    pub state: State,
    /// Rises with each change of the terms of its sale; the shards of its stock carry the same.
    pub terms_version: u32,
    /// Over how many shards its stock is spread.
    pub shards: u16,
    /// Rises with each change; an update checks it, and the search index goes by it.
    pub version: u64,
    /// When it was published.
    #[serde(with = "domain::time::millis")]
    pub created_at: Time,
    /// When it was changed last.
    #[serde(with = "domain::time::millis")]
    pub updated_at: Time,
    /// When it was deleted, if it was: from then on nobody but an admin is shown it.
    #[serde(
        default,
        with = "domain::time::optional_millis",
        skip_serializing_if = "Option::is_none"
    )]
    pub deleted_at: Option<Time>,
}

impl Event {
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
