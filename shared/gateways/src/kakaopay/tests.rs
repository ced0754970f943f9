//! The wire, byte for byte, and what each kind of trouble on it becomes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use domain::id::MemberId;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::http::Limits;

const KEY: &str = "very-secret-key";
const TID: &str = "T1234567890123456789";
const PG_TOKEN: &str = "the-payers-pg-token";

/// A client that waits no longer than a test likes to.
fn client(url: &str) -> Kakaopay {
    let limits = Limits { connect: Duration::from_millis(200), answer: Duration::from_millis(400) };
    let key = Key::Known(KEY.to_owned());
    Kakaopay::new(Config { url: url.to_owned(), cid: "TC0ONETIME".to_owned(), key, limits })
        .unwrap()
}

fn run<T>(test: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(test)
}

fn payment() -> PaymentId {
    "pay_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".parse().unwrap()
}

fn member() -> MemberId {
    "mem_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".parse().unwrap()
}

async fn ready(kakaopay: &Kakaopay, item_name: &str) -> Result<Ready, Error> {
    let request = ReadyRequest {
        payment: payment(),
        member: member(),
        item_name,
        item_code: "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE".into(),
        quantity: 2,
        total: Won::new(66_000),
        approval_url: "https://example.com/approve",
        cancel_url: "https://example.com/cancel",
        fail_url: "https://example.com/fail",
    };
    kakaopay.ready(request).await
}

async fn approve(kakaopay: &Kakaopay) -> Result<Approved, Error> {
    let total = Won::new(66_000);
    let request = ApproveRequest {
        tid: TID,
        payment: payment(),
        member: member(),
        total,
        pg_token: PG_TOKEN,
    };
    kakaopay.approve(request).await
}

async fn cancel(kakaopay: &Kakaopay) -> Result<Cancelled, Error> {
    let [amount, available, available_vat] = [16_000, 66_000, 6_000].map(Won::new);
    let request = CancelRequest { tid: TID, amount, available, available_vat };
    kakaopay.cancel(request).await
}

/// Each operation by its name, its answer forgotten.
async fn call(kakaopay: &Kakaopay, operation: &str) -> Result<(), Error> {
    match operation {
        "ready" => ready(kakaopay, "공연").await.map(drop),
        "approve" => approve(kakaopay).await.map(drop),
        "cancel" => cancel(kakaopay).await.map(drop),
        "order" => kakaopay.order(TID, payment()).await.map(drop),
        other => panic!("no such operation: {other}"),
    }
}

/// Answers that call alone, with exactly these headers and this body.
async fn expect(operation: &str, body: Value, answer: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(format!("/online/v1/payment/{operation}")))
        .and(header("Authorization", format!("SECRET_KEY {KEY}").as_str()))
        .and(header("Content-Type", "application/json"))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .expect(1)
        .mount(&server)
        .await;
    server
}

fn amount(total: u64) -> Value {
    json!({ "total": total, "tax_free": 0, "vat": total / 11, "point": 0, "discount": 0, "green_deposit": 0 })
}

fn approved() -> Value {
    json!({
        "aid": "A5678901234567890123", "tid": TID, "cid": "TC0ONETIME",
        "partner_order_id": payment(), "partner_user_id": member(), "payment_method_type": "CARD",
        "item_name": "초코파이", "quantity": 2, "amount": amount(66_000),
        "card_info": { "kakaopay_issuer_corp": "수협은행", "bin": "621640" }, "new_field": [1],
        "created_at": "2026-07-15T21:17:02", "approved_at": "2026-07-15T21:18:22",
    })
}

fn cancelled() -> Value {
    json!({
        "aid": "A8888888888888888888", "tid": TID, "cid": "TC0ONETIME", "status": "PART_CANCEL_PAYMENT",
        "partner_order_id": payment(), "partner_user_id": member(), "payment_method_type": "MONEY",
        "amount": amount(66_000), "approved_cancel_amount": amount(16_000), "canceled_amount": amount(16_000),
        "cancel_available_amount": amount(50_000), "canceled_at": "2026-07-16T09:00:00",
    })
}

