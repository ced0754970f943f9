//! KakaoPay and AWS fail in every way at once, and in the end each won that it took has its ticket or went back.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use domain::{
    event::Quantity,
    fault::Fault,
    id::MemberId,
    language::Language,
    member::Role,
    payment::{LumpSum, Purpose, State},
    waiting,
};
use gateways::{Limits, Queue};
use payments::create_payment::CreatePayment;
use serde_json::{Value, json};
use store::sales::{
    due::{Due, SHARDS},
    payment::{Payment, PaymentKey},
    waiting::WaitingKey,
};

use crate::{
    shop::{
        FIRST_LOOK, Fan, HOLD, Held, LEASE, Shop, at_once, books, nothing, shards,
        simulator::Simulator, variable,
    },
    storms::in_storm,
};

/// So long an offer is open.
const OFFER: Duration = Duration::from_secs(30 * 60);

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

/// Where somebody goes, and what they want there.
#[derive(Clone)]
struct Visit {
    /// A show that is sold out soon.
    shop: Shop,
    /// One that is cancelled when half of all have come.
    doomed: Shop,
    /// Who is given something.
    artist: MemberId,
    /// Who waits for seats of the first.
    line: Line,
}

/// Those who joined the line. Asking of everybody whether they wait would keep the local cloud from all else for a minute.
type Line = Arc<Mutex<Vec<Fan>>>;

impl Visit {
    /// One buyer: of tickets for the most part, else of points, or who gives an artist something.
    async fn begins(self, seed: u64) {
        let mut chance = fastrand::Rng::with_seed(seed);
        let is_doomed = chance.u8(..6) == 0;
        let shop = if is_doomed { self.doomed } else { self.shop };
        // Each third spends a coupon and points.
        let fan = if chance.u8(..3) == 0 { shop.fan_with_purse().await } else { shop.fan().await };
        let amount = Some(LumpSum::try_from(1_000 + chance.i64(0..9_000)).unwrap());
        let order = match chance.u8(..100) {
            0..8 => CreatePayment { amount, ..nothing(Purpose::Points) },
            8..16 => {
                let artist_id = Some(self.artist);
                CreatePayment { amount, artist_id, ..nothing(Purpose::Sponsorship) }
            }
            _ => shop.tickets(fan, chance.u32(1..=4)),
        };
        match shop.order_patiently(fan, order.clone(), "key").await {
            Ok(held) => pays(shop, fan, held, chance).await,
            Err((_, "SOLD_OUT")) if !is_doomed && chance.bool() => {
                joins(&shop, fan, order.quantity).await;
                self.line.lock().unwrap().push(fan);
            }
            Err(_) => {}
        }
    }
}

/// The buyer decides on KakaoPay's page, and comes back as often as its page leads there. Some go away, some come back when their
/// hold is over, some look again later, and some give a ticket back.
async fn pays(shop: Shop, fan: Fan, held: Held, mut chance: fastrand::Rng) {
    let decision = match chance.u8(..100) {
        0..75 => "approve",
        75..83 => "cancel",
        83..90 => "fail",
        _ => return,
    };
    let Some(back) = shop.simulator.decide(&held.page, decision).await else { return };
    let late = if chance.u8(..100) < 10 { shop.after(HOLD) } else { shop.clone() };
    let visit = |shop: Shop, address: String| async move {
        while let Err(refusal) = shop.visit(&address).await {
            assert_eq!(refusal.0, 503, "{refusal:?}");
        }
    };
    at_once((0..back.visits).map(|_| visit(late.clone(), back.address.clone()))).await;
    if chance.u8(..100) < 20 {
        visit(late.after(FIRST_LOOK), back.address).await;
    }
    if chance.u8(..100) < 20 {
        let paid = shop.store.get(&PaymentKey(held.id)).await.unwrap().unwrap();
        gives_back(late, fan, paid).await;
    }
}

