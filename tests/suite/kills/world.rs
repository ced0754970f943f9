//! One buyer's purchase, as far as it has come before the function that dies; the events that the function gets; and what the
//! buyer and the workers do next.

use std::time::Duration;

use domain::{
    id::OfferId,
    language::Language,
    payment::{ORDER_CLOSED_AFTER, State},
    time::Time,
};
use gateways::{Queue, kakaopay::ApproveRequest};
use serde_json::{Value, json};
use store::{
    Write,
    identity::follow::FollowerKey,
    sales::{by_event, payment::Payment, stock::StockKey},
};
use tests::gateway::request;

use super::program::things;
use crate::{
    killed::{signed, token},
    shop::{FIRST_LOOK, Fan, Held, LEASE, Shop, books, simulator::Back},
};

const KEY: &str = "key";

/// A shop of ten seats with one buyer, who pays with a coupon and points besides money, as far as the story has come before the function that dies.
pub struct World {
    pub shop: Shop,
    fan: Fan,
    held: Option<Held>,
    paid: Option<Payment>,
    back: Option<Back>,
    offer: Option<OfferId>,
}

impl World {
    pub async fn new() -> Self {
        Self::begun(Duration::ZERO).await
    }

    /// One whose story began so long ago.
    pub async fn begun(ago: Duration) -> Self {
        let mut shop = Shop::open(10).await;
        shop.now = shop.now.minus(ago);
        // Who is in the last shard of the event's payments has none after them.
        let in_last = |fan: Fan| {
            let (artist_id, member_id) = (shop.event.artist_id, fan.member_id);
            let (partition, _) = store::Key::pair(&FollowerKey { artist_id, member_id });
            partition.ends_with(&format!("#{}", by_event::SHARDS - 1))
        };
        let mut fan = shop.fan_with_purse().await;
        while in_last(fan) {
            fan = shop.fan_with_purse().await;
        }
        Self { fan, shop, held: None, paid: None, back: None, offer: None }
    }

    pub async fn held(mut self) -> Self {
        self.held = Some(self.shop.buy(self.fan, 2, KEY).await.unwrap());
        self
    }

    /// The payer has decided on KakaoPay's page, and is on the way back.
    pub async fn decided(mut self, decision: &str) -> Self {
        self.back = self.shop.simulator.decide(&self.held.as_ref().unwrap().page, decision).await;
        self
    }

    /// What goes wrong at KakaoPay with this payment alone.
    pub async fn with_faults(self, mut switches: Value) -> Self {
        switches["partner_order_id"] = json!(self.held.as_ref().unwrap().id);
        self.shop.simulator.faults(switches).await;
        self
    }

    /// The payer came back, and what KakaoPay did then nobody knows: the reconciler is due.
    pub async fn unclear(approval: Value, order_faults: u32) -> Self {
        let mut approval = approval;
        approval["times"] = json!(1);
        let switches =
            json!({ "approve": approval, "order": { "error500": 1, "times": order_faults } });
        let world = Self::begun(FIRST_LOOK * 2).await.held().await.decided("approve").await;
        let world = world.with_faults(switches).await;
        let address = &world.back.as_ref().unwrap().address;
        assert_eq!(world.shop.visit(address).await, Ok(State::Approving));
        world
    }

    /// KakaoPay refused to take the money, and took it afterwards: the last look at the payment is due.
    pub async fn charged_late() -> Self {
        let world = Self::begun(ORDER_CLOSED_AFTER * 2).await.held().await.decided("approve").await;
        let address = &world.back.as_ref().unwrap().address;
        let (without_token, token) = address.split_once("pg_token=").unwrap();
        let refused = format!("{without_token}pg_token=not-the-payers-own");
        assert_eq!(world.shop.visit(&refused).await, Ok(State::Failed));
        let payment = world.shop.payments().await.remove(0);
        let request = ApproveRequest {
            tid: &payment.order.as_ref().unwrap().tid,
            payment: payment.id,
            member: payment.member_id,
            total: payment.amounts.cash,
            pg_token: token,
        };
        world.shop.kakaopay.approve(request).await.unwrap();
        world
    }

    /// The buyer sends the request again, pays and comes back; what then is in between the workers settle.
    pub async fn persist(&self) {
        let held = self.shop.buy_patiently(self.fan, 2, KEY).await.unwrap();
        let back = match &self.back {
            Some(back) => back.address.clone(),
            None => match self.shop.simulator.decide(&held.page, "approve").await {
                Some(back) => back.address,
                // It was paid before, and the page is closed.
                None => return self.leave().await,
            },
        };
        self.shop.after(LEASE).visit(&back).await.unwrap();
        self.leave().await;
    }

    /// The buyer has paid.
    pub async fn paid(self) -> Self {
        let mut world = self.held().await;
        world.shop.pay(world.held.as_ref().unwrap()).await.unwrap();
        world.paid = world.shop.payments().await.pop();
        world
    }

    /// One of the two tickets goes back, and KakaoPay does nothing about it.
    pub async fn giving_back_without_kakaopay(self) -> Self {
        let world = self.with_faults(json!({ "cancel": { "error500": 1, "times": 1 } })).await;
        world.give_back(&world.shop).await;
        world
    }

    async fn give_back(&self, shop: &Shop) {
        shop.give_back(self.fan, self.paid.as_ref().unwrap(), KEY).await.unwrap();
    }

    /// The buyer sends the same request again, and the workers do the rest.
    pub async fn give_back_again(&self) {
        self.give_back(&self.shop.after(LEASE)).await;
        self.leave().await;
    }

    /// The payer's browser comes back once more.
    pub async fn return_again(&self) {
        self.shop.visit(&self.back.as_ref().unwrap().address).await.unwrap();
    }

