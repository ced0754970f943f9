//! `GET /v1/events`: events found by words and filters, in pages.

use api::{Answer, Anyone, Call, Cursors, FieldFaults, Limit, Param, Problem, Query as Asked};
use deserr::Deserr;
use domain::{
    event::{Capacity, Category, Place, Price, SearchWords, Sort, State, Title},
    id::EventId,
    invalid::Invalid,
    time::{Day, Time},
};
use search::{Facet, Hit, Position, Query, Search, Total};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::view::ArtistView;

/// What is looked for. Everything that is given must be so.
#[derive(Debug, Default, Clone, Deserr, IntoParams)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct SearchEvents {
    /// Words in the title, the place, the artist's name or the content. Typos in names and titles, unfinished words, initials alone and the
    /// wrong keyboard are forgiven; words for a kind of event, or for what is free, are meant of it. General words may be absent, and, where the
    /// most relevant come first, one word of three.
    #[deserr(default)]
    #[param(inline)]
    q: Option<SearchWords>,
    /// Words in the title.
    #[deserr(default)]
    #[param(inline)]
    title: Option<SearchWords>,
    /// Words in the place.
    #[deserr(default)]
    #[param(inline)]
    place: Option<SearchWords>,
    /// The kind of event.
    #[deserr(default)]
    #[param(inline)]
    category: Option<Category>,
    /// At most so many tickets in all.
    #[deserr(default)]
    #[param(inline, value_type = Option<Capacity>)]
    capacity_max: Option<Param<Capacity>>,
    /// At least this price, in won.
    #[deserr(default)]
    #[param(inline, value_type = Option<Price>)]
    price_min: Option<Param<Price>>,
    /// At most this price, in won; not below `priceMin`.
    #[deserr(default)]
    #[param(inline, value_type = Option<Price>)]
    price_max: Option<Param<Price>>,
    /// The sale starts on this day in Korea or later.
    #[deserr(default)]
    #[param(inline)]
    sale_from: Option<Day>,
    /// The sale ends by the end of this day in Korea; not before `saleFrom`.
    #[deserr(default)]
    #[param(inline)]
    sale_to: Option<Day>,
    /// The event starts on this day in Korea or later.
    #[deserr(default)]
    #[param(inline)]
    start_from: Option<Day>,
    /// The event starts on this day in Korea or earlier; not before `startFrom`.
    #[deserr(default)]
    #[param(inline)]
    start_to: Option<Day>,
    /// Whether tickets are sold now.
    #[deserr(default)]
    #[param(value_type = Option<bool>)]
    on_sale: Option<Param<bool>>,
    /// The order: without it the most relevant first where there is `q`, else the newest. By relevance the list ends after 500;
    /// `closingSoon` leaves out what is no longer sold.
    #[deserr(default)]
    #[param(inline)]
    sort: Option<Sort>,
    /// How many events at most.
    #[deserr(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100, default = 20)]
    limit: Option<Param<Limit>>,
    /// `nextCursor` of the page before, with the same filters; none for the first page.
    #[deserr(default)]
    cursor: Option<String>,
}

/// One page of the events that were found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundEvents {
    /// The events; none is an empty list.
    pub items: Vec<FoundEvent>,
    /// Where the next page starts; absent after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How many were found, counted up to 10,000.
    pub total: u64,
    /// `eq` when `total` is exact, `gte` when there are that many or more.
    pub total_relation: TotalRelation,
    /// How many there are of each kind if none is chosen, the most first; on the first page only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<CategoryCount>,
}

/// How a total is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TotalRelation {
    /// Exactly so many.
    Eq,
    /// So many or more.
    Gte,
}

/// How many events there are of a kind.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CategoryCount {
    /// The kind.
    pub category: Category,
    /// How many.
    pub count: u64,
}

/// An event as a list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundEvent {
    /// Its id.
    pub id: EventId,
    /// What it is called.
    pub title: Title,
    /// Where it takes place.
    pub place: Place,
    /// What kind it is.
    pub category: Category,
    /// How many tickets there are in all.
    pub capacity: Capacity,
    /// What one ticket costs, in won.
    pub price: Price,
    /// When it starts.
    pub starts_at: Time,
    /// When it ends.
    pub ends_at: Time,
    /// The first moment of the sale.
    pub sale_starts_at: Time,
    /// The first moment after the sale.
    pub sale_ends_at: Time,
    /// Whether it takes place.
    pub state: State,
    /// Who published it.
    pub artist: ArtistView,
    /// When it was published.
    pub created_at: Time,
    /// Where the words stand.
    pub highlights: HighlightsView,
}

/// What was found, as HTML: the words in `<em>`, everything else encoded. Words found by a typo are not marked.
#[derive(Debug, Serialize, ToSchema)]
pub struct HighlightsView {
    /// The title, if a word stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The place, if a word stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Up to two pieces of the content.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub content: Vec<String>,
}

