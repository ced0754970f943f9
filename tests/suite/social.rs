//! Signing in with Kakao or Naver, as a browser does it and as an attacker would.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url, header};
use serde_json::{Value, json};
use tests::{
    gateway,
    kills::{Step, every_kill_point},
    outside::Outside,
};

use crate::{
    shop::variable,
    world::{Member, World},
};

/// Somebody on their way to a provider.
struct Way {
    provider: &'static str,
    /// The provider's page.
    page: Url,
    /// What their browser has, as it is sent back.
    cookie: String,
}

/// An id that nobody else has.
fn fresh_id() -> u64 {
    fastrand::u64(1..1 << 62)
}

fn cookie(response: &Response) -> Option<String> {
    let set = response.headers().get(header::SET_COOKIE)?.to_str().unwrap();
    Some(set.split(';').next().unwrap().to_owned())
}

async fn start(world: &World, provider: &'static str) -> Way {
    let begun = world.request(Method::GET, &format!("/v1/auth/{provider}/start"));
    let begun = world.served(begun).await;
    let cookie = cookie(&begun).unwrap();
    let page: Value = begun.json().await.unwrap();
    Way { provider, page: page["url"].as_str().unwrap().parse().unwrap(), cookie }
}

impl Way {
    /// Decides on the provider's page, and answers where that sends them.
    async fn decides(&self, decision: &str, person: Value) -> Url {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let page = client.get(self.page.clone()).header(header::ACCEPT, "application/json");
        let asked: Value = page.send().await.unwrap().json().await.unwrap();
        let number = asked["request"].as_str().unwrap_or_else(|| panic!("{asked}"));
        let address = format!("{}/_sim/requests/{number}/{decision}", variable("LOGIN_URL"));
        let decided = client.post(address).json(&person).send().await.unwrap();
        let decided: Value = decided.error_for_status().unwrap().json().await.unwrap();
        decided["return_url"].as_str().unwrap().parse().unwrap()
    }

    /// The browser's request for an address that a provider sent it to.
    fn goes(&self, world: &World, to: &Url) -> RequestBuilder {
        let path = format!("{}?{}", to.path(), to.query().unwrap_or_default());
        world.request(Method::GET, &path).header(header::COOKIE, &self.cookie)
    }

    /// Agrees as somebody, comes back, and is sent on.
    async fn as_somebody(&self, world: &World, person: Value) -> Response {
        let back = self.decides("accept", person).await;
        self.goes(world, &back).send().await.unwrap()
    }
}

/// Signs somebody in and answers their access token.
async fn signed_in(world: &World, provider: &'static str, person: Value) -> String {
    let response = start(world, provider).await.as_somebody(world, person).await;
    token(world, response).await
}

/// What the page does that they are sent to.
async fn token(world: &World, response: Response) -> String {
    assert_eq!(response.status(), StatusCode::FOUND, "{:?}", response.text().await);
    let there = format!("{}/docs", variable("SPOTLIGHT_URL"));
    assert_eq!(response.headers()[header::LOCATION], there);
    let refresh = world.request(Method::POST, "/v1/auth/refresh");
    let refresh = refresh.header(header::COOKIE, cookie(&response).unwrap());
    world.done(refresh).await["accessToken"].as_str().unwrap().to_owned()
}

async fn me(world: &World, token: &str) -> Value {
    world.done(world.request(Method::GET, "/v1/me").bearer_auth(token)).await
}

