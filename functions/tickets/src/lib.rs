//! Tickets: one for each seat that is paid.

pub mod codes;
pub mod get_ticket;
pub mod list_my_tickets;

mod path;
mod payload;
mod qr;
mod view;

#[cfg(test)]
mod testing;

use codes::{TICKET_NOT_FOUND, TICKET_WITHOUT_CODE};

api::routes! {
    get_ticket [TICKET_NOT_FOUND, TICKET_WITHOUT_CODE],
    list_my_tickets,
}

/// The part's functions without a route.
pub const WORKERS: &[&str] = &[];
