use domain::{
    id::TicketId,
    payment::{HistoryEntry, ORDER_CLOSED_AFTER, State, Step},
    points::earned,
    refund::Cause,
    time::Time,
    won::Won,
};
use gateways::kakaopay::{self, ApproveRequest, CancelRequest, Kakaopay, OrderAmounts, Status};
use store::{
    Rejected, Store, StoreFault, Transaction, Write,
    sales::{
        buyer::{self, BuyerKey},
        payment::{Booking, Order, Payment, Subject},
        points::{self, BalanceKey},
        sponsorship::Sponsorship,
        stock::{self, Seats},
        ticket::Ticket,
    },
};

use crate::{SalesFault, Unmet, call_person, find, seats::NotTaken, spending};

/// How often what meets another change of a balance is tried again.
pub(crate) const ROUNDS: usize = 10;

/// Takes a step of a payment, from wherever it stands by then, with what belongs to the step: what changes in the payment, and the
/// writes that are one with it. Whoever is beaten to it reads the payment again; once the step is no longer legal, nothing changes.
async fn advance(
    store: &Store,
    mut payment: Payment,
    step: Step,
    now: Time,
    rest: impl Fn(&mut Payment) -> Result<Transaction<Unmet>, StoreFault>,
) -> Result<Payment, NotTaken> {
    while let Ok(mut next) = payment.after(step, now) {
        let rest = rest(&mut next)?;
        let moved = payment.becomes(&next);
        let written = if rest.is_empty() {
            store.write(moved, Unmet::Moved).await
        } else {
            store.transact(Transaction::new().require(moved, Unmet::Moved).and(rest)).await
        };
        match written {
            Ok(()) => return Ok(next),
            Err(Rejected::Condition(Unmet::Moved)) => payment = find(store, payment.id).await?,
            Err(Rejected::Condition(cause)) => return Err(NotTaken::Because(cause)),
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Ok(payment)
}

/// Writes what a payment has become. If somebody else changed it meanwhile: as it is now.
pub(crate) async fn become_now(
    store: &Store,
    payment: &Payment,
    next: Payment,
) -> Result<Payment, SalesFault> {
    match store.write(payment.becomes(&next), ()).await {
        Ok(()) => Ok(next),
        Err(Rejected::Condition(())) => find(store, payment.id).await,
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}

/// Makes the payment approved, with all that follows from it. What the buyer earns pays first what they owe, which is read only if
/// there is such a thing.
pub(crate) async fn approve(
    store: &Store,
    payment: Payment,
    step: Step,
    aid: Option<&str>,
    now: Time,
) -> Result<Payment, SalesFault> {
    let member_id = payment.member_id;
    let mut read = None;
    for _ in 0..ROUNDS {
        let approved = advance(store, payment.clone(), step, now, |next| {
            next.aid = aid.map(str::to_owned);
            let whole = spending::spend(next).and(delivered(next, now));
            let earned = match next.subject {
                Subject::Tickets(_) => earned(next.amounts.cash),
                // A gift, and points for money, earn none.
                _ => Won::ZERO,
            };
            let points = match read {
                Some(read) => points::earn_and_owe(member_id, next.id, earned, read, now)?,
                None => points::earn(member_id, next.id, earned, now),
            };
            Ok(points.into_iter().fold(whole, |whole, it| whole.require(it, Unmet::Points)))
        });
        match approved.await {
            Ok(payment) => return Ok(payment),
            Err(NotTaken::Because(_)) => {
                read = Some(store.get(&BalanceKey(member_id)).await?.unwrap_or_default());
            }
            Err(NotTaken::Fault(fault)) => return Err(fault),
        }
    }
    Err(SalesFault::Contended)
}

/// Hands over what is paid for.
fn delivered(payment: &mut Payment, now: Time) -> Transaction<Unmet> {
    let of = payment.clone();
    let writes: Vec<_> = match &mut payment.subject {
        Subject::Tickets(booking) => {
            let ids = 0..booking.quantity.get();
            booking.ticket_ids = ids.map(|_| TicketId::generate()).collect();
            let sell = |seats: &Seats| stock::sell(booking.event_id, *seats, booking.price);
            let sold = booking.seats.iter().map(sell);
            let tickets =
                booking.ticket_ids.iter().map(|id| Ticket::of(&of, booking, *id, now).create());
            sold.chain(tickets).chain(paid_late(&of, booking)).collect()
        }
        Subject::Sponsorship(gift) => vec![Sponsorship::create(&of, gift, now)],
        Subject::Points => points::top_up(of.member_id, of.id, of.amounts.cash, now).into(),
        // No step of it is legal here.
        Subject::Unknown => Vec::new(),
    };
    writes.into_iter().fold(Transaction::new(), Transaction::also)
}

/// Who pays after all has kept nothing from anybody: what counted against them is forgotten.
fn paid_late(payment: &Payment, booking: &Booking) -> Option<Write> {
    let late = payment.history.iter().any(|entry| entry.step == Step::StartLateApproval);
    let buyer = BuyerKey { member_id: payment.member_id, event_id: booking.event_id };
    late.then(|| buyer::forgotten(Write::update(&buyer)))
}

/// Takes the step and gives back what the payment held, then takes the sold-out mark away. What could be paid and was not counts
/// against its buyer. The mark is no part of the transaction:
/// all returns of an event would meet on it. `infra/data-model.md` says why nobody is told "sold out" while a seat is free.
pub(crate) async fn give_back(
    store: &Store,
    payment: Payment,
    step: Step,
    now: Time,
) -> Result<Payment, SalesFault> {
    if payment.state.after(step).is_err() {
        return Ok(payment);
    }
    let ended = advance(store, payment, step, now, |next| {
        let Some(booking) = next.booking() else { return Ok(spending::release(next)) };
        let buyer = BuyerKey { member_id: next.member_id, event_id: booking.event_id };
        let seats = booking.seats.iter().map(|seats| stock::release(booking.event_id, *seats));
        let release = buyer::release(&buyer, booking.quantity.get());
        let unpaid = next.order.is_some() && step != Step::Reverse;
        let all = seats.chain([if unpaid { buyer::unpaid(release, now) } else { release }]);
        Ok(all.fold(spending::release(next), Transaction::also))
    })
    .await
    .map_err(NotTaken::told)?;
    seats_are_back(store, &ended).await;
    Ok(ended)
}

/// Takes the sold-out mark away, after the transaction that gave seats back.
pub(crate) async fn seats_are_back(store: &Store, payment: &Payment) {
    if let Some(Booking { event_id, .. }) = payment.booking() {
        store.seats_are_back(*event_id).await;
    }
}

/// Tells KakaoPay to take the money of a payment that is `APPROVING`, and settles it if the answer is clear.
pub(crate) async fn take_money(
    store: &Store,
    kakaopay: &Kakaopay,
    payment: Payment,
    order: &Order,
    pg_token: &str,
    now: Time,
) -> Result<Payment, SalesFault> {
    let request = ApproveRequest {
        tid: &order.tid,
        payment: payment.id,
        member: payment.member_id,
        total: payment.amounts.cash,
        pg_token,
    };
    match kakaopay.approve(request).await {
        Ok(approved) => {
            let payment = approve(store, payment, Step::Approve, Some(&approved.aid), now).await?;
            give_money_back(store, kakaopay, payment, order, now).await
        }
        Err(kakaopay::Error::Refused { code, .. }) => {
            tracing::info!(payment_id = %payment.id, code, "KakaoPay refused to approve");
            if payment.attempts > 0 {
                // Asked a second time: the first may still be under way, so only the order's own state decides.
                return Ok(payment);
            }
            give_back(store, payment, Step::Decline, now).await
        }
        // Its trace is written: whoever looks next asks KakaoPay how it went.
        Err(_) => Ok(payment),
    }
}

/// What KakaoPay's answer about an order means for its payment.
pub(crate) enum Outcome {
    /// It is settled, as far as it goes.
    Settled(Payment),
    /// KakaoPay did not say, or not how much.
    Unclear(Payment),
    /// KakaoPay has not taken the money, and still could.
    StillOpen(Payment),
}

/// Asks KakaoPay how the order of a payment stands that is `APPROVING`, or that was declined, and goes by that.
pub(crate) async fn by_order(
    store: &Store,
    kakaopay: &Kakaopay,
    payment: Payment,
    order: &Order,
    now: Time,
) -> Result<Outcome, SalesFault> {
    let Ok(answer) = kakaopay.order(&order.tid, payment.id).await else {
        return Ok(Outcome::Unclear(payment));
    };
    let settled = match answer.status {
        Status::SuccessPayment | Status::PartCancelPayment => {
            let Some(amounts) = answer.amounts else { return Ok(Outcome::Unclear(payment)) };
            let payment = if amounts.taken == payment.amounts.cash && amounts.returned.is_zero() {
                approve(store, payment, Step::Approve, answer.aid.as_deref(), now).await?
            } else {
                call_person(payment.id, "OTHER_AMOUNT");
                give_back(store, payment, Step::Reverse, now).await?
            };
            give_money_back(store, kakaopay, payment, order, now).await?
        }
        Status::CancelPayment
        | Status::FailAuthPassword
        | Status::QuitPayment
        | Status::FailPayment => give_back(store, payment, Step::Decline, now).await?,
        Status::Ready
        | Status::SendTms
        | Status::OpenPayment
        | Status::SelectMethod
        | Status::ArsWaiting
        | Status::AuthPassword
        | Status::IssuedSid
            if agreed_at(&payment).plus(ORDER_CLOSED_AFTER) <= now =>
        {
            give_back(store, payment, Step::Decline, now).await?
        }
        Status::Ready
        | Status::SendTms
        | Status::OpenPayment
        | Status::SelectMethod
        | Status::ArsWaiting
        | Status::AuthPassword
        | Status::IssuedSid
        | Status::Other => return Ok(Outcome::StillOpen(payment)),
    };
    Ok(Outcome::Settled(settled))
}

/// When the buyer agreed: the last approval that was begun.
fn agreed_at(payment: &Payment) -> Time {
    let begun =
        |entry: &&HistoryEntry| matches!(entry.step, Step::StartApproval | Step::StartLateApproval);
    payment.history.iter().rev().find(begun).map_or(payment.created_at, |entry| entry.at)
}

/// Gives money back through KakaoPay, if there is some to go: of a payment of which tickets go back, what is not back yet of their
/// part; of one that can't keep what KakaoPay took (it is `REFUNDING` without tickets, or had failed by then, and its seats may be
/// another's), all that is left of its order. Any other stays as it is.
pub(crate) async fn give_money_back(
    store: &Store,
    kakaopay: &Kakaopay,
    mut payment: Payment,
    order: &Order,
    now: Time,
) -> Result<Payment, SalesFault> {
    if payment.state == State::Failed {
        call_person(payment.id, "MONEY_CAME");
        let nothing = |_: &mut Payment| Ok(Transaction::new());
        let came = advance(store, payment, Step::MoneyCame, now, nothing);
        payment = came.await.map_err(NotTaken::told)?;
    }
    if payment.state != State::Refunding {
        return Ok(payment);
    }
    // What is left is asked for each time: a cancellation whose answer was lost has left less.
    let Ok(answer) = kakaopay.order(&order.tid, payment.id).await else { return Ok(payment) };
    let Some(OrderAmounts { returned, left, left_vat, .. }) = answer.amounts else {
        return Ok(payment);
    };
    let amount = if payment.refunds.is_empty() {
        left
    } else if payment.refunds.last().is_some_and(|refund| refund.cause == Cause::WentBack) {
        // It went at KakaoPay's desk: what lacks there the next look shows to a person.
        Won::ZERO
    } else {
        payment.goes_back().cash.checked_sub(returned).unwrap_or_else(|| {
            call_person(payment.id, "MORE_WENT_BACK");
            Won::ZERO
        })
    };
    if !amount.is_zero() {
        let request =
            CancelRequest { tid: &order.tid, amount, available: left, available_vat: left_vat };
        if kakaopay.cancel(request).await.is_err() {
            return Ok(payment);
        }
    }
    let mut next = payment.refund_done(now)?;
    if payment.refunds.is_empty() {
        // What went back, and not what was taken by the same answer's word: the buyer is told this.
        next.refunded.tickets = next.quantity();
        next.refunded.cash = returned.checked_add(left).unwrap_or(left);
    }
    // Only this refund is over: another may have begun since.
    become_now(store, &payment, next).await
}

/// Ends the watch over a payment that has failed, and of which KakaoPay keeps nothing.
pub(crate) async fn close(
    store: &Store,
    payment: Payment,
    now: Time,
) -> Result<Payment, SalesFault> {
    become_now(store, &payment, payment.closed(now)).await
}
