//! No public route tells whether an address is somebody's: one table of those that are told an address, or a code of one. That they
//! take as long is measured by `make timing`.

use api::Anyone;
use domain::{
    member::{MailedCode, Role},
    time::Time,
};
use gateways::Queue;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use store::{Store, identity::member::Member};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers};

use crate::{
    ask_for_code, by_mail, set_password, sign_in, sign_up,
    testing::{
        PASSWORD, Seen, clients, fresh_email, mailed, mailing, read, request, sign_up_body, store,
        verify,
    },
    verify_code,
};

/// A route, what the code is for that it asks for or is shown, and how it answers whoever can't read the address's mail.
type Row = (&'static str, &'static str, (u16, &'static str));

const ROWS: [Row; 13] = [
    ("sign_up", "SIGN_UP", (202, "")),
    ("sign_in", "", (401, "WRONG_EMAIL_OR_PASSWORD")),
    ("ask_for_code", "VERIFY_EMAIL", (202, "")),
    ("ask_for_code", "NEW_PASSWORD", (202, "")),
    ("ask_for_code", "LINK_IDENTITY", (202, "")),
    ("verify_code", "SIGN_UP", (400, "CODE_NOT_GOOD")),
    ("verify_code", "VERIFY_EMAIL", (400, "CODE_NOT_GOOD")),
    ("verify_code", "NEW_PASSWORD", (400, "CODE_NOT_GOOD")),
    ("verify_code", "LINK_IDENTITY", (400, "CODE_NOT_GOOD")),
    ("set_password", "SIGN_UP", (400, "CODE_NOT_GOOD")),
    ("set_password", "VERIFY_EMAIL", (400, "CODE_NOT_GOOD")),
    ("set_password", "NEW_PASSWORD", (400, "CODE_NOT_GOOD")),
    ("set_password", "LINK_IDENTITY", (400, "CODE_NOT_GOOD")),
];

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whose {
    Members,
    /// Of a member who comes by Kakao or Naver alone.
    SocialMembers,
    Nobodys,
}

impl Whose {
    async fn address(self) -> String {
        let email = fresh_email();
        if self == Self::Members {
            assert_eq!(verify(mailed(&asked(&email, "SIGN_UP").await).await).await.status, 200);
        }
        if self == Self::SocialMembers {
            let member = Member {
                email: Some(email.parse().unwrap()),
                password_hash: None,
                ..stack::member(Role::User, Time::now())
            };
            store().transact(member.creation()).await.unwrap();
        }
        email
    }
}

/// Has a code mailed that is for this.
async fn asked(email: &str, purpose: &str) -> Seen {
    let clients = mailing(store()).await;
    if purpose == "SIGN_UP" {
        answered("sign_up", clients, sign_up_body(email)).await
    } else {
        let body = json!({ "email": email, "purpose": purpose });
        answered("ask_for_code", clients, body).await
    }
}

async fn answered(route: &str, (store, queue): by_mail::Clients, body: Value) -> Seen {
    let (mail, now) = ((store.clone(), queue.clone()), Time::now());
    match route {
        "sign_up" => Seen::of(sign_up::handle(mail, request(Anyone, read(body), now)).await),
        "sign_in" => {
            let clients = (clients(store).await, queue);
            Seen::of(sign_in::handle(clients, request(Anyone, read(body), now)).await)
        }
        "ask_for_code" => {
            Seen::of(ask_for_code::handle(mail, request(Anyone, read(body), now)).await)
        }
        "verify_code" => {
            Seen::of(verify_code::handle(mail, request(Anyone, read(body), now)).await)
        }
        "set_password" => {
            Seen::of(set_password::handle(mail, request(Anyone, read(body), now)).await)
        }
        _ => panic!("{route} is none of the table's"),
    }
}

/// What somebody says to a route who knows the address and can't read its mail. Of each code there may be one or none, as the mail
/// worker decides: here there is one where a member has the address.
async fn said(route: &str, purpose: &str, whose: Whose) -> Value {
    let email = whose.address().await;
    match route {
        "sign_up" => sign_up_body(&email),
        "sign_in" => json!({ "email": email, "password": "보랏빛 무대 뒤의 강아지" }),
        "ask_for_code" => json!({ "email": email, "purpose": purpose }),
        _ => {
            let asked = asked(&email, purpose).await;
            if whose != Whose::Nobodys {
                mailed(&asked).await;
            }
            let code = MailedCode::of(48_216);
            let mut body = json!({ "codeId": asked.body["codeId"], "code": code.as_str() });
            if route == "set_password" {
                body["password"] = PASSWORD.into();
            }
            body
        }
    }
}

/// All that can be noticed of one request, but for the id of the code, which is new each time.
#[derive(Debug, PartialEq)]
struct Noticed {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
    calls: Vec<&'static str>,
    messages: Vec<String>,
}

async fn noticed((route, purpose, told): Row, whose: Whose) -> Noticed {
    let body = said(route, purpose, whose).await;
    let sqs = MockServer::start().await;
    let taken = json!({ "MessageId": "1", "MD5OfMessageBody": "" });
    let sends = Mock::given(matchers::any());
    sends.respond_with(ResponseTemplate::new(200).set_body_json(taken)).mount(&sqs).await;
    let queue = Queue::new(&stack::aws(&sqs.uri()), format!("{}/mail", sqs.uri()));
    let (client, meter) = stack::metered();
    let mut seen = answered(route, (Store::new(client, stack::prefix()), queue), body).await;
    assert_eq!(seen.told(), told, "{route} {purpose} {whose:?}");

    let id = seen.body["codeId"].take();
    let messages = sqs.received_requests().await.unwrap().into_iter().map(|request| {
        let mut message: Value = request.body_json().unwrap();
        message["QueueUrl"].take();
        message.to_string().replace(id.as_str().unwrap_or("no id"), "")
    });
    Noticed {
        status: seen.status,
        headers: seen.headers,
        body: seen.body,
        calls: meter.take().iter().map(|call| call.operation).collect(),
        messages: messages.collect(),
    }
}

#[test]
fn whoever_has_an_account_is_given_away_by_no_public_route() {
    stack::run(async {
        for row in ROWS {
            let nobodys = noticed(row, Whose::Nobodys).await;
            assert!(!nobodys.calls.is_empty());
            for whose in [Whose::Members, Whose::SocialMembers] {
                assert_eq!(noticed(row, whose).await, nobodys, "{row:?} {whose:?}");
            }
        }
    });
}

#[test]
fn each_public_route_that_is_told_an_address_or_a_code_is_in_the_table() {
    let document: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let methods = document["paths"].as_object().unwrap().values();
    let operations = methods.flat_map(|methods| methods.as_object().unwrap().values());
    let public = operations.filter(|operation| operation["security"] == json!([]));
    let takes_one = |operation: &&Value| {
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let schema = schema.as_str().and_then(|schema| document.pointer(&schema[1..]));
        let properties = schema.map(|schema| &schema["properties"]);
        properties.is_some_and(|fields| !fields["email"].is_null() || !fields["codeId"].is_null())
    };
    let mut named: Vec<_> = public
        .filter(takes_one)
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    named.sort_unstable();
    let mut rows: Vec<_> = ROWS.iter().map(|(route, ..)| *route).collect();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(named, rows);
}