#[test]
fn ready_is_sent_as_kakaopay_reads_it() {
    run(async {
        let sent = json!({
            "cid": "TC0ONETIME", "partner_order_id": payment(), "partner_user_id": member(),
            "item_name": "초코파이", "item_code": "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE", "quantity": 2,
            "total_amount": 66_000, "tax_free_amount": 0, "vat_amount": 6_000, "approval_url": "https://example.com/approve",
            "cancel_url": "https://example.com/cancel", "fail_url": "https://example.com/fail",
        });
        let answer = json!({
            "tid": TID, "tms_result": false, "next_redirect_app_url": "https://k/aInfo",
            "next_redirect_mobile_url": "https://k/mInfo", "next_redirect_pc_url": "https://k/info",
            "android_app_scheme": "kakaotalk://k", "ios_app_scheme": "kakaotalk://k",
            "created_at": "2026-07-15T21:17:02",
        });
        let server = expect("ready", sent, answer).await;

        let ready = ready(&client(&server.uri()), "초코파이").await.unwrap();

        let pages = Pages {
            pc: "https://k/info".to_owned(),
            mobile: "https://k/mInfo".to_owned(),
            app: "https://k/aInfo".to_owned(),
        };
        assert_eq!(ready, Ready { tid: TID.to_owned(), pages });
    });
}

#[test]
fn approve_is_sent_as_kakaopay_reads_it() {
    run(async {
        let sent = json!({
            "cid": "TC0ONETIME", "tid": TID, "partner_order_id": payment(), "partner_user_id": member(),
            "pg_token": PG_TOKEN, "total_amount": 66_000,
        });
        let server = expect("approve", sent, approved()).await;

        let approved = approve(&client(&server.uri())).await.unwrap();

        assert_eq!(approved.aid, "A5678901234567890123");
        assert_eq!(approved.total, Won::new(66_000));
        assert_eq!(approved.method, Method::Card);
        assert_eq!(approved.approved_at, Some("2026-07-15T21:18:22+09:00".parse().unwrap()));
    });
}

#[test]
fn cancel_is_sent_as_kakaopay_reads_it() {
    run(async {
        let sent = json!({
            "cid": "TC0ONETIME", "tid": TID, "cancel_amount": 16_000, "cancel_tax_free_amount": 0, "cancel_vat_amount": 1_455,
            "cancel_available_amount": 66_000,
        });
        let server = expect("cancel", sent, cancelled()).await;

        let cancelled = cancel(&client(&server.uri())).await.unwrap();

        let expected = Cancelled {
            aid: "A8888888888888888888".to_owned(),
            status: Status::PartCancelPayment,
            amount: Won::new(16_000),
            available: Won::new(50_000),
            canceled_at: Some("2026-07-16T09:00:00+09:00".parse().unwrap()),
        };
        assert_eq!(cancelled, expected);
    });
}

#[test]
fn order_is_sent_as_kakaopay_reads_it() {
    run(async {
        let answer = json!({
            "tid": TID, "cid": "TC0ONETIME", "status": "PART_CANCEL_PAYMENT", "partner_order_id": payment(),
            "amount": amount(66_000), "canceled_amount": amount(16_000), "cancel_available_amount": amount(50_000),
            "approved_at": "2026-07-15T21:18:22", "payment_action_details": [
                { "aid": "A1", "payment_action_type": "PAYMENT", "amount": 66_000 },
                { "aid": "A2", "payment_action_type": "CANCEL", "amount": 16_000 },
            ],
        });
        let server = expect("order", json!({ "cid": "TC0ONETIME", "tid": TID }), answer).await;

        let order = client(&server.uri()).order(TID, payment()).await.unwrap();

        let expected = Order {
            status: Status::PartCancelPayment,
            amounts: Some(OrderAmounts {
                taken: Won::new(66_000),
                returned: Won::new(16_000),
                left: Won::new(50_000),
                left_vat: Won::new(4_545),
            }),
            aid: Some("A1".to_owned()),
            approved_at: Some("2026-07-15T21:18:22+09:00".parse().unwrap()),
        };
        assert_eq!(order, expected);
    });
}

