use std::time::Duration;

use domain::{
    id::TicketId,
    payment::{HistoryEntry, State, Step},
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

use crate::{SalesFault, find};

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

/// Takes the step and gives back what the payment held.
pub(crate) async fn give_back(
    store: &Store,
    payment: Payment,
    step: Step,
    now: Time,
) -> Result<Payment, SalesFault> {
    advance(store, payment, step, now, |next| {
        let buyer = BuyerKey { member_id: next.member_id, event_id: next.event_id };
        let counters =
            [buyer::release(&buyer, next.quantity), sold_out::clear(next.event_id)].into_iter();
        let seats = next.seats.iter().map(|seats| stock::release(next.event_id, *seats));
        counters.chain(seats).collect()
    })
    .await
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
            if payment.state == State::Failed {
                return_stray_money(kakaopay, &payment, order).await;
            }
            Ok(payment)
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
pub(crate) enum Settled {
    /// It is settled, as far as it goes.
    Yes(Payment),
    /// KakaoPay has not taken the money, and still could.
    Open(Payment),
}

/// Asks KakaoPay how the order of an `APPROVING` payment stands, and goes by that.
pub(crate) async fn by_order(
    store: &Store,
    kakaopay: &Kakaopay,
    payment: Payment,
    order: &Order,
    now: Time,
) -> Result<Settled, SalesFault> {
    let Ok(answer) = kakaopay.order(&order.tid, payment.id).await else {
        return Ok(Settled::Yes(payment));
    };
    let settled = match answer.status {
        Status::SuccessPayment | Status::PartCancelPayment => {
            // Paid, and not told how much: unclear, so it is asked again.
            let Some(amounts) = answer.amounts else { return Ok(Settled::Yes(payment)) };
            if amounts.taken == payment.amounts.cash && amounts.returned.is_zero() {
                approve(store, payment, Step::Approve, answer.aid.as_deref(), now).await?
            } else {
                tracing::error!(payment_id = %payment.id, amount = amounts.taken.get(), "KakaoPay took another amount");
                let payment = give_back(store, payment, Step::Reverse, now).await?;
                give_money_back(store, kakaopay, payment, order, now).await?
            }
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
            if agreed_at(&payment).plus(KAKAOPAY_SESSION) <= now =>
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
        | Status::Other => return Ok(Settled::Open(payment)),
    };
    Ok(Settled::Yes(settled))
}

/// Twice as long as KakaoPay keeps an order open that is not paid. Whatever has not taken the money by then never will.
const KAKAOPAY_SESSION: Duration = Duration::from_mins(30);

/// When the buyer agreed: the last approval that was begun.
fn agreed_at(payment: &Payment) -> Time {
    let begun =
        |entry: &&HistoryEntry| matches!(entry.step, Step::StartApproval | Step::StartLateApproval);
    payment.history.iter().rev().find(begun).map_or(payment.created_at, |entry| entry.at)
}

/// Gives back through KakaoPay all that is left of the order of a `REFUNDING` payment. Any other stays as it is.
pub(crate) async fn give_money_back(
    store: &Store,
    kakaopay: &Kakaopay,
    payment: Payment,
    order: &Order,
    now: Time,
) -> Result<Payment, SalesFault> {
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

/// KakaoPay first said that a payment had failed, and then took its money. Its seats may be another's by now, so the money goes
/// back at once. If that fails as well, a person finds it by this line.
async fn return_stray_money(kakaopay: &Kakaopay, payment: &Payment, order: &Order) {
    let cash = payment.amounts.cash;
    let request = CancelRequest { tid: &order.tid, amount: cash, available: cash };
    let returned = kakaopay.cancel(request).await.is_ok();
    tracing::error!(payment_id = %payment.id, outcome = returned, "KakaoPay took the money of a failed payment");
}
