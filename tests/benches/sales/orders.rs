//! Sixteen clients at one event with seats for everybody, and 200 buyers at one with 50.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::{join_all, try_join_all};
use reqwest::{Client, RequestBuilder, header::RETRY_AFTER};
use serde_json::{Value, json};

use crate::{Result, functions::Functions, processor::Watched};

const CLIENTS: usize = 16;
const BUYERS: u32 = 200;
const SEATS: u32 = 50;
/// Those of the first seconds open connections and start functions, and are not counted.
const WARM: Duration = Duration::from_secs(5);
const COUNTED: Duration = Duration::from_secs(20);
/// One network address may try so often a minute: a client goes on from another before.
const FROM_ONE_ADDRESS: usize = 100;
/// One member may have so many tickets of an event.
const EACH: usize = 4;

/// A shop that can be bought from.
pub trait Shop: Sync {
    /// How many people there have to be so that none of them runs out of tickets that they may have.
    const CROWD: usize;

    /// Puts an event with so many free seats on sale.
    async fn publish(&self, seats: u32) -> Result<String>;
    /// Lets so many people in; each is what [`Shop::order`] knows them by.
    async fn people(&self, number: usize) -> Result<Vec<String>>;
    /// A ticket for one of them.
    fn order(&self, client: &Client, event: &str, person: &str, key: &str) -> RequestBuilder;
    /// How many tickets of an event somebody has.
    async fn sold(&self, event: &str) -> Result<u32>;
}

/// Measures a shop, and answers what came of it.
pub async fn measure(name: &str, shop: &impl Shop, functions: Option<&Functions>) -> Result<Value> {
    let watched = Watched::from_env()?;
    let steady = steady(shop, &watched, functions).await?;
    let rush = rush(shop).await?;
    Ok(json!({ "name": name, "steady": steady, "rush": rush }))
}

async fn steady<S: Shop>(
    shop: &S,
    watched: &Watched,
    functions: Option<&Functions>,
) -> Result<Value> {
    let event = shop.publish(100_000).await?;
    let people = shop.people(S::CROWD).await?;
    eprintln!(
        "  {} people are in; {CLIENTS} of them at a time buy for {} s",
        people.len(),
        (WARM + COUNTED).as_secs()
    );
    let next = AtomicUsize::new(0);
    let began = Instant::now();
    let used = async {
        tokio::time::sleep(WARM).await;
        let before = watched.used(functions)?;
        tokio::time::sleep(COUNTED).await;
        watched.used(functions).map(|after| after.since(&before))
    };
    let clients = (0..CLIENTS).map(async |_| {
        let (mut client, mut times, mut refused) = (elsewhere()?, Vec::new(), Vec::new());
        let mut orders = 0;
        while began.elapsed() < WARM + COUNTED {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= EACH * people.len() {
                return Err("everybody has bought: let more people in".into());
            }
            // Nobody buys twice at the same moment: they would meet on their own items.
            let person = &people[number % people.len()];
            orders += 1;
            if orders % FROM_ONE_ADDRESS == 0 {
                client = elsewhere()?;
            }
            let at = Instant::now();
            let (status, answer) =
                ask(shop.order(&client, &event, person, &format!("steady-{number}"))).await?;
            let counted = began.elapsed() > WARM && began.elapsed() < WARM + COUNTED;
            match status {
                201 if counted => times.push(at.elapsed()),
                201 => {}
                _ => refused.push(format!("{status} {}", answer["code"])),
            }
        }
        Result::Ok((times, refused))
    });
    let (used, clients) = futures::join!(used, try_join_all(clients));
    let (mut times, mut refused) = (Vec::new(), BTreeMap::<_, u32>::new());
    for (of_one, refusals) in clients? {
        times.extend(of_one);
        for refusal in refusals {
            *refused.entry(refusal).or_default() += 1;
        }
    }
    let (used, orders) = (used?, times.len());
    let minute = orders as f64 * 60.0 / COUNTED.as_secs_f64();
    let [p50, p99] = quantiles(&mut times);
    Ok(
        json!({ "orders": orders, "ordersPerMinute": minute, "p50": p50, "p99": p99, "refused": refused,
        "others": used.others(COUNTED.as_secs_f64() * 1e3), "processorMs": used.each(orders) }),
    )
}

async fn rush(shop: &impl Shop) -> Result<Value> {
    let event = shop.publish(SEATS).await?;
    let people = shop.people(BUYERS as usize).await?;
    let places = (0..4).map(|_| elsewhere()).collect::<Result<Vec<_>>>()?;
    let again = AtomicU32::new(0);
    let began = Instant::now();
    let buyers = people.iter().enumerate().map(async |(number, person)| {
        let client = &places[number % places.len()];
        let at = Instant::now();
        // As every client should: whoever is told to come again does, with the same key.
        for _ in 0..60 {
            let order = shop.order(client, &event, person, &format!("rush-{number}"));
            let response = order.send().await?;
            let (status, wait) =
                (response.status().as_u16(), response.headers().get(RETRY_AFTER).cloned());
            if status < 429 && status != 409 {
                let answer: Value = response.json().await?;
                let code = answer["code"].as_str().unwrap_or("bought").to_owned();
                return Result::Ok((code, at.elapsed()));
            }
            again.fetch_add(1, Ordering::Relaxed);
            let wait = wait.and_then(|wait| wait.to_str().ok()?.parse().ok()).unwrap_or(1);
            tokio::time::sleep(Duration::from_secs(wait)).await;
        }
        Err("somebody was sixty times told to come again".into())
    });
    let (mut times, mut answers) = (Vec::new(), BTreeMap::<_, u32>::new());
    for answered in join_all(buyers).await {
        let (code, took) = answered?;
        times.push(took);
        *answers.entry(code).or_default() += 1;
    }
    let [p50, p99] = quantiles(&mut times);
    let (seconds, sold) = (began.elapsed().as_secs_f64(), shop.sold(&event).await?);
    let bought = answers.get("bought").copied().unwrap_or_default();
    Ok(
        json!({ "buyers": BUYERS, "seats": SEATS, "bought": bought, "sold": sold, "oversold": sold.max(bought).saturating_sub(SEATS),
        "answers": answers, "toldToComeAgain": again.into_inner(), "seconds": seconds, "p50": p50, "p99": p99 }),
    )
}

async fn ask(request: RequestBuilder) -> Result<(u16, Value)> {
    let response = request.send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

/// A client at a network address that nobody else has.
fn elsewhere() -> Result<Client> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let [_, _, high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let address = IpAddr::from(Ipv4Addr::new(127, 7, high, low));
    Ok(Client::builder()
        .no_proxy()
        .local_address(address)
        .timeout(Duration::from_secs(60))
        .build()?)
}

/// The median and the 99th percentile, in milliseconds.
pub fn quantiles(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    [0.5, 0.99].map(|part| {
        let at = (times.len().saturating_sub(1) as f64 * part).round();
        times.get(at as usize).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    })
}

/// Does something so often, a few at a time.
pub async fn a_few_at_a_time<T: Send>(
    number: usize,
    each: impl AsyncFn() -> Result<T>,
) -> Result<Vec<T>> {
    let left = Arc::new(AtomicUsize::new(number));
    let some = (0..8).map(async |_| {
        let mut done = Vec::new();
        while left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .is_ok()
        {
            done.push(each().await?);
        }
        Result::Ok(done)
    });
    Ok(try_join_all(some).await?.into_iter().flatten().collect())
}
