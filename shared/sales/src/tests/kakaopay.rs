//! KakaoPay as far as these tests need it: it keeps orders, and fails as it is told. The simulator that the local stack runs
//! checks much more; here the point is what our side does with each outcome.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
};

use aws::Secret;
use gateways::{
    Kakaopay, Limits,
    kakaopay::{Config, Key},
};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::method};

/// How one call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
    /// Nothing was done, and the answer says nothing.
    LostBefore,
    /// It was done, and the answer says nothing.
    LostAfter,
    /// KakaoPay says no.
    Refused,
    /// It takes 100 won too much, and says so.
    WrongAmount,
    /// It was done, and the answer does not say how much.
    NoAmounts,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    pub payment: String,
    pub status: &'static str,
    pub asked: u64,
    pub approved: u64,
    pub cancelled: u64,
    pub approvals: u32,
}

#[derive(Default)]
struct Books {
    orders: HashMap<String, Order>,
    trouble: HashMap<&'static str, VecDeque<Trouble>>,
}

#[derive(Clone)]
pub(crate) struct Fake {
    pub client: Kakaopay,
    books: Arc<Mutex<Books>>,
    _server: Arc<MockServer>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::with(Key::Known("key".into())).await
    }

    /// One whose key nobody can have: there are no secrets where it should be.
    pub(crate) async fn without_key() -> Self {
        Self::with(Key::Secret(Secret::new(&stack::aws("http://127.0.0.1:1"), "none"))).await
    }

    async fn with(key: Key) -> Self {
        let server = MockServer::start().await;
        let books = Arc::<Mutex<Books>>::default();
        Mock::given(method("POST")).respond_with(Answering(books.clone())).mount(&server).await;
        let config =
            Config { url: server.uri(), cid: "TC0ONETIME".into(), key, limits: Limits::default() };
        Self { client: Kakaopay::new(config).unwrap(), books, _server: Arc::new(server) }
    }

    /// Lets the next calls of an operation go wrong.
    pub(crate) fn trouble(&self, operation: &'static str, troubles: &[Trouble]) {
        self.books.lock().unwrap().trouble.insert(operation, troubles.iter().copied().collect());
    }

    /// Whether all that was to go wrong has.
    pub(crate) fn all_trouble_came(&self) -> bool {
        self.books.lock().unwrap().trouble.values().all(VecDeque::is_empty)
    }

    /// The payer does something on the page: `AUTH_PASSWORD` for agreeing.
    pub(crate) fn payer(&self, tid: &str, status: &'static str) {
        self.books.lock().unwrap().orders.get_mut(tid).unwrap().status = status;
    }

    /// An approval that was under way is done, and nobody hears of it.
    pub(crate) fn approved_unheard(&self, tid: &str) {
        let mut books = self.books.lock().unwrap();
        let order = books.orders.get_mut(tid).unwrap();
        (order.approved, order.status) = (order.asked, "SUCCESS_PAYMENT");
    }

    /// Somebody gives money back at KakaoPay's own desk.
    pub(crate) fn cancelled_unheard(&self, tid: &str, amount: u64) {
        self.books.lock().unwrap().orders.get_mut(tid).unwrap().cancelled += amount;
    }

    pub(crate) fn order(&self, tid: &str) -> Order {
        self.books.lock().unwrap().orders[tid].clone()
    }

    /// All that was taken and not given back.
    pub(crate) fn kept(&self) -> u64 {
        self.books
            .lock()
            .unwrap()
            .orders
            .values()
            .map(|order| order.approved - order.cancelled)
            .sum()
    }

    pub(crate) fn orders(&self) -> usize {
        self.books.lock().unwrap().orders.len()
    }
}

struct Answering(Arc<Mutex<Books>>);

impl Respond for Answering {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let lost = || ResponseTemplate::new(500);
        let no = |code: i64| {
            ResponseTemplate::new(400)
                .set_body_json(json!({ "error_code": code, "error_message": "no" }))
        };
        let body: Value = request.body_json().unwrap();
        let operation = request.url.path().rsplit('/').next().unwrap();
        let mut books = self.0.lock().unwrap();
        let trouble = books.trouble.get_mut(operation).and_then(VecDeque::pop_front);
        match trouble {
            Some(Trouble::LostBefore) => return lost(),
            Some(Trouble::Refused) => return no(-780),
            _ => {}
        }
        if operation == "ready" {
            let tid = format!("T{}", books.orders.len());
            let order = Order {
                payment: body["partner_order_id"].as_str().unwrap().into(),
                status: "READY",
                asked: body["total_amount"].as_u64().unwrap(),
                ..Order::default()
            };
            books.orders.insert(tid.clone(), order);
            if trouble == Some(Trouble::LostAfter) {
                return lost();
            }
            let page = |kind: &str| format!("https://pay.example/{tid}/{kind}");
            return ResponseTemplate::new(200).set_body_json(json!({
                "tid": tid, "next_redirect_pc_url": page("pc"),
                "next_redirect_mobile_url": page("mobile"), "next_redirect_app_url": page("app"),
            }));
        }
        let tid = body["tid"].as_str().unwrap().to_owned();
        let Some(order) = books.orders.get_mut(&tid) else { return no(-721) };
        let amount = |total: u64| json!({ "total": total });
        let answer = match operation {
            "approve" => {
                if order.approved > 0 {
                    return no(-702);
                }
                if order.status != "AUTH_PASSWORD" {
                    return no(-701);
                }
                order.approvals += 1;
                order.approved =
                    order.asked + if trouble == Some(Trouble::WrongAmount) { 100 } else { 0 };
                order.status = "SUCCESS_PAYMENT";
                json!({ "aid": "A1", "tid": tid, "partner_order_id": order.payment, "amount": amount(order.approved) })
            }
            "cancel" => {
                let wanted = body["cancel_amount"].as_u64().unwrap();
                let left = order.approved - order.cancelled;
                if wanted > left || body["cancel_available_amount"] != left {
                    return no(-710);
                }
                order.cancelled += wanted;
                order.status = if wanted < left { "PART_CANCEL_PAYMENT" } else { "CANCEL_PAYMENT" };
                json!({
                    "aid": "A2", "tid": tid, "status": order.status, "approved_cancel_amount": amount(wanted),
                    "cancel_available_amount": amount(order.approved - order.cancelled),
                })
            }
            _ => json!({
                "tid": tid, "partner_order_id": order.payment, "status": order.status,
                "amount": amount(order.approved.max(order.asked)), "canceled_amount": amount(order.cancelled),
                "cancel_available_amount": amount(order.approved - order.cancelled),
            }),
        };
        let mut answer = answer;
        match trouble {
            Some(Trouble::LostAfter) => return lost(),
            Some(Trouble::NoAmounts) => answer["cancel_available_amount"] = Value::Null,
            _ => {}
        }
        ResponseTemplate::new(200).set_body_json(answer)
    }
}
