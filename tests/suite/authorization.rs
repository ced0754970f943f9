//! Who may what, on every route of the document: no token, a false one, an ended session, another role, another's thing.

use domain::time::Time;
use identity::limits;
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, dangerous::insecure_decode_claims, decode_header, encode,
};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use store::Store;

use crate::{
    document::{Operation, operations},
    refusals::{Refused, all_refused},
    world::{Member, Members, World},
};

/// Routes that an ended session may call, because it has ended: signing out twice is no fault.
const AFTER_THE_END: [&str; 1] = ["sign_out"];

/// Routes that need what only a mail brings, nothing under way, what is paid, a show that begins, or that others would meet:
/// `plans.rs`, `social.rs`, `leaving.rs`, `refunds.rs`, `door.rs` and `rush.rs` prove that they do something.
const ELSEWHERE: [&str; 9] = [
    "check_in",
    "close_queue",
    "delete_event",
    "delete_me",
    "get_refund_quote",
    "link_identity",
    "open_queue",
    "refund_payment",
    "set_email",
];

/// Routes about one's own place in the line of any event: `journey.rs` and `rush.rs` prove whose it is.
const IN_LINE: [&str; 4] =
    ["create_queue_ticket", "get_waiting_list", "join_waiting_list", "leave_waiting_list"];

/// Routes to which a bad token is as good as none, since their callers have another way to say who they are.
const FORGIVING: [&str; 1] = ["sign_out"];

/// A key that nobody publishes.
const FOREIGN: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgbqkpy67KH79SB+7P\n\
    Lj3fj2+plnjvSfI9mWoTK2jz05ihRANCAAT1CFAyM0fj6kfjvv+X6qXfRCFLO4RO\n\
    iQ/wLdfmQHZmNNLmfeJ5DGv7y1maQtLLWZBigWqU1GKIbeFz+7q56oIH\n\
    -----END PRIVATE KEY-----\n";

/// A token that says itself that nobody signed it.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.e30.";

/// The key that signs the stack's tokens.
async fn signing_key() -> String {
    let secret = format!("{}/jwt", std::env::var("STAGE").unwrap());
    let client = aws_sdk_secretsmanager::Client::new(aws::config());
    let value = client.get_secret_value().secret_id(secret).send().await.unwrap();
    let keys: Value = serde_json::from_str(value.secret_string().unwrap()).unwrap();
    keys["current"]["pem"].as_str().unwrap().to_owned()
}

/// A member's token with other claims or another signature.
fn forged(token: &str, change: impl FnOnce(&mut Value), key: &str) -> String {
    let mut claims: Value = insecure_decode_claims(token).unwrap();
    change(&mut claims);
    let mut header = Header::new(Algorithm::ES256);
    header.kid = decode_header(token).unwrap().kid;
    encode(&header, &claims, &EncodingKey::from_ec_pem(key.as_bytes()).unwrap()).unwrap()
}

#[test]
fn every_route_asks_for_a_token_that_is_good() {
    stack::run(async {
        let world = World::new().await;
        let key = signing_key().await;
        for operation in operations() {
            let path = operation.path(&world);
            let token = &operation.owner(&world).token;
            let by = |token| operation.request(&world, &path, token, &[]);
            if !operation.signed_in {
                for request in [by(None), by(Some(UNSIGNED))] {
                    let text = request.send().await.unwrap().text().await.unwrap();
                    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
                    let asked =
                        answer["code"] == "SIGN_IN_REQUIRED" || answer["code"] == "TOKEN_INVALID";
                    assert!(!asked, "{} is for everybody", operation.name);
                }
                continue;
            }
            let refused = |what: &str, request: RequestBuilder, code| {
                let code =
                    if FORGIVING.contains(&&*operation.name) { "SIGN_IN_REQUIRED" } else { code };
                Refused::new(format!("{} {what}", operation.name), request).is(401, code)
            };
            let expired = forged(token, |claims| claims["exp"] = claims["iat"].clone(), &key);
            let foreign = forged(token, |_| (), FOREIGN);
            all_refused(vec![
                refused("by nobody", by(None), "SIGN_IN_REQUIRED"),
                refused("by a name", by(None).basic_auth("fan", Some("x")), "TOKEN_INVALID"),
                refused("unsigned", by(Some(UNSIGNED)), "TOKEN_INVALID"),
                refused("too late", by(Some(&expired)), "TOKEN_INVALID"),
                refused("by another key", by(Some(&foreign)), "TOKEN_INVALID"),
            ])
            .await;
        }
    });
}

