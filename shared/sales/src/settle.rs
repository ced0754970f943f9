use std::time::Duration;

use domain::{
    id::TicketId,
    payment::{HistoryEntry, State, Step},
    points::earned,
    time::Time,
};
use gateways::kakaopay::{self, ApproveRequest, CancelRequest, Kakaopay, OrderAmounts, Status};
use store::{
    Rejected, Store, Transaction,
    sales::{
        buyer::{self, BuyerKey},
        payment::{Order, Payment},
        points, sold_out, stock,
        ticket::Ticket,
    },
};

use crate::{Cause, SalesFault, find};

/// Makes the payment approved, with all that follows from it. Changes nothing if it is no longer where the step starts from.
pub(crate) async fn approve(
    store: &Store,
    mut payment: Payment,
    step: Step,
    aid: Option<&str>,
    now: Time,
) -> Result<Payment, SalesFault> {
    while let Ok(mut next) = payment.after(step, now) {
        next.aid = aid.map(str::to_owned);
        next.ticket_ids = (0..payment.quantity.get()).map(|_| TicketId::generate()).collect();
        let mut transaction = Transaction::new().require(payment.becomes(&next), Cause::Moved);
        for seats in &payment.seats {
            transaction = transaction.also(stock::sell(payment.event_id, *seats));
        }
        for id in &next.ticket_ids {
            transaction = transaction.also(Ticket::of(&next, *id, now).create());
        }
        for write in points::earn(payment.member_id, payment.id, earned(payment.amounts.cash), now)
        {
            transaction = transaction.also(write);
        }
        match store.transact(transaction).await {
            Ok(()) => return Ok(next),
            Err(Rejected::Condition(_)) => payment = find(store, payment.id).await?,
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Ok(payment)
}

/// Takes the step and gives back what the payment held. Changes nothing if it is no longer where the step starts from.
pub(crate) async fn give_back(
    store: &Store,
    mut payment: Payment,
    step: Step,
    now: Time,
) -> Result<Payment, SalesFault> {
    while let Ok(next) = payment.after(step, now) {
        let buyer = BuyerKey { member_id: payment.member_id, event_id: payment.event_id };
        let mut transaction = Transaction::new()
            .require(payment.becomes(&next), Cause::Moved)
            .also(buyer::release(&buyer, payment.quantity))
            .also(sold_out::clear(payment.event_id));
        for seats in &payment.seats {
            transaction = transaction.also(stock::release(payment.event_id, *seats));
        }
        match store.transact(transaction).await {
            Ok(()) => return Ok(next),
            Err(Rejected::Condition(_)) => payment = find(store, payment.id).await?,
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Ok(payment)
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
    let mut payment = payment;
    while let Ok(mut next) = payment.after(Step::FinishRefund, now) {
        next.refunded.tickets = payment.quantity.get();
        next.refunded.cash = given_back;
        match store.write(payment.becomes(&next), ()).await {
            Ok(()) => return Ok(next),
            Err(Rejected::Condition(())) => payment = find(store, payment.id).await?,
            Err(Rejected::Store(fault)) => return Err(fault.into()),
        }
    }
    Ok(payment)
}

/// KakaoPay first said that a payment had failed, and then took its money. Its seats may be another's by now, so the money goes
/// back at once. If that fails as well, a person finds it by this line.
async fn return_stray_money(kakaopay: &Kakaopay, payment: &Payment, order: &Order) {
    let cash = payment.amounts.cash;
    let request = CancelRequest { tid: &order.tid, amount: cash, available: cash };
    let returned = kakaopay.cancel(request).await.is_ok();
    tracing::error!(payment_id = %payment.id, outcome = returned, "KakaoPay took the money of a failed payment");
}
