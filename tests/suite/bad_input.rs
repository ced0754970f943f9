//! Bad input over every route: the right status, a stable code, a pointer to the value, and nothing written.
//!
//! What the document says of a route is tried from the document itself; what only a person knows (whose thing it is,
//! what a repeated request means) stands in [`rows`]. A route without a row fails.

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::world::{Member, World};

/// A refusal as a caller sees it.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    problem: Value,
}

impl Refusal {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let status = response.status();
        let kind = response
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|kind| kind.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        let problem: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{status}: not JSON: {text}"));
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{status}: {problem}");
        for key in ["type", "title", "status", "detail", "code", "errors", "requestId"] {
            assert!(problem.get(key).is_some(), "no {key}: {problem}");
        }
        assert_eq!(problem["status"], status.as_u16());
        Self { status, problem }
    }

    #[track_caller]
    fn is(&self, status: u16, code: &str) {
        assert_eq!(
            (self.status.as_u16(), self.problem["code"].as_str()),
            (status, Some(code)),
            "{}",
            self.problem
        );
    }

    /// Has this fault among the bad values; a body's is named by pointer, another's by name.
    #[track_caller]
    fn has(&self, place: &str, name: &str, code: &str) {
        self.is(422, self.problem["code"].as_str().unwrap_or_default());
        let key = if place == "body" { "pointer" } else { "name" };
        let found = self.problem["errors"].as_array().unwrap().iter().any(|error| {
            error["in"] == place
                && error[key] == name
                && error["code"] == code
                && error["detail"] != ""
        });
        assert!(found, "{place} {name} {code} is not in {}", self.problem);
    }
}

/// One operation of the document, with all references followed.
struct Operation<'a> {
    name: &'a str,
    method: Method,
    path: &'a str,
    signed_in: bool,
    body: Option<Map<String, Value>>,
    required: Vec<String>,
    query: Vec<Value>,
    takes_key: bool,
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let schema = resolved(document, schema);
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            operations.push(Operation {
                name: operation["operationId"].as_str().unwrap(),
                method: method.to_uppercase().parse().unwrap(),
                path,
                signed_in: operation["security"]
                    .as_array()
                    .is_some_and(|schemes| schemes.iter().all(|one| one.get("bearer").is_some())),
                body: schema["properties"].as_object().cloned(),
                required: required.iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
                takes_key: parameters
                    .iter()
                    .any(|parameter| parameter["name"] == "Idempotency-Key"),
                query: parameters
                    .into_iter()
                    .filter(|parameter| parameter["in"] == "query")
                    .collect(),
            });
        }
    }
    operations
}

/// A schema with its reference followed; of a choice, the first that is not null.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(reference.trim_start_matches('#')).unwrap());
    }
    match schema["oneOf"].as_array() {
        Some(choices) => {
            let choice = choices.iter().find(|choice| choice["type"] != "null").unwrap();
            resolved(document, choice)
        }
        None => schema.clone(),
    }
}

/// An id of the right kind that names nothing.
fn unknown(path: &str) -> String {
    path.split('/')
        .map(|piece| match piece {
            "{eventId}" => "evt_00000000000000000000000000",
            "{paymentId}" => "pay_00000000000000000000000000",
            "{token}" => "nobody-knows-this-token",
            _ => piece,
        })
        .collect::<Vec<_>>()
        .join("/")
}

