//! One event on sale, its fans, and the real handlers that they reach, with a clock that a test moves.

pub mod books;
pub mod simulator;

use std::{
    env,
    future::Future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use api::{Anyone, Body, Call, Context, Cursors, Path, Problem, Query, Response};
use aws::Secret;
use domain::{
    event::Capacity,
    id::{ClaimId, CouponId, MemberId, PaymentId, SessionId},
    member::Role,
    payment::{Purpose, State},
    refund::Cause,
    stock::{Shard, shards_for},
    time::Time,
    who::Claims,
    won::Won,
};
use gateways::{
    Kakaopay, Limits,
    kakaopay::{Config, Key},
};
use payments::{
    PaymentPath, ReturnPath, approve_payment, cancel_payment,
    create_payment::{self, CreatePayment},
    fail_payment, refund_payment,
};
use sales::Terms;
use serde_json::{Value, json};
use store::{
    Client, Store, Transaction, Write,
    catalog::event::Event,
    ephemeral::idempotency::RecordKey,
    sales::{
        claim::{Claim, ClaimKey},
        payment::Payment,
        points::top_up,
        purchase::PurchaseKey,
        stock::{Stock, StockKey},
    },
};
use tokio::sync::Semaphore;

use self::simulator::Simulator;

pub const HOLD: Duration = Duration::from_secs(900);
/// After so long a retry may go on with what a crash left behind.
pub const LEASE: Duration = Duration::from_secs(31);
/// After so long the reconciler looks at a payment in between.
pub const FIRST_LOOK: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub struct Shop {
    /// What tests look into.
    pub store: Store,
    /// What the handlers are given: the same tables, in whatever weather.
    pub served: Store,
    pub kakaopay: Kakaopay,
    pub cursors: Cursors,
    pub simulator: Arc<Simulator>,
    pub event: Event,
    pub now: Time,
    /// The stock before the first of our fans came.
    opening: Arc<Vec<Shard>>,
    fans: Arc<Mutex<Vec<Fan>>>,
    /// With which number of a queue everybody comes.
    pub ticket: Option<String>,
    /// How often those who buy patiently were answered 503.
    pub unavailable: Arc<AtomicUsize>,
}

#[derive(Clone, Copy, Debug)]
pub struct Fan {
    pub member_id: MemberId,
    pub session_id: SessionId,
    /// What they buy with besides money.
    pub purse: Option<Purse>,
}

/// A claimed coupon, and the points that each purchase is to spend.
#[derive(Clone, Copy, Debug)]
pub struct Purse {
    pub claim_id: ClaimId,
    pub points: Won,
}

impl Fan {
    /// What their token says.
    pub fn claims(&self) -> Claims {
        let Self { member_id, session_id, .. } = *self;
        Claims { member_id, session_id, role: Role::User }
    }
}

/// What a buyer was answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    pub id: PaymentId,
    /// The address of KakaoPay's page.
    pub page: String,
}

