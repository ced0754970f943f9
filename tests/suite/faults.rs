//! KakaoPay and AWS fail in every way at once, and in the end each won that it took has its ticket or went back.

use std::time::Duration;

use domain::payment::State;
use gateways::Limits;
use serde_json::{Value, json};
use store::sales::due::{Due, SHARDS};

use crate::{
    shop::{FIRST_LOOK, HOLD, Shop, at_once, books, shards, simulator::Simulator},
    storms::in_storm,
};

const PURCHASES: u64 = 500;

/// Delays are longer than our patience: the work is still done after we gave up.
const LIMITS: Limits =
    Limits { connect: Duration::from_millis(200), answer: Duration::from_millis(250) };
const DELAY: f64 = 0.4;

/// Each fault in a fifth of the calls, whatever else goes wrong in the same call.
fn switches(seed: u64) -> Value {
    let rate = 0.2;
    let delay = json!({ "rate": rate, "seconds": DELAY });
    let call = json!({
        "delay": delay, "drop_before": rate, "error500": rate,
        "delay_after": delay, "drop_after": rate, "error500_after": rate, "wrong_answer": rate,
    });
    let mut approve = call.clone();
    approve["wrong_amount"] = json!(rate);
    approve["duplicate_callback"] = json!(rate);
    json!({ "seed": seed, "ready": call, "approve": approve, "cancel": call, "order": call })
}

/// One buyer: sends the same request again until there is an answer, decides on KakaoPay's page, and comes back as often as
/// its page leads there. Some go away, some come back when their hold is over, and some look again later.
async fn purchase(shop: Shop, seed: u64) {
    let mut chance = fastrand::Rng::with_seed(seed);
    // Each third spends a coupon and points.
    let fan = if chance.u8(..3) == 0 { shop.fan_with_purse().await } else { shop.fan().await };
    let Ok(held) = shop.buy_patiently(fan, chance.u32(1..=4), "key").await else { return };
    let decision = match chance.u8(..100) {
        0..75 => "approve",
        75..83 => "cancel",
        83..90 => "fail",
        _ => return,
    };
    let back = shop.simulator.decide(&held.page, decision).await.unwrap();
    let shop = if chance.u8(..100) < 10 { shop.after(HOLD) } else { shop };
    let visit = |shop: Shop, address: String| async move {
        while let Err(refusal) = shop.visit(&address).await {
            assert_eq!(refusal.0, 503, "{refusal:?}");
        }
    };
    at_once((0..back.visits).map(|_| visit(shop.clone(), back.address.clone()))).await;
    if chance.u8(..100) < 20 {
        visit(shop.after(FIRST_LOOK), back.address).await;
    }
}

/// `FAULTS_SEED=1 make test` tries another run.
fn seed() -> u64 {
    std::env::var("FAULTS_SEED").map_or(2026, |seed| seed.parse().unwrap())
}

#[test]
fn no_won_is_lost_and_none_taken_twice_when_a_fifth_of_everything_fails() {
    stack::run(async {
        let seed = seed();
        println!("FAULTS_SEED={seed}");
        let simulator = Simulator::own().await;
        simulator.faults(switches(seed)).await;
        let shop = Shop::with(stack::dynamo(), simulator, LIMITS, shards(2_000)).await;

        let (troubled, storm) = in_storm(&shop, "faults").await;
        at_once((0..PURCHASES).map(|number| purchase(troubled.clone(), seed ^ (number << 32))))
            .await;
        storm.end().await;
        let before = books::check(&shop).await;
        println!("when all are gone: {:?}", before.states());
        assert_swept(&shop, &before).await;

        shop.settle().await;
        let after = books::check(&shop).await;
        println!("in the end: {:?}", after.states());
        after.assert_settled();
        for state in
            [State::Approved, State::Refunded, State::Cancelled, State::Failed, State::Expired]
        {
            assert!(after.states().contains_key(&state), "no payment was ever {state}");
        }
    });
}

/// The sweeper finds whatever is open, should every message be lost.
async fn assert_swept(shop: &Shop, books: &books::Books) {
    let mut found = Vec::new();
    for due in [Due::Hold, Due::Reconcile] {
        for shard in 0..SHARDS {
            found
                .extend(shop.store.due(due, shard, shop.now.plus(HOLD * 4), 10_000).await.unwrap());
        }
    }
    let lost = books
        .payments
        .iter()
        .find(|it| (it.state.can_expire() || it.is_unsettled()) && !found.contains(&it.id));
    assert_eq!(lost, None, "the sweeper does not find it");
}
