//! A show is cancelled: everybody has all their money back, once, whatever goes wrong on the way.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    event::Progress,
    id::{EventId, MemberId, TicketId},
    payment::{State, Step, amounts},
    refund::Cause,
    time::Time,
    won::Won,
};
use gateways::{Queue, RefundRequested};
use payments::refund_buyers::{self, Clients};
use reqwest::Method;
use serde_json::{Value, json};
use stack::OwnQueue;
use store::{
    Store, Transaction, Write,
    catalog::{event::Event, on_sale::OnSale},
    sales::{
        buyer::BuyerKey,
        event_refunds::{EventRefunds, EventRefundsKey, Tally},
        payment::{Booking, Payment, Secret},
        stock::{Seats, Stock, StockKey},
        ticket::Ticket,
    },
};

use crate::{
    shop::{Fan, Shop, at_once, books, simulator, variable},
    workers::{PAST, invoke, invoke_with, set_times},
    world::{Member, World, eventually},
};

/// Far above what the worker needs to be done at once.
const FAST: f64 = 10_000.0;

impl Shop {
    pub async fn cancels(&self) {
        self.store.cancel_event(self.event.id, self.now).await.unwrap();
    }

    async fn worker(&self, rate: f64) -> Clients {
        let own = OwnQueue::new().await;
        let queue = Queue::new(&stack::aws(&variable("AWS_ENDPOINT_URL")), own.url);
        Clients::new(self.served.clone(), self.kakaopay.clone(), queue, rate)
    }

    async fn refunds(&self) -> EventRefunds {
        self.store.get(&EventRefundsKey(self.event.id)).await.unwrap().unwrap()
    }

    /// The reconciler's work until this time.
    async fn reconcile_until(&self, until: Time) {
        let work = |shop: Self, payment: Payment| async move {
            let due = payment.due_at.unwrap();
            sales::reconcile(&shop.store, &shop.kakaopay, payment.id, due).await.unwrap();
        };
        let due = |payment: &Payment| {
            payment.is_unsettled() && payment.due_at.is_some_and(|due| due <= until)
        };
        let due = self.payments().await.into_iter().filter(due);
        at_once(due.map(|payment| work(self.clone(), payment))).await;
    }

    /// The worker's messages one after the other, with the reconciler's between the rounds, until nothing is sent on any more.
    pub async fn goes_back(&self) -> EventRefunds {
        let (worker, mut now) = (self.worker(FAST).await, Time::now());
        for _ in 0..50 {
            let Some(wait) = worker.go_on(self.event.id, now).await.unwrap() else {
                return self.refunds().await;
            };
            now = now.plus(wait.max(Duration::from_secs(1)));
            self.reconcile_until(now).await;
        }
        panic!("it never ends: {:?}", self.refunds().await);
    }

    async fn faults_of(&self, payment: &Payment, faults: Value) {
        let mut faults = faults;
        faults["partner_order_id"] = json!(payment.id);
        self.simulator.faults(faults).await;
    }
}

/// What became of each of the fifty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    One,
    Four,
    PartlyRefunded,
    Ready,
    Approving,
}

/// Fifty orders of all kinds. KakaoPay fails the first cancellation of each fifth, and each of those after the thirtieth.
async fn fifty(shop: &Shop) -> Vec<(Fan, Kind, Payment)> {
    let kinds = [Kind::One, Kind::Four, Kind::PartlyRefunded, Kind::Ready, Kind::Approving];
    let order = |shop: Shop, number: usize| async move {
        let (fan, kind) = (shop.fan().await, kinds[number % kinds.len()]);
        let quantity = match kind {
            Kind::One | Kind::Ready => 1,
            Kind::Four => 4,
            Kind::PartlyRefunded | Kind::Approving => 2,
        };
        let held = shop.buy(fan, quantity, "key").await.unwrap();
        let find = async || {
            let mut found = shop.store.payments_of(fan.member_id, 10, None).await.unwrap().items;
            found.remove(0)
        };
        match kind {
            Kind::Ready => {}
            Kind::Approving => {
                let lost = json!({
                    "approve": { "drop_after": 1, "times": 1 }, "order": { "error500": 1, "times": 2 },
                });
                shop.faults_of(&find().await, lost).await;
                assert_eq!(shop.pay(&held).await, Ok(State::Approving));
            }
            _ => assert_eq!(shop.pay(&held).await, Ok(State::Approved)),
        }
        if kind == Kind::PartlyRefunded {
            shop.give_back(fan, &find().await, "back").await.unwrap();
        }
        let payment = find().await;
        if number >= 30 {
            shop.faults_of(&payment, json!({ "cancel": { "error500": 1 } })).await;
        } else if number.is_multiple_of(5) {
            let once = json!({ "cancel": { "error500": 1, "times": 1 } });
            shop.faults_of(&payment, once).await;
        }
        (fan, kind, payment)
    };
    at_once((0..50).map(|number| order(shop.clone(), number))).await
}

