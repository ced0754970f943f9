//! `POST /v1/payments`: holds seats for a buyer and opens the payment at KakaoPay.

use api::{Answer, Body, Call, Cursors, FieldFaults, Idempotency, Place, Problem};
use deserr::Deserr;
use domain::{
    event::{Quantity, TermsVersion},
    fault::Fault,
    id::{ClaimId, EventId, MemberId, OfferId, PaymentId},
    invalid::Invalid,
    payment::{LumpSum, Purpose, State},
    queue::QueueTicket,
    sponsorship::Message,
    time::Time,
    won::Won,
};
use gateways::Kakaopay;
use sales::{
    Held, Lack, Purchase, SalesFault, Terms, Tickets, Wants,
    codes::{NOT_AS_OFFERED, OFFER_OVER, QUEUE_NUMBER_NEEDED},
    hold,
};
use serde::Serialize;
use store::{Store, identity::session::SignedIn};
use utoipa::ToSchema;

use crate::{
    queue_ticket::{self, QueueTicketHeader},
    view::KakaopayPages,
};

/// What is bought.
#[derive(Debug, Clone, Deserr, ToSchema)]
#[deserr(error = FieldFaults, deny_unknown_fields, rename_all = camelCase)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(example = json!({
    "purpose": "TICKETS", "eventId": "evt_01KB4ZXJ3V8Q5W7N2M6T9RHCDE", "quantity": 2, "points": 1_000,
}))]
pub struct CreatePayment {
    /// What is paid for: it says which of the other fields have to be there, and which may.
    pub purpose: Purpose,
    /// Of `TICKETS`: the event.
    #[deserr(default)]
    pub event_id: Option<EventId>,
    /// Of `TICKETS`: how many; one buyer holds at most 4 of an event.
    #[deserr(default)]
    pub quantity: Option<Quantity>,
    /// Of `TICKETS`, if wanted: a coupon that the caller claimed. Its part comes off first, and what is more than the price is lost.
    #[deserr(default)]
    pub claim_id: Option<ClaimId>,
    /// Of `TICKETS`, if wanted: how many points are spent, no more than remain to be paid.
    #[deserr(default)]
    pub points: Option<Won>,
    /// Of `TICKETS`, if they were waited for: the offer that is taken, with as many tickets as it is for.
    #[deserr(default)]
    pub offer_id: Option<OfferId>,
    /// Of `TICKETS`, if wanted: the terms that the buyer was shown. On others nothing is bought (`TERMS_CHANGED`).
    #[deserr(default)]
    pub terms_version: Option<TermsVersion>,
    /// Of `SPONSORSHIP`: who is given something.
    #[deserr(default)]
    pub artist_id: Option<MemberId>,
    /// Of `SPONSORSHIP` and `POINTS`: how much, in won.
    #[deserr(default)]
    pub amount: Option<LumpSum>,
    /// Of `SPONSORSHIP`, if wanted: what the artist is told with it.
    #[deserr(default)]
    pub message: Option<Message>,
}

impl CreatePayment {
    /// What is wanted, if all that belongs to it is there and nothing else.
    fn wants(self, queue_ticket: Option<QueueTicket>) -> Result<Wants, Problem> {
        let Self {
            purpose,
            event_id,
            quantity,
            claim_id,
            points,
            offer_id,
            terms_version,
            artist_id,
            amount,
            message,
        } = self;
        let (tickets, lump, gift) = match purpose {
            Purpose::Tickets => (true, false, false),
            Purpose::Sponsorship => (false, true, true),
            Purpose::Points => (false, true, false),
            Purpose::Unknown => {
                let allowed = Purpose::NAMES;
                return Err(Problem::broken_rules(vec![("purpose", Invalid::Choice { allowed })]));
            }
        };
        let rules = [
            ("eventId", event_id.is_some(), tickets, tickets),
            ("quantity", quantity.is_some(), tickets, tickets),
            ("claimId", claim_id.is_some(), false, tickets),
            ("points", points.is_some(), false, tickets),
            ("offerId", offer_id.is_some(), false, tickets),
            ("termsVersion", terms_version.is_some(), false, tickets),
            ("artistId", artist_id.is_some(), gift, gift),
            ("amount", amount.is_some(), lump, lump),
            ("message", message.is_some(), false, gift),
        ];
        let broken = |(name, given, needed, allowed)| match (given, needed, allowed) {
            (false, true, _) => Some((name, Invalid::Missing)),
            (true, _, false) => Some((name, Invalid::NotHere)),
            _ => None,
        };
        let broken: Vec<_> = rules.into_iter().filter_map(broken).collect();
        match (event_id, quantity, artist_id, amount) {
            _ if !broken.is_empty() => Err(Problem::broken_rules(broken)),
            (Some(event_id), Some(quantity), _, _) => {
                let points = points.unwrap_or_default();
                Ok(Wants::Tickets(Tickets {
                    event_id,
                    quantity,
                    claim_id,
                    points,
                    offer_id,
                    queue_ticket,
                    terms_version,
                }))
            }
            (_, _, Some(artist_id), Some(amount)) => {
                Ok(Wants::Sponsorship { artist_id, amount, message })
            }
            (_, _, _, Some(amount)) => Ok(Wants::Points(amount)),
            _ => Err(Problem::new(domain::codes::INTERNAL)),
        }
    }
}

