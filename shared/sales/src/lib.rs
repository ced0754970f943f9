//! The money use cases that several functions need: hold, approve, give up, expire, reconcile, sweep.
//!
//! Each is one public function. Each change of a payment is one transaction conditioned on the payment's version, so that a step
//! run twice changes nothing the second time. KakaoPay is called from here and nowhere else, and always after a trace of it was
//! written: a process may die at any point, and what it leaves is finished by a retry, by the end of the hold, or by the
//! reconciler. `infra/data-model.md` has the table.

mod approve;
pub mod codes;
mod end;
mod fault;
mod hold;
mod look;
mod queue;
mod reconcile;
mod refund;
mod seats;
mod settle;
mod spending;
mod sweep;
#[cfg(test)]
mod tests;
mod undo;
mod waiting;

pub use approve::approve;
pub use end::{as_told, call_off, come_back_unpaid, expire, give_up};
pub use fault::{Lack, SalesFault};
pub use hold::{Held, Purchase, Terms, Tickets, Wants, hold};
pub use look::look;
pub use queue::{close_queue, open_queue, queue_up};
pub use reconcile::reconcile;
pub use refund::{Asked, is_there, quote, refund};
pub use sweep::overdue;
pub use undo::{cause_of, take_back, undo};
pub use waiting::{Place, join, leave, look_again, place, serve, withdraw};

use domain::{
    id::{EventId, PaymentId},
    payment::State,
};
use store::{
    Relaxed, Store,
    catalog::{event::EventKey, on_sale::OnSale},
    sales::payment::{Payment, PaymentKey, Subject},
};
use subtle::ConstantTimeEq;

/// What a failed condition of a payment's transaction means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unmet {
    /// The idempotency key is known.
    KeyKnown,
    /// The payment was changed since it was read.
    Moved,
    /// The buyer would have too many tickets.
    TicketLimit,
    /// A shard has too few free seats, or other terms.
    Seats,
    /// The member's points are no longer what they were, or they owe some.
    Points,
    /// The claimed coupon is not usable.
    Coupon,
    /// A ticket does not let anybody in any more.
    Ticket,
    /// A sponsorship was paid out.
    Settled,
    /// An offer is not open any more, or the line has changed.
    Offer,
}

/// Calls a person to a payment. The alarm goes by the metric, since one line alone rings nothing.
fn call_person(payment_id: PaymentId, reason: &'static str) {
    tracing::error!(metric = "NeedsPerson", %payment_id, reason, "a payment needs a person");
}

/// The event as it is sold, if it still is there. One that the release before published has no item of its own for that.
async fn on_sale(
    store: &Store,
    id: EventId,
    found: Option<OnSale>,
) -> Result<Option<OnSale>, SalesFault> {
    let event = match found {
        Some(event) => Some(event),
        None => {
            let whole = store.read_all(&[Relaxed(EventKey(id))]).await?.pop().flatten();
            whole.map(|event| OnSale::from(&event))
        }
    };
    Ok(event.filter(|event| event.deleted_at.is_none()))
}

/// The payment, to be moved. One for a purpose that only a newer program knows stands where no step leads on: we would sell, or
/// give back, the wrong things.
async fn find(store: &Store, id: PaymentId) -> Result<Payment, SalesFault> {
    let mut payment = store.get(&PaymentKey(id)).await?.ok_or(SalesFault::PaymentNotFound)?;
    if payment.subject == Subject::Unknown {
        payment.state = State::Unknown;
    }
    Ok(payment)
}

/// The payment that somebody comes back to from KakaoPay. A wrong token and a wrong id are answered the same.
async fn returning(store: &Store, id: PaymentId, token: &str) -> Result<Payment, SalesFault> {
    let payment = find(store, id).await?;
    let genuine = payment.return_token.0.as_bytes().ct_eq(token.as_bytes());
    if bool::from(genuine) { Ok(payment) } else { Err(SalesFault::PaymentNotFound) }
}