#[test]
fn fifty_orders_of_a_cancelled_show_go_back_once_though_kakaopay_fails_and_the_worker_is_killed() {
    stack::run(async {
        let shop = Shop::open(200).await;
        let orders = fifty(&shop).await;
        let late = shop.fan().await;
        shop.cancels().await;
        assert_eq!(shop.buy(late, 1, "key").await.unwrap_err().1, "EVENT_CANCELLED");
        // One who is at KakaoPay's page at that moment pays.
        let at_page = orders.iter().find(|(_, kind, _)| *kind == Kind::Ready).unwrap();
        let page = &at_page.2.order.as_ref().unwrap().pc;
        let back = shop.simulator.decide(page, "approve").await.unwrap();
        assert_eq!(shop.visit(&back.address).await, Ok(State::Approved));

        // A worker is killed in the middle of it.
        let slow = shop.worker(5.0).await;
        let (id, now) = (shop.event.id, Time::now());
        let dies = tokio::spawn(async move { slow.go_on(id, now).await.map(drop) });
        eventually("some have their money back", 30, async || {
            let payments = shop.payments().await;
            let back = payments.iter().filter(|payment| payment.state == State::Refunded);
            (back.count() > 3).then_some(())
        })
        .await;
        dies.abort();
        drop(dies.await);
        let killed = books::check(&shop).await;
        assert!(killed.states().contains_key(&State::Approved), "it was done before it died");

        let refunds = shop.goes_back().await;

        let books = books::check(&shop).await;
        let number = |payment: &Payment| orders.iter().position(|(_, _, it)| it.id == payment.id);
        let mut failing = BTreeMap::new();
        for payment in &books.payments {
            let number = number(payment).unwrap();
            let kind = orders[number].1;
            let paid = kind != Kind::Ready || payment.id == at_page.2.id;
            let expected = match (paid, number >= 30) {
                (false, _) => State::Cancelled,
                (true, false) => State::Refunded,
                (true, true) => State::Refunding,
            };
            assert_eq!(payment.state, expected, "{number}: {kind:?}");
            if expected == State::Refunding {
                failing.insert(payment.id, "UNSETTLED".to_owned());
            }
            let begun = |step| payment.history.iter().filter(|it| it.step == step).count();
            let refunds = if kind == Kind::PartlyRefunded { 2 } else { usize::from(paid) };
            assert_eq!(begun(Step::StartRefund), refunds, "{number}: {kind:?} once");
        }
        assert_eq!(books.seats(), [200, 0, 0]);
        let told = Tally { total: 41, done: 41 - 16, failed: 16 };
        assert_eq!((refunds.state, refunds.told()), (Progress::NeedsPerson, told));
        assert_eq!(refunds.failures.len(), 16, "each is listed once");
        let listed = refunds.failures.into_iter().map(|it| (it.payment_id, it.reason));
        assert_eq!(listed.collect::<BTreeMap<_, _>>(), failing);

        // KakaoPay is well again, and somebody says so.
        for payment in &books.payments {
            shop.faults_of(payment, json!({})).await;
        }
        let refunds = shop.goes_back().await;
        let told = Tally { total: 41, done: 41, failed: 0 };
        assert_eq!((refunds.state, refunds.told()), (Progress::Done, told));
        assert!(refunds.failures.is_empty());
        let books = books::check(&shop).await;
        books.assert_settled();
        for order in shop.simulator.orders().await {
            if books.payments.iter().any(|payment| payment.id.to_string() == order.partner_order_id)
            {
                assert_eq!(order.net_amount, 0, "{order:?}");
            }
        }
        // Whoever says it once more changes nothing.
        assert_eq!(shop.goes_back().await, refunds);
        assert_eq!(books::check(&shop).await, books);
    });
}

