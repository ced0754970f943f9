//! Events. Their stock is not here: each sale would run the catalog's stream.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    event::{
        Capacity, Category, Content, Place, Price, RefundPolicy, Sale, Schedule, State, Title,
    },
    id::{EventId, MemberId},
    member::Nickname,
    stock::shards_for,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{
    of_artist::OfArtist,
    on_sale::{OnSale, OnSaleKey},
};
use crate::{
    Compare, Index, Page, Start, Store, StoreFault, Streamed, Table, Write, fault::Effect,
    read::readable, sales::stock,
};

const CATALOG: Index = Index::of(Table::Catalog);

/// So many items of the table are looked at for one page of all events.
const AT_ONCE: i32 = 200;

key!(
    /// Where an event stands.
    #[derive(Copy)]
    pub struct EventKey(id: EventId) => Event in Catalog, pk("EVT#{id}"), sk("{}", Event::SORT_KEY)
);

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

impl Streamed for Event {
    const SORT_KEY: &'static str = "EVENT";
}

impl Event {
    /// The terms of its sale, as its stock carries them.
    pub fn sale(&self) -> Sale {
        OnSale::from(self).sale()
    }

    /// Makes the event with all that it is sold by: pieces of one transaction.
    pub fn publication(&self) -> Vec<Write> {
        let stock = stock::create(self.id, self.capacity, self.sale());
        self.create().into_iter().chain(stock).collect()
    }

    /// Over as many shards as an event of its capacity has.
    pub fn spread(self) -> Self {
        Self { shards: shards_for(self.capacity.get()).len() as u16, ..self }
    }

    /// Makes the event, what a purchase reads of it, and its place among its artist's: pieces for the transaction that makes its
    /// stock.
    pub fn create(&self) -> [Write; 3] {
        [
            Write::create(&EventKey(self.id), self),
            Write::create(&OnSaleKey(self.id), &self.into()),
            OfArtist::of(self).create(),
        ]
    }

    /// The event when its artist is gone: who bought or saw it still finds it, under nobody's name.
    pub fn without_artist(&self, now: Time) -> Self {
        let artist_nickname = Nickname::of_nobody();
        Self { artist_nickname, version: self.version + 1, updated_at: now, ..self.clone() }
    }

    /// The event when it is called off.
    pub fn cancelled(&self, now: Time) -> Self {
        Self {
            state: State::Cancelled,
            terms_version: self.terms_version + 1,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Whether it takes place elsewhere than the other, or at another time: its buyers may have their money back.
    pub fn is_moved_from(&self, other: &Self) -> bool {
        let where_and_when = |event: &Self| {
            (event.place.clone(), event.schedule.starts_at(), event.schedule.ends_at())
        };
        where_and_when(self) != where_and_when(other)
    }

    /// Writes what becomes of it, unless it was changed meanwhile. It is for what is not sold by: *event on sale* stays as it is.
    pub fn becoming(&self, after: &Self) -> Write {
        let write = Write::change(&EventKey(self.id), self, after);
        write.when("version", Compare::Equal, self.version)
    }
}

impl Store {
    /// One page of all the events there are, deleted ones included, in no order; each as it is when its page is read, or
    /// newer than that. One that can't be read is left out. A page may be empty though others follow.
    ///
    /// It reads the whole table, so it is **never** for a request: only for work that is about every event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn every_event(&self, after: Option<Start>) -> Result<Page<Event>, StoreFault> {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let scan = self.client.scan().table_name(self.name(CATALOG.table)).consistent_read(true);
        let scan = scan.limit(AT_ONCE).set_exclusive_start_key(after.map(Start::attributes));
        let scan = scan
            .filter_expression("sk = :sk AND begins_with(pk, :pk)")
            .expression_attribute_values(":sk", text(Event::SORT_KEY))
            .expression_attribute_values(":pk", text("EVT#"));
        let answer = scan.send().await.map_err(|error| StoreFault::of(error, Effect::Read))?;
        let next = answer.last_evaluated_key.as_ref().map(|last| CATALOG.start_after(last));
        let items = answer.items.unwrap_or_default().into_iter();
        Ok(Page { items: items.filter_map(|item| readable(CATALOG.table, item)).collect(), next })
    }
}
