use std::hash::{DefaultHasher, Hash, Hasher};

use domain::event::{Capacity, Category, Price, SearchWords, Sort, State};
use domain::time::{Day, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::text::{self, EVERYWHERE, EVERYWHERE_IN_ORDER, PLACE, TITLE};

/// By relevance, a list ends here: nobody reads further, and scores move with every document that is written.
pub const MAX_BY_RELEVANCE: u32 = 500;

/// What is looked for. Everything that is given must be so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Query {
    /// Words in title, place, the artist's nickname or content.
    pub q: Option<SearchWords>,
    /// Words in the title.
    pub title: Option<SearchWords>,
    /// Words in the place.
    pub place: Option<SearchWords>,
    /// The kind of event.
    pub category: Option<Category>,
    /// At most so many tickets.
    pub capacity_max: Option<Capacity>,
    /// At least this price.
    pub price_min: Option<Price>,
    /// At most this price.
    pub price_max: Option<Price>,
    /// The sale starts on that day or later.
    pub sale_from: Option<Day>,
    /// The sale ends on that day or earlier, its last moment included.
    pub sale_to: Option<Day>,
    /// The event starts on that day or later.
    pub start_from: Option<Day>,
    /// The event starts on that day or earlier.
    pub start_to: Option<Day>,
    /// Whether tickets are sold now.
    pub on_sale: Option<bool>,
    /// The order, [`Query::order`] when not given.
    pub sort: Option<Sort>,
}

/// Where a list goes on. `api` seals it into a cursor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The moment of the first page: what is on sale is judged by it on every page.
    pub now: Time,
    /// The sort values of the last event seen, its id last; empty before the first page.
    pub after: Vec<Value>,
    /// How many were seen.
    pub seen: u32,
}

impl Position {
    /// Before the first page.
    pub fn first(now: Time) -> Self {
        Self { now, after: Vec::new(), seen: 0 }
    }
}

impl Query {
    /// The order that holds: the one given; without one relevance where there is `q`, otherwise the newest first.
    /// Without `q` nothing is more relevant, so that too is the newest first.
    pub fn order(&self) -> Sort {
        match (self.sort, &self.q) {
            (None | Some(Sort::Relevance), None) => Sort::Newest,
            (None, Some(_)) => Sort::Relevance,
            (Some(sort), _) => sort,
        }
    }

    /// The query in one spelling, to be hashed into a cursor: equal for queries that mean the same.
    ///
    /// # Errors
    /// None that can be: a query is always JSON.
    pub fn canonical(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Self { sort: Some(self.order()), ..self.clone() })
    }

    /// What chooses the copy of the index that answers. By relevance it is the same for every page, since scores differ a
    /// little between copies; otherwise there is none, and OpenSearch asks whichever copy has the least to do.
    pub(crate) fn preference(
        &self,
        position: &Position,
    ) -> Result<Option<String>, serde_json::Error> {
        if self.order() != Sort::Relevance {
            return Ok(None);
        }
        let mut hasher = DefaultHasher::new();
        (self.canonical()?, position.now.millis()).hash(&mut hasher);
        Ok(Some(format!("{:016x}", hasher.finish())))
    }

    /// The body of a search request for one more than `size` events.
    pub(crate) fn body(&self, size: u32, position: &Position) -> Value {
        let is_first_page = position.after.is_empty();
        let mut filters = self.filters(position.now);
        let category = self.category.map(|category| json!({ "term": { "category": category } }));
        if !is_first_page {
            filters.extend(category.clone());
        }

        let mut body = json!({
            "query": { "bool": { "filter": filters } },
            "sort": fields(self.order()),
            "size": size + 1,
            "track_total_hits": 10_000,
        });
        if let Some(q) = &self.q {
            let fields = match self.order() {
                Sort::Relevance => &EVERYWHERE,
                _ => &EVERYWHERE_IN_ORDER,
            };
            body["query"]["bool"]["must"] = text::matches(q, fields);
        }
        if self.q.is_some() || self.title.is_some() || self.place.is_some() {
            body["highlight"] = highlight();
        }
        if is_first_page {
            // The counts are those of every category, so the one that was chosen must not narrow them.
            body["aggs"] = json!({ "categories": { "terms": { "field": "category", "size": Category::ALL.len(), "include": Category::NAMES } } });
            if let Some(category) = category {
                body["post_filter"] = category;
            }
        } else {
            body["search_after"] = position.after.clone().into();
        }
        body
    }

    fn filters(&self, now: Time) -> Vec<Value> {
        let moment = |time: Time| json!(time.millis());
        let ranges = [
            ("capacity", "lte", self.capacity_max.map(|most| json!(most))),
            ("price", "gte", self.price_min.map(|least| json!(least))),
            ("price", "lte", self.price_max.map(|most| json!(most))),
            ("saleStartsAt", "gte", self.sale_from.map(|day| moment(day.start()))),
            // The end of a sale is the first moment after it.
            ("saleEndsAt", "lte", self.sale_to.map(|day| moment(day.end()))),
            ("startsAt", "gte", self.start_from.map(|day| moment(day.start()))),
            ("startsAt", "lt", self.start_to.map(|day| moment(day.end()))),
        ];
        let ranges = ranges.into_iter().filter_map(|(field, bound, value)| {
            let value = value?;
            Some(json!({ "range": { field: { bound: value } } }))
        });

        let mut filters = vec![json!({ "term": { "deleted": false } })];
        filters.extend(ranges);
        filters.extend(self.title.as_ref().map(|title| text::matches(title, &TITLE)));
        filters.extend(self.place.as_ref().map(|place| text::matches(place, &PLACE)));

        let open = json!({ "term": { "state": State::Open } });
        let not_over = json!({ "range": { "saleEndsAt": { "gt": moment(now) } } });
        let begun = json!({ "range": { "saleStartsAt": { "lte": moment(now) } } });
        if self.order() == Sort::ClosingSoon {
            filters.extend([open.clone(), not_over.clone()]);
        }
        match self.on_sale {
            Some(true) => filters.extend([open, not_over, begun]),
            Some(false) => filters.push(json!({ "bool": { "must_not": { "bool": { "filter": [open, not_over, begun] } } } })),
            None => {}
        }
        filters
    }
}

/// The fields that give an order, the id last: no two events are alike.
fn fields(sort: Sort) -> Value {
    match sort {
        Sort::Relevance => json!([{ "_score": "desc" }, { "id": "asc" }]),
        Sort::Newest => json!([{ "createdAt": "desc" }, { "id": "desc" }]),
        Sort::PriceUp => json!([{ "price": "asc" }, { "id": "asc" }]),
        Sort::PriceDown => json!([{ "price": "desc" }, { "id": "asc" }]),
        Sort::ClosingSoon => json!([{ "saleEndsAt": "asc" }, { "id": "asc" }]),
    }
}

/// Titles and places whole, the content in pieces; encoded for HTML, since the marks are tags and the rest is anybody's.
fn highlight() -> Value {
    json!({
        "type": "unified",
        "encoder": "html",
        "fields": {
            "title": { "number_of_fragments": 0 },
            "place": { "number_of_fragments": 0 },
            "content": { "number_of_fragments": 2, "fragment_size": 120 },
        },
    })
}
