//! Worker on the catalog's stream: keeps the search equal to the table.

use std::time::Duration;

use api::{Batch, Worker};
use aws_lambda_events::event::dynamodb;
use gateways::{Message, Queue};
use search::{Document, Listing, Rejected, Search};
use serde::Serialize;
use store::{
    Change, Key, Unreadable,
    catalog::event::{Event, EventKey},
    changes,
};

/// What is left of an event that would fail however often it came.
#[derive(Debug, Serialize)]
pub struct DeadLetter {
    /// Its item's partition key.
    key: String,
}

impl Message for DeadLetter {
    const QUEUE: &'static str = "INDEX_DEAD_QUEUE_URL";
}

/// Why it would. Its record is counted as done, or it would hold up all that come after it.
struct Refused {
    record: String,
    key: String,
    code: &'static str,
    cause: String,
}

/// Brings the events of a batch into the index. Records come at least once, late and shuffled: the document with the higher
/// version stays, so none of that matters. What OpenSearch can't take now comes again; what it never will is a dead letter.
///
/// # Errors
/// When OpenSearch does not answer, and there is no record to say it of: who brings none asks whether it does.
pub async fn handle(
    (search, dead): (Search, Queue<DeadLetter>),
    batch: dynamodb::Event,
) -> Result<Batch, search::Error> {
    let mut failed = Batch::default();
    let mut refused = Vec::new();
    let (mut records, mut documents) = (Vec::new(), Vec::new());
    for change in changes(batch) {
        match change {
            Ok(Change { record, before, after }) => {
                let Some(document) = document_after(before, after) else { continue };
                documents.push(document);
                records.push(record);
            }
            Err(Unreadable { record, key, cause }) => {
                let (code, cause) = ("EVENT_UNREADABLE", cause.to_string());
                refused.push(Refused { record, key, code, cause });
            }
        }
    }
    let written = match bulk(&search, &documents).await {
        Err(down) if records.is_empty() && refused.is_empty() => return Err(down),
        // Each record is named, so the batch comes again as it is; for an error it would be halved, down to single records.
        // What is told of the unreadable is told once, when OpenSearch is there again.
        Err(down) => {
            let unreadable = refused.iter().map(|refused| &refused.record);
            records.iter().chain(unreadable).for_each(|record| failed.failed(record, &down));
            return Ok(failed);
        }
        Ok(rejected) => rejected,
    };
    for rejected in written {
        let Some(record) = records.get(rejected.position) else { continue };
        if rejected.is_retryable() {
            failed.failed(record, rejected.reason);
            continue;
        }
        let (record, (key, _)) = (record.clone(), EventKey(rejected.id).pair());
        let (code, cause) = ("DOCUMENT_REFUSED", rejected.reason);
        refused.push(Refused { record, key, code, cause });
    }
    bury(&dead, &refused, &mut failed).await;
    Ok(failed)
}

/// Writes documents, a second time if it may have been the index's fault that it did not take them.
async fn bulk(search: &Search, documents: &[Document]) -> Result<Vec<Rejected>, search::Error> {
    let written = search.bulk(documents).await;
    let is_index_at_fault = match &written {
        // There is none yet, or it was lost.
        Err(search::Error::NotReady { status: 404, .. }) => true,
        // It may not know a field yet.
        Ok(rejected) => rejected.iter().any(|document| !document.is_retryable()),
        Err(_) => false,
    };
    if !is_index_at_fault {
        return written;
    }
    match search.ensure().await {
        Ok(()) => search.bulk(documents).await,
        // It can't become what we would have it be; what it took it has.
        Err(search::Error::Refused { .. }) => written,
        Err(failed) => Err(failed),
    }
}

/// Tells a person of each event. A record whose letter was not sent comes again, so that none is forgotten.
async fn bury(dead: &Queue<DeadLetter>, refused: &[Refused], failed: &mut Batch) {
    let letter = |refused: &Refused| (DeadLetter { key: refused.key.clone() }, Duration::ZERO);
    let letters: Vec<_> = refused.iter().map(letter).collect();
    for Refused { record, key, code, cause } in refused {
        let event_id = key.trim_start_matches("EVT#");
        tracing::error!(event_id, record, code, cause, "an event is not indexed");
    }
    failed.note(refused.iter().map(|refused| &refused.record), dead.send_all(&letters).await);
}

fn document_after(before: Option<Event>, after: Option<Event>) -> Option<Document> {
    if let Some(event) = after {
        return Some(document(event));
    }
    // An item that is removed was one version before its end.
    before.map(|Event { id, version, .. }| Document::Deleted { id, version: version + 1 })
}

