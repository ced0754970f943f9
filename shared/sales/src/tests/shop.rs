//! A shop with one event in it, as the tests speak of it.

use std::time::Duration;

use domain::{
    id::{ClaimId, MemberId, SessionId},
    language::Language,
    member::Role,
    payment::State,
    stock::Shard,
    time::Time,
    who::Claims,
    won::Won,
};
use store::{
    Client, Store, Transaction, Write,
    catalog::event::Event,
    identity::session::SessionKey,
    sales::{
        buyer::BuyerKey,
        payment::{Payment, PaymentKey},
        points::BalanceKey,
        stock::{self, StockKey},
        ticket::Ticket,
    },
};

use super::kakaopay::Fake;
use crate::{Held, Purchase, SalesFault, Terms, Tickets, Wants, approve, come_back_unpaid, hold};

pub(crate) const HOLD: Duration = Duration::from_secs(900);
pub(crate) const PRICE: i64 = 30_000;
pub(crate) const DAY: Duration = Duration::from_hours(24);

#[derive(Clone)]
pub(crate) struct Shop {
    pub store: Store,
    pub kakaopay: Fake,
    pub event: Event,
    pub now: Time,
}

#[derive(Clone, Copy)]
pub(crate) struct Fan {
    pub member_id: MemberId,
    session_id: SessionId,
}

impl Fan {
    pub(crate) fn claims(self) -> Claims {
        let Self { member_id, session_id } = self;
        Claims { member_id, session_id, role: Role::User }
    }
}

impl Shop {
    /// A shop that sells one event with so many seats.
    pub(crate) async fn open(capacity: i64) -> Self {
        Self::with(stack::dynamo(), capacity, PRICE).await
    }

    pub(crate) async fn with(client: Client, capacity: i64, price: i64) -> Self {
        Self::within(Store::new(client, stack::prefix()), capacity, price).await
    }

    pub(crate) async fn within(store: Store, capacity: i64, price: i64) -> Self {
        let now = Time::now();
        let event = Event { price: price.try_into().unwrap(), ..stack::event(capacity, now) };
        let stock = stock::create(event.id, event.capacity, event.sale());
        let writes = event.create().into_iter().chain(stock);
        store.transact(writes.fold(Transaction::<()>::new(), Transaction::also)).await.unwrap();
        Self { store, kakaopay: Fake::start().await, event, now }
    }

    /// The same shop, so much later.
    pub(crate) fn after(&self, time: Duration) -> Self {
        Self { now: self.now.plus(time), ..self.clone() }
    }

    pub(crate) async fn fan(&self) -> Fan {
        let Claims { member_id, session_id, .. } =
            stack::sign_in(&self.store, Role::User, self.now).await;
        Fan { member_id, session_id }
    }

    /// The same session, begun anew.
    pub(crate) async fn signs_in_again(&self, fan: Fan) {
        let key = SessionKey { member_id: fan.member_id, session_id: fan.session_id };
        self.store.write(Write::put(&key, &stack::session(&key, self.now)), ()).await.unwrap();
    }

    pub(crate) async fn buy(&self, fan: Fan, quantity: i64, key: &str) -> Result<Held, SalesFault> {
        self.buy_with(fan, quantity, key, None, 0).await
    }

    /// Buys with a coupon and points.
    pub(crate) async fn buy_with(
        &self,
        fan: Fan,
        quantity: i64,
        key: &str,
        claim_id: Option<ClaimId>,
        points: u64,
    ) -> Result<Held, SalesFault> {
        let tickets = Tickets { claim_id, points: Won::new(points), ..self.so_many(quantity) };
        self.order(fan, tickets, key).await
    }

    /// Tickets, and nothing besides to pay them with.
    pub(crate) fn so_many(&self, quantity: i64) -> Tickets {
        let (event_id, quantity) = (self.event.id, quantity.try_into().unwrap());
        Tickets {
            event_id,
            quantity,
            claim_id: None,
            points: Won::ZERO,
            offer_id: None,
            queue_ticket: None,
            terms_version: None,
        }
    }

    pub(crate) async fn order(
        &self,
        fan: Fan,
        tickets: Tickets,
        key: &str,
    ) -> Result<Held, SalesFault> {
        let purchase = Purchase {
            buyer: stack::caller(&fan.claims()),
            address: fan.member_id.to_string(),
            wants: Wants::Tickets(tickets),
            language: Language::English,
            key: key.into(),
            body_hash: tickets.quantity.to_string(),
        };
        hold(&self.store, &self.kakaopay.client, &Self::terms(), &purchase, self.now).await
    }

    pub(crate) fn terms() -> Terms {
        Terms { hold: HOLD, public_url: "http://127.0.0.1:3000".into() }
    }

    /// The payer agrees on KakaoPay's page and comes back.
    pub(crate) async fn agree(&self, held: &Held) -> Payment {
        self.kakaopay.payer(&held.order.as_ref().unwrap().tid, "AUTH_PASSWORD");
        self.come_back(held).await
    }

    pub(crate) async fn come_back(&self, held: &Held) -> Payment {
        let token = self.payment(held).await.return_token.0;
        let Self { store, kakaopay, now, .. } = self;
        approve(store, &kakaopay.client, held.payment_id, &token, "pg-token", *now).await.unwrap()
    }

    /// Somebody is at the address to which KakaoPay sends back who did not pay.
    pub(crate) async fn comes_back_unpaid(&self, held: &Held) -> Payment {
        let token = self.payment(held).await.return_token.0;
        let Self { store, kakaopay, now, .. } = self;
        come_back_unpaid(store, &kakaopay.client, held.payment_id, &token, *now).await.unwrap()
    }

    pub(crate) async fn reconcile(&self, held: &Held) -> Payment {
        crate::reconcile(&self.store, &self.kakaopay.client, held.payment_id, self.now)
            .await
            .unwrap()
    }

    pub(crate) async fn expire(&self, held: &Held) -> State {
        crate::expire(&self.store, held.payment_id, self.now).await.unwrap().state
    }

    pub(crate) async fn payment(&self, held: &Held) -> Payment {
        self.store.get(&PaymentKey(held.payment_id)).await.unwrap().unwrap()
    }

    pub(crate) async fn shards(&self) -> Vec<Shard> {
        let found =
            self.store.read_all(&stock::keys(self.event.id, self.event.shards)).await.unwrap();
        found.into_iter().map(|stock| stock.unwrap().shard).collect()
    }

    /// Free, held and sold seats of all shards.
    pub(crate) async fn stock(&self) -> [u32; 3] {
        let sum = |sum: [u32; 3], shard: Shard| {
            [sum[0] + shard.free, sum[1] + shard.held, sum[2] + shard.sold]
        };
        self.shards().await.into_iter().fold([0; 3], sum)
    }

    /// Makes a shard have so many free seats.
    pub(crate) async fn set_free(&self, number: u16, free: u32) {
        let key = StockKey { event_id: self.event.id, number };
        self.store.write(Write::update(&key).set("free", free), ()).await.unwrap();
    }

    pub(crate) async fn bought(&self, fan: Fan) -> u32 {
        let key = BuyerKey { member_id: fan.member_id, event_id: self.event.id };
        self.store.get(&key).await.unwrap().map_or(0, |buyer| buyer.tickets)
    }

    pub(crate) async fn tickets(&self, fan: Fan) -> Vec<Ticket> {
        self.store.tickets_of(fan.member_id, 100, None).await.unwrap().items
    }

    pub(crate) async fn points(&self, fan: Fan) -> u64 {
        self.store.get(&BalanceKey(fan.member_id)).await.unwrap().unwrap_or_default().balance.get()
    }
}