/// One ticket, if there is one, by the same request until there is an answer.
async fn gives_back(mut shop: Shop, fan: Fan, paid: Payment) {
    if paid.ticket_ids().is_empty() {
        return;
    }
    for _ in 0..12 {
        match shop.give_back(fan, &paid, "back").await {
            Err((503, _)) => {}
            Err((409, "IDEMPOTENCY_IN_PROGRESS" | "REFUND_IN_PROGRESS")) => {
                shop = shop.after(LEASE);
            }
            // Of an event that was cancelled meanwhile it went back already, and of late comers there may be nothing.
            _ => return,
        }
    }
}

async fn joins(shop: &Shop, fan: Fan, quantity: Option<Quantity>) {
    let (caller, quantity) = (stack::caller(&fan.claims()), quantity.unwrap());
    for _ in 0..12 {
        let (event_id, now) = (shop.event.id, shop.now);
        let joined =
            sales::join(&shop.served, &caller, event_id, quantity, Language::Korean, now).await;
        match joined {
            Err(fault) if fault.retry_after().is_some() => {}
            _ => return,
        }
    }
}

/// The list's worker comes, and whoever is offered something takes it or lets it pass, until nothing is offered any more. Answers how
/// many took what they were offered, and how many let it pass.
async fn serves(shop: &Shop, line: &Line, chance: &mut fastrand::Rng) -> [usize; 2] {
    let line = line.lock().unwrap().clone();
    let post = stack::OwnQueue::new().await;
    let aws = stack::aws(&variable("AWS_ENDPOINT_URL"));
    let mail = Queue::new(&aws, post.url.clone());
    let waits = |shop: Shop, fan: Fan| async move {
        let waits = shop.store.waits_of(fan.member_id, 1, None).await.unwrap().items.pop();
        waits.filter(|it| it.state == waiting::State::Offered).map(|waits| (fan, waits))
    };
    let (mut done, mut shop) = ([0, 0], shop.clone());
    loop {
        let event_id = shop.event.id;
        while sales::serve(&shop.served, &mail, event_id, shop.now).await.is_err() {}
        let all = at_once(line.iter().map(|fan| waits(shop.clone(), *fan))).await;
        let offered: Vec<_> = all.into_iter().flatten().collect();
        if offered.is_empty() {
            return done;
        }
        let takers = offered.iter().map(|(fan, waits)| {
            let offer_id = waits.offer.as_ref().map(|offer| offer.id);
            let order = CreatePayment { offer_id, ..shop.tickets(*fan, waits.quantity.get()) };
            let (shop, fan, mut chance) = (shop.clone(), *fan, chance.fork());
            async move {
                if chance.u8(..4) == 0 {
                    return 0;
                }
                let taken = shop.order_patiently(fan, order, "offer").await;
                let was_taken = taken.is_ok();
                if let Ok(held) = taken {
                    pays(shop, fan, held, chance).await;
                }
                usize::from(was_taken)
            }
        });
        done[0] += at_once(takers.collect::<Vec<_>>()).await.iter().sum::<usize>();
        shop = shop.after(OFFER);
        for (fan, _) in offered {
            while sales::withdraw(&shop.served, fan.member_id, event_id, shop.now).await.is_err() {}
            let now = shop.store.get(&WaitingKey { member_id: fan.member_id, event_id }).await;
            done[1] += usize::from(now.unwrap().unwrap().state == waiting::State::Passed);
        }
    }
}

/// `FAULTS_SEED=1 make test` tries another run.
fn seed() -> u64 {
    std::env::var("FAULTS_SEED").map_or(2026, |seed| seed.parse().unwrap())
}

/// `make storm` asks for more.
fn purchases() -> u64 {
    std::env::var("STORM_PURCHASES").map_or(500, |number| number.parse().unwrap())
}

