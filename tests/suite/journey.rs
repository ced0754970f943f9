//! The whole journey over HTTP, through the deployed stack: from publishing to the ticket, and what becomes of everybody who
//! turns back on the way.

use std::time::Duration;

use domain::time::Time;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap, HeaderValue},
};
use serde_json::{Value, json};
use store::{Write, sales::payment::PaymentKey};

use crate::{
    killed::store,
    world::{Member, World, eventually},
};

/// Search is a moment behind the table: the stream, the worker and OpenSearch's refresh lie between.
const SEARCH_SECONDS: u64 = 30;
/// What ends by itself has the queue's delivery and the sweeper's minute after its time.
const AFTER_ITS_TIME: u64 = 120;

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap()).collect()
}

fn numbers(list: &Value, field: &str) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|item| item[field].as_u64().unwrap()).collect()
}

fn id(value: &Value) -> &str {
    value["id"].as_str().unwrap()
}

fn time(value: &Value) -> Time {
    value.as_str().unwrap().parse().unwrap()
}

impl World {
    async fn search(&self, query: &[(&str, &str)]) -> Value {
        self.done(self.request(Method::GET, "/v1/events").query(query)).await
    }

    async fn payment(&self, id: &str, by: &Member) -> Value {
        self.get(&format!("/v1/payments/{id}"), by).await
    }

    /// What a person's browser is shown.
    async fn page(&self, path: &str, language: &'static str) -> String {
        let headers = [(header::ACCEPT, "text/html"), (header::ACCEPT_LANGUAGE, language)];
        let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
        let request = self.request(Method::GET, path).headers(HeaderMap::from_iter(headers));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        response.text().await.unwrap()
    }

    async fn on_sale(&self, title: &str) -> String {
        let mut event = self.event_body();
        event["title"] = title.into();
        self.publish(event).await
    }
}

#[test]
fn a_show_is_found_with_typos_bought_paid_and_shown_as_tickets() {
    stack::run(async {
        let world = World::new().await;
        let event = world.on_sale("반딧불 아래 첼로").await;
        let found =
            eventually("a search with a typo in each word finds it", SEARCH_SECONDS, async || {
                let found = world.search(&[("q", "반딪불 챌로"), ("sort", "newest")]).await;
                found["items"].as_array()?.iter().find(|item| item["id"] == *event).cloned()
            })
            .await;
        assert_eq!((&found["title"], &found["price"]), (&json!("반딧불 아래 첼로"), &json!(30000)));
        assert_eq!(world.seats_left(&event).await, 50);

        let held = world.buy(&world.fan, &event, 2).await;
        let payment = id(&held);
        assert_eq!((&held["state"], &held["cash"]), (&json!("READY"), &json!(60000)));
        world.has_seats_left(&event, 48, 5).await;
        assert_eq!(world.get("/v1/me/tickets", &world.fan).await["items"], json!([]));

        let back = world.at_kakaopay(payment, "approve").await;
        let page = world.page(&back, "ko").await;
        for words in ["예매가 끝났습니다", "반딧불 아래 첼로", "60,000원", payment]
        {
            assert!(page.contains(words), "{words} is not in {page}");
        }
        // The buyer reloads, or KakaoPay comes twice.
        let paid = world.done(world.request(Method::GET, &back)).await;
        assert_eq!(paid["state"], "APPROVED");
        assert_eq!(paid, world.payment(payment, &world.fan).await);
        let steps = texts(&paid["history"], "step");
        assert_eq!(steps, ["RESERVE", "MAKE_READY", "START_APPROVAL", "APPROVE"]);
        let books = format!("/_sim/payments?id={payment}");
        let books = world.done(world.kakaopay(Method::GET, &books)).await;
        assert_eq!(books["net_amount"], 60000);
        assert_eq!(books["payments"][0]["approve_calls"], 1);

        let tickets = world.get("/v1/me/tickets", &world.fan).await["items"].clone();
        let mut ids = texts(&tickets, "id");
        let mut of_payment: Vec<_> = paid["ticketIds"].as_array().unwrap().iter().collect();
        ids.sort_unstable();
        of_payment.sort_by_key(|id| id.as_str());
        assert_eq!(ids, of_payment);
        assert_eq!(ids.len(), 2);
        for ticket in tickets.as_array().unwrap() {
            assert_eq!(
                (&ticket["paymentId"], &ticket["state"]),
                (&json!(payment), &json!("VALID"))
            );
            assert_eq!(ticket["event"]["title"], "반딧불 아래 첼로");
        }
        assert_eq!(world.get("/v1/me/payments", &world.fan).await["items"][0], paid);
        world.has_seats_left(&event, 48, 5).await;
    });
}