/// That a request makes no session, and what it is told.
async fn refused(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    assert!(!response.headers().contains_key(header::SET_COOKIE));
    let status = response.status().as_u16();
    let problem: Value = response.json().await.unwrap();
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

/// As a browser asks: for a page.
fn by_browser(request: RequestBuilder) -> RequestBuilder {
    let page = header::HeaderValue::from_static("text/html,application/xhtml+xml,*/*;q=0.8");
    request.headers(header::HeaderMap::from_iter([(header::ACCEPT, page)]))
}

fn no_state() -> (u16, String) {
    (400, "SIGN_IN_STATE_INVALID".into())
}

#[test]
fn who_comes_by_kakao_is_a_member_and_gives_what_is_lacking_before_they_buy() {
    stack::run(async {
        let world = World::new().await;
        let person = json!({ "id": fresh_id(), "nickname": "별빛 관객" });
        let token = signed_in(&world, "kakao", person.clone()).await;
        let mine = me(&world, &token).await;
        assert_eq!((&mine["nickname"], &mine["role"]), (&json!("별빛 관객"), &json!("USER")));
        assert_eq!((&mine["email"], &mine["phone"]), (&Value::Null, &Value::Null));
        assert_eq!(
            (&mine["identities"], &mine["fourteenOrOlder"]),
            (&json!(["kakao"]), &json!(false))
        );

        let order = json!({ "purpose": "TICKETS", "eventId": world.event, "quantity": 1 });
        let buy = |token: &str| {
            let buying = world.request(Method::POST, "/v1/payments").bearer_auth(token);
            buying.header("Idempotency-Key", world.fresh()).json(&order)
        };
        let declare = |token: &str| {
            let change = world.request(Method::PATCH, "/v1/me").bearer_auth(token);
            change.header(header::IF_MATCH, "*").json(&json!({ "fourteenOrOlder": true }))
        };
        assert_eq!(world.refused(buy(&token)).await, (403, "AGE_NEEDED".into()));
        assert_eq!(world.done(declare(&token)).await["fourteenOrOlder"], true);
        assert_eq!(world.refused(buy(&token)).await, (403, "EMAIL_NEEDED".into()));
        let address = format!("{}@example.kr", world.fresh());
        let shown = world.code(&address, world.asking_for_code(&address, "VERIFY_EMAIL")).await;
        let give = world.request(Method::PUT, "/v1/me/email").bearer_auth(&token);
        assert_eq!(world.done(give.json(&shown)).await["email"], address);
        world.done(buy(&token)).await;

        let email = format!("{}@example.kr", world.fresh());
        let other = json!({ "id": fresh_id(), "nickname": "편지 있음", "email": email });
        let other = signed_in(&world, "kakao", other).await;
        assert_eq!(me(&world, &other).await["email"], email);
        world.done(declare(&other)).await;
        world.done(buy(&other)).await;

        let again = signed_in(&world, "kakao", person).await;
        assert_eq!(me(&world, &again).await["id"], mine["id"]);
        let unlink = world.request(Method::DELETE, "/v1/me/identities/kakao").bearer_auth(&again);
        assert_eq!(world.refused(unlink).await, (409, "LAST_WAY_IN".into()));
    });
}

#[test]
fn an_address_that_is_known_is_linked_by_a_code_and_unlinked_while_there_is_another_way_in() {
    stack::run(async {
        let world = World::new().await;
        let (email, mine) = (&world.fan.email, world.get("/v1/me", &world.fan).await);
        let person = json!({ "id": fresh_id(), "email": email });
        let told = start(&world, "kakao").await.as_somebody(&world, person.clone()).await;
        let there: Url = told.headers()[header::LOCATION].to_str().unwrap().parse().unwrap();
        let (_, link) = there.fragment().unwrap().split_once("&link=").unwrap();
        let mut shown = world.code(email, world.asking_for_code(email, "LINK_IDENTITY")).await;
        shown["linkId"] = link.into();
        let linking = |by: &Member| {
            let put = world.request(Method::PUT, "/v1/me/identities/kakao").bearer_auth(&by.token);
            put.json(&shown)
        };
        let stranger = world.refused(linking(&world.stranger)).await;
        assert_eq!(stranger, (404, "LINK_NOT_FOUND".into()));
        assert_eq!(world.done(linking(&world.fan)).await["identities"], json!(["kakao"]));

        // With a device that they never signed in with: they are told by mail, as by any way in.
        let way = start(&world, "kakao").await;
        let back = way.decides("accept", person.clone()).await;
        let whale = "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Whale/4.1 Safari/537.36";
        let request = way.goes(&world, &back).header(header::USER_AGENT, whale);
        let token = token(&world, request.send().await.unwrap()).await;
        assert_eq!(me(&world, &token).await["id"], mine["id"]);
        let unlink = world.request(Method::DELETE, "/v1/me/identities/kakao").bearer_auth(&token);
        assert_eq!(unlink.send().await.unwrap().status(), StatusCode::NO_CONTENT);
        assert_eq!(me(&world, &token).await["identities"], json!([]));
        // Their address is still the account's, and no way in.
        let told = start(&world, "kakao").await.as_somebody(&world, person).await;
        let there = told.headers()[header::LOCATION].to_str().unwrap().to_owned();
        assert!(there.contains("#code=IDENTITY_NOT_LINKED"), "{there}");
    });
}

#[test]
fn a_changed_missing_replayed_or_foreign_state_is_no_session() {
    stack::run(async {
        let world = World::new().await;
        for provider in ["kakao", "naver"] {
            let person = json!({
                "id": if provider == "kakao" { json!(fresh_id()) } else { json!(fresh_id().to_string()) },
                "faults": { "token": { "reuse": true } },
            });
            let victim = start(&world, provider).await;
            let attacker = start(&world, provider).await;
            let back = victim.decides("accept", person.clone()).await;
            let with_state = |state: Option<&str>| {
                let pairs = back.query_pairs().filter(|(name, _)| name != "state");
                let pairs: Vec<_> = pairs.map(|(a, b)| (a.into_owned(), b.into_owned())).collect();
                let mut changed = back.clone();
                changed.query_pairs_mut().clear().extend_pairs(pairs);
                if let Some(state) = state {
                    changed.query_pairs_mut().append_pair("state", state);
                }
                changed
            };
            let attackers =
                attacker.page.query_pairs().find(|(name, _)| name == "state").unwrap().1;
            for (what, address) in [
                ("changed", with_state(Some("x"))),
                ("missing", with_state(None)),
                ("foreign", with_state(Some(&attackers))),
            ] {
                let request = victim.goes(&world, &address);
                assert_eq!(refused(request).await, no_state(), "{provider}: {what}");
            }
            let bare =
                world.request(Method::GET, &format!("{}?{}", back.path(), back.query().unwrap()));
            assert_eq!(refused(bare).await, no_state(), "{provider}: without the browser's cookie");
            let other = if provider == "kakao" { "naver" } else { "kakao" };
            let mut elsewhere = back.clone();
            elsewhere.set_path(&format!("/v1/auth/{other}/callback"));
            let request = victim.goes(&world, &elsewhere);
            assert_eq!(refused(request).await, no_state(), "{provider}: at another provider");

            // Victim's browser, attacker's code: the victim would be signed in as the attacker.
            let theirs = attacker.decides("accept", person).await;
            let request = victim.goes(&world, &theirs);
            assert_eq!(refused(request).await, no_state(), "{provider}: another's way back");

            token(&world, victim.goes(&world, &back).send().await.unwrap()).await;
            // The provider would take the code again.
            let replayed = victim.goes(&world, &back);
            assert_eq!(refused(replayed).await, no_state(), "{provider}: replayed");
        }
    });
}

#[test]
fn a_code_is_worth_nothing_to_whoever_steals_it() {
    stack::run(async {
        let world = World::new().await;
        for (provider, id) in
            [("kakao", json!(fresh_id())), ("naver", json!(fresh_id().to_string()))]
        {
            let victim = start(&world, provider).await;
            let attacker = start(&world, provider).await;
            let back = victim.decides("accept", json!({ "id": id })).await;
            let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1;
            let state = attacker.page.query_pairs().find(|(name, _)| name == "state").unwrap().1;
            let mut injected = back.clone();
            injected.query_pairs_mut().clear().extend_pairs([("code", &code), ("state", &state)]);
            // Its state is the attacker's own; the verifier, or at Naver the state, is not the code's.
            let told = refused(attacker.goes(&world, &injected)).await;
            assert_eq!(told, (400, "PROVIDER_REFUSED".into()), "{provider}");
        }
    });
}

#[test]
fn a_request_names_no_place_to_be_sent_to() {
    stack::run(async {
        let world = World::new().await;
        let evil = ["redirect_uri", "redirect", "next", "url", "return_to"];
        let evil = evil.map(|name| format!("{name}=https://evil.example"));
        for added in &evil {
            let path = format!("/v1/auth/kakao/start?{added}");
            assert_eq!(world.refused(world.request(Method::GET, &path)).await.0, 422, "{added}");
        }
        let way = start(&world, "kakao").await;
        let mut back = way.decides("accept", json!({ "id": fresh_id() })).await;
        let query = format!("{}&{}", back.query().unwrap(), evil.join("&"));
        back.set_query(Some(&query));
        let request = way.goes(&world, &back).header("X-Forwarded-Host", "evil.example");
        token(&world, request.send().await.unwrap()).await;

        let page = world.request(Method::GET, "/v1/auth/kakao/start");
        let page = by_browser(page).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::FOUND);
        let there: Url = page.headers()[header::LOCATION].to_str().unwrap().parse().unwrap();
        assert!(there.as_str().starts_with(&variable("LOGIN_URL")));
        let ours = format!("{}/v1/auth/kakao/callback", variable("SPOTLIGHT_URL"));
        assert!(there.query_pairs().any(|(name, value)| name == "redirect_uri" && value == ours));
    });
}