#[test]
fn what_is_new_or_missing_in_an_answer_does_not_hinder() {
    run(async {
        let answer = json!({
            "tid": TID, "partner_order_id": payment(), "status": "A_NEW_STATE",
            // A part that is missing must not pass for nothing.
            "amount": amount(66_000), "canceled_amount": null, "payment_action_details": null,
        });
        let server = expect("order", json!({ "cid": "TC0ONETIME", "tid": TID }), answer).await;
        let order = client(&server.uri()).order(TID, payment()).await.unwrap();
        assert_eq!((order.status, order.amounts, order.aid), (Status::Other, None, None));

        let mut answer = approved();
        answer["payment_method_type"] = json!("A_NEW_METHOD");
        answer["approved_at"] = json!("15 July");
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .mount(&server)
            .await;
        let approved = approve(&client(&server.uri())).await.unwrap();
        assert_eq!((approved.method, approved.approved_at), (Method::Other, None));
    });
}

#[test]
fn an_item_name_is_cut_to_a_hundred_characters_as_kakaopay_counts_them() {
    assert_eq!(cut("초코파이"), "초코파이");
    assert_eq!(cut(&"가".repeat(100)), "가".repeat(100));
    assert_eq!(cut(&"가".repeat(101)), "가".repeat(100));
    // A guitar is two UTF-16 units, so one that begins at the hundredth does not fit.
    assert_eq!(cut(&format!("{}🎸", "가".repeat(99))), "가".repeat(99));
    assert_eq!(cut(&"🎸".repeat(60)), "🎸".repeat(50));
}

/// What an error means to its caller.
fn outcome(result: Result<(), Error>) -> &'static str {
    match result {
        Ok(()) => "done",
        Err(Error::Refused { .. }) => "refused",
        Err(Error::Unavailable(_)) => "unavailable",
        Err(Error::OutcomeUnknown(_)) => "unknown",
    }
}