/// Finds events
///
/// Everybody may. Every filter that is given must hold. An event whose sort value does not change meanwhile is seen
/// exactly once on the way through the pages.
#[utoipa::path(get, path = "/v1/events", params(SearchEvents),
    responses((status = 200, description = "A page of events", body = FoundEvents)),
)]
pub async fn handle(
    (search, cursors): (Search, Cursors),
    call: Call<Anyone, Asked<SearchEvents>>,
) -> Result<Answer<FoundEvents>, Problem> {
    let Call { input: Asked(mut asked), context, .. } = call;
    let (limit, cursor) = (asked.limit.take(), asked.cursor.take());
    let query = asked.query()?;
    let limit = limit.map_or_else(Limit::default, |limit| limit.0);
    let scope = format!("search_events {}", query.canonical().map_err(search::Error::from)?);
    let position = cursors.open(&scope, cursor.as_deref()).await?;
    let position = position.unwrap_or_else(|| Position::first(context.now));
    let page = search.search(&query, limit.get(), &position).await?;
    let next_cursor = cursors.seal(&scope, page.next).await?;
    let (total, total_relation) = match page.total {
        Total::Exactly(total) => (total, TotalRelation::Eq),
        Total::AtLeast(total) => (total, TotalRelation::Gte),
    };
    Ok(Answer::ok(FoundEvents {
        items: page.hits.into_iter().map(FoundEvent::from).collect(),
        next_cursor,
        total,
        total_relation,
        categories: page.facets.into_iter().map(CategoryCount::from).collect(),
    })
    .public())
}

impl SearchEvents {
    /// The query that is asked, if no filter contradicts another.
    fn query(self) -> Result<Query, Problem> {
        let value = |param: Option<Param<Price>>| param.map(|param| param.0);
        let (price_min, price_max) = (value(self.price_min), value(self.price_max));
        let mut broken = Vec::new();
        if let (Some(min), Some(max)) = (price_min, price_max)
            && max < min
        {
            let least = Invalid::Range { min: min.get() as i64, max: Price::MAX.get() as i64 };
            broken.push(("priceMax", least));
        }
        if let (Some(from), Some(to)) = (self.sale_from, self.sale_to)
            && to < from
        {
            broken.push(("saleFrom", Invalid::NotAfter { field: "saleTo" }));
        }
        if let (Some(from), Some(to)) = (self.start_from, self.start_to)
            && to < from
        {
            broken.push(("startFrom", Invalid::NotAfter { field: "startTo" }));
        }
        if !broken.is_empty() {
            return Err(Problem::broken_filters(broken));
        }
        Ok(Query {
            q: asked(self.q),
            title: asked(self.title),
            place: asked(self.place),
            category: self.category,
            capacity_max: self.capacity_max.map(|most| most.0),
            price_min,
            price_max,
            sale_from: self.sale_from,
            sale_to: self.sale_to,
            start_from: self.start_from,
            start_to: self.start_to,
            on_sale: self.on_sale.map(|on_sale| on_sale.0),
            sort: self.sort,
        })
    }
}

/// An empty field of a search form asks for nothing.
fn asked(words: Option<SearchWords>) -> Option<SearchWords> {
    words.filter(|words| !words.as_str().is_empty())
}

impl From<Hit> for FoundEvent {
    fn from(Hit { listing, highlights }: Hit) -> Self {
        let whole = |pieces: Vec<String>| pieces.into_iter().next();
        Self {
            id: listing.id,
            title: listing.title,
            place: listing.place,
            category: listing.category,
            capacity: listing.capacity,
            price: listing.price,
            starts_at: listing.schedule.starts_at(),
            ends_at: listing.schedule.ends_at(),
            sale_starts_at: listing.schedule.sale_starts_at(),
            sale_ends_at: listing.schedule.sale_ends_at(),
            state: listing.state,
            artist: ArtistView { id: listing.artist_id, nickname: listing.artist_nickname },
            created_at: listing.created_at,
            highlights: HighlightsView {
                title: whole(highlights.title),
                place: whole(highlights.place),
                content: highlights.content,
            },
        }
    }
}

impl From<Facet> for CategoryCount {
    fn from(Facet { category, count }: Facet) -> Self {
        Self { category, count }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::Context;
    use aws::Secret;
    use domain::event::Schedule;
    use serde_json::{Value, json};
    use store::catalog::event::Event;
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::header};

    use super::*;
    use crate::samples::{self, DAY, event, parse, record, seen, until, with_index};