#[test]
fn an_address_that_is_not_verified_or_another_s_is_no_way_in() {
    stack::run(async {
        let world = World::new().await;
        let email = &world.fan.email;
        for lacking in ["is_email_verified", "is_email_valid"] {
            let person = json!({ "id": fresh_id(), "email": email, lacking: false });
            let token = signed_in(&world, "kakao", person).await;
            assert_eq!(me(&world, &token).await["email"], Value::Null, "{lacking}");
        }
        let person = json!({ "id": fresh_id().to_string(), "email": email });
        let token = signed_in(&world, "naver", person).await;
        assert_eq!(me(&world, &token).await["email"], Value::Null, "Naver says nothing of it");

        let person = json!({ "id": fresh_id(), "email": email });
        for _ in 0..2 {
            let response = start(&world, "kakao").await.as_somebody(&world, person.clone()).await;
            assert_eq!(response.status(), StatusCode::FOUND);
            assert!(cookie(&response).is_none());
            let there: Url =
                response.headers()[header::LOCATION].to_str().unwrap().parse().unwrap();
            let told = there.fragment().unwrap();
            assert!(told.starts_with("code=IDENTITY_NOT_LINKED&link=lnk_"), "{told}");
        }
        let mine = world.get("/v1/me", &world.fan).await;
        assert_eq!(mine["identities"], json!([]), "nothing was linked");
    });
}

