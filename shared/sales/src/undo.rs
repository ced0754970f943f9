use domain::{
    event,
    id::TicketId,
    payment::{State, Step},
    refund::{Cause, Refused},
    ticket,
    time::Time,
};
use gateways::Kakaopay;
use store::{
    Store,
    catalog::on_sale::OnSale,
    sales::{
        payment::{Payment, Subject},
        points::BalanceKey,
        ticket::TicketKey,
    },
};

use crate::{
    Asked, SalesFault, find,
    reconcile::take_in_hand,
    refund,
    settle::{give_back, give_money_back},
};

/// Takes a purchase back, though its buyer did not ask: a hold is ended, and of what is paid all tickets that are left go back, but
/// for those that let somebody in. What is being approved, or goes back already, stays as it is: it is to be asked for again when
/// that is over. A refund that waits for a person is tried once more.
///
/// # Errors
/// `TICKET_USED` when no other tickets are left; or the database's trouble. Not KakaoPay's: that is an attempt more.
pub async fn undo(
    store: &Store,
    kakaopay: &Kakaopay,
    payment: Payment,
    cause: Cause,
    now: Time,
) -> Result<Payment, SalesFault> {
    match payment.state {
        // What only a newer program sells, only it can take back.
        _ if payment.subject == Subject::Unknown => Ok(payment),
        State::Reserved | State::Ready => give_back(store, payment, Step::Cancel, now).await,
        State::Approved | State::PartiallyRefunded => {
            let left = payment.tickets_left().collect();
            take_back(store, kakaopay, payment, left, cause, now).await
        }
        State::Refunding if payment.needs_person => {
            let Some(order) = payment.order.clone() else { return Ok(payment) };
            match take_in_hand(store, &payment, now).await? {
                Some(payment) => give_money_back(store, kakaopay, payment, &order, now).await,
                None => find(store, payment.id).await,
            }
        }
        _ => Ok(payment),
    }
}

/// Takes these tickets back, but for those that let somebody in.
///
/// # Errors
/// As [`undo`].
pub async fn take_back(
    store: &Store,
    kakaopay: &Kakaopay,
    mut payment: Payment,
    ticket_ids: Vec<TicketId>,
    cause: Cause,
    now: Time,
) -> Result<Payment, SalesFault> {
    let mut asked = Asked { ticket_ids, cause, total: None };
    loop {
        let balance = store.get(&BalanceKey(payment.member_id)).await?.unwrap_or_default();
        let before = asked.ticket_ids.len();
        match refund(store, kakaopay, payment.clone(), balance, &asked, None, now).await {
            Err(SalesFault::TicketUsed) => {
                let keys: Vec<_> = asked.ticket_ids.iter().copied().map(TicketKey).collect();
                let tickets = store.read_all(&keys).await?.into_iter().flatten();
                let valid = tickets.filter(|ticket| ticket.state == ticket::State::Valid);
                asked.ticket_ids = valid.map(|ticket| ticket.id).collect();
                if asked.ticket_ids.is_empty() || asked.ticket_ids.len() == before {
                    return Err(SalesFault::TicketUsed);
                }
            }
            // Some went back meanwhile: the others still go.
            Err(SalesFault::TicketsNotLeft { .. }) => {
                payment = find(store, payment.id).await?;
                let left: Vec<_> = payment.tickets_left().collect();
                asked.ticket_ids.retain(|id| left.contains(id));
                if asked.ticket_ids.is_empty() || asked.ticket_ids.len() == before {
                    return Ok(payment);
                }
            }
            // Somebody was faster: it goes back already, or went.
            Err(SalesFault::RefundInProgress | SalesFault::NotRefundable) => {
                return find(store, payment.id).await;
            }
            done => return done,
        }
    }
}

/// Why a buyer who asks for their money gets it: another reason than their own wish, if the event does not take place, or not as it
/// was bought. Of one that was moved, in time or place, all goes back until it starts, as it was bought or as it is now, whichever is
/// later: no move takes from a buyer what they had without it.
///
/// # Errors
/// `AFTER_START`, if it was moved and has started.
pub fn cause_of(payment: &Payment, event: Option<&OnSale>, now: Time) -> Result<Cause, SalesFault> {
    let Some((booking, event)) = payment.booking().zip(event) else {
        return Ok(Cause::BuyerAsked);
    };
    if event.state == event::State::Cancelled {
        return Ok(Cause::EventCancelled);
    }
    let (bought, is) = (&booking.schedule, &event.schedule);
    let as_bought = booking.place == event.place
        && bought.starts_at() == is.starts_at()
        && bought.ends_at() == is.ends_at();
    if as_bought {
        Ok(Cause::BuyerAsked)
    } else if now < is.starts_at().max(bought.starts_at()) {
        Ok(Cause::EventChanged)
    } else {
        Err(Refused::AfterStart.into())
    }
}