    /// A place for secrets with a cursor key in it.
    async fn secrets() -> MockServer {
        let server = MockServer::start().await;
        let keys = json!({ "current": { "kid": "1", "key": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE" } });
        let answer = json!({ "Name": "cursor", "SecretString": keys.to_string() });
        Mock::given(header("X-Amz-Target", "secretsmanager.GetSecretValue"))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&server)
            .await;
        server
    }

    fn clients(search: Search, secrets: &MockServer) -> (Search, Cursors) {
        (search, Cursors::new(Secret::new(&stack::aws(&secrets.uri()), "cursor")))
    }

    /// Asks as a caller does, with the texts of a query string.
    async fn ask(clients: &(Search, Cursors), query: Value) -> (u16, Value) {
        let input = Asked(parse(query).unwrap());
        let call = Call { who: Anyone, input, context: Context::at(Time::now()) };
        let (status, answer, _) = seen(handle(clients.clone(), call).await);
        (status, answer)
    }

    /// Brings events into the index through the worker, and waits until they are found.
    async fn index(search: &Search, events: &[Event]) {
        let records: Vec<_> = events
            .iter()
            .enumerate()
            .map(|(number, event)| record(number, None, Some(event)))
            .collect();
        samples::index(search, &records).await;
        let all = async || {
            let page = search.search(&Query::default(), 1, &Position::first(Time::now())).await;
            page.unwrap().total == Total::Exactly(events.len() as u64)
        };
        until(all).await;
    }

    fn titled(title: &str) -> Event {
        Event { title: title.parse().unwrap(), ..event(Time::now()) }
    }

    fn ids(answer: &Value) -> Vec<String> {
        let items = answer["items"].as_array().unwrap();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_show_is_found_by_a_korean_query_with_a_typo() {
        with_index(|search| async move {
            let secrets = secrets().await;
            let show = titled("붉은 달의 재즈");
            index(&search, &[titled("봄날의 도예"), show.clone(), titled("고양이 사진전")]).await;
            let clients = clients(search, &secrets);
            for q in ["재즈", "붉은 달의 제즈", "붉은달", "불근 달의 재즈"] {
                let (status, answer) = ask(&clients, json!({ "q": q })).await;
                assert_eq!((status, ids(&answer)), (200, vec![show.id.to_string()]), "{q}");
            }
            let (_, answer) = ask(&clients, json!({ "q": "재즈" })).await;
            assert_eq!(answer["items"][0]["highlights"]["title"], "붉은 달의 <em>재즈</em>");
            assert_eq!((&answer["total"], &answer["totalRelation"]), (&json!(1), &json!("eq")));
            assert_eq!(answer["categories"], json!([{ "category": "MUSIC", "count": 1 }]));

            let (status, answer) = ask(&clients, json!({ "q": "오페라" })).await;
            assert_eq!((status, &answer["items"]), (200, &json!([])), "an empty list is no error");
            assert!(
                secrets.received_requests().await.unwrap().is_empty(),
                "no page follows, no key is read"
            );
        });
    }

    #[test]
    fn every_filter_that_is_given_must_hold() {
        with_index(|search| async move {
            let secrets = secrets().await;
            let now = Time::now();
            let day = |days: u32| now.plus(DAY * days);
            let wanted = Event {
                category: Category::Movie,
                capacity: 20.try_into().unwrap(),
                price: 5_000.try_into().unwrap(),
                place: "부산 영화의 집".parse().unwrap(),
                ..titled("바다 영화제")
            };
            let later = Event {
                schedule: Schedule::new(day(90), day(91), day(60), day(89)).unwrap(),
                ..titled("겨울 음악회")
            };
            index(&search, &[wanted.clone(), later.clone()]).await;
            let clients = clients(search, &secrets);
            let date = |days| day(days).korean_day().to_string();
            for (filter, text) in [
                ("q", "바다"),
                ("title", "영화제"),
                ("place", "부산"),
                ("category", "MOVIE"),
                ("capacityMax", "20"),
                ("priceMax", "5000"),
                ("saleTo", &*date(30)),
                ("startTo", &*date(30)),
                ("onSale", "true"),
            ] {
                let (status, answer) = ask(&clients, json!({ filter: text })).await;
                assert_eq!(
                    (status, ids(&answer)),
                    (200, vec![wanted.id.to_string()]),
                    "{filter}={text}"
                );
            }
            for (filter, text) in [
                ("priceMin", "5001"),
                ("saleFrom", &*date(60)),
                ("startFrom", &*date(90)),
                ("onSale", "false"),
            ] {
                let (status, answer) = ask(&clients, json!({ filter: text })).await;
                assert_eq!(
                    (status, ids(&answer)),
                    (200, vec![later.id.to_string()]),
                    "{filter}={text}"
                );
            }
            let (_, both) =
                ask(&clients, json!({ "q": " ", "title": "", "sort": "priceUp" })).await;
            assert_eq!(ids(&both), [wanted.id.to_string(), later.id.to_string()]);
        });
    }

    #[test]
    fn the_cursor_walks_every_event_exactly_once_in_every_order() {
        with_index(|search| async move {
            let secrets = secrets().await;
            // Few prices and one moment of publishing: ties at every page's end.
            let published = event(Time::now());
            let events: Vec<_> = (0..57)
                .map(|number| Event {
                    price: (number % 3 * 1_000).try_into().unwrap(),
                    created_at: published.created_at,
                    schedule: published.schedule,
                    ..event(published.created_at)
                })
                .collect();
            index(&search, &events).await;
            let clients = clients(search, &secrets);
            let every: BTreeSet<_> = events.iter().map(|event| event.id.to_string()).collect();
            for sort in ["newest", "priceUp", "priceDown", "closingSoon", "relevance"] {
                let mut query = json!({ "sort": sort, "limit": "10", "q": "어쿠스틱" });
                let mut walked = Vec::new();
                loop {
                    let (status, page) = ask(&clients, query.clone()).await;
                    assert_eq!((status, &page["total"]), (200, &json!(57)), "{sort}: {page}");
                    walked.extend(ids(&page));
                    let Some(cursor) = page.get("nextCursor") else { break };
                    query["cursor"] = cursor.clone();
                }
                assert_eq!(walked.len(), 57, "{sort}");
                assert_eq!(walked.into_iter().collect::<BTreeSet<_>>(), every, "{sort}");
            }
        });
    }

    #[test]
    fn a_cursor_that_was_changed_or_belongs_to_another_query_is_refused() {
        with_index(|search| async move {
            let secrets = secrets().await;
            index(&search, &[titled("하나"), titled("둘")]).await;
            let clients = clients(search, &secrets);
            let (_, page) = ask(&clients, json!({ "limit": "1" })).await;
            let cursor = page["nextCursor"].as_str().unwrap().to_owned();
            let (status, _) = ask(&clients, json!({ "limit": "5", "cursor": cursor })).await;
            assert_eq!(status, 200, "another length of page is no other list");

            // Never the letter that stands there already.
            let changed = |at: usize| {
                let other = if cursor[at..].starts_with('A') { "B" } else { "A" };
                format!("{}{other}{}", &cursor[..at], &cursor[at + 1..])
            };
            for query in [
                json!({ "cursor": changed(0) }),
                json!({ "cursor": changed(cursor.len() - 1) }),
                json!({ "cursor": "" }),
                json!({ "cursor": cursor, "sort": "priceUp" }),
                json!({ "cursor": cursor, "category": "ART" }),
            ] {
                let (status, problem) = ask(&clients, query.clone()).await;
                assert_eq!((status, &problem["code"]), (400, &json!("CURSOR_INVALID")), "{query}");
            }
        });
    }

    #[test]
    fn filters_that_contradict_each_other_are_all_told() {
        stack::run(async {
            let secrets = secrets().await;
            let nowhere = Search::new("http://127.0.0.1:1", "events").unwrap();
            let clients = clients(nowhere, &secrets);
            let query = json!({
                "priceMin": "2000", "priceMax": "1999",
                "saleFrom": "2026-12-02", "saleTo": "2026-12-01",
                "startFrom": "2026-12-02", "startTo": "2026-12-01",
            });
            let (status, problem) = ask(&clients, query).await;
            let errors = problem["errors"].as_array().unwrap().iter();
            let told: Vec<_> = errors.map(|error| (&error["in"], &error["name"])).collect();
            let names = ["priceMax", "saleFrom", "startFrom"].map(Value::from);
            let query = json!("query");
            assert_eq!((status, told), (422, names.iter().map(|name| (&query, name)).collect()));

            let (status, problem) =
                ask(&clients, json!({ "priceMin": "1", "priceMax": "1" })).await;
            assert_eq!((status, &problem["code"]), (503, &json!("SEARCH_UNAVAILABLE")));
        });
    }

    #[test]
    fn words_beyond_a_hundred_characters_are_refused_and_not_cut() {
        for filter in ["q", "title", "place"] {
            assert!(parse::<SearchEvents>(json!({ filter: "가".repeat(100) })).is_ok());
            let faults = parse::<SearchEvents>(json!({ filter: "가".repeat(101) })).unwrap_err();
            assert!(format!("{faults:?}").contains(filter), "{filter}: {faults:?}");
        }
    }

    #[test]
    fn a_filter_that_can_not_be_read_is_told() {
        for (filter, text) in [
            ("limit", "0"),
            ("sort", "cheapest"),
            ("priceMin", "-1"),
            ("capacityMax", "many"),
            ("onSale", "perhaps"),
            ("saleTo", "2026-02-30"),
            ("category", "OPERA"),
            ("unknown", "1"),
        ] {
            let faults = parse::<SearchEvents>(json!({ filter: text })).unwrap_err();
            assert!(format!("{faults:?}").contains(filter), "{filter}={text}: {faults:?}");
        }
    }
}