/// Two workers with one event at the same moment, as a message that comes twice makes them.
#[test]
fn two_workers_with_one_cancelled_event_give_each_purchase_back_once() {
    stack::run(async {
        let shop = Shop::open(20).await;
        for fan in shop.crowd(6).await {
            let held = shop.buy(fan, 2, "key").await.unwrap();
            assert_eq!(shop.pay(&held).await, Ok(State::Approved));
        }
        shop.cancels().await;
        let (id, now) = (shop.event.id, Time::now());
        let mut workers = Vec::new();
        for _ in 0..2 {
            let worker = shop.worker(FAST).await;
            workers.push(async move { worker.go_on(id, now).await.map(drop) });
        }
        for done in at_once(workers).await {
            done.unwrap();
        }
        let refunds = shop.goes_back().await;
        assert_eq!((refunds.state, refunds.told().done), (Progress::Done, 6));
        let books = books::check(&shop).await;
        books.assert_settled();
        assert!(books.payments.iter().all(|payment| payment.refunds.len() == 1));
    });
}

#[test]
fn one_purchase_is_given_back_by_a_message_of_its_own_and_nothing_of_an_event_that_takes_place() {
    stack::run(async {
        let shop = Shop::open(20).await;
        let fan = shop.fan().await;
        let held = shop.buy(fan, 4, "key").await.unwrap();
        assert_eq!(shop.pay(&held).await, Ok(State::Approved));
        let work = async |message: &RefundRequested| {
            let worker = shop.worker(FAST).await;
            refund_buyers::handle(worker, message.clone()).await.unwrap();
            shop.payments().await.remove(0)
        };
        let event = RefundRequested::event(shop.event.id);
        assert_eq!(work(&event).await.state, State::Approved);

        let mut some = RefundRequested::purchase(held.id, Cause::CannotBeKept);
        let ticket = shop.payments().await[0].ticket_ids()[1];
        if let gateways::refunds::Requested::Purchase { ticket_ids, .. } = &mut some.detail {
            ticket_ids.push(ticket);
        }
        for _ in 0..2 {
            let payment = work(&some).await;
            assert_eq!((payment.state, payment.refunds.len()), (State::PartiallyRefunded, 1));
            assert_eq!(payment.refunds[0].ticket_ids, [ticket]);
        }
        for _ in 0..2 {
            let payment = work(&RefundRequested::purchase(held.id, Cause::CannotBeKept)).await;
            assert_eq!((payment.state, payment.refunds.len()), (State::Refunded, 2));
        }
        books::check(&shop).await.assert_settled();
    });
}

impl World {
    /// A payment of two tickets that is paid.
    async fn paid(&self, by: &Member) -> String {
        let held = self.buy(by, &self.event, 2).await;
        let id = held["id"].as_str().unwrap().to_owned();
        let back = self.at_kakaopay(&id, "approve").await;
        assert_eq!(self.done(self.request(Method::GET, &back)).await["state"], "APPROVED");
        id
    }

    async fn comes_to(&self, payment: &str, by: &Member, state: &str) -> Value {
        let path = format!("/v1/payments/{payment}");
        eventually(&format!("{payment} is {state}"), 60, async || {
            let payment = self.get(&path, by).await;
            (payment["state"] == state).then_some(payment)
        })
        .await
    }

