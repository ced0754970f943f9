//! What the readers of streams do on a bad day, driven as Lambda drives them (`tests/streams`): a record that can't be read, a
//! service that does not answer, records twice and in another order; and what somebody hears of it.

use std::{
    collections::BTreeMap,
    fs,
    panic::{AssertUnwindSafe, resume_unwind},
};

use aws_sdk_dynamodb::types::AttributeValue;
use domain::id::{EventId, PaymentId};
use futures::FutureExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    shop::variable,
    workers::has_letter,
    world::{Member, World, aws, eventually},
};

/// Waiting is for what others may have put off: an outage of theirs, or an earlier one's backoff.
const PATIENCE: u64 = 60;

/// While nobody else makes a reader's service fail, or counts on what it gives up.
static INDEX_CATALOG: Mutex<()> = Mutex::const_new(());
static RELAY_CATALOG: Mutex<()> = Mutex::const_new(());
static RELAY_SALES: Mutex<()> = Mutex::const_new(());

fn named(name: &str) -> String {
    format!("{}-{name}", variable("STAGE"))
}

/// What was done about the records of a key, in its order.
fn deliveries(function: &str, key: &str) -> Vec<Value> {
    let file = fs::read_to_string(format!("{}/streams.jsonl", variable("STACK_DIR"))).unwrap();
    // The last line may be half written.
    let lines = file.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_of = |line: &Value| {
        let mut keys = line["keys"].as_array().unwrap().iter();
        line["function"] == named(function) && keys.any(|it| it == key)
    };
    lines.filter(is_of).collect()
}

fn outcomes(deliveries: &[Value]) -> Vec<&str> {
    deliveries.iter().map(|line| line["outcome"].as_str().unwrap()).collect()
}

/// What a person hears of a number: the alarm on it, which calls somebody. That the runbook explains it is another test.
async fn assert_rings(alarm: &str, metric: &str, of: &str) {
    let asked = json!({ "AlarmNames": [named(alarm)] });
    let found = aws("GraniteServiceVersion20100801.DescribeAlarms", asked).await;
    let found = &found["MetricAlarms"][0];
    assert_eq!(found["MetricName"], metric, "{alarm}");
    let mut dimensions = found["Dimensions"].as_array().unwrap().iter();
    assert!(dimensions.any(|it| it["Value"] == named(of)), "{alarm}: {found}");
    assert!(!found["AlarmActions"].as_array().unwrap().is_empty(), "{alarm} calls nobody");
}

/// The lines of a part's log group that say something, as the runbook looks for them.
async fn log_lines(part: &str, said: &str) -> Vec<Value> {
    let group = format!("/spotlight/{}/{part}", variable("STAGE"));
    let asked = json!({ "logGroupName": group, "filterPattern": format!("\"{said}\"") });
    let found = aws("Logs_20140328.FilterLogEvents", asked).await;
    let messages =
        found["events"].as_array().unwrap().iter().map(|it| it["message"].as_str().unwrap());
    messages.filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// What the bus tells of an artist's events and their payments from now on.
struct Ear {
    queue: String,
    heard: Vec<Value>,
}

impl Ear {
    async fn of(world: &World) -> Self {
        let artist = world.get("/v1/me", &world.artist).await["id"].clone();
        let name = format!("heard-{}", artist.as_str().unwrap());
        let long = json!({ "VisibilityTimeout": "3600" });
        let queue =
            aws("AmazonSQS.CreateQueue", json!({ "QueueName": name, "Attributes": long })).await;
        let queue = queue["QueueUrl"].as_str().unwrap().to_owned();
        let asked = json!({ "QueueUrl": queue, "AttributeNames": ["QueueArn"] });
        let arn =
            aws("AmazonSQS.GetQueueAttributes", asked).await["Attributes"]["QueueArn"].clone();
        let bus = variable("STAGE");
        let pattern = json!({ "detail": { "artistId": [artist] } }).to_string();
        aws(
            "AWSEvents.PutRule",
            json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern }),
        )
        .await;
        let target = json!([{ "Id": "ear", "Arn": arn }]);
        aws(
            "AWSEvents.PutTargets",
            json!({ "Rule": name, "EventBusName": bus, "Targets": target }),
        )
        .await;
        Self { queue, heard: Vec::new() }
    }

    /// The ids of what was told of a thing, in the order of the telling.
    async fn ids(&mut self, thing: &str) -> Vec<String> {
        let asked = json!({ "QueueUrl": self.queue, "MaxNumberOfMessages": 10 });
        loop {
            let received = aws("AmazonSQS.ReceiveMessage", asked.clone()).await;
            let Some(messages) = received["Messages"].as_array().filter(|it| !it.is_empty()) else {
                break;
            };
            let bodies = messages.iter().map(|message| message["Body"].as_str().unwrap());
            self.heard.extend(bodies.map(|body| serde_json::from_str::<Value>(body).unwrap()));
        }
        let ids = self.heard.iter().map(|event| event["detail"]["id"].as_str().unwrap());
        ids.filter(|id| id.contains(thing)).map(ToOwned::to_owned).collect()
    }

    /// Waits until a thing was told of under all these names, and answers its ids.
    async fn hears(&mut self, thing: &str, names: &[&str]) -> Vec<String> {
        let mut ids = Vec::new();
        eventually(&format!("{names:?} of {thing}"), PATIENCE, async || {
            ids = self.ids(thing).await;
            names.iter().all(|name| ids.iter().any(|id| id.starts_with(name))).then_some(())
        })
        .await;
        ids
    }
}

