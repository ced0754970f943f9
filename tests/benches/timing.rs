//! `make timing`: whether the time that a public route takes tells whether an address is somebody's.
//!
//! Each route is its own program, given events as Lambda would, with the local cloud behind it. A pair is one request about an address
//! that a member has and one about an address that nobody has, in an order drawn anew, so that a drift of the machine meets both. Every
//! request has a new address and a new caller: all counters are as young. What is made before a pair is not timed.
//!
//! Inside of a time: the Runtime API, the function, all its calls. Outside: the gateway and the network, which add noise for whoever
//! measures from afar, and nothing that knows addresses. The local cloud is slower than AWS and busier, so a difference of some
//! microseconds is below its noise; the processor time of the function alone is printed beside, without the cloud in it, to tell where
//! a difference comes from.
//!
//! Welch's t of all pairs, and of those times that are not among the slowest 5 % of both kinds together, since such a pause hides what
//! is looked for (as dudect does: <https://eprint.iacr.org/2016/1123>). Either fails at 4.5. `PAIRS` is 10,000 unless it is set; words
//! after `--` choose the rows that contain them.

#![expect(clippy::print_stdout, reason = "its table is what it is for")]

use std::{
    env,
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use domain::{
    id::{CodeId, MemberId},
    language::Language,
    member::{CodePurpose, MailedCode, Role},
    time::Time,
};
use serde_json::{Value, json};
use store::{
    Store,
    ephemeral::code::{CodeItem, CodeKey},
    identity::member::{Member, PasswordHash},
};
use tests::{
    gateway,
    runtime_api::{Function, Outcome},
};

/// Anything that goes wrong ends the benchmark with its sentence.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// From here on two kinds of times are not the same.
const LIMIT: f64 = 4.5;

/// After so many pairs the local cloud forgets them, and the function starts anew: of a large state a snapshot takes seconds, and
/// nobody is answered meanwhile.
const ROUND: usize = 500;

/// The first pairs of a process, which opens its connections, are not counted.
const WARM: usize = 10;

const PASSWORD: &str = "보랏빛 무대 뒤의 고양이";

/// A public route that is told an address, or a code of one, and how it answers whoever can't read the address's mail.
struct Route {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    /// What a code is asked for.
    purpose: &'static str,
    shows_code: bool,
    status: u16,
}

const ASK: Route = Route {
    name: "ask_for_code",
    method: "POST",
    path: "/v1/auth/email-codes",
    purpose: "",
    shows_code: false,
    status: 202,
};

const SIGN_UP: Route = Route { name: "sign_up", path: "/v1/auth/sign-up", ..ASK };

const ROUTES: [Route; 7] = [
    Route { purpose: "VERIFY_EMAIL", ..ASK },
    Route { purpose: "NEW_PASSWORD", ..ASK },
    Route { purpose: "LINK_IDENTITY", ..ASK },
    Route {
        name: "verify_code",
        path: "/v1/auth/email-codes/verify",
        shows_code: true,
        status: 400,
        ..ASK
    },
    Route {
        name: "set_password",
        method: "PUT",
        path: "/v1/auth/password",
        shows_code: true,
        status: 400,
        ..ASK
    },
    Route { name: "sign_in", path: "/v1/auth/sign-in", status: 401, ..ASK },
    SIGN_UP,
];

fn main() -> Result<ExitCode> {
    stack::run(run())
}

async fn run() -> Result<ExitCode> {
    let pairs: usize = env::var("PAIRS").map_or(Ok(10_000), |pairs| pairs.parse())?;
    let named = env::args().skip(1).find(|argument| !argument.starts_with('-'));
    println!(
        "| route | pairs | known, ms | unknown, ms | t | t, slowest left out | CPU known, ms | CPU unknown, ms | t |\n\
         |---|---|---|---|---|---|---|---|---|"
    );
    let mut told = false;
    for route in &ROUTES {
        let label = format!("{} {}", route.name, route.purpose);
        if named.as_deref().is_some_and(|named| !label.contains(named)) {
            continue;
        }
        let [mut known, mut unknown] = [Times::default(), Times::default()];
        for done in (0..pairs).step_by(ROUND) {
            let bench = Bench::new().await?;
            bench.measure(route, ROUND.min(pairs - done), [&mut known, &mut unknown]).await?;
            bench.forget().await?;
        }
        let whole = [known.whole, unknown.whole];
        let (all, kept) = (welch(&whole), welch(&without_slowest(&whole)));
        told |= all.abs() >= LIMIT || kept.abs() >= LIMIT;
        let work = [known.work, unknown.work];
        let [known, unknown] = whole.each_ref().map(|times| mean(times));
        let [known_work, unknown_work] = work.each_ref().map(|times| mean(times));
        println!(
            "| `{}` | {pairs} | {known:.3} | {unknown:.3} | {all:.2} | {kept:.2} | {known_work:.3} | {unknown_work:.3} | {:.2} |",
            label.trim(),
            welch(&work)
        );
    }
    println!("\nWhere |t| of the whole time is {LIMIT} or more, it tells whose an address is.");
    Ok(if told { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What requests of one kind took, in milliseconds: all of it, and the work of a processor for the function.
#[derive(Default)]
struct Times {
    whole: Vec<f64>,
    work: Vec<f64>,
}

/// Tables and a queue that are forgotten after a round.
struct Bench {
    prefix: String,
    store: Store,
    sqs: aws_sdk_sqs::Client,
    queue: String,
    /// What the route itself made of a password.
    hash: PasswordHash,
}

impl Bench {
    async fn new() -> Result<Self> {
        let prefix = stack::own_tables().await;
        let store = Store::new(stack::dynamo(), &prefix);
        let sqs = aws_sdk_sqs::Client::new(&stack::aws(&env::var("AWS_ENDPOINT_URL")?));
        let made = sqs.create_queue().queue_name(&prefix).send().await?;
        let queue = made.queue_url.ok_or("the queue has no address")?;
        let hash = PasswordHash::new(String::new());
        let mut bench = Self { prefix, store, sqs, queue, hash };
        let function = bench.start(SIGN_UP.name).await?;
        let event = event(&SIGN_UP, &said(&SIGN_UP, &address(), &CodeId::generate()));
        let Outcome::Answer(answer) = function.invoke(&event).await? else {
            return Err("sign_up failed".into());
        };
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap_or_default())?;
        let id = body["codeId"].as_str().ok_or("sign_up tells no code")?.parse()?;
        let kept = bench.store.get(&CodeKey(id)).await?;
        bench.hash =
            kept.and_then(|kept| kept.account).ok_or("sign_up keeps no account")?.password_hash;
        Ok(bench)
    }

    /// Starts a function's program with the environment that Lambda would give it.
    async fn start(&self, name: &str) -> Result<Function> {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug").join(name);
        let mut program = Command::new(binary);
        program.stdout(Stdio::null()).env_clear().envs([
            ("AWS_REGION", "ap-northeast-2"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_ENDPOINT_URL", &env::var("AWS_ENDPOINT_URL")?),
            ("JWT_SECRET_ID", "none"),
            ("MAIL_QUEUE_URL", &self.queue),
            ("STAGE", "timing"),
            ("TABLE_PREFIX", &self.prefix),
        ]);
        let function = Function::start(name, program).await?;
        function.ready().await?;
        Ok(function)
    }

    async fn forget(self) -> Result<()> {
        self.sqs.delete_queue().queue_url(self.queue).send().await?;
        for table in stack::table_names(&self.prefix) {
            stack::dynamo().delete_table().table_name(table).send().await?;
        }
        Ok(())
    }

    /// What it takes for addresses that members have, and for those that nobody has.
    async fn measure(&self, route: &Route, pairs: usize, times: [&mut Times; 2]) -> Result<()> {
        let function = self.start(route.name).await?;
        for number in 0..WARM + pairs {
            let mut pair =
                [(0, self.said_of_a_member(route).await?), (1, self.said_of_nobody(route).await?)];
            fastrand::shuffle(&mut pair);
            for (kind, body) in pair {
                let event = event(route, &body);
                let (worked, began) = (function.processor_time()?, Instant::now());
                let outcome = function.invoke(&event).await?;
                let whole = began.elapsed();
                let work = function.processor_time()?.saturating_sub(worked);
                match outcome {
                    Outcome::Answer(answer) if answer["statusCode"] == route.status => {}
                    other => return Err(format!("{} answered {other:?}", route.name).into()),
                }
                if number >= WARM {
                    times[kind].whole.push(whole.as_secs_f64() * 1e3);
                    times[kind].work.push(work.as_secs_f64() * 1e3);
                }
            }
        }
        Ok(())
    }

    async fn said_of_a_member(&self, route: &Route) -> Result<Value> {
        let now = Time::now();
        let email = address();
        let member = Member {
            email: Some(email.parse().map_err(|_| "no address")?),
            password_hash: Some(self.hash.clone()),
            ..stack::member(Role::User, now)
        };
        self.store.transact(member.creation()).await.map_err(|_| "a member can't be made")?;
        let code = self.code(route, &email).await?;
        if route.shows_code {
            // As the mail worker does for a member alone.
            let drawn = self.store.draw_code(&code, &MailedCode::of(48_215), now).await;
            drawn.map_err(|_| "a code can't be drawn")?;
        }
        Ok(said(route, &email, &code.id))
    }

    async fn said_of_nobody(&self, route: &Route) -> Result<Value> {
        let email = address();
        let code = self.code(route, &email).await?;
        Ok(said(route, &email, &code.id))
    }

    /// A code to be shown, which is asked for where the route is shown one.
    async fn code(&self, route: &Route, email: &str) -> Result<CodeItem> {
        let email = email.parse().map_err(|_| "no address")?;
        let code =
            CodeItem::asked(CodePurpose::NewPassword, email, Language::Korean, None, Time::now());
        if route.shows_code {
            self.store.ask_for_code(&code).await?;
        }
        Ok(code)
    }
}

/// An address nobody else has.
fn address() -> String {
    format!("{}@example.com", MemberId::generate()).to_lowercase()
}

/// What a stranger says to a route of an address, or of a code that was asked for there.
fn said(route: &Route, email: &str, code_id: &CodeId) -> Value {
    match route.name {
        "sign_up" => {
            json!({ "email": email, "password": PASSWORD, "nickname": "미나", "role": "USER", "fourteenOrOlder": true })
        }
        "sign_in" => json!({ "email": email, "password": PASSWORD.replace("고양이", "강아지") }),
        "verify_code" => json!({ "codeId": code_id, "code": "048216" }),
        "set_password" => json!({ "codeId": code_id, "code": "048216", "password": PASSWORD }),
        _ => json!({ "email": email, "purpose": route.purpose }),
    }
}

/// The same as the gateway hands it over, from somewhere else each time.
fn event(route: &Route, body: &Value) -> Value {
    let headers = json!({ "content-type": "application/json" });
    let mut event = gateway::request(route.method, route.path, headers);
    event["body"] = body.to_string().into();
    event["requestContext"]["identity"]["sourceIp"] = MemberId::generate().to_string().into();
    event
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / times.len() as f64
}

/// How far apart two means are, in standard errors of their difference.
fn welch(kinds: &[Vec<f64>; 2]) -> f64 {
    let [known, unknown] = kinds.each_ref().map(|times| {
        let mean = mean(times);
        let squares: f64 = times.iter().map(|time| (time - mean).powi(2)).sum();
        let count = times.len() as f64;
        (mean, squares / (count - 1.0) / count)
    });
    (known.0 - unknown.0) / (known.1 + unknown.1).sqrt()
}

/// Without the times that are among the slowest 5 % of both kinds together.
fn without_slowest(kinds: &[Vec<f64>; 2]) -> [Vec<f64>; 2] {
    let mut all = kinds.concat();
    all.sort_unstable_by(f64::total_cmp);
    let bound = all[all.len() * 95 / 100];
    kinds.each_ref().map(|times| times.iter().copied().filter(|time| *time < bound).collect())
}
