//! The workers of the deployed stack: what is lost on the way is found, what came early comes again, what KakaoPay left open
//! is settled, what can't be indexed is told, and the search is made anew while it serves.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    id::{MemberId, PaymentId},
    time::Time,
    won::Won,
};
use reqwest::Method;
use serde_json::{Value, json};
use store::{
    Transaction, Write,
    sales::{
        points::{BalanceKey, top_up},
        proof::ProofKey,
    },
};

use crate::{
    killed::store,
    world::{Member, World, eventually},
};

/// Runs a worker at once, as its schedule would.
pub async fn invoke(function: &str) -> Value {
    invoke_with(function, json!({})).await
}

/// Runs a worker with an event of its own.
pub async fn invoke_with(function: &str, event: Value) -> Value {
    let url = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let stage = std::env::var("STAGE").unwrap();
    let url = format!("{url}/2015-03-31/functions/{stage}-{function}:live/invocations");
    let answer =
        reqwest::Client::builder().build().unwrap().post(url).json(&event).send().await.unwrap();
    answer.json().await.unwrap()
}

/// A queue of the stack.
async fn queue(name: &str) -> (aws_sdk_sqs::Client, String) {
    let client = aws_sdk_sqs::Client::new(aws::config());
    let stage = std::env::var("STAGE").unwrap();
    let url = client.get_queue_url().queue_name(format!("{stage}-{name}")).send().await.unwrap();
    (client, url.queue_url.unwrap())
}

/// Waits until a queue has a letter that says this, among other things, and leaves it there for others who look.
pub async fn has_letter(name: &str, says: &Value) {
    let (client, url) = queue(name).await;
    let mut seen = Vec::new();
    eventually(&format!("{says} in {name}"), 30, async || {
        let received = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let letters = received.visibility_timeout(0).send().await.unwrap().messages;
        seen.extend(letters.unwrap_or_default().into_iter().filter_map(|letter| letter.body));
        let mut letters = seen.iter().map(|body| serde_json::from_str::<Value>(body).unwrap());
        letters.any(|letter| includes(&letter, says)).then_some(())
    })
    .await;
}

/// Whether a value has all that another has.
fn includes(value: &Value, part: &Value) -> bool {
    match part {
        Value::Object(part) => part.iter().all(|(name, part)| includes(&value[name], part)),
        part => value == part,
    }
}

/// Sends a payment to look at to a queue of the stack.
async fn send(name: &str, payment: &str) {
    let (client, url) = queue(name).await;
    let message = json!({ "paymentId": payment }).to_string();
    client.send_message().queue_url(url).message_body(message).send().await.unwrap();
}

/// Moves times of a payment to so many seconds from now.
pub async fn set_times(payment: &str, times: &[(&str, i64)]) {
    let text = |text: String| AttributeValue::S(text);
    let mut update = stack::dynamo()
        .update_item()
        .table_name(format!("{}-sales", std::env::var("STAGE").unwrap()))
        .key("pk", text(format!("PAY#{payment}")))
        .key("sk", text("PAYMENT".into()));
    let mut sets = Vec::new();
    for (name, seconds) in times {
        let time = Time::now().millis() + seconds * 1_000;
        update = update
            .expression_attribute_values(format!(":{name}"), AttributeValue::N(time.to_string()));
        sets.push(format!("{name} = :{name}"));
    }
    update.update_expression(format!("SET {}", sets.join(", "))).send().await.unwrap();
}

/// Long past: what is due since then counts as lost.
pub const PAST: i64 = -120;
/// So far away that the sweeper finds nothing.
const TOMORROW: i64 = 86_400;

#[test]
fn a_hold_ends_by_the_message_that_its_purchase_sent() {
    stack::run(async {
        let world = World::new().await;
        set_times(&world.payment, &[("dueAt", TOMORROW)]).await;
        world.has_seats_left(&world.event, 50, 100).await;
    });
}

// The purchase's own message comes a minute after it: what ends a hold in less was another.

#[test]
fn a_message_that_comes_before_the_hold_ends_is_sent_again() {
    stack::run(async {
        let world = World::new().await;
        set_times(&world.payment, &[("holdEndsAt", 15), ("dueAt", TOMORROW)]).await;
        send("hold", &world.payment).await;
        world.has_seats_left(&world.event, 50, 40).await;
    });
}

#[test]
fn the_sweeper_finds_a_hold_whose_message_was_lost() {
    stack::run(async {
        let world = World::new().await;
        set_times(&world.payment, &[("holdEndsAt", PAST), ("dueAt", PAST)]).await;
        invoke("sweep_payments").await;
        world.has_seats_left(&world.event, 50, 40).await;
    });
}

