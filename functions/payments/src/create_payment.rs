//! `POST /v1/payments`: holds seats for a buyer and opens the payment at KakaoPay.

use api::{Answer, Body, Call, FieldFaults, Idempotency, Place, Problem};
use deserr::Deserr;
use domain::{
    event::Quantity,
    fault::Fault,
    id::{EventId, PaymentId},
    invalid::Invalid,
    payment::{Purpose, State},
    time::Time,
    won::Won,
};
use gateways::Kakaopay;
use sales::{Held, Purchase, SalesFault, Terms, hold};
use serde::Serialize;
use store::{Store, identity::session::SignedIn};
use utoipa::ToSchema;

use crate::view::KakaopayPages;

/// What is bought.
#[derive(Debug, Clone, Copy, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreatePayment {
    /// What is paid for.
    pub purpose: Purpose,
    /// The event.
    pub event_id: EventId,
    /// How many tickets; one buyer holds at most 4 of an event.
    pub quantity: Quantity,
}

/// A purchase as it is now: what it holds, and where to pay it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldView {
    /// The payment's id.
    pub id: PaymentId,
    /// `READY`, or `APPROVED` when there was nothing to pay; for a key that comes again, whatever has become of it.
    pub state: State,
    /// Price × quantity, in won.
    pub list_price: Won,
    /// What the coupon takes off, in won.
    pub coupon: Won,
    /// The points used.
    pub points: Won,
    /// What KakaoPay charges, in won.
    pub cash: Won,
    /// Until when the seats are kept.
    pub hold_ends_at: Time,
    /// Where to pay; there while the payment waits for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kakaopay: Option<KakaopayPages>,
}

impl From<Held> for HeldView {
    fn from(held: Held) -> Self {
        Self {
            id: held.payment_id,
            state: held.state,
            list_price: held.amounts.list_price,
            coupon: held.amounts.coupon,
            points: held.amounts.points,
            cash: held.amounts.cash,
            hold_ends_at: held.hold_ends_at,
            kakaopay: held.order.map(KakaopayPages::from),
        }
    }
}

/// What `TICKET_LIMIT` tells besides.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TicketLimit {
    /// The caller's own payment of that event that is not paid yet: to be paid on its pages, or given up. The newest, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_payment: Option<HeldView>,
}

/// Buys tickets
///
/// Holds the seats for 15 minutes and answers KakaoPay's pages. The same key with the same body never buys twice: for 24 hours
/// it answers the payment as it is now, without pages once it waits no more. Who has held and not paid before waits a while (`UNPAID_TOO_OFTEN`);
/// what KakaoPay does not take in one payment is not held (`AMOUNT_NOT_PAYABLE`). Who buys has a verified e-mail address (`EMAIL_NEEDED`) and is of age (`AGE_NEEDED`).
#[utoipa::path(post, path = "/v1/payments", request_body = CreatePayment,
    params(Idempotency),
    responses(
        (status = 201, description = "Held", body = HeldView, headers(("Location" = String))),
        (status = 400, description = "Refused", body = TicketLimit, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, kakaopay, terms): (Store, Kakaopay, Terms),
    call: Call<SignedIn, Body<CreatePayment>>,
) -> Result<Answer<HeldView>, Problem> {
    let idempotency = call.idempotency()?;
    let Call { who: buyer, input: Body(body), context } = call;
    let CreatePayment { purpose: Purpose::Tickets, event_id, quantity } = body else {
        let allowed = Purpose::NAMES;
        return Err(Problem::broken_rules(vec![("purpose", Invalid::Choice { allowed })]));
    };
    let purchase = Purchase {
        buyer,
        address: context.address,
        event_id,
        quantity,
        language: context.language,
        key: idempotency.key,
        body_hash: idempotency.fingerprint,
    };
    let held = hold(&store, &kakaopay, &terms, &purchase, context.now).await.map_err(refused)?;
    let location = format!("/v1/payments/{}", held.payment_id);
    Ok(Answer::created(held.into(), &location))
}

/// A refusal, with what its caller can do about it.
fn refused(fault: SalesFault) -> Problem {
    match fault {
        SalesFault::TicketLimit(open) => {
            let open_payment = open.clone().map(|open| HeldView::from(*open));
            Problem::from(SalesFault::TicketLimit(open)).telling(&TicketLimit { open_payment })
        }
        // Fewer tickets may be less than the most, and more of them enough.
        SalesFault::NotPayable(fault) => Problem::field(Place::Body, "/quantity", fault.code()),
        fault => fault.into(),
    }
}

#[cfg(test)]
mod tests {
    use api::Context;
    use domain::payment::{Amounts, NotPayable};
    use serde_json::{Value, json};

    use super::*;

    fn told(fault: SalesFault) -> (u16, Value) {
        let response = refused(fault).into_response(&Context::at(Time::now()));
        (response.status().as_u16(), serde_json::from_slice(response.body()).unwrap())
    }

    #[test]
    fn a_limit_that_an_unpaid_payment_fills_is_told_with_it_and_any_other_without() {
        let cash = Won::new(30_000);
        let amounts = Amounts { list_price: cash, coupon: Won::ZERO, points: Won::ZERO, cash };
        let (payment_id, hold_ends_at) = (PaymentId::generate(), Time::now());
        let open = Held { payment_id, state: State::Ready, amounts, hold_ends_at, order: None };
        let (status, problem) = told(SalesFault::TicketLimit(Some(Box::new(open))));
        assert_eq!((status, &problem["code"]), (400, &json!("TICKET_LIMIT")));
        let named = &problem["openPayment"];
        assert_eq!((&named["id"], &named["state"]), (&json!(payment_id), &json!("READY")));
        assert_eq!(named["holdEndsAt"], json!(hold_ends_at));
        let (_, problem) = told(SalesFault::TicketLimit(None));
        assert_eq!((&problem["code"], problem.get("openPayment")), (&json!("TICKET_LIMIT"), None));
    }

    #[test]
    fn an_amount_that_kakaopay_does_not_take_points_to_how_many_are_bought() {
        let (status, problem) = told(NotPayable(Won::new(49)).into());
        assert_eq!((status, &problem["code"]), (422, &json!("AMOUNT_NOT_PAYABLE")));
        let fault = &problem["errors"][0];
        assert_eq!((&fault["in"], &fault["pointer"]), (&json!("body"), &json!("/quantity")));
    }
}
