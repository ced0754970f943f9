//! Worker on the catalog's stream: publishes what happened to events, for the other parts.

use std::convert::Infallible;

use api::{Batch, Worker, give_up, pass_over};
use aws_lambda_events::event::dynamodb;
use domain::{
    event::{Place, State, Title},
    id::{EventId, MemberId},
    time::Time,
};
use gateways::{Bus, DomainEvent};
use serde::Serialize;
use store::{Change, Unreadable, catalog::event::Event, changes};

/// What a domain event says of an event. Whoever needs more reads the table: what is said here stays in the journal, so it names
/// nobody but by an id.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    /// The same for the same change, however often it is published: consumers remember it.
    id: String,
    event_id: EventId,
    version: u64,
    artist_id: MemberId,
    title: Title,
    place: Place,
    starts_at: Time,
    ends_at: Time,
    terms_version: u32,
    updated_at: Time,
}

/// Relays a batch, at least once. What could not be relayed comes again, with everything after it.
///
/// # Errors
/// None: every failure is its record's.
pub async fn handle(bus: Bus, batch: dynamodb::Event) -> Result<Batch, Infallible> {
    let mut failed = Batch::default();
    let (mut records, mut events) = (Vec::new(), Vec::new());
    let given_up = |unreadable: &Unreadable| give_up(&unreadable.record, unreadable);
    let readable = changes::<Event>(batch).filter_map(|change| change.inspect_err(given_up).ok());
    for Change { record, before, after } in readable {
        if let Some(Event { state: State::Unknown, deleted_at: None, .. }) = &after {
            pass_over(&record, "the event is in a state that only a newer program knows");
            continue;
        }
        let Some((name, event)) = happened(before, after) else { continue };
        match DomainEvent::new("spotlight.catalog", name, &Detail::of(name, event)) {
            Ok(event) => {
                records.push(record);
                events.push(event);
            }
            Err(error) => failed.failed(&record, error),
        }
    }
    failed.note(records, bus.publish(&events).await);
    Ok(failed)
}

/// What a change is called, with the event as it is since, or was last.
fn happened(before: Option<Event>, after: Option<Event>) -> Option<(&'static str, Event)> {
    match (before, after) {
        (None, after) => Some(("EventPublished", after?)),
        (Some(mut gone), None) => {
            // An item that was marked as deleted before is only cleaned up.
            let published = gone.deleted_at.is_some();
            gone.version += 1;
            (!published).then_some(("EventDeleted", gone))
        }
        // Written again, but not changed.
        (Some(before), Some(after)) if before.version == after.version => None,
        // Its artist is gone: nothing happened to the event.
        (Some(before), Some(after)) if after == before.without_artist(after.updated_at) => None,
        (Some(before), Some(after)) => {
            let name = if before.deleted_at.is_none() && after.deleted_at.is_some() {
                "EventDeleted"
            } else if before.state != State::Cancelled && after.state == State::Cancelled {
                "EventCancelled"
            } else if after.is_moved_from(&before) {
                "EventMoved"
            } else {
                "EventChanged"
            };
            Some((name, after))
        }
    }
}

impl Detail {
    fn of(name: &str, event: Event) -> Self {
        Self {
            id: format!("{name}:{}:{}", event.id, event.version),
            event_id: event.id,
            version: event.version,
            artist_id: event.artist_id,
            title: event.title,
            place: event.place,
            starts_at: event.schedule.starts_at(),
            ends_at: event.schedule.ends_at(),
            terms_version: event.terms_version,
            updated_at: event.updated_at,
        }
    }
}