/// What the index is told of an event.
pub(crate) fn document(event: Event) -> Document {
    let Event { id, version, .. } = event;
    if event.deleted_at.is_some() {
        return Document::Deleted { id, version };
    }
    let listing = Listing {
        id,
        version,
        title: event.title,
        content: event.content,
        place: event.place,
        category: event.category,
        capacity: event.capacity,
        price: event.price,
        artist_id: event.artist_id,
        artist_nickname: event.artist_nickname,
        schedule: event.schedule,
        created_at: event.created_at,
        state: event.state,
    };
    listing.into()
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{id::EventId, time::Time};
    use serde_json::{Value, json};
    use store::{Store, Write};
    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::path};

    use super::*;
    use crate::samples::{again, batch, event, found, index, record, store, until, with_index};

    /// An SQS that answers with a status, and takes everything if that is 200.
    async fn queues(status: u16) -> MockServer {
        let answer = move |request: &Request| {
            let body: Value = request.body_json().unwrap();
            let entries = body["Entries"].as_array().unwrap().iter();
            let sent = |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "1", "MD5OfMessageBody": "" });
            let sent: Vec<_> = entries.map(sent).collect();
            ResponseTemplate::new(status).set_body_json(json!({ "Successful": sent, "Failed": [] }))
        };
        let server = MockServer::start().await;
        Mock::given(path("/")).respond_with(answer).mount(&server).await;
        server
    }

    fn clients(search: &Search, sqs: &MockServer) -> (Search, Queue<DeadLetter>) {
        (search.clone(), Queue::new(&stack::aws(&sqs.uri()), "http://127.0.0.1/dead".into()))
    }

    /// What was sent to the dead-letter queue.
    async fn letters(sqs: &MockServer) -> Vec<Value> {
        let mut letters = Vec::new();
        for request in sqs.received_requests().await.unwrap() {
            let body: Value = request.body_json().unwrap();
            let bodies = body["Entries"].as_array().unwrap().iter();
            let bodies = bodies.map(|entry| entry["MessageBody"].as_str().unwrap());
            letters.extend(bodies.map(|letter| serde_json::from_str::<Value>(letter).unwrap()));
        }
        letters
    }

    fn letter(event: &Event) -> Value {
        json!({ "key": format!("EVT#{}", event.id) })
    }

    /// Writes what happens to an event, and answers its records.
    async fn lives(store: &Store, number: usize) -> (EventId, Vec<Value>) {
        let mut event = event(Time::now());
        let (id, key) = (event.id, EventKey(event.id));
        let mut records = vec![record(number * 10, None, Some(&event))];
        for step in 1..fastrand::usize(2..6) {
            let before = event.clone();
            event.version += 1;
            event.title = format!("{step}번 고친 공연").parse().unwrap();
            records.push(record(number * 10 + step, Some(&before), Some(&event)));
        }
        store.write(Write::put(&key, &event), ()).await.unwrap();
        if number % 4 == 1 {
            let before = event.clone();
            (event.version, event.deleted_at) = (event.version + 1, Some(Time::now()));
            records.push(record(number * 10 + 8, Some(&before), Some(&event)));
            store.write(Write::put(&key, &event), ()).await.unwrap();
        }
        if number % 4 == 2 {
            records.push(record(number * 10 + 9, Some(&event), None));
            store.write(Write::delete(&key), ()).await.unwrap();
        }
        (id, records)
    }

    #[test]
    fn the_index_ends_equal_to_the_table_with_records_twice_late_and_shuffled() {
        with_index(|search| async move {
            let store = store();
            let (mut ids, mut records) = (Vec::new(), Vec::new());
            for number in 0..40 {
                let (id, of_one) = lives(&store, number).await;
                ids.push(id);
                records.extend(of_one);
            }
            let mut delivered = [records.clone(), records].concat();
            fastrand::shuffle(&mut delivered);
            for some in delivered.chunks(7) {
                index(&search, some).await;
            }

            let mut table = BTreeMap::new();
            for id in ids {
                let event = store.get(&EventKey(id)).await.unwrap();
                if let Some(event) = event.filter(|event| event.deleted_at.is_none()) {
                    table.insert(id, (event.version, event.title.to_string()));
                }
            }
            assert_eq!(table.len(), 20);
            until(async || found(&search).await == table).await;
        });
    }

    #[test]
    fn an_event_that_can_not_be_read_is_told_and_holds_up_no_other() {
        with_index(|search| async move {
            let sqs = queues(200).await;
            let (good, bad) = (event(Time::now()), event(Time::now()));
            let mut review = record(1, None, Some(&event(Time::now())));
            review["dynamodb"]["Keys"]["sk"]["S"] = "REVIEW".into();
            let mut unreadable = record(2, None, Some(&bad));
            unreadable["dynamodb"]["NewImage"]["price"] = json!({ "S": "much" });
            let records = [review, unreadable, record(3, None, Some(&good))];
            for _ in 0..2 {
                let failed = handle(clients(&search, &sqs), batch(&records)).await.unwrap();
                assert!(again(&failed).is_empty());
            }
            assert_eq!(letters(&sqs).await, [letter(&bad), letter(&bad)]);
            let good = BTreeMap::from([(good.id, (1, good.title.to_string()))]);
            until(async || found(&search).await == good).await;
        });
    }

    #[test]
    fn an_event_that_opensearch_refuses_is_told_and_holds_up_no_other() {
        with_index(|search| async move {
            let sqs = queues(200).await;
            // A second index is written too, and its capacity has room for 127 only.
            let narrow =
                json!({ "mappings": { "properties": { "capacity": { "type": "byte" } } } });
            search.begin_rebuild(Some(narrow)).await.unwrap();
            let good = event(Time::now());
            let bad = Event { capacity: 128.try_into().unwrap(), ..event(Time::now()) };
            let records = [record(1, None, Some(&bad)), record(2, None, Some(&good))];
            for _ in 0..2 {
                let failed = handle(clients(&search, &sqs), batch(&records)).await.unwrap();
                assert!(again(&failed).is_empty());
            }
            assert_eq!(letters(&sqs).await, [letter(&bad), letter(&bad)]);
            until(async || found(&search).await.contains_key(&good.id)).await;
        });
    }

    #[test]
    fn an_index_that_does_not_know_a_field_learns_it_and_no_event_is_refused() {
        with_index(|search| async move {
            let sqs = queues(200).await;
            let definition = include_str!("../../../infra/search/events.json");
            let mut before: Value = serde_json::from_str(definition).unwrap();
            let fields = before["mappings"]["properties"].as_object_mut().unwrap();
            fields.remove("artistNickname").unwrap();
            let old = search.begin_rebuild(Some(before)).await.unwrap();
            search.finish_rebuild(old).await.unwrap();
            let event = event(Time::now());
            let records = [record(1, None, Some(&event))];
            let failed = handle(clients(&search, &sqs), batch(&records)).await.unwrap();
            assert!(again(&failed).is_empty() && letters(&sqs).await.is_empty());
            until(async || found(&search).await.contains_key(&event.id)).await;
        });
    }

    #[test]
    fn an_event_whose_letter_is_not_taken_comes_again() {
        with_index(|search| async move {
            let sqs = queues(503).await;
            let mut unreadable = record(1, None, Some(&event(Time::now())));
            unreadable["dynamodb"]["NewImage"]["price"] = json!({ "S": "much" });
            let records = [unreadable, record(2, None, Some(&event(Time::now())))];
            let failed = handle(clients(&search, &sqs), batch(&records)).await.unwrap();
            assert_eq!(again(&failed), ["1"]);
        });
    }

    #[test]
    fn what_opensearch_can_not_take_now_comes_again_and_is_no_dead_letter() {
        stack::run(async {
            let sqs = queues(200).await;
            let opensearch = MockServer::start().await;
            Mock::given(path("/_alias/events-write"))
                .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "events-1": {} })))
                .mount(&opensearch)
                .await;
            let item =
                |status| json!({ "index": { "status": status, "error": { "type": "any" } } });
            let statuses = [429, 503, 403];
            let items: Vec<_> = statuses.map(item).into();
            Mock::given(path("/_bulk"))
                .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "items": items })))
                .mount(&opensearch)
                .await;
            let search = Search::new(&opensearch.uri(), "events").unwrap();
            let records = [1, 2, 3].map(|number| record(number, None, Some(&event(Time::now()))));
            let failed = handle(clients(&search, &sqs), batch(&records)).await.unwrap();
            assert_eq!(again(&failed), ["1", "2", "3"]);
            assert!(letters(&sqs).await.is_empty());
        });
    }

    #[test]
    fn an_index_that_was_lost_is_made_anew() {
        with_index(|search| async move {
            search.delete_all().await.unwrap();
            let event = event(Time::now());
            let records = [record(1, None, Some(&event))];
            index(&search, &records).await;
            let found_again = BTreeMap::from([(event.id, (1, event.title.to_string()))]);
            until(async || found(&search).await == found_again).await;
        });
    }

    #[test]
    fn a_batch_comes_again_while_the_search_is_down() {
        stack::run(async {
            let sqs = queues(200).await;
            let nowhere = Search::new("http://127.0.0.1:1", "events").unwrap();
            let mut unreadable = record(1, None, Some(&event(Time::now())));
            unreadable["dynamodb"]["NewImage"]["price"] = json!({ "S": "much" });
            let records = [unreadable, record(2, None, Some(&event(Time::now())))];
            let failed = handle(clients(&nowhere, &sqs), batch(&records)).await.unwrap();
            assert_eq!(again(&failed), ["2", "1"]);
            assert!(letters(&sqs).await.is_empty(), "it is told once the batch is through");
            assert!(handle(clients(&nowhere, &sqs), batch(&[])).await.is_err(), "who asks is told");
        });
    }
}
