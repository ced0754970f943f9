//! Worker on the catalog's stream: keeps the search equal to the table.

use api::{Batch, Worker};
use aws_lambda_events::event::dynamodb;
use search::{Document, Listing, Search};
use store::catalog::event::Event;

use crate::changes::{Change, changes};

/// Brings the events of a batch into the index. Records come at least once, late and shuffled: the document with the higher
/// version stays, so none of that matters.
///
/// # Errors
/// When OpenSearch took nothing: then the whole batch comes again.
pub async fn handle(search: Search, batch: dynamodb::Event) -> Result<Batch, search::Error> {
    let mut failed = Batch::default();
    let (mut records, mut documents) = (Vec::new(), Vec::new());
    for (record, change) in changes(batch) {
        match change {
            Ok(change) => {
                if let Some(document) = document_after(change) {
                    documents.push(document);
                    records.push(record);
                }
            }
            Err(error) => failed.failed(&record, error),
        }
    }
    let rejected = match search.bulk(&documents).await {
        // The index was lost while this process lived.
        Err(search::Error::NotReady { status: 404, .. }) => {
            search.ensure().await?;
            search.bulk(&documents).await?
        }
        answered => answered?,
    };
    for rejected in rejected {
        if let Some(record) = records.get(rejected.position) {
            failed.failed(record, rejected.reason);
        }
    }
    Ok(failed)
}

fn document_after(change: Change) -> Option<Document> {
    match change {
        Change { after: Some(event), .. } => Some(document(event)),
        // An item that is removed was one version before its end.
        Change { before: Some(Event { id, version, .. }), after: None } => {
            Some(Document::Deleted { id, version: version + 1 })
        }
        Change { before: None, after: None } => None,
    }
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
    use store::{Store, Write, catalog::event::EventKey};

    use super::*;
    use crate::samples::{again, batch, event, found, record, store, until, with_index};

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
                assert!(again(&handle(search.clone(), batch(some)).await.unwrap()).is_empty());
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
    fn what_is_no_event_is_passed_over_and_an_unreadable_one_comes_again() {
        with_index(|search| async move {
            let good = event(Time::now());
            let mut review = record(1, None, Some(&event(Time::now())));
            review["dynamodb"]["Keys"]["sk"]["S"] = "REVIEW".into();
            let mut unreadable = record(2, None, Some(&event(Time::now())));
            unreadable["dynamodb"]["NewImage"]["price"] = json!({ "S": "much" });
            let records = [review, unreadable, record(3, None, Some(&good))];
            let failed = handle(search.clone(), batch(&records)).await.unwrap();
            assert_eq!(again(&failed), ["2"]);
            let good = BTreeMap::from([(good.id, (1, good.title.to_string()))]);
            until(async || found(&search).await == good).await;
        });
    }

    #[test]
    fn an_index_that_was_lost_is_made_anew() {
        with_index(|search| async move {
            search.delete_all().await.unwrap();
            let event = event(Time::now());
            let records = [record(1, None, Some(&event))];
            assert!(again(&handle(search.clone(), batch(&records)).await.unwrap()).is_empty());
            let found_again = BTreeMap::from([(event.id, (1, event.title.to_string()))]);
            until(async || found(&search).await == found_again).await;
        });
    }

    #[test]
    fn a_batch_comes_again_while_the_search_is_down() {
        stack::run(async {
            let nowhere = Search::new("http://127.0.0.1:1", "events").await.unwrap();
            let records = [record(1, None, Some(&event(Time::now())))];
            assert!(handle(nowhere, batch(&records)).await.is_err());
        });
    }
}