/// A problem as its caller sees it.
pub type Refusal = (u16, &'static str);

fn refusal(problem: Problem) -> Refusal {
    (problem.http_status().as_u16(), problem.code())
}

/// An order for this purpose that says nothing else.
pub fn nothing(purpose: Purpose) -> CreatePayment {
    let (event_id, quantity, claim_id, points, offer_id, terms_version) = Default::default();
    let (artist_id, amount, message) = Default::default();
    CreatePayment {
        purpose,
        event_id,
        quantity,
        claim_id,
        points,
        offer_id,
        terms_version,
        artist_id,
        amount,
        message,
    }
}

/// Full shards for so many seats, as publishing makes them.
pub fn shards(capacity: i64) -> Vec<Shard> {
    let full = shards_for(Capacity::try_from(capacity).unwrap().get());
    (0..).zip(full).map(|(number, free)| Shard::of_free(number, free)).collect()
}

impl Shop {
    pub async fn open(capacity: i64) -> Self {
        Self::with(stack::dynamo(), Simulator::shared(), Limits::default(), shards(capacity)).await
    }

    pub async fn with(
        client: Client,
        simulator: Arc<Simulator>,
        limits: Limits,
        opening: Vec<Shard>,
    ) -> Self {
        let (store, now) = (Store::new(client, stack::prefix()), Time::now());
        let seats = opening.iter().map(|shard| i64::from(shard.free + shard.sold)).sum::<i64>();
        let shards = opening.len().try_into().unwrap();
        let event = Event { shards, ..stack::event(seats, now) };
        let publish = event.create().into_iter().fold(Transaction::<()>::new(), Transaction::also);
        let publish = opening.iter().fold(publish, |transaction, &shard| {
            let key = StockKey { event_id: event.id, number: shard.number };
            let stock = Stock {
                event_id: event.id,
                shard,
                sale: event.sale(),
                takings: 0,
                waited_for: false,
            };
            transaction.also(Write::create(&key, &stock))
        });
        store.transact(publish).await.unwrap();
        let config = Config {
            url: simulator.url.clone(),
            cid: simulator::CID.into(),
            key: Key::Known(simulator::KEY.into()),
            limits,
        };
        let kakaopay = Kakaopay::new(config).unwrap();
        let (aws, id) = stack::cursor_secret().await;
        Self {
            served: store.clone(),
            store,
            kakaopay,
            cursors: Cursors::new(Secret::new(&aws, &id)),
            simulator,
            event,
            now,
            opening: opening.into(),
            fans: Arc::default(),
            ticket: None,
            unavailable: Arc::default(),
        }
    }

    /// The same shop, so much later.
    pub fn after(&self, time: Duration) -> Self {
        Self { now: self.now.plus(time), ..self.clone() }
    }

    /// Somebody who signed in.
    pub async fn fan(&self) -> Fan {
        self.comes(None).await
    }

    /// The same, who claimed a coupon and bought twice as many points as a purchase of theirs spends.
    pub async fn fan_with_purse(&self) -> Fan {
        let purse = Purse { claim_id: ClaimId::generate(), points: Won::new(1_001) };
        let fan = self.comes(Some(purse)).await;
        let (member_id, id) = (fan.member_id, purse.claim_id);
        let claim = json!({
            "id": id, "couponId": CouponId::generate(), "discount": 4_000, "state": "USABLE",
            "expiresOn": self.now.plus(HOLD * 100).korean_day(),
        });
        let claim: Claim = serde_json::from_value(claim).unwrap();
        let claimed = Write::create(&ClaimKey { member_id, id }, &claim);
        let bought = Won::new(2 * purse.points.get());
        let bought = top_up(member_id, PaymentId::generate(), bought, self.now);
        let whole = bought.into_iter().fold(Transaction::<()>::new(), Transaction::also);
        self.store.transact(whole.also(claimed)).await.unwrap();
        fan
    }

    async fn comes(&self, purse: Option<Purse>) -> Fan {
        let Claims { member_id, session_id, .. } =
            stack::sign_in(&self.store, Role::User, self.now).await;
        let fan = Fan { member_id, session_id, purse };
        self.fans.lock().unwrap().push(fan);
        fan
    }

    pub async fn crowd(&self, size: usize) -> Vec<Fan> {
        let arriving = |shop: Self| async move { shop.fan().await };
        at_once((0..size).map(|_| arriving(self.clone()))).await
    }

    pub fn fans(&self) -> Vec<Fan> {
        self.fans.lock().unwrap().clone()
    }

    /// `POST /v1/payments` for tickets.
    pub async fn buy(&self, fan: Fan, quantity: u32, key: &str) -> Result<Held, Refusal> {
        self.order(fan, self.tickets(fan, quantity), key).await
    }

    /// An order of so many tickets.
    pub fn tickets(&self, fan: Fan, quantity: u32) -> CreatePayment {
        CreatePayment {
            event_id: Some(self.event.id),
            quantity: Some(i64::from(quantity).try_into().unwrap()),
            claim_id: fan.purse.map(|purse| purse.claim_id),
            points: fan.purse.map(|purse| purse.points),
            ..nothing(Purpose::Tickets)
        }
    }

    /// `POST /v1/payments`.
    pub async fn order(&self, fan: Fan, body: CreatePayment, key: &str) -> Result<Held, Refusal> {
        let mut context = Context { address: fan.member_id.to_string(), ..Context::at(self.now) };
        context.headers.insert("Idempotency-Key", key.parse().unwrap());
        if let Some(ticket) = &self.ticket {
            context.headers.insert("Queue-Ticket", ticket.parse().unwrap());
        }
        // The same request again, even if a function's own process has seen it first.
        let key = PurchaseKey { member_id: fan.member_id, key: key.into() };
        context.fingerprint = self
            .store
            .get(&key)
            .await
            .unwrap()
            .map_or("fingerprint".into(), |known| known.body_hash);
        let call = Call { who: stack::caller(&fan.claims()), input: Body(body), context };
        let terms = Terms { hold: HOLD, public_url: "http://127.0.0.1:3000".into() };
        let clients = (self.served.clone(), self.kakaopay.clone(), terms, self.cursors.clone());
        let held = create_payment::handle(clients, call).await.map_err(refusal)?.value;
        let answer = serde_json::to_value(&held).unwrap();
        let page = answer["kakaopay"]["pc"].as_str().unwrap_or_default().to_owned();
        Ok(Held { id: held.id, page })
    }

    /// The same key until there is an answer, as a client does, at most a dozen times; each retry that is told to wait
    /// comes when it may. Each 503 is counted.
    pub async fn buy_patiently(&self, fan: Fan, quantity: u32, key: &str) -> Result<Held, Refusal> {
        self.order_patiently(fan, self.tickets(fan, quantity), key).await
    }

    /// The same of any order.
    pub async fn order_patiently(
        &self,
        fan: Fan,
        body: CreatePayment,
        key: &str,
    ) -> Result<Held, Refusal> {
        let mut shop = self.clone();
        for _ in 0..12 {
            match shop.order(fan, body.clone(), key).await {
                Err((409, "IDEMPOTENCY_IN_PROGRESS")) => shop = shop.after(LEASE),
                Err((503, _)) => _ = self.unavailable.fetch_add(1, Ordering::Relaxed),
                answer => return answer,
            }
        }
        shop.order(fan, body, key).await
    }

    /// Whoever visits one of the return addresses, and the state that they are shown.
    pub async fn visit(&self, address: &str) -> Result<State, Refusal> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut parts = path.rsplit('/');
        let (way, token, _, id) = (parts.next(), parts.next(), parts.next(), parts.next());
        let path =
            ReturnPath { payment_id: id.unwrap().parse().unwrap(), token: token.unwrap().into() };
        let (who, context) = (Anyone, Context::at(self.now));
        let store = self.served.clone();
        let answer: Result<Response, Problem> = match way.unwrap() {
            "approve" => {
                let query = approve_payment::ApprovalQuery {
                    pg_token: query
                        .strip_prefix("pg_token=")
                        .unwrap()
                        .to_owned()
                        .try_into()
                        .unwrap(),
                };
                let (clients, input) = ((store, self.kakaopay.clone()), (Path(path), Query(query)));
                approve_payment::handle(clients, Call { who, input, context }).await
            }
            "cancel" => {
                let input = (Path(path), Query(api::Anything {}));
                let clients = (store, self.kakaopay.clone());
                cancel_payment::handle(clients, Call { who, input, context }).await
            }
            way => {
                assert_eq!(way, "fail");
                let input = (Path(path), Query(api::Anything {}));
                let clients = (store, self.kakaopay.clone());
                fail_payment::handle(clients, Call { who, input, context }).await
            }
        };
        let body: Value = serde_json::from_slice(answer.map_err(refusal)?.body()).unwrap();
        Ok(serde_json::from_value(body["state"].clone()).unwrap())
    }

    /// The payer agrees on KakaoPay's page and comes back.
    pub async fn pay(&self, held: &Held) -> Result<State, Refusal> {
        let back = self.simulator.decide(&held.page, "approve").await.unwrap();
        self.visit(&back.address).await
    }

    /// What is told of a payment's first ticket, cash and points together.
    pub fn first_of(&self, payment: &Payment) -> Won {
        let first = vec![payment.ticket_ids()[0]];
        let quote = payment.refund(first, Cause::BuyerAsked, self.now).unwrap();
        quote.cash.checked_add(quote.points).unwrap()
    }

    /// `POST /v1/payments/{paymentId}/refunds` of the payment's first ticket.
    pub async fn give_back(&self, fan: Fan, payment: &Payment, key: &str) -> Result<(), Refusal> {
        let mut context = Context::at(self.now);
        context.headers.insert("Idempotency-Key", key.parse().unwrap());
        let account = fan.member_id.to_string();
        let record = RecordKey { account, operation: "refund_payment", key: key.into() };
        // As above.
        context.fingerprint = self
            .store
            .get(&record)
            .await
            .unwrap()
            .map_or("fingerprint".into(), |known| known.body_hash);
        let path = PaymentPath { payment_id: payment.id };
        let body = refund_payment::RefundPayment {
            ticket_ids: vec![payment.ticket_ids()[0]],
            total: self.first_of(payment),
        };
        let who = stack::caller(&fan.claims());
        let call = Call { who, input: (Path(path), Body(body)), context };
        let clients = (self.served.clone(), self.kakaopay.clone());
        refund_payment::handle(clients, call).await.map_err(refusal).map(drop)
    }

    /// All payments of our fans.
    pub async fn payments(&self) -> Vec<Payment> {
        let list = |shop: Self, fan: Fan| async move {
            let page = shop.store.payments_of(fan.member_id, 1_000, None).await.unwrap();
            page.items
        };
        at_once(self.fans().into_iter().map(|fan| list(self.clone(), fan))).await.concat()
    }

    /// The workers' next days: ends every hold and reconciles every payment in between, each when it is due and not
    /// before, until nothing is.
    pub async fn settle(&self) {
        let work = |shop: Self, payment: Payment| async move {
            let Some(now) = payment.due_at else { return payment };
            let Self { store, kakaopay, .. } = shop;
            let done = match payment.state.can_expire() {
                true => sales::expire(&store, payment.id, now).await,
                false => sales::reconcile(&store, &kakaopay, payment.id, now).await,
            };
            done.unwrap()
        };
        let mut open = self.payments().await;
        for _ in 0..100 {
            open.retain(|payment| payment.state.can_expire() || payment.is_unsettled());
            if open.is_empty() {
                return;
            }
            open = at_once(open.into_iter().map(|payment| work(self.clone(), payment))).await;
        }
        panic!("{} payments are never settled", open.len());
    }
}

/// How many a test lets contend at any moment: far more than two cores can serve.
const AT_ONCE: usize = 128;

/// Runs all of them, [`AT_ONCE`] at a time, and answers in their order.
pub async fn at_once<F>(tasks: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let start = |task: F| {
        let places = Arc::clone(&places);
        tokio::spawn(async move {
            let _place = places.acquire().await;
            task.await
        })
    };
    let mut outcomes = Vec::new();
    for running in tasks.into_iter().map(start).collect::<Vec<_>>() {
        outcomes.push(running.await.unwrap());
    }
    outcomes
}

/// A variable that `make test` sets.
pub fn variable(name: &str) -> String {
    env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: these tests are run by `make test`"))
}
