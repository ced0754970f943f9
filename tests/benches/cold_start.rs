//! `make bench`: how long our functions take to start, beside a Go, a Node and a Python function that do the
//! same reads with their AWS SDKs, in one run; their memory, their zip, and their work per warm request.
//!
//! Cold start: from the process's start until it asks for its first event, clients built and connected.
//! The local cloud is spoken to over plain HTTP and, in a second row, past a TLS end on the same machine: the handshake
//! is in it, the way to AWS is not. The figures of one run compare; those of two machines don't.

#![expect(clippy::print_stdout, reason = "its table is what it is for")]

mod contenders;
mod tls;

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use contenders::{Contender, Result};
use domain::id::EventId;
use serde_json::{Value, json};
use store::{
    Transaction, Write,
    catalog::event::{Event, EventKey},
    sales::stock,
};
use tests::runtime_api::Outcome;

/// Starts of each contender, one after the other in turns, so that a busy moment meets them all.
const STARTS: usize = 30;
const WARM_REQUESTS: usize = 1_000;

fn main() -> Result<()> {
    stack::run(run())
}

async fn run() -> Result<()> {
    let event_id = publish().await?;
    let contenders = contenders::prepare().await?;
    let mut starts = vec![Vec::new(); contenders.len()];
    for _ in 0..STARTS {
        for (contender, starts) in contenders.iter().zip(&mut starts) {
            starts.push(contender.start().await?.1);
        }
    }
    let mut table = String::from(
        "| | | cold start, ms | memory, MB | zip, MB | request, CPU ms | request, all ms |\n\
         |---|---|---|---|---|---|---|\n",
    );
    for (contender, mut starts) in contenders.iter().zip(starts) {
        let warm = match contender.reads_event {
            true => Some(warm(contender, &event_id.to_string(), 200).await?),
            false => None,
        };
        let memory = match &warm {
            Some(warm) => warm.memory,
            None => contender.start().await?.0.peak_memory()?,
        };
        writeln!(
            table,
            "| {:<19} | {:<4} | {:>13} | {:>5.1} | {:>5.2} | {:>11} | {:>13} |",
            contender.name,
            if contender.over_tls { "TLS" } else { "HTTP" },
            quantiles(&mut starts),
            memory as f64 / 1024.0,
            contender.zip as f64 / 1e6,
            warm.as_ref().map_or_else(String::new, |warm| quantiles(&mut warm.processor.clone())),
            warm.as_ref().map_or_else(String::new, |warm| quantiles(&mut warm.whole.clone())),
        )?;
    }
    fs::write(contenders::place().join("table.md"), &table)?;
    let mut refused = warm(&contenders[0], "no-id", 404).await?.processor;
    println!(
        "\n{STARTS} starts each, in turns; {WARM_REQUESTS} warm requests; p50 / p99. Also in target/bench/table.md\n\n\
         {table}\n\
         CPU is all of the process, in the kernel too: the SDK's signing and sockets for two reads, the runtime's loop.\n\
         Without the reads (an id that can't be one): {} ms.\n\
         Bars for ours: cold start p50 20 ms, memory 16 MB, zip 3.5 MB, work besides I/O p99 1 ms.",
        quantiles(&mut refused)
    );
    Ok(())
}

/// Puts the event that everybody reads into the local table.
async fn publish() -> Result<EventId> {
    let store = store::Store::new(stack::dynamo(), stack::prefix());
    let id = EventId::generate();
    let event: Event = serde_json::from_value(json!({
        "id": id, "artistId": domain::id::MemberId::generate(), "artistNickname": "달빛유랑단",
        "title": "한여름 밤의 어쿠스틱", "place": "서울 마포구 홍대 소극장",
        "content": "기타 한 대와 목소리로 채우는 여름밤입니다. ".repeat(20).trim(),
        "category": "MUSIC", "capacity": 120, "price": 33_000,
        "startsAt": 1_800_000_000_000_i64, "endsAt": 1_800_007_200_000_i64,
        "saleStartsAt": 1_790_000_000_000_i64, "saleEndsAt": 1_799_000_000_000_i64,
        "refundPolicy": "STANDARD", "state": "OPEN", "termsVersion": 1, "shards": 1, "version": 1,
        "createdAt": 1_780_000_000_000_i64, "updatedAt": 1_780_000_000_000_i64,
    }))?;
    let stock = stock::create(id, event.capacity, event.sale());
    let writes = stock.into_iter().fold(Transaction::<()>::new(), Transaction::also);
    let writes = writes.also(Write::create(&EventKey(id), &event));
    store.transact(writes).await.map_err(|_| "the event can't be put into the table")?;
    Ok(id)
}

struct Warm {
    processor: Vec<Duration>,
    whole: Vec<Duration>,
    memory: u64,
}

async fn warm(contender: &Contender, event_id: &str, status: u16) -> Result<Warm> {
    let request = request(event_id);
    let (function, _) = contender.start().await?;
    let mut warm = Warm { processor: Vec::new(), whole: Vec::new(), memory: 0 };
    for number in 0..WARM_REQUESTS + 100 {
        let (spent, began) = (function.processor_time()?, Instant::now());
        let Outcome::Answer(answer) = function.invoke(&request).await? else {
            return Err(format!("{} failed", contender.name).into());
        };
        let whole = began.elapsed();
        let whole_event = answer["body"].to_string().contains("한여름 밤의 어쿠스틱");
        if answer["statusCode"] != status || whole_event != (status == 200) {
            return Err(format!("{} answered {answer}", contender.name).into());
        }
        // The first hundred warm caches and compilers up, and are not counted.
        if number >= 100 {
            warm.processor.push(function.processor_time()?.saturating_sub(spent));
            warm.whole.push(whole);
        }
    }
    warm.memory = function.peak_memory()?;
    Ok(warm)
}

/// `GET /v1/events/{eventId}` as API Gateway hands it over.
fn request(event_id: &str) -> Value {
    json!({
        "resource": "/v1/events/{eventId}",
        "path": format!("/v1/events/{event_id}"),
        "httpMethod": "GET",
        "headers": { "accept": "application/json", "host": "127.0.0.1" },
        "multiValueHeaders": { "accept": ["application/json"], "host": ["127.0.0.1"] },
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": { "eventId": event_id },
        "stageVariables": null,
        "requestContext": {
            "accountId": "0", "apiId": "local", "resourceId": "local", "stage": "local",
            "requestId": "00000000-0000-4000-8000-000000000000",
            "resourcePath": "/v1/events/{eventId}", "httpMethod": "GET",
            "identity": { "sourceIp": "127.0.0.1" },
        },
        "body": null,
        "isBase64Encoded": false,
    })
}

/// The median and the 99th percentile, in milliseconds.
fn quantiles(durations: &mut [Duration]) -> String {
    durations.sort_unstable();
    let at = |part: f64| {
        let index = ((durations.len() - 1) as f64 * part).round();
        durations[index as usize].as_secs_f64() * 1e3
    };
    format!("{:.1} / {:.1}", at(0.5), at(0.99))
}
