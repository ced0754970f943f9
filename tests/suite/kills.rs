//! Every function that moves money dies before and after each of its outside calls. What the buyer, Lambda and the workers do
//! next must make it good, and doing it twice must change nothing.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use api::{Claims, SigningKeys};
use domain::{
    member::Role,
    payment::State::{self, Approved, Approving, Cancelled, Expired, Failed, Refunded},
};
use serde_json::{Value, json};
use tests::{
    kills::{Step, every_kill_point},
    outside::Outside,
};
use tokio::sync::OnceCell;

use crate::shop::{
    FIRST_LOOK, Fan, HOLD, Held, LEASE, Shop, books,
    simulator::{self, Back},
    variable,
};

// A pair made for tests alone; shared/api has the same.
const PUBLIC: &str = r#"{"keys": [{"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "test-1", "x": "3E5RlUnT1YSqhciufh3GTC5C2E3pvEaKE5qHcRY2_jM", "y": "mT2bNcnm86vrdUYFZL48xIH6poRaR4DEDQFMjtFUrsk"}]}"#;
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
     MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgq6Fi4ecinTJ8fukD\n\
     WLaSdgni5HEj9gm5+rDT3UanksyhRANCAATcTlGVSdPVhKqFyK5+HcZMLkLYTem8\n\
     RooTmodxFjb+M5k9mzXJ5vOr63VGBWS+PMSB+qaEWkeAxA0BTI7RVK7J\n\
     -----END PRIVATE KEY-----\n";

const KEY: &str = "key";

/// A shop of ten seats with one buyer, as far as the story has come before the function that dies.
struct World {
    shop: Shop,
    fan: Fan,
    held: Option<Held>,
    back: Option<Back>,
}

impl World {
    async fn new() -> Self {
        Self::at(Duration::ZERO).await
    }

    /// One whose story began so long ago.
    async fn at(ago: Duration) -> Self {
        let mut shop = Shop::open(10).await;
        shop.now = shop.now.minus(ago);
        Self { fan: shop.fan().await, shop, held: None, back: None }
    }

    async fn held(mut self) -> Self {
        self.held = Some(self.shop.buy(self.fan, 2, KEY).await.unwrap());
        self
    }

    /// The payer has decided on KakaoPay's page, and is on the way back.
    async fn decided(mut self, decision: &str) -> Self {
        self.back = self.shop.simulator.decide(&self.held.as_ref().unwrap().page, decision).await;
        self
    }

    /// What goes wrong at KakaoPay with this payment alone.
    async fn with_faults(self, mut switches: Value) -> Self {
        switches["partner_order_id"] = json!(self.held.as_ref().unwrap().id);
        self.shop.simulator.faults(switches).await;
        self
    }

    /// The payer came back, and what KakaoPay did then nobody knows: the reconciler is due.
    async fn unclear(approval: Value, order_faults: u32) -> Self {
        let mut approval = approval;
        approval["times"] = json!(1);
        let switches =
            json!({ "approve": approval, "order": { "error500": 1, "times": order_faults } });
        let world = Self::at(FIRST_LOOK * 2).await.held().await.decided("approve").await;
        let world = world.with_faults(switches).await;
        let address = &world.back.as_ref().unwrap().address;
        assert_eq!(world.shop.visit(address).await, Ok(Approving));
        world
    }

    /// The buyer sends the request again, pays and comes back; what then is in between the workers settle.
    async fn persist(&self) {
        let held = self.shop.buy_patiently(self.fan, 2, KEY).await.unwrap();
        let back = match &self.back {
            Some(back) => back.address.clone(),
            None => match self.shop.simulator.decide(&held.page, "approve").await {
                Some(back) => back.address,
                // It was paid before, and the page is closed.
                None => return self.leave().await,
            },
        };
        self.shop.after(LEASE).visit(&back).await.unwrap();
        self.leave().await;
    }

    /// The buyer never comes again, and the workers are left with it.
    async fn leave(&self) {
        self.shop.settle().await;
    }

    /// `POST /v1/payments` as API Gateway hands it over.
    fn buying(&self) -> Value {
        let keys = json!({ "current": { "kid": "test-1", "pem": PRIVATE } });
        let keys: SigningKeys = serde_json::from_value(keys).unwrap();
        let Fan { member_id, session_id } = self.fan;
        let claims = Claims { member_id, session_id, role: Role::User };
        let (token, _) = keys.sign(&claims, self.shop.now).unwrap();
        let headers = json!({
            "authorization": format!("Bearer {token}"), "content-type": "application/json", "idempotency-key": KEY,
        });
        let body = json!({ "purpose": "TICKETS", "eventId": self.shop.event.id, "quantity": 2 });
        let mut event = gateway("POST", "/v1/payments", headers);
        event["body"] = json!(body.to_string());
        event
    }