/// While something is done, one service answers one function's calls with a fault.
async fn without(service: &str, function: &str, work: impl AsyncFnOnce()) {
    let url = variable("FAULTS_URL");
    let fault = json!({ "function": named(function), "service": service, "fault": "unavailable" });
    let made = http().post(&url).json(&fault).send().await.unwrap();
    let made: Value = made.error_for_status().unwrap().json().await.unwrap();
    // It is over however the test ends: others stand on the same stack.
    let ended = AssertUnwindSafe(work()).catch_unwind().await;
    let end = http().delete(format!("{url}/{}", made["id"]));
    end.send().await.unwrap().error_for_status().unwrap();
    ended.unwrap_or_else(|panic| resume_unwind(panic));
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Waits until a key's records have failed so often, which is while its service is down.
async fn fails(function: &str, key: &str, times: usize) {
    eventually(&format!("{function} fails with {key}"), PATIENCE, async || {
        let seen = deliveries(function, key);
        let failed = outcomes(&seen).into_iter().filter(|it| *it != "done").count();
        (failed >= times).then_some(())
    })
    .await;
}

/// Asserts that records of a key failed and then were done, and that their age, of which the alarm hears, grew meanwhile.
async fn assert_came_late(function: &str, key: &str) {
    let seen = eventually(&format!("{function} is done with {key}"), PATIENCE, async || {
        let seen = deliveries(function, key);
        (seen.last()?["outcome"] == "done").then_some(seen)
    })
    .await;
    assert!(!outcomes(&seen).contains(&"given up"), "{seen:?}");
    let mut after = seen.iter().skip_while(|line| line["outcome"] == "done");
    let failed = after.next().unwrap()["iteratorAge"].as_i64();
    let done = after.find(|line| line["outcome"] == "done").unwrap()["iteratorAge"].as_i64();
    assert!(done > failed, "{seen:?}");
    assert_rings(&format!("{function}-iterator-age"), "IteratorAge", function).await;
}

/// Puts an item that nobody can read where a table's stream has its readers.
async fn poison(table: &str, pk: &str, sk: &str) {
    let text = |text: &str| AttributeValue::S(text.into());
    let item = stack::dynamo().put_item().table_name(named(table));
    let item = item.item("pk", text(pk)).item("sk", text(sk)).item("price", text("much"));
    item.send().await.unwrap();
}

fn event_key(event: &str) -> String {
    format!("EVT#{event}")
}

fn payment_key(payment: &str) -> String {
    format!("PAY#{payment}")
}

/// Gives an event its next version, which is called so.
async fn change(event: &str, title: &str) {
    let text = |text: &str| AttributeValue::S(text.into());
    let update = stack::dynamo().update_item().table_name(named("catalog"));
    let update = update.key("pk", text(&event_key(event))).key("sk", text("EVENT"));
    let update = update.update_expression("SET #title = :title, #version = #version + :one");
    let update = update
        .expression_attribute_names("#title", "title")
        .expression_attribute_names("#version", "version")
        .expression_attribute_values(":title", text(title))
        .expression_attribute_values(":one", AttributeValue::N("1".into()));
    update.send().await.unwrap();
}

/// An event at a place that no other has.
async fn event_at(world: &World, place: &str) -> String {
    let mut event = world.event_body();
    event["place"] = json!(place);
    world.publish(event).await
}

/// Waits until the search knows these events at a place by these titles.
async fn finds(world: &World, place: &str, titles: &BTreeMap<String, String>) {
    let query = [("place", place), ("limit", "100")];
    eventually(&format!("the search knows {titles:?}"), PATIENCE, async || {
        let page = world.done(world.request(Method::GET, "/v1/events").query(&query)).await;
        // It takes a place that is almost this one, too.
        let found = page["items"].as_array().unwrap().iter();
        let known = found.filter(|it| {
            titles.get(it["id"].as_str().unwrap()).is_some_and(|title| it["title"] == *title)
        });
        (known.count() == titles.len()).then_some(())
    })
    .await;
}

fn place(world: &World) -> String {
    format!("무대 {}", world.fresh())
}

/// Buys a ticket of an event of its own, for whoever lets go of one event's seats twice has to pause, does on KakaoPay's page what
/// a payer would, and comes back.
async fn purchase(world: &World, by: &Member, decision: &str) -> String {
    let event = world.publish(world.event_body()).await;
    let payment = world.buy(by, &event, 1).await["id"].as_str().unwrap().to_owned();
    let back = world.at_kakaopay(&payment, decision).await;
    world.done(world.request(Method::GET, &back)).await;
    payment
}

#[test]
fn an_event_that_can_not_be_read_is_a_dead_letter_and_its_neighbours_are_found() {
    stack::run(async {
        let _alone = INDEX_CATALOG.lock().await;
        let world = World::new().await;
        let place = place(&world);
        let before = event_at(&world, &place).await;
        let bad = event_key(&EventId::generate().to_string());
        poison("catalog", &bad, "EVENT").await;
        let after = event_at(&world, &place).await;

        let title = world.event_body()["title"].as_str().unwrap().to_owned();
        finds(&world, &place, &[before, after].map(|id| (id, title.clone())).into()).await;
        has_letter("index-dead", &json!({ "key": bad })).await;
        assert_rings("index-dead", "ApproximateNumberOfMessagesVisible", "index-dead").await;
        let lines = log_lines("catalog", bad.trim_start_matches("EVT#")).await;
        let told = |line: &Value| line["level"] == "ERROR" && line["code"] == "EVENT_UNREADABLE";
        assert!(lines.iter().any(told), "{lines:?}");
        assert!(outcomes(&deliveries("index_catalog", &bad)).iter().all(|it| *it == "done"));
    });
}

#[test]
fn an_event_that_can_not_be_read_is_given_up_and_the_bus_hears_of_its_neighbours() {
    stack::run(async {
        let _alone = RELAY_CATALOG.lock().await;
        let world = World::new().await;
        let mut ear = Ear::of(&world).await;
        let before = world.publish(world.event_body()).await;
        let bad = event_key(&EventId::generate().to_string());
        poison("catalog", &bad, "EVENT").await;
        let after = world.publish(world.event_body()).await;

        for good in [before, after] {
            ear.hears(&good, &["EventPublished"]).await;
        }
        assert_given_up("relay_catalog", "catalog", &bad).await;
        // The other reader of the stream buries it, and somebody hears of that.
        has_letter("index-dead", &json!({ "key": bad })).await;
    });
}

#[test]
fn a_payment_that_can_not_be_read_is_given_up_and_the_bus_hears_of_its_neighbours() {
    stack::run(async {
        let _alone = RELAY_SALES.lock().await;
        let world = World::new().await;
        let mut ear = Ear::of(&world).await;
        let before = purchase(&world, &world.stranger, "approve").await;
        let bad = payment_key(&PaymentId::generate().to_string());
        poison("sales", &bad, "PAYMENT").await;
        let after = purchase(&world, &world.stranger, "approve").await;

        for good in [before, after] {
            ear.hears(&good, &["PaymentReserved", "PaymentReady", "PaymentApproved"]).await;
        }
        assert_given_up("relay_sales", "payments", &bad).await;
        assert_rings("sales-records-unreadable", "Unreadable", "relay_sales").await;
    });
}

/// A record that can't be read is told with the metric that is watched, and is tried no second time for its own sake.
async fn assert_given_up(function: &str, part: &str, key: &str) {
    let line = eventually(&format!("{function} tells of {key}"), PATIENCE, async || {
        let lines = log_lines(part, key).await;
        lines.into_iter().find(|line| line["_aws"].to_string().contains("\"Unreadable\""))
    })
    .await;
    assert_eq!((&line["level"], &line["function"]), (&"ERROR".into(), &named(function).into()));
    let seen = deliveries(function, key);
    assert!(!seen.is_empty() && outcomes(&seen).iter().all(|it| *it == "done"), "{seen:?}");
}

#[test]
fn while_opensearch_is_down_changes_wait_and_then_the_last_of_each_event_is_found() {
    stack::run(async {
        let _alone = INDEX_CATALOG.lock().await;
        let world = World::new().await;
        let place = place(&world);
        let mut titles = BTreeMap::new();
        let first = event_at(&world, &place).await;
        without("es", "index_catalog", async || {
            let second = event_at(&world, &place).await;
            for number in 1..=3 {
                for event in [&first, &second] {
                    titles.insert(event.clone(), format!("{number}번 고친 공연"));
                    change(event, &titles[event]).await;
                }
            }
            fails("index_catalog", &event_key(&first), 2).await;
        })
        .await;
        finds(&world, &place, &titles).await;
        assert_came_late("index_catalog", &event_key(&first)).await;
    });
}

#[test]
fn while_eventbridge_is_down_changes_of_events_wait_and_then_the_bus_hears_them_in_their_order() {
    stack::run(async {
        let _alone = RELAY_CATALOG.lock().await;
        let world = World::new().await;
        let mut ear = Ear::of(&world).await;
        let mut event = String::new();
        without("events", "relay_catalog", async || {
            event = world.publish(world.event_body()).await;
            change(&event, "한 번 고친 공연").await;
            change(&event, "두 번 고친 공연").await;
            fails("relay_catalog", &event_key(&event), 2).await;
        })
        .await;
        let ids = [1, 2, 3]
            .map(|version| {
                (["EventPublished", "EventChanged", "EventChanged"][version - 1], version)
            })
            .map(|(name, version)| format!("{name}:{event}:{version}"));
        ear.hears(&event, &ids.each_ref().map(String::as_str)).await;
        assert_eq!(first_heard(&ear.ids(&event).await), ids);
        assert_came_late("relay_catalog", &event_key(&event)).await;
    });
}

#[test]
fn while_eventbridge_is_down_changes_of_payments_wait_and_then_the_bus_hears_them_in_their_order() {
    stack::run(async {
        let _alone = RELAY_SALES.lock().await;
        let world = World::new().await;
        let mut ear = Ear::of(&world).await;
        let mut payment = String::new();
        without("events", "relay_sales", async || {
            payment = purchase(&world, &world.stranger, "approve").await;
            fails("relay_sales", &payment_key(&payment), 2).await;
        })
        .await;
        let names = ["PaymentReserved", "PaymentReady", "PaymentApproving", "PaymentApproved"];
        let ids = first_heard(&ear.hears(&payment, &names).await);
        let name = |id: &String| id.split(':').next().unwrap().to_owned();
        assert_eq!(ids.iter().map(name).collect::<Vec<_>>(), names);
        assert_came_late("relay_sales", &payment_key(&payment)).await;
    });
}

/// Ids without those that were there before.
fn first_heard(ids: &[String]) -> Vec<String> {
    let mut first: Vec<String> = Vec::new();
    for id in ids {
        if !first.contains(id) {
            first.push(id.clone());
        }
    }
    first
}

#[test]
fn however_often_the_bus_does_not_answer_nothing_is_given_up_before_its_day_is_over() {
    stack::run(async {
        let _alone = RELAY_CATALOG.lock().await;
        let world = World::new().await;
        let mut ear = Ear::of(&world).await;
        let mut late = String::new();
        without("events", "relay_catalog", async || {
            late = world.publish(world.event_body()).await;
            fails("relay_catalog", &event_key(&late), 12).await;
        })
        .await;
        assert_came_late("relay_catalog", &event_key(&late)).await;
        assert_eq!(first_heard(&ear.hears(&late, &["EventPublished"]).await).len(), 1);
        // What is given up all the same lies where somebody hears of it.
        let (alarm, metric) = ("catalog-stream-failures", "ApproximateNumberOfMessagesVisible");
        assert_rings(alarm, metric, alarm).await;
    });
}

#[test]
fn with_records_twice_the_search_is_equal_to_the_table_and_the_bus_tells_each_change_by_one_id() {
    stack::run(async {
        let _alone = (INDEX_CATALOG.lock().await, RELAY_CATALOG.lock().await);
        let world = World::new().await;
        let place = place(&world);
        let mut ear = Ear::of(&world).await;
        let mut events = Vec::new();
        for _ in 0..6 {
            events.push(event_at(&world, &place).await);
        }
        let (mut titles, mut version) = (BTreeMap::new(), 1);
        // Until both readers had some of these twice.
        eventually("records come twice", PATIENCE, async || {
            version += 1;
            for event in &events {
                titles.insert(event.clone(), format!("{version}번째 공연"));
                change(event, &titles[event]).await;
            }
            let twice = |function| {
                let mut seen = events.iter().flat_map(|id| deliveries(function, &event_key(id)));
                seen.any(|line| line["double"] == true)
            };
            (twice("index_catalog") && twice("relay_catalog")).then_some(())
        })
        .await;

        finds(&world, &place, &titles).await;
        let mut doubles = 0;
        for event in &events {
            let mut wanted = vec![format!("EventPublished:{event}:1")];
            wanted.extend((2..=version).map(|version| format!("EventChanged:{event}:{version}")));
            let names: Vec<_> = wanted.iter().map(String::as_str).collect();
            let heard = ear.hears(event, &names).await;
            assert_eq!(first_heard(&heard), wanted, "in its order, and nothing else");
            doubles += heard.len() - wanted.len();
        }
        assert!(doubles > 0, "what came twice was told twice");
    });
}

#[test]
fn with_records_twice_the_bus_tells_each_change_of_a_payment_by_one_id() {
    stack::run(async {
        let _alone = RELAY_SALES.lock().await;
        let world = World::new().await;
        let mut ear = Ear::of(&world).await;
        let names = ["PaymentReserved", "PaymentReady", "PaymentCancelled"];
        // Chance may take more purchases than one person may make in a minute.
        let mut buyers = [&world.stranger, &world.guest, &world.fan].into_iter().cycle();
        let heard = eventually("the bus hears something twice", PATIENCE, async || {
            let payment = purchase(&world, buyers.next().unwrap(), "cancel").await;
            let heard = ear.hears(&payment, &names).await;
            let first = first_heard(&heard);
            let name = |id: &String| id.split(':').next().unwrap().to_owned();
            assert_eq!(first.iter().map(name).collect::<Vec<_>>(), names, "in its order");
            let twice = deliveries("relay_sales", &payment_key(&payment));
            let is_double = |line: &Value| line["double"] == true && line["outcome"] == "done";
            twice.iter().any(is_double).then_some(payment)
        })
        .await;
        eventually("it is the same event", PATIENCE, async || {
            let ids = ear.ids(&heard).await;
            (ids.len() > names.len() && first_heard(&ids).len() == names.len()).then_some(())
        })
        .await;
    });
}
