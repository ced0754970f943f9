//! The deployed stack as its callers see it: one address, members with tokens, an event on sale.

use std::{
    collections::BTreeSet,
    net::IpAddr,
    sync::atomic::{AtomicU8, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use domain::{
    id::{LinkId, TicketId},
    member::Provider,
    payment::amounts,
    time::Time,
    won::Won,
};
use reqwest::{Client, Method, RequestBuilder, Response, header, redirect::Policy};
use serde_json::{Value, json};
use store::{
    Store,
    catalog::on_sale::OnSaleKey,
    ephemeral::link::Link,
    sales::{
        coupon::Coupon,
        payment::{Booking, Payment, Secret},
        ticket::Ticket,
    },
};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{coupons::offered, document::Operation};

/// The deployed stack with what most tests need in it.
pub struct World {
    client: Client,
    url: String,
    /// Where all of it calls from.
    pub address: IpAddr,
    /// An artist.
    pub artist: Member,
    /// A fan, who holds [`World::payment`].
    pub fan: Member,
    /// Another fan.
    pub stranger: Member,
    /// An event of the artist, on sale.
    pub event: String,
    /// A payment of the fan that waits for KakaoPay.
    pub payment: String,
    /// One who has [`World::ticket`], and nothing else.
    pub guest: Member,
    /// A ticket to the event.
    pub ticket: String,
    /// A door key of the event.
    pub door_key: String,
    /// What its holder shows.
    pub door_token: String,
    /// Another session of the fan.
    pub session: String,
    /// An identity at Kakao that waits to be linked to the fan.
    pub link: String,
    /// A coupon that everybody may claim.
    pub coupon: String,
    /// Another, to be claimed by its code.
    pub coupon_by_code: Coupon,
    /// A code that the fan asked for, for an address that nobody has: it is never mailed.
    pub code_id: String,
    turn: Option<Turn>,
}

/// Tests share one stack at the same time, but for one that counts what is in its tables.
static TURNS: RwLock<()> = RwLock::const_new(());

#[expect(dead_code, reason = "held until the test ends")]
enum Turn {
    BesideOthers(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// Each world calls from an address of its own: what is counted by address is counted for it alone.
fn address() -> IpAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    [127, 0, 1, NEXT.fetch_add(1, Ordering::Relaxed)].into()
}

fn client_at(address: IpAddr) -> Client {
    Client::builder().redirect(Policy::none()).local_address(address).build().unwrap()
}

/// A member who is signed in.
pub struct Member {
    /// The id.
    pub id: String,
    /// The e-mail address.
    pub email: String,
    /// The access token.
    pub token: String,
    /// The refresh token, as a cookie is sent back.
    pub cookie: String,
}

/// Of every member.
pub const PASSWORD: &str = "correct horse battery";

impl World {
    /// Signs up who is needed and publishes an event, over the API.
    pub async fn new() -> Self {
        let turn = Turn::BesideOthers(TURNS.read().await);
        let url = std::env::var("SPOTLIGHT_URL")
            .expect("SPOTLIGHT_URL is not set: these tests are run by `make test`");
        let address = address();
        let client = client_at(address);
        let nobody = || {
            let [id, email, token, cookie] = [const { String::new() }; 4];
            Member { id, email, token, cookie }
        };
        let [event, payment, ticket, door_key, door_token, session, link, code_id] =
            [const { String::new() }; 8];
        let (coupon, coupon_by_code) = (offered(1_000).await.id.to_string(), offered(1_000).await);
        let mut world = Self {
            client,
            url,
            address,
            artist: nobody(),
            fan: nobody(),
            stranger: nobody(),
            guest: nobody(),
            event,
            payment,
            ticket,
            door_key,
            door_token,
            session,
            link,
            coupon,
            coupon_by_code,
            code_id,
            turn: Some(turn),
        };
        // Their codes are mailed at the same time.
        (world.artist, world.fan, world.stranger, world.guest) = tokio::join!(
            world.sign_up("ARTIST"),
            world.sign_up("USER"),
            world.sign_up("USER"),
            world.sign_up("USER")
        );
        world.event = world.publish(world.event_body()).await;
        world.payment =
            world.buy(&world.fan, &world.event, 1).await["id"].as_str().unwrap().to_owned();
        let path = format!("/v1/events/{}/door-keys", world.event);
        let key = world.post(&path, &world.artist).json(&json!({ "name": "정문" }));
        let key = world.done(key).await;
        world.door_key = key["id"].as_str().unwrap().to_owned();
        world.door_token = key["key"].as_str().unwrap().to_owned();
        world.done(world.signing_in(&world.fan.email)).await;
        let sessions = world.get("/v1/me/sessions", &world.fan).await;
        world.session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
        let nobody = format!("{}@example.kr", world.fresh());
        let asked = world.done(world.asking_for_code(&nobody, "NEW_PASSWORD")).await;
        world.code_id = asked["codeId"].as_str().unwrap().to_owned();
        let me = world.fan.id.parse().unwrap();
        let (link, id) = (LinkId::generate(), format!("nobody-{}", world.fresh()).parse().unwrap());
        let waiting = Link::waiting(link, Provider::Kakao, id, me, Time::now());
        let store = Store::new(stack::dynamo(), &std::env::var("STAGE").unwrap());
        store.write(waiting, ()).await.unwrap();
        world.link = link.to_string();
        let event = store.get(&OnSaleKey(world.event.parse().unwrap())).await.unwrap().unwrap();
        let (guest, now) = (world.guest.id.parse().unwrap(), Time::now());
        let one = 1.try_into().unwrap();
        let amounts = amounts(event.price, one, None, Won::ZERO).unwrap();
        let token = Secret("token".into());
        let booking = Booking::of(&event, one);
        let payment = Payment::reserved(guest, booking.clone().into(), amounts, now, token, now);
        let ticket = Ticket::of(&payment, &booking, TicketId::generate(), now);
        store.write(ticket.create(), ()).await.unwrap();
        world.ticket = ticket.id.to_string();
        world
    }

    /// The same, but once it is there no other test does anything.
    pub async fn alone() -> Self {
        let mut world = Self::new().await;
        world.turn = None;
        world.turn = Some(Turn::Alone(TURNS.write().await));
        world
    }

    /// A request to the stack, in English and JSON.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.request_by(&self.client, method, path)
    }

    /// Somebody who calls from another address.
    pub fn neighbour(&self) -> Client {
        client_at(address())
    }

    /// The same request by somebody else.
    pub fn request_by(&self, client: &Client, method: Method, path: &str) -> RequestBuilder {
        let request = client.request(method, format!("{}{path}", self.url));
        request.header(header::ACCEPT, "application/json").header(header::ACCEPT_LANGUAGE, "en")
    }

    /// A `POST` by a member with an idempotency key of its own.
    pub fn post(&self, path: &str, by: &Member) -> RequestBuilder {
        self.request(Method::POST, path)
            .bearer_auth(&by.token)
            .header("Idempotency-Key", self.fresh())
    }

    /// A text that no other call gives.
    pub fn fresh(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// Signs somebody up with the code that is mailed, and in.
    pub async fn sign_up(&self, role: &str) -> Member {
        self.sign_up_as(format!("{}@example.kr", self.fresh()), role).await
    }

    /// The same with this address.
    pub async fn sign_up_as(&self, email: String, role: &str) -> Member {
        let body = json!({ "email": email, "password": PASSWORD, "nickname": "무대 위의 사람", "role": role, "fourteenOrOlder": true });
        let sign_up = self.request(Method::POST, "/v1/auth/sign-up").json(&body);
        let shown = self.code(&email, sign_up).await;
        let verify = self.request(Method::POST, "/v1/auth/email-codes/verify");
        self.done(verify.json(&shown)).await;
        let response = self.served(self.signing_in(&email)).await;
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let session: Value = response.json().await.unwrap();
        let id = session["member"]["id"].as_str().unwrap().to_owned();
        Member { id, email, token: session["accessToken"].as_str().unwrap().to_owned(), cookie }
    }

    /// Everything that was mailed to an address, the newest first.
    pub async fn mail(&self, email: &str) -> Vec<Value> {
        let asking = self.request(Method::GET, "/dev/mail").query(&[("to", email)]);
        let mut letters = self.done(asking).await;
        serde_json::from_value(letters["items"].take()).unwrap()
    }

    /// The text of a mail to an address with this in its subject.
    pub async fn mailed(&self, email: &str, subject: &str) -> String {
        let what = format!("a mail to {email}: {subject}");
        eventually(&what, 90, async || {
            let letters = self.mail(email).await;
            let is_it = |letter: &&Value| letter["subject"].as_str().unwrap().contains(subject);
            letters.iter().find(is_it).map(|letter| letter["text"].as_str().unwrap().to_owned())
        })
        .await
    }

    /// Asks for a code for an address, and answers what shows it, as soon as it is mailed.
    pub async fn code(&self, email: &str, asking: RequestBuilder) -> Value {
        let before = self.mail(email).await.len();
        let mut asked = self.done(asking).await;
        let what = format!("a code for {email}");
        let code = eventually(&what, 30, async || {
            let letters = self.mail(email).await;
            let is_code = |line: &str| line.len() == 6 && line.bytes().all(|b| b.is_ascii_digit());
            let new = letters[..letters.len() - before].iter();
            let texts = new.map(|letter| letter["text"].as_str().unwrap());
            texts.flat_map(str::lines).map(str::trim).find(|it| is_code(it)).map(str::to_owned)
        });
        asked["code"] = code.await.into();
        asked
    }

    /// A request for a code.
    pub fn asking_for_code(&self, email: &str, purpose: &str) -> RequestBuilder {
        let body = json!({ "email": email, "purpose": purpose });
        self.request(Method::POST, "/v1/auth/email-codes").json(&body)
    }

    /// A member who signs in from here, with the right password.
    pub fn signing_in(&self, email: &str) -> RequestBuilder {
        let body = json!({ "email": email, "password": PASSWORD });
        self.request(Method::POST, "/v1/auth/sign-in").json(&body)
    }

    /// An event that is on sale now.
    pub fn event_body(&self) -> Value {
        let day = |days: i64| {
            let time = Time::now().millis() + days * 86_400_000;
            serde_json::to_value(Time::from_millis(time)).unwrap()
        };
        json!({
            "title": "붉은 달의 재즈", "place": "망원동 소극장 무대", "content": "늦은 밤의 트리오 공연입니다.", "category": "MUSIC",
            "capacity": 50, "price": 30000, "startsAt": day(30), "endsAt": day(31), "saleStartsAt": day(-1), "saleEndsAt": day(29),
        })
    }

    /// Publishes an event and answers its id.
    pub async fn publish(&self, event: Value) -> String {
        self.done(self.post("/v1/events", &self.artist).json(&event)).await["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Reserves tickets and answers the payment.
    pub async fn buy(&self, by: &Member, event: &str, quantity: u32) -> Value {
        let body = json!({ "purpose": "TICKETS", "eventId": event, "quantity": quantity });
        self.done(self.post("/v1/payments", by).json(&body)).await
    }

    /// Has a ticket of a free event, and answers its id.
    pub async fn ticket(&self, by: &Member, event: &str) -> String {
        let bought = self.buy(by, event, 1).await;
        let paid = format!("/v1/payments/{}", bought["id"].as_str().unwrap());
        self.get(&paid, by).await["ticketIds"][0].as_str().unwrap().to_owned()
    }

    /// Publishes a free show for one, which somebody buys, and has this member wait for it. Answers the show and that payment.
    pub async fn full_house(&self, buyer: &Member, waits: &Member) -> (String, Value) {
        let mut event = self.event_body();
        (event["capacity"], event["price"]) = (1.into(), 0.into());
        let event = self.publish(event).await;
        let bought = self.buy(buyer, &event, 1).await;
        let line = self.request(Method::PUT, &format!("/v1/events/{event}/waiting-list"));
        let joined = line.bearer_auth(&waits.token).json(&json!({ "quantity": 1 }));
        assert_eq!(self.done(joined).await["position"], 1);
        (event, bought)
    }

    /// What a member reads at a path.
    pub async fn get(&self, path: &str, by: &Member) -> Value {
        self.done(self.request(Method::GET, path).bearer_auth(&by.token)).await
    }

    /// What there is of a kind that ids name, and whose it is, or who may do something about it.
    pub fn object(&self, kind: &str) -> (&str, &Member) {
        match kind {
            "Code" => (&self.code_id, &self.fan),
            "Coupon" => (&self.coupon, &self.fan),
            "DoorKey" => (&self.door_key, &self.artist),
            "Event" => (&self.event, &self.artist),
            "Link" => (&self.link, &self.fan),
            "Member" => (&self.artist.id, &self.fan),
            "Payment" => (&self.payment, &self.fan),
            "Session" => (&self.session, &self.fan),
            "Ticket" => (&self.ticket, &self.guest),
            new => panic!("there is no {new} in the world of the tests: make one"),
        }
    }

    /// How many seats an event has left.
    pub async fn seats_left(&self, event: &str) -> u64 {
        let event = self.done(self.request(Method::GET, &format!("/v1/events/{event}"))).await;
        event["seatsLeft"].as_u64().unwrap()
    }

    /// Waits until an event has so many seats left: reading them may be a moment behind.
    pub async fn has_seats_left(&self, event: &str, seats: u64, seconds: u64) {
        let what = format!("{event} has {seats} seats left");
        eventually(&what, seconds, async || (self.seats_left(event).await == seats).then_some(()))
            .await;
    }

    /// The KakaoPay simulator.
    pub fn kakaopay(&self, method: Method, path: &str) -> RequestBuilder {
        let url = std::env::var("KAKAOPAY_URL")
            .expect("KAKAOPAY_URL is not set: these tests are run by `make test`");
        self.client.request(method, format!("{url}{path}"))
    }

    /// Does on KakaoPay's page what a payer would (`approve`, `cancel` or `fail`), and answers the path that the payer is sent
    /// back to.
    pub async fn at_kakaopay(&self, payment: &str, decision: &str) -> String {
        let path = format!("/_sim/payments/{payment}/{decision}");
        let back = self.done(self.kakaopay(Method::POST, &path)).await;
        let back = back["return_url"].as_str().unwrap();
        back.strip_prefix(&self.url).expect("KakaoPay sends the payer back to us").to_owned()
    }

    /// Sends a request that must be refused, and answers its status and code.
    pub async fn refused(&self, request: RequestBuilder) -> (u16, String) {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let problem: Value = response.json().await.unwrap();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Sends a request that must succeed, and answers its JSON.
    pub async fn done(&self, request: RequestBuilder) -> Value {
        let text = self.served(request).await.text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Sends a request until it is served, as a client does that reads `Retry-After`: a busy machine is no fault. Whatever AWS
    /// does, nobody is answered worse than that.
    pub async fn served(&self, request: RequestBuilder) -> Response {
        eventually("a request is served", 90, async || {
            let response = request.try_clone().unwrap().send().await.unwrap();
            let status = response.status();
            let again = response.headers().contains_key(header::RETRY_AFTER);
            match status.as_u16() {
                200..300 => Some(response),
                503 | 409 if again => None,
                _ => panic!("{status}: {}", response.text().await.unwrap()),
            }
        })
        .await
    }

    /// Every item of every table of the stack, but for counters of attempts. A hold that an earlier test left ends by itself: that
    /// makes a sold-out mark, which does not count, and changes a payment, its seats and its buyer's counter, which count by
    /// their keys alone; so do codes and mail, which their worker changes.
    pub async fn items(&self) -> BTreeSet<String> {
        let stage =
            std::env::var("STAGE").expect("STAGE is not set: these tests are run by `make test`");
        let mut items = BTreeSet::new();
        for table in stack::table_names(&stage) {
            for item in stack::items(&table).await {
                match item["sk"].as_str().unwrap() {
                    "RATE" | "SOLD_OUT" => continue,
                    "PAYMENT" | "STOCK" | "BUYER" | "CODE" | "MAIL" => {
                        items.insert(format!("{table}: {}", item["pk"]))
                    }
                    _ => items.insert(format!("{table}: {item}")),
                };
            }
        }
        items
    }
}

/// A member of each role, who owns nothing.
pub struct Members {
    pub artist: Member,
    pub fan: Member,
}

impl Members {
    /// Signs them up, and in.
    pub async fn sign_up(world: &World) -> Self {
        Self { artist: world.sign_up("ARTIST").await, fan: world.sign_up("USER").await }
    }

    /// One who may call a route, if it is not about what is theirs.
    pub fn who_may(&self, operation: &Operation) -> &Member {
        if operation.is_for("USER") { &self.fan } else { &self.artist }
    }
}

/// Looks again and again until there is something to see.
///
/// # Panics
/// When there is nothing after so many seconds.
pub async fn eventually<T>(
    what: &str,
    seconds: u64,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(began.elapsed() < Duration::from_secs(seconds), "{what}: not within {seconds} s");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Calls the local cloud, which asks for no signature: `AmazonSQS.ReceiveMessage`.
pub async fn aws(target: &str, body: Value) -> Value {
    let url = std::env::var("AWS_ENDPOINT_URL")
        .expect("AWS_ENDPOINT_URL is not set: these tests are run by `make test`");
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.post(url).header("X-Amz-Target", target).json(&body);
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    assert!(status.is_success(), "{target}: {status}: {text}");
    serde_json::from_str(&text).unwrap_or_default()
}