#[test]
fn whoever_turns_back_at_kakaopay_gives_the_seats_back() {
    stack::run(async {
        let world = World::new().await;
        for (decision, state, words) in
            [("cancel", "CANCELLED", "Payment cancelled"), ("fail", "FAILED", "The payment failed")]
        {
            let event = world.on_sale("되돌아간 사람").await;
            let held = world.buy(&world.fan, &event, 3).await;
            world.has_seats_left(&event, 47, 5).await;
            let back = world.at_kakaopay(id(&held), decision).await;
            let page = world.page(&back, "en").await;
            assert!(page.contains(words), "{words} is not in {page}");
            world.has_seats_left(&event, 50, 5).await;
            // Coming back once more, or giving it up, gives nothing more.
            let payment = format!("/v1/payments/{}", id(&held));
            let giving_up = world.request(Method::DELETE, &payment);
            world.done(giving_up.bearer_auth(&world.fan.token)).await;
            let again = world.done(world.request(Method::GET, &back)).await;
            assert_eq!((&again["state"], &again["ticketIds"]), (&json!(state), &json!([])));
            world.has_seats_left(&event, 50, 5).await;
            // All four are free for this buyer again.
            world.buy(&world.fan, &event, 4).await;
        }
        assert_eq!(world.get("/v1/me/tickets", &world.fan).await["items"], json!([]));
    });
}

