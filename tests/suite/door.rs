//! At the door of a show: the tickets that people show there, and who lets them in.

use std::time::Duration;

use domain::{
    id::{PaymentId, TicketId},
    refund::{Cause, Rule},
    time::Time,
    won::{Percent, Won},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use reqwest::{
    Client, Method, RequestBuilder, Response,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, VARY},
};
use serde_json::{Value, json};
use store::{
    Store, Transaction,
    sales::{
        payment::{PaymentKey, Refund},
        ticket::TicketKey,
    },
};
use tests::kills::{Step, every_kill_point};

use crate::{
    document::operations,
    killed::{bucket, posted, program, queue, signed},
    refusals::{Refused, all_refused},
    shop::variable,
    world::World,
};

/// A free show of the world's artist that starts within the hour.
async fn show(world: &World) -> String {
    let mut body = world.event_body();
    let hours = |hours: u64| json!(Time::now().plus(Duration::from_hours(hours)));
    for (name, at) in [("startsAt", hours(1)), ("saleEndsAt", hours(1)), ("endsAt", hours(3))] {
        body[name] = at;
    }
    body["price"] = 0.into();
    world.publish(body).await
}

/// A ticket as its owner asks to see it.
async fn shown(world: &World, ticket: &str, accept: &'static str) -> Response {
    let request = world.request(Method::GET, &format!("/v1/tickets/{ticket}"));
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
    request.bearer_auth(&world.fan.token).headers(accept).send().await.unwrap()
}

fn scanning(world: &World, event: &str, token: &str, body: &Value) -> RequestBuilder {
    let path = format!("/v1/events/{event}/check-ins");
    world.request(Method::POST, &path).bearer_auth(token).json(body)
}

fn scan(payload: &Value, device: &str) -> Value {
    json!({ "payload": payload, "scannedAt": Time::now(), "device": device })
}

#[test]
fn a_ticket_is_shown_let_in_once_and_refused_twice() {
    stack::run(async {
        let world = World::new().await;
        let event = show(&world).await;
        let id = world.ticket(&world.fan, &event).await;
        let seen: Value = shown(&world, &id, "application/json").await.json().await.unwrap();
        assert_eq!((&seen["id"], &seen["state"]), (&json!(id), &json!("VALID")));

        // A scanner without a network has the keys alone.
        let keys = world.request(Method::GET, "/.well-known/ticket-keys.json");
        let keys: JwkSet = serde_json::from_value(world.done(keys).await).unwrap();
        let payload = seen["payload"].as_str().unwrap();
        let kid = jsonwebtoken::decode_header(payload).unwrap().kid.unwrap();
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let said = jsonwebtoken::decode::<Value>(payload, &key, &rules).unwrap().claims;
        assert_eq!(said, json!({ "sub": id, "evt": event }));

        for (kind, begins) in
            [("image/svg+xml", &b"<?xml"[..]), ("image/png", b"\x89PNG\r\n\x1a\n")]
        {
            let picture = shown(&world, &id, kind).await;
            let headers = picture.headers();
            assert!(headers[CONTENT_TYPE] == kind && headers[VARY] == "accept", "{headers:?}");
            assert!(picture.bytes().await.unwrap().starts_with(begins), "{kind}");
        }

        let path = format!("/v1/events/{event}/door-keys");
        let key = world.post(&path, &world.artist).json(&json!({ "name": "자원봉사자" }));
        let key = world.done(key).await;
        let token = key["key"].as_str().unwrap();
        let first = scan(&seen["payload"], "정문");
        let let_in = world.done(scanning(&world, &event, token, &first)).await;
        assert_eq!(let_in["items"][0]["outcome"], "CHECKED_IN");
        assert_eq!(world.done(scanning(&world, &event, token, &first)).await, let_in);

        let by_artist =
            scanning(&world, &event, &world.artist.token, &scan(&seen["payload"], "후문"));
        let twice = by_artist.send().await.unwrap();
        assert_eq!(twice.status().as_u16(), 409);
        let twice: Value = twice.json().await.unwrap();
        assert_eq!(
            (&twice["code"], &twice["first"]),
            (&json!("ALREADY_CHECKED_IN"), &let_in["items"][0]["first"])
        );
        let mine = world.get("/v1/me/tickets", &world.fan).await;
        let mine = mine["items"].as_array().unwrap().iter().find(|it| it["id"] == id.as_str());
        let mine = mine.unwrap();
        assert_eq!(
            (&mine["state"], &mine["checkedInAt"]),
            (&json!("CHECKED_IN"), &twice["first"]["scannedAt"])
        );
        // Whoever was in does not give the ticket back.
        let payment = format!("/v1/payments/{}/refunds", mine["paymentId"].as_str().unwrap());
        let back = world.post(&payment, &world.fan).json(&json!({ "ticketIds": [id], "total": 0 }));
        assert_eq!(world.refused(back).await, (400, "TICKET_USED".into()));

        let keys = world.get(&path, &world.artist).await;
        assert_eq!(
            (&keys["items"][0]["id"], keys.to_string().contains(token)),
            (&key["id"], false)
        );
        let revoking = format!("{path}/{}", key["id"].as_str().unwrap());
        let revoking = world.request(Method::DELETE, &revoking).bearer_auth(&world.artist.token);
        world.done(revoking).await;
        let refused = world.refused(scanning(&world, &event, token, &first)).await;
        assert_eq!(refused, (401, "DOOR_KEY_NOT_GOOD".into()));
    });
}

