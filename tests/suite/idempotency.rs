//! Whatever makes something is done once for one key, however often it is asked for.

use reqwest::header;
use serde_json::{Value, json};

use crate::{
    document::{Operation, operations},
    refusals::{Refused, all_refused},
    world::{Member, Members, World},
};

/// `POST` routes without a key, each with the reason why it may be sent again all the same.
const WITHOUT_KEY: [(&str, &str); 10] = [
    ("sign_up", "an address has one account, and asking twice is a code more"),
    ("ask_for_code", "a code more is another mail, and so many there are of each"),
    (
        "verify_code",
        "a sign-up's code is used up with the account, and any other is shown as often as one likes",
    ),
    ("sign_in", "a session more costs nobody anything"),
    ("refresh", "its token is replaced by each use"),
    ("sign_out", "a session ends once"),
    ("call_off_payment", "a payment is called off once"),
    ("create_queue_ticket", "a member has one number until it is over"),
    ("check_in", "the same scan is answered the same"),
    ("create_door_key", "a key more stands in their list, and is revoked there"),
];

/// What needs more than an example of a request: `refunds.rs` asks for it twice.
const ELSEWHERE: [&str; 1] = ["refund_payment"];

/// The body with another number in it, or another code.
fn another(operation: &Operation, body: &Value) -> Value {
    let mut fields = operation.body.iter().flatten();
    let field = fields.find(|field| body[&field.name].is_i64() || field.name == "code");
    let field = field.unwrap_or_else(|| panic!("{}: no number in {body}", operation.name));
    let mut another = body.clone();
    another[&field.name] = match body[&field.name].as_i64() {
        Some(number) if number > 1 => json!(number - 1),
        Some(_) => json!(2),
        None => json!("ZZZZ-ZZZZ-ZZZZ"),
    };
    another
}

/// The body laid out anew: its names the other way round and escaped, its whole numbers with a fraction, space between.
fn anew(body: &Value) -> String {
    let field = |(name, value): (&String, &Value)| {
        let name = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        let fraction = if value.is_i64() { ".0" } else { "" };
        format!("\n\t\"{name}\" : {value}{fraction} ")
    };
    let fields: Vec<_> = body.as_object().unwrap().iter().rev().map(field).collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn every_post_takes_an_idempotency_key_or_says_here_why_it_need_not() {
    for (name, _) in WITHOUT_KEY {
        assert!(operations().iter().any(|operation| operation.name == name), "{name} is gone");
    }
    for operation in operations().iter().filter(|operation| operation.method == "POST") {
        let excepted = WITHOUT_KEY.iter().any(|(name, _)| *name == operation.name);
        assert_ne!(operation.takes_key, excepted, "{}", operation.name);
    }
}

#[test]
fn a_member_does_once_what_has_one_key() {
    stack::run(async {
        let world = World::new().await;
        let others = Members::sign_up(&world).await;
        let here = |operation: &&Operation| {
            operation.takes_key && !ELSEWHERE.contains(&operation.name.as_str())
        };
        for operation in operations().iter().filter(here) {
            let (name, path, key) = (&operation.name, operation.path(&world), world.fresh());
            let send = |member: &Member, body: &Option<Value>| {
                let request = world.request(operation.method.clone(), &path);
                let request = request.header("Idempotency-Key", &key).bearer_auth(&member.token);
                body.iter().fold(request, |request, body| request.json(body))
            };
            let (owner, body) = (operation.owner(&world), operation.good_body(&world));
            let first = world.done(send(owner, &body)).await;
            assert!(first["id"].is_string(), "{name}: {first}");
            assert_eq!(world.done(send(owner, &body)).await, first, "{name}: done twice");
            if let Some(body) = &body {
                let again = send(owner, &None).header(header::CONTENT_TYPE, "application/json");
                assert_eq!(
                    world.done(again.body(anew(body))).await,
                    first,
                    "{name}: laid out anew"
                );
                let other = send(owner, &Some(another(operation, body)));
                all_refused(vec![Refused::new(name, other).is(422, "IDEMPOTENCY_KEY_REUSED")])
                    .await;
            }
            if operation.variables.is_empty() {
                let of_other = world.done(send(others.who_may(operation), &body)).await;
                assert_ne!(of_other["id"], first["id"], "{name}: a key is its member's own");
            }
        }
    });
}
