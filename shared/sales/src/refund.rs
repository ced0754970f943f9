use domain::{
    id::TicketId,
    payment::{State, Step},
    refund::Cause,
    sponsorship,
    time::Time,
    won::Won,
};
use gateways::Kakaopay;
use store::{
    Rejected, Store, Transaction,
    ephemeral::idempotency::{IdempotencyFault, LEASE, Lease},
    sales::{
        buyer::{self, BuyerKey},
        payment::{Payment, Refund, Subject},
        points::{self, Balance, BalanceKey},
        sponsorship::SponsorshipKey,
        stock, ticket,
    },
};

use crate::{
    SalesFault, Unmet, find,
    settle::{ROUNDS, give_money_back, seats_are_back},
};

/// What is to go back.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Which tickets of the payment.
    pub ticket_ids: Vec<TicketId>,
    /// Why.
    pub cause: Cause,
    /// Cash and points that the one who asks was told would go back; nothing for whoever asks for nobody's answer.
    pub total: Option<Won>,
}

/// What would go back for tickets of a payment now. Nothing is written.
///
/// # Errors
/// Why nothing goes back: the payment is not paid (`NOT_REFUNDABLE`), another refund of it is under way (`REFUND_IN_PROGRESS`), a
/// ticket is not one of those that are left (`TICKETS_NOT_LEFT`), or the event has started (`AFTER_START`).
pub fn quote(
    payment: &Payment,
    ticket_ids: Vec<TicketId>,
    cause: Cause,
    now: Time,
) -> Result<Refund, SalesFault> {
    match payment.state {
        // What only a newer program sells, only it can take back.
        _ if payment.subject == Subject::Unknown => return Err(SalesFault::NotRefundable),
        State::Approved | State::PartiallyRefunded => {}
        State::Refunding => return Err(SalesFault::RefundInProgress),
        _ => return Err(SalesFault::NotRefundable),
    }
    let left = |(at, id): (usize, &TicketId)| {
        let twice = ticket_ids[..at].contains(id);
        !twice && payment.tickets_left().any(|left| left == *id)
    };
    if let Some(place) = ticket_ids.iter().enumerate().position(|ticket| !left(ticket)) {
        return Err(SalesFault::TicketsNotLeft { place });
    }
    // What has no tickets goes back whole, and that once.
    if ticket_ids.is_empty() == payment.booking().is_some() {
        return Err(SalesFault::NotRefundable);
    }
    Ok(payment.refund(ticket_ids, cause, now)?)
}

/// Whether what was paid for no tickets is still there to go back.
///
/// # Errors
/// `POINTS_SPENT`, `POINTS_UNDER_REVIEW`, `SPONSORSHIP_SETTLED`, or the database's trouble.
pub async fn is_there(store: &Store, payment: &Payment) -> Result<(), SalesFault> {
    match &payment.subject {
        Subject::Points => {
            let balance = store.get(&BalanceKey(payment.member_id)).await?.unwrap_or_default();
            balance.may_be_spent()?;
            if balance.bought < payment.amounts.cash {
                Err(SalesFault::PointsSpent)
            } else {
                Ok(())
            }
        }
        Subject::Sponsorship(gift) => {
            let given = store.get(&SponsorshipKey::of(payment, gift)).await?;
            let settled = given.is_none_or(|it| it.state != sponsorship::State::Given);
            if settled { Err(SalesFault::Settled) } else { Ok(()) }
        }
        Subject::Tickets(_) | Subject::Unknown => Ok(()),
    }
}

