//! No function lets Lambda end it. Whatever it calls holds every call open; each function, with the time limit and the variables that
//! it is deployed with and the time limits of its own clients, still answers by itself.

use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use domain::{
    id::{CodeId, ExportId, MemberId},
    member::Role,
    time::Time,
};
use futures::{StreamExt, stream};
use serde_json::{Map, Value, json};
use tests::{
    gateway,
    runtime_api::{Function, Outcome},
};
use tokio::net::TcpListener;

use crate::{
    killed::token,
    shop::{Shop, variable},
};

/// Lambda gives a function so long to get ready.
const INIT: Duration = Duration::from_secs(10);

/// Takes every connection, and never says a word.
async fn silence() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    address
}

/// A function as it is deployed.
struct Deployed {
    name: String,
    limit: Duration,
    variables: Map<String, Value>,
}

async fn deployed() -> Vec<Deployed> {
    let address = format!("{}/2015-03-31/functions/", variable("AWS_ENDPOINT_URL"));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut found = BTreeMap::new();
    let mut marker = String::new();
    loop {
        let page = client.get(format!("{address}?Marker={marker}")).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        for function in page["Functions"].as_array().unwrap() {
            let name = function["FunctionName"].as_str().unwrap();
            let name = name.split_once('-').unwrap().1.to_owned();
            let limit = Duration::from_secs(function["Timeout"].as_u64().unwrap());
            let variables = function["Environment"]["Variables"].as_object().unwrap().clone();
            found.insert(name.clone(), Deployed { name, limit, variables });
        }
        match page["NextMarker"].as_str() {
            Some(next) if !next.is_empty() => marker = next.to_owned(),
            _ => return found.into_values().collect(),
        }
    }
}

impl Deployed {
    /// Its binary, with nothing around it but silence.
    fn program(&self, silence: &str) -> Command {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug").join(&self.name);
        let mut program = Command::new(binary);
        program.stdout(Stdio::null()).env_clear();
        for (name, value) in &self.variables {
            let value = value.as_str().unwrap();
            // A queue's address, too, is one that a call goes to.
            let value = if value.starts_with("http://") { silence } else { value };
            program.env(name, value);
        }
        program.envs([
            ("AWS_REGION", "ap-northeast-2"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", silence),
            ("JWT_PUBLIC_KEYS", stack::PUBLIC_KEYS),
        ]);
        program
    }

    /// Starts it, gives it an event, and waits for what it says.
    async fn answers(&self, event: &Value, silence: &str) -> Value {
        let name = &self.name;
        let function = Function::start_with(name, self.program(silence), self.limit).await.unwrap();
        let ready = function.ready().await;
        assert!(matches!(ready, Ok(took) if took < INIT), "{name} is not ready in time: {ready:?}");
        let asked = Instant::now();
        let outcome = function.invoke(event).await;
        let took = asked.elapsed();
        assert!(took < self.limit, "{name} took {took:?} of its {:?}: {outcome:?}", self.limit);
        match outcome {
            Ok(Outcome::Answer(answer) | Outcome::Error(answer)) => answer,
            other => panic!("{name} did not answer: {other:?}"),
        }
    }
}

/// A value of a schema, made of the examples in it.
fn example(document: &Value, schema: &Value) -> Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return example(document, document.pointer(&reference[1..]).unwrap());
    }
    for given in [&schema["examples"][0], &schema["example"], &schema["enum"][0]] {
        if !given.is_null() {
            return given.clone();
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        let required = schema["required"].as_array().into_iter().flatten();
        let name = |name: &Value| name.as_str().unwrap().to_owned();
        let field = |name: String| (name.clone(), example(document, &properties[&name]));
        return required.map(|required| field(name(required))).collect::<Map<_, _>>().into();
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([example(document, &schema["items"])]),
        _ => json!("text"),
    }
}

/// Requests of every route, good enough to pass all checks of their form.
async fn requests() -> BTreeMap<String, Value> {
    let document: Value = serde_json::from_str(&generate::document().unwrap()).unwrap();
    let store = store::Store::new(stack::dynamo(), stack::prefix());
    let claims = stack::sign_in(&store, Role::Artist, Time::now()).await;
    let token = token(&claims, Time::now());
    let member = json!({
        "authorization": format!("Bearer {token}"), "content-type": "application/json",
        "idempotency-key": "key", "if-match": "*", "accept": "application/json",
    });
    let mut requests = BTreeMap::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap().to_owned();
            let mut request = gateway::request(&method.to_uppercase(), path, member.clone());
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let value = example(&document, &parameter["schema"]);
                let (place, given) = (parameter["in"].as_str().unwrap(), &parameter["name"]);
                let given = given.as_str().unwrap();
                if place == "path" {
                    request["pathParameters"][given] = value;
                } else if place == "query" && parameter["required"] == true {
                    request["queryStringParameters"][given] = value.clone();
                    request["multiValueQueryStringParameters"][given] = json!([value]);
                }
            }
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !body.is_null() {
                request["body"] = example(&document, body).to_string().into();
            }
            requests.insert(name, request);
        }
    }
    // Its four times follow each other; as examples they are all the same.
    let times = |hours: u64| Time::now().plus(Duration::from_hours(hours));
    let request = &mut requests.get_mut("create_event").unwrap()["body"];
    let mut body: Value = serde_json::from_str(request.as_str().unwrap()).unwrap();
    for (name, hours) in [("saleStartsAt", 1), ("saleEndsAt", 2), ("startsAt", 3), ("endsAt", 4)] {
        body[name] = json!(times(hours));
    }
    *request = body.to_string().into();
    // A browser sends its cookie; the token in it need not be anybody's.
    let session = format!("{}.{}", claims.member_id, claims.session_id);
    let cookie = format!("refresh={session}.{}", "A".repeat(86));
    requests.get_mut("refresh").unwrap()["multiValueHeaders"]["cookie"] = json!([cookie]);
    requests
}

