//! What the index holds after records came twice, late or shuffled, and what it refuses.

use domain::fault::Fault;
use domain::id::EventId;
use opensearch::http::Method;
use serde_json::{Value, json};

use super::{listing, now, query, with_index};
use crate::index::{definition, own_alias};
use crate::{Document, Error, Listing, Position, Query, Search, codes};

/// Eight versions of one event, the last one deleted if asked for.
fn history(deleted: bool) -> Vec<Document> {
    let event = listing("첫 이름");
    let mut history: Vec<Document> = (1..=8)
        .map(|version| {
            Listing {
                version, title: format!("이름 {version}").parse().unwrap(), ..event.clone()
            }
            .into()
        })
        .collect();
    if deleted {
        history.push(Document::Deleted { id: event.id, version: 9 });
    }
    history
}

#[test]
fn late_doubled_and_shuffled_records_end_in_the_last_version() {
    with_index(|search| async move {
        let straight = history(false);
        let mut backwards = history(false);
        backwards.reverse();
        let mut shuffled = history(false);
        shuffled.swap(0, 7);
        shuffled.swap(2, 4);
        shuffled.extend(shuffled.clone());
        for records in [straight, backwards, shuffled] {
            // One by one, as a stream may bring them, then all again in one call.
            for record in &records {
                search.put(std::slice::from_ref(record)).await;
            }
            search.put(&records).await;
        }
        assert_eq!(search.titles(&Query::default()).await, ["이름 8"; 3]);
    });
}

#[test]
fn a_deleted_event_stays_hidden_when_an_older_record_comes_late() {
    with_index(|search| async move {
        let mut records = history(true);
        records.reverse();
        search.put(&records).await;
        search.put(&records[3..]).await;
        assert!(search.titles(&Query::default()).await.is_empty());
        assert!(search.titles(&query("이름")).await.is_empty());
        let page = search.first_page(&query("이름")).await;
        assert!(page.facets.is_empty());
    });
}

#[test]
fn a_field_that_the_definition_does_not_name_is_refused() {
    with_index(|search| async move {
        let path = format!("/{}/_doc/x", search.write_alias());
        let body = json!({ "id": "x", "deleted": false, "colour": "red" }).to_string();
        let refused = search.call::<Value>(Method::Put, &path, Some(body)).await.unwrap_err();
        assert!(
            matches!(&refused, Error::Refused { reason, .. } if reason.contains("strict_dynamic_mapping"))
        );
        assert_eq!(refused.code(), codes::SEARCH_FAILED);
    });
}

#[test]
fn an_index_of_the_definition_before_learns_a_new_field_and_takes_changed_documents_again() {
    with_index(|search| async move {
        let mut before = definition().unwrap();
        let fields = before["mappings"]["properties"].as_object_mut().unwrap();
        fields.remove("artistNickname").unwrap();
        let old = search.begin_rebuild(Some(before)).await.unwrap();
        search.finish_rebuild(old).await.unwrap();
        let changed = Document::from(listing("새 이름"));
        let rejected = search.bulk(std::slice::from_ref(&changed)).await.unwrap();
        assert!(rejected[0].reason.contains("strict_dynamic_mapping"), "{}", rejected[0].reason);

        search.ensure().await.unwrap();
        search.put(&[changed]).await;
        assert_eq!(search.titles(&query("이름없는이")).await, ["새 이름"], "by the new field");
    });
}

#[test]
fn one_bad_document_is_named_and_does_not_keep_the_others_out() {
    with_index(|search| async move {
        // A second index is written too, and its capacity has room for 127 only.
        let narrow = format!("{}-narrow", search.read_alias());
        let body = json!({
            "mappings": { "properties": { "capacity": { "type": "byte" } } },
            "aliases": { search.write_alias(): {}, own_alias(&narrow): {} },
        });
        search
            .call::<Value>(Method::Put, &format!("/{narrow}"), Some(body.to_string()))
            .await
            .unwrap();

        let large = Listing { capacity: 128.try_into().unwrap(), ..listing("너무 큰 무대") };
        let documents = [listing("하나"), large.clone(), listing("둘")].map(Document::from);
        let rejected = search.bulk(&documents).await.unwrap();
        assert_eq!(
            rejected.iter().map(|bad| (bad.position, bad.id)).collect::<Vec<_>>(),
            [(1, large.id)]
        );
        assert!(rejected[0].reason.contains("mapper_parsing_exception"), "{}", rejected[0].reason);
        assert!(!rejected[0].is_retryable());
        search.refresh().await;
        assert_eq!(search.titles(&Query::default()).await.len(), 3);
    });
}

#[test]
fn what_was_written_comes_back_unchanged() {
    with_index(|search| async move {
        let written = listing("그대로");
        search.publish(std::slice::from_ref(&written)).await;
        assert_eq!(search.first_page(&Query::default()).await.hits[0].listing, written);
    });
}

#[test]
fn without_an_index_nothing_is_written_and_search_is_unavailable() {
    stack::run(async {
        let address = std::env::var("OPENSEARCH_URL").unwrap();
        let alias = EventId::generate().to_string().to_lowercase();
        let search = Search::new(&address, &alias).unwrap();
        let document = Document::from(listing("어디에도"));
        let bulk = search.bulk(&[document]).await.unwrap_err();
        let page = search.search(&Query::default(), 1, &Position::first(now())).await.unwrap_err();
        let ping = search.ping().await.unwrap_err();
        for failed in [bulk, page, ping] {
            assert_eq!(failed.code(), codes::SEARCH_UNAVAILABLE, "{failed}");
        }
        assert!(search.indices(&alias).await.unwrap().is_empty());
    });
}

#[test]
fn a_server_that_is_not_there_is_unavailable_and_says_when_to_ask_again() {
    stack::run(async {
        // Port 1 is reserved and nobody listens there.
        let search = Search::new("http://127.0.0.1:1", "events").unwrap();
        let failed = search.ping().await.unwrap_err();
        assert_eq!(failed.code(), codes::SEARCH_UNAVAILABLE);
        assert!(failed.retry_after().is_some());
    });
}

#[test]
fn plain_http_beyond_this_machine_is_refused() {
    stack::run(async {
        for address in ["http://search.example.com", "ftp://127.0.0.1", "not an address"] {
            let refused = Search::new(address, "events").unwrap_err();
            assert!(matches!(refused, Error::Setup(_)), "{address}");
        }
    });
}

#[test]
fn two_may_make_the_index_at_once() {
    with_index(|search| async move {
        search.delete_all().await.unwrap();
        let (one, two) = tokio::join!(search.ensure(), search.ensure());
        one.unwrap();
        two.unwrap();
        assert_eq!(search.indices(&search.write_alias()).await.unwrap().len(), 1);
        search.ping().await.unwrap();
    });
}
