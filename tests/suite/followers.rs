//! What followers hear, through the deployed stack: each new event once, by the table's stream, the bus, its rule and the queue.

use domain::{id::MemberId, time::Time};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store::Store;

use crate::{
    shop::variable,
    world::{Member, World, aws, eventually},
};

/// The stream, the bus, the queue and nine messages or more lie between an event and its followers.
const PATIENCE: u64 = 90;

fn store() -> Store {
    Store::new(stack::dynamo(), &variable("STAGE"))
}

impl World {
    async fn follows(&self, method: Method, by: &Member) {
        let path = format!("/v1/artists/{}/follow", self.artist.id);
        let answer = self.request(method, &path).bearer_auth(&by.token).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }

    async fn artist_page(&self) -> Value {
        self.done(self.request(Method::GET, &format!("/v1/artists/{}", self.artist.id))).await
    }
}

/// Which of these events each member was told of, and how much they have not read.
async fn told(members: &[MemberId]) -> Vec<(Vec<String>, u64)> {
    let (store, now) = (store(), Time::now());
    let inbox = async |&member: &MemberId| {
        let page = store.notifications_of(member, now, 100, None).await.unwrap();
        let events = page.items.iter().map(|(it, _)| it.event.as_ref().unwrap().id.to_string());
        (events.collect(), store.unread_of(member, now).await.unwrap())
    };
    let mut all = Vec::new();
    for some in members.chunks(50) {
        all.extend(join_all(some.iter().map(inbox)).await);
    }
    all
}

async fn address(queue: &str) -> Value {
    let name = format!("{}-{queue}", variable("STAGE"));
    aws("AmazonSQS.GetQueueUrl", json!({ "QueueName": name })).await["QueueUrl"].take()
}

/// Sends a message to a queue, as EventBridge or the worker before would.
pub async fn send(queue: &str, message: &Value) {
    let url = address(queue).await;
    let message = json!({ "QueueUrl": url, "MessageBody": message.to_string() });
    aws("AmazonSQS.SendMessage", message).await;
}

/// Waits until a queue has nothing that waits or is worked on.
pub async fn emptied(queue: &str) {
    let asked = json!({ "QueueUrl": address(queue).await, "AttributeNames": ["All"] });
    eventually("the queue is empty", PATIENCE, async || {
        let queue = aws("AmazonSQS.GetQueueAttributes", asked.clone()).await;
        let waits = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"];
        waits.iter().all(|it| queue["Attributes"][it] == "0").then_some(())
    })
    .await;
}

#[test]
fn who_follows_an_artist_hears_of_each_new_event_until_they_leave() {
    stack::run(async {
        let world = World::new().await;
        let (fan, artist) = (&world.fan, &world.artist);
        // A double click, and one who left again.
        for (method, by) in [
            (Method::PUT, fan),
            (Method::PUT, fan),
            (Method::PUT, &world.stranger),
            (Method::DELETE, &world.stranger),
            (Method::DELETE, &world.stranger),
        ] {
            world.follows(method, by).await;
        }
        let following = world.get("/v1/me/following", fan).await["items"].clone();
        assert_eq!(following[0]["id"], json!(artist.id), "{following}");
        assert_eq!(following.as_array().unwrap().len(), 1);
        assert_eq!(world.get("/v1/me/following", &world.stranger).await["items"], json!([]));

        let event = world.publish(world.event_body()).await;
        // What was published a moment before they followed may reach them, too.
        let of_it = |inbox: &Value| {
            let items = inbox["items"].as_array().unwrap();
            let told: Vec<_> =
                items.iter().filter(|it| it["event"]["id"] == *event).cloned().collect();
            assert!(told.len() <= 1, "{inbox}");
            // List and number are read one after the other.
            told.first().filter(|_| inbox["unreadCount"] == items.len()).cloned()
        };
        let told = eventually("the fan hears of it", PATIENCE, async || {
            of_it(&world.get("/v1/notifications", fan).await)
        })
        .await;
        assert_eq!((&told["kind"], &told["readAt"]), (&json!("NEW_EVENT"), &Value::Null));
        assert_eq!(told["event"], json!({ "id": event, "title": world.event_body()["title"] }));
        assert_eq!(
            told["artist"],
            json!({ "id": artist.id, "nickname": following[0]["nickname"] })
        );
        let nothing = json!({ "items": [], "unreadCount": 0 });
        assert_eq!(world.get("/v1/notifications", &world.stranger).await, nothing);

        let page = eventually("the artist's page has it", 10, async || {
            let page = world.artist_page().await;
            (page["events"]["items"].as_array().unwrap().len() == 2).then_some(page)
        })
        .await;
        assert_eq!(page["followerCount"], 1, "{page}");
        let shown = page["events"]["items"].as_array().unwrap();
        assert!(shown.iter().any(|it| it["id"] == *event && it["over"] == false), "{page}");
    });
}

#[test]
fn three_hundred_followers_are_told_once_though_messages_come_twice() {
    stack::run(async {
        let world = World::new().await;
        let artist: MemberId = world.artist.id.parse().unwrap();
        let members: Vec<_> = (0..300).map(|_| MemberId::generate()).collect();
        for some in members.chunks(20) {
            let store = store();
            let all = some.iter().map(|&member| store.follow(member, artist, Time::now()));
            assert!(join_all(all).await.iter().all(Result::is_ok));
        }
        assert_eq!(world.artist_page().await["followerCount"], 300);

        let event = world.publish(world.event_body()).await;
        let once = vec![(vec![event.clone()], 1); 300];
        let all_told = async |expected: &Vec<_>| {
            eventually("all are told", PATIENCE, async || {
                (told(&members).await == *expected).then_some(())
            })
            .await;
        };
        all_told(&once).await;
        // The bus brings it again, and pages come again.
        let detail = json!({ "id": format!("EventPublished:{event}:1"), "eventId": event });
        send("followers", &json!({ "detail": detail })).await;
        for shard in [0, 7] {
            send("followers", &json!({ "detail": detail, "next": { "shard": shard } })).await;
        }
        // What comes after is told after them, or beside them; then the queue is empty.
        let next = world.publish(world.event_body()).await;
        let twice = vec![(vec![next, event], 2); 300];
        all_told(&twice).await;
        emptied("followers").await;
        assert_eq!(told(&members).await, twice);
        assert_eq!(world.artist_page().await["followerCount"], 300);
    });
}