#[test]
fn an_approval_whose_answer_was_lost_is_settled_by_asking_kakaopay() {
    stack::run(async {
        let world = World::new().await;
        let path = format!("/v1/payments/{}", world.payment);
        // The money is taken, and nobody hears of it: not at once, not when asked, and not when asked again.
        let lost = json!({
            "partner_order_id": world.payment,
            "approve": { "drop_after": 1.0 }, "order": { "error500": 1.0, "times": 4 },
        });
        let set = world.kakaopay(Method::POST, "/_sim/faults").json(&lost).send().await.unwrap();
        assert!(set.status().is_success());
        let back = world.at_kakaopay(&world.payment, "approve").await;
        let payment = world.done(world.request(Method::GET, &back)).await;
        assert_eq!((&payment["state"], &payment["ticketIds"]), (&"APPROVING".into(), &json!([])));
        let settled = eventually("KakaoPay answers what it is asked", 90, async || {
            set_times(&world.payment, &[("dueAt", PAST)]).await;
            invoke("sweep_payments").await;
            let payment = world.get(&path, &world.fan).await;
            (payment["state"] != "APPROVING").then_some(payment)
        })
        .await;
        assert_eq!(settled["state"], "APPROVED", "{settled}");
        assert_eq!(settled["ticketIds"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn the_search_is_made_anew_while_it_serves() {
    stack::run(async {
        let world = World::new().await;
        // No other event has it.
        let place = format!("무대 {}", Time::now().millis());
        let mut event = world.event_body();
        event["place"] = json!(place);
        let event = world.publish(event).await;
        let finds = async || {
            let here = world.request(Method::GET, "/v1/events").query(&[("place", &place)]);
            world.done(here).await["items"][0]["id"] == *event
        };
        eventually("it is found", 30, async || finds().await.then_some(())).await;
        let search = std::env::var("OPENSEARCH_URL").unwrap();
        let unfinished = format!("{search}/events-0");
        let left = json!({ "aliases": { "events-write": {}, "events-0-own": {} } });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        http.put(&unfinished).json(&left).send().await.unwrap().error_for_status().unwrap();
        let rebuilt = invoke("rebuild_index").await;
        assert!(rebuilt["indexed"].as_u64() >= Some(1), "{rebuilt}");
        assert!(finds().await, "it is found in the new index");
        let left = http.head(&unfinished).send().await.unwrap();
        assert_eq!(left.status(), 404, "what an earlier run left unfinished is thrown away");
    });
}

#[test]
fn a_balance_that_is_not_its_transfers_stops_its_owners_points_alone_until_it_is_mended() {
    stack::run(async {
        let world = World::new().await;
        let (fan, other) = (&world.fan, &world.stranger);
        for member in [fan, other] {
            has_points(member, 1_000).await;
        }
        let key = BalanceKey(fan.id.parse().unwrap());
        let balance = async |more| {
            store().write(Write::update(&key).add("balance", more), ()).await.unwrap();
        };
        balance(500).await;
        // Somebody whose balance is lost.
        let lost = MemberId::generate();
        let [transfer, _] = top_up(lost, PaymentId::generate(), Won::new(1), Time::now());
        store().write(transfer, ()).await.unwrap();
        // Whatever was proved this night before is forgotten.
        for proof in [store().newest_proof().await.unwrap()].into_iter().flatten() {
            store().write(Write::delete(&ProofKey(proof.day)), ()).await.unwrap();
        }
        let report = eventually("the whole ledger is read", 300, async || {
            let report = invoke("prove_ledger").await;
            report["endedAt"].is_string().then_some(report)
        })
        .await;
        for (member, what) in [(fan.id.clone(), "BALANCE"), (lost.to_string(), "NO_BALANCE")] {
            let named = json!({ "discrepancy": what, "memberId": member });
            assert!(report["named"].as_array().unwrap().contains(&named), "{report}");
        }
        assert!(report["balances"].as_u64() >= Some(2), "{report}");
        assert!(report["broken"].as_u64() >= Some(2), "{report}");

        let order = |member, points: u64| {
            let order = json!({
                "purpose": "TICKETS", "eventId": world.event, "quantity": 1, "points": points,
            });
            world.post("/v1/payments", member).json(&order)
        };
        let stopped = (409, "POINTS_UNDER_REVIEW".to_owned());
        assert_eq!(world.refused(order(fan, 100)).await, stopped);
        world.done(order(fan, 0)).await;
        world.done(order(other, 100)).await;

        balance(-500).await;
        let mended = invoke_with("prove_ledger", json!({ "memberId": fan.id })).await;
        assert_eq!(mended, json!({ "verdict": "PROVED" }));
        world.done(order(fan, 100)).await;
    });
}

/// A member bought points.
async fn has_points(member: &Member, points: u64) {
    let bought =
        top_up(member.id.parse().unwrap(), PaymentId::generate(), Won::new(points), Time::now());
    let whole = bought.into_iter().fold(Transaction::<()>::new(), Transaction::also);
    store().transact(whole).await.unwrap();
}

#[test]
fn an_event_that_can_not_be_indexed_is_a_dead_letter_and_no_failure_of_its_batch() {
    stack::run(async {
        let key = format!("EVT#{}", Time::now().millis());
        let keys = json!({ "pk": { "S": key }, "sk": { "S": "EVENT" } });
        let change = json!({
            "Keys": keys, "NewImage": keys, "SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        let record = json!({ "awsRegion": "ap-northeast-2", "eventID": "1", "eventName": "INSERT", "dynamodb": change });
        let done = invoke_with("index_catalog", json!({ "Records": [record] })).await;
        assert_eq!(done, json!({ "batchItemFailures": [] }));
        has_letter("index-dead", &json!({ "key": key })).await;
    });
}