    /// The buyer never comes again, and the workers are left with it.
    pub async fn leave(&self) {
        self.shop.settle().await;
    }

    /// Everything was sold, the buyer waits for two seats, and they have come back.
    pub async fn waiting(self) -> Self {
        let Shop { store, event, now, .. } = &self.shop;
        let key = StockKey { event_id: event.id, number: 0 };
        let moves = async |to_sold: i64| {
            let moved = Write::update(&key).add("free", -to_sold).add("sold", to_sold);
            store.write(moved, ()).await.unwrap();
        };
        let free = i64::from(event.capacity.get());
        moves(free).await;
        let (caller, two) = (stack::caller(&self.fan.claims()), 2.try_into().unwrap());
        sales::join(store, &caller, event.id, two, Language::Korean, *now).await.unwrap();
        moves(-free).await;
        self
    }

    /// The seats are offered to the buyer.
    pub async fn offered(self) -> Self {
        let mut world = self.waiting().await;
        world.serve().await;
        let waits = world.shop.store.waits_of(world.fan.member_id, 1, None).await.unwrap().items;
        world.offer = waits[0].offer.as_ref().map(|offer| offer.id);
        world
    }

    /// The worker comes.
    pub async fn serve(&self) {
        let Shop { store, event, now, .. } = &self.shop;
        let mail = Queue::new(aws::config(), things().await.queue.clone());
        sales::serve(store, &mail, event.id, *now).await.unwrap();
    }

    /// The same, and what was offered is kept for the buyer.
    pub async fn serve_again(&self) {
        self.serve().await;
        assert_eq!(books::check(&self.shop).await.offered(), 2);
    }

    /// What EventBridge brings of seats that came back.
    pub fn seats_came_back(&self) -> Value {
        self.cancellation()
    }

    /// `POST /v1/payments` for what was offered.
    pub fn taking(&self) -> Value {
        let mut event = self.buying();
        let mut body: Value = serde_json::from_str(event["body"].as_str().unwrap()).unwrap();
        body["offerId"] = json!(self.offer.as_ref().unwrap());
        event["body"] = json!(body.to_string());
        event
    }

    /// The event is cancelled.
    pub async fn cancelled(self) -> Self {
        self.shop.cancels().await;
        self
    }

    /// What tells of it comes again, and the workers do the rest.
    pub async fn told_again(&self) {
        self.shop.goes_back().await;
        self.leave().await;
    }

    /// What EventBridge brings of a cancelled event.
    pub fn cancellation(&self) -> Value {
        let body = json!({ "detail": { "eventId": self.shop.event.id } }).to_string();
        json!({ "Records": [{ "messageId": "message", "body": body, "eventSource": "aws:sqs" }] })
    }

    /// `POST /v1/payments` as API Gateway hands it over.
    pub fn buying(&self) -> Value {
        let token = token(&self.fan.claims(), self.shop.now);
        let headers = json!({
            "authorization": format!("Bearer {token}"), "content-type": "application/json", "idempotency-key": KEY,
        });
        let purse = self.fan.purse.unwrap();
        let body = json!({
            "purpose": "TICKETS", "eventId": self.shop.event.id, "quantity": 2,
            "claimId": purse.claim_id, "points": purse.points,
        });
        let mut event = request("POST", "/v1/payments", headers);
        event["body"] = json!(body.to_string());
        event
    }

    /// The buyer gives the payment up.
    pub fn giving_up(&self) -> Value {
        self.of_payment("DELETE")
    }

    /// The buyer looks at the payment, today.
    pub fn reading(&self) -> Value {
        self.of_payment("GET")
    }

    fn of_payment(&self, method: &str) -> Value {
        let id = self.held.as_ref().unwrap().id;
        let token = token(&self.fan.claims(), Time::now());
        let mut event = request(method, &format!("/v1/payments/{id}"), json!({}));
        event["pathParameters"] = json!({ "paymentId": id });
        signed(event, &token)
    }

    /// The payer presses the button of the page at the return address.
    pub fn calling_off(&self) -> Value {
        let mut event = self.returning();
        event["httpMethod"] = json!("POST");
        event
    }

    /// The payer's browser at the return address.
    pub fn returning(&self) -> Value {
        let address = &self.back.as_ref().unwrap().address;
        let path = &address[address.find("/v1/").unwrap()..];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<_> = path.split('/').collect();
        let mut event = request("GET", path, json!({ "accept": "application/json" }));
        event["pathParameters"] = json!({ "paymentId": parts[3], "token": parts[5] });
        if let Some(token) = query.strip_prefix("pg_token=") {
            event["queryStringParameters"] = json!({ "pg_token": token });
            event["multiValueQueryStringParameters"] = json!({ "pg_token": [token] });
        }
        event
    }

    /// `POST /v1/payments/{paymentId}/refunds` as API Gateway hands it over.
    pub fn giving_back(&self) -> Value {
        let payment = self.paid.as_ref().unwrap();
        let token = token(&self.fan.claims(), self.shop.now);
        let headers = json!({
            "authorization": format!("Bearer {token}"), "content-type": "application/json", "idempotency-key": KEY,
        });
        let path = format!("/v1/payments/{}/refunds", payment.id);
        let mut event = request("POST", &path, headers);
        event["pathParameters"] = json!({ "paymentId": payment.id });
        let body =
            json!({ "ticketIds": [payment.ticket_ids()[0]], "total": self.shop.first_of(payment) });
        event["body"] = json!(body.to_string());
        event
    }

    /// The message of a worker's queue.
    pub fn message(&self) -> Value {
        let body = json!({ "paymentId": self.held.as_ref().unwrap().id }).to_string();
        json!({ "Records": [{ "messageId": "message", "body": body, "eventSource": "aws:sqs" }] })
    }
}
