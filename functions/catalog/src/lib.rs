//! Events: publishing, reading and finding them, and what tells the other parts and the search of them.

pub mod cancel_event;
pub mod change_event;
pub mod codes;
pub mod create_event;
pub mod delete_event;
pub mod get_calendar_entry;
pub mod get_event;
pub mod get_my_event;
pub mod index_catalog;
pub mod list_my_events;
pub mod rebuild_index;
pub mod relay_catalog;
pub mod search_events;

mod path;
#[cfg(test)]
mod samples;
mod view;

use codes::{EVENT_OVER, EVENT_STARTED, QUEUE_OPEN};
use domain::codes::{ARTISTS_ONLY, EVENT_CANCELLED, EVENT_NOT_FOUND, SALE_CLOSED};
use search::codes::{SEARCH_FAILED, SEARCH_UNAVAILABLE};
use store::codes::{AGE_NEEDED, CAPACITY_TAKEN, EMAIL_NEEDED};

api::routes! {
    create_event [AGE_NEEDED, EMAIL_NEEDED],
    get_event [EVENT_NOT_FOUND],
    get_calendar_entry [EVENT_NOT_FOUND],
    change_event [EVENT_NOT_FOUND, ARTISTS_ONLY, AGE_NEEDED, EMAIL_NEEDED, EVENT_CANCELLED, EVENT_OVER, SALE_CLOSED, CAPACITY_TAKEN, QUEUE_OPEN],
    delete_event [EVENT_NOT_FOUND, EVENT_STARTED, SALE_CLOSED],
    list_my_events,
    get_my_event [EVENT_NOT_FOUND],
    search_events [SEARCH_UNAVAILABLE, SEARCH_FAILED],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &["relay_catalog", "index_catalog", "rebuild_index", "cancel_event"];
