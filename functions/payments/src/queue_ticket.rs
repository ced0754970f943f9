//! The ticket of a number in a queue: signed, so that who asks how it stands needs no token and reads next to nothing, and nobody makes
//! one up.

use std::time::Duration;

use api::{Context, Cursors, Problem, codes::CURSOR_INVALID};
use domain::{
    id::EventId,
    queue::{Line, QueueTicket, STAYS, Standing},
    time::Time,
};
use serde::Serialize;
use store::sales::sold_out::SoldOut;
use utoipa::{IntoParams, ToSchema};

/// In which header an order brings it. It is no part of the body: the same order with the same key may come with another.
pub const HEADER: &str = "Queue-Ticket";

/// The ticket of an order.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct QueueTicketHeader {
    /// Of tickets, while the event has a queue: the caller's number of it, as it was answered (`id`).
    #[expect(dead_code, reason = "it describes the header for the document")]
    #[param(rename = "Queue-Ticket")]
    ticket: Option<String>,
}

/// The ticket that came with an order.
pub fn sent(context: &Context) -> Option<&str> {
    context.headers.get(HEADER)?.to_str().ok()
}

/// The least and the most seconds after which it is worth asking again.
const AGAIN: [u64; 2] = [5, 120];

/// After which part of the wait.
const PART: u64 = 2;

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
    /// The ticket: what its owner buys with (`Queue-Ticket`), and what it is asked for by.
    #[schema(example = "q1pbXtBMnYk3TzP0fU8aLw")]
    pub id: String,
    /// How it stands.
    state: QueueState,
    /// How many are before it.
    ahead: u64,
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
    /// How a ticket stands, in the line as it is now; without one nobody needs a number.
    pub fn of(
        id: String,
        ticket: &QueueTicket,
        line: Option<&Line>,
        seen: SoldOut,
        now: Time,
    ) -> Self {
        let number = &ticket.number;
        let standing = line.map_or(Standing::Admitted, |line| number.standing(line, now));
        let admitted_at = line.map_or(number.at, |line| number.admitted_at(line));
        let (state, ahead, wait) = match standing {
            Standing::Waits { ahead, wait } => (QueueState::Waiting, ahead, Some(wait)),
            Standing::Admitted => (QueueState::Admitted, 0, None),
            Standing::Over => (QueueState::Over, 0, None),
        };
        // Often where the end is near: what is far away is much the same in a minute.
        let [least, most] = AGAIN;
        let again = |wait: Duration| (wait.as_secs() / PART).clamp(least, most);
        let ends_at = admitted_at.plus(STAYS);
        let (sold_out, ask_again_seconds) = (seen.sold_out_at.is_some(), wait.map(again));
        Self { id, state, ahead, admitted_at, ends_at, sold_out, ask_again_seconds }
    }
}

/// Signs a ticket of an event.
///
/// # Errors
/// When there is no key.
pub async fn seal(
    cursors: &Cursors,
    event_id: EventId,
    ticket: &QueueTicket,
) -> Result<String, Problem> {
    let sealed = cursors.seal(&scope(event_id), Some(ticket)).await?;
    sealed.ok_or_else(|| Problem::new(domain::codes::INTERNAL))
}

/// What an event's ticket says; none when we never signed it, or for another event.
///
/// # Errors
/// When there is no key.
pub async fn open(
    cursors: &Cursors,
    event_id: EventId,
    sealed: &str,
) -> Result<Option<QueueTicket>, Problem> {
    match cursors.open(&scope(event_id), Some(sealed)).await {
        Err(problem) if problem.code() == CURSOR_INVALID.name => Ok(None),
        opened => opened,
    }
}

fn scope(event_id: EventId) -> String {
    format!("queue_ticket {event_id}")
}