/// A ticket that is shown at the door of a show of its own.
struct Shown {
    show: String,
    door_key: String,
    scan: Value,
}

impl Shown {
    async fn new(world: &World) -> Self {
        let show = show(world).await;
        let id = world.ticket(&world.fan, &show).await;
        let seen: Value = shown(world, &id, "application/json").await.json().await.unwrap();
        let keys = world.post(&format!("/v1/events/{show}/door-keys"), &world.artist);
        let key = world.done(keys.json(&json!({ "name": "정문" }))).await;
        let door_key = key["key"].as_str().unwrap().to_owned();
        Self { show, door_key, scan: scan(&seen["payload"], "정문") }
    }

    /// The scan as API Gateway hands it over.
    fn scanned(&self) -> Value {
        let path = format!("/v1/events/{}/check-ins", self.show);
        let mut request = posted("POST", &path, &self.scan);
        request["pathParameters"] = json!({ "eventId": self.show });
        signed(request, &self.door_key)
    }

    async fn is_sent_again(&self, world: &World) {
        let again = scanning(world, &self.show, &self.door_key, &self.scan);
        assert_eq!(world.done(again).await["items"][0]["outcome"], "CHECKED_IN");
    }

    /// Who was scanned is in, once, and nobody else is by the same ticket.
    async fn let_one_in(&self, world: &World) {
        self.is_sent_again(world).await;
        let other = scan(&self.scan["payload"], "후문");
        let other = scanning(world, &self.show, &self.door_key, &other);
        assert_eq!(world.refused(other).await, (409, "ALREADY_CHECKED_IN".into()));
        let path = format!("/v1/events/{}/attendees", self.show);
        let there = world.get(&path, &world.artist).await;
        assert_eq!((&there["sold"], &there["checkedIn"]), (&json!(1), &json!(1)), "{there}");
    }
}

#[test]
fn a_scan_that_dies_lets_one_person_in_once_it_is_sent_again() {
    stack::run(async {
        let world = World::new().await;
        let keys = world.request(Method::GET, "/.well-known/ticket-keys.json");
        let keys = world.done(keys).await.to_string();
        let (aws, queue, bucket) = (variable("AWS_ENDPOINT_URL"), queue().await, bucket().await);
        let step = Step {
            name: "check_in",
            services: &[("aws", &aws)],
            program: &|outside| {
                let mut program = program("check_in", outside.url("aws"), queue, bucket);
                program.env("TICKET_PUBLIC_KEYS", &keys);
                program
            },
            event: &Shown::scanned,
        };
        let sent_again = async |shown: &Shown| shown.is_sent_again(&world).await;
        let points = every_kill_point(
            step,
            async || Shown::new(&world).await,
            sent_again,
            async |shown, _| {
                shown.let_one_in(&world).await;
            },
        );
        let points = points.await;
        let names = points.iter().map(|it| it.operation.operation.rsplit('.').next().unwrap());
        let mut names: Vec<_> = names.collect();
        names.dedup();
        assert_eq!(names, ["BatchGetItem", "TransactWriteItems"]);
    });
}

