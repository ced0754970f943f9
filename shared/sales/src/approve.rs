use domain::{
    id::PaymentId,
    payment::{State, Step},
    time::Time,
};
use gateways::Kakaopay;
use store::{
    Rejected, Relaxed, Store, Transaction,
    catalog::on_sale::{OnSale, OnSaleKey},
    identity::member::MemberKey,
    sales::{
        buyer::{self, BuyerKey},
        payment::{Booking, Order, Payment, Secret, Subject},
        points::BalanceKey,
        sold_out::SoldOutKey,
        stock::Seats,
    },
};

use crate::{
    SalesFault, Unmet, as_told, find, on_sale, reconcile, returning,
    seats::{NotTaken, Wanted},
    settle::{self, Outcome, ROUNDS, give_back},
    spending,
};

/// The buyer agreed on KakaoPay's page and came back: takes the money and makes the tickets.
///
/// KakaoPay is told to take money only after `APPROVING` was written, and that only while the hold lives, or with the seats taken
/// again in the same transaction. The answer is the payment as it stands then: `APPROVED`; `APPROVING` when the outcome is open
/// (the reconciler settles it); `EXPIRED` when the buyer came too late and the seats are gone (nothing was charged); or any other
/// state that it had reached before. Coming back twice changes nothing.
///
/// # Errors
/// `PAYMENT_NOT_FOUND` (also for a wrong token), or the database's trouble.
pub async fn approve(
    store: &Store,
    kakaopay: &Kakaopay,
    id: PaymentId,
    token: &str,
    pg_token: &str,
    now: Time,
) -> Result<Payment, SalesFault> {
    let mut payment = returning(store, id, token).await?;
    if payment.state == State::Approving {
        // Another visit is at it. If it died over it, that is for us to finish.
        return reconcile(store, kakaopay, id, now).await;
    }
    payment = as_told(store, payment, now).await?;
    let Some(order) = payment.order.clone() else { return Ok(payment) };
    let pg_token = Secret(pg_token.to_owned());
    if let (State::Ready | State::Expired, Subject::Sponsorship(gift)) =
        (payment.state, &payment.subject)
    {
        // Nobody is charged for an artist who left meanwhile.
        let artist = store.get(&MemberKey(gift.artist_id)).await?;
        if !artist.is_some_and(|artist| artist.is_artist()) {
            return give_back(store, payment, Step::Cancel, now).await;
        }
    }
    let started = match payment.state {
        State::Ready => start(store, &payment, Step::StartApproval, &pg_token, now).await?,
        State::Expired => start_late(store, &payment, &pg_token, now).await?,
        _ => return Ok(payment),
    };
    let Some(approving) = started else { return find(store, id).await };
    finish(store, kakaopay, approving, &order, &pg_token, now).await
}

/// Writes that KakaoPay is about to be told. `None` if somebody else was faster.
async fn start(
    store: &Store,
    payment: &Payment,
    step: Step,
    pg_token: &Secret,
    now: Time,
) -> Result<Option<Payment>, SalesFault> {
    let mut next = payment.after(step, now)?;
    next.pg_token = Some(pg_token.clone());
    match store.write(payment.becomes(&next), ()).await {
        Ok(()) => Ok(Some(next)),
        Err(Rejected::Condition(())) => Ok(None),
        Err(Rejected::Store(fault)) => Err(fault.into()),
    }
}

/// The same after the hold ended, with the seats, the coupon and the points taken again. `None` if one of them is not to be had on
/// the same terms.
async fn start_late(
    store: &Store,
    payment: &Payment,
    pg_token: &Secret,
    now: Time,
) -> Result<Option<Payment>, SalesFault> {
    // What takes no seats ends by its hold like all else, and has nothing to be taken again.
    let Some(booking) = payment.booking() else {
        return start(store, payment, Step::StartLateApproval, pg_token, now).await;
    };
    for _ in 0..ROUNDS {
        match take_again(store, payment, booking, pg_token, now).await {
            // The balance is no longer what was read.
            Err(NotTaken::Because(Unmet::Points)) => {}
            Ok(started) => return Ok(started),
            Err(
                NotTaken::Because(_)
                | NotTaken::Fault(
                    SalesFault::SoldOut { .. }
                    | SalesFault::NotEnoughSeats { .. }
                    | SalesFault::TermsChanged,
                ),
            ) => return Ok(None),
            Err(NotTaken::Fault(fault)) => return Err(fault),
        }
    }
    Err(SalesFault::Contended)
}

async fn take_again(
    store: &Store,
    payment: &Payment,
    booking: &Booking,
    pg_token: &Secret,
    now: Time,
) -> Result<Option<Payment>, NotTaken> {
    let points = payment.set_aside.map(|_| BalanceKey(payment.member_id));
    let keys = (Relaxed(OnSaleKey(booking.event_id)), SoldOutKey(booking.event_id));
    let ((event, seen), balance) = store.read(&(keys, Vec::from_iter(points))).await?;
    let balance = balance.into_iter().flatten().next().unwrap_or_default();
    let same = |event: &OnSale| event.terms_version == booking.terms_version;
    let Some(event) = on_sale(store, booking.event_id, event).await?.filter(same) else {
        return Ok(None);
    };
    let Ok(wanted) = Wanted::of(&event, booking.quantity, seen.unwrap_or_default(), now) else {
        return Ok(None);
    };
    let mut approving = payment.after(Step::StartLateApproval, now)?;
    approving.pg_token = Some(pg_token.clone());
    let Ok((approving, spending)) = spending::hold(approving, balance, now) else {
        return Ok(None);
    };
    let buyer = BuyerKey { member_id: payment.member_id, event_id: booking.event_id };
    let rest = |seats: &[Seats]| {
        Transaction::new()
            .require(payment.becomes(&approving.with_seats(seats)), Unmet::Moved)
            .require(buyer::hold(&buyer, booking.quantity), Unmet::TicketLimit)
            .and(spending.clone())
    };
    let seats = wanted.take(store, now, rest).await?;
    Ok(Some(approving.with_seats(&seats)))
}

async fn finish(
    store: &Store,
    kakaopay: &Kakaopay,
    approving: Payment,
    order: &Order,
    pg_token: &Secret,
    now: Time,
) -> Result<Payment, SalesFault> {
    let payment = settle::take_money(store, kakaopay, approving, order, &pg_token.0, now).await?;
    if payment.state != State::Approving {
        return Ok(payment);
    }
    // The outcome is unknown, and the buyer is waiting: KakaoPay may know already.
    match settle::by_order(store, kakaopay, payment, order, now).await? {
        Outcome::Settled(payment) | Outcome::Unclear(payment) | Outcome::StillOpen(payment) => {
            Ok(payment)
        }
    }
}