#[test]
fn every_answer_tells_whether_it_happened() {
    let no = |code: i64| json!({ "error_code": code, "error_message": "no" });
    let locked = json!({
        "error_code": -780, "error_message": "approval failure!",
        "extras": { "method_result_code": "USER_LOCKED", "method_result_message": "진행중인 거래가 있습니다." },
    });
    let with = |mut answer: Value, pointer: &str, value: Value| {
        *answer.pointer_mut(pointer).unwrap() = value;
        answer
    };
    let json = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let text = |status: u16, body: &str| ResponseTemplate::new(status).set_body_string(body);
    let late = json(200, approved()).set_delay(Duration::from_secs(2));

    // Operation, answer, what it means, how many times it was sent.
    let table = [
        // KakaoPay says no to the order.
        ("ready", json(400, no(-725)), "refused", 1),
        ("approve", json(400, no(-780)), "refused", 1),
        ("approve", json(400, no(-708)), "refused", 1),
        ("approve", json(400, no(-723)), "refused", 1),
        ("cancel", json(400, no(-781)), "refused", 1),
        ("order", json(400, no(-721)), "refused", 1),
        // It says that the order is not as we think: a first attempt may have gone through.
        ("approve", json(400, no(-702)), "unknown", 1),
        ("approve", json(400, locked), "unknown", 1),
        ("cancel", json(400, no(-710)), "unknown", 1),
        ("cancel", json(400, no(-722)), "unknown", 1),
        ("cancel", json(400, no(-784)), "unknown", 1),
        ("cancel", json(400, no(-785)), "unknown", 1),
        ("approve", json(400, no(-1)), "unknown", 1),
        // It does not take our key, merchant code or parameters.
        ("approve", json(401, no(-401)), "unavailable", 1),
        ("approve", json(400, no(-731)), "unavailable", 1),
        ("cancel", json(400, no(-2)), "unavailable", 1),
        ("order", json(403, no(-798)), "unavailable", 1),
        // Too fast: it was not begun.
        ("approve", text(429, ""), "unavailable", 1),
        // Something in between answers, or something broke.
        ("approve", text(400, "<html>"), "unknown", 1),
        ("approve", text(408, ""), "unknown", 1),
        ("approve", json(500, no(-780)), "unknown", 1),
        ("approve", text(503, ""), "unknown", 1),
        ("cancel", text(502, ""), "unknown", 1),
        (
            "approve",
            ResponseTemplate::new(302).insert_header("Location", "/elsewhere"),
            "unknown",
            1,
        ),
        ("ready", text(500, ""), "unavailable", 2),
        ("order", text(502, ""), "unavailable", 2),
        // Success, but of what?
        ("approve", text(200, "{"), "unknown", 1),
        ("approve", with(approved(), "/amount/total", json!(66_100)).into_answer(), "unknown", 1),
        ("approve", with(approved(), "/amount/total", json!(-1)).into_answer(), "unknown", 1),
        ("approve", with(approved(), "/tid", json!("T0")).into_answer(), "unknown", 1),
        (
            "approve",
            with(approved(), "/partner_order_id", json!("pay_0")).into_answer(),
            "unknown",
            1,
        ),
        (
            "cancel",
            with(cancelled(), "/approved_cancel_amount/total", json!(66_000)).into_answer(),
            "unknown",
            1,
        ),
        ("cancel", with(cancelled(), "/tid", json!("T0")).into_answer(), "unknown", 1),
        ("ready", text(200, "{}"), "unavailable", 2),
        ("order", text(200, "null"), "unavailable", 2),
        // Nothing comes.
        ("approve", late.clone(), "unknown", 1),
        ("cancel", late.clone(), "unknown", 1),
        ("ready", late.clone(), "unavailable", 1),
        ("order", late, "unavailable", 1),
    ];
    run(async {
        for (row, (operation, answer, expected, times)) in table.into_iter().enumerate() {
            let server = MockServer::start().await;
            Mock::given(method("POST")).respond_with(answer).mount(&server).await;
            let result = call(&client(&server.uri()), operation).await;
            assert_eq!(outcome(result), expected, "row {row}: {operation}");
            let sent = server.received_requests().await.unwrap();
            assert_eq!(sent.len(), times, "row {row}: {operation}, times sent");
        }
    });
}

trait IntoAnswer {
    fn into_answer(self) -> ResponseTemplate;
}

impl IntoAnswer for Value {
    fn into_answer(self) -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(self)
    }
}

/// A server that reads a request, writes `answer` and hangs up; and how many times it was asked.
fn hanging_up(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 8192];
            if connection.read(&mut request).unwrap_or(0) > 0 {
                count.fetch_add(1, Ordering::SeqCst);
            }
            drop(connection.write_all(answer.as_bytes()));
        }
    });
    (url, asked)
}

#[test]
fn a_dropped_connection_leaves_the_outcome_of_money_unknown() {
    run(async {
        for answer in
            ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"aid\":"]
        {
            for (operation, expected, times) in
                [("approve", "unknown", 1), ("cancel", "unknown", 1), ("order", "unavailable", 2)]
            {
                let (url, asked) = hanging_up(answer);
                let result = call(&client(&url), operation).await;
                assert_eq!(outcome(result), expected, "{operation} after {answer:?}");
                assert_eq!(
                    asked.load(Ordering::SeqCst),
                    times,
                    "{operation} after {answer:?}, times sent"
                );
            }
        }
    });
}