#[test]
fn whoever_only_looks_at_a_return_address_ends_nothing_and_whoever_presses_its_button_does() {
    stack::run(async {
        let world = World::new().await;
        let event = world.on_sale("미리 보는 주소").await;
        let held = world.buy(&world.fan, &event, 3).await;
        let payment = format!("/v1/payments/{}", id(&held));
        let approval = world.at_kakaopay(id(&held), "approve").await;
        let returns = approval.split_once("/approve").unwrap().0;
        for way in ["cancel", "fail"] {
            let page = world.page(&format!("{returns}/{way}"), "en").await;
            assert!(page.contains("Waiting for your payment"), "{page}");
            assert!(page.contains(r#"<form method="post" action="cancel">"#), "{page}");
        }
        assert_eq!(world.get(&payment, &world.fan).await["state"], "READY");
        // As a form without a field does.
        let press = || {
            let button = world.request(Method::POST, &format!("{returns}/cancel"));
            button.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        };
        for _ in 0..2 {
            assert_eq!(world.done(press()).await["state"], "CANCELLED");
        }
        world.has_seats_left(&event, 50, 5).await;
        let late = world.done(world.request(Method::GET, &approval)).await;
        assert_eq!(late["state"], "CANCELLED", "and is not paid afterwards");
    });
}

#[test]
fn whoever_meets_their_own_unpaid_hold_is_led_to_it_and_gives_it_up() {
    stack::run(async {
        let world = World::new().await;
        let event = world.on_sale("내가 잡아 둔 자리").await;
        let held = world.buy(&world.fan, &event, 3).await;
        let body = json!({ "purpose": "TICKETS", "eventId": event, "quantity": 2 });
        let refused = world.post("/v1/payments", &world.fan).json(&body).send().await.unwrap();
        let refusal: Value = refused.json().await.unwrap();
        assert_eq!((&refusal["code"], &refusal["openPayment"]), (&json!("TICKET_LIMIT"), &held));

        let payment = format!("/v1/payments/{}", id(&refusal["openPayment"]));
        let give_up = |by: &Member| world.request(Method::DELETE, &payment).bearer_auth(&by.token);
        let foreign = world.refused(give_up(&world.stranger)).await;
        assert_eq!(foreign, (404, "PAYMENT_NOT_FOUND".into()));
        for _ in 0..2 {
            assert_eq!(give_up(&world.fan).send().await.unwrap().status(), 204);
        }
        world.has_seats_left(&event, 50, 5).await;

        let held = world.buy(&world.fan, &event, 4).await;
        let back = world.at_kakaopay(id(&held), "approve").await;
        world.done(world.request(Method::GET, &back)).await;
        let paid = format!("/v1/payments/{}", id(&held));
        let paid = world.request(Method::DELETE, &paid).bearer_auth(&world.fan.token);
        assert_eq!(world.refused(paid).await, (409, "ALREADY_PAID".into()));
    });
}

#[test]
fn who_waits_is_offered_what_a_refund_gives_back_and_buys_it() {
    stack::run(async {
        let world = World::new().await;
        let (event, bought) = world.full_house(&world.fan, &world.stranger).await;
        let waiting = format!("/v1/events/{event}/waiting-list");
        let join = world.request(Method::PUT, &waiting).bearer_auth(&world.guest.token);
        let joined = world.done(join.json(&json!({ "quantity": 1 }))).await;
        assert_eq!((&joined["state"], &joined["position"]), (&json!("WAITING"), &json!(2)));

        let paid = format!("/v1/payments/{}", id(&bought));
        let ticket = world.get(&paid, &world.fan).await["ticketIds"].take();
        let refund = json!({ "ticketIds": ticket, "total": 0 });
        world.done(world.post(&format!("{paid}/refunds"), &world.fan).json(&refund)).await;
        let offered = eventually("the seat is offered", 60, async || {
            let waits = world.get(&waiting, &world.stranger).await;
            (waits["state"] == "OFFERED").then_some(waits)
        });
        let offered = offered.await;
        assert_eq!(world.seats_left(&event).await, 0, "it is on no open sale");
        let order = |more: Value| {
            let mut order = json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1 });
            order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            order
        };
        let refused = world.post("/v1/payments", &world.artist).json(&order(json!({})));
        let refused: Value = refused.send().await.unwrap().json().await.unwrap();
        assert_eq!((&refused["code"], &refused["waitedFor"]), (&json!("SOLD_OUT"), &json!(true)));

        world.mailed(&world.stranger.email, "The seats you wait for are there").await;
        let told = world.get("/v1/notifications", &world.stranger).await;
        assert_eq!(told["items"][0]["kind"], "WAITING_LIST_OFFER");
        let offer = order(json!({ "offerId": offered["offer"]["id"] }));
        let others = world.post("/v1/payments", &world.guest).json(&offer);
        assert_eq!(world.refused(others).await, (400, "OFFER_OVER".into()));
        let taken = world.done(world.post("/v1/payments", &world.stranger).json(&offer)).await;
        assert_eq!(taken["state"], "APPROVED");
        let waits = world.get(&waiting, &world.stranger).await;
        assert_eq!((&waits["state"], &waits["paymentId"]), (&json!("TAKEN"), &taken["id"]));
        assert_eq!(world.get(&waiting, &world.guest).await["position"], 1);
        let leave = || world.request(Method::DELETE, &waiting).bearer_auth(&world.guest.token);
        world.served(leave()).await;
        assert_eq!(world.refused(leave()).await, (404, "NOT_WAITING".into()));
    });
}

#[test]
fn whoever_lets_holds_go_again_and_again_waits_and_is_told_how_long() {
    stack::run(async {
        let world = World::new().await;
        let event = world.on_sale("잡았다 놓은 자리").await;
        for _ in 0..2 {
            let held = world.buy(&world.fan, &event, 1).await;
            let payment = format!("/v1/payments/{}", id(&held));
            let giving_up = world.request(Method::DELETE, &payment);
            world.done(giving_up.bearer_auth(&world.fan.token)).await;
        }
        let body = json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1 });
        let refused = world.post("/v1/payments", &world.fan).json(&body).send().await.unwrap();
        assert_eq!(refused.status(), 429);
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(refused.json::<Value>().await.unwrap()["code"], "UNPAID_TOO_OFTEN");
        world.buy(&world.stranger, &event, 1).await;
    });
}

