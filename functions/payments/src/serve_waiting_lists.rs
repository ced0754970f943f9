//! Worker on the queue of waiting lists: offers seats that came back to those who wait, and ends offers that were let pass.
//!
//! The bus tells of every purchase that gave seats back, the sweeper of what is due.

use api::Worker;
use domain::time::Time;
use gateways::{MailMessage, Queue};
use sales::{SalesFault, serve, withdraw};
use store::Store;

use crate::message::Waits;

/// Ends the offer that a message names, and offers what is free.
///
/// # Errors
/// When it has to come again.
pub async fn handle(
    (store, mail): (Store, Queue<MailMessage>),
    Waits { detail }: Waits,
) -> Result<(), SalesFault> {
    let now = Time::now();
    // What was paid for no tickets.
    let Some(event_id) = detail.event_id else { return Ok(()) };
    if let Some(member_id) = detail.offered_to {
        withdraw(&store, member_id, event_id, now).await?;
    }
    serve(&store, &mail, event_id, now).await
}

/// The worker.
pub fn worker() -> Worker {
    Worker::messages(handle)
}