impl Operation<'_> {
    fn request(&self, world: &World, path: &str, by: Option<&Member>) -> RequestBuilder {
        let required = self.query.iter().filter(|parameter| parameter["required"] == true);
        let required: Vec<_> = required.map(|it| (it["name"].as_str().unwrap(), "x")).collect();
        let request = world.request(self.method.clone(), path).query(&required);
        let request =
            if self.takes_key { request.header("Idempotency-Key", world.fresh()) } else { request };
        match by {
            Some(member) => request.bearer_auth(&member.token),
            None => request,
        }
    }

    /// What the document alone promises.
    async fn keeps_the_document(&self, world: &World, document: &Value) {
        let path = &unknown(self.path);
        let artist = self.signed_in.then_some(&world.artist);
        let request = || self.request(world, path, artist);

        if self.signed_in {
            Refusal::of(self.request(world, path, None)).await.is(401, "SIGN_IN_REQUIRED");
            let garbage = self.request(world, path, None).bearer_auth("eyJhbGciOiJub25lIn0.e30.");
            Refusal::of(garbage).await.is(401, "TOKEN_INVALID");
        }
        Refusal::of(world.request(Method::TRACE, path)).await.is(405, "METHOD_NOT_ALLOWED");
        if path != self.path {
            let names_nothing = self
                .path
                .replace("{eventId}", "x")
                .replace("{paymentId}", "x")
                .replace("{token}", "x");
            if self.body.is_none() {
                assert_eq!(
                    Refusal::of(self.request(world, &names_nothing, artist)).await.status,
                    404,
                    "{}",
                    self.name
                );
                assert_eq!(Refusal::of(request()).await.status, 404, "{}", self.name);
            }
        } else if self.query.is_empty() && self.body.is_none() {
            Refusal::of(request().query(&[("unknown", "1")])).await.has(
                "query",
                "unknown",
                "UNKNOWN_FIELD",
            );
        }
        for parameter in &self.query {
            let name = parameter["name"].as_str().unwrap();
            let schema = resolved(document, &parameter["schema"]);
            Refusal::of(request().query(&[(name, "1"), (name, "2")]))
                .await
                .has("query", name, "TYPE");
            if [&schema["type"], &schema["type"][0]]
                .iter()
                .any(|kind| *kind == "integer" || *kind == "boolean")
            {
                Refusal::of(request().query(&[(name, "many")])).await.has("query", name, "TYPE");
            }
        }
        if let Some(properties) = &self.body {
            self.reads_the_body(properties, document, request).await;
        }
    }

    async fn reads_the_body(
        &self,
        properties: &Map<String, Value>,
        document: &Value,
        request: impl Fn() -> RequestBuilder,
    ) {
        let json = |text: &str| {
            request().header(header::CONTENT_TYPE, "application/json").body(text.to_owned())
        };
        Refusal::of(json("{")).await.is(400, "NOT_JSON");
        Refusal::of(request().header(header::CONTENT_TYPE, "text/plain").body("{}"))
            .await
            .is(415, "NOT_JSON_TYPE");
        Refusal::of(json(&format!("\"{}\"", "a".repeat(65 * 1024))))
            .await
            .is(413, "BODY_TOO_LARGE");
        Refusal::of(json("[]")).await.has("body", "", "TYPE");
        let unknown = request().json(&json!({ "unknown": 1 }));
        Refusal::of(unknown).await.has("body", "/unknown", "UNKNOWN_FIELD");
        let nothing = Refusal::of(json("{}")).await;
        for name in &self.required {
            nothing.has("body", &format!("/{name}"), "MISSING");
        }
        let told = nothing.problem["errors"].as_array().unwrap().len();
        assert_eq!(told, self.required.len(), "{}", nothing.problem);
        // Every field wrong at once, and every fault told at once.
        let wrong = properties.keys().map(|name| (name.clone(), json!({ "a": [1] })));
        let told = Refusal::of(request().json(&wrong.collect::<Map<_, _>>())).await;
        for name in properties.keys() {
            told.has("body", &format!("/{name}"), "TYPE");
        }
        let (mut beyond, mut named) = (Map::new(), Vec::new());
        for (name, property) in properties {
            let schema = resolved(document, property);
            if let Some(most) = schema["maxLength"].as_u64() {
                beyond.insert(name.clone(), "가".repeat(most as usize + 1).into());
                named.push(name);
            } else if let Some(most) = schema["maximum"].as_i64() {
                beyond.insert(name.clone(), (most + 1).into());
                named.push(name);
            } else if schema["enum"].is_array() {
                beyond.insert(name.clone(), "NOT_ONE".into());
                named.push(name);
            }
        }
        let told = Refusal::of(request().json(&beyond)).await;
        for name in named {
            let pointer = format!("/{name}");
            let errors = told.problem["errors"].as_array().unwrap();
            let code = errors
                .iter()
                .find(|error| error["pointer"] == pointer)
                .map(|error| error["code"].clone());
            let code = code
                .unwrap_or_else(|| panic!("{pointer} beyond its limit is taken: {}", told.problem));
            assert!(
                ["LENGTH", "RANGE", "CHOICE", "FORMAT"].contains(&code.as_str().unwrap()),
                "{pointer}: {code}"
            );
        }
    }
}

