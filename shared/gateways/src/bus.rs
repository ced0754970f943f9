//! EventBridge: where the parts tell each other what happened.

use aws::{Connect, ConnectError, variable};
use aws_config::SdkConfig;
use aws_sdk_eventbridge::{Client, error::DisplayErrorContext, types::PutEventsRequestEntry};
use serde::Serialize;

/// EventBridge takes so many in one call.
const AT_ONCE: usize = 10;

/// The event bus.
#[derive(Clone)]
pub struct Bus {
    client: Client,
    name: String,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Told {
    /// The stream's record that it was read from: what has to come again if it can't be told.
    pub record: String,
    entry: PutEventsRequestEntry,
}

impl Connect for Bus {
    /// The bus that the environment names (`EVENT_BUS`).
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(aws::config().await, variable("EVENT_BUS")?))
    }
}

impl Bus {
    /// A bus by its name, with the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        Self { client: Client::new(aws), name }
    }

    /// Something that happened in a part (`spotlight.<part>`), by its name. The detail has an id that is the same however
    /// often it is told: consumers remember it.
    ///
    /// # Errors
    /// When the detail can't be written as JSON.
    pub fn told(
        &self,
        record: String,
        source: &str,
        name: &str,
        detail: &impl Serialize,
    ) -> Result<Told, serde_json::Error> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(source)
            .detail_type(name);
        Ok(Told { record, entry: entry.detail(serde_json::to_string(detail)?).build() })
    }

    /// Tells it all, at least once; answers the records that could not be told, each with its cause.
    pub async fn put(&self, told: &[Told]) -> Vec<(String, String)> {
        let mut failed = Vec::new();
        for chunk in told.chunks(AT_ONCE) {
            let entries = chunk.iter().map(|told| told.entry.clone()).collect();
            match self.client.put_events().set_entries(Some(entries)).send().await {
                Ok(answer) => {
                    for (told, entry) in chunk.iter().zip(answer.entries()) {
                        if let Some(code) = entry.error_code() {
                            failed.push((told.record.clone(), code.to_owned()));
                        }
                    }
                }
                Err(error) => {
                    let cause = DisplayErrorContext(&error).to_string();
                    failed.extend(chunk.iter().map(|told| (told.record.clone(), cause.clone())));
                }
            }
        }
        failed
    }
}
