//! Worker that an operator starts: makes the search anew from the table, while people search and artists publish.
//!
//! Until it is done, the search answers from the old index, and `index_catalog` writes to both. Whatever ends it before, an
//! error or Lambda's 15 minutes, the old index goes on serving; what was made of the new one is written too, for nothing,
//! until the next run begins by clearing it away. So a failed run is run again. A development build on two cores beside the local
//! cloud takes 4 s for 4,000 events, so the 15 minutes are enough for hundreds of thousands; millions need a longer-lived program.

use std::error::Error;

use api::Worker;
use search::{Document, Search};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Store;

use crate::index_catalog::document;

/// How the index is to be made.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rebuild {
    /// By this definition, where it is not our own but that of a release that is to come.
    definition: Option<Value>,
}

/// What the new index was made of.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// How many events the table has, deleted ones included.
    events: usize,
    /// How many of them are there to be found.
    indexed: usize,
}

/// Fills a new index with every event of the table, a page at a time, and lets the search answer from it. A deleted event is
/// filled in as such, so that a late record of it can't bring it back.
///
/// # Errors
/// When the database or OpenSearch does not answer, or an event can't be indexed: the old index stays. An event that can't be read
/// is told, and missing in the new one.
pub async fn handle(
    (store, search): (Store, Search),
    Rebuild { definition }: Rebuild,
) -> Result<Rebuilt, Box<dyn Error + Send + Sync>> {
    // First, so that what is written while the table is read comes into the new index by its own record.
    let new = search.begin_rebuild(definition).await?;
    let mut rebuilt = Rebuilt::default();
    let mut after = None;
    loop {
        let page = store.every_event(after).await?;
        let documents: Vec<_> = page.items.into_iter().map(document).collect();
        if let Some(rejected) = search.bulk_into(&new, &documents).await?.first() {
            return Err(format!("{} is not indexed: {}", rejected.id, rejected.reason).into());
        }
        let listed = documents.iter().filter(|it| matches!(it, Document::Listed(_)));
        rebuilt.indexed += listed.count();
        rebuilt.events += documents.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    search.finish_rebuild(new).await?;
    Ok(rebuilt)
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        sync::atomic::{AtomicBool, Ordering},
    };

    use domain::{id::EventId, time::Time};
    use futures::future::join;
    use store::{
        Write,
        catalog::event::{Event, EventKey},
    };

    use super::*;
    use crate::samples::{event, found, index, record, store, until, with_index};

    /// Events of one test, as the table has them, and what its stream has still to tell of them.
    struct Written {
        store: Store,
        events: Vec<Event>,
        records: Vec<Value>,
    }

    impl Written {
        async fn new(events: usize) -> Self {
            let mut written = Self { store: store(), events: Vec::new(), records: Vec::new() };
            for _ in 0..events {
                written.publish().await;
            }
            written
        }

        async fn publish(&mut self) {
            self.events.push(event(Time::now()));
            self.put(self.events.len() - 1, None).await;
        }

        /// Changes an event's title, or deletes it.
        async fn change(&mut self, place: usize, delete: bool) {
            let before = self.events[place].clone();
            let event = &mut self.events[place];
            event.version += 1;
            event.title = format!("{}번 고친 공연", event.version).parse().unwrap();
            event.deleted_at = delete.then(Time::now);
            self.put(place, Some(before)).await;
        }

        /// Writes an event as it is now; its stream tells of it twice.
        async fn put(&mut self, place: usize, before: Option<Event>) {
            let event = &self.events[place];
            self.store.write(Write::put(&EventKey(event.id), event), ()).await.unwrap();
            for _ in 0..2 {
                self.records.push(record(self.records.len(), before.as_ref(), Some(event)));
            }
        }

        /// Brings some records, whichever, to the worker that keeps the index, and leaves others for later.
        async fn deliver(&mut self, search: &Search, leaving: usize) {
            fastrand::shuffle(&mut self.records);
            let some = self.records.split_off(leaving.min(self.records.len()));
            for some in some.chunks(50) {
                index(search, some).await;
            }
        }

        fn listed(&self) -> BTreeMap<EventId, (u64, String)> {
            let listed = self.events.iter().filter(|event| event.deleted_at.is_none());
            listed.map(|event| (event.id, (event.version, event.title.to_string()))).collect()
        }

        /// What the search finds of these events: the other tests of this process have theirs in the same table.
        async fn found(&self, search: &Search) -> BTreeMap<EventId, (u64, String)> {
            let mut found = found(search).await;
            found.retain(|id, _| self.events.iter().any(|event| event.id == *id));
            found
        }
    }

    async fn rebuild(store: Store, search: &Search) -> Rebuilt {
        handle((store, search.clone()), Rebuild::default()).await.unwrap()
    }

    /// Publishes, changes and deletes until told to stop, and answers how often.
    async fn keep_writing(written: &mut Written, search: &Search, stop: &AtomicBool) -> usize {
        let mut turns = 0;
        while !stop.load(Ordering::Relaxed) {
            let place = fastrand::usize(..written.events.len());
            match turns % 4 {
                0 => written.publish().await,
                _ if written.events[place].deleted_at.is_some() => written.publish().await,
                kind => written.change(place, kind == 1).await,
            }
            // Some records come at once, and some after many others.
            written.deliver(search, fastrand::usize(..10)).await;
            turns += 1;
        }
        turns
    }

    #[test]
    fn a_rebuild_while_events_are_written_ends_equal_to_the_table() {
        with_index(|search| async move {
            // More than a page of a rebuild holds.
            let mut written = Written::new(250).await;
            let (mut rebuilds, mut turns) = (0, 0);
            while rebuilds < 5 || turns < 50 {
                let stop = AtomicBool::new(false);
                let rebuilding = async {
                    let rebuilt = rebuild(store(), &search).await;
                    stop.store(true, Ordering::Relaxed);
                    rebuilt
                };
                let writing = keep_writing(&mut written, &search, &stop);
                let (rebuilt, written_meanwhile) = join(rebuilding, writing).await;
                assert!(rebuilt.events >= 250 && rebuilt.indexed <= rebuilt.events, "{rebuilt:?}");
                (rebuilds, turns) = (rebuilds + 1, turns + written_meanwhile);
                written.deliver(&search, 0).await;
                until(async || written.found(&search).await == written.listed()).await;
            }
            assert!(written.listed().len() < written.events.len(), "some were deleted");
        });
    }

    #[test]
    fn a_rebuild_alone_finds_what_no_record_has_told() {
        with_index(|search| async move {
            let mut written = Written::new(5).await;
            written.change(1, false).await;
            written.change(2, true).await;
            search.delete_all().await.unwrap();
            let rebuilt = rebuild(store(), &search).await;
            assert!(rebuilt.events >= 5 && rebuilt.indexed < rebuilt.events, "{rebuilt:?}");
            assert_eq!(written.found(&search).await, written.listed());
        });
    }

    #[test]
    fn a_rebuild_goes_on_without_an_event_that_can_not_be_read() {
        with_index(|search| async move {
            let mut written = Written::new(5).await;
            let unreadable = EventKey(written.events[1].id);
            let write = Write::update(&unreadable).set("price", "much");
            written.store.write(write, ()).await.unwrap();
            rebuild(store(), &search).await;
            written.events.remove(1);
            assert_eq!(written.found(&search).await, written.listed());
            written.store.write(Write::delete(&unreadable), ()).await.unwrap();
        });
    }

    #[test]
    fn a_deleted_event_stays_hidden_from_its_late_records() {
        with_index(|search| async move {
            let mut written = Written::new(2).await;
            let late = std::mem::take(&mut written.records);
            written.change(0, true).await;
            written.deliver(&search, 0).await;
            rebuild(store(), &search).await;
            index(&search, &late).await;
            // What is written later is found later: so the late records have been seen by then.
            written.publish().await;
            written.deliver(&search, 0).await;
            until(async || written.found(&search).await == written.listed()).await;
            assert_eq!(written.listed().len(), 2);
        });
    }

    #[test]
    fn a_rebuild_that_fails_leaves_the_old_index_and_the_next_one_succeeds() {
        with_index(|search| async move {
            let mut written = Written::new(3).await;
            written.deliver(&search, 0).await;
            until(async || written.found(&search).await == written.listed()).await;

            let no_tables = Store::new(stack::dynamo(), "nowhere");
            let clients = (no_tables, search.clone());
            assert!(handle(clients, Rebuild::default()).await.is_err());
            assert_eq!(written.found(&search).await, written.listed());
            written.change(0, false).await;
            written.deliver(&search, 0).await;
            until(async || written.found(&search).await == written.listed()).await;

            rebuild(store(), &search).await;
            assert_eq!(written.found(&search).await, written.listed());
        });
    }
}