#[test]
fn a_number_of_naver_s_longer_than_any_of_ours_is_one_person_to_the_last_digit() {
    stack::run(async {
        let world = World::new().await;
        let long = format!("{}{}", u64::MAX, fresh_id());
        let mut members = Vec::new();
        for id in [format!("{long}1"), format!("{long}2"), format!("{long}1"), format!("0{long}1")]
        {
            let token = signed_in(&world, "naver", json!({ "id": id })).await;
            members.push(me(&world, &token).await["id"].clone());
        }
        assert_eq!(members[0], members[2]);
        assert!(members[0] != members[1] && members[0] != members[3]);
    });
}

#[test]
fn every_failure_is_a_page_with_a_code_and_no_session() {
    stack::run(async {
        let world = World::new().await;
        let (refused, unavailable) = ((400, "PROVIDER_REFUSED"), (503, "PROVIDER_UNAVAILABLE"));
        let person = |faults: Value| json!({ "id": fresh_id(), "faults": faults });
        for (what, decision, person, (status, code)) in [
            ("refused", "refuse", json!({}), refused),
            ("token: 500", "accept", person(json!({ "token": { "status": 500 } })), unavailable),
            ("token: dropped", "accept", person(json!({ "token": { "drop": true } })), unavailable),
            ("token: slow", "accept", person(json!({ "token": { "delay": 6 } })), unavailable),
            ("token: nonsense", "accept", person(json!({ "token": { "body": [] } })), unavailable),
            ("me: 500", "accept", person(json!({ "me": { "status": 500 } })), unavailable),
            ("me: 401", "accept", person(json!({ "me": { "status": 401 } })), refused),
            ("me: dropped", "accept", person(json!({ "me": { "drop": true } })), unavailable),
            ("me: slow", "accept", person(json!({ "me": { "delay": 6 } })), unavailable),
            (
                "me: nobody",
                "accept",
                person(json!({ "me": { "body": { "id": null } } })),
                unavailable,
            ),
        ] {
            let way = start(&world, "kakao").await;
            let back = way.decides(decision, person).await;
            let page = by_browser(way.goes(&world, &back)).send().await.unwrap();
            assert_eq!(page.status(), status, "{what}");
            assert!(cookie(&page).is_none(), "{what}");
            assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{what}");
            let text = page.text().await.unwrap();
            assert!(text.contains(code), "{what}: {text}");
        }
    });
}

