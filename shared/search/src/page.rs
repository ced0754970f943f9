use domain::event::{Category, Sort};
use opensearch::http::Method;
use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Listing, MAX_BY_RELEVANCE, Position, Query, Search};

/// A page of what was found.
#[derive(Clone, Debug)]
pub struct Page {
    /// The events, in the order asked for.
    pub hits: Vec<Hit>,
    /// How many there are in all.
    pub total: Total,
    /// How many there are of each category if none is chosen, the most first. Only on the first page.
    pub facets: Vec<Facet>,
    /// Where the next page begins, if there is one.
    pub next: Option<Position>,
}

/// An event that was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The event.
    pub listing: Listing,
    /// Where the words stand.
    pub highlights: Highlights,
}

/// What was found with the words marked by `<em>` and everything else encoded for HTML. Words found by a typo are not marked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Highlights {
    /// The title, if a word stands there: one piece or none.
    pub title: Vec<String>,
    /// The place, likewise.
    pub place: Vec<String>,
    /// Up to two pieces of the content, of about 120 characters.
    pub content: Vec<String>,
}

/// How many were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "relation", content = "value")]
pub enum Total {
    /// Exactly so many.
    #[serde(rename = "eq")]
    Exactly(u64),
    /// So many or more: above 10,000 nobody counts.
    #[serde(rename = "gte")]
    AtLeast(u64),
}

/// How many events there are of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub struct Facet {
    /// The category.
    #[serde(rename = "key")]
    pub category: Category,
    /// How many.
    #[serde(rename = "doc_count")]
    pub count: u64,
}

impl Search {
    /// Finds events, `limit` of them at most, from a position on. An event whose sort value does not change between two
    /// pages is seen exactly once.
    ///
    /// # Errors
    /// [`Error`], as its variants say.
    pub async fn search(
        &self,
        query: &Query,
        limit: u32,
        position: &Position,
    ) -> Result<Page, Error> {
        let left = match query.order() {
            Sort::Relevance => MAX_BY_RELEVANCE.saturating_sub(position.seen),
            _ => u32::MAX,
        };
        let size = limit.min(left);
        let mut path = format!("/{}/_search", self.read_alias());
        if let Some(copy) = query.preference(position)? {
            path = format!("{path}?preference={copy}");
        }
        let body = query.body(size, position).to_string();
        let answer: Answer = self.call(Method::Post, &path, Some(body)).await?;

        let mut found = answer.hits.hits;
        let is_more = found.len() > size as usize && size < left;
        found.truncate(size as usize);
        let next = found.last().filter(|_| is_more).map(|last| Position {
            now: position.now,
            after: last.sort.clone(),
            seen: position.seen.saturating_add(size),
        });
        Ok(Page {
            hits: found.into_iter().filter_map(Found::hit).collect(),
            total: answer.hits.total,
            facets: answer
                .aggregations
                .map(|counted| counted.categories.buckets)
                .unwrap_or_default(),
            next,
        })
    }
}

#[derive(Deserialize)]
struct Answer {
    hits: Hits,
    aggregations: Option<Counted>,
}

#[derive(Deserialize)]
struct Hits {
    total: Total,
    hits: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_source")]
    source: Value,
    #[serde(default, rename = "highlight")]
    highlights: Highlights,
    sort: Vec<Value>,
}

impl Found {
    /// One that can't be read is told and left out: it must not hide all the others.
    fn hit(self) -> Option<Hit> {
        match serde_json::from_value(self.source) {
            Ok(listing) => Some(Hit { listing, highlights: self.highlights }),
            Err(error) => {
                tracing::error!(metric = "Unreadable", event_id = self.id, %error, "a document can't be read and is left out");
                None
            }
        }
    }
}

#[derive(Deserialize)]
struct Counted {
    categories: Buckets,
}

#[derive(Deserialize)]
struct Buckets {
    buckets: Vec<Facet>,
}