#[test]
fn whoever_sees_that_their_hold_has_ended_can_buy_its_seats_at_once() {
    stack::run(async {
        let world = World::new().await;
        for list in [false, true] {
            let mut event = world.event_body();
            event["capacity"] = 2.into();
            let event = world.publish(event).await;
            let held = world.buy(&world.fan, &event, 2).await;
            // Its time is over long before the worker's message comes.
            let key = PaymentKey(id(&held).parse().unwrap());
            let over = Time::now().minus(Duration::from_secs(1)).millis();
            store().write(Write::update(&key).set("holdEndsAt", over), ()).await.unwrap();
            let seen = if list {
                world.get("/v1/me/payments", &world.fan).await["items"][0].take()
            } else {
                world.payment(id(&held), &world.fan).await
            };
            assert_eq!((id(&seen), &seen["state"]), (id(&held), &json!("EXPIRED")));
            world.buy(&world.fan, &event, 2).await;
        }
    });
}

/// Both take their time, side by side.
#[test]
fn a_hold_ends_when_its_time_is_over() {
    stack::run(async {
        let world = World::new().await;
        tokio::join!(
            an_abandoned_hold_gives_its_seats_back(&world),
            a_late_payer_gets_seats_that_are_still_there(&world),
        );
    });
}

/// Buys, and waits until the hold has ended.
async fn bought_and_forgotten(world: &World, event: &str) -> String {
    let held = world.buy(&world.stranger, event, 2).await;
    let payment = id(&held).to_owned();
    let wait = Time::now().until(time(&held["holdEndsAt"])).as_secs();
    assert!(wait <= 120, "a hold of {wait} s is too long for a test: `make test` has short ones");
    eventually("the hold ends", wait + 5, async || {
        let state = world.payment(&payment, &world.stranger).await["state"].clone();
        (state == "EXPIRED").then_some(())
    })
    .await;
    payment
}

async fn an_abandoned_hold_gives_its_seats_back(world: &World) {
    let event = world.on_sale("아무도 돌아오지 않은 밤").await;
    let payment = bought_and_forgotten(world, &event).await;
    world.has_seats_left(&event, 50, AFTER_ITS_TIME).await;
    let ended = world.payment(&payment, &world.stranger).await;
    assert_eq!(texts(&ended["history"], "step").last(), Some(&"EXPIRE"));
    assert!(ended.get("kakaopay").is_none(), "nobody is sent to pay for what has ended: {ended}");
}

async fn a_late_payer_gets_seats_that_are_still_there(world: &World) {
    let event = world.on_sale("늦게 온 사람").await;
    let payment = bought_and_forgotten(world, &event).await;
    let back = world.at_kakaopay(&payment, "approve").await;
    let paid = world.done(world.request(Method::GET, &back)).await;
    assert_eq!(paid["state"], "APPROVED", "{paid}");
    assert!(texts(&paid["history"], "step").contains(&"START_LATE_APPROVAL"));
    assert_eq!(paid["ticketIds"].as_array().unwrap().len(), 2);
    world.has_seats_left(&event, 48, 5).await;
}