    /// The payer's browser at the return address.
    fn returning(&self) -> Value {
        let address = &self.back.as_ref().unwrap().address;
        let path = &address[address.find("/v1/").unwrap()..];
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<_> = path.split('/').collect();
        let mut event = gateway("GET", path, json!({ "accept": "application/json" }));
        event["pathParameters"] = json!({ "paymentId": parts[3], "token": parts[5] });
        if let Some(token) = query.strip_prefix("pg_token=") {
            event["queryStringParameters"] = json!({ "pg_token": token });
            event["multiValueQueryStringParameters"] = json!({ "pg_token": [token] });
        }
        event
    }

    /// The message of a worker's queue.
    fn message(&self) -> Value {
        let id = self.held.as_ref().unwrap().id;
        json!({ "Records": [{ "messageId": "message", "body": id, "eventSource": "aws:sqs" }] })
    }
}

fn gateway(method: &str, path: &str, headers: Value) -> Value {
    let every: serde_json::Map<_, _> = headers
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), json!([value])))
        .collect();
    json!({
        "resource": path, "path": path, "httpMethod": method, "headers": headers, "multiValueHeaders": every,
        "queryStringParameters": null, "multiValueQueryStringParameters": null, "pathParameters": null, "stageVariables": null,
        "requestContext": {
            "accountId": "0", "apiId": "local", "resourceId": "local", "stage": "local", "requestId": "test",
            "resourcePath": path, "httpMethod": method, "identity": { "sourceIp": "127.0.0.1" },
        },
        "body": null, "isBase64Encoded": false,
    })
}

/// What the functions need outside the tables: the queues' addresses and the secret's name.
struct Things {
    queue: String,
    secret: String,
}

async fn things() -> &'static Things {
    static THINGS: OnceCell<Things> = OnceCell::const_new();
    THINGS
        .get_or_init(async || {
            let secret = format!("{}/kakaopay", stack::prefix());
            let key = json!({ "secretKey": simulator::KEY }).to_string();
            aws("secretsmanager.CreateSecret", json!({ "Name": secret, "SecretString": key }))
                .await;
            let queue = aws("AmazonSQS.CreateQueue", json!({ "QueueName": stack::prefix() })).await;
            Things { queue: queue["QueueUrl"].as_str().unwrap().to_owned(), secret }
        })
        .await
}

/// The local cloud asks for no signature.
async fn aws(target: &str, body: Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request =
        client.post(variable("AWS_ENDPOINT_URL")).header("X-Amz-Target", target).json(&body);
    request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
}

