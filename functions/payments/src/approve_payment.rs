//! `GET /v1/payments/{paymentId}/returns/{token}/approve`: the buyer agreed on KakaoPay's page and comes back.

use api::{Anyone, Call, FieldFaults, Path, Problem, Query, Response};
use deserr::Deserr;
use domain::invalid::Invalid;
use gateways::Kakaopay;
use sales::approve;
use store::Store;
use utoipa::IntoParams;

use crate::{
    return_page::{ReturnPath, show},
    view::PaymentView,
};

/// What KakaoPay adds to the address. It may add more some day, which is not the buyer's fault.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = FieldFaults)]
#[into_params(parameter_in = Query)]
pub struct ApprovalQuery {
    /// Proves to KakaoPay that the buyer agreed; good once.
    #[param(value_type = String, min_length = 1, max_length = 100, pattern = "^[!-~]+$")]
    pub pg_token: PgToken,
}

/// KakaoPay's proof: 1 to 100 visible ASCII characters. Anything else KakaoPay would refuse for its form, which says nothing of
/// the payment, so it is refused before anything is written.
#[derive(Debug, Deserr)]
#[deserr(try_from(String) = PgToken::try_from -> Invalid)]
pub struct PgToken(String);

impl TryFrom<String> for PgToken {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        if !(1..=100).contains(&text.len()) {
            return Err(Invalid::Length { min: 1, max: 100 });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::Characters);
        }
        Ok(Self(text))
    }
}

/// Comes back from KakaoPay to be charged
///
/// A browser is shown a page, a program JSON. Coming back twice changes nothing.
#[utoipa::path(get, path = "/v1/payments/{paymentId}/returns/{token}/approve", params(ReturnPath, ApprovalQuery),
    responses((status = 200, description = "How the payment stands", content((PaymentView = "application/json"), (String = "text/html")))),
)]
pub async fn handle(
    (store, kakaopay): (Store, Kakaopay),
    call: Call<Anyone, (Path<ReturnPath>, Query<ApprovalQuery>)>,
) -> Result<Response, Problem> {
    let Call { input: (Path(ReturnPath { payment_id, token }), Query(agreed)), context, .. } = call;
    let pg_token = agreed.pg_token.0;
    let payment = approve(&store, &kakaopay, payment_id, &token, &pg_token, context.now).await?;
    Ok(show(payment, &context))
}