#[test]
fn an_artist_reads_who_comes_as_a_page_as_a_table_and_by_a_link() {
    stack::run(async {
        let world = World::new().await;
        let event = show(&world).await;
        let id = world.ticket(&world.fan, &event).await;
        let path = format!("/v1/events/{event}/attendees");
        let page = world.get(&format!("{path}?q={id}"), &world.artist).await;
        assert_eq!((&page["items"][0]["ticketId"], &page["sold"]), (&json!(id), &json!(1)));
        let table = async |path: &str| {
            let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("text/csv"))]);
            let asking = world.request(Method::GET, path).bearer_auth(&world.artist.token);
            asking.headers(accept).send().await.unwrap()
        };
        let small = table(&path).await;
        assert_eq!(small.headers()[CONTENT_TYPE], "text/csv; charset=utf-8");
        assert!(small.text().await.unwrap().contains(&id));

        let store = Store::new(stack::dynamo(), &variable("STAGE"));
        let one = store.get(&TicketKey(id.parse().unwrap())).await.unwrap().unwrap();
        for _ in 0..8 {
            let another = || {
                let mut other = one.clone();
                other.id = TicketId::generate();
                other.create()
            };
            let many = (0..100).map(|_| another());
            let many = many.fold(Transaction::<()>::new(), Transaction::also);
            store.transact(many).await.unwrap();
        }
        let paid = store.get(&PaymentKey(one.payment_id)).await.unwrap().unwrap();
        let sales = format!("/v1/events/{event}/sales");
        let page = world.get(&sales, &world.artist).await;
        assert_eq!(page["items"][0]["paymentId"], one.payment_id.to_string());
        assert_eq!(
            (&page["totals"]["sold"]["tickets"], &page["totals"]["sold"]["cash"]),
            (&json!(1), &json!(0))
        );
        let mut often = paid.clone();
        often.refunds = vec![
            Refund {
                ticket_ids: paid.ticket_ids().to_vec(),
                cause: Cause::BuyerAsked,
                percent: Percent::ALL,
                rule: Rule::TenDays,
                cash: Won::ZERO,
                points: Won::ZERO,
                coupon: false,
                earned_taken_back: Won::ZERO,
                at: Time::now(),
            };
            30
        ];
        for _ in 0..30 {
            often.id = PaymentId::generate();
            store.transact(Transaction::<()>::new().also(often.create())).await.unwrap();
        }
        for (function, path, id, lines) in
            [("list_attendees", &path, "tkt_", 801), ("list_sales", &sales, "pay_", 1 + 30 * 31)]
        {
            let large = table(path).await;
            assert_eq!(large.status().as_u16(), 303, "{path}");
            let link = large.headers()[LOCATION].to_str().unwrap();
            // As in `exports.rs`: the recorder is told who signed it.
            let signer = format!("app/{}-{function}", variable("STAGE"));
            let client = Client::builder().no_proxy().user_agent(signer).build().unwrap();
            let file = client.get(link).send().await.unwrap();
            let file = file.error_for_status().unwrap().text().await.unwrap();
            assert_eq!(file.matches(id).count(), lines);
        }
    });
}

#[test]
fn a_door_key_opens_no_route_but_the_check_ins_of_its_event() {
    stack::run(async {
        let world = World::new().await;
        let mut refused = Vec::new();
        for operation in operations().into_iter().filter(|operation| operation.signed_in) {
            if operation.name == "check_in" {
                continue;
            }
            let request = operation.good(&world, &operation.path(&world), Some(&world.door_token));
            // Signing out has another way to say who one is.
            let code =
                if operation.name == "sign_out" { "SIGN_IN_REQUIRED" } else { "TOKEN_INVALID" };
            refused.push(Refused::new(&operation.name, request).is(401, code));
        }
        assert!(refused.len() > 30, "{}", refused.len());
        let other = show(&world).await;
        let nothing = scan(&json!("none"), "정문");
        let door = |event: &str| scanning(&world, event, &world.door_token, &nothing);
        refused.push(Refused::new("another event", door(&other)).is(401, "DOOR_KEY_NOT_GOOD"));
        refused.push(Refused::new("its own event", door(&world.event)).is(400, "TICKET_FORGED"));
        let halves = world.door_token.split_once('.').unwrap();
        for none in ["dok_x", halves.0, halves.1] {
            let none = scanning(&world, &world.event, none, &nothing);
            refused.push(Refused::new("no door key", none).is(401, "TOKEN_INVALID"));
        }
        all_refused(refused).await;
    });
}