#[test]
fn a_list_is_filtered_sorted_and_read_page_by_page() {
    stack::run(async {
        let world = World::new().await;
        // No other run has it, so that these five are all that is found there.
        let place = format!("무대 {}", Time::now().millis());
        let day = |days: i64| {
            let millis = Time::now().millis() + days * 86_400_000;
            serde_json::to_value(Time::from_millis(millis)).unwrap()
        };
        let mut published = Vec::new();
        for (title, category, price, capacity, sale_starts, sale_ends) in [
            ("하나", "MUSIC", 10_000, 10, -1, 5),
            ("둘", "MUSIC", 20_000, 20, -1, 4),
            ("셋", "ART", 30_000, 30, -1, 3),
            ("넷", "ART", 0, 40, -1, 2),
            ("다섯", "MUSIC", 50_000, 50, 1, 6),
        ] {
            let mut event = world.event_body();
            for (field, value) in [
                ("title", json!(title)),
                ("place", json!(place)),
                ("category", json!(category)),
                ("price", json!(price)),
                ("capacity", json!(capacity)),
                ("saleStartsAt", day(sale_starts)),
                ("saleEndsAt", day(sale_ends)),
            ] {
                event[field] = value;
            }
            published.push(world.publish(event).await);
        }
        let search = async |more: &[(&str, &str)]| {
            let here = [("place", place.as_str())];
            world.search(&[&here, more].concat()).await
        };
        eventually("all five are found", SEARCH_SECONDS, async || {
            (search(&[]).await["total"] == 5).then_some(())
        })
        .await;

        let today = Time::now().korean_day().to_string();
        for (filter, titles) in [
            (&[][..], &["다섯", "넷", "셋", "둘", "하나"][..]),
            (&[("sort", "priceUp")], &["넷", "하나", "둘", "셋", "다섯"]),
            (&[("sort", "priceDown")], &["다섯", "셋", "둘", "하나", "넷"]),
            (&[("sort", "closingSoon")], &["넷", "셋", "둘", "하나", "다섯"]),
            (&[("category", "ART")], &["넷", "셋"]),
            (&[("capacityMax", "20")], &["둘", "하나"]),
            (&[("priceMin", "15000"), ("priceMax", "30000")], &["셋", "둘"]),
            (&[("onSale", "true")], &["넷", "셋", "둘", "하나"]),
            (&[("onSale", "false")], &["다섯"]),
            (&[("saleFrom", &*today)], &["다섯"]),
            (&[("startTo", &*today)], &[]),
            (&[("title", "하나")], &["하나"]),
        ] {
            assert_eq!(texts(&search(filter).await["items"], "title"), titles, "{filter:?}");
        }
        let first = search(&[("limit", "2"), ("sort", "priceUp")]).await;
        assert_eq!((&first["total"], &first["totalRelation"]), (&json!(5), &json!("eq")));
        assert_eq!(
            first["categories"],
            json!([{ "category": "MUSIC", "count": 3 }, { "category": "ART", "count": 2 }])
        );

        let (mut prices, mut page) = (Vec::new(), first.clone());
        loop {
            prices.extend(numbers(&page["items"], "price"));
            let Some(cursor) = page["nextCursor"].as_str().map(str::to_owned) else { break };
            page = search(&[("limit", "2"), ("sort", "priceUp"), ("cursor", &cursor)]).await;
        }
        assert_eq!(prices, [0, 10_000, 20_000, 30_000, 50_000], "each once, in order");
        let cursor = first["nextCursor"].as_str().unwrap();
        let of_another_list = world.request(Method::GET, "/v1/events").query(&[("cursor", cursor)]);
        assert_eq!(world.refused(of_another_list).await, (400, "CURSOR_INVALID".into()));
    });
}

#[test]
fn own_lists_are_read_page_by_page_too() {
    stack::run(async {
        let world = World::new().await;
        for _ in 0..2 {
            let event = world.on_sale("모으는 사람").await;
            let payment = world.buy(&world.stranger, &event, 2).await;
            let back = world.at_kakaopay(id(&payment), "approve").await;
            world.done(world.request(Method::GET, &back)).await;
        }
        for coupon in [world.coupon.clone(), world.coupon_by_code.id.to_string()] {
            let claims = format!("/v1/coupons/{coupon}/claims");
            world.done(world.post(&claims, &world.stranger)).await;
        }
        for (list, count) in [("/v1/me/tickets", 4), ("/v1/me/payments", 2), ("/v1/me/coupons", 2)]
        {
            let whole = world.get(list, &world.stranger).await["items"].clone();
            assert_eq!(whole.as_array().unwrap().len(), count, "{list}");
            let (mut pages, mut path) = (Vec::new(), format!("{list}?limit=1"));
            loop {
                let page = world.get(&path, &world.stranger).await;
                pages.extend(page["items"].as_array().unwrap().clone());
                let Some(cursor) = page["nextCursor"].as_str() else { break };
                path = format!("{list}?limit=1&cursor={cursor}");
            }
            assert_eq!(Value::from(pages), whole, "{list}: newest first, each once");
        }
    });
}

