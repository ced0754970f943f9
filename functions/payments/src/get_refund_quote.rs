//! `GET /v1/payments/{paymentId}/refund-quote`: what would go back of a payment, for its buyer.

use api::{Answer, Call, Path, Problem};
use domain::{
    id::TicketId,
    refund::{Cause, Rule},
    ticket::State,
    time::Time,
    won::{Percent, Won},
};
use sales::{SalesFault, cause_of, quote};
use serde::Serialize;
use store::{
    Store,
    identity::session::SignedIn,
    sales::{
        payment::{Payment, PaymentKey, Refund},
        ticket::{Ticket, TicketKey},
    },
};
use utoipa::ToSchema;

use crate::{
    path::PaymentPath,
    view::{event_of, own},
};

/// What would go back now, ticket by ticket. Tickets that go back together give back the sum of their cash and points. What was paid
/// for no tickets goes back whole.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefundQuoteView {
    /// Of what was paid for a ticket, this part goes back.
    percent: Percent,
    /// The rule that says so.
    rule: Rule,
    /// The tickets that are left of the payment.
    tickets: Vec<TicketQuote>,
    /// What goes back for all of them that can go back.
    all: QuoteSum,
    /// When it was asked: the part shrinks with the days before the event.
    at: Time,
}

/// What would go back for one ticket.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TicketQuote {
    ticket_id: TicketId,
    /// Only a `VALID` one goes back.
    state: State,
    #[serde(flatten)]
    sum: QuoteSum,
}

/// What would go back.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuoteSum {
    /// Through KakaoPay, in won.
    pub cash: Won,
    /// To the balance.
    pub points: Won,
    /// Both together: what `POST` is to be told.
    pub total: Won,
    /// Whether the coupon goes back.
    pub coupon_returned: bool,
    /// Points that the cash had earned and that are taken from the balance; what of them was spent is owed.
    pub earned_taken_back: Won,
}

impl QuoteSum {
    /// What a refund gives back.
    pub fn of(refund: &Refund) -> Self {
        let Refund { cash, points, coupon: coupon_returned, earned_taken_back, .. } = *refund;
        let total = Won::new(cash.get().saturating_add(points.get()));
        Self { cash, points, total, coupon_returned, earned_taken_back }
    }
}

/// Tells what would go back
///
/// Its buyer only; for everybody else it does not exist. Nothing is written. Of an event that was cancelled all goes back, and of one
/// that was moved to another time or place since, until it starts.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/refund-quote", params(PaymentPath),
    responses((status = 200, description = "What would go back now", body = RefundQuoteView)),
    security(("bearer" = [])),
)]
pub async fn handle(
    store: Store,
    call: Call<SignedIn, Path<PaymentPath>>,
) -> Result<Answer<RefundQuoteView>, Problem> {
    let Call { who, input: Path(PaymentPath { payment_id }), context } = call;
    let (session, payment) = store.read_for(&who, PaymentKey(payment_id), context.now).await?;
    let payment = own(payment, &session)?;
    // Before its tickets are read: what is not paid has none.
    let left: Vec<_> = payment.tickets_left().collect();
    let event = event_of(&store, &payment).await?;
    let cause = cause_of(&payment, event.as_ref(), context.now)?;
    quote(&payment, left.clone(), cause, context.now)?;
    sales::is_there(&store, &payment).await?;
    let keys: Vec<_> = left.into_iter().map(TicketKey).collect();
    let tickets: Vec<_> = store.read_all(&keys).await?.into_iter().flatten().collect();
    Ok(Answer::ok(view(&payment, &tickets, cause, context.now)?))
}

fn view(
    payment: &Payment,
    tickets: &[Ticket],
    cause: Cause,
    now: Time,
) -> Result<RefundQuoteView, SalesFault> {
    let sum = |ticket_ids| -> Result<_, SalesFault> {
        Ok(QuoteSum::of(&quote(payment, ticket_ids, cause, now)?))
    };
    let valid: Vec<_> =
        tickets.iter().filter(|ticket| ticket.state == State::Valid).map(|it| it.id).collect();
    let refund = quote(payment, valid, cause, now)?;
    let tickets = tickets.iter().map(|ticket| {
        let valid = ticket.state == State::Valid;
        let sum = if valid { sum(vec![ticket.id])? } else { QuoteSum::default() };
        Ok(TicketQuote { ticket_id: ticket.id, state: ticket.state, sum })
    });
    Ok(RefundQuoteView {
        percent: refund.percent,
        rule: refund.rule,
        tickets: tickets.collect::<Result<_, SalesFault>>()?,
        all: QuoteSum::of(&refund),
        at: now,
    })
}
