//! Worker on the queue of what followers are to be told: fans a new event out over an artist's followers, a page with each message.
//! Telling somebody twice changes nothing.

use api::Worker;
use domain::{event::State, id::EventId, time::Time};
use gateways::{Message, Queue};
use serde::{Deserialize, Serialize};
use store::{
    Start, Store, StoreFault,
    catalog::event::{Event, EventKey},
    identity::follow::SHARDS,
    inbox::notification::{self, Notification},
};

use crate::{
    Failure,
    fan_out::{FanOut, PAGE},
};

/// A publication, as EventBridge brings it, and how far the followers were told.
pub type Published = FanOut<Detail>;

/// What the bus says of a new event. All else the table knows better.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Detail {
    /// The same, however often it is published.
    id: String,
    event_id: EventId,
}

impl Message for Published {
    const QUEUE: &'static str = "FOLLOWERS_QUEUE_URL";
}

/// Tells a page of followers, and sends the rest on. Of an event that nobody can come to any more, nobody is told.
///
/// # Errors
/// When somebody could not be told, or the rest not be sent: the message comes again.
pub async fn handle(
    (store, queue): (Store, Queue<Published>),
    published: Published,
) -> Result<(), Failure> {
    let event = store.get(&EventKey(published.detail.event_id)).await?;
    let Some(event) = event.filter(|event| is_to_come(event, Time::now())) else { return Ok(()) };
    let tell = |detail, shard, start| tell(&store, detail, event, shard, start);
    published.go_on(&queue, SHARDS, tell).await
}

/// Tells one page, and answers where the next one starts.
async fn tell(
    store: &Store,
    detail: Detail,
    event: Event,
    shard: u8,
    start: Option<Start>,
) -> Result<Option<Start>, StoreFault> {
    let followers = store.followers_of(event.artist_id, shard, PAGE, start).await?;
    let it = notification::Event { id: event.id, title: event.title };
    let notification = Notification::new_event(&detail.id, event.created_at, it, event.artist_id);
    let members: Vec<_> = followers.items.iter().map(|follower| follower.member_id).collect();
    store.notify(&members, &notification).await?;
    Ok(followers.next)
}

