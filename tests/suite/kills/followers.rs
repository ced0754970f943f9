//! A fan-out that dies: each follower is told once all the same.

use domain::{id::MemberId, time::Time};
use gateways::Queue;
use notifications::tell_followers::{self, Published};
use serde_json::{Value, json};
use stack::OwnQueue;
use store::{
    Store, Transaction, Write,
    catalog::event::{Event, EventKey},
    identity::follow::{Follower, FollowerKey},
};
use tests::kills::{Step, every_kill_point};

use super::program::{program, things};
use crate::shop::variable;

/// An event, and those who follow its artist: a page and a few of them in one shard, and some elsewhere.
struct Crowd {
    event: Event,
    followers: Vec<MemberId>,
}

fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

impl Crowd {
    async fn new() -> Self {
        let event = stack::event(50, Time::now());
        let shard = |id: &MemberId| {
            let partition = FollowerKey { artist_id: event.artist_id, member_id: *id };
            store::Key::pair(&partition).0
        };
        let mut followers = vec![MemberId::generate()];
        while followers.len() < 28 {
            let next = MemberId::generate();
            if shard(&next) == shard(&followers[0]) {
                followers.push(next);
            }
        }
        followers.extend((0..5).map(|_| MemberId::generate()));
        let writes = followers.iter().map(|&member_id| {
            let key = FollowerKey { artist_id: event.artist_id, member_id };
            Write::put(&key, &Follower { member_id, since: Time::now() })
        });
        let writes = writes.chain([Write::create(&EventKey(event.id), &event)]);
        store().transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        Self { event, followers }
    }

    /// The shard with more than a page.
    fn shard(&self) -> Value {
        let first = FollowerKey { artist_id: self.event.artist_id, member_id: self.followers[0] };
        let partition = store::Key::pair(&first).0;
        partition.rsplit('#').next().unwrap().parse::<u8>().unwrap().into()
    }

    fn message(&self, next: Option<Value>) -> Value {
        let id = format!("EventPublished:{}:1", self.event.id);
        let mut message = json!({ "detail": { "id": id, "eventId": self.event.id } });
        if let Some(shard) = next {
            message["next"] = json!({ "shard": shard });
        }
        message
    }

    /// What Lambda does next: the message comes again, and so does whatever was sent on.
    async fn recover(&self, own: &OwnQueue) {
        let queue = Queue::new(&stack::aws(&variable("AWS_ENDPOINT_URL")), own.url.clone());
        let work = async |message: Value| {
            let message: Published = serde_json::from_value(message).unwrap();
            tell_followers::handle((store(), queue.clone()), message).await.unwrap();
        };
        work(self.message(None)).await;
        loop {
            let received = own.take().await;
            if received.is_empty() {
                return;
            }
            for message in received {
                work(serde_json::from_str(&message).unwrap()).await;
            }
        }
    }

    async fn assert_told_once(&self) {
        for &follower in &self.followers {
            let page = store().notifications_of(follower, Time::now(), 100, None).await.unwrap();
            let unread = store().unread_of(follower, Time::now()).await.unwrap();
            assert_eq!((page.items.len(), unread), (1, 1), "{follower}");
        }
    }
}

fn survived(event: fn(&Crowd) -> Value, calls: &str) {
    stack::run(async {
        let (things, endpoint) = (things().await, variable("AWS_ENDPOINT_URL"));
        // Of this test's own: what is sent on is for it to receive.
        let own = OwnQueue::new().await;
        let step = Step {
            name: "tell_followers",
            services: &[("aws", &endpoint), ("kakaopay", &endpoint)],
            program: &|outside| {
                let mut program = program("tell_followers", things, outside);
                program.env("FOLLOWERS_QUEUE_URL", &own.url);
                program
            },
            event: &|crowd: &Crowd| {
                let message = json!({ "messageId": "1", "body": event(crowd).to_string() });
                json!({ "Records": [message] })
            },
        };
        let recover = async |crowd: &Crowd| crowd.recover(&own).await;
        let points = every_kill_point(step, Crowd::new, recover, async |crowd, _| {
            crowd.assert_told_once().await;
            crowd.recover(&own).await;
            crowd.assert_told_once().await;
        });
        let points = points.await;
        let mut names: Vec<_> =
            points.iter().map(|it| it.operation.operation.rsplit('.').next().unwrap()).collect();
        names.dedup();
        assert_eq!(names.join(" "), calls);
    });
}

#[test]
fn a_fan_out_that_dies_before_anybody_was_told_tells_each_follower_once() {
    survived(|crowd| crowd.message(None), "GetItem SendMessageBatch");
}

#[test]
fn a_fan_out_that_dies_on_a_page_tells_each_follower_once() {
    let page = |crowd: &Crowd| crowd.message(Some(crowd.shard()));
    survived(page, "GetItem Query TransactWriteItems SendMessageBatch");
}