    /// What a member finds in their inbox, of each kind so often.
    async fn told(&self, who: &Member) -> BTreeMap<String, usize> {
        let inbox = self.get("/v1/notifications", who).await;
        let mut told = BTreeMap::new();
        for item in inbox["items"].as_array().unwrap() {
            *told.entry(item["kind"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        told
    }
}

#[test]
fn a_cancelled_show_is_told_to_everybody_and_its_money_comes_back_by_itself() {
    stack::run(async {
        let world = World::new().await;
        let buyer = &world.stranger;
        let paid = world.paid(buyer).await;
        world.mailed(&buyer.email, "Your tickets are booked").await;
        let fails = json!({ "partner_order_id": paid, "cancel": { "error500": 1, "times": 1 } });
        let set = world.kakaopay(Method::POST, "/_sim/faults").json(&fails).send().await.unwrap();
        assert!(set.status().is_success());
        let order = json!({ "eventId": world.event });
        let refunds = async || {
            let path = format!("/v1/events/{}/refunds", world.event);
            world.get(&path, &world.artist).await
        };
        assert_eq!(refunds().await["state"], Value::Null);

        let cancelled = invoke_with("cancel_event", order.clone()).await;
        assert_eq!((&cancelled["state"], &cancelled["version"]), (&json!("CANCELLED"), &json!(2)));

        world.comes_to(&paid, buyer, "REFUNDING").await;
        // It has run out, if all this took a minute.
        let hold = format!("/v1/payments/{}", world.payment);
        eventually("the fan's hold is ended", 30, async || {
            let state = world.get(&hold, &world.fan).await["state"].clone();
            (state == "CANCELLED" || state == "EXPIRED").then_some(())
        })
        .await;
        world.mailed(&buyer.email, "Your event is cancelled").await;
        eventually("its artist sees one purchase that is not done", 30, async || {
            let told = refunds().await;
            let numbers = ["total", "done", "failed"].map(|it| told[it].as_u64().unwrap());
            (told["state"] == "RUNNING" && numbers == [1, 0, 0]).then_some(())
        })
        .await;
        let path = format!("/v1/events/{}", world.event);
        assert_eq!(world.done(world.request(Method::GET, &path)).await["state"], "CANCELLED");

        set_times(&paid, &[("dueAt", PAST)]).await;
        invoke("sweep_payments").await;
        let payment = world.comes_to(&paid, buyer, "REFUNDED").await;
        assert_eq!(
            (&payment["refunded"]["cash"], &payment["refunds"][0]["cause"]),
            (&json!(60_000), &json!("EVENT_CANCELLED"))
        );
        world.mailed(&buyer.email, "Your money is back").await;
        // Said again it goes on at once.
        assert_eq!(invoke_with("cancel_event", order).await, cancelled);
        eventually("all is done", 90, async || {
            let told = refunds().await;
            (told["state"] == "DONE" && told["done"] == 1).then_some(())
        })
        .await;
        let kinds = ["EVENT_CANCELLED", "PAYMENT_APPROVED", "PAYMENT_REFUNDED"];
        let once: BTreeMap<_, _> = kinds.map(|kind| (kind.to_owned(), 1)).into();
        assert_eq!(world.told(buyer).await, once);
        assert_eq!(world.told(&world.artist).await, [("TICKET_SOLD".to_owned(), 1)].into());
    });
}

#[test]
fn money_that_went_back_at_kakaopays_desk_takes_its_tickets_back() {
    stack::run(async {
        let world = World::new().await;
        let paid = world.paid(&world.stranger).await;
        let books = format!("/_sim/payments?id={paid}");
        let order = world.done(world.kakaopay(Method::GET, &books)).await;
        let desk = json!({
            "cid": simulator::CID, "tid": order["payments"][0]["tid"], "cancel_amount": 60_000, "cancel_tax_free_amount": 0,
        });
        let cancel = world.kakaopay(Method::POST, "/online/v1/payment/cancel").json(&desk);
        let cancel = cancel.header("Authorization", format!("SECRET_KEY {}", simulator::KEY));
        world.done(cancel).await;
        let payment = eventually("it is found", 60, async || {
            set_times(&paid, &[("dueAt", PAST)]).await;
            invoke("audit_payments").await;
            let payment = world.get(&format!("/v1/payments/{paid}"), &world.stranger).await;
            (payment["state"] == "REFUNDED").then_some(payment)
        })
        .await;
        assert_eq!(payment["refunds"][0]["cause"], "WENT_BACK");
        // The fan holds another, for a minute.
        eventually("its seats are back", 10, async || {
            (world.seats_left(&world.event).await >= 49).then_some(())
        })
        .await;
    });
}

/// An event at no price of so many buyers, each with a ticket, put there as they are: what a purchase does is tested elsewhere.
async fn crowded(store: &Store, buyers: u32) -> EventId {
    let now = Time::now();
    let event = Event { price: 0.try_into().unwrap(), ..stack::event(i64::from(buyers), now) };
    let shard = event.shards;
    let (on_sale, quantity) = (OnSale::from(&event), 1.try_into().unwrap());
    let mut writes = Vec::from(event.create());
    let mut sold = vec![0_u32; usize::from(shard)];
    for number in 0..buyers {
        let (buyer, number) = (MemberId::generate(), (number % u32::from(shard)) as u16);
        let amounts = amounts(event.price, quantity, None, Won::ZERO).unwrap();
        let token = Secret("token".into());
        let mut booking = Booking::of(&on_sale, quantity);
        booking.seats = vec![Seats { number, count: 1 }];
        booking.ticket_ids = vec![TicketId::generate()];
        let reserved = Payment::reserved(buyer, booking.clone().into(), amounts, now, token, now);
        let paid = reserved.after(Step::ApproveFree, now).unwrap();
        sold[usize::from(number)] += 1;
        let counter = BuyerKey { member_id: buyer, event_id: event.id };
        writes.push(Ticket::of(&paid, &booking, booking.ticket_ids[0], now).create());
        writes.push(paid.create());
        writes.push(Write::update(&counter).add("tickets", 1));
    }
    for (number, sold) in (0..).zip(sold) {
        let shard = domain::stock::Shard { sold, ..domain::stock::Shard::of_free(number, 0) };
        let key = StockKey { event_id: event.id, number };
        let (event_id, sale) = (event.id, event.sale());
        writes.push(Write::create(
            &key,
            &Stock { event_id, shard, sale, takings: 0, waited_for: false },
        ));
    }
    let write = |store: Store, some: Vec<Write>| async move {
        let all = some.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        store.transact(all).await.unwrap();
    };
    at_once(writes.chunks(99).map(|some| write(store.clone(), some.to_vec()))).await;
    event.id
}

/// How many calls it takes to give so many buyers everything back.
async fn calls_for(buyers: u32) -> usize {
    let prefix = stack::own_tables().await;
    let id = crowded(&Store::new(stack::dynamo(), &prefix), buyers).await;
    let (client, meter) = stack::metered();
    let mut shop = Shop::open(1).await;
    shop.served = Store::new(client, &prefix);
    let worker = shop.worker(FAST).await;
    shop.served.cancel_event(id, Time::now()).await.unwrap();
    let mut calls = 0;
    while worker.go_on(id, Time::now()).await.unwrap().is_some() {
        calls += meter.take().len();
    }
    calls += meter.take().len();
    let refunds = shop.served.get(&EventRefundsKey(id)).await.unwrap().unwrap();
    let told = Tally { total: buyers, done: buyers, failed: 0 };
    assert_eq!((refunds.state, refunds.told()), (Progress::Done, told));
    calls
}

#[test]
fn ten_times_the_buyers_of_a_cancelled_event_cost_ten_times_the_calls() {
    stack::run(async {
        // `CALLED_OFF_BUYERS=10000` takes some minutes.
        let most = std::env::var("CALLED_OFF_BUYERS").map_or(1_000, |most| most.parse().unwrap());
        let (few, many) = (calls_for(most / 10).await, calls_for(most).await);
        println!("{} buyers: {few} calls; {most}: {many}", most / 10);
        assert!(many <= few * 10, "{few} calls for a tenth, {many} for all");
    });
}
