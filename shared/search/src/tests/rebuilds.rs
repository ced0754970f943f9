//! A new index while writes go on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opensearch::http::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{listing, now as moment, with_index};
use crate::index::definition;
use crate::{Document, Error, Listing, Position, Query, Search};

/// Stands for the table: the last version of each event.
type Table = Arc<Mutex<Vec<Listing>>>;

/// Changes events one after the other, in the table and then in the index, until told to stop; then publishes no more.
async fn keep_writing(search: Search, table: Table, stop: Arc<AtomicBool>) -> usize {
    let mut written = 0;
    while !stop.load(Ordering::Relaxed) {
        let changed = {
            let mut table = table.lock().await;
            if written % 5 == 0 {
                table.push(Listing { version: 0, ..listing("새 무대") });
            }
            let place = if written % 5 == 0 { table.len() - 1 } else { written * 7 % table.len() };
            let event = &mut table[place];
            event.version += 1;
            event.title = format!("무대 {written}").parse().unwrap();
            event.clone()
        };
        assert_eq!(search.bulk(&[changed.into()]).await.unwrap(), []);
        written += 1;
    }
    written
}

async fn rebuild(search: &Search, table: &Table) {
    let new = search.begin_rebuild(None).await.unwrap();
    let length = table.lock().await.len();
    // In small pieces, as a table is read, so that writes fall between them.
    for start in (0..length).step_by(20) {
        let page: Vec<Document> = {
            let table = table.lock().await;
            table[start..table.len().min(start + 20)].iter().cloned().map(Document::from).collect()
        };
        assert_eq!(search.bulk_into(&new, &page).await.unwrap(), []);
    }
    search.finish_rebuild(new).await.unwrap();
}

#[test]
fn a_rebuild_while_writes_go_on_loses_nothing() {
    with_index(|search| async move {
        let table = Table::default();
        table.lock().await.extend((0..200).map(|n| listing(&format!("처음 {n}"))));
        let at_first = table.lock().await.clone();
        search.publish(&at_first).await;
        let old = search.indices(search.read_alias()).await.unwrap();

        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..2)
            .map(|_| tokio::spawn(keep_writing(search.clone(), table.clone(), stop.clone())))
            .collect();
        for _ in 0..3 {
            rebuild(&search, &table).await;
        }
        stop.store(true, Ordering::Relaxed);
        let mut written = 0;
        for writer in writers {
            written += writer.await.unwrap();
        }
        search.refresh().await;

        assert!(written > 50, "only {written} writes fell into the rebuilds");
        let now = search.indices(search.read_alias()).await.unwrap();
        assert_ne!(now, old);
        assert_eq!(now, search.indices(&search.write_alias()).await.unwrap());
        let expected: BTreeMap<_, _> =
            table.lock().await.iter().map(|event| (event.id, event.version)).collect();
        let mut found = Vec::new();
        let mut position = Some(Position::first(moment()));
        while let Some(here) = position {
            let page = search.search(&Query::default(), 100, &here).await.unwrap();
            found.extend(page.hits.iter().map(|hit| (hit.listing.id, hit.listing.version)));
            position = page.next;
        }
        assert_eq!(found.len(), expected.len());
        assert_eq!(BTreeMap::from_iter(found), expected);
    });
}

#[test]
fn a_rebuild_can_make_the_index_by_the_definition_of_the_next_release() {
    with_index(|search| async move {
        let mut next = definition().unwrap();
        next["settings"]["analysis"]["analyzer"]["exact"] =
            json!({ "type": "custom", "tokenizer": "keyword" });
        next["mappings"]["properties"]["subtitle"] = json!({ "type": "text", "analyzer": "exact" });
        let new = search.begin_rebuild(Some(next)).await.unwrap();
        search.finish_rebuild(new).await.unwrap();
        let path = format!("/{}/_doc/x", search.write_alias());
        let body = json!({ "id": "x", "deleted": false, "subtitle": "둘째 밤" }).to_string();
        search.call::<Value>(Method::Put, &path, Some(body)).await.unwrap();
        search.ensure().await.unwrap();
    });
}

#[test]
fn an_unfinished_rebuild_changes_nothing_and_the_next_one_clears_it_away() {
    with_index(|search| async move {
        let event = listing("그대로");
        search.publish(std::slice::from_ref(&event)).await;
        let left = search.begin_rebuild(None).await.unwrap();
        assert_eq!(search.titles(&Query::default()).await, ["그대로"]);

        let next = search.begin_rebuild(None).await.unwrap();
        assert_eq!(search.indices(&search.write_alias()).await.unwrap().len(), 2);
        search.bulk_into(&next, &[event.into()]).await.unwrap();
        let failed = search.finish_rebuild(left).await.unwrap_err();
        assert!(matches!(failed, Error::NotReady { status: 404, .. }), "{failed}");
        search.finish_rebuild(next).await.unwrap();
        assert_eq!(search.titles(&Query::default()).await, ["그대로"]);
        assert_eq!(search.indices(&search.write_alias()).await.unwrap().len(), 1);
    });
}
