//! What reaches people by mail: from the request over the queue and its worker to the mail that the local SES took.

use domain::{
    id::{LinkId, MemberId},
    language::Language,
    member::{CodePurpose, Email, MailedCode, Provider, Role},
    time::Time,
};
use reqwest::{
    Client, Method,
    header::{self, HeaderValue},
};
use serde_json::{Value, json};
use store::{
    Transaction,
    ephemeral::{
        code::{Account, CodeItem},
        link::Link,
    },
    identity::member::{EmailKey, IdentityKey, Member, MemberKey, PasswordHash},
    inbox::mail::{About, Mail, MailKey, MailState},
};
use tests::{kills::Point, outside::Moment};

use crate::{
    killed::{again, killed, mails, message, posted, signed, store, token},
    world::{World, eventually},
};

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
        world.mailed(&fan.email, "Your password was changed").await;
    });
}

#[test]
fn whoever_changes_a_password_or_signs_in_with_something_new_is_told_in_their_language() {
    stack::run(async {
        let world = World::new().await;
        world.mailed(&world.fan.email, "Welcome").await;
        let body = json!({ "currentPassword": "correct horse battery", "password": "a new good password" });
        let change = world.request(Method::PUT, "/v1/me/password").bearer_auth(&world.fan.token);
        let korean = [(header::ACCEPT_LANGUAGE, HeaderValue::from_static("ko"))];
        world.done(change.headers(korean.into_iter().collect()).json(&body)).await;
        world.mailed(&world.fan.email, "비밀번호가 바뀌었습니다").await;
        // Who changed it is signed in still.
        world.get("/v1/me", &world.fan).await;

        let whale =
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Whale/4.1 Safari/537.36";
        let sign_in = world.signing_in(&world.stranger.email).header(header::USER_AGENT, whale);
        world.done(sign_in).await;
        let text = world.mailed(&world.stranger.email, "Signed in from a new device").await;
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
        world.mailed(&world.fan.email, "You have an account already").await;
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
fn nothing_is_mailed_to_an_address_that_bounced_but_a_code() {
    stack::run(async {
        let world = World::new().await;
        let email = format!("bounce+{}@simulator.amazonses.com", world.fresh());
        let member = world.sign_up_as(email, "USER").await;
        let blocks = async || {
            let items = stack::items(&format!("{}-inbox", std::env::var("STAGE").unwrap())).await;
            items.iter().filter(|item| item["sk"] == "BLOCK").count()
        };
        // The code that opened it bounced, too, and so may the greeting have.
        eventually("the bounce is noted", 90, async || (blocks().await > 0).then_some(())).await;
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
        eventually("both mails are dropped", 90, dropped).await;
        let changed =
            |letter: &Value| letter["subject"].as_str().unwrap().contains("password was changed");
        assert!(!world.mail(&member.email).await.iter().any(changed));
        world.code(&member.email, world.asking_for_code(&member.email, "NEW_PASSWORD")).await;
    });
}

fn fresh_email() -> Email {
    format!("{}@example.kr", MemberId::generate()).to_lowercase().parse().unwrap()
}

fn code() -> MailedCode {
    MailedCode::of(48_215)
}

/// A code that was asked for and drawn, as if it were mailed.
async fn drawn(purpose: CodePurpose, email: &Email, account: Option<Account>) -> CodeItem {
    let now = Time::now();
    let item = CodeItem::asked(purpose, email.clone(), Language::English, account, now);
    store().ask_for_code(&item).await.unwrap();
    store().draw_code(&item, &code(), now).await.unwrap();
    item
}

async fn member_of(email: &Email) -> Option<Member> {
    let guard = store().get(&EmailKey(email)).await.unwrap()?;
    Some(store().get(&MemberKey(guard.member_id)).await.unwrap().expect("a guard has its member"))
}

#[test]
fn a_code_whose_showing_dies_makes_one_account_with_its_greeting_or_is_shown_again() {
    stack::run(async {
        let world = World::new().await;
        let hash = PasswordHash::new("$argon2id$v=19$m=19456,t=2,p=1$".into());
        let shown = |item: &CodeItem| json!({ "codeId": item.id, "code": code().as_str() });
        let event = |item: &CodeItem| posted("POST", "/v1/auth/email-codes/verify", &shown(item));
        let prepare = async || {
            let account = Account {
                nickname: "쓰러진 관객".parse().unwrap(),
                role: Role::User,
                password_hash: hash.clone(),
                birth_date: None,
                declared_of_age_at: None,
                phone: None,
                location: None,
            };
            drawn(CodePurpose::SignUp, &fresh_email(), Some(account)).await
        };
        let show_again = async |item: &CodeItem| {
            let verify = world.request(Method::POST, "/v1/auth/email-codes/verify");
            let (status, _) = world.refused(verify.json(&shown(item))).await;
            assert!([200, 400].contains(&status), "{status}");
        };
        let check = async |item: &CodeItem, point: Option<&Point>| {
            let member = member_of(&item.email).await;
            let member = member.unwrap_or_else(|| panic!("nobody after {point:?}"));
            assert_eq!(mails(member.id).await.len(), 1, "after {point:?}");
            let verify = world.request(Method::POST, "/v1/auth/email-codes/verify");
            assert_eq!(world.refused(verify.json(&shown(item))).await.0, 400, "after {point:?}");
        };
        let calls = killed("verify_code", &event, prepare, show_again, check).await;
        let expected = "UpdateItem GetItem DeleteItem SendMessage TransactWriteItems PutItem";
        assert_eq!(calls, expected);
    });
}

#[test]
fn a_new_password_that_dies_is_set_with_its_letter_or_the_code_is_good_still() {
    stack::run(async {
        let world = World::new().await;
        let body = |(item, _): &(CodeItem, Member)| json!({ "codeId": item.id, "code": code().as_str(), "password": "a new good password" });
        let event = |story: &(CodeItem, Member)| posted("PUT", "/v1/auth/password", &body(story));
        let prepare = async || {
            let email = fresh_email();
            let member =
                Member { email: Some(email.clone()), ..stack::member(Role::User, Time::now()) };
            store().transact(member.creation()).await.unwrap();
            (drawn(CodePurpose::NewPassword, &email, None).await, member)
        };
        let set_again = async |story: &(CodeItem, Member)| {
            let set = world.request(Method::PUT, "/v1/auth/password").json(&body(story));
            let status = set.send().await.unwrap().status().as_u16();
            assert!([204, 400].contains(&status), "{status}");
        };
        let check = async |story: &(CodeItem, Member), point: Option<&Point>| {
            let (item, before) = story;
            let after = member_of(&item.email).await.unwrap();
            assert_ne!(after.password_hash, before.password_hash, "after {point:?}");
            assert_eq!(after.version, before.version + 1, "after {point:?}");
            assert!(after.sessions_ended_at.is_some(), "after {point:?}");
            assert_eq!(mails(after.id).await.len(), 1, "after {point:?}");
        };
        let calls = killed("set_password", &event, prepare, set_again, check).await;
        assert_eq!(calls, "UpdateItem GetItem DeleteItem GetItem SendMessage TransactWriteItems");
    });
}

#[test]
fn a_linking_that_dies_is_done_once_or_the_code_is_good_still() {
    stack::run(async {
        struct Story {
            token: String,
            body: Value,
            member: MemberId,
        }
        let event = |story: &Story| {
            let mut request = posted("PUT", "/v1/me/identities/{provider}", &story.body);
            request["pathParameters"] = json!({ "provider": "kakao" });
            signed(request, &story.token)
        };
        let prepare = async || {
            let claims = stack::sign_in(&store(), Role::User, Time::now()).await;
            let token = token(&claims, Time::now());
            let member = store().get(&MemberKey(claims.member_id)).await.unwrap().unwrap();
            let item = drawn(CodePurpose::LinkIdentity, member.email.as_ref().unwrap(), None).await;
            let (link, id) = (LinkId::generate(), MemberId::generate().to_string());
            let waiting =
                Link::waiting(link, Provider::Kakao, id.parse().unwrap(), member.id, Time::now());
            store().write(waiting, ()).await.unwrap();
            let body = json!({ "linkId": link, "codeId": item.id, "code": code().as_str() });
            Story { token, body, member: member.id }
        };
        let link_again = async |story: &Story| again("link_identity", &event(story)).await;
        let check = async |story: &Story, point: Option<&Point>| {
            let member = store().get(&MemberKey(story.member)).await.unwrap().unwrap();
            let id = member.identity(Provider::Kakao);
            let id = id.unwrap_or_else(|| panic!("nothing is linked after {point:?}"));
            let key = IdentityKey { provider: "kakao", id };
            let guard = store().get(&key).await.unwrap().unwrap();
            assert_eq!((guard.member_id, member.version), (member.id, 2), "after {point:?}");
        };
        let calls = killed("link_identity", &event, prepare, link_again, check).await;
        assert_eq!(calls, "BatchGetItem UpdateItem GetItem DeleteItem TransactWriteItems");
    });
}

/// The number of the call that marks a letter, before SES is asked: after those that read the letter, its member and the block.
const MARK: usize = 3;

#[test]
fn a_letter_whose_mailing_dies_goes_once_or_is_known_to_be_unknown() {
    stack::run(async {
        let world = World::new().await;
        let event = |(mail, _): &(Mail, Email)| message(&json!({ "mail": mail.id }));
        let prepare = async || {
            let email = fresh_email();
            let member =
                Member { email: Some(email.clone()), ..stack::member(Role::User, Time::now()) };
            store().transact(member.creation()).await.unwrap();
            let mail = Mail::new(member.id, About::PasswordChanged, Language::English, Time::now());
            store().transact(Transaction::<()>::new().also(mail.writing())).await.unwrap();
            (mail, email)
        };
        let comes_again = async |story: &(Mail, Email)| again("send_mail", &event(story)).await;
        let check = async |(mail, email): &(Mail, Email), point: Option<&Point>| {
            let state = store().get(&MailKey(mail.id)).await.unwrap().unwrap().state;
            let sent = world.mail(email.as_str()).await.len();
            let once = state == MailState::Sent && sent == 1;
            // Only from the mark on.
            let marked = |point: &Point| match (point.call, point.moment) {
                (MARK, Moment::After) => true,
                (call, _) => call > MARK,
            };
            let unknown = state == MailState::Sending && sent <= 1 && point.is_some_and(marked);
            assert!(once || unknown, "{sent} sent, {state:?} after {point:?}");
        };
        let calls = killed("send_mail", &event, prepare, comes_again, check).await;
        assert_eq!(calls, "GetItem UpdateItem outbound-emails UpdateItem");
    });
}

#[test]
fn a_code_whose_mailing_dies_is_mailed_again_and_the_last_one_is_good() {
    stack::run(async {
        let world = World::new().await;
        let event = |item: &CodeItem| message(&json!({ "code": item.id }));
        let prepare = async || {
            let now = Time::now();
            let item =
                CodeItem::asked(CodePurpose::SignUp, fresh_email(), Language::English, None, now);
            store().ask_for_code(&item).await.unwrap();
            item
        };
        let comes_again = async |item: &CodeItem| again("send_mail", &event(item)).await;
        let check = async |item: &CodeItem, point: Option<&Point>| {
            let letters = world.mail(item.email.as_str()).await;
            let text = letters[0]["text"].as_str().unwrap();
            let last: MailedCode = text.lines().find_map(|line| line.trim().parse().ok()).unwrap();
            let good = store().try_code(item.id, &last, None, Time::now()).await;
            assert!(good.is_ok(), "after {point:?}");
        };
        let calls = killed("send_mail", &event, prepare, comes_again, check).await;
        assert_eq!(calls, "GetItem UpdateItem outbound-emails");
    });
}
