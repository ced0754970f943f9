//! What the suite does to a function that dies: its own binary over the tables of the stack, killed at each of its calls.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use domain::{id::MemberId, time::Time, who::Claims};
use serde_json::{Value, json};
use stack::OwnBucket;
use store::Store;
use tests::{
    gateway,
    kills::{Point, Step, every_kill_point},
    outside::Outside,
    runtime_api::{Function, Outcome},
};
use tokio::sync::OnceCell;

use crate::{shop::variable, world::aws};

/// The tables of the stack.
pub fn store() -> Store {
    Store::new(stack::dynamo(), &variable("STAGE"))
}

/// A queue that nobody reads.
pub async fn queue() -> &'static str {
    static URL: OnceCell<String> = OnceCell::const_new();
    let make = async || {
        let name = format!("{}-mail", stack::prefix());
        let made = aws("AmazonSQS.CreateQueue", json!({ "QueueName": name })).await;
        made["QueueUrl"].as_str().unwrap().to_owned()
    };
    URL.get_or_init(make).await
}

/// A bucket that holds what dead functions wrote.
pub async fn bucket() -> &'static OwnBucket {
    static BUCKET: OnceCell<OwnBucket> = OnceCell::const_new();
    BUCKET.get_or_init(OwnBucket::new).await
}

/// A function's own binary over the tables of the stack.
pub fn program(name: &str, endpoint: &str, queue: &str, bucket: &OwnBucket) -> Command {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug").join(name);
    let mut program = Command::new(binary);
    let stage = variable("STAGE");
    program.stdout(Stdio::null()).env_clear().envs([
        ("AWS_REGION", "ap-northeast-2"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint),
        ("JWT_PUBLIC_KEYS", stack::PUBLIC_KEYS),
        ("CONFIGURATION_SET", &stage),
        ("MAIL_FROM", "stage@spotlight.example"),
        ("ERASURES_QUEUE_URL", queue),
        ("EXPORT_QUEUE_URL", queue),
        ("FILES_BUCKET", &bucket.name),
        ("MAIL_QUEUE_URL", queue),
        ("MAIL_RATE", "1000"),
        ("STAGE", &stage),
        ("TABLE_PREFIX", &stage),
    ]);
    program
}

/// What Lambda does with what a dead function was given: it gives it to another, and to one more while that says that it failed, as
/// it may where a call takes too long.
pub async fn again(name: &str, event: &Value) {
    let mut failed = Value::Null;
    for _ in 0..3 {
        let program = program(name, &variable("AWS_ENDPOINT_URL"), queue().await, bucket().await);
        let function = Function::start(name, program).await.unwrap();
        function.ready().await.unwrap();
        let answer = match function.invoke(event).await {
            Ok(Outcome::Answer(answer)) => answer,
            other => panic!("{name} did not answer: {other:?}"),
        };
        failed = answer["batchItemFailures"].clone();
        if failed.as_array().is_none_or(Vec::is_empty) {
            return;
        }
    }
    panic!("{name} fails again and again: {failed}");
}

/// Kills a function at each of its calls; `makes_good` is done after each, and then `check` holds. Answers the calls in their order.
pub async fn killed<W>(
    name: &str,
    event: &(dyn Fn(&W) -> Value + Sync),
    prepare: impl AsyncFn() -> W,
    make_good: impl AsyncFn(&W),
    check: impl AsyncFn(&W, Option<&Point>),
) -> String {
    let (aws, queue, bucket) = (variable("AWS_ENDPOINT_URL"), queue().await, bucket().await);
    let step = Step {
        name,
        services: &[("aws", &aws)],
        program: &|outside: &Outside| program(name, outside.url("aws"), queue, bucket),
        event,
    };
    let points = every_kill_point(step, prepare, make_good, check).await;
    let of_files = format!(" /{}", bucket.name);
    let name = |point: &Point| {
        let operation = &point.operation.operation;
        // Of a file's call the method says enough.
        let (_, name) = match operation.split_once(&of_files) {
            Some((method, _)) => ("", method),
            None => operation.rsplit_once(['.', '/']).unwrap_or(("", operation)),
        };
        name.to_owned()
    };
    let mut names: Vec<_> = points.iter().map(name).collect();
    names.dedup();
    names.join(" ")
}

/// A request with a body.
pub fn posted(method: &str, path: &str, body: &Value) -> Value {
    let headers = json!({ "content-type": "application/json", "accept": "application/json" });
    let mut request = gateway::request(method, path, headers);
    request["body"] = body.to_string().into();
    request
}

/// A token that a function takes which was given the tests' public keys.
pub fn token(claims: &Claims, now: Time) -> String {
    let keys = json!({ "current": { "kid": stack::KEY_ID, "pem": stack::PRIVATE_KEY } });
    let keys: api::SigningKeys = serde_json::from_value(keys).unwrap();
    keys.sign(claims, now).unwrap().0
}

/// A request by somebody who is signed in.
pub fn signed(mut request: Value, token: &str) -> Value {
    let bearer = format!("Bearer {token}");
    request["headers"]["authorization"] = bearer.clone().into();
    request["multiValueHeaders"]["authorization"] = json!([bearer]);
    request
}

/// A queue's batch of one message.
pub fn message(body: &Value) -> Value {
    json!({ "Records": [{ "messageId": "1", "body": body.to_string(), "eventSource": "aws:sqs" }] })
}

/// The mails that are written down about a member.
pub async fn mails(member: MemberId) -> Vec<Value> {
    let items = stack::items(&format!("{}-inbox", variable("STAGE"))).await;
    let of_member = |item: &Value| item["sk"] == "MAIL" && item["memberId"] == member.to_string();
    items.into_iter().filter(of_member).collect()
}
