//! DynamoDB: tables, keys, items, and the pieces that a handler adds to its own read and its own transaction.
//!
//! What is stored where is in `infra/data-model.md`.

#[macro_use]
mod key;
mod connect;
mod fault;
mod health;
mod query;
mod read;
mod retry;
mod shard;
mod stream;
mod transaction;
mod ttl;
mod write;

pub mod catalog;
pub mod codes;
pub mod ephemeral;
pub mod identity;
pub mod inbox;
pub mod personal;
pub mod sales;

#[cfg(test)]
mod tests;

pub use aws_sdk_dynamodb::Client;
pub use fault::{Rejected, StoreFault, was_done};
pub use key::{Key, Relaxed, Table};
pub use query::{Index, Page, Query, Start};
pub use read::Keys;
pub use stream::{Change, Streamed, Unreadable, changes};
pub use transaction::Transaction;
pub use ttl::Ttl;
pub use write::{Compare, Write};

/// The tables of one installation. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    prefix: std::sync::Arc<str>,
}

impl Store {
    /// A store over the tables `<prefix>-identity`, `<prefix>-catalog` and so on.
    pub fn new(client: Client, prefix: &str) -> Self {
        Self { client, prefix: prefix.into() }
    }

    fn name(&self, table: Table) -> String {
        format!("{}-{}", self.prefix, table.suffix())
    }
}