/// The function's own binary over the stack's tables, with nothing outside but through the proxies.
fn program(outside: &Outside) -> Command {
    let binary = "../target/debug/finish_social_sign_in";
    let mut program = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(binary));
    let (stage, public_url) = (variable("STAGE"), variable("SPOTLIGHT_URL"));
    program.stdout(Stdio::null()).env_clear().envs([
        ("AWS_REGION", "ap-northeast-2"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", outside.url("aws")),
        ("MAIL_QUEUE_URL", "http://127.0.0.1/nobody-signs-in-anew-with-another-device"),
        ("KAKAO_CLIENT_ID", "local-kakao"),
        ("KAKAO_AUTH_URL", outside.url("login")),
        ("KAKAO_API_URL", outside.url("login")),
        ("KAKAO_SECRET_ID", &format!("{stage}/kakao")),
        ("NAVER_CLIENT_ID", "local-naver"),
        ("NAVER_AUTH_URL", outside.url("login")),
        ("NAVER_API_URL", outside.url("login")),
        ("NAVER_SECRET_ID", &format!("{stage}/naver")),
        ("PUBLIC_URL", &public_url),
        ("SIGNED_IN_URL", "https://stage.kr/"),
        ("STAGE", &stage),
        ("TABLE_PREFIX", &stage),
    ]);
    program
}

#[test]
fn a_first_sign_in_that_dies_anywhere_leaves_nobody_or_one_member_and_is_begun_anew() {
    stack::run(async {
        let world = World::new().await;
        let (aws, login) = (variable("AWS_ENDPOINT_URL"), variable("LOGIN_URL"));
        let step = Step {
            name: "finish_social_sign_in",
            services: &[("aws", &aws), ("login", &login)],
            program: &program,
            event: &|(_, event): &(u64, Value)| event.clone(),
        };
        let prepare = async || {
            let id = fresh_id();
            let way = start(&world, "kakao").await;
            let back = way.decides("accept", json!({ "id": id, "nickname": "쓰러진 관객" })).await;
            let headers = json!({ "cookie": way.cookie, "accept": "application/json" });
            let mut event = gateway::request("GET", "/v1/auth/{provider}/callback", headers);
            event["pathParameters"] = json!({ "provider": way.provider });
            for (name, value) in back.query_pairs() {
                event["queryStringParameters"][&*name] = json!(value);
                event["multiValueQueryStringParameters"][&*name] = json!([value]);
            }
            (id, event)
        };
        let members = async |id: u64| {
            let items = stack::items(&format!("{}-identity", variable("STAGE"))).await;
            let id = json!(id.to_string());
            let theirs = |item: &&Value| item["identities"]["kakao"] == id;
            items.iter().filter(theirs).count()
        };
        let begin_anew = async |(id, _): &(u64, Value)| {
            assert!(members(*id).await <= 1);
            signed_in(&world, "kakao", json!({ "id": id })).await;
        };
        let points = every_kill_point(step, prepare, begin_anew, async |(id, _), point| {
            assert_eq!(members(*id).await, 1, "after {point:?}");
            let token = signed_in(&world, "kakao", json!({ "id": id })).await;
            assert_eq!(me(&world, &token).await["identities"], json!(["kakao"]));
        });
        let points = points.await;
        let names = points.iter().map(|point| point.operation.operation.rsplit(['.', '/']).next());
        let mut names: Vec<_> = names.flatten().collect();
        names.dedup();
        let calls = "UpdateItem PutItem GetSecretValue token me GetItem TransactWriteItems PutItem GetItem PutItem";
        assert_eq!(names.join(" "), calls);
    });
}
