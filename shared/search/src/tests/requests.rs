//! What OpenSearch is asked, seen from its side.

use std::collections::BTreeMap;

use domain::event::Sort;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{listing, now, query};
use crate::{Document, Listing, Position, Query, Search};

/// One page of many.
async fn pages() -> MockServer {
    let hit = json!({ "_id": "1", "_source": listing("무대"), "sort": [1.0, "a"] });
    let found =
        json!({ "hits": { "total": { "value": 9, "relation": "eq" }, "hits": [hit, hit] } });
    let server = MockServer::start().await;
    Mock::given(path("/events/_search"))
        .respond_with(ResponseTemplate::new(200).set_body_json(found))
        .mount(&server)
        .await;
    server
}

/// The preference of each search, in their order.
async fn preferences(server: &MockServer) -> Vec<Option<String>> {
    let preference = |request: &Request| {
        let mut pairs = request.url.query_pairs();
        pairs.find(|(name, _)| name == "preference").map(|(_, value)| value.into_owned())
    };
    server.received_requests().await.unwrap().iter().map(preference).collect()
}

#[test]
fn the_pages_of_one_query_by_relevance_ask_one_copy_and_other_queries_others() {
    stack::run(async {
        let server = pages().await;
        let search = Search::new(&server.uri(), "events").unwrap();
        let mut position = Some(Position::first(now()));
        for _ in 0..3 {
            let page = search.search(&query("재즈"), 1, &position.unwrap()).await.unwrap();
            position = page.next;
        }
        search.search(&query("포크"), 1, &Position::first(now())).await.unwrap();
        let a_moment_later = Position::first(now().plus(std::time::Duration::from_millis(1)));
        search.search(&query("재즈"), 1, &a_moment_later).await.unwrap();

        let asked = preferences(&server).await;
        let mut copies = BTreeMap::<_, u32>::new();
        for copy in asked {
            *copies
                .entry(copy.expect("by relevance, scores must not change between pages"))
                .or_default() += 1;
        }
        let mut searches: Vec<_> = copies.into_values().collect();
        searches.sort_unstable();
        assert_eq!(searches, [1, 1, 3]);
    });
}

#[test]
fn where_a_field_gives_the_order_the_least_busy_copy_answers() {
    stack::run(async {
        let server = pages().await;
        let search = Search::new(&server.uri(), "events").unwrap();
        let sorts = [Sort::Newest, Sort::PriceUp, Sort::PriceDown, Sort::ClosingSoon];
        for sort in sorts {
            let query = Query { sort: Some(sort), ..query("재즈") };
            search.search(&query, 1, &Position::first(now())).await.unwrap();
        }
        search.search(&Query::default(), 1, &Position::first(now())).await.unwrap();
        assert_eq!(preferences(&server).await, [None, None, None, None, None]);
    });
}

/// A title or a place of fifty words of one syllable, each another: no text of 100 characters is found by more keys.
fn many_short_words(first: u32) -> String {
    let syllable = |n: u32| char::from_u32(0xAC01 + (first + n * 29) % 11_000).unwrap();
    (0..50).map(|n| syllable(n).to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn no_call_is_larger_than_a_small_domain_takes_and_every_document_is_in_one() {
    stack::run(async {
        let server = MockServer::start().await;
        // Two indices, as during a rebuild.
        Mock::given(path("/_alias/events-write"))
            .respond_with(
                ResponseTemplate::new(200).set_body_json(json!({ "events-1": {}, "events-2": {} })),
            )
            .mount(&server)
            .await;
        let written = |request: &Request| {
            let lines = request.body.split(|byte| *byte == b'\n').count() / 2;
            let items = vec![json!({ "index": { "status": 201 } }); lines];
            ResponseTemplate::new(200).set_body_json(json!({ "items": items }))
        };
        Mock::given(method("POST"))
            .and(path_regex("^/_bulk"))
            .respond_with(written)
            .mount(&server)
            .await;
        let documents: Vec<Document> = (0..200)
            .map(|n| Listing {
                place: many_short_words(n * 53 + 17).parse().unwrap(),
                ..listing(&many_short_words(n * 31))
            })
            .map(Document::from)
            .collect();
        let search = Search::new(&server.uri(), "events").unwrap();
        assert_eq!(search.bulk(&documents).await.unwrap(), []);

        let calls = server.received_requests().await.unwrap();
        let bodies: Vec<_> =
            calls.iter().map(|call| &call.body).filter(|body| !body.is_empty()).collect();
        for body in &bodies {
            assert!(body.len() <= 10 * 1024 * 1024, "{} bytes in one call", body.len());
        }
        let mut copies = BTreeMap::<String, u32>::new();
        let lines = bodies.iter().flat_map(|body| body.split(|byte| *byte == b'\n'));
        for action in lines.filter(|line| !line.is_empty()).step_by(2) {
            let action: Value = serde_json::from_slice(action).unwrap();
            *copies.entry(action["index"]["_id"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        assert_eq!(copies.len(), 200);
        assert!(copies.values().all(|copies| *copies == 2), "each document goes to both indices");
    });
}

#[test]
fn what_one_index_refuses_and_another_can_not_take_now_may_be_tried_again() {
    stack::run(async {
        for statuses in [[400, 429], [429, 400]] {
            let server = MockServer::start().await;
            let two = json!({ "events-1": {}, "events-2": {} });
            Mock::given(path("/_alias/events-write"))
                .respond_with(ResponseTemplate::new(200).set_body_json(two))
                .mount(&server)
                .await;
            let items =
                statuses.map(|status| json!({ "index": { "status": status, "error": {} } }));
            Mock::given(path("/_bulk"))
                .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "items": items })))
                .mount(&server)
                .await;
            let search = Search::new(&server.uri(), "events").unwrap();
            let rejected = search.bulk(&[listing("무대").into()]).await.unwrap();
            assert_eq!(rejected.len(), 1);
            assert!(rejected[0].is_retryable(), "{statuses:?}");
        }
    });
}