/// What only a person knows of each route. A route that is not named here fails the test.
async fn rows(world: &World, route: &str) {
    let World { artist, fan, stranger, .. } = world;
    let post = |path: &str, by: &Member, body: Value| world.post(path, by).json(&body);
    match route {
        "sign_up" => {
            let again = json!({ "email": fan.email, "password": "another-good-password", "nickname": "다른 사람", "role": "USER" });
            Refusal::of(world.request(Method::POST, "/v1/auth/sign-up").json(&again))
                .await
                .is(409, "EMAIL_TAKEN");
            let admin = json!({ "email": "a@b.kr", "password": "a-good-password", "nickname": "관리자", "role": "ADMIN" });
            Refusal::of(world.request(Method::POST, "/v1/auth/sign-up").json(&admin))
                .await
                .has("body", "/role", "CHOICE");
            let common = json!({ "email": "a@b.kr", "password": "password", "nickname": "누구", "role": "USER" });
            Refusal::of(world.request(Method::POST, "/v1/auth/sign-up").json(&common)).await.has(
                "body",
                "/password",
                "COMMON_PASSWORD",
            );
        }
        "sign_in" => {
            for email in [&fan.email, "nobody@example.kr"] {
                let wrong = json!({ "email": email, "password": "not-the-password" });
                Refusal::of(world.request(Method::POST, "/v1/auth/sign-in").json(&wrong))
                    .await
                    .is(401, "WRONG_EMAIL_OR_PASSWORD");
            }
        }
        "refresh" => {
            for cookie in ["", "refresh=x", "refresh=mem_1.ses_1.x"] {
                let request =
                    world.request(Method::POST, "/v1/auth/refresh").header(header::COOKIE, cookie);
                Refusal::of(request).await.is(401, "REFRESH_TOKEN_INVALID");
            }
        }
        "sign_out" | "get_me" => {
            let leaver = world.sign_up("USER").await;
            let done = world.post("/v1/auth/sign-out", &leaver).send().await.unwrap();
            assert_eq!(done.status(), 204);
            let me = world.request(Method::GET, "/v1/me").bearer_auth(&leaver.token);
            Refusal::of(me).await.is(401, "SESSION_ENDED");
        }
        "create_event" => {
            let mut event = world.event_body();
            Refusal::of(post("/v1/events", fan, event.clone())).await.is(403, "ARTISTS_ONLY");
            let key = world.fresh();
            let create = |event: &Value| {
                world
                    .request(Method::POST, "/v1/events")
                    .bearer_auth(&artist.token)
                    .header("Idempotency-Key", &key)
                    .json(event)
            };
            let first: Value = create(&event).send().await.unwrap().json().await.unwrap();
            let second: Value = create(&event).send().await.unwrap().json().await.unwrap();
            assert_eq!(first["id"], second["id"], "a double click makes one event");
            event["title"] = "다른 공연".into();
            Refusal::of(create(&event)).await.is(422, "IDEMPOTENCY_KEY_REUSED");
            let keyless =
                world.request(Method::POST, "/v1/events").bearer_auth(&artist.token).json(&event);
            Refusal::of(keyless).await.has("header", "Idempotency-Key", "IDEMPOTENCY_KEY_MISSING");
            let long = world
                .request(Method::POST, "/v1/events")
                .bearer_auth(&artist.token)
                .header("Idempotency-Key", "k".repeat(256))
                .json(&event);
            Refusal::of(long).await.has("header", "Idempotency-Key", "IDEMPOTENCY_KEY_INVALID");
            event["endsAt"] = event["startsAt"].clone();
            event["saleEndsAt"] = event["saleStartsAt"].clone();
            let told = Refusal::of(post("/v1/events", artist, event)).await;
            told.has("body", "/endsAt", "AFTER");
            told.has("body", "/saleEndsAt", "AFTER");
        }
        "get_event" => {
            let missing = world.request(Method::GET, "/v1/events/evt_00000000000000000000000000");
            Refusal::of(missing).await.is(404, "EVENT_NOT_FOUND");
            let lower = world.event.to_lowercase();
            let lower = world.request(Method::GET, &format!("/v1/events/{lower}"));
            Refusal::of(lower).await.is(404, "NOT_FOUND");
        }
        "search_events" => {
            let search =
                |query: &[(&str, &str)]| world.request(Method::GET, "/v1/events").query(query);
            Refusal::of(search(&[("limit", "0")])).await.has("query", "limit", "RANGE");
            Refusal::of(search(&[("limit", "101")])).await.has("query", "limit", "RANGE");
            let long = "가".repeat(101);
            Refusal::of(search(&[("q", &long)])).await.has("query", "q", "LENGTH");
            Refusal::of(search(&[("sort", "cheapest")])).await.has("query", "sort", "CHOICE");
            Refusal::of(search(&[("cursor", "bm90IGEgY3Vyc29y")])).await.is(400, "CURSOR_INVALID");
        }
        "create_payment" => {
            let body = |event: &str, quantity: i64| json!({ "purpose": "TICKETS", "eventId": event, "quantity": quantity });
            for (quantity, code) in [(0, "RANGE"), (5, "RANGE")] {
                Refusal::of(post("/v1/payments", fan, body(&world.event, quantity))).await.has(
                    "body",
                    "/quantity",
                    code,
                );
            }
            Refusal::of(post("/v1/payments", fan, json!({ "purpose": "GIFT" })))
                .await
                .has("body", "/purpose", "CHOICE");
            let nowhere = body("evt_00000000000000000000000000", 1);
            Refusal::of(post("/v1/payments", fan, nowhere)).await.is(404, "EVENT_NOT_FOUND");
            let keyless = world
                .request(Method::POST, "/v1/payments")
                .bearer_auth(&fan.token)
                .json(&body(&world.event, 1));
            Refusal::of(keyless).await.has("header", "Idempotency-Key", "IDEMPOTENCY_KEY_MISSING");
            let key = world.fresh();
            let pay = |quantity| {
                world
                    .request(Method::POST, "/v1/payments")
                    .bearer_auth(&stranger.token)
                    .header("Idempotency-Key", &key)
                    .json(&body(&world.event, quantity))
            };
            let first: Value = pay(1).send().await.unwrap().json().await.unwrap();
            let second: Value = pay(1).send().await.unwrap().json().await.unwrap();
            assert!(
                first["id"].is_string() && first["id"] == second["id"],
                "a retry pays once: {first} {second}"
            );
            Refusal::of(pay(2)).await.is(422, "IDEMPOTENCY_KEY_REUSED");
            Refusal::of(post("/v1/payments", stranger, body(&world.event, 4)))
                .await
                .is(400, "TICKET_LIMIT");
        }
        "approve_payment" | "cancel_payment" | "fail_payment" => {
            let step = route.trim_end_matches("_payment");
            let guess = format!("/v1/payments/{}/returns/guessed/{step}?pg_token=x", world.payment);
            Refusal::of(world.request(Method::GET, &guess)).await.is(404, "PAYMENT_NOT_FOUND");
            for (token, code) in [("", "LENGTH"), (&*"x".repeat(101), "LENGTH"), ("%20", "FORMAT")]
            {
                if route == "approve_payment" {
                    let guess = guess.replace("pg_token=x", &format!("pg_token={token}"));
                    let told = Refusal::of(world.request(Method::GET, &guess)).await;
                    told.has("query", "pg_token", code);
                }
            }
        }
        "get_payment" => {
            let foreign = world
                .request(Method::GET, &format!("/v1/payments/{}", world.payment))
                .bearer_auth(&stranger.token);
            Refusal::of(foreign).await.is(404, "PAYMENT_NOT_FOUND");
        }
        "list_my_payments" | "list_my_tickets" => {
            let list =
                if route == "list_my_payments" { "/v1/me/payments" } else { "/v1/me/tickets" };
            let page = |query: &[(&str, &str)]| {
                world.request(Method::GET, list).bearer_auth(&fan.token).query(query)
            };
            Refusal::of(page(&[("cursor", "bm90IGEgY3Vyc29y")])).await.is(400, "CURSOR_INVALID");
            Refusal::of(page(&[("limit", "0")])).await.has("query", "limit", "RANGE");
        }
        // They take nothing but what every route takes.
        "get_docs" | "get_health" | "get_jwks" | "get_openapi" => {}
        new => panic!("{new} is in the document and has no rows here"),
    }
}

#[test]
fn every_route_refuses_bad_input_clearly_and_writes_nothing() {
    stack::run(async {
        let world = World::alone().await;
        let document: Value =
            world.request(Method::GET, "/openapi.json").send().await.unwrap().json().await.unwrap();
        let before = world.items().await;
        for operation in operations(&document) {
            operation.keeps_the_document(&world, &document).await;
        }
        assert_eq!(world.items().await, before, "a refused request wrote something");
        for operation in operations(&document) {
            rows(&world, operation.name).await;
        }
        Refusal::of(world.request(Method::GET, "/v1/nowhere")).await.is(404, "ROUTE_NOT_FOUND");
    });
}
