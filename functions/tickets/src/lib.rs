//! Tickets: one for each seat that is paid.

pub mod check_in;
pub mod codes;
pub mod create_door_key;
pub mod get_ticket;
pub mod list_attendees;
pub mod list_door_keys;
pub mod list_my_tickets;
pub mod list_sales;
pub mod revoke_door_key;

mod door;
mod of_event;
mod path;
mod payload;
mod qr;
mod view;

#[cfg(test)]
mod testing;

use codes::{
    ALREADY_CHECKED_IN, CHECK_IN_CONFLICT, DOOR_KEY_NOT_GOOD, ENTRY_CLOSED, ENTRY_NOT_OPEN,
    ENTRY_UNKNOWN, SCANNED_AHEAD, TICKET_FORGED, TICKET_NOT_FOUND, TICKET_OF_ANOTHER_EVENT,
    TICKET_REFUNDED, TICKET_UNKNOWN, TICKET_WITHOUT_CODE,
};
use domain::codes::{EVENT_CANCELLED, EVENT_NOT_FOUND};
use gateways::codes::FILES_UNAVAILABLE;
use store::codes::{DOOR_KEY_NOT_FOUND, DOOR_KEYS_TOO_MANY};

api::routes! {
    check_in [
        DOOR_KEY_NOT_GOOD, EVENT_NOT_FOUND, EVENT_CANCELLED, ALREADY_CHECKED_IN, CHECK_IN_CONFLICT, TICKET_REFUNDED, TICKET_UNKNOWN, TICKET_FORGED,
        TICKET_OF_ANOTHER_EVENT, ENTRY_NOT_OPEN, ENTRY_CLOSED, SCANNED_AHEAD, ENTRY_UNKNOWN,
    ],
    create_door_key [EVENT_NOT_FOUND, EVENT_CANCELLED, ENTRY_CLOSED, DOOR_KEYS_TOO_MANY],
    list_attendees [EVENT_NOT_FOUND, FILES_UNAVAILABLE],
    list_door_keys [EVENT_NOT_FOUND],
    revoke_door_key [EVENT_NOT_FOUND, DOOR_KEY_NOT_FOUND],
    get_ticket [TICKET_NOT_FOUND, TICKET_WITHOUT_CODE],
    list_my_tickets,
    list_sales [EVENT_NOT_FOUND, FILES_UNAVAILABLE],
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
