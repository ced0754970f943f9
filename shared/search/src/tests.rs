//! Everything against a real OpenSearch at `OPENSEARCH_URL`. Each test has an alias of its own and deletes it at its end.

mod finds;
mod keeps;
mod lists;
mod rebuilds;
mod relevance;
mod requests;

use std::future::Future;
use std::time::Duration;

use domain::event::Schedule;
use domain::id::{EventId, MemberId};
use domain::time::Time;
use opensearch::http::Method;
use serde_json::Value;

use crate::{Document, Listing, Page, Position, Query, Search};

/// The moment at which the tests take place: 2026-12-01, noon in Korea.
const NOW: &str = "2026-12-01T12:00:00+09:00";
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn now() -> Time {
    NOW.parse().unwrap()
}

/// Runs a test with an empty index of its own.
fn with_index<F: Future<Output = ()>>(test: impl FnOnce(Search) -> F) {
    stack::run(async {
        let address =
            std::env::var("OPENSEARCH_URL").expect("OPENSEARCH_URL says where OpenSearch is");
        let alias = EventId::generate().to_string().to_lowercase();
        let search = Search::new(&address, &alias).unwrap();
        search.ensure().await.unwrap();
        test(search.clone()).await;
        search.delete_all().await.unwrap();
    });
}

/// An event on sale now, which takes place in ten days.
fn listing(title: &str) -> Listing {
    Listing {
        id: EventId::generate(),
        version: 1,
        title: title.parse().unwrap(),
        content: "작은 무대에서 만납니다.".parse().unwrap(),
        place: "서울 어딘가".parse().unwrap(),
        category: domain::event::Category::Music,
        capacity: 50.try_into().unwrap(),
        price: 30_000.try_into().unwrap(),
        artist_id: MemberId::generate(),
        artist_nickname: "이름없는이".parse().unwrap(),
        schedule: schedule(now().minus(DAY), now().plus(DAY)),
        created_at: now().minus(DAY),
        state: domain::event::State::Open,
    }
}

/// A sale from one moment to another, of an event ten days from now.
fn schedule(sale_starts_at: Time, sale_ends_at: Time) -> Schedule {
    let starts_at = now().plus(10 * DAY);
    Schedule::new(starts_at, starts_at.plus(2 * HOUR), sale_starts_at, sale_ends_at).unwrap()
}

fn query(q: &str) -> Query {
    Query { q: Some(q.parse().unwrap()), ..Query::default() }
}

impl Search {
    /// Writes events and waits until they can be found.
    async fn publish(&self, listings: &[Listing]) {
        let documents: Vec<Document> = listings.iter().cloned().map(Document::from).collect();
        self.put(&documents).await;
    }

    async fn put(&self, documents: &[Document]) {
        assert_eq!(self.bulk(documents).await.unwrap(), []);
        self.refresh().await;
    }

    async fn refresh(&self) {
        let path = format!("/{}/_refresh", self.write_alias());
        self.call::<Value>(Method::Post, &path, None).await.unwrap();
    }

    async fn first_page(&self, query: &Query) -> Page {
        self.search(query, 100, &Position::first(now())).await.unwrap()
    }

    async fn titles(&self, query: &Query) -> Vec<String> {
        self.first_page(query).await.hits.iter().map(|hit| hit.listing.title.to_string()).collect()
    }
}