/// Gives tickets of a payment back: their seats, points and what they earned in one transaction with `REFUNDING`, before
/// KakaoPay is asked to give the money back; what it does not do at once the reconciler goes on with. Nothing that is paid in cash
/// is over at once.
///
/// `memory` remembers which of the payment's refunds it became, in the same transaction.
///
/// # Errors
/// As [`quote`]; `QUOTE_CHANGED` when it is no longer what was told; `TICKET_USED` when a ticket let somebody in; or the database's
/// trouble. Not KakaoPay's: that is an attempt more.
pub async fn refund(
    store: &Store,
    kakaopay: &Kakaopay,
    mut payment: Payment,
    mut balance: Balance,
    asked: &Asked,
    memory: Option<&Lease>,
    now: Time,
) -> Result<Payment, SalesFault> {
    for _ in 0..ROUNDS {
        let refund = quote(&payment, asked.ticket_ids.clone(), asked.cause, now)?;
        if asked.total.is_some_and(|told| Some(told) != refund.cash.checked_add(refund.points)) {
            return Err(SalesFault::QuoteChanged(Box::new(refund)));
        }
        let next = begun(&payment, &refund, now)?;
        let mut whole = Transaction::new().require(payment.becomes(&next), Unmet::Moved);
        if let Some(lease) = memory {
            whole =
                whole.require(lease.finish(&payment.refunds.len().to_string()), Unmet::KeyKnown);
        }
        whole = whole.and(taken_back(&payment, &refund, balance, now)?);
        match store.transact(whole).await {
            Ok(()) => {
                seats_are_back(store, &next).await;
                let Some(order) = next.order.clone() else { return Ok(next) };
                return give_money_back(store, kakaopay, next, &order, now).await;
            }
            Err(Rejected::Condition(Unmet::KeyKnown)) => {
                return Err(IdempotencyFault::InProgress { retry_after: LEASE }.into());
            }
            Err(Rejected::Condition(Unmet::Ticket)) => return Err(SalesFault::TicketUsed),
            Err(Rejected::Condition(Unmet::Settled)) => return Err(SalesFault::Settled),
            Err(Rejected::Condition(_)) => {
                payment = find(store, payment.id).await?;
                balance = store.get(&BalanceKey(payment.member_id)).await?.unwrap_or_default();
            }
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Err(SalesFault::Contended)
}

/// Takes back what was paid for, and gives back what it was paid with besides money.
fn taken_back(
    payment: &Payment,
    refund: &Refund,
    balance: Balance,
    now: Time,
) -> Result<Transaction<Unmet>, SalesFault> {
    let (member_id, whole) = (payment.member_id, Transaction::new());
    let booking = match &payment.subject {
        Subject::Tickets(booking) => booking,
        Subject::Sponsorship(gift) => {
            return Ok(whole.require(SponsorshipKey::of(payment, gift).give_back(), Unmet::Settled));
        }
        Subject::Points => {
            balance.may_be_spent()?;
            let sold = points::sell_back(member_id, payment.id, refund.cash, balance, now);
            let sold = sold.ok_or(SalesFault::PointsSpent)?;
            return Ok(sold.into_iter().fold(whole, |whole, it| whole.require(it, Unmet::Points)));
        }
        Subject::Unknown => return Err(SalesFault::NotRefundable),
    };
    let tickets = refund.ticket_ids.iter().map(|id| ticket::give_back(*id));
    let mut whole = tickets.fold(whole, |whole, it| whole.require(it, Unmet::Ticket));
    let (returned, taken) = (payment.returns(refund), refund.earned_taken_back);
    if !(returned.points.is_zero() && taken.is_zero()) {
        let points = points::give_back(member_id, payment.id, returned, taken, balance, now)?;
        whole = points.into_iter().fold(whole, |whole, it| whole.require(it, Unmet::Points));
    }
    let coupon = payment.claim().filter(|_| refund.coupon);
    let coupon = coupon.map(|claim| claim.give_back(payment.id));
    let buyer = BuyerKey { member_id, event_id: booking.event_id };
    let buyer = buyer::release(&buyer, refund.ticket_ids.len() as u32);
    let seats = booking.seats_of(&refund.ticket_ids).into_iter();
    let seats = seats.map(|seats| stock::restore(booking.event_id, seats, booking.price));
    Ok(coupon.into_iter().chain([buyer]).chain(seats).fold(whole, Transaction::also))
}

/// The payment once its tickets are given back: over, if KakaoPay has nothing to give.
fn begun(payment: &Payment, refund: &Refund, now: Time) -> Result<Payment, SalesFault> {
    let mut next = payment.after(Step::StartRefund, now)?;
    next.refunds.push(refund.clone());
    Ok(if refund.cash.is_zero() { next.refund_done(now)? } else { next })
}
