//! Buyers who meet on a shard: what the model of a sale (`infra/throughput/model.py`) is held against.

use std::{
    env,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use domain::{
    event::Quantity, id::PaymentId, language::Language, member::Role, refund::Cause, time::Time,
    who::Claims,
};
use futures::future::try_join_all;
use gateways::{
    Kakaopay, Limits,
    kakaopay::{Config, Key},
};
use sales::{Asked, Purchase, Terms, Tickets, Wants, hold, refund};
use serde_json::{Value, json};
use store::{
    Store,
    catalog::event::Event,
    sales::{payment::PaymentKey, points::BalanceKey},
};

use crate::{Result, orders::a_few_at_a_time, ours};

/// Shards, milliseconds for which a transaction has its items, buyers. The local cloud does some thirty orders a second, however they are
/// spread: so at ten shards transactions are made as long as shards, and not it, are what buyers wait for.
const RUNS: [(u16, u32, usize); 6] =
    [(1, 20, 8), (1, 50, 16), (1, 50, 32), (10, 150, 8), (10, 200, 16), (10, 300, 32)];
const SECONDS: u64 = 20;
/// Each so manieth order is given back at once.
const RETURNED: usize = 4;
/// How many tickets one has of an event at most.
const EACH: usize = 4;
/// Our name at the recorder: nobody else's transactions are made longer.
const NAME: &str = "bench-sales";

struct Buying {
    store: Store,
    kakaopay: Kakaopay,
    terms: Terms,
    event: Event,
    people: Vec<Claims>,
    next: AtomicUsize,
}

pub async fn run() -> Result<Value> {
    let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build()?;
    let faults = env::var("FAULTS_URL")?;
    let store = Store::new(stack::recorded(NAME), stack::prefix());
    let call_ms = call(&store).await?;
    let mut runs = Vec::new();
    for (shards, service_ms, buyers) in RUNS {
        let rule = json!({ "fault": "taken", "function": NAME, "service": "dynamodb", "milliseconds": service_ms });
        let rule: Value =
            http.post(&faults).json(&rule).send().await?.error_for_status()?.json().await?;
        let alone = Buying::at(&store, shards, 1).await?;
        let [alone_order, alone_return] = alone.alone().await?;
        let crowd = Buying::at(&store, shards, buyers).await?;
        let orders = crowd.crowd(buyers).await?;
        http.delete(format!("{faults}/{}", rule["id"])).send().await?.error_for_status()?;
        let minute = orders as f64 * 60.0 / SECONDS as f64;
        eprintln!(
            "  {shards} shards, {service_ms} ms, {buyers} buyers: {minute:.0} orders a minute; alone an order takes {alone_order:.0} ms"
        );
        runs.push(json!({
            "shards": shards, "serviceMs": service_ms, "clients": buyers, "seconds": SECONDS, "returned": 1.0 / RETURNED as f64,
            "aloneOrderMs": alone_order, "aloneReturnMs": alone_return, "callMs": call_ms, "ordersPerMinute": minute,
        }));
    }
    Ok(json!({ "runs": runs }))
}

/// What one call takes besides its work, in milliseconds.
async fn call(store: &Store) -> Result<f64> {
    const CALLS: u32 = 100;
    let mut began = Instant::now();
    for number in 0..=CALLS {
        if number == 1 {
            began = Instant::now();
        }
        store.get(&PaymentKey(PaymentId::generate())).await?;
    }
    Ok(began.elapsed().as_secs_f64() * 1e3 / f64::from(CALLS))
}

impl Buying {
    async fn at(store: &Store, shards: u16, buyers: usize) -> Result<Self> {
        // Put there without the faults.
        let quiet = ours::store();
        let event = ours::publish(&quiet, 100_000, Some(shards)).await?;
        let most = 40 * buyers * SECONDS as usize / EACH;
        let people = a_few_at_a_time(most.clamp(40, 700), async || {
            Ok(stack::sign_in(&quiet, Role::User, Time::now()).await)
        });
        let config = Config {
            url: "http://127.0.0.1:9".into(),
            cid: "none".into(),
            key: Key::Known("none".into()),
            limits: Limits::default(),
        };
        Ok(Self {
            store: store.clone(),
            kakaopay: Kakaopay::new(config)?,
            terms: Terms { hold: Duration::from_secs(900), public_url: "http://127.0.0.1".into() },
            event,
            people: people.await?,
            next: AtomicUsize::new(0),
        })
    }

    /// What an order takes, and a return, when nobody else is there: the mean of some, in milliseconds.
    async fn alone(&self) -> Result<[f64; 2]> {
        const ORDERS: u32 = 30;
        let (mut ordering, mut returning) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..ORDERS {
            let began = Instant::now();
            let payment = self.order().await?.ok_or("nobody else was there, and it was refused")?;
            ordering += began.elapsed();
            let began = Instant::now();
            self.give_back(payment).await?;
            returning += began.elapsed();
        }
        Ok([ordering, returning].map(|time| time.as_secs_f64() * 1e3 / f64::from(ORDERS)))
    }

    /// How many orders were done in the time.
    async fn crowd(&self, buyers: usize) -> Result<usize> {
        let until = Instant::now() + Duration::from_secs(SECONDS);
        let buying = (0..buyers).map(async |_| {
            let mut orders = 0;
            while Instant::now() < until {
                let Some(payment) = self.order().await? else { continue };
                orders += usize::from(Instant::now() < until);
                if fastrand::usize(..RETURNED) == 0 {
                    self.give_back(payment).await?;
                }
            }
            Result::Ok(orders)
        });
        Ok(try_join_all(buying).await?.into_iter().sum())
    }

    /// A ticket for the next of the people; nothing when it was told to come again.
    async fn order(&self) -> Result<Option<PaymentId>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if number >= EACH * self.people.len() {
            return Err("everybody has bought: let more people in".into());
        }
        // Nobody buys twice at the same moment: they would meet on their own items.
        let person = &self.people[number % self.people.len()];
        let quantity = Quantity::try_from(1).map_err(|_| "one is a quantity")?;
        let purchase = Purchase {
            buyer: stack::caller(person),
            address: person.member_id.to_string(),
            wants: Wants::Tickets(Tickets {
                event_id: self.event.id,
                quantity,
                claim_id: None,
                points: Default::default(),
                offer_id: None,
                queue_ticket: None,
                terms_version: None,
            }),
            language: Language::Korean,
            key: number.to_string(),
            body_hash: String::new(),
        };
        match hold(&self.store, &self.kakaopay, &self.terms, &purchase, Time::now()).await {
            Ok(held) => Ok(Some(held.payment_id)),
            Err(sales::SalesFault::Store(store::StoreFault::Unavailable(_))) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn give_back(&self, id: PaymentId) -> Result<()> {
        let payment = self.store.get(&PaymentKey(id)).await?.ok_or("it is gone")?;
        let balance = self.store.get(&BalanceKey(payment.member_id)).await?.unwrap_or_default();
        let asked = Asked {
            ticket_ids: payment.ticket_ids().to_vec(),
            cause: Cause::BuyerAsked,
            total: None,
        };
        match refund(&self.store, &self.kakaopay, payment, balance, &asked, None, Time::now()).await
        {
            Ok(_) | Err(sales::SalesFault::Store(store::StoreFault::Unavailable(_))) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}
