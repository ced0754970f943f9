//! Finding events: OpenSearch answers, from documents that the catalog's stream keeps equal to the table.
//!
//! The definition of the index is `infra/search/events.json`. The alias `events` names the one index that is searched;
//! behind `events-write` stands each index that is written, which are two while a rebuild is under way.

mod client;
pub mod codes;
mod document;
mod error;
mod index;
mod jamo;
mod keyboard;
mod page;
mod query;
mod romanised;
mod sounds;
mod text;
mod vocabulary;
mod write;

#[cfg(test)]
mod tests;

pub use client::Search;
pub use document::{Document, Listing};
pub use error::Error;
pub use index::NewIndex;
pub use page::{Facet, Highlights, Hit, Page, Total};
pub use query::{MAX_BY_RELEVANCE, Position, Query};
pub use write::Rejected;
