//! EventBridge: where the parts publish what happened in them, for each other.

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

/// Something that happened in a part.
#[derive(Clone, Debug)]
pub struct DomainEvent {
    source: &'static str,
    name: &'static str,
    detail: String,
}

impl DomainEvent {
    /// What happened in a part (`spotlight.<part>`), by its name. The detail has an id that is the same however often it is
    /// published: consumers remember it.
    ///
    /// # Errors
    /// When the detail can't be written as JSON.
    pub fn new(
        source: &'static str,
        name: &'static str,
        detail: &impl Serialize,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self { source, name, detail: serde_json::to_string(detail)? })
    }
}

impl Connect for Bus {
    /// The bus that the environment names (`EVENT_BUS`).
    async fn connect() -> Result<Self, ConnectError> {
        Ok(Self::new(aws::config(), variable("EVENT_BUS")?))
    }
}

impl Bus {
    /// A bus by its name, with the HTTP client, region and credentials of `aws`.
    pub fn new(aws: &SdkConfig, name: String) -> Self {
        Self { client: Client::new(aws), name }
    }

    /// Publishes events, at least once each, ten in a call. Answers for each, in their order, whether the bus took it.
    pub async fn publish(&self, events: &[DomainEvent]) -> Vec<Result<(), NotPublished>> {
        let mut results = Vec::with_capacity(events.len());
        for chunk in events.chunks(AT_ONCE) {
            results.extend(self.publish_batch(chunk).await);
        }
        results
    }

    async fn publish_batch(&self, events: &[DomainEvent]) -> Vec<Result<(), NotPublished>> {
        let entry = |event: &DomainEvent| {
            PutEventsRequestEntry::builder()
                .event_bus_name(&self.name)
                .source(event.source)
                .detail_type(event.name)
                .detail(&event.detail)
                .build()
        };
        let entries = events.iter().map(entry).collect();
        match self.client.put_events().set_entries(Some(entries)).send().await {
            // EventBridge answers for each in its place.
            Ok(answer) => {
                let failure = |position: usize| answer.entries().get(position)?.error_code();
                let result = |position| match failure(position) {
                    Some(code) => Err(NotPublished(code.to_owned())),
                    None => Ok(()),
                };
                (0..events.len()).map(result).collect()
            }
            Err(error) => {
                vec![Err(NotPublished(DisplayErrorContext(error).to_string())); events.len()]
            }
        }
    }
}

/// The bus did not take an event, or nobody knows whether it did.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event was not published: {0}")]
pub struct NotPublished(String);
