//! What the tests of this part start from.

use std::{
    collections::BTreeMap,
    env,
    panic::{AssertUnwindSafe, resume_unwind},
    time::Duration,
};

use api::{Body, Call, Context, FieldFaults, Problem, Response};
use aws_lambda_events::event::dynamodb;
use deserr::Deserr;
use domain::{id::EventId, member::Role, time::Time, who::Claims};
use futures::FutureExt;
use gateways::Queue;
use search::{Position, Query, Search};
use serde_json::{Value, json};
use store::{Store, catalog::event::Event, identity::session::Artist};

use crate::{create_event::CreateEvent, index_catalog};

/// The store over this process's tables.
pub fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

/// An artist who is signed in.
pub async fn artist(store: &Store, now: Time) -> Claims {
    stack::sign_in(store, Role::Artist, now).await
}

pub const DAY: Duration = Duration::from_hours(24);

/// An event that is on sale, as an artist sends it.
pub fn body(now: Time) -> Value {
    json!({
        "title": "한여름 밤의 어쿠스틱", "place": "서울 마포구 홍대 소극장", "content": "기타 한 대와 목소리.",
        "category": "MUSIC", "capacity": 50, "price": 30_000,
        "startsAt": now.plus(DAY * 30), "endsAt": now.plus(DAY * 31),
        "saleStartsAt": now.minus(DAY), "saleEndsAt": now.plus(DAY * 29),
    })
}

/// What a parser makes of JSON.
pub fn parse<T: Deserr<FieldFaults>>(json: Value) -> Result<T, FieldFaults> {
    deserr::deserialize(json)
}

/// A request to publish, with a key.
pub fn publish(
    artist: &Claims,
    key: &str,
    body: Value,
    now: Time,
) -> Call<Artist, Body<CreateEvent>> {
    let mut context = Context { fingerprint: body.to_string(), ..Context::at(now) };
    context.headers.insert("Idempotency-Key", key.parse().unwrap());
    Call { who: stack::caller(artist), input: Body(parse(body).unwrap()), context }
}

/// An answer as its caller gets it.
pub fn seen<T>(answer: Result<T, Problem>) -> (u16, Value, http::HeaderMap)
where
    Response: From<T>,
{
    let response = match answer {
        Ok(answer) => Response::from(answer),
        Err(problem) => problem.into_response(&Context::at(Time::from_millis(0))),
    };
    let (head, body) = response.into_parts();
    (head.status.as_u16(), serde_json::from_slice(&body).unwrap_or_default(), head.headers)
}

/// An event as the table has it.
pub fn event(now: Time) -> Event {
    stack::event(50, now)
}

/// A record of the catalog's stream: an event before and after.
pub fn record(number: usize, before: Option<&Event>, after: Option<&Event>) -> Value {
    let image = |event: &Event| serde_dynamo::to_item::<_, serde_dynamo::Item>(event).unwrap();
    let id = before.or(after).unwrap().id;
    json!({
        "awsRegion": "ap-northeast-2", "eventID": number.to_string(), "eventName": "MODIFY",
        "dynamodb": {
            "Keys": { "pk": { "S": format!("EVT#{id}") }, "sk": { "S": "EVENT" } },
            "OldImage": before.map(image), "NewImage": after.map(image),
            "SequenceNumber": number.to_string(), "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    })
}

/// A batch of the catalog's stream.
pub fn batch(records: &[Value]) -> dynamodb::Event {
    serde_json::from_value(json!({ "Records": records })).unwrap()
}

/// Brings records to the worker that feeds the search, which takes them all.
pub async fn index(search: &Search, records: &[Value]) {
    let dead = Queue::new(&stack::aws("http://127.0.0.1:1"), "http://127.0.0.1:1/dead".into());
    let failed = index_catalog::handle((search.clone(), dead), batch(records)).await.unwrap();
    assert!(again(&failed).is_empty());
}

/// The sequence numbers that a worker wants again.
pub fn again(batch: &api::Batch) -> Vec<String> {
    let failures = serde_json::to_value(batch).unwrap()["batchItemFailures"].clone();
    let number = |failure: &Value| failure["itemIdentifier"].as_str().unwrap().to_owned();
    failures.as_array().unwrap().iter().map(number).collect()
}

/// Runs a test with an index of its own, which is gone afterwards, however the test ends.
pub fn with_index<F: Future<Output = ()>>(test: impl FnOnce(Search) -> F) {
    stack::run(async {
        let address = env::var("OPENSEARCH_URL")
            .expect("OPENSEARCH_URL is not set: these tests are run by `make test`");
        let alias = format!("test-{}", EventId::generate()).to_lowercase();
        let search = Search::new(&address, &alias).unwrap();
        search.ensure().await.unwrap();
        let ended = AssertUnwindSafe(test(search.clone())).catch_unwind().await;
        search.delete_all().await.unwrap();
        ended.unwrap_or_else(|panic| resume_unwind(panic));
    });
}

/// Each event that the search finds, with its version and title.
pub async fn found(search: &Search) -> BTreeMap<EventId, (u64, String)> {
    let mut found = BTreeMap::new();
    let mut next = Some(Position::first(Time::now()));
    while let Some(position) = next {
        let page = search.search(&Query::default(), 100, &position).await.unwrap();
        let listings = page.hits.into_iter().map(|hit| hit.listing);
        found.extend(listings.map(|event| (event.id, (event.version, event.title.to_string()))));
        next = page.next;
    }
    found
}

/// Waits until a condition holds, ten seconds at most: a document is found a second after it was written.
pub async fn until(condition: impl AsyncFn() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait).await.expect("in time");
}
