//! Our shop: people and events are put into its tables, and orders go over HTTP.

use std::env;

use api::SigningKeys;
use domain::{event::Price, id::EventId, member::Role, time::Time};
use reqwest::{Client, RequestBuilder};
use serde_json::json;
use store::{
    Store, Transaction, Write,
    catalog::event::Event,
    sales::stock::{self, StockKey},
};

use crate::{
    Result,
    orders::{Shop, a_few_at_a_time},
};

/// Where it is, and whose tokens it takes.
pub struct Ours {
    url: String,
    store: Store,
    keys: SigningKeys,
}

/// The one that the stack runs.
pub async fn deployed() -> Result<Ours> {
    let stage = env::var("STAGE")?;
    let aws = stack::aws(&env::var("AWS_ENDPOINT_URL")?);
    let manager = aws_sdk_secretsmanager::Client::new(&aws);
    let secret = manager.get_secret_value().secret_id(format!("{stage}/jwt")).send().await?;
    let keys = serde_json::from_str(secret.secret_string().ok_or("the key is no text")?)?;
    Ok(Ours { url: env::var("SPOTLIGHT_URL")?, store: Store::new(stack::dynamo(), &stage), keys })
}

/// One that functions at this address are, with tables of this process.
pub fn with_tables_of_this_process(url: &str) -> Result<Ours> {
    let keys = json!({ "current": { "kid": stack::KEY_ID, "pem": stack::PRIVATE_KEY } });
    Ok(Ours { url: url.to_owned(), store: store(), keys: serde_json::from_value(keys)? })
}

/// Tables of this process.
pub fn store() -> Store {
    Store::new(stack::dynamo(), stack::prefix())
}

/// Puts an event on sale for nothing, with its seats spread evenly over so many shards.
pub async fn publish(store: &Store, seats: u32, shards: Option<u16>) -> Result<Event> {
    let now = Time::now();
    let event = stack::event(seats.into(), now);
    let price = Price::try_from(0).map_err(|_| "nothing is a price")?;
    let event = Event { price, shards: shards.unwrap_or(event.shards), ..event };
    let stock: Vec<Write> = match shards {
        None => stock::create(event.id, event.capacity, event.sale()),
        Some(shards) => domain::stock::evenly(seats, shards.into())
            .into_iter()
            .zip(0..)
            .map(|(free, number)| {
                let (event_id, sale) = (event.id, event.sale());
                let shard = domain::stock::Shard::of_free(number, free);
                let stock = stock::Stock { event_id, shard, sale, takings: 0, waited_for: false };
                Write::create(&StockKey { event_id, number }, &stock)
            })
            .collect(),
    };
    let whole = event.create().into_iter().chain(stock);
    let whole = whole.fold(Transaction::<()>::new(), Transaction::also);
    store.transact(whole).await.map_err(|_| "the event can't be put into the table")?;
    Ok(event)
}

impl Shop for Ours {
    /// Enough for 20,000 orders a minute.
    const CROWD: usize = 2_100;

    async fn publish(&self, seats: u32) -> Result<String> {
        Ok(publish(&self.store, seats, None).await?.id.to_string())
    }

    async fn people(&self, number: usize) -> Result<Vec<String>> {
        a_few_at_a_time(number, async || {
            let now = Time::now();
            let claims = stack::sign_in(&self.store, Role::User, now).await;
            Ok(self.keys.sign(&claims, now).map_err(|error| error.to_string())?.0)
        })
        .await
    }

    fn order(&self, client: &Client, event: &str, person: &str, key: &str) -> RequestBuilder {
        let body = json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1 });
        let request = client.post(format!("{}/v1/payments", self.url)).bearer_auth(person);
        request.header("Idempotency-Key", key).json(&body)
    }

    async fn sold(&self, event: &str) -> Result<u32> {
        let event: EventId = event.parse().map_err(|_| "no id")?;
        let shards = self.store.read_all(&stock::keys(event, 1)).await?;
        Ok(shards.iter().flatten().map(|stock| stock.shard.sold + stock.shard.held).sum())
    }
}