#[test]
fn a_connection_that_never_opens_is_a_certain_no() {
    run(async {
        // A port that nobody listens on, and an address that does not answer at all.
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for url in
            [format!("http://{closed}"), "http://192.0.2.1".to_owned(), "not an address".to_owned()]
        {
            let error = approve(&client(&url)).await.unwrap_err();
            assert_eq!(error, Error::Unavailable(Cause::NoConnection), "{url}");
        }
    });
}

#[test]
fn a_second_try_of_order_can_succeed() {
    run(async {
        let server = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(500))
            .up_to_n_times(1)
            .mount(&server)
            .await;
        let answer =
            json!({ "tid": TID, "partner_order_id": payment(), "status": "SUCCESS_PAYMENT" });
        Mock::given(method("POST")).respond_with(answer.into_answer()).mount(&server).await;
        let order = client(&server.uri()).order(TID, payment()).await.unwrap();
        assert_eq!(order.status, Status::SuccessPayment);
    });
}

#[test]
fn no_log_line_and_no_error_says_a_key_or_a_token() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let subscriber = telemetry::captured(move |line| sink.lock().unwrap().extend_from_slice(line));
    let _listening = tracing::subscriber::set_default(subscriber);
    let error = run(async {
        let server = MockServer::start().await;
        let refusal =
            json!({ "error_code": -780, "error_message": format!("{PG_TOKEN} is wrong") });
        Mock::given(path("/online/v1/payment/approve"))
            .respond_with(ResponseTemplate::new(400).set_body_json(refusal))
            .mount(&server)
            .await;
        Mock::given(path("/online/v1/payment/cancel"))
            .respond_with(cancelled().into_answer())
            .mount(&server)
            .await;
        let kakaopay = client(&server.uri());
        cancel(&kakaopay).await.unwrap();
        approve(&kakaopay).await.unwrap_err().to_string()
    });
    let lines = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    assert!(
        lines.contains(r#""outcome":"refused""#) && lines.contains(r#""outcome":"done""#),
        "{lines}"
    );
    assert!(lines.contains(r#""operation":"approve""#) && lines.contains("duration_ms"), "{lines}");
    for secret in [KEY, PG_TOKEN, TID] {
        assert!(!lines.contains(secret), "{lines}");
        assert!(!error.contains(secret), "{error}");
    }
    assert_eq!(format!("{:?}", Key::Known(KEY.to_owned())), "Key(…)");
}

/// What goes back of an order in these parts, and the tax in each.
fn taxes(total: u64, parts: &[u64]) -> Vec<u64> {
    let (mut left, mut left_vat) = (total, vat(Won::new(total)).get());
    let tax = |part: &u64| {
        let [amount, available, available_vat] = [*part, left, left_vat].map(Won::new);
        let tax = vat_of_part(&CancelRequest { tid: TID, amount, available, available_vat }).get();
        (left, left_vat) = (left - part, left_vat - tax);
        tax
    };
    parts.iter().map(tax).collect()
}

#[test]
fn the_taxes_of_all_parts_are_the_tax_of_the_whole() {
    assert_eq!(vat(Won::new(30_000)).get(), 2_727);
    assert_eq!(vat(Won::new(15_000)).get() * 2, 2_728, "a won more than there is");
    assert_eq!(taxes(30_000, &[15_000, 15_000]), [1_363, 1_364]);
    for total in (1..400).chain([999_999, 1_000_003]) {
        for first in [1, 2, 5, 6, total / 3, total / 2, total - 1] {
            if first > 0 && first < total {
                let taxes = taxes(total, &[first, total - first]);
                assert_eq!(taxes.iter().sum::<u64>(), vat(Won::new(total)).get(), "{total}");
                assert!(taxes[0] <= first && taxes[1] <= total - first, "{total}: {taxes:?}");
            }
        }
    }
}
