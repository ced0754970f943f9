//! The ticket of a number in a queue: signed, so that who asks how it stands needs no token and reads next to nothing, and nobody makes
//! one up.

use std::time::Duration;

use api::{Cursors, Place, Problem, codes::CURSOR_INVALID};
use domain::{
    id::EventId,
    queue::{QueueTicket, Standing},
    time::Time,
};
use sales::codes::QUEUE_TICKET_INVALID;
use serde::Serialize;
use store::sales::sold_out::SoldOut;
use utoipa::ToSchema;

/// The least and the most seconds after which it is worth asking again.
const AGAIN: [u64; 2] = [2, 60];

/// How a number stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum QueueState {
    /// Others are before it.
    Waiting,
    /// Its holder may buy.
    Admitted,
    /// Its time is over: another can be taken.
    Over,
}

/// A number in a queue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueTicketView {
    /// The ticket: what its owner buys with (`queueTicket`), and what it is asked for by.
    pub id: String,
    /// How it stands.
    state: QueueState,
    /// How many are before it, as far as the pace tells.
    ahead: u32,
    /// When its owner is let in.
    admitted_at: Time,
    /// Until when they may buy.
    ends_at: Time,
    /// Whether no seat was left when somebody looked last. Some may come back.
    sold_out: bool,
    /// While it waits: in so many seconds it is worth asking again.
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_again_seconds: Option<u64>,
}

impl QueueTicketView {
    /// How a ticket stands.
    pub fn of(id: String, ticket: &QueueTicket, seen: SoldOut, now: Time) -> Self {
        let (state, ahead, wait) = match ticket.standing(now) {
            Standing::Waits { ahead, wait } => (QueueState::Waiting, ahead, Some(wait)),
            Standing::Admitted => (QueueState::Admitted, 0, None),
            Standing::Over => (QueueState::Over, 0, None),
        };
        // Often where the end is near: what is far away is no other in a minute.
        let [least, most] = AGAIN;
        let again = |wait: Duration| (wait.as_secs() / 4).clamp(least, most);
        let (admitted_at, ends_at) = (ticket.number.admitted_at(), ticket.number.ends_at());
        let (sold_out, ask_again_seconds) = (seen.sold_out_at.is_some(), wait.map(again));
        Self { id, state, ahead, admitted_at, ends_at, sold_out, ask_again_seconds }
    }
}

/// Signs a ticket of an event.
///
/// # Errors
/// When there is no key.
pub async fn seal(cursors: &Cursors, event_id: EventId, ticket: &QueueTicket) -> Result<String, Problem> {
    let sealed = cursors.seal(&scope(event_id), Some(ticket)).await?;
    sealed.ok_or_else(|| Problem::new(domain::codes::INTERNAL))
}

/// What an event's ticket says, that stands there in a request.
///
/// # Errors
/// `QUEUE_TICKET_INVALID` when we never signed it, or for another event.
pub async fn open(
    cursors: &Cursors,
    event_id: EventId,
    sealed: &str,
    (place, name): (Place, &str),
) -> Result<QueueTicket, Problem> {
    let invalid = || Problem::field(place, name, QUEUE_TICKET_INVALID);
    match cursors.open(&scope(event_id), Some(sealed)).await {
        Ok(ticket) => ticket.ok_or_else(invalid),
        Err(problem) if problem.code() == CURSOR_INVALID.name => Err(invalid()),
        Err(problem) => Err(problem),
    }
}

fn scope(event_id: EventId) -> String {
    format!("queue_ticket {event_id}")
}