#[test]
fn a_refresh_token_is_good_once_and_using_it_again_ends_the_session() {
    stack::run(async {
        let world = World::new().await;
        let refresh = |cookie: &str| {
            world.request(Method::POST, "/v1/auth/refresh").header(header::COOKIE, cookie)
        };
        let renewed = async |cookie: &str| {
            let response = refresh(cookie).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
            let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
            for attribute in ["HttpOnly", "Secure", "SameSite=Strict"] {
                assert!(set.contains(attribute), "{attribute} is not in {set}");
            }
            let access: Value = response.json().await.unwrap();
            let token = access["accessToken"].as_str().unwrap().to_owned();
            (set.split(';').next().unwrap().to_owned(), token)
        };
        let me = |token: &str| world.request(Method::GET, "/v1/me").bearer_auth(token);

        let first = world.fan.cookie.clone();
        let (second, _) = renewed(&first).await;
        assert_eq!(renewed(&first).await.0, second, "whose answer was lost comes again");
        let (third, token) = renewed(&second).await;
        assert_eq!(world.done(me(&token)).await["email"], world.fan.email);
        assert_eq!(world.refused(refresh(&first)).await, (401, "REFRESH_TOKEN_INVALID".into()));
        assert_eq!(world.refused(refresh(&third)).await, (401, "REFRESH_TOKEN_INVALID".into()));
        assert_eq!(world.refused(me(&token)).await, (401, "SESSION_ENDED".into()));
    });
}

#[test]
fn signing_out_ends_the_refresh_token_too() {
    stack::run(async {
        let world = World::new().await;
        let response = world.post("/v1/auth/sign-out", &world.fan).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::NO_CONTENT);
        let refresh = world.request(Method::POST, "/v1/auth/refresh");
        let refresh = refresh.header(header::COOKIE, &world.fan.cookie);
        assert_eq!(world.refused(refresh).await, (401, "REFRESH_TOKEN_INVALID".into()));
    });
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    stack::run(async {
        let world = World::new().await;
        let event = world.on_sale("같은 무대").await;
        let path = format!("/v1/events/{event}");
        let read = async |known: &str| {
            let request = world.request(Method::GET, &path).header(header::IF_NONE_MATCH, known);
            let response = request.send().await.unwrap();
            let tag = response.headers()[header::ETAG].to_str().unwrap().to_owned();
            (response.status().as_u16(), tag, response.text().await.unwrap().is_empty())
        };
        let (status, tag, empty) = read("\"another\"").await;
        assert_eq!((status, empty), (200, false));
        assert_eq!(read(&tag).await, (304, tag.clone(), true));
        world.buy(&world.fan, &event, 1).await;
        world.has_seats_left(&event, 49, 5).await;
        let (status, now, _) = read(&tag).await;
        assert!(status == 200 && now != tag, "a seat was taken: {now}");
    });
}

#[test]
fn a_member_changes_their_account_if_they_have_seen_it_and_signs_out_elsewhere() {
    stack::run(async {
        let world = World::new().await;
        let change = |seen: &str, body: Value| {
            let request = world.request(Method::PATCH, "/v1/me").bearer_auth(&world.fan.token);
            request.header(header::IF_MATCH, seen).json(&body)
        };
        // Nobody else has them: a test's members are new.
        let number = Time::now().millis() % 10_000_000;
        let phone = |end: u8| format!("010-{:04}-{:03}{end}", number / 1_000, number % 1_000);
        let (first, second) = (phone(1), phone(2));
        let changed = world.done(change("\"1\"", json!({ "nickname": "새 이름" }))).await;
        assert_eq!(changed["nickname"], "새 이름");
        let stale = world.refused(change("\"1\"", json!({ "phone": first }))).await;
        assert_eq!(stale, (412, "CHANGED_SINCE".into()));
        world.done(change("\"2\"", json!({ "phone": first.replace('-', "") }))).await;
        world.done(change("\"3\"", json!({ "phone": second }))).await;
        assert_eq!(world.get("/v1/me", &world.fan).await["phone"], *second);

        let elsewhere = world.request(Method::DELETE, "/v1/me/sessions");
        world.done(elsewhere.bearer_auth(&world.fan.token)).await;
        let here = world.get("/v1/me/sessions", &world.fan).await;
        assert_eq!(here["items"].as_array().unwrap().len(), 1, "{here}");
        assert_eq!(here["items"][0]["current"], true);
    });
}