/// The worker.
pub fn worker() -> Worker {
    Worker::new(handle)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};
    use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::header};

    use super::*;
    use crate::samples::{again, batch, event, record};

    fn bus(server: &MockServer) -> Bus {
        Bus::new(&stack::aws(&server.uri()), "test".into())
    }

    /// An event bus that does not take what has this title.
    async fn server(refused: &'static str) -> MockServer {
        let answer = move |request: &Request| {
            let entries =
                request.body_json::<Value>().unwrap()["Entries"].as_array().unwrap().clone();
            let refused = |entry: &Value| entry["Detail"].as_str().unwrap().contains(refused);
            let entry = |entry| match refused(entry) {
                true => json!({ "ErrorCode": "InternalFailure", "ErrorMessage": "no" }),
                false => json!({ "EventId": "1" }),
            };
            let failed = entries.iter().filter(|entry| refused(entry)).count();
            let entries: Vec<_> = entries.iter().map(entry).collect();
            ResponseTemplate::new(200)
                .set_body_json(json!({ "FailedEntryCount": failed, "Entries": entries }))
        };
        let server = MockServer::start().await;
        let put = Mock::given(header("X-Amz-Target", "AWSEvents.PutEvents"));
        put.respond_with(answer).mount(&server).await;
        server
    }

    /// The calls that arrived, each with its entries.
    async fn published(server: &MockServer) -> Vec<Vec<Value>> {
        let calls = server.received_requests().await.unwrap().into_iter();
        let entries = |request: Request| {
            request.body_json::<Value>().unwrap()["Entries"].as_array().unwrap().clone()
        };
        calls.map(entries).collect()
    }

    #[test]
    fn what_happened_has_a_name_and_an_id_that_stays_when_it_is_published_twice() {
        stack::run(async {
            let server = server("nothing").await;
            let now = Time::now();
            let first = event(now);
            let changed = Event { version: 2, price: 0.try_into().unwrap(), ..first.clone() };
            let moved =
                Event { version: 3, place: "다른 곳".parse().unwrap(), ..changed.clone() };
            let cancelled = Event { version: 3, state: State::Cancelled, ..changed.clone() };
            let deleted = Event { version: 4, deleted_at: Some(now), ..cancelled.clone() };
            let unmarked = event(now);
            let records = [
                record(1, None, Some(&first)),
                record(2, Some(&first), Some(&changed)),
                record(3, Some(&changed), Some(&changed)),
                record(4, Some(&changed), Some(&cancelled)),
                record(5, Some(&cancelled), Some(&deleted)),
                record(6, Some(&deleted), None),
                record(7, Some(&unmarked), None),
                record(8, Some(&first), Some(&first.without_artist(Time::now()))),
                record(9, Some(&changed), Some(&moved)),
            ];
            for _ in 0..2 {
                assert!(again(&handle(bus(&server), batch(&records)).await.unwrap()).is_empty());
            }
            let calls = published(&server).await;
            assert_eq!(calls[0], calls[1], "published twice, published the same");
            let names: Vec<_> =
                calls[0].iter().map(|entry| entry["DetailType"].as_str().unwrap()).collect();
            assert_eq!(
                names,
                [
                    "EventPublished",
                    "EventChanged",
                    "EventCancelled",
                    "EventDeleted",
                    "EventDeleted",
                    "EventMoved"
                ]
            );
            let entry = &calls[0][0];
            assert_eq!(
                (&entry["Source"], &entry["EventBusName"]),
                (&json!("spotlight.catalog"), &json!("test"))
            );
            let detail: Value = serde_json::from_str(entry["Detail"].as_str().unwrap()).unwrap();
            assert_eq!(detail["id"], format!("EventPublished:{}:1", first.id));
            assert!(!detail.to_string().contains("별빛"), "the journal keeps no names");
        });
    }

    #[test]
    fn all_go_out_ten_at_a_time_and_what_was_not_taken_comes_again() {
        stack::run(async {
            let server = server("조용한").await;
            let records: Vec<_> = (0..25)
                .map(|number| {
                    let mut event = event(Time::now());
                    if number == 7 || number == 21 {
                        event.title = "조용한 밤".parse().unwrap();
                    }
                    record(number, None, Some(&event))
                })
                .collect();
            let failed = handle(bus(&server), batch(&records)).await.unwrap();
            assert_eq!(again(&failed), ["7", "21"]);
            let calls = published(&server).await;
            assert_eq!(calls.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 5]);
            let ids: BTreeSet<_> =
                calls.iter().flatten().map(|entry| entry["Detail"].to_string()).collect();
            assert_eq!(ids.len(), 25);
        });
    }

    #[test]
    fn what_can_not_be_read_or_named_is_passed_over_and_its_neighbours_are_published_once() {
        stack::run(async {
            let server = server("nothing").await;
            let good = event(Time::now());
            let mut review = record(1, None, Some(&good));
            review["dynamodb"]["Keys"]["sk"]["S"] = "REVIEW".into();
            let mut unreadable = record(2, None, Some(&good));
            unreadable["dynamodb"]["NewImage"]["price"] = json!({ "S": "much" });
            let mut hidden = record(3, None, Some(&good));
            hidden["dynamodb"]["NewImage"]["state"]["S"] = "HIDDEN".into();
            let records = [review, unreadable, hidden, record(4, None, Some(&good))];
            let failed = handle(bus(&server), batch(&records)).await.unwrap();
            assert!(again(&failed).is_empty(), "it would be the same the next time");
            assert_eq!(published(&server).await.concat().len(), 1);
        });
    }

    #[test]
    fn what_becomes_of_an_event_that_a_newer_program_knows_better_is_published_as_far_as_it_is_known()
     {
        stack::run(async {
            let server = server("nothing").await;
            let new = event(Time::now());
            let mut opera = record(1, None, Some(&new));
            opera["dynamodb"]["NewImage"]["category"]["S"] = "OPERA".into();
            let cancelled = Event { version: 2, state: State::Cancelled, ..new.clone() };
            let mut cancelled = record(2, Some(&new), Some(&cancelled));
            cancelled["dynamodb"]["OldImage"]["state"]["S"] = "POSTPONED".into();
            let deleted = Event { version: 2, deleted_at: Some(Time::now()), ..new.clone() };
            let mut deleted = record(3, Some(&new), Some(&deleted));
            deleted["dynamodb"]["OldImage"]["state"]["S"] = "POSTPONED".into();
            deleted["dynamodb"]["NewImage"]["state"]["S"] = "POSTPONED".into();
            let failed = handle(bus(&server), batch(&[opera, cancelled, deleted])).await.unwrap();
            assert!(again(&failed).is_empty());
            let entries = published(&server).await.concat();
            let names: Vec<_> = entries.iter().map(|entry| &entry["DetailType"]).collect();
            assert_eq!(names, ["EventPublished", "EventCancelled", "EventDeleted"]);
        });
    }
}
