use domain::{
    id::TicketId,
    payment::{HistoryEntry, ORDER_CLOSED_AFTER, State, Step},
    points::earned,
    time::Time,
};
use gateways::kakaopay::{self, ApproveRequest, CancelRequest, Kakaopay, OrderAmounts, Status};
use store::{
    Rejected, Store, Transaction, Write,
    sales::{
        buyer::{self, BuyerKey},
        payment::{Order, Payment},
        points, sold_out, stock,
        ticket::Ticket,
    },
};

use crate::{SalesFault, call_person, find};

/// Takes a step of a payment, from wherever it stands by then, with what belongs to the step: what changes in the payment, and the
/// writes that are one with it. Whoever is beaten to it reads the payment again; once the step is no longer legal, nothing changes.
async fn advance(
    store: &Store,
    mut payment: Payment,
    step: Step,
    now: Time,
    rest: impl Fn(&mut Payment) -> Vec<Write>,
) -> Result<Payment, SalesFault> {
    while let Ok(mut next) = payment.after(step, now) {
        let rest = rest(&mut next);
        let moved = payment.becomes(&next);
        let written = if rest.is_empty() {
            store.write(moved, ()).await
        } else {
            let whole = Transaction::new().require(moved, ());
            store.transact(rest.into_iter().fold(whole, Transaction::also)).await
        };
        match written {
            Ok(()) => return Ok(next),
            Err(Rejected::Condition(())) => payment = find(store, payment.id).await?,
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Ok(payment)
}

/// Makes the payment approved, with all that follows from it.
pub(crate) async fn approve(
    store: &Store,
    payment: Payment,
    step: Step,
    aid: Option<&str>,
    now: Time,
) -> Result<Payment, SalesFault> {
    advance(store, payment, step, now, |next| {
        next.aid = aid.map(str::to_owned);
        next.ticket_ids = (0..next.quantity.get()).map(|_| TicketId::generate()).collect();
        let sold = next.seats.iter().map(|seats| stock::sell(next.event_id, *seats));
        let tickets = next.ticket_ids.iter().map(|id| Ticket::of(next, *id, now).create());
        let points = points::earn(next.member_id, next.id, earned(next.amounts.cash), now);
        sold.chain(tickets).chain(points).collect()
    })
    .await
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
        let buyer = BuyerKey { member_id: next.member_id, event_id: next.event_id };
        let seats = next.seats.iter().map(|seats| stock::release(next.event_id, *seats));
        let release = buyer::release(&buyer, next.quantity);
        let unpaid = next.order.is_some() && step != Step::Reverse;
        seats.chain([if unpaid { buyer::unpaid(release, now) } else { release }]).collect()
    })
    .await?;
    if let Err(Rejected::Store(fault)) = store.write(sold_out::clear(ended.event_id), ()).await {
        tracing::warn!(event_id = %ended.event_id, error = %fault, "the sold-out mark stays until its time is over");
    }
    Ok(ended)
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

/// Gives back through KakaoPay all that is left of the order of a payment that can't keep what KakaoPay took: one that is
/// `REFUNDING`, or one that had failed by then, whose seats may be another's. Any other stays as it is.
pub(crate) async fn give_money_back(
    store: &Store,
    kakaopay: &Kakaopay,
    mut payment: Payment,
    order: &Order,
    now: Time,
) -> Result<Payment, SalesFault> {
    if payment.state == State::Failed {
        call_person(payment.id, "MONEY_CAME");
        payment = advance(store, payment, Step::MoneyCame, now, |_| Vec::new()).await?;
    }
    if payment.state != State::Refunding {
        return Ok(payment);
    }
    // What is left is asked for each time: a cancellation whose answer was lost has left less.
    let Ok(answer) = kakaopay.order(&order.tid, payment.id).await else { return Ok(payment) };
    let Some(OrderAmounts { returned, left, .. }) = answer.amounts else { return Ok(payment) };
    if !left.is_zero() {
        let request = CancelRequest { tid: &order.tid, amount: left, available: left };
        if kakaopay.cancel(request).await.is_err() {
            return Ok(payment);
        }
    }
    // What went back, and not what was taken by the same answer's word: the buyer is told this.
    let given_back = returned.checked_add(left).unwrap_or(left);
    advance(store, payment, Step::FinishRefund, now, |next| {
        next.refunded.tickets = next.quantity.get();
        next.refunded.cash = given_back;
        Vec::new()
    })
    .await
}

/// Ends the watch over a payment that has failed, and of which KakaoPay keeps nothing.
pub(crate) async fn close(
    store: &Store,
    payment: Payment,
    now: Time,
) -> Result<Payment, SalesFault> {
    let closed = payment.closed(now);
    match store.write(payment.becomes(&closed), ()).await {
        Ok(()) => Ok(closed),
        Err(Rejected::Condition(())) => find(store, payment.id).await,
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}