#[test]
fn strangers_who_guess_from_everywhere_do_not_keep_the_owner_out() {
    stack::run(async {
        let (home, elsewhere) = (World::new().await, World::new().await);
        let email = &home.fan.email;
        let store = Store::new(stack::dynamo(), &std::env::var("STAGE").unwrap());
        let account = limits::account(&email.parse().unwrap());
        while store.count(limits::SIGN_IN_TO_FROM_ANYWHERE, &account, Time::now()).await.is_ok() {}

        let stranger = elsewhere.refused(elsewhere.signing_in(email)).await;
        assert_eq!(stranger, (429, "TOO_MANY_REQUESTS".into()));
        // Nor do they say that they are at the owner's.
        for (name, said) in [
            ("X-Forwarded-For", home.address.to_string()),
            ("X-Forwarded-For", format!("{}, {}", home.address, elsewhere.address)),
            ("X-Real-IP", home.address.to_string()),
            ("Forwarded", format!("for={}", home.address)),
        ] {
            let posing = elsewhere.signing_in(email).header(name, &said);
            assert_eq!(elsewhere.refused(posing).await.0, 429, "{name}: {said}");
        }
        home.done(home.signing_in(email)).await;
    });
}

#[test]
fn an_ended_session_opens_no_route() {
    stack::run(async {
        let world = World::new().await;
        let left = Members::sign_up(&world).await;
        for member in [&left.artist, &left.fan] {
            let signed_out = world.post("/v1/auth/sign-out", member).send().await.unwrap();
            assert_eq!(signed_out.status(), StatusCode::NO_CONTENT);
        }
        let ended = |operation: &Operation| {
            let token = &left.who_may(operation).token;
            let request = operation.good(&world, &operation.path(&world), Some(token));
            Refused::new(&operation.name, request).is(401, "SESSION_ENDED")
        };
        let routes = operations().into_iter().filter(|operation| operation.signed_in);
        let routes = routes.filter(|operation| !AFTER_THE_END.contains(&&*operation.name));
        all_refused(routes.map(|operation| ended(&operation)).collect()).await;
    });
}

#[test]
fn every_route_is_for_its_roles_and_for_what_is_the_callers_own() {
    stack::run(async {
        let world = World::new().await;
        let others = Members::sign_up(&world).await;
        for operation in operations().into_iter().filter(|operation| operation.signed_in) {
            let name = operation.name.as_str();
            if IN_LINE.contains(&name) {
                continue;
            }
            let path = operation.path(&world);
            let good = |member: &Member| operation.good(&world, &path, Some(&member.token));
            let mut refused = Vec::new();
            for (role, member) in [("ARTIST", &others.artist), ("USER", &others.fan)] {
                if !operation.is_for(role) {
                    let code = format!("{}S_ONLY", operation.roles.join("_"));
                    let what = format!("{} by {role}", operation.name);
                    refused.push(Refused::new(what, good(member)).is(403, code));
                }
            }
            let variable = operation.variables.iter().find(|variable| variable.is_owned());
            if let Some(variable) = variable {
                // As if it were not there.
                let what = format!("{} by another", operation.name);
                let other = others.who_may(&operation);
                refused.push(Refused::new(what, good(other)).is(404, variable.not_found()));
            }
            all_refused(refused).await;
            if !AFTER_THE_END.contains(&name) && !ELSEWHERE.contains(&name) {
                // So that none of it was refused for another reason.
                world.done(good(operation.owner(&world))).await;
            }
        }
    });
}
