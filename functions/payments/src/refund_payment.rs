//! `POST /v1/payments/{paymentId}/refunds`: tickets of a payment go back, for its buyer.

use api::{Answer, Body, Call, FieldFaults, Idempotency, Path, Place, Problem};
use deserr::Deserr;
use domain::{
    event::MAX_TICKETS_PER_BUYER, id::TicketId, invalid::Invalid, payment::Purpose, won::Won,
};
use gateways::Kakaopay;
use sales::{Asked, SalesFault, cause_of, codes::TICKETS_NOT_LEFT, refund};
use serde::Serialize;
use store::{
    Store,
    ephemeral::idempotency::{Begun, RecordKey},
    identity::session::SignedIn,
    sales::{
        payment::{Payment, PaymentKey},
        points::BalanceKey,
    },
};
use utoipa::ToSchema;

use crate::{
    get_refund_quote::QuoteSum,
    path::PaymentPath,
    view::{RefundView, event_of, own},
};

/// What goes back, and what its buyer was told of it.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RefundPayment {
    /// Tickets of the payment, each once. What was paid for no tickets goes back whole, with none.
    #[deserr(default)]
    #[schema(required = false, max_items = 4)]
    pub ticket_ids: Vec<TicketId>,
    /// The sum of their quotes, cash and points together, in won.
    pub total: Won,
}

/// What `QUOTE_CHANGED` tells besides.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuoteChanged {
    /// What goes back for these tickets now; absent where another conflict refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    quote: Option<QuoteSum>,
}

/// Gives tickets, a sponsorship or bought points back
///
/// As the quote says at this moment (`QUOTE_CHANGED` else). Their seats, points and what they earned go back at once, the money
/// through KakaoPay as soon as it takes it: until then the refund is `UNDER_WAY`, and nobody has to ask for it again.
#[utoipa::path(post, path = "/v1/payments/{paymentId}/refunds", request_body = RefundPayment,
    params(PaymentPath, Idempotency),
    responses(
        (status = 201, description = "Given back", body = RefundView, headers(("Location" = String))),
        (status = 409, description = "Refused", body = QuoteChanged, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, kakaopay): (Store, Kakaopay),
    call: Call<SignedIn, (Path<PaymentPath>, Body<RefundPayment>)>,
) -> Result<Answer<RefundView>, Problem> {
    let idempotency = call.idempotency()?;
    let Call { who, input: (Path(PaymentPath { payment_id }), Body(body)), context } = call;
    let now = context.now;
    let keys = (PaymentKey(payment_id), BalanceKey::of(&who));
    let (session, (payment, balance)) = store.read_for(&who, keys, now).await?;
    let payment = own(payment, &session)?;
    let (min, max) = match payment.subject.purpose() {
        Purpose::Tickets => (1, MAX_TICKETS_PER_BUYER as usize),
        _ => (0, 0),
    };
    if !(min..=max).contains(&body.ticket_ids.len()) {
        return Err(Problem::broken_rules(vec![("ticketIds", Invalid::Length { min, max })]));
    }
    let event = event_of(&store, &payment).await?;

    let key = RecordKey::of(&who, "refund_payment", idempotency.key);
    let lease = match store.begin(key, &idempotency.fingerprint, now).await? {
        Begun::Run(lease) => lease,
        Begun::Finished(made) => {
            // The run that made it may have ended since the payment was read.
            let payment = own(store.get(&PaymentKey(payment_id)).await?, &session)?;
            return answer(&payment, made.parse().ok());
        }
    };
    let cause = match cause_of(&payment, event.as_ref(), now) {
        Ok(cause) => cause,
        Err(fault) => {
            store.give_up(&lease).await;
            return Err(fault.into());
        }
    };
    let asked = Asked { ticket_ids: body.ticket_ids, cause, total: Some(body.total) };
    let (balance, memory) = (balance.unwrap_or_default(), Some(&lease));
    match refund(&store, &kakaopay, payment, balance, &asked, memory, now).await {
        Ok(payment) => {
            // Another may have begun since: this is the one of these tickets.
            let mut all = payment.refunds.iter();
            answer(&payment, all.position(|it| it.ticket_ids == asked.ticket_ids))
        }
        Err(fault) => {
            store.give_up(&lease).await;
            Err(refused(fault))
        }
    }
}

fn refused(fault: SalesFault) -> Problem {
    match fault {
        SalesFault::TicketsNotLeft { place } => {
            Problem::field(Place::Body, &format!("/ticketIds/{place}"), TICKETS_NOT_LEFT)
        }
        SalesFault::QuoteChanged(refund) => {
            let quote = Some(QuoteSum::of(&refund));
            Problem::from(SalesFault::QuoteChanged(refund)).telling(&QuoteChanged { quote })
        }
        fault => fault.into(),
    }
}

/// One of the payment's refunds, as it stands now.
fn answer(payment: &Payment, made: Option<usize>) -> Result<Answer<RefundView>, Problem> {
    let views = RefundView::all(payment);
    let view = made.and_then(|made| views.into_iter().nth(made));
    let view = view.ok_or_else(|| Problem::new(domain::codes::INTERNAL))?;
    Ok(Answer::created(view, &format!("/v1/payments/{}", payment.id)))
}
