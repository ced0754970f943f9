//! Events: publishing, reading and finding them, and what tells the other parts and the search of them.

pub mod cancel_event;
pub mod create_event;
pub mod get_event;
pub mod index_catalog;
pub mod rebuild_index;
pub mod relay_catalog;
pub mod search_events;

#[cfg(test)]
mod samples;
mod view;

use domain::codes::EVENT_NOT_FOUND;
use search::codes::{SEARCH_FAILED, SEARCH_UNAVAILABLE};
use store::codes::{AGE_NEEDED, EMAIL_NEEDED};

api::routes! {
    create_event [AGE_NEEDED, EMAIL_NEEDED],
    get_event [EVENT_NOT_FOUND],
    search_events [SEARCH_UNAVAILABLE, SEARCH_FAILED],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["relay_catalog", "index_catalog", "rebuild_index", "cancel_event"];