#[test]
fn whoever_may_keep_an_answer_is_told_so_and_nobody_else_keeps_any() {
    stack::run(async {
        let world = World::new().await;
        let event = world.on_sale("잠깐 두는 무대").await;
        let payment = world.buy(&world.fan, &event, 1).await;
        let payment = payment["id"].as_str().unwrap();
        let read = async |path: &str| {
            let path = path.replace("{eventId}", &event).replace("{paymentId}", payment);
            let path = path.replace("{artistId}", &world.artist.id);
            // An artist's own events are read by their artist.
            let own = path.starts_with("/v1/me/events");
            let by = if own { &world.artist } else { &world.fan };
            let request = world.request(Method::GET, &path).bearer_auth(&by.token);
            let headers = request.send().await.unwrap().headers().clone();
            let text = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
            let names = [header::CACHE_CONTROL, header::ETAG, header::VARY];
            names.map(text)
        };
        let document = world.done(world.request(Method::GET, "/openapi.json")).await;
        for (path, route) in document["paths"].as_object().unwrap() {
            // Who comes back from KakaoPay is no reader.
            if route.get("get").is_none() || path.contains("{token}") {
                continue;
            }
            let [kept, tag, _] = read(path).await;
            let tagged = route["get"]["responses"].get("304").is_some();
            assert_eq!(tag.is_some(), tagged, "{path}");
            let expected = match path.as_str() {
                "/v1/artists/{artistId}"
                | "/v1/coupons"
                | "/v1/events"
                | "/v1/events/{eventId}"
                | "/v1/events/{eventId}/calendar.ics"
                | "/docs"
                | "/openapi.json" => "public, max-age=2, stale-while-revalidate=10",
                "/.well-known/jwks.json" | "/.well-known/ticket-keys.json" => "public, max-age=300",
                _ if tagged => "private, no-cache",
                _ => "no-store",
            };
            assert_eq!(kept.unwrap(), expected, "{path}");
        }
        let [kept, _, vary] = read("/v1/events/none").await;
        let vary = vary.unwrap();
        assert_eq!((kept.as_deref(), &*vary), (Some("no-store"), "accept, accept-language"));
    });
}

#[test]
fn the_published_keys_verify_the_tokens() {
    stack::run(async {
        let world = World::new().await;
        let keys = world.request(Method::GET, "/.well-known/jwks.json");
        let keys: JwkSet = serde_json::from_value(world.done(keys).await).unwrap();
        let token = &world.fan.token;
        let kid = decode_header(token).unwrap().kid.unwrap();
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let claims =
            decode::<Value>(token, &key, &Validation::new(Algorithm::ES256)).unwrap().claims;
        assert_eq!(claims["sub"], world.get("/v1/me", &world.fan).await["id"]);
        assert!(!claims.to_string().contains('@'), "a token names nobody: {claims}");
        for key in &keys.keys {
            let key = serde_json::to_value(key).unwrap();
            assert!(key.get("d").is_none(), "a private key is published");
        }
    });
}

#[test]
fn the_stack_is_well_and_documented() {
    stack::run(async {
        let world = World::new().await;
        let health = world.done(world.request(Method::GET, "/v1/health")).await;
        assert_eq!(
            health,
            json!({ "status": "UP", "dependencies": { "store": "UP", "search": "UP" } })
        );
        let document = world.done(world.request(Method::GET, "/openapi.json")).await;
        let whole: Value = serde_json::from_str(&generate::document().unwrap()).unwrap();
        assert_eq!(document, whole, "all parts are in the document that is served");
        assert!(world.page("/docs", "ko").await.contains("/openapi.json"));
    });
}