#[test]
fn no_won_is_lost_and_none_taken_twice_when_a_fifth_of_everything_fails() {
    stack::run(async {
        let (seed, purchases) = (seed(), purchases());
        println!("FAULTS_SEED={seed}");
        let simulator = Simulator::own().await;
        simulator.faults(switches(seed)).await;
        // Some two thirds of what is wanted.
        let seats = i64::try_from(purchases).unwrap();
        let shop = Shop::with(stack::dynamo(), simulator.clone(), LIMITS, shards(seats)).await;
        let doomed = Shop::with(stack::dynamo(), simulator, LIMITS, shards(2 * seats)).await;
        let artist = stack::sign_in(&shop.store, Role::Artist, shop.now).await.member_id;

        let (troubled, storm) = in_storm(&shop, "faults").await;
        let line = Line::default();
        let (on_sale, to_be_cancelled) = (troubled.clone(), doomed.clone());
        let mut visit =
            Visit { shop: on_sale, doomed: to_be_cancelled, artist, line: line.clone() };
        visit.doomed.served = troubled.served.clone();
        let (first, second) = (0..purchases).partition::<Vec<_>, _>(|it| *it < purchases / 2);
        for (half, is_last) in [(first, false), (second, true)] {
            let seed = |number: u64| seed ^ (number << 32);
            at_once(half.into_iter().map(|number| visit.clone().begins(seed(number)))).await;
            if !is_last {
                doomed.cancels().await;
            }
        }
        let mut chance = fastrand::Rng::with_seed(seed);
        let [taken, passed] = serves(&troubled, &line, &mut chance).await;
        storm.end().await;
        let before = [books::check(&shop).await, books::check(&doomed).await];
        for (name, books) in ["on sale", "cancelled"].iter().zip(&before) {
            println!("when all are gone, {name}: {:?}", books.states());
        }
        assert_swept(&shop, &before[0]).await;
        assert_swept(&doomed, &before[1]).await;

        shop.settle().await;
        doomed.settle().await;
        let gone = doomed.goes_back().await;
        let [later_taken, later_passed] = serves(&shop, &line, &mut chance).await;
        shop.settle().await;
        doomed.settle().await;
        let [after, cancelled] = [books::check(&shop).await, books::check(&doomed).await];
        println!("in the end, on sale: {:?}", after.states());
        println!("in the end, cancelled: {:?}, {:?}", cancelled.states(), gone.last);
        let [free, held, sold] = after.seats();
        println!("seats: {free} free, {} offered, {held} held, {sold} sold", after.offered());
        let offers = [taken + later_taken, passed + later_passed];
        println!("offers: {} taken, {} let pass", offers[0], offers[1]);
        println!("kinds: {:?}", after.purposes());
        after.assert_settled();
        cancelled.assert_settled();
        assert_eq!((held, after.offered()), (0, 0));
        for state in
            [State::Approved, State::Refunded, State::Cancelled, State::Failed, State::Expired]
        {
            assert!(after.states().contains_key(&state), "no payment was ever {state}");
        }
        assert!(
            after.states().contains_key(&State::PartiallyRefunded),
            "nobody gave a ticket back"
        );
        let has_tickets = |it: &Payment| it.tickets_left().next().is_some();
        assert!(!cancelled.payments.iter().any(has_tickets), "somebody has tickets of it");
        assert!(offers.iter().all(|it| *it > 0), "nobody was offered anything");
        assert_eq!(after.purposes().len(), Purpose::ALL.len());
    });
}

/// The sweeper finds whatever is open, should every message be lost.
async fn assert_swept(shop: &Shop, books: &books::Books) {
    // However long the line was served: each round of offers took half an hour of our clock.
    let last = books.payments.iter().filter_map(|payment| payment.due_at).max().unwrap();
    let mut found = Vec::new();
    for due in [Due::Hold, Due::Reconcile] {
        for shard in 0..SHARDS {
            found.extend(shop.store.due(due, shard, last, 10_000).await.unwrap());
        }
    }
    let lost = books
        .payments
        .iter()
        .find(|it| (it.state.can_expire() || it.is_unsettled()) && !found.contains(&it.id));
    assert_eq!(lost, None, "the sweeper does not find it");
}
