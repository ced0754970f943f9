//! Another shop over PostgreSQL (`reference.py`): the same orders, without anything else that ours does.

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::{Result, orders::Shop};

/// Where it is.
pub struct Reference {
    url: String,
    client: Client,
}

/// The one at this address.
pub fn at(url: &str) -> Result<Reference> {
    let client = Client::builder().no_proxy().timeout(std::time::Duration::from_secs(60)).build();
    Ok(Reference { url: url.to_owned(), client: client? })
}

impl Shop for Reference {
    /// They cost nothing here.
    const CROWD: usize = 50_000;

    async fn publish(&self, seats: u32) -> Result<String> {
        let asked = self.client.post(format!("{}/events", self.url));
        let answer: Value = asked.json(&json!({ "seats": seats })).send().await?.json().await?;
        Ok(answer["id"].to_string())
    }

    async fn people(&self, number: usize) -> Result<Vec<String>> {
        Ok((0..number).map(|number| number.to_string()).collect())
    }

    fn order(&self, client: &Client, event: &str, person: &str, key: &str) -> RequestBuilder {
        let body = json!({ "event": event, "member": person, "key": key });
        client.post(format!("{}/orders", self.url)).json(&body)
    }

    async fn sold(&self, event: &str) -> Result<u32> {
        let asked = self.client.get(format!("{}/events/{event}", self.url));
        let answer: Value = asked.send().await?.json().await?;
        Ok(u32::try_from(answer["sold"].as_u64().ok_or("no count")?)?)
    }
}