#[test]
fn points_are_bought_and_go_back_and_an_artist_is_given_something_and_thanked() {
    stack::run(async {
        let world = World::new().await;
        let World { stranger, artist, .. } = &world;
        let pays = async |body: Value| {
            let payment = world.done(world.post("/v1/payments", stranger).json(&body)).await;
            let id = payment["id"].as_str().unwrap().to_owned();
            let back = world.at_kakaopay(&id, "approve").await;
            let paid = world.done(world.request(Method::GET, &back)).await;
            assert_eq!(paid["state"], "APPROVED", "{body}");
            (id, paid)
        };
        let (points, _) = pays(json!({ "purpose": "POINTS", "amount": 20_000 })).await;
        let balance = async || world.get("/v1/me/points", stranger).await;
        let has = |points: u64| json!({ "balance": points, "bought": points, "debt": 0 });
        assert_eq!(balance().await, has(20_000));

        let gift = json!({ "purpose": "SPONSORSHIP", "artistId": artist.id, "amount": 5_000, "message": "힘내세요" });
        let (gift, paid) = pays(gift).await;
        assert_eq!(
            (&paid["artist"]["id"], &paid["message"]),
            (&json!(artist.id), &json!("힘내세요"))
        );
        let given = world.get("/v1/me/sponsorships", artist).await["items"][0].clone();
        assert_eq!((&given["amount"], &given["message"]), (&json!(5_000), &json!("힘내세요")));
        assert_eq!((&given["paymentId"], &given["state"]), (&json!(gift), &json!("GIVEN")));
        let nickname = &world.get("/v1/me", stranger).await["nickname"];
        eventually("the artist is told", 60, async || {
            let inbox = world.get("/v1/notifications", artist).await;
            let mut told = inbox["items"].as_array().unwrap().iter();
            let told = told.find(|it| it["kind"] == "SPONSORED")?;
            assert_eq!((&told["amount"], &told["giver"]), (&json!(5_000), nickname));
            Some(())
        })
        .await;
        let of_a_fan =
            world.request(Method::GET, "/v1/me/sponsorships").bearer_auth(&stranger.token);
        assert_eq!(world.refused(of_a_fan).await, (403, "ARTISTS_ONLY".into()));

        let event = world.publish(world.event_body()).await;
        let order =
            json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1, "points": 8_000 });
        let (tickets, paid) = pays(order).await;
        assert_eq!((&paid["points"], &paid["cash"]), (&json!(8_000), &json!(22_000)));
        let moved = world.get("/v1/me/points/transfers", stranger).await;
        let moved: Vec<_> = moved["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| (&it["kind"], &it["balanceChange"]))
            .collect();
        assert!(moved.contains(&(&json!("USED"), &json!(-8_000))), "{moved:?}");

        let back = async |id: &str| {
            let quote = world.get(&format!("/v1/payments/{id}/refund-quote"), stranger).await;
            let ids: Vec<_> = quote["tickets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["ticketId"].clone())
                .collect();
            let body = json!({ "ticketIds": ids, "total": quote["all"]["total"] });
            world
                .done(world.post(&format!("/v1/payments/{id}/refunds"), stranger).json(&body))
                .await
        };
        let spent = world.request(Method::GET, &format!("/v1/payments/{points}/refund-quote"));
        assert_eq!(
            world.refused(spent.bearer_auth(&stranger.token)).await,
            (409, "POINTS_SPENT".into())
        );
        assert_eq!(back(&tickets).await["points"], 8_000);
        assert_eq!(balance().await, has(20_000));
        assert_eq!(back(&points).await["cash"], 20_000);
        assert_eq!(balance().await, has(0));
        assert_eq!(back(&gift).await["cash"], 5_000);
        let given = world.get("/v1/me/sponsorships", artist).await;
        assert_eq!(given["items"][0]["state"], "RETURNED");
    });
}