fn is_to_come(event: &Event, now: Time) -> bool {
    event.state == State::Open && event.deleted_at.is_none() && event.schedule.not_over(now).is_ok()
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        time::{Duration, Instant},
    };

    use domain::id::MemberId;
    use futures::future::join_all;
    use serde_json::json;
    use stack::OwnQueue;
    use store::{
        Transaction, Write,
        identity::follow::{Follower, FollowerKey},
    };

    use super::*;
    use crate::fan_out::Next;

    fn store() -> Store {
        Store::new(stack::dynamo(), stack::prefix())
    }

    /// A queue of a test's own.
    struct Own {
        sqs: OwnQueue,
        queue: Queue<Published>,
    }

    impl Own {
        async fn new() -> Self {
            let aws = stack::aws(&std::env::var("AWS_ENDPOINT_URL").unwrap());
            let sqs = OwnQueue::new().await;
            Self { queue: Queue::new(&aws, sqs.url.clone()), sqs }
        }

        /// Brings an event as EventBridge does and works until nothing is left, on each message so many times. Answers how many
        /// messages there were.
        async fn brings(&self, store: &Store, event: &Event, times: usize) -> usize {
            let work = async |message: &Published| {
                for _ in 0..times {
                    let clients = (store.clone(), self.queue.clone());
                    handle(clients, message.clone()).await.unwrap();
                }
            };
            work(&from_bus(event)).await;
            let mut messages = 1;
            loop {
                let received = self.sqs.take().await;
                if received.is_empty() {
                    return messages;
                }
                messages += received.len();
                for message in received {
                    work(&serde_json::from_str(&message).unwrap()).await;
                }
            }
        }
    }

    /// What EventBridge sends to a queue.
    fn from_bus(event: &Event) -> Published {
        let envelope = json!({
            "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "EventPublished",
            "source": "spotlight.catalog", "account": "123456789012", "time": "2026-11-29T13:00:00Z",
            "region": "ap-northeast-2", "resources": [],
            "detail": {
                "id": format!("EventPublished:{}:1", event.id), "eventId": event.id, "version": 1,
                "artistId": event.artist_id, "title": event.title,
            },
        });
        serde_json::from_value(envelope).unwrap()
    }

    /// An event whose artist has so many followers.
    async fn followed(store: &Store, many: usize, event: Event) -> (Event, Vec<MemberId>) {
        let members: Vec<_> = (0..many).map(|_| MemberId::generate()).collect();
        for some in members.chunks(100) {
            let puts = some.iter().map(|&member_id| {
                let follower = Follower { member_id, since: Time::now() };
                let key = FollowerKey { artist_id: event.artist_id, member_id };
                Write::put(&key, &follower)
            });
            let all = puts.fold(Transaction::<()>::new(), Transaction::also);
            store.transact(all).await.unwrap();
        }
        store.write(Write::create(&EventKey(event.id), &event), ()).await.unwrap();
        (event, members)
    }

    /// How many notifications each member has, and how many not read, by the tables with this prefix.
    async fn told(prefix: &str) -> BTreeMap<String, (u64, u64)> {
        let mut told: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for item in stack::items(&format!("{prefix}-inbox")).await {
            let member = told.entry(item["pk"].as_str().unwrap().to_owned()).or_default();
            match item["count"].as_u64() {
                None => member.0 += 1,
                Some(unread) => member.1 += unread,
            }
        }
        told
    }

    /// Each of these, told once.
    fn once(members: &[MemberId]) -> BTreeMap<String, (u64, u64)> {
        members.iter().map(|member| (format!("MEM#{member}"), (1, 1))).collect()
    }

    #[test]
    fn ten_thousand_followers_are_told_of_an_event_once_each() {
        stack::run(async {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            let (event, members) = followed(&store, 10_000, stack::event(50, Time::now())).await;
            let (own, began) = (Own::new().await, Instant::now());
            let messages = own.brings(&store, &event, 1).await;
            println!("10,000 followers with {messages} messages in {:?}", began.elapsed());
            assert_eq!(told(&prefix).await, once(&members));
        });
    }

    #[test]
    fn messages_that_come_twice_tell_nobody_twice() {
        stack::run(async {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            let (event, members) = followed(&store, 300, stack::event(50, Time::now())).await;
            let own = Own::new().await;
            own.brings(&store, &event, 2).await;
            own.brings(&store, &event, 1).await;
            assert_eq!(told(&prefix).await, once(&members));
        });
    }

    /// Two workers with one page at the same moment, by a client of their own, and whom they told.
    async fn race(
        client: impl Fn() -> store::Client,
    ) -> (Vec<MemberId>, BTreeMap<String, (u64, u64)>) {
        let prefix = stack::own_tables().await;
        let store = Store::new(stack::dynamo(), &prefix);
        let (event, members) = followed(&store, 20, stack::event(50, Time::now())).await;
        let own = Own::new().await;
        let pages = (0..SHARDS).flat_map(|shard| {
            let next = Some(Next { shard, start: None });
            [(); 2].map(|()| Published { next: next.clone(), ..from_bus(&event) })
        });
        let working =
            pages.map(|page| handle((Store::new(client(), &prefix), own.queue.clone()), page));
        assert!(join_all(working).await.iter().all(Result::is_ok));
        (members, told(&prefix).await)
    }

    #[test]
    fn two_workers_with_one_page_tell_it_once() {
        stack::run(async {
            let (members, told) = race(stack::dynamo).await;
            assert_eq!(told, once(&members));
        });
    }

    #[test]
    fn without_the_notifications_condition_they_count_it_twice() {
        stack::run(async {
            let (members, told) = race(|| stack::without("pk")).await;
            assert_eq!(told.len(), members.len());
            assert!(told.values().any(|(_, unread)| *unread == 2), "{told:?}");
        });
    }

    #[test]
    fn a_lost_answer_tells_nobody_twice() {
        stack::run(async {
            let (members, told) = race(|| stack::losing("TransactWriteItems", 1)).await;
            assert_eq!(told, once(&members));
        });
    }

    #[test]
    fn of_what_nobody_can_come_to_nobody_is_told() {
        stack::run(async {
            let prefix = stack::own_tables().await;
            let (store, own, now) =
                (Store::new(stack::dynamo(), &prefix), Own::new().await, Time::now());
            let long_ago = now.minus(Duration::from_hours(24 * 40));
            for event in [
                Event { state: State::Cancelled, ..stack::event(50, now) },
                Event { state: State::Unknown, ..stack::event(50, now) },
                Event { deleted_at: Some(now), ..stack::event(50, now) },
                stack::event(50, long_ago),
            ] {
                let (event, _) = followed(&store, 5, event).await;
                assert_eq!(own.brings(&store, &event, 1).await, 1, "nothing is sent on");
            }
            assert_eq!(own.brings(&store, &stack::event(50, now), 1).await, 1, "there is none");
            assert!(told(&prefix).await.is_empty());
        });
    }

    #[test]
    fn a_page_that_fails_comes_again_and_sends_nothing_on() {
        stack::run(async {
            let prefix = stack::own_tables().await;
            let store = Store::new(stack::dynamo(), &prefix);
            let (event, _) = followed(&store, 400, stack::event(50, Time::now())).await;
            let inbox = format!("{prefix}-inbox");
            stack::dynamo().delete_table().table_name(inbox).send().await.unwrap();
            let own = Own::new().await;
            let next = Some(Next { shard: 0, start: None });
            let page = Published { next, ..from_bus(&event) };
            handle((store, own.queue.clone()), page).await.unwrap_err();
            assert!(own.sqs.take().await.is_empty());
        });
    }

    #[test]
    fn what_is_sent_on_is_a_page_of_followers() {
        let event = stack::event(50, Time::now());
        let next = Some(Next { shard: 3, start: None });
        let sent = serde_json::to_value(Published { next, ..from_bus(&event) }).unwrap();
        let detail = json!({ "id": format!("EventPublished:{}:1", event.id), "eventId": event.id });
        assert_eq!(sent, json!({ "detail": detail, "next": { "shard": 3 } }));
    }

    #[test]
    fn it_calls_and_costs_what_the_data_model_says() {
        stack::run(async {
            let (event, _) = followed(&store(), 1, stack::event(50, Time::now())).await;
            let own = Own::new().await;
            let (client, meter) = stack::metered();
            let metered = Store::new(client, stack::prefix());
            handle((metered.clone(), own.queue.clone()), from_bus(&event)).await.unwrap();
            stack::assert_operation("tell_followers, the first message", &meter.take());
            let mut costs = BTreeSet::new();
            for again in ["", " again"] {
                for shard in 0..SHARDS {
                    let next = Some(Next { shard, start: None });
                    let page = Published { next, ..from_bus(&event) };
                    handle((metered.clone(), own.queue.clone()), page).await.unwrap();
                    let calls = meter.take();
                    // One of the shards has the follower.
                    let operation = match calls.len() {
                        2 => "tell_followers, nobody".to_owned(),
                        _ => format!("tell_followers, one of them{again}"),
                    };
                    stack::assert_operation(&operation, &calls);
                    costs.insert(operation);
                }
            }
            assert_eq!(costs.len(), 3);
        });
    }
}
