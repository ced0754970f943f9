//! AWS on a bad day: it turns calls away, cancels transactions that meet others, loses answers to work that it did, and its
//! indexes are behind. Nobody may lose a seat or a won by it, and nobody sees more of it than a 503 that says when to come again.

use std::collections::BTreeSet;

use domain::payment::State;
use gateways::Limits;
use reqwest::Method;
use serde_json::{Value, json};
use store::Store;

use crate::{
    shop::{Fan, Held, Shop, at_once, books, shards, simulator::Simulator},
    workers::invoke_with,
    world::{Member, World, eventually},
};

/// Of a hundred calls, so many fare so.
const FAULTS: [(&str, f64); 5] = [
    ("unavailable", 0.08),
    ("throttled", 0.08),
    ("conflict", 0.08),
    ("lost", 0.08),
    // An index is always behind for some readers.
    ("stale", 0.5),
];

/// What was ordered of the recorder (`infra/local/faults.py`).
pub struct Storm {
    http: reqwest::Client,
    rules: Vec<String>,
}

impl Storm {
    /// Every fault over the calls of one caller, or of all functions.
    #[expect(clippy::print_stdout, reason = "a run that failed is tried again by its seed")]
    pub async fn over(function: Option<&str>, seed: u64) -> Self {
        println!("STORM_SEED={seed}");
        let url = std::env::var("FAULTS_URL")
            .expect("FAULTS_URL is not set: these tests are run by `make test`");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut rules = Vec::new();
        for (number, (fault, rate)) in (0..).zip(FAULTS) {
            let rule = json!({ "function": function, "fault": fault, "rate": rate, "seed": seed + number });
            let answer = http.post(&url).json(&rule).send().await.unwrap();
            let made: Value = answer.error_for_status().unwrap().json().await.unwrap();
            rules.push(format!("{url}/{}", made["id"]));
        }
        Self { http, rules }
    }

    /// All is well again.
    ///
    /// # Panics
    /// When one of the faults came to nobody: then nothing is shown.
    pub async fn end(self) {
        for ((fault, _), rule) in FAULTS.iter().zip(self.rules) {
            let ended = self.http.delete(rule).send().await.unwrap().error_for_status().unwrap();
            let met = ended.json::<Value>().await.unwrap()["met"].as_u64();
            // Who buys reads no index.
            assert!(met > Some(0) || *fault == "stale", "{fault} came to nobody");
        }
    }
}

/// `STORM_SEED=1 make test` tries another run.
fn seed() -> u64 {
    std::env::var("STORM_SEED").map_or(2026, |seed| seed.parse().unwrap())
}

/// The same shop, whose handlers reach DynamoDB through a storm.
pub async fn in_storm(shop: &Shop, name: &str) -> (Shop, Storm) {
    let name = format!("storm-{name}");
    let mut shop = shop.clone();
    shop.served = Store::new(stack::recorded(&name), stack::prefix());
    (shop, Storm::over(Some(&name), seed()).await)
}

#[test]
fn a_crowd_in_a_storm_gets_exactly_the_fifty_seats_there_are() {
    stack::run(async {
        let calm =
            Shop::with(stack::dynamo(), Simulator::shared(), Limits::default(), shards(50)).await;
        let crowd = calm.crowd(200).await;
        let (shop, storm) = in_storm(&calm, "crowd").await;
        let buy = |shop: Shop, fan: Fan| async move { shop.buy_patiently(fan, 1, "key").await };
        let outcomes = at_once(crowd.into_iter().map(|fan| buy(shop.clone(), fan))).await;
        let held: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.clone().ok()).collect();
        let refusals: BTreeSet<_> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(refusals, BTreeSet::from([&(400, "SOLD_OUT")]));
        assert_eq!(held.len(), 50);

        let pay = |shop: Shop, held: Held| async move {
            let back = shop.simulator.decide(&held.page, "approve").await.unwrap();
            loop {
                match shop.visit(&back.address).await {
                    Ok(state) => break state,
                    Err(refusal) => assert_eq!(refusal.0, 503, "{refusal:?}"),
                }
            }
        };
        let paying = held.into_iter().map(|held| pay(shop.clone(), held));
        let states: BTreeSet<_> = at_once(paying).await.into_iter().collect();
        storm.end().await;
        // What was in between when the payer looked is settled by the reconciler.
        assert!(
            states.iter().all(|state| matches!(state, State::Approved | State::Approving)),
            "{states:?}"
        );
        calm.settle().await;
        let books = books::check(&calm).await;
        assert_eq!((books.seats(), books.tickets.len()), ([0, 0, 50], 50));
        books.assert_settled();
    });
}

#[test]
fn the_deployed_shop_in_a_storm_serves_whoever_comes_again_and_its_books_are_right() {
    stack::run(async {
        let world = World::alone().await;
        let mut fans = Vec::new();
        for _ in 0..8 {
            fans.push(world.sign_up("USER").await);
        }
        let on_sale = world.publish(world.event_body()).await;
        let storm = Storm::over(None, seed()).await;
        let body = json!({ "purpose": "TICKETS", "eventId": on_sale, "quantity": 2 });
        let buying = fans.iter().map(async |fan: &Member| {
            let payment = world.done(world.post("/v1/payments", fan).json(&body)).await;
            let id = payment["id"].as_str().unwrap().to_owned();
            let back = world.at_kakaopay(&id, "approve").await;
            world.done(world.request(Method::GET, &back)).await;
            id
        });
        let title = format!("폭풍 {}", world.fresh());
        let mut event = world.event_body();
        event["title"] = json!(title);
        let publishing = (0..3).map(async |_| {
            let event = world.done(world.post("/v1/events", &world.artist).json(&event)).await;
            event["id"].as_str().unwrap().to_owned()
        });
        let (payments, events) = futures::join!(
            futures::future::join_all(buying),
            futures::future::join_all(publishing)
        );
        storm.end().await;

        for (fan, payment) in fans.iter().zip(&payments) {
            let path = format!("/v1/payments/{payment}");
            let settled = eventually("a payment is settled", 90, async || {
                let payment = world.get(&path, fan).await;
                if payment["state"] == "APPROVED" {
                    return Some(payment);
                }
                invoke_with("sweep_payments", json!({})).await;
                None
            })
            .await;
            let tickets = world.get("/v1/me/tickets", fan).await;
            assert_eq!(tickets["items"].as_array().unwrap().len(), 2, "{settled}");
            let all = world.get("/v1/me/payments", fan).await;
            assert_eq!(all["items"].as_array().unwrap().len(), 1, "one key makes one payment");
        }
        world.has_seats_left(&on_sale, 50 - 16, 60).await;
        let found = eventually("the search finds what was published", 60, async || {
            let search = world.request(Method::GET, "/v1/events").query(&[("q", &title)]);
            let found = world.done(search).await;
            let ids: BTreeSet<_> = found["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["id"].as_str().unwrap().to_owned())
                .collect();
            events.iter().all(|event| ids.contains(event)).then_some(ids.len())
        })
        .await;
        assert_eq!(found, 3, "one key makes one event");
    });
}