/// The function's own binary, with nothing outside but through the proxies.
fn program(name: &str, things: &Things, outside: &Outside) -> Command {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug").join(name);
    let mut program = Command::new(binary);
    program.stdout(Stdio::null()).env_clear().envs([
        ("AWS_REGION", "ap-northeast-2"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", outside.url("aws")),
        ("STAGE", "test"),
        ("TABLE_PREFIX", stack::prefix()),
        ("JWT_PUBLIC_KEYS", PUBLIC),
        ("KAKAOPAY_URL", outside.url("kakaopay")),
        ("KAKAOPAY_CID", simulator::CID),
        ("KAKAOPAY_SECRET_ID", &things.secret),
        ("PUBLIC_URL", "http://127.0.0.1:3000"),
        ("HOLD_SECONDS", &HOLD.as_secs().to_string()),
        ("HOLD_QUEUE_URL", &things.queue),
        ("RECONCILE_QUEUE_URL", &things.queue),
    ]);
    program
}

/// The function dies at every point, each in a world of its own. At once, and after `recover`, the books are right; in the end
/// nothing is open, the payment (if there is one) has come to one of `ends`, and recovering again changes nothing.
async fn survives(
    function: &str,
    prepare: impl AsyncFn() -> World,
    event: fn(&World) -> Value,
    recover: impl AsyncFn(&World),
    ends: &[State],
    calls: &[&str],
) {
    let things = things().await;
    let (aws, kakaopay) = (variable("AWS_ENDPOINT_URL"), variable("KAKAOPAY_URL"));
    let step = Step {
        name: function,
        services: &[("aws", &aws), ("kakaopay", &kakaopay)],
        program: &|outside| program(function, things, outside),
        event: &event,
    };
    let first = async |world: &World| {
        books::check(&world.shop).await;
        recover(world).await;
    };
    let points = every_kill_point(step, prepare, first, async |world, point| {
        let once = books::check(&world.shop).await;
        once.assert_settled();
        let states: Vec<_> = once.payments.iter().map(|payment| payment.state).collect();
        assert!(
            states.len() <= 1 && states.iter().all(|state| ends.contains(state)),
            "{states:?} after {point:?}"
        );
        recover(world).await;
        assert_eq!(books::check(&world.shop).await, once, "recovering twice after {point:?}");
    });
    let points = points.await;
    // Each call is there twice: the process died before it, and after it.
    let met: Vec<_> = points
        .iter()
        .step_by(2)
        .map(|point| point.operation.operation.rsplit(['.', '/']).next().unwrap())
        .collect();
    assert_eq!((met.as_slice(), points.len()), (calls, 2 * calls.len()));
}

const BUYING: &[&str] =
    &["BatchGetItem", "UpdateItem", "TransactWriteItems", "GetSecretValue", "ready", "UpdateItem"];

#[test]
fn a_purchase_that_dies_is_finished_by_the_same_request() {
    stack::run(survives(
        "create_payment",
        World::new,
        World::buying,
        World::persist,
        &[Approved],
        BUYING,
    ));
}

#[test]
fn a_purchase_that_dies_and_is_left_gives_everything_back() {
    stack::run(survives(
        "create_payment",
        World::new,
        World::buying,
        World::leave,
        &[Expired],
        BUYING,
    ));
}

const APPROVING: &[&str] =
    &["GetItem", "UpdateItem", "GetSecretValue", "approve", "TransactWriteItems"];

async fn agreed() -> World {
    World::new().await.held().await.decided("approve").await
}

#[test]
fn an_approval_that_dies_is_finished_when_the_buyer_comes_again() {
    stack::run(survives(
        "approve_payment",
        agreed,
        World::returning,
        World::persist,
        &[Approved],
        APPROVING,
    ));
}

#[test]
fn an_approval_that_dies_is_finished_without_the_buyer_or_never_charged() {
    stack::run(survives(
        "approve_payment",
        agreed,
        World::returning,
        World::leave,
        &[Approved, Expired],
        APPROVING,
    ));
}

#[test]
fn an_approval_of_a_wrong_amount_that_dies_ends_with_all_money_back() {
    let agreed = async || {
        let faults = json!({ "approve": { "wrong_amount": 1, "times": 1 } });
        agreed().await.with_faults(faults).await
    };
    let calls = &[
        "GetItem",
        "UpdateItem",
        "GetSecretValue",
        "approve",
        "order",
        "TransactWriteItems",
        "order",
        "cancel",
        "UpdateItem",
    ];
    let ends = &[Refunded, Expired];
    stack::run(survives("approve_payment", agreed, World::returning, World::leave, ends, calls));
}

#[test]
fn calling_it_off_or_failing_gives_back_once_however_it_dies() {
    let calls = &["GetItem", "TransactWriteItems"];
    for (decision, function, end) in
        [("cancel", "cancel_payment", Cancelled), ("fail", "fail_payment", Failed)]
    {
        let decided = async || World::new().await.held().await.decided(decision).await;
        let again = async |world: &World| {
            world.shop.visit(&world.back.as_ref().unwrap().address).await.unwrap();
        };
        stack::run(survives(function, decided, World::returning, again, &[end], calls));
        stack::run(survives(
            function,
            decided,
            World::returning,
            World::leave,
            &[end, Expired],
            calls,
        ));
    }
}

#[test]
fn the_end_of_a_hold_gives_back_once_however_it_dies() {
    let held = async || World::at(HOLD * 2).await.held().await;
    let calls = &["GetItem", "TransactWriteItems"];
    stack::run(survives("expire_holds", held, World::message, World::leave, &[Expired], calls));
}

#[test]
fn a_hold_that_still_lives_is_not_lost_when_its_message_comes_early() {
    let held = async || World::new().await.held().await;
    let calls = &["GetItem", "SendMessage"];
    stack::run(survives("expire_holds", held, World::message, World::leave, &[Expired], calls));
}

#[test]
fn a_reconciliation_that_dies_finds_money_that_was_taken() {
    let taken = async || World::unclear(json!({ "drop_after": 1 }), 2).await;
    let calls = &["GetItem", "UpdateItem", "GetSecretValue", "order", "TransactWriteItems"];
    stack::run(survives(
        "reconcile_payments",
        taken,
        World::message,
        World::leave,
        &[Approved],
        calls,
    ));
}

#[test]
fn a_reconciliation_that_dies_takes_money_that_was_not_taken_once() {
    let untaken = async || World::unclear(json!({ "drop_before": 1 }), 2).await;
    let calls =
        &["GetItem", "UpdateItem", "GetSecretValue", "order", "approve", "TransactWriteItems"];
    stack::run(survives(
        "reconcile_payments",
        untaken,
        World::message,
        World::leave,
        &[Approved],
        calls,
    ));
}

#[test]
fn a_reconciliation_that_dies_gives_a_wrong_amount_back_once() {
    let wrong = async || World::unclear(json!({ "wrong_amount": 1, "drop_after": 1 }), 2).await;
    let calls = &[
        "GetItem",
        "UpdateItem",
        "GetSecretValue",
        "order",
        "TransactWriteItems",
        "order",
        "cancel",
        "UpdateItem",
    ];
    stack::run(survives(
        "reconcile_payments",
        wrong,
        World::message,
        World::leave,
        &[Refunded],
        calls,
    ));
}

#[test]
fn a_reconciliation_that_learns_nothing_is_not_lost() {
    let mute = async || World::unclear(json!({ "drop_before": 1 }), 4).await;
    let calls = &["GetItem", "UpdateItem", "GetSecretValue", "order", "order", "SendMessage"];
    stack::run(survives(
        "reconcile_payments",
        mute,
        World::message,
        World::leave,
        &[Approved],
        calls,
    ));
}
