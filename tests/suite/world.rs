//! The deployed stack as its callers see it: one address, members with tokens, an event on sale.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use aws_sdk_dynamodb::types::Select;
use reqwest::{Client, Method, RequestBuilder, header, redirect::Policy};
use serde_json::{Value, json};

/// The deployed stack with what most tests need in it.
pub struct World {
    client: Client,
    url: String,
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
}

/// A member who is signed in.
pub struct Member {
    /// The e-mail address.
    pub email: String,
    /// The access token.
    pub token: String,
}

const PASSWORD: &str = "correct horse battery";

impl World {
    /// Signs up who is needed and publishes an event, over the API.
    pub async fn new() -> Self {
        let url = std::env::var("SPOTLIGHT_URL")
            .expect("SPOTLIGHT_URL is not set: these tests are run by `make test`");
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        let nobody = || Member { email: String::new(), token: String::new() };
        let (event, payment) = (String::new(), String::new());
        let mut world = Self {
            client,
            url,
            artist: nobody(),
            fan: nobody(),
            stranger: nobody(),
            event,
            payment,
        };
        world.artist = world.sign_up("ARTIST").await;
        world.fan = world.sign_up("USER").await;
        world.stranger = world.sign_up("USER").await;
        world.event = world.publish(world.event_body()).await;
        world.payment =
            world.buy(&world.fan, &world.event, 1).await["id"].as_str().unwrap().to_owned();
        world
    }

    /// A request to the stack, in English and JSON.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.url));
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

    /// Signs somebody up, and in.
    pub async fn sign_up(&self, role: &str) -> Member {
        let email = format!("{}@example.kr", self.fresh());
        let body = json!({ "email": email, "password": PASSWORD, "nickname": "무대 위의 사람", "role": role });
        self.done(self.request(Method::POST, "/v1/auth/sign-up").json(&body)).await;
        let body = json!({ "email": email, "password": PASSWORD });
        let session = self.done(self.request(Method::POST, "/v1/auth/sign-in").json(&body)).await;
        Member { email, token: session["accessToken"].as_str().unwrap().to_owned() }
    }

    /// An event that is on sale now.
    pub fn event_body(&self) -> Value {
        let day = |days: i64| {
            let time = domain::time::Time::now().millis() + days * 86_400_000;
            serde_json::to_value(domain::time::Time::from_millis(time)).unwrap()
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

    /// Sends a request that must succeed, and answers its JSON.
    pub async fn done(&self, request: RequestBuilder) -> Value {
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// How many items each table of the stack holds, but for counters of attempts.
    pub async fn items(&self) -> BTreeMap<&'static str, i32> {
        let stage =
            std::env::var("STAGE").expect("STAGE is not set: these tests are run by `make test`");
        let mut counts = BTreeMap::new();
        for table in ["identity", "catalog", "sales", "inbox"] {
            let scan = stack::dynamo()
                .scan()
                .table_name(format!("{stage}-{table}"))
                .select(Select::Count)
                .send()
                .await;
            counts.insert(table, scan.unwrap().count);
        }
        counts
    }
}
