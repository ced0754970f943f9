//! Events: publishing, reading and finding them, and what tells the other parts and the search of them.

pub mod create_event;
pub mod get_event;
pub mod index_catalog;
pub mod rebuild_index;
pub mod relay_catalog;
pub mod search_events;

#[cfg(test)]
mod samples;
mod view;

api::routes! { create_event, get_event, search_events }

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["relay_catalog", "index_catalog", "rebuild_index"];
