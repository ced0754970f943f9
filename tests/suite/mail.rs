//! What reaches people by mail: from the request over the queue and its worker to the mail that the local SES took.

use reqwest::{
    Client, Method,
    header::{self, HeaderValue},
};
use serde_json::{Value, json};

use crate::world::{World, eventually};

/// The text of a mail to an address with this in its subject.
async fn mailed(world: &World, email: &str, subject: &str) -> String {
    let what = format!("a mail to {email}: {subject}");
    eventually(&what, 60, async || {
        let letters = world.mail(email).await;
        let is_it = |letter: &&Value| letter["subject"].as_str().unwrap().contains(subject);
        letters.iter().find(is_it).map(|letter| letter["text"].as_str().unwrap().to_owned())
    })
    .await
}

#[test]
fn a_forgotten_password_is_set_anew_with_a_code_and_its_owner_is_told() {
    stack::run(async {
        let world = World::new().await;
        let fan = &world.fan;
        let asking = world.asking_for_code(&fan.email, "NEW_PASSWORD");
        let mut shown = world.code(&fan.email, asking).await;
        let verify = world.request(Method::POST, "/v1/auth/email-codes/verify").json(&shown);
        assert_eq!(world.done(verify).await["purpose"], "NEW_PASSWORD");
        shown["password"] = "a new good password".into();
        let set = || world.request(Method::PUT, "/v1/auth/password").json(&shown);
        world.done(set()).await;
        assert_eq!(world.refused(set()).await, (400, "CODE_NOT_GOOD".into()));
        let me = world.request(Method::GET, "/v1/me").bearer_auth(&fan.token);
        assert_eq!(world.refused(me).await, (401, "SESSION_ENDED".into()));
        assert_eq!(world.refused(world.signing_in(&fan.email)).await.0, 401);
        mailed(&world, &fan.email, "Your password was changed").await;
    });
}

#[test]
fn whoever_changes_a_password_or_signs_in_with_something_new_is_told_in_their_language() {
    stack::run(async {
        let world = World::new().await;
        mailed(&world, &world.fan.email, "Welcome").await;
        let body = json!({ "currentPassword": "correct horse battery", "password": "a new good password" });
        let change = world.request(Method::PUT, "/v1/me/password").bearer_auth(&world.fan.token);
        let korean = [(header::ACCEPT_LANGUAGE, HeaderValue::from_static("ko"))];
        world.done(change.headers(korean.into_iter().collect()).json(&body)).await;
        mailed(&world, &world.fan.email, "비밀번호가 바뀌었습니다").await;
        // Who changed it is signed in still.
        world.get("/v1/me", &world.fan).await;

        let whale =
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Whale/4.1 Safari/537.36";
        let sign_in = world.signing_in(&world.stranger.email).header(header::USER_AGENT, whale);
        world.done(sign_in).await;
        let text = mailed(&world, &world.stranger.email, "Signed in from a new device").await;
        assert!(text.contains("Whale · Windows"), "{text}");
    });
}

#[test]
fn who_has_an_account_learns_of_a_sign_up_by_mail_alone() {
    stack::run(async {
        let world = World::new().await;
        let body = |email: &str| {
            json!({
                "email": email, "password": "another-good-password", "nickname": "누구", "role": "ARTIST",
            })
        };
        let mut answers = Vec::new();
        for email in [&*world.fan.email, &format!("{}@example.kr", world.fresh())] {
            let sign_up = world.request(Method::POST, "/v1/auth/sign-up").json(&body(email));
            let mut answer = world.done(sign_up).await;
            answer["codeId"].take();
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1]);
        mailed(&world, &world.fan.email, "You have an account already").await;
        assert_eq!(world.get("/v1/me", &world.fan).await["role"], "USER");
    });
}

#[test]
fn a_mailbox_is_not_filled_by_those_who_ask_for_codes() {
    stack::run(async {
        let world = World::new().await;
        let email = format!("{}@example.kr", world.fresh());
        let sign_up = json!({ "email": email, "password": "another-good-password", "nickname": "누구", "role": "USER" });
        let code = json!({ "email": email, "purpose": "NEW_PASSWORD" });
        let neighbours: Vec<_> = (0..4).map(|_| world.neighbour()).collect();
        let sign = || world.request(Method::POST, "/v1/auth/sign-up").json(&sign_up);
        for _ in 0..5 {
            world.done(sign()).await;
        }
        assert_eq!(world.refused(sign()).await, (429, "TOO_MANY_REQUESTS".into()));
        let from = |neighbour: &Client, path: &str, body: &Value| {
            world.request_by(neighbour, Method::POST, path).json(body)
        };
        for neighbour in &neighbours[..3] {
            for _ in 0..5 {
                world.done(from(neighbour, "/v1/auth/email-codes", &code)).await;
            }
        }
        // These are twenty, and from wherever there is no other.
        for (path, body) in [("/v1/auth/sign-up", &sign_up), ("/v1/auth/email-codes", &code)] {
            let refused = world.refused(from(&neighbours[3], path, body)).await;
            assert_eq!(refused, (429, "TOO_MANY_REQUESTS".into()), "{path}");
        }
    });
}

#[test]
fn nothing_is_mailed_to_an_address_that_bounced_but_the_code_that_opens_it_again() {
    stack::run(async {
        let world = World::new().await;
        let email = format!("bounce+{}@simulator.amazonses.com", world.fresh());
        let member = world.sign_up_as(email, "USER").await;
        let blocks = async || {
            let items = stack::items(&format!("{}-inbox", std::env::var("STAGE").unwrap())).await;
            items.iter().filter(|item| item["sk"] == "BLOCK").count()
        };
        // The code that opened it bounced, too, and so may the greeting have.
        eventually("the bounce is noted", 30, async || (blocks().await > 0).then_some(())).await;
        let passwords = ["correct horse battery", "a new good password", "another good password"];
        for pair in passwords.windows(2) {
            let body = json!({ "currentPassword": pair[0], "password": pair[1] });
            let change = world.request(Method::PUT, "/v1/me/password").bearer_auth(&member.token);
            world.done(change.json(&body)).await;
        }
        let dropped = async || {
            let items = stack::items(&format!("{}-inbox", std::env::var("STAGE").unwrap())).await;
            let is_it = |item: &&Value| {
                item["sk"] == "MAIL"
                    && item["about"]["kind"] == "PASSWORD_CHANGED"
                    && item["state"] == "DROPPED"
            };
            (items.iter().filter(is_it).count() >= 2).then_some(())
        };
        eventually("both mails are dropped", 60, dropped).await;
        let changed =
            |letter: &Value| letter["subject"].as_str().unwrap().contains("password was changed");
        assert!(!world.mail(&member.email).await.iter().any(changed));
        world.code(&member.email, world.asking_for_code(&member.email, "NEW_PASSWORD")).await;
    });
}