/// A stream's batch with one record.
fn stream(image: impl serde::Serialize) -> Value {
    let image: serde_dynamo::Item = serde_dynamo::to_item(image).unwrap();
    let (pk, sk) = match image.contains_key("holdEndsAt") {
        true => ("PAY#1", "PAYMENT"),
        false => ("EVT#1", "EVENT"),
    };
    json!({ "Records": [{
        "eventID": "1", "eventName": "INSERT", "eventSource": "aws:dynamodb", "awsRegion": "ap-northeast-2",
        "dynamodb": {
            "Keys": { "pk": { "S": pk }, "sk": { "S": sk } }, "NewImage": image, "SequenceNumber": "1",
            "SizeBytes": 1, "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }] })
}

/// A queue's batch.
fn messages(body: Value) -> Value {
    let body = body.to_string();
    let message = |number: u32| json!({ "messageId": number.to_string(), "body": body, "eventSource": "aws:sqs" });
    json!({ "Records": (0..5).map(message).collect::<Vec<_>>() })
}

/// What a worker is woken with.
async fn event(worker: &str) -> Value {
    let shop = Shop::open(5).await;
    let held = shop.buy(shop.fan().await, 1, "key").await.unwrap();
    match worker {
        "relay_sales" => stream(&shop.payments().await[0]),
        "relay_catalog" | "index_catalog" => stream(&shop.event),
        "expire_holds" | "reconcile_payments" => messages(json!({ "paymentId": held.id })),
        "send_mail" => messages(json!({ "code": CodeId::generate() })),
        "block_addresses" => messages(json!({ "detail": { "bounce": {
            "bounceType": "Permanent", "bouncedRecipients": [{ "emailAddress": "mina@example.com" }],
        } } })),
        "erase_member" => messages(json!({ "memberId": MemberId::generate() })),
        "tell_followers" => {
            let detail = json!({ "id": "EventPublished:1:1", "eventId": shop.event.id });
            messages(json!({ "detail": detail, "next": { "shard": 0 } }))
        }
        "tell_buyers" => {
            let detail = json!({ "id": "EventMoved:1:1", "eventId": shop.event.id, "termsVersion": 2, "updatedAt": shop.now });
            messages(json!({ "detail": detail, "next": { "shard": 0 } }))
        }
        "refund_buyers" => messages(json!({ "detail": { "eventId": shop.event.id } })),
        "serve_waiting_lists" => messages(json!({ "detail": { "eventId": shop.event.id } })),
        "tell_sales" => messages(json!({ "detail": { "paymentId": held.id } })),
        "cancel_event" => json!({ "eventId": shop.event.id }),
        "write_export" => {
            messages(json!({ "memberId": shop.event.artist_id, "exportId": ExportId::generate() }))
        }
        "sweep_payments" | "audit_payments" | "prove_ledger" | "rebuild_index" => json!({}),
        "manage_coupons" => json!({ "list": {} }),
        other => panic!("say what wakes {other}"),
    }
}

/// How many wait at once: more would keep each other from starting, and what other tests call.
const AT_ONCE: usize = 16;

/// Routes that ask nobody.
const ALONE: [&str; 4] = ["get_docs", "get_jwks", "get_openapi", "get_ticket_keys"];

#[test]
fn every_function_answers_by_itself_though_nobody_answers_it() {
    stack::run(async {
        let (silence, requests) = (silence().await, requests().await);
        let ask = async |function: Deployed| {
            let name = function.name.clone();
            let (event, route) = match requests.get(&name) {
                Some(request) => (request.clone(), true),
                None => (event(&name).await, false),
            };
            (name, route, function.answers(&event, &silence).await)
        };
        let asked = stream::iter(deployed().await).map(ask).buffer_unordered(AT_ONCE);
        let asked: Vec<_> = asked.collect().await;
        assert!(asked.len() > requests.len(), "every function is deployed");
        for (name, route, answer) in asked {
            if ALONE.contains(&name.as_str()) {
                assert_eq!(answer["statusCode"], 200, "{name}: {answer}");
            } else if route {
                assert_eq!(answer["statusCode"], 503, "{name}: {answer}");
                let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
                let told = body["code"].is_string() || body["dependencies"].is_object();
                assert!(told, "{name} says what is missing: {body}");
            } else {
                let failed = answer["batchItemFailures"].as_array().map(Vec::len);
                let retried =
                    failed.is_some_and(|failed| failed > 0) || answer["errorMessage"].is_string();
                assert!(retried, "{name} has its event delivered again: {answer}");
            }
        }
    });
}