/// A purchase as it is now: what it holds, and where to pay it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldView {
    /// The payment's id.
    pub id: PaymentId,
    /// `READY`, or `APPROVED` when there was nothing to pay; for a key that comes again, whatever has become of it.
    pub state: State,
    /// Price × quantity, or the amount, in won.
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

/// What some refusals tell besides.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PurchaseRefused {
    /// Of `TICKET_LIMIT`, `COUPON_NOT_USABLE` and `NOT_ENOUGH_POINTS`: the caller's own payment that holds such tickets, the coupon, or points, and is not paid yet: to be paid on its pages, or given
    /// up. The newest, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_payment: Option<HeldView>,
    /// Of `NOT_ENOUGH_SEATS`: how many are left, fewer than were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    seats_left: Option<u32>,
    /// Of `SOLD_OUT`: whether others wait already, so that seats that come back are offered to them first. Whoever wants one may
    /// join them.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited_for: Option<bool>,
}

/// Buys tickets or points, or sponsors an artist
///
/// Holds the seats, a coupon and points for 15 minutes and answers KakaoPay's pages. Points that are bought, and what an artist is given, are
/// there once they are paid. The same key with the same body never buys twice: for 24 hours
/// it answers the payment as it is now, without pages once it waits no more. Who has held and not paid before waits a while (`UNPAID_TOO_OFTEN`);
/// what KakaoPay does not take in one payment is not held (`AMOUNT_NOT_PAYABLE`). What was waited for is taken with its offer.
/// Where many come at once, who has a number that is let in buys (`QUEUE_NUMBER_NEEDED`, `NOT_YOUR_TURN`). Who buys has a verified e-mail address (`EMAIL_NEEDED`) and is of age (`AGE_NEEDED`).
#[utoipa::path(post, path = "/v1/payments", request_body = CreatePayment,
    params(Idempotency, QueueTicketHeader),
    responses(
        (status = 201, description = "Held", body = HeldView, headers(("Location" = String))),
        (status = 400, description = "Refused", body = PurchaseRefused, content_type = "application/problem+json"),
    ),
    security(("bearer" = [])),
)]
pub async fn handle(
    (store, kakaopay, terms, cursors): (Store, Kakaopay, Terms, Cursors),
    call: Call<SignedIn, Body<CreatePayment>>,
) -> Result<Answer<HeldView>, Problem> {
    let idempotency = call.idempotency()?;
    let Call { who: buyer, input: Body(body), context } = call;
    let queue_ticket = match (body.event_id, queue_ticket::sent(&context)) {
        // One that can't be read is none: it is asked for where there is a queue.
        (Some(event_id), Some(sealed)) if body.purpose == Purpose::Tickets => {
            queue_ticket::open(&cursors, event_id, sealed).await?
        }
        _ => None,
    };
    let purchase = Purchase {
        buyer,
        address: context.address,
        wants: body.wants(queue_ticket)?,
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
        SalesFault::Lacks(lack, open) => {
            let open_payment = open.map(|open| HeldView::from(*open));
            let code = SalesFault::Lacks(lack, None).code();
            let problem = match lack {
                Lack::Tickets => Problem::new(code),
                Lack::Coupon => Problem::field(Place::Body, "/claimId", code),
                Lack::Points => Problem::field(Place::Body, "/points", code),
            };
            problem.telling(&PurchaseRefused { open_payment, ..Default::default() })
        }
        SalesFault::NotEnoughSeats { left } => {
            let told = PurchaseRefused { seats_left: Some(left), ..Default::default() };
            Problem::from(SalesFault::NotEnoughSeats { left }).telling(&told)
        }
        SalesFault::SoldOut { waited_for } => {
            let told = PurchaseRefused { waited_for: Some(waited_for), ..Default::default() };
            Problem::from(SalesFault::SoldOut { waited_for }).telling(&told)
        }
        SalesFault::Queued => {
            Problem::field(Place::Header, queue_ticket::HEADER, QUEUE_NUMBER_NEEDED)
        }
        SalesFault::OfferOver => Problem::field(Place::Body, "/offerId", OFFER_OVER),
        SalesFault::NotAsOffered { .. } => Problem::field(Place::Body, "/quantity", NOT_AS_OFFERED),
        SalesFault::Points(fault) => Problem::field(Place::Body, "/points", fault.code()),
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
    fn what_an_unpaid_payment_holds_is_told_with_it_and_any_other_lack_without() {
        let amounts = Amounts::cash(Won::new(30_000));
        let (payment_id, hold_ends_at) = (PaymentId::generate(), Time::now());
        let open = Held { payment_id, state: State::Ready, amounts, hold_ends_at, order: None };
        for (lack, code, pointer) in [
            (Lack::Tickets, "TICKET_LIMIT", None),
            (Lack::Coupon, "COUPON_NOT_USABLE", Some("/claimId")),
            (Lack::Points, "NOT_ENOUGH_POINTS", Some("/points")),
        ] {
            let (status, problem) = told(SalesFault::Lacks(lack, Some(Box::new(open.clone()))));
            assert_eq!((status, &problem["code"]), (400, &json!(code)));
            assert_eq!(problem["errors"][0]["pointer"].as_str(), pointer);
            let named = &problem["openPayment"];
            assert_eq!((&named["id"], &named["state"]), (&json!(payment_id), &json!("READY")));
            assert_eq!(named["holdEndsAt"], json!(hold_ends_at));
            let (_, problem) = told(SalesFault::Lacks(lack, None));
            assert_eq!((&problem["code"], problem.get("openPayment")), (&json!(code), None));
        }
    }

    #[test]
    fn each_purpose_has_its_own_fields_and_whatever_is_missing_or_not_its_own_is_told_at_once() {
        let event = json!(EventId::generate());
        let artist = json!(MemberId::generate());
        for (body, faults) in [
            (json!({ "purpose": "TICKETS" }), "eventId:MISSING quantity:MISSING"),
            (
                json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1, "amount": 1_000, "message": "hi" }),
                "amount:UNKNOWN_FIELD message:UNKNOWN_FIELD",
            ),
            (json!({ "purpose": "SPONSORSHIP", "amount": 1_000 }), "artistId:MISSING"),
            (
                json!({ "purpose": "SPONSORSHIP", "artistId": artist, "points": 0 }),
                "points:UNKNOWN_FIELD amount:MISSING",
            ),
            (
                json!({ "purpose": "POINTS", "amount": 1_000, "artistId": artist, "quantity": 1 }),
                "quantity:UNKNOWN_FIELD artistId:UNKNOWN_FIELD",
            ),
            (json!({ "purpose": "TICKETS", "eventId": event, "quantity": 1, "points": 5 }), ""),
            (json!({ "purpose": "SPONSORSHIP", "artistId": artist, "amount": 1_000 }), ""),
            (json!({ "purpose": "POINTS", "amount": 1_000_000 }), ""),
        ] {
            let parsed: Result<CreatePayment, FieldFaults> = deserr::deserialize(body.clone());
            let told = match parsed.unwrap().wants(None) {
                Ok(_) => String::new(),
                Err(problem) => {
                    let response = problem.into_response(&Context::at(Time::now()));
                    let problem: Value = serde_json::from_slice(response.body()).unwrap();
                    let fault = |it: &Value| {
                        let name = it["pointer"].as_str().unwrap().trim_start_matches('/');
                        format!("{name}:{}", it["code"].as_str().unwrap())
                    };
                    let faults: Vec<_> =
                        problem["errors"].as_array().unwrap().iter().map(fault).collect();
                    faults.join(" ")
                }
            };
            assert_eq!(told, faults, "{body}");
        }
    }

    #[test]
    fn who_wants_more_seats_than_are_left_is_told_how_many_are() {
        let (status, problem) = told(SalesFault::NotEnoughSeats { left: 2 });
        assert_eq!((status, &problem["code"]), (400, &json!("NOT_ENOUGH_SEATS")));
        assert_eq!((&problem["seatsLeft"], problem.get("openPayment")), (&json!(2), None));
    }

    #[test]
    fn an_amount_that_kakaopay_does_not_take_points_to_how_many_are_bought() {
        let (status, problem) = told(NotPayable(Won::new(49)).into());
        assert_eq!((status, &problem["code"]), (422, &json!("AMOUNT_NOT_PAYABLE")));
        let fault = &problem["errors"][0];
        assert_eq!((&fault["in"], &fault["pointer"]), (&json!("body"), &json!("/quantity")));
    }
}
