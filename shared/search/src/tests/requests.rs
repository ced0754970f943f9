//! What OpenSearch is asked, seen from its side.

use std::collections::BTreeMap;

use domain::event::Sort;
use serde_json::json;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{listing, now, query};
use crate::{Position, Query, Search};

/// One page of many.
async fn pages() -> MockServer {
    let hit = json!({ "_source": listing("무대"), "sort": [1.0, "a"] });
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
        let search = Search::new(&server.uri(), "events").await.unwrap();
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
        let search = Search::new(&server.uri(), "events").await.unwrap();
        let sorts = [Sort::Newest, Sort::PriceUp, Sort::PriceDown, Sort::ClosingSoon];
        for sort in sorts {
            let query = Query { sort: Some(sort), ..query("재즈") };
            search.search(&query, 1, &Position::first(now())).await.unwrap();
        }
        search.search(&Query::default(), 1, &Position::first(now())).await.unwrap();
        assert_eq!(preferences(&server).await, [None, None, None, None, None]);
    });
}
